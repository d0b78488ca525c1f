//! Secrets and accounts that could be guessed from the time of an answer (RFC 6749 §10.10, decision 64). No test
//! measures time: one reads how the code compares secrets, the others count the work of the password threads.

use crate::harness::{APPS, JOHN, MARY, Person, REDIRECT_URI, RESOURCE, Server};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The functions that compare in constant time.
const CONSTANT: [&str; 3] = ["ct_eq", "hmac::verify", "verify_password"];

/// Comparisons in files that handle secrets, with the reason why none of them compares a secret: forms, kinds, lengths and
/// public names.
const PUBLIC: [&str; 17] = [
    "client_type ==",
    "client_type !=",
    "reading.client_id",
    "resource.identifier",
    "bytes.len()",
    "length != LENGTH",
    "algorithm.as_str() !=",
    "m_cost()",
    "decoded != raw",
    "id == key.id",
    "bytes[0] != VERSION",
    "kind[0]",
    "*other == name",
    "name == \"hallpass\"",
    "text != normal",
    "key.id ==",
    "SecretHash::Argon2(_)) == chosen",
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The code of a file, without tests and comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// In these files, secrets, MACs and challenges are compared with `subtle`, with the verification of the HMAC or with
/// argon2's; `==` compares only public values.
#[test]
fn secrets_are_compared_in_constant_time() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let handles_secrets = [
        "server/src/oauth/clients/secret.rs",
        "server/src/tokens/proofs.rs",
        "server/src/accounts/passwords/mod.rs",
        "wire/src/pkce.rs",
    ];
    for file in handles_secrets {
        let text = code(&crates.join(file));
        assert!(
            CONSTANT.iter().any(|way| text.contains(way)),
            "{file} compares nothing in constant time"
        );
        for line in text
            .lines()
            .filter(|line| line.contains("==") || line.contains("!=") || line.contains(".eq("))
        {
            assert!(
                PUBLIC.iter().any(|public| line.contains(public)),
                "{file} compares a secret by: {line}"
            );
        }
    }
    // No other file compares secrets: code with a hash calls one of these files. The demo is left out: it is a client.
    let mut all = Vec::new();
    sources(&crates.join("server/src"), &mut all);
    sources(&crates.join("wire/src"), &mut all);
    assert!(all.len() > 100, "{all:?}");
    all.retain(|path| !path.components().any(|part| part.as_os_str() == "demo"));
    for path in all {
        let words = [
            "secret",
            "client_secret",
            "mac",
            "verifier",
            "challenge",
            "password",
            "digest",
        ];
        for line in code(&path).lines() {
            let sides = line.split_once("==").or_else(|| line.split_once("!="));
            let Some((left, right)) = sides else { continue };
            let left = left
                .trim_end()
                .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
                .find(|word| !word.is_empty());
            let right = right
                .trim_start()
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .find(|word| !word.is_empty());
            let named = [left, right].into_iter().flatten().any(|word| words.contains(&word));
            let text = line.contains('"') || line.contains("'");
            assert!(!named || text, "{}: {line}", path.display());
        }
    }
}

/// The work to hash a password with the server's own cost: KiB of memory times passes.
const OURS: u64 = 19 * 1024 * 2;

/// A person with an imported hash of another cost.
fn imported(number: u32) -> String {
    let salt_and_output = "bm9ib2R5LW5vYm9keS0h$Gpn5XCB6bV2sL0q5m3dQd1kVYv3Yx2u0m8yqfWl9b0E";
    format!(
        "[[users]]\nemail = \"imported-{number}@example.com\"\nname = \"Imported\"\n\
         password_hash = \"$argon2id$v=19$m=4096,t=1,p=1${salt_and_output}\"\n"
    )
}

/// The passwords of John and Mary, hashed as the server hashes. The harness declares hashes that cost less.
const OWN_HASHES: [(&str, &str); 2] = [
    (
        JOHN.email,
        "$argon2id$v=19$m=19456,t=2,p=1$am9obnMgc2FsdCAxNmJ5dA$Xu/GQNwcmlJT+0jTXejIXf2FC9lAHQEQPd7YoL0UW3k",
    ),
    (
        MARY.email,
        "$argon2id$v=19$m=19456,t=2,p=1$bWFyeXMgc2FsdCAxNmJ5dA$UZ7ZBYs6cQZOkOB4WDUXCjxTLbP1es6fEzIUeWV9c9E",
    ),
];

/// A server whose people John and Mary have hashes of its own cost.
async fn server_with(declared: &str) -> Server {
    let server = Server::library("default", declared).await;
    for (email, phc) in OWN_HASHES {
        server.sql(&format!("UPDATE users SET password = '{phc}' WHERE email = '{email}'"));
    }
    server
}

/// The work of one refused sign-in.
async fn work_for(server: &Server, email: &'static str, password: &'static str) -> u64 {
    let before = server.password_work();
    let answer = server.browser().log_in(Person { email, password }).await;
    assert_eq!(answer.status, 401, "{email}");
    server.password_work() - before
}

