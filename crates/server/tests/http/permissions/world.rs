//! The people, organizations and apps of the tables, and the tables.

use crate::harness::{Person, SECRET, Server};
use std::fmt::Write as _;

const TABLES: &str = include_str!("../../../../../docs/permissions.md");
pub(super) const PASSWORD: &str = "a password of their own";
pub(super) const NAMES: [&str; 11] = [
    "eve", "nina", "noor", "tess", "dana", "dirk", "tim", "max", "olga", "gus", "gita",
];
pub(super) const CALLBACK: &str = "https://app.example/callback";

/// The world without the people.
pub(super) const WORLD: &str = r#"
[[organizations]]
slug = "acme"
name = "Acme"
members = [
    "dana@example.com:developer", "dirk@example.com:developer", "tim@example.com:developer",
    "max@example.com:member", "olga@example.com:owner",
]

[[organizations]]
slug = "globex"
name = "Globex"
members = ["gus@example.com:owner", "gita@example.com:developer"]

[[resources]]
identifier = "https://api.example"
name = "The API"
secret = "a-secret-of-43-characters-as-hallpass-makes"

[[apps]]
name = "Native"
client_id = "native"
type = "public"
redirect_uris = ["http://127.0.0.1/callback"]
"#;

/// Client ID, organization and owner of the apps. All are confidential.
pub(super) const APPS: [(&str, Option<&str>, Option<&str>); 5] = [
    ("acme-reports", Some("acme"), Some("dana")),
    ("acme-declared", Some("acme"), None),
    ("nina-notes", None, Some("nina")),
    ("night-export", None, None),
    ("globex-trials", Some("globex"), Some("gus")),
];
pub(super) const TEAMS: [(&str, &str); 3] = [
    ("acme-reports", "tim"),
    ("nina-notes", "tess"),
    ("globex-trials", "gita"),
];

pub(super) fn world(portal: &str) -> String {
    let mut text = format!("{portal}\n{WORLD}");
    for name in NAMES {
        let developer = matches!(name, "nina" | "noor");
        let _ = writeln!(
            text,
            "[[users]]\nemail = \"{name}@example.com\"\nname = \"{name}\"\npassword = \"{PASSWORD}\"\ndeveloper = {developer}"
        );
    }
    for (id, organization, owner) in APPS {
        let _ = writeln!(
            text,
            "[[apps]]\nname = \"{id}\"\nclient_id = \"{id}\"\nclient_secret = \"{SECRET}\"\nredirect_uris = [\"{CALLBACK}\"]"
        );
        if let Some(organization) = organization {
            let _ = writeln!(text, "organization = \"{organization}\"");
        }
        if let Some(owner) = owner {
            let _ = writeln!(text, "owner = \"{owner}@example.com\"");
        }
    }
    text
}

pub(super) async fn started(portal: &str) -> Server {
    let server = Server::library("default", &world(portal)).await;
    for (app, person) in TEAMS {
        server.sql(&format!(
            "INSERT INTO app_team (app_id, user_id, added) SELECT apps.id, users.id, 0 FROM apps, users \
             WHERE apps.client_id = '{app}' AND users.email = '{person}@example.com'"
        ));
    }
    server
}

pub(super) fn person(name: &str) -> Person {
    Person {
        email: format!("{name}@example.com").leak(),
        password: PASSWORD,
    }
}

/// A row of a table.
pub(super) struct Row {
    /// The first column.
    pub(super) call: String,
    /// The other columns.
    pub(super) cells: Vec<String>,
}

/// The rows of the table below a heading. The header of the table begins with `first`.
pub(super) fn rows(heading: &str, first: &str) -> Vec<Row> {
    let section = TABLES
        .split("\n## ")
        .find(|section| section.starts_with(heading))
        .unwrap();
    let plain = section.replace('`', "");
    let lines = plain
        .lines()
        .skip_while(|line| !line.starts_with(&format!("| {first} |")));
    let lines = lines.skip(2).take_while(|line| line.starts_with('|'));
    let row = |line: &str| {
        let mut cells = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned());
        Row {
            call: cells.next().unwrap(),
            cells: cells.collect(),
        }
    };
    lines.map(row).collect()
}

/// The people in the columns of the first table, for the app of a row.
pub(super) fn people(app: &str) -> [Option<&'static str>; 9] {
    let (owner, developer, team) = match app {
        "acme-reports" => (Some("dana"), "dirk", Some("tim")),
        "acme-declared" => (None, "dirk", None),
        "nina-notes" => (Some("nina"), "noor", Some("tess")),
        "night-export" => (None, "noor", None),
        other => panic!("there is no app {other}"),
    };
    let others = [Some("max"), Some("olga"), Some("gus"), Some("gita")];
    let [member, org_owner, other_org, other_team] = others;
    let first = [Some(""), Some("eve"), owner, Some(developer), team];
    let [stranger, end_user, owner, developer, team] = first;
    [
        stranger, end_user, owner, developer, team, member, org_owner, other_org, other_team,
    ]
}

pub(super) fn client_id(app: &str) -> &'static str {
    match app {
        "Acme's" => "acme-reports",
        "Acme's declared" => "acme-declared",
        "Nina's" => "nina-notes",
        "operator's" => "night-export",
        other => panic!("the test knows no app {other:?}"),
    }
}

/// The slug of an app's organization, as in forms.
pub(super) fn slug(app: &str) -> &'static str {
    let (_, organization, _) = APPS.into_iter().find(|(id, ..)| *id == app).unwrap();
    organization.unwrap_or("default")
}

/// A person who always manages the app, if there is one.
pub(super) fn manager(app: &str) -> &'static str {
    match app {
        "acme-reports" | "acme-declared" => "olga",
        // Nobody manages the operator's own app, so a form of another app is used.
        _ => "nina",
    }
}
