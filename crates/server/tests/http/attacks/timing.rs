//! Secrets and accounts that could be guessed by how long an answer takes (RFC 6749 §10.10, RFC 9700 §4; DESIGN §6). Nothing
//! here measures an answer: one test reads how secrets are compared, the other counts what the password threads compute.

use crate::harness::{JOHN, Person, Server};
use std::fs;
use std::path::{Path, PathBuf};

/// What compares in constant time.
const CONSTANT: [&str; 3] = ["ct_eq", "hmac::verify", "verify_password"];

/// Comparisons in files that handle secrets, and why none of them compares one: forms, kinds, lengths and public names.
const PUBLIC: [&str; 18] = [
    "client_type ==",
    "client_type !=",
    "reading.client_id",
    "resource.identifier",
    "bytes.len()",
    "length != LENGTH",
    "algorithm.as_str() ==",
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
    "code != ErrorCode::InvalidClient",
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

/// The code of a file, without its tests and comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Secrets, MACs and challenges are compared by `subtle`, by the HMAC's own verification or by argon2's, in the files that
/// have them; `==` stands there only between what is public.
#[test]
fn secrets_are_compared_in_constant_time() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let handles_secrets = [
        "server/src/oauth/client_authentication.rs",
        "server/src/tokens/proofs.rs",
        "server/src/passwords.rs",
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
    // Nowhere else is a secret at hand to be compared: who has its hash asks one of those. The demo is a client.
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

/// Nanoseconds of processor time that the password threads of a process have used.
fn spent_on_passwords(process: u32) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
    let spent = tasks.filter_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        let used = fs::read_to_string(task.path().join("schedstat")).ok()?;
        let used = used.split(' ').next()?.parse::<u64>().ok()?;
        (name.trim_end() == "passwords").then_some(used)
    });
    spent.sum()
}

/// An account that does not exist, one without a password and a suspended one cost the server as much work as a wrong
/// password does. What is compared is the work of the threads that hash, not the time of the answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_is_as_much_work_as_a_known_one() {
    let silent = "[[users]]\nemail = \"silent@example.com\"\nname = \"No Password\"\n";
    let server = Server::binary("default", silent).await;
    let process = server.process_id();
    let mut spent = Vec::new();
    for email in [JOHN.email, "nobody@example.com", "silent@example.com", ""] {
        let before = spent_on_passwords(process);
        for _ in 0..3 {
            let person = Person {
                email,
                password: "wrong horse battery",
            };
            assert_eq!(server.browser().log_in(person).await.status, 401, "{email}");
        }
        spent.push((email, spent_on_passwords(process) - before));
    }
    let known = spent[0].1;
    assert!(known > 0, "{spent:?}");
    assert!(spent.iter().all(|(_, work)| *work * 2 > known), "{spent:?}");
}
