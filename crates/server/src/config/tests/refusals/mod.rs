//! What is written, and every line that the operator reads about it. Mistakes of one section are in its file.

mod apps;
mod catalogue;
mod defaults;
mod forward_auth;
mod handover;
mod keys;
mod organizations;
mod paths;
mod portal;
mod resources;
mod server;
mod store;
mod tokens;
mod users;
mod wire;

use super::World;
use crate::config::{Config, Source};

/// Loads each case and compares; `hallpass.toml:` is left out of what is said.
fn check(cases: &[(&str, &str)]) {
    for (file, said) in cases {
        let refused = World::new(file).refused().replace("hallpass.toml:", "");
        assert_eq!(refused, *said, "for\n{file}");
    }
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_known_one() {
    check(UNKNOWN);
}

#[test]
fn a_key_in_the_wrong_place_is_told_where_it_belongs() {
    check(PLACES);
}

#[test]
fn a_planned_section_is_refused_not_ignored() {
    check(PLANNED);
}

#[test]
fn a_wrong_shape_is_named_with_its_line() {
    check(SHAPES);
}

/// A list that was joined wrongly, or another file by mistake.
#[test]
fn faults_without_number_are_told_up_to_a_bound() {
    let keys: String = (0..1_000).map(|n| format!("nonsense{n} = 1\n")).collect();
    let refused = World::new(&keys).refused();
    assert_eq!(refused.lines().count(), 101);
    assert!(refused.ends_with("… and 900 more"), "{refused}");
    let long = World::new(&format!("[server]\nlisten = {:?}", "x".repeat(100_000))).refused();
    assert!(long.len() < 1_200, "{}", long.len());
}

#[test]
fn a_variable_is_named_by_its_name() {
    let world = World::new("")
        .variable("HALLPASS_TOKENS__ACESS", "1h")
        .variable("HALLPASS_TOKENS__ROTATE", "yes")
        .variable("HALLPASS_WIRE__IDENTITY", "sub")
        .variable("HALLPASS_USERS__A", "1")
        .variable("HALLPASS_SERVER__LISTEN__PORT", "1")
        .option("store.url", "mysql://db");
    assert_eq!(
        world.refused(),
        r#"HALLPASS_SERVER__LISTEN__PORT: listen is text, not a table: no key can be set in it
HALLPASS_TOKENS__ACESS: tokens.acess: unknown key; did you mean `access`?
HALLPASS_TOKENS__ROTATE: tokens.rotate: expected true or false, found "yes"
HALLPASS_USERS__A: users: expected tables ([[users]]), found a table
HALLPASS_WIRE__IDENTITY: wire.identity: expected a list such as ["a", "b"], found text
command line: store.url: expected a database such as "sqlite:hallpass.db", "sqlite:/folder/hallpass.db" or "postgres://user@host/database""#
    );
}

/// The preset that was most likely meant stands in for it; what its catalogue may hold is not judged.
#[test]
fn an_unknown_preset_hides_no_other_fault() {
    let file = r#"
        preset = "house-chek"
        [server]
        listen = "here"
        [tokens]
        acess = "1h"
        [[apps]]
        name = "A"
        client_id = "a"
        client_secret = "0123456789abcdef"
        scopes = ["of-the-preset"]
        products = ["Of the preset"]
        grant_types = ["client_credentials"]
        [[apps]]
        name = "B"
        client_id = "a"
        client_secret = "0123456789abcdef"
    "#;
    let told = |file: &str| World::new(file).refused().replace("hallpass.toml:", "");
    let others = r#"4: server.listen: expected an address such as "127.0.0.1:8080", found "here"
6: tokens.acess: unknown key; did you mean `access`?
16: apps[1].client_id: the same as apps[0].client_id (9)"#;
    let presets = "there are default, common-controls-hub, connected-home, house-check, apicbase";
    for (written, said) in [
        (
            "\"house-chek\"",
            format!("there is no preset \"house-chek\"; did you mean \"house-check\"? {presets}"),
        ),
        ("\"xyz\"", format!("there is no preset \"xyz\"; {presets}")),
        ("5", "expected text, found a number".to_owned()),
    ] {
        let told = told(&file.replace("\"house-chek\"", written));
        assert_eq!(told, format!("2: preset: {said}\n{others}"));
    }
    let mut world = World::new(&file.replace("preset = \"house-chek\"", ""));
    world.source.preset = Some("nope".to_owned());
    let refused = world.refused();
    assert!(
        refused.contains("command line: preset: there is no preset \"nope\""),
        "{refused}"
    );
    assert_eq!(refused.lines().count(), 4, "{refused}");
}

/// A mistake in one section used to hide how the objects go together.
#[test]
fn a_wrong_value_hides_no_fault_elsewhere() {
    let apps = "[[apps]]\nname = \"A\"\nclient_id = \"a\"\nclient_secret = \"0123456789abcdef\"\n".repeat(2);
    for (section, lines) in [
        ("[server]\nlisten = 5\n", 2),
        ("server = 5\n", 1),
        ("[tokens]\naccess = \"soon\"\n", 2),
        ("[wire]\ndialect = \"french\"\n", 2),
        ("[store]\nurl = \"mysql:x\"\n", 2),
        ("[keys]\nmaster = \"x\"\n", 2),
    ] {
        let refused = World::new(&format!("{section}{apps}")).refused();
        let twice = format!(
            "{}: apps[1].client_id: the same as apps[0].client_id (hallpass.toml:{})",
            lines + 7,
            lines + 3
        );
        assert!(refused.ends_with(&twice), "{refused}");
        assert_eq!(refused.lines().count(), 2, "{refused}");
    }
}

/// An object with a mistake is not told to be missing, and those after it keep their numbers.
#[test]
fn an_object_with_a_mistake_is_not_missing() {
    let file = r#"
        [[users]]
        email = "ada@example.com"
        name = 5
        [[organizations]]
        slug = "acme"
        members = ["ada@example.com:owner"]
        [[organizations]]
        slug = "globex"
        name = "Globex"
        members = ["ada@example.com:owner"]
        [[apps]]
        name = "A"
        [[apps]]
        name = "B"
        client_id = "b"
        client_secret = "0123456789abcdef"
        owner = "ada@example.com"
        organization = "acme"
        scopes = ["read"]
        products = ["Plan"]
        [[apps]]
        name = "C"
        client_id = "b"
        client_secret = "0123456789abcdef"
        [scopes.read]
        titel = "Read"
        [products.Plan]
        scope = ["read"]
    "#;
    let refused = World::new(file).refused().replace("hallpass.toml:", "");
    let places: Vec<_> = refused.lines().filter_map(|line| line.split(": ").nth(1)).collect();
    assert_eq!(
        places,
        [
            "users[0].name",
            "organizations[0].name",
            "apps[0].client_id",
            "apps[0].client_secret",
            "apps[2].client_id",
            "scopes.read.title",
            "scopes.read.titel",
            "products.Plan.scopes",
            "products.Plan.scope",
        ],
        "{refused}"
    );
    assert!(
        refused.contains("24: apps[2].client_id: the same as apps[1].client_id (16)"),
        "{refused}"
    );
}

#[test]
fn a_path_that_no_file_can_have_is_refused() {
    for (key, file) in [
        ("server.data", "[server]\ndata = \"a\\nb\""),
        ("keys.master_file", "[keys]\nmaster_file = \"a\\u0000b\""),
        ("store.url", "[store]\nurl = \"sqlite:a\\nb\""),
    ] {
        let refused = World::new(file).refused();
        assert!(refused.starts_with(&format!("hallpass.toml:2: {key}: ")), "{refused}");
        assert!(refused.contains("control characters"), "{refused}");
    }
}

/// A terminal would obey it, and a line would break.
#[test]
fn a_variables_name_is_told_without_its_control_characters() {
    let refused = World::new("").variable("HALLPASS_A\n\u{1b}[31m__B", "x").refused();
    assert_eq!(refused.lines().count(), 1, "{refused}");
    assert!(!refused.contains('\u{1b}'), "{refused}");
}

#[test]
fn presets_and_files_that_are_not_there() {
    let mut world = World::new("");
    world.source.preset = Some("apic".to_owned());
    assert_eq!(
        world.refused(),
        r#"command line: preset: there is no preset "apic"; did you mean "apicbase"? there are default, common-controls-hub, connected-home, house-check, apicbase"#
    );
    world.source.file = Some(world.folder.path().join("other.toml"));
    let refused = world.refused();
    let (file, preset) = refused.split_once('\n').unwrap();
    assert!(preset.contains("there is no preset \"apic\""), "{preset}");
    assert_eq!(file, "other.toml: cannot read this file: there is no such file");
    let source = Source {
        file: Some("/".into()),
        ..Source::default()
    };
    assert!(Config::load(&source).is_err());
}

/// Editors and shells add them unseen, and the secret that was meant is refused ever after.
#[test]
fn a_secret_that_nobody_can_type_is_refused() {
    for (content, said) in [
        ("\u{feff}hush", "it has a byte order mark, which nobody can type"),
        ("hu\nsh\n", "it has a line break, which nobody can type"),
        ("hush\n\n", "it has a line break, which nobody can type"),
        ("hu\rsh", "it has a line break, which nobody can type"),
        ("hu\tsh", "it has a tab, which nobody can type"),
        ("hu\0sh", "it has a NUL, which nobody can type"),
        ("hu\u{1b}sh", "it has a control character, which nobody can type"),
        ("hush \n", "the secret begins or ends with white space: remove it"),
        (" hush", "the secret begins or ends with white space: remove it"),
        ("hush\u{a0}", "the secret begins or ends with white space: remove it"),
    ] {
        for file in [
            "[[users]]\nemail = \"a@b\"\nname = \"A\"\npassword_file = \"s\"",
            "[store]\npassword_file = \"s\"",
            "[[resources]]\nidentifier = \"a\"\nname = \"A\"\nsecret_file = \"s\"",
            "[[apps]]\nclient_id = \"a\"\nname = \"A\"\nclient_secret_file = \"s\"",
        ] {
            let refused = World::new(file).beside("s", content).refused();
            assert!(refused.ends_with(&format!("s: {said}")), "{content:?}: {refused}");
            assert!(!refused.contains("hu"), "{refused}");
        }
    }
    for (inline, said) in [
        ("\\uFEFFhush", "byte order mark"),
        ("hu\\tsh", "tab"),
        ("hu\\nsh", "line break"),
    ] {
        let file = format!("[[users]]\nemail = \"a@b\"\nname = \"A\"\npassword = \"{inline}\"");
        let refused = World::new(&file).refused();
        assert!(refused.contains(said), "{refused}");
    }
    let file = "[[users]]\nemail = \"a@b\"\nname = \"A\"\npassword_file = \"s\"";
    for content in ["correct horse", "correct horse\n", "correct horse\r\n"] {
        World::new(file).beside("s", content).config();
    }
}

#[test]
fn no_message_repeats_a_secret() {
    for file in [
        "[keys]\nmaster = \"hush\"",
        "[[users]]\nemail = \"a@b\"\nname = \"A\"\npassword = \"hush\"\npassword_hash = \"hush\"",
        "[[resources]]\nidentifier = \"a\"\nname = \"A\"\nsecret = \"hush\u{e9}\"",
        "[store]\nurl = \"mysql://user:hush@db\"",
        "[server]\npublic_url = \"https://user:hush@a.example\"",
        "[[users]]\npassword = \"hush",
        "[[users]]\npassword = hush",
    ] {
        let refused = World::new(file).refused();
        assert!(!refused.contains("hush"), "{refused}");
    }
}

const UNKNOWN: &[(&str, &str)] = &[
    (
        r#"[tokens]
acess = "1h""#,
        "2: tokens.acess: unknown key; did you mean `access`?",
    ),
    (
        r#"[server]
listen = "127.0.0.1:1"

port = 1"#,
        "4: server.port: unknown key; the known keys are listen, public_url, api_url, data, trusted_proxies",
    ),
    (
        r#"[sever]
listen = "127.0.0.1:1""#,
        "1: sever: unknown key; did you mean `server`?",
    ),
    (
        "zzz = 1",
        "1: zzz: unknown key; the known keys are preset, server, store, tokens, wire, keys, paths, defaults, handover, forward_auth, portal, audit, brand, scopes, products, users, organizations, resources, apps",
    ),
    (
        r#"[wire]
zzz = 1"#,
        "2: wire.zzz: unknown key; the known keys are dialect, identity, refusal_message, empty_member, code_page, grant_types, require_pkce",
    ),
    (
        r#"[[users]]
email = "a@b"
name = "A"
admn = true"#,
        "4: users[0].admn: unknown key; did you mean `admin`?",
    ),
    (
        r#"[scopes.read]
titel = "Read"
title = "Read""#,
        "2: scopes.read.titel: unknown key; did you mean `title`?",
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
redirect_uri = "https://a.example/""#,
        "5: apps[0].redirect_uri: unknown key; did you mean `redirect_uris`?",
    ),
];

const PLACES: &[(&str, &str)] = &[
    (
        r#"[server]
preset = "house-check""#,
        "2: server.preset: unknown key here; `preset` stands at the top of the file, before the first table",
    ),
    (
        r#"[tokens]
public_url = "https://id.example""#,
        "2: tokens.public_url: unknown key here; it belongs to [server]",
    ),
    (
        r#"[tokens]
client_id = "a""#,
        "2: tokens.client_id: unknown key; the known keys are format, access, refresh, refresh_idle, refresh_absolute, code, rotate, grace, retry, grants_per_user_and_app",
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
locale = "nl""#,
        "5: apps[0].locale: unknown key; the known keys are name, organization, owner, client_id, type, client_secret, client_secret_file, redirect_uris, origins, scopes, products, grant_types, reach, acts_as, localhost_any_port",
    ),
    (
        r#"[[users]]
email = "a@b"
name = "A"
locale = "en_US""#,
        r#"4: users[0].locale: expected a language tag such as "en" or "nl", found "en_US""#,
    ),
    (
        r#"[store]
url = "mysql://db"
conections = 4"#,
        r#"2: store.url: expected a database such as "sqlite:hallpass.db", "sqlite:/folder/hallpass.db" or "postgres://user@host/database"
3: store.conections: unknown key; did you mean `connections`?"#,
    ),
    (
        r#"[[users]]
email = "a@b"
name = "A"
locale = "english""#,
        r#"4: users[0].locale: expected a language tag such as "en" or "nl", found "english""#,
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
redirect_uris = ["http://a.example/", "https://a.example/cb;https://b.example/cb", "https://c.example/cb"]"#,
        r#"5: apps[0].redirect_uris: "http://a.example/": plain http is only for localhost; use https; "https://a.example/cb;https://b.example/cb": it holds several URIs: give each as an item of its own"#,
    ),
];

const PLANNED: &[(&str, &str)] = &[(
    r#"[outgoing]
allow = []
[admin]
listen = "127.0.0.1:1""#,
    r#"1: outgoing: not available yet
3: admin: not available yet"#,
)];

const SHAPES: &[(&str, &str)] = &[
    ("server = 1", "1: server: expected a table ([server]), found a number"),
    (
        r#"[users]
email = "a@b""#,
        "1: users: expected tables ([[users]]), found a table",
    ),
    ("users = [1]", "1: users[0]: expected a table, found a number"),
    (
        r#"scopes.read = "Read""#,
        "1: scopes.read: expected a table, found text",
    ),
    (
        r#"[server]
listen = 8080"#,
        "2: server.listen: expected text, found a number",
    ),
    (
        r#"[tokens]
rotate = "yes"
grants_per_user_and_app = 0"#,
        r#"2: tokens.rotate: expected true or false, found text
3: tokens.grants_per_user_and_app: expected a number from 1 to 4294967295, found 0"#,
    ),
    (
        r#"[tokens]
access = 3600
code = 1.5
grace = 1979-05-27"#,
        r#"2: tokens.access: expected a time such as "30s", found a number
3: tokens.code: expected a time such as "30s", found a fraction
4: tokens.grace: expected a time such as "30s", found a date"#,
    ),
    (
        r#"[wire]
identity = "sub"
grant_types = []"#,
        r#"2: wire.identity: expected a list such as ["a", "b"], found text
3: wire.grant_types: expected at least one"#,
    ),
    (
        r#"[[users]]
name = "A""#,
        "1: users[0].email: this key is missing",
    ),
    (
        r#"[server]
listen = "127.0.0.1:1"
listen = "127.0.0.1:2""#,
        "3: duplicate key `listen`",
    ),
    (
        r#"[server
"#,
        "1: unclosed table, expected `]`",
    ),
    ("preset = 1", "1: preset: expected text, found a number"),
    (
        r#"preset = "housecheck""#,
        r#"1: preset: there is no preset "housecheck"; did you mean "house-check"? there are default, common-controls-hub, connected-home, house-check, apicbase"#,
    ),
];
