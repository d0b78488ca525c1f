//! Commands that create, change and delete apps, people and organizations.

use crate::harness::{Ended, Folder};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::Stdio;

#[test]
fn an_app_is_made_and_its_secret_shown_once() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let made = folder.printed(&["app", "create", "Planner", "--redirect-uri", "https://a.example/cb"]);
    let value = |name: &str| {
        let mut lines = made.lines().map(|line| line.split_once("  "));
        let line = lines.find_map(|line| line.filter(|(first, _)| *first == name));
        line.unwrap_or_else(|| panic!("{name} is not in {made}"))
            .1
            .trim()
            .to_owned()
    };
    let (id, secret) = (value("client_id"), value("client_secret"));
    assert_eq!(secret.len(), 43);
    assert!(
        made.ends_with("Keep the client secret: it is not shown again.\n"),
        "{made}"
    );
    for later in [
        &["app", "show", &id][..],
        &["app", "list"],
        &["app", "suspend", &id],
        &["app", "resume", &id],
    ] {
        let printed = folder.printed(later);
        assert!(printed.contains(&id) && !printed.contains(&secret), "{printed}");
    }
    let reset = folder.json(&["app", "reset-secret", &id, "--overlap"]);
    assert_eq!(reset["secrets"].as_array().unwrap().len(), 2);
    let reset = folder.json(&["app", "reset-secret", &id]);
    assert_eq!(reset["secrets"].as_array().unwrap().len(), 1);
    let set = folder.json(&["app", "change", &id, "--reach", "partner", "--name", "Diary"]);
    assert_eq!((&set["reach"], &set["name"]), (&"partner".into(), &"Diary".into()));
    assert_eq!(set["redirect_uris"][0], "https://a.example/cb");
}

