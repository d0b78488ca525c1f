//! The app and the person that every server here knows.

/// The person's address, and their name at the peers.
pub const EMAIL: &str = "john@doe.com";
/// The person's password.
pub const PASSWORD: &str = "correct horse";
/// The app's identifier.
pub const CLIENT_ID: &str = "reports";
/// Has every character that clients encode differently in a Basic header (RFC 6749 §2.3.1).
pub const SECRET: &str = r"odd secret+with/every=sign:that%41is&allowed~";
/// No program listens there: the test hands the redirect to the client.
pub const REDIRECT_URI: &str = "http://127.0.0.1:9/cb";

/// A preset of Hallpass, and what an app asks for there.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// Scopes of its catalogue, separated by spaces.
    pub scope: &'static str,
    /// Seconds for which an access token lives, as the answers say.
    pub access_secs: i64,
}

/// All presets.
pub const PRESETS: [Preset; 5] = [
    preset("default", "profile read", 3_600),
    preset("common-controls-hub", "controls documents", 3_600),
    preset("connected-home", "user", 3_599),
    preset("house-check", "houses reports", 86_400),
    preset("apicbase", "library sales", 604_800),
];

const fn preset(name: &'static str, scope: &'static str, access_secs: i64) -> Preset {
    Preset {
        name,
        scope,
        access_secs,
    }
}

/// What a Hallpass server declares so that person and app exist. The app comes last, so that a test can add keys to it.
pub fn declared() -> String {
    format!(
        r#"
[scopes.read]
title = "Read your things"

[[users]]
email = "{EMAIL}"
name = "John Doe"
password = "{PASSWORD}"

[[apps]]
name = "Reports"
client_id = "{CLIENT_ID}"
client_secret = '{SECRET}'
redirect_uris = ["{REDIRECT_URI}"]
"#
    )
}
