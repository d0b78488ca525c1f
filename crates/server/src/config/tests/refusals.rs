//! A table: what is written, and every line that the operator reads about it.

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
fn what_is_planned_is_refused_not_ignored() {
    check(LATER);
}

#[test]
fn a_wrong_shape_is_named_with_its_line() {
    check(SHAPES);
}

#[test]
fn a_wrong_value_is_named_with_what_was_expected() {
    check(VALUES);
}

#[test]
fn declared_objects_go_together() {
    check(OBJECTS);
}

/// The preset's `profile` takes 7 characters of the 2,048 that a token has room for.
#[test]
fn default_scopes_that_a_token_has_no_room_for_are_refused() {
    let scope = |name: String| format!("[scopes.{name}]\ntitle = \"A scope\"\ndefault = true\n");
    let fifteen: String = (10..25).map(|n| scope(format!("{}{n}", "a".repeat(126)))).collect();
    World::new(&format!("{fifteen}{}", scope("b".repeat(105)))).config();
    let one_too_long = World::new(&format!("{fifteen}{}", scope("b".repeat(106)))).refused();
    let expected = format!(
        "hallpass.toml:46: scopes.{}: the names of all scopes with `default = true` have 2049 characters, a space between two, \
         and an access token has room for 2048: leave `default` out for some, or shorten names",
        "b".repeat(106)
    );
    assert_eq!(one_too_long, expected);
    let not_default = scope("b".repeat(106)).replace("true", "false");
    World::new(&format!("{fifteen}{not_default}")).config();
}

#[test]
fn an_address_that_a_request_has_no_room_for_is_refused() {
    let url = |length: usize| format!("https://id.example/{}", "a".repeat(length - 19));
    let path = |length: usize| format!("/{}", "a".repeat(length - 1));
    let file = |url: String, path: String| format!("[server]\npublic_url = {url:?}\n[paths]\ntoken = {path:?}");
    World::new(&file(url(512), path(256))).config();
    assert_eq!(
        World::new(&file(url(513), path(257))).refused(),
        "hallpass.toml:2: server.public_url: expected a URL of at most 512 characters\n\
         hallpass.toml:4: paths.token: expected a path of at most 256 characters"
    );
}

