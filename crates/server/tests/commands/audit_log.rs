//! `hallpass audit`.

use crate::harness::Folder;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

#[test]
fn what_was_changed_is_in_the_audit_log_the_newest_last() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let made = folder.json(&["app", "create", "Planner"]);
    let planner = made["client_id"].as_str().unwrap();
    folder.json(&["user", "create", "ben@example.com"]);
    folder.json(&["app", "change", planner, "--name", "Diary"]);
    folder.json(&["app", "delete", planner, "--yes"]);
    let listed = |arguments: &[&str]| -> Vec<Value> {
        let printed = folder.printed(&[&["audit", "list", "--json"], arguments].concat());
        printed
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let actions = |events: &[Value]| -> Vec<String> {
        let actions = events.iter().map(|event| event["action"].as_str().unwrap().to_owned());
        actions.collect()
    };
    let all = listed(&[]);
    let last = actions(&all[all.len() - 4..]);
    assert_eq!(last, ["app_created", "user_created", "app_changed", "app_deleted"]);
    let change = &all[all.len() - 2];
    assert_eq!(
        (&change["before"]["name"], &change["after"]["name"]),
        (&"Planner".into(), &"Diary".into())
    );
    assert!(change["actor"].as_str().unwrap().starts_with("operator:"), "{change}");
    let app = change["app_id"].as_str().unwrap();
    // Its client ID names no app any more, but its id still does.
    let unknown = folder.call(&["audit", "list", "--app", planner]);
    let hint = "; events about a deleted one are listed by its id";
    let expected = (1, format!("there is no app {planner:?}{hint}\n"));
    assert_eq!((unknown.code, unknown.stderr), expected);
    assert_eq!(
        actions(&listed(&["--app", app])),
        ["app_created", "app_changed", "app_deleted"]
    );
    assert_eq!(actions(&listed(&["--app", app, "--limit", "1"])), ["app_deleted"]);
    let older = listed(&["--app", app, "--before", change["id"].as_str().unwrap()]);
    assert_eq!(actions(&older), ["app_created"]);
    assert_eq!(actions(&listed(&["--user", "ben@example.com"])), ["user_created"]);
    assert_eq!(
        actions(&listed(&["--organization", "default", "--app", app])),
        ["app_created", "app_changed", "app_deleted"]
    );
    let shown = folder.printed(&["audit", "show", change["id"].as_str().unwrap()]);
    assert!(
        shown.contains("app_changed") && shown.contains("{\"name\":\"Diary\"}"),
        "{shown}"
    );
    let table = folder.printed(&["audit", "list", "--user", "ben@example.com"]);
    let mut lines = table.lines();
    assert_eq!(
        lines.next().unwrap().split_whitespace().collect::<Vec<_>>().join(" "),
        "ID AT ACTOR ACTION CLIENT ID USER ORGANIZATION SOURCE DETAIL"
    );
    assert!(lines.next().unwrap().contains("user_created"), "{table}");
}

#[test]
fn the_table_has_the_ids_of_events_and_of_what_is_deleted() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let made = folder.json(&["app", "create", "Planner"]);
    let (app, planner) = (made["id"].as_str().unwrap(), made["client_id"].as_str().unwrap());
    folder.printed(&["app", "delete", planner, "--yes"]);
    let events = folder.printed(&["audit", "list", "--app", app, "--json"]);
    let table = folder.printed(&["audit", "list", "--app", app]);
    for (line, event) in table.lines().skip(1).zip(events.lines()) {
        let event: Value = serde_json::from_str(event).unwrap();
        assert!(line.starts_with(event["id"].as_str().unwrap()), "{table}");
        assert!(line.split_whitespace().any(|cell| cell == app), "{table}");
    }
    assert_eq!(table.lines().count(), 3, "{table}");
}

#[test]
fn the_audit_log_is_followed() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    folder.json(&["org", "create", "museum"]);
    let mut follow = folder.command(&["audit", "list", "--follow", "--limit", "1", "--json"]);
    let mut follow = follow.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["action"], "organization_created");
    for name in ["The Museum", "Museum"] {
        folder.json(&["org", "change", "museum", "--name", name]);
        let event = next();
        assert_eq!(
            (&event["action"], &event["after"]["name"]),
            (&"organization_changed".into(), &name.into())
        );
    }
    follow.kill().unwrap();
    follow.wait().unwrap();
}