#[test]
fn json_is_the_answer_of_the_api() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let made = folder.json(&[
        "app",
        "create",
        "P",
        "--type",
        "public",
        "--scope",
        "profile",
        "--grant-type",
        "refresh_token",
    ]);
    assert_eq!(
        (&made["type"], &made["scopes"][0]),
        (&"public".into(), &"profile".into())
    );
    assert_eq!(folder.json(&["app", "list"])["apps"][0]["client_id"], made["client_id"]);
    assert_eq!(folder.json(&["user", "list"])["users"][0]["number"], 1);
    assert_eq!(folder.json(&["org", "list"])["organizations"][0]["slug"], "default");
    assert_eq!(
        folder.json(&["grant", "list", "--state", "active"])["grants"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn several_redirect_uris_in_one_option_are_refused() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let app = folder.json(&["app", "create", "Planner", "--redirect-uri", "https://a.example/cb"]);
    let id = app["client_id"].as_str().unwrap();
    for between in [",", ";", " "] {
        let joined = format!("https://a.example/cb{between}https://b.example/cb");
        for arguments in [["app", "create", "Reports"], ["app", "change", id]] {
            let ended = folder.call(&[&arguments[..], &["--redirect-uri", &joined]].concat());
            assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{joined}");
            assert!(ended.stderr.contains("several URIs"), "{}", ended.stderr);
        }
    }
}

#[test]
fn a_password_that_nobody_can_type_is_refused_from_standard_input() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    for (sent, said) in [
        ("\u{feff}correct horse\n", "byte order mark"),
        ("correct\thorse\n", "tab"),
        ("correct\0horse\n", "NUL"),
        ("correct horse \n", "white space"),
        ("correct horse\r\r\n", "line break"),
        ("correct horse\nmore\n", "line break"),
        ("correct\u{2028}horse\n", "line break"),
        ("correct\u{200b}horse\n", "invisible character"),
    ] {
        let mut set = folder.command(&["user", "set-password", "ada@example.com", "--password-stdin"]);
        let piped = set.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        child.stdin.take().unwrap().write_all(sent.as_bytes()).unwrap();
        let ended = Ended::of(&child.wait_with_output().unwrap());
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{sent:?}");
        assert!(
            ended.stderr.contains(said) && !ended.stderr.contains("horse"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn people_and_organizations_are_managed() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let mut create = folder.command(&[
        "user",
        "create",
        "ben@example.com",
        "--name",
        "Ben",
        "--password-stdin",
        "--json",
    ]);
    let mut child = create.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"correct horse\n").unwrap();
    let made = Ended::of(&child.wait_with_output().unwrap());
    assert_eq!(made.code, 0);
    assert!(
        !made.stdout.contains("correct horse") && !made.stdout.contains("password"),
        "{}",
        made.stdout
    );
    let printed = folder.printed(&["user", "set-password", "ben@example.com"]);
    assert!(
        printed.ends_with("Keep the password: it is not shown again.\n"),
        "{printed}"
    );
    assert_eq!(
        folder.json(&["user", "suspend", "ben@example.com"])["status"],
        "suspended"
    );
    assert_eq!(folder.json(&["user", "resume", "ben@example.com"])["status"], "active");
    folder.json(&["org", "create", "museum", "--name", "Museum", "--kind", "sandbox"]);
    let members = folder.json(&["org", "set-member", "museum", "ben@example.com", "owner"]);
    assert_eq!(members["members"][0]["role"], "owner");
    let table = folder.printed(&["user", "list"]);
    assert_eq!(
        table,
        "NUMBER  EMAIL            EXTERNAL ID  NAME  STATUS  ADMIN  DEVELOPER\n\
         1       ada@example.com  -            Ada   active  no     no\n\
         2       ben@example.com  -            Ben   active  no     no\n"
    );
    assert_eq!(
        folder.json(&["org", "remove-member", "museum", "ben@example.com"])["members"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    assert_eq!(folder.json(&["org", "suspend", "museum"])["status"], "suspended");
    assert_eq!(folder.json(&["org", "resume", "museum"])["status"], "active");
}

#[test]
fn apps_people_and_organizations_are_changed() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let made = folder.json(&["app", "create", "Planner"]);
    let planner = made["client_id"].as_str().unwrap();
    assert_eq!(folder.json(&["user", "create", "ben@example.com"])["name"], "ben");
    assert_eq!(folder.json(&["org", "create", "museum"])["name"], "museum");
    let changed = |object: &[&str], changes: &[&str], expected: Value| {
        let changed = folder.json(&[object, changes].concat());
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&changed[name], value, "{changes:?}");
        }
    };
    let app = ["app", "change", planner];
    let moved = ["--organization", "museum", "--owner", "ben@example.com"];
    changed(
        &app,
        &moved,
        json!({"organization": "museum", "owner": "ben@example.com"}),
    );
    let narrowed = ["--scope", "profile", "--grant-type", "client_credentials"];
    let expected = json!({"scopes": ["profile"], "grant_types": ["client_credentials"], "name": "Planner"});
    changed(&app, &narrowed, expected);
    let emptied = ["--redirect-uri", "", "--scope", "", "--product", "", "--grant-type", ""];
    let expected = json!({"redirect_uris": [], "scopes": [], "products": [], "grant_types": []});
    changed(&app, &emptied, expected);
    changed(&app, &["--owner", ""], json!({"owner": null, "organization": "museum"}));
    let user = ["user", "change", "ben@example.com"];
    let named = ["--name", "Ben", "--locale", "nl", "--admin", "--developer"];
    let expected = json!({"name": "Ben", "locale": "nl", "admin": true, "developer": true});
    changed(&user, &named, expected);
    let unnamed = ["--locale", "", "--developer=false"];
    changed(
        &user,
        &unnamed,
        json!({"locale": null, "developer": false, "admin": true}),
    );
    let organization = ["--name", "The Museum", "--kind", "sandbox"];
    let expected = json!({"name": "The Museum", "kind": "sandbox"});
    changed(&["org", "change", "museum"], &organization, expected);
}

#[test]
fn a_deletion_says_what_ends_and_wants_to_be_confirmed() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let made = folder.json(&["app", "create", "Planner"]);
    let planner = made["client_id"].as_str().unwrap();
    folder.json(&["user", "create", "ben@example.com"]);
    folder.json(&["app", "change", planner, "--owner", "ben@example.com"]);
    let unconfirmed = |kind: &str, name: &str, what: &str| {
        let ended = folder.call(&[kind, "delete", name]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{name}");
        let unsaid = "Nothing was changed. Add --yes to confirm.\n";
        assert_eq!(ended.stderr, format!("Deleting {name}: {what}\n{unsaid}"));
    };
    unconfirmed("app", planner, "1 secret ends.");
    let ends = "1 membership ends, every session ends";
    unconfirmed(
        "user",
        "ben@example.com",
        &format!("{ends}, 1 app stays without an owner."),
    );
    let declared = "It is declared in the configuration: as long as it stays there, the next start makes it again.";
    unconfirmed("user", "ada@example.com", &format!("{ends}.\n{declared}"));

    let gone = folder.json(&["user", "delete", "ben@example.com", "--yes"]);
    assert_eq!((&gone["deleted"], &gone["apps"]), (&true.into(), &1.into()));
    assert_eq!(folder.json(&["app", "show", planner])["owner"], Value::Null);
    let deleted = folder.printed(&["app", "delete", planner, "--yes"]);
    assert_eq!(deleted, format!("Deleted {planner}: 1 secret ends.\n"));
    for (kind, name) in [("app", planner), ("user", "ben@example.com")] {
        assert_eq!(folder.call(&[kind, "show", name]).code, 1, "{name}");
        assert_eq!(folder.call(&[kind, "delete", name, "--yes"]).code, 1, "{name}");
    }
}

#[test]
fn what_cannot_be_deleted_is_refused_with_the_way_out() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    folder.json(&["org", "create", "museum"]);
    let made = folder.json(&["app", "create", "Planner", "--organization", "museum"]);
    folder.json(&["user", "change", "ada@example.com", "--admin"]);
    for (arguments, told) in [
        (
            ["user", "delete", "ada@example.com"],
            "\"ada@example.com\" operates this server: take `admin` away first\n",
        ),
        (
            ["org", "delete", "default"],
            "everybody belongs to the default organization: it cannot be deleted\n",
        ),
        (
            ["org", "delete", "museum"],
            "apps belong to \"museum\": delete them, or give them to another organization, first\n",
        ),
    ] {
        let ended = folder.call(&[&arguments[..], &["--yes"]].concat());
        assert_eq!((ended.code, ended.stderr.as_str()), (1, told), "{arguments:?}");
    }
    folder.json(&["app", "delete", made["client_id"].as_str().unwrap(), "--yes"]);
    assert_eq!(folder.json(&["org", "delete", "museum", "--yes"])["deleted"], true);
}