#[test]
fn a_declared_app_with_too_many_redirect_uris_is_refused() {
    let declared = |number: usize| {
        let uris: Vec<_> = (0..number).map(|n| format!("https://a{n}.example/cb")).collect();
        format!("[[apps]]\nname = \"A\"\nclient_id = \"a\"\ntype = \"public\"\nredirect_uris = {uris:?}\n")
    };
    World::new(&declared(50)).config();
    assert_eq!(
        World::new(&declared(51)).refused(),
        "hallpass.toml:5: apps[0].redirect_uris: an app has at most 50 redirect URIs"
    );
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
fn a_client_id_whose_page_no_browser_opens_is_refused() {
    for id in ["new", ".", ".."] {
        let file = format!("[[apps]]\nname = \"A\"\nclient_id = {id:?}\nclient_secret = \"s\"");
        assert_eq!(
            World::new(&file).refused(),
            format!(
                "hallpass.toml:3: apps[0].client_id: {id:?} cannot be a client id: the page of such an app could not be opened"
            )
        );
    }
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
        r#"HALLPASS_SERVER__LISTEN__PORT: listen is text, in which no single value can be set
HALLPASS_TOKENS__ACESS: tokens.acess: there is no such key; did you mean `access`?
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
6: tokens.acess: there is no such key; did you mean `access`?
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

/// SQLite says only that it cannot open the file.
#[test]
fn a_path_that_is_too_long_for_sqlite_is_refused() {
    let folder = "d".repeat(200);
    let deep = |depth: usize| vec![folder.as_str(); depth].join("/");
    World::new(&format!("[server]\ndata = \"/{}\"", deep(2))).config();
    let refused = World::new(&format!("[server]\ndata = \"/{}\"", deep(3))).refused();
    assert_eq!(
        refused,
        "hallpass.toml:2: server.data: the path of the database has 615 bytes, and SQLite takes 503 at most"
    );
    let refused = World::new(&format!("[store]\nurl = \"sqlite:/{}/h.db\"", deep(3))).refused();
    assert!(
        refused.starts_with("hallpass.toml:2: store.url: the path of the database has 608 bytes"),
        "{refused}"
    );
    World::new(&format!(
        "[server]\ndata = \"/{}\"\n[store]\nurl = \"postgres://localhost/h\"",
        deep(3)
    ))
    .config();
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
        ("hush \n", "white space stands before or after the secret: remove it"),
        (" hush", "white space stands before or after the secret: remove it"),
        ("hush\u{a0}", "white space stands before or after the secret: remove it"),
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

/// Keys that nobody knows.
const UNKNOWN: &[(&str, &str)] = &[
    (
        r#"[tokens]
acess = "1h""#,
        "2: tokens.acess: there is no such key; did you mean `access`?",
    ),
    (
        r#"[server]
listen = "127.0.0.1:1"

port = 1"#,
        "4: server.port: there is no such key; known are listen, public_url, api_url, data, trusted_proxies",
    ),
    (
        r#"[sever]
listen = "127.0.0.1:1""#,
        "1: sever: there is no such key; did you mean `server`?",
    ),
    (
        "zzz = 1",
        "1: zzz: there is no such key; known are preset, server, store, tokens, wire, keys, paths, defaults, portal, audit, brand, scopes, products, users, organizations, resources, apps",
    ),
    (
        r#"[wire]
zzz = 1"#,
        "2: wire.zzz: there is no such key; known are dialect, identity, refusal_message, empty_member, code_page, grant_types, require_pkce",
    ),
    (
        r#"[[users]]
email = "a@b"
name = "A"
admn = true"#,
        "4: users[0].admn: there is no such key; did you mean `admin`?",
    ),
    (
        r#"[scopes.read]
titel = "Read"
title = "Read""#,
        "2: scopes.read.titel: there is no such key; did you mean `title`?",
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
redirect_uri = "https://a.example/""#,
        "5: apps[0].redirect_uri: there is no such key; did you mean `redirect_uris`?",
    ),
];

/// What stands in the wrong place, and what is found beside another fault.
const PLACES: &[(&str, &str)] = &[
    (
        r#"[server]
preset = "house-check""#,
        "2: server.preset: there is no such key here; `preset` stands at the top of the file, before the first table",
    ),
    (
        r#"[tokens]
public_url = "https://id.example""#,
        "2: tokens.public_url: there is no such key here; it belongs to [server]",
    ),
    (
        r#"[tokens]
client_id = "a""#,
        "2: tokens.client_id: there is no such key; known are format, access, refresh, refresh_idle, refresh_absolute, code, rotate, grace, retry, grants_per_user_and_app",
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
locale = "nl""#,
        "5: apps[0].locale: there is no such key; known are name, organization, owner, client_id, type, client_secret, client_secret_file, redirect_uris, origins, scopes, products, grant_types, reach, localhost_any_port",
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
3: store.conections: there is no such key; did you mean `connections`?"#,
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

/// What is planned and not available yet.
const LATER: &[(&str, &str)] = &[
    (
        r#"[server]
tls_cert = "a"
tls_key = "b""#,
        r#"2: server.tls_cert: not available yet
3: server.tls_key: not available yet"#,
    ),
    (
        r#"[outgoing]
allow = []
[admin]
listen = "127.0.0.1:1""#,
        r#"1: outgoing: not available yet
3: admin: not available yet"#,
    ),
    (
        r#"[tokens]
format = "jwt""#,
        r#"2: tokens.format: "jwt" is not available yet; use "sealed""#,
    ),
    (
        r#"[scopes.read]
title = "Read"
approval = true"#,
        "3: scopes.read.approval: approval of scopes is not available yet",
    ),
];

/// Values of the wrong shape, and files that are no TOML.
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

/// Values that one look at them refuses.
const VALUES: &[(&str, &str)] = &[
    (
        r#"[tokens]
access = "0s"
refresh = "forever"
refresh_idle = "-1h"
refresh_absolute = "1y"
code = "1 m"
grace = "m"
retry = "99999999999w""#,
        r#"2: tokens.access: expected a time longer than none, found "0s"
3: tokens.refresh: expected a time such as "30s", "5m", "1h", "14d" or "2w", found "forever"; "never" is possible too
4: tokens.refresh_idle: expected a time such as "30s", "5m", "1h", "14d" or "2w", found "-1h"
5: tokens.refresh_absolute: expected a time such as "30s", "5m", "1h", "14d" or "2w", found "1y"
6: tokens.code: expected a time such as "30s", "5m", "1h", "14d" or "2w", found "1 m"
7: tokens.grace: expected a time such as "30s", "5m", "1h", "14d" or "2w", found "m"
8: tokens.retry: "99999999999w" is longer than a thousand years"#,
    ),
    (
        r#"[server]
listen = "localhost"
public_url = "https://a.example/"
api_url = "ftp://a.example""#,
        r#"2: server.listen: expected an address such as "127.0.0.1:8080", found "localhost"
3: server.public_url: expected a URL without slash at its end, found "https://a.example/"
4: server.api_url: expected a URL such as "https://id.example.com", found "ftp://a.example""#,
    ),
    (
        "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"10.0.0.0/33\"]",
        r#"2: server.trusted_proxies: expected an address or a network such as "10.0.0.0/8" or "fd00::/8", found "10.0.0.0/33""#,
    ),
    (
        "[server]\ntrusted_proxies = [\"proxy.internal\"]",
        r#"2: server.trusted_proxies: expected an address or a network such as "10.0.0.0/8" or "fd00::/8", found "proxy.internal""#,
    ),
    (
        "[server]\ntrusted_proxies = [\"10.1.2.3/8\"]",
        r#"2: server.trusted_proxies: "10.1.2.3/8" is in the network "10.0.0.0/8": write that, or the address alone"#,
    ),
    (
        "[server]\ntrusted_proxies = [\"::/0\"]",
        r#"2: server.trusted_proxies: "::/0" is every address: anybody could say where they come from"#,
    ),
    (
        "[server]\ntrusted_proxies = \"10.0.0.0/8\"",
        r#"2: server.trusted_proxies: expected a list such as ["a", "b"], found text"#,
    ),
    (
        r#"[server]
public_url = "https://a.example?x"
api_url = "https://u:p@a.example""#,
        r#"2: server.public_url: expected a URL without query and fragment, found "https://a.example?x"
3: server.api_url: a URL here has no user name and no password"#,
    ),
    (
        r#"[server]
public_url = "https://A.example:443"
api_url = """#,
        r#"2: server.public_url: write it as "https://a.example"
3: server.api_url: expected a URL such as "https://id.example.com", found """#,
    ),
    (
        r#"[store]
url = "hallpass.db""#,
        r#"2: store.url: expected a database such as "sqlite:hallpass.db", "sqlite:/folder/hallpass.db" or "postgres://user@host/database""#,
    ),
    (
        r#"[store]
url = "postgres://hallpass:secret@db/hallpass?sslmode=prefer"
connections = 3
prepared_statements = "no""#,
        r#"2: store.url: sslmode is "disable" or "verify-full": less would protect from nobody
3: store.connections: expected 4 or more
4: store.prepared_statements: expected true or false, found text"#,
    ),
    (
        r#"[store]
url = "sqlite::memory:""#,
        r#"2: store.url: expected a database such as "sqlite:hallpass.db", "sqlite:/folder/hallpass.db" or "postgres://user@host/database""#,
    ),
    (
        r#"[wire]
dialect = "php"
identity = ["sub", "sub"]"#,
        r#"2: wire.dialect: expected "standard", "oauth2-server-php", "passport", "django", "apigee", found "php"
3: wire.identity: item 2 of the list repeats item 1"#,
    ),
    (
        r#"[keys]
master = "c2hvcnQ=""#,
        "2: keys.master: expected 32 bytes in base64, as `head -c 32 /dev/urandom | base64` gives",
    ),
    (
        r#"[keys]
master = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
master_file = "m""#,
        "2: keys.master: give either `master` or `master_file`",
    ),
    (
        r#"[paths]
token = "oauth/token"
authorize = "/o//a"
revoke = "/o/{id}"
introspect = "/"
identity = "/../x""#,
        r#"2: paths.token: expected a path that starts with a slash, found "oauth/token"
3: paths.authorize: expected a path of letters, digits, "-", ".", "_" and "~" such as "/oauth/token", found "/o//a"
4: paths.revoke: expected a path of letters, digits, "-", ".", "_" and "~" such as "/oauth/token", found "/o/{id}"
5: paths.introspect: expected a path of letters, digits, "-", ".", "_" and "~" such as "/oauth/token", found "/"
6: paths.identity: expected a path of letters, digits, "-", ".", "_" and "~" such as "/oauth/token", found "/../x""#,
    ),
    (
        r#"[paths]
token = "/oauth/authorize/"
revoke = "/login"
identity = "/account/me""#,
        r#"2: paths.token: the same path as `authorize`
3: paths.revoke: /login is taken by Hallpass's own pages
4: paths.identity: /account is taken by Hallpass's own pages"#,
    ),
    (
        r#"[scopes."a b"]
title = "A""#,
        r#"1: scopes."a b": "a b" is not a scope: one to 128 printable ASCII characters without space, quote and backslash"#,
    ),
    (
        r#"[scopes.a]
title = ""
description = { english = "A" }
endpoints = ["/a"]"#,
        r#"2: scopes.a.title: expected one line of 1 to 200 characters
3: scopes.a.description: expected a language tag such as "en" or "nl", found "english"
4: scopes.a.endpoints: expected "METHOD /path", found "/a""#,
    ),
    (
        r#"[defaults]
organization = "Acme Inc"
product = "Gold""#,
        r#"2: defaults.organization: expected 1 to 64 lower-case letters, digits and hyphens, found "Acme Inc"
3: defaults.product: there is no product "Gold" in [products]"#,
    ),
    (
        r#"[brand]
name = """#,
        "2: brand.name: expected one line of 1 to 200 characters",
    ),
];

/// Declared objects, and what they name.
const OBJECTS: &[(&str, &str)] = &[
    (
        r#"[[users]]
email = "john"
name = "J"
locale = "dutch language"
password_hash = "$argon2i$v=19$m=65536,t=3,p=4$bm9ib2R5LW5vYm9keS0h$Gpn5""#,
        r#"2: users[0].email: expected an email address, found "john"
4: users[0].locale: expected a language tag such as "en" or "nl", found "dutch language"
5: users[0].password_hash: expected an argon2id hash such as "$argon2id$v=19$m=19456,t=2,p=1$…""#,
    ),
    (
        r#"[[users]]
email = "a@b"
name = "A"
password_hash = "$argon2id$v=19$m=1048576,t=3,p=4$bm9ib2R5LW5vYm9keS0h$Gpn5XCB6bV2sL0q5m3dQd1kVYv3Yx2u0m8yqfWl9b0E""#,
        "4: users[0].password_hash: this hash costs too much to verify (m=1048576, t=3, p=4): at most m=65536, t=4, p=4 (64 MiB of \
         memory, 4 passes, 4 lanes)",
    ),
    (
        r#"[[users]]
email = "a@b"
name = "A"
external_id = "7"
password = "p"
[[users]]
email = "b@b"
name = "B"
external_id = "7"
[[users]]
email = "c@b"
name = "C"
external_id = "org_7"
[[users]]
email = "d@b"
name = "D"
external_id = "é""#,
        r#"4: users[0].external_id: the site signs this person in: leave the password out
9: users[1].external_id: the same as users[0].external_id (4)
13: users[2].external_id: subjects that begin with "org_" are no person's, found "org_7"
17: users[3].external_id: expected 1 to 255 printable ASCII characters, found "é""#,
    ),
    (
        r#"[[users]]
email = "a@b"
name = "A"
password = ""
[[users]]
email = "A@b"
name = "A"
password = "p"
password_file = "p""#,
        r#"4: users[0].password: expected 1 to 1024 bytes
6: users[1].email: the same as users[0].email (2)
8: users[1].password: give either `password` or `password_file`
9: users[1].password_file: cannot read p: there is no such file"#,
    ),
    (
        r#"[[users]]
email = "a@b"
name = "A"
password_file = "none""#,
        "4: users[0].password_file: cannot read none: there is no such file",
    ),
    (
        r#"[[organizations]]
slug = "a"
name = "A"
kind = "test"
members = ["a@b"]"#,
        r#"4: organizations[0].kind: expected "live", "sandbox", found "test"
5: organizations[0].members: expected "email:owner", "email:developer" or "email:member", found "a@b""#,
    ),
    (
        r#"[[organizations]]
slug = "a"
name = "A"
members = ["a@b:owner"]
[[organizations]]
slug = "a"
name = "A""#,
        r#"4: organizations[0].members: there is no user "a@b" among [[users]]
6: organizations[1].slug: the same as organizations[0].slug (2)"#,
    ),
    (
        r#"[defaults]
organization = "a"
organization_name = "A"
[[organizations]]
slug = "a"
name = "A""#,
        "3: defaults.organization_name: the default organization is declared: its `name` there is the one that counts",
    ),
    (
        r#"[[resources]]
identifier = "a b"
name = "A""#,
        r#"1: resources[0].secret: this key, or `secret_file`, is missing
2: resources[0].identifier: expected 1 to 256 printable ASCII characters without space, found "a b""#,
    ),
    (
        r#"[[resources]]
identifier = "a"
name = "A"
secret = "s"
scopes = ["other"]
[[apps]]
name = "A"
client_id = "a"
client_secret = "s""#,
        r#"2: resources[0].identifier: an app has this as its client_id; at introspection they could not be told apart
5: resources[0].scopes: there is no scope "other"; there are profile"#,
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
"#,
        "1: apps[0].client_secret: this key, or `client_secret_file`, is missing",
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
type = "public"
client_secret = "s""#,
        r#"5: apps[0].client_secret: a public app has no secret; leave it out, or say type = "confidential""#,
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
type = "public"
grant_types = ["client_credentials"]"#,
        "5: apps[0].grant_types: client_credentials needs a secret, which a public app has not (RFC 6749 §4.4)",
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
scopes = ["other"]
products = ["Gold"]
organization = "other"
redirect_uris = ["http://a.example/cb"]"#,
        r#"5: apps[0].scopes: there is no scope "other"; there are profile
6: apps[0].products: there is no product "Gold" in [products]
7: apps[0].organization: there is no organization "other" among [[organizations]]
8: apps[0].redirect_uris: "http://a.example/cb": plain http is only for localhost; use https"#,
    ),
    (
        r#"[[users]]
email = "dev@example.com"
name = "Dev"
[[organizations]]
slug = "acme"
name = "Acme"
members = ["dev@example.com:member"]
[[apps]]
name = "A"
client_id = "a"
type = "public"
owner = "nobody@example.com"
[[apps]]
name = "B"
client_id = "b"
type = "public"
organization = "acme"
owner = "Dev@example.com"
[[apps]]
name = "C"
client_id = "c"
type = "public"
owner = "Dev@example.com""#,
        r#"12: apps[0].owner: there is no user "nobody@example.com" among [[users]]
18: apps[1].owner: "Dev@example.com" could not manage the app: add "Dev@example.com:developer" to the members of "acme""#,
    ),
    (
        r#"[portal]
schemes = ["cursor", "JavaScript", "com.example.app"]
[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
localhost_any_port = true"#,
        r#"2: portal.schemes: expected the scheme of an app such as "cursor", in lower case, without dot and colon, found "JavaScript"; expected the scheme of an app such as "cursor", in lower case, without dot and colon, found "com.example.app"
7: apps[0].localhost_any_port: a free port is for native apps, which are public (RFC 8252 §8.4)"#,
    ),
    (
        r#"[portal]
register = "all""#,
        r#"2: portal.register: expected "everyone", "developers", "nobody", found "all""#,
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
scopes = []
products = ["Gold"]
organization = "other""#,
        r#"6: apps[0].products: there is no product "Gold" in [products]
7: apps[0].organization: there is no organization "other" among [[organizations]]"#,
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "é"
reach = "all"
type = "secret""#,
        r#"4: apps[0].client_secret: expected 1 to 1024 printable ASCII characters
5: apps[0].reach: expected "own", "partner", found "all"
6: apps[0].type: expected "confidential", "public", found "secret""#,
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a:b"
client_secret = "s"
[[apps]]
name = "A"
client_id = "01890a5d-ac96-774b-bcce-b302099a8057"
client_secret = "s""#,
        r#"3: apps[0].client_id: expected 1 to 128 printable ASCII characters without space and colon, found "a:b"
7: apps[1].client_id: "01890a5d-ac96-774b-bcce-b302099a8057" has the form of a user's subject (a UUID of version 7)"#,
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
[[apps]]
name = "A"
client_id = "a"
client_secret = "s""#,
        "7: apps[1].client_id: the same as apps[0].client_id (3)",
    ),
    (
        r#"preset = "house-check"
[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
grant_types = ["client_credentials"]"#,
        r#"6: apps[0].grant_types: "client_credentials" is not offered: it is not in [wire] grant_types"#,
    ),
    (
        r#"[scopes.profile]
default = false"#,
        "preset default:126: scopes: at least one scope needs `default = true`: it is what an app gets that asks for none",
    ),
    (
        r#"[products.Gold]
scopes = ["other"]
[products."a,b"]
scopes = ["profile"]
[products.None]
scopes = []"#,
        r#"2: products.Gold.scopes: there is no scope "other"; there are profile
3: products."a,b": a product's name is 1 to 200 characters without comma and brackets
6: products.None.scopes: expected at least one scope"#,
    ),
];