/// For an unknown person, one without a password, and a suspended one even with the right password, the server does as much
/// work as for a wrong password.
#[tokio::test(flavor = "multi_thread")]
async fn every_refused_sign_in_costs_the_same_work() {
    let silent = "[[users]]\nemail = \"silent@example.com\"\nname = \"No Password\"\n";
    let server = server_with(silent).await;
    server.command(&["user", "suspend", MARY.email]);
    for (email, password) in [
        (JOHN.email, "wrong"),
        ("nobody@example.com", "wrong"),
        ("silent@example.com", "wrong"),
        ("silent@example.com", ""),
        (MARY.email, "wrong"),
        (MARY.email, MARY.password),
        ("", ""),
    ] {
        assert_eq!(work_for(&server, email, password).await, OURS, "{email} {password:?}");
    }
}

/// If hashes with other costs were imported, unknown addresses cost as much as known ones, in the same proportion, and each
/// address always costs the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_address_costs_as_much_as_some_persons() {
    // Two of four people. The other two are John and Mary, who are in every world.
    let server = server_with(&[imported(1), imported(2)].concat()).await;
    assert_eq!(work_for(&server, "imported-1@example.com", "wrong").await, 4096);
    let mut costs = Vec::new();
    for number in 0..40 {
        let email: &'static str = format!("nobody-{number}@example.com").leak();
        let cost = work_for(&server, email, "wrong").await;
        assert_eq!(work_for(&server, email, "guess").await, cost, "{email}");
        let shouted: &'static str = format!(" {} ", email.to_uppercase()).leak();
        assert_eq!(work_for(&server, shouted, "other").await, cost, "{email}");
        costs.push(cost);
        server.advance(Duration::from_secs(24 * 60 * 60));
    }
    let ours = costs.iter().filter(|cost| **cost == OURS).count();
    let theirs = costs.iter().filter(|cost| **cost == 4096).count();
    assert_eq!(ours + theirs, 40, "{costs:?}");
    // The keys are random, but forty times the same cost is practically impossible.
    assert!(ours > 0 && theirs > 0, "{costs:?}");
}

/// An earlier version accepted hashes of any cost. Such a hash is not computed; the server does as much work as for an
/// unknown person.
#[tokio::test(flavor = "multi_thread")]
async fn a_stored_hash_above_the_bound_is_refused_with_the_same_work() {
    let server = server_with("").await;
    server.sql("UPDATE users SET password = replace(password, 't=2', 't=64') WHERE email = 'mary@example.com'");
    assert_eq!(work_for(&server, MARY.email, MARY.password).await, OURS);
    assert_eq!(work_for(&server, "nobody@example.com", MARY.password).await, OURS);
    server.command(&["user", "set-password", MARY.email]);
}

/// Requests a token with a wrong secret. Returns the work.
async fn client_work(server: &Server, header: &str) -> u64 {
    let before = server.password_work();
    let header = format!("Basic {}", STANDARD.encode(header));
    let grant = [("grant_type", "client_credentials"), ("token", "x")];
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        let answer = server.post_as(path, &header, &grant).await;
        assert_eq!(answer.status, 401, "{path} {}", answer.body);
    }
    server.password_work() - before
}

/// Client IDs are public (RFC 6749 §2.2), but whether a client has a guessable secret is not. A wrong secret costs the same
/// for an app or API with a chosen secret, with a generated one, or that does not exist. Each reading of the header costs
/// the same too.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_client_secret_costs_the_same_for_every_client() {
    let chosen = "[[apps]]\nname = \"Old\"\nclient_id = \"old\"\nclient_secret = \"456def\"\n\
                  [[resources]]\nidentifier = \"api\"\nname = \"API\"\nsecret = \"456def\"\n\
                  [[resources]]\nidentifier = \"https://old.example\"\nname = \"API\"\nsecret = \"456def\"\n";
    let server = Server::library("default", &format!("{APPS}{chosen}")).await;
    for id in ["old", "api", "sample", "native", "nobody"] {
        assert_eq!(client_work(&server, &format!("{id}:guess")).await, 3 * OURS, "{id}");
        assert_eq!(client_work(&server, &format!("{id}:gue%73s")).await, 6 * OURS, "{id}");
        server.advance(Duration::from_secs(24 * 60 * 60));
    }
    // An API's identifier may contain colons, so introspection has one more reading of these.
    for id in [RESOURCE, "https://old.example", "https://nobody.example"] {
        assert_eq!(client_work(&server, &format!("{id}:guess")).await, 4 * OURS, "{id}");
        server.advance(Duration::from_secs(24 * 60 * 60));
        assert_eq!(client_work(&server, &format!("{id}:gue%73s")).await, 7 * OURS, "{id}");
        server.advance(Duration::from_secs(24 * 60 * 60));
    }
    // The right secret costs nothing if it was generated, and one hash the first time if it was chosen.
    let before = server.password_work();
    for _ in 0..3 {
        let sample = server.client("sample", REDIRECT_URI);
        assert_eq!(sample.client_credentials(&[]).await.status, 200);
        let old = server.client("old", "").with_secret("456def");
        assert_eq!(old.client_credentials(&[]).await.status, 200);
    }
    assert_eq!(server.password_work() - before, OURS);
}

/// If all secrets are generated, none can be guessed, and a flood of guesses costs no hashing.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_chosen_secret_guesses_cost_no_hashing() {
    let server = Server::library("default", APPS).await;
    for id in ["sample", "native", RESOURCE, "nobody"] {
        assert_eq!(client_work(&server, &format!("{id}:guess")).await, 0, "{id}");
    }
}
