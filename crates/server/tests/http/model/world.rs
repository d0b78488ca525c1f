//! The world of a history, on its own server that starts from a copy of the folder in `made`.

use super::nouns::{App, Rules, Scopes, User};
use super::reference::Model;
use crate::harness::{JOHN, MARY, Person, SECRET, Server};
use std::collections::BTreeSet;

pub(super) const PEOPLE: [Person; 2] = [JOHN, MARY];
pub(super) const CLIENTS: [&str; 3] = ["sample", "native", "partner"];
pub(super) const REDIRECT_URIS: [&str; 3] = [
    "https://app.example/callback",
    "http://127.0.0.1/callback",
    "https://partner.example/callback",
];
pub(super) const ORGANIZATIONS: [&str; 3] = ["default", "acme", "globex"];
/// The sources of requests: this machine, or another address that a proxy reports.
pub(super) const SOURCES: [Option<&str>; 3] = [None, Some("198.51.100.7"), Some("2001:db8::1")];
/// The server's URL, which a restart must not change.
const PUBLIC_URL: &str = "http://id.example";

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

/// The configurations, each as TOML and as rules: the usual one; no rotation for confidential clients; limits of all kinds;
/// a grace longer than the life of an access token.
pub(super) fn rules() -> [(&'static str, Rules); 4] {
    let usual = Rules {
        access: 10 * MINUTE,
        code: MINUTE,
        refresh: Some(2 * HOUR),
        idle: None,
        absolute: None,
        rotate: true,
        grace: 30 * SECOND,
        retry: 10 * MINUTE,
        most: 3,
    };
    let still = Rules { rotate: false, ..usual };
    let bound = Rules {
        refresh: None,
        idle: Some(40 * MINUTE),
        absolute: Some(HOUR),
        retry: 2 * MINUTE,
        ..usual
    };
    let patient = Rules {
        access: MINUTE,
        grace: 2 * MINUTE,
        retry: MINUTE,
        most: 2,
        ..usual
    };
    [
        ("access = \"10m\"\nrefresh = \"2h\"\ngrants_per_user_and_app = 3", usual),
        (
            "access = \"10m\"\nrefresh = \"2h\"\ngrants_per_user_and_app = 3\nrotate = false",
            still,
        ),
        (
            "access = \"10m\"\nrefresh = \"never\"\nrefresh_idle = \"40m\"\nrefresh_absolute = \"1h\"\nretry = \"2m\"\ngrants_per_user_and_app = 3",
            bound,
        ),
        (
            "access = \"1m\"\nrefresh = \"2h\"\ngrace = \"2m\"\ngrants_per_user_and_app = 2",
            patient,
        ),
    ]
}

/// The same world in the model.
pub(super) fn model(now: i64, rules: Rules) -> Model {
    let user = |member_of: &[usize]| User {
        suspended: false,
        member_of: member_of.iter().copied().collect::<BTreeSet<_>>(),
    };
    let app = |owner: usize, public: bool, partner: bool| App {
        suspended: false,
        public,
        partner,
        owner,
        scopes: Scopes(7),
    };
    let users = vec![user(&[0, 1, 2]), user(&[0, 1])];
    let apps = vec![app(0, false, false), app(0, true, false), app(2, false, true)];
    Model::new(now, rules, users, apps, ORGANIZATIONS.len())
}

/// A server on a copy of the data of `made`, or with new data.
pub(super) async fn server(declared: &str, made: Option<&Server>) -> Server {
    match made {
        Some(made) => Server::library_on(made, declared).await,
        None => Server::library("default", declared).await,
    }
}

/// The declared world at the start.
pub(super) fn usual() -> String {
    let [(tokens, rules), ..] = rules();
    declared(tokens, &model(0, rules).apps)
}

/// The world as TOML, with the scopes that its apps may request.
pub(super) fn declared(tokens: &str, apps: &[App]) -> String {
    let [sample, native, partner] = [0, 1, 2].map(|app: usize| apps[app].scopes.names());
    format!(
        r#"[server]
public_url = {PUBLIC_URL:?}
trusted_proxies = ["127.0.0.0/8"]
[tokens]
{tokens}

[scopes.read]
title = "Read your things"
[scopes.write]
title = "Change your things"

[[organizations]]
slug = "acme"
name = "Acme"
members = ["john@doe.com:member", "mary@example.com:member"]

[[organizations]]
slug = "globex"
name = "Globex"
members = ["john@doe.com:member"]

[[apps]]
name = "Sample App"
client_id = "sample"
scopes = {sample:?}
client_secret = "{SECRET}"
redirect_uris = ["https://app.example/callback"]

[[apps]]
name = "Native App"
client_id = "native"
scopes = {native:?}
type = "public"
redirect_uris = ["http://127.0.0.1/callback"]

[[apps]]
name = "Partner App"
client_id = "partner"
scopes = {partner:?}
client_secret = "{SECRET}"
organization = "globex"
reach = "partner"
redirect_uris = ["https://partner.example/callback"]

[[resources]]
identifier = "https://api.example"
name = "The API"
secret = "{SECRET}"
"#
    )
}
