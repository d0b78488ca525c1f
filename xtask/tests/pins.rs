//! The guide names the versions of other people's clients that are installed.
#![allow(clippy::expect_used, reason = "a test ends where an expectation fails")]

const GUIDE: &str = include_str!("../../docs/guide/clients.md");
const PYTHON: &str = include_str!("../../e2e/python/requirements.txt");
const NODE: &str = include_str!("../../e2e/node/package.json");
const GO: &str = include_str!("../../e2e/go/go.mod");
const JAVA: &str = include_str!("../../e2e/java/pom.xml");
const SPRING: &str = include_str!("../../e2e/spring/pom.xml");

#[test]
fn the_guide_names_the_versions_that_are_installed() {
    let pins = [
        ("Authlib (Python)", PYTHON, "\nAuthlib=="),
        ("requests-oauthlib (Python)", PYTHON, "\nrequests-oauthlib=="),
        ("openid-client (Node)", NODE, "\"openid-client\": \""),
        ("simple-oauth2 (Node)", NODE, "\"simple-oauth2\": \""),
        ("passport-oauth2 (Node)", NODE, "\"passport-oauth2\": \""),
        ("golang.org/x/oauth2 (Go)", GO, "golang.org/x/oauth2 v"),
        (
            "Nimbus OAuth 2.0 SDK (Java)",
            JAVA,
            "<artifactId>oauth2-oidc-sdk</artifactId>\n      <version>",
        ),
    ];
    for (client, file, before) in pins {
        let line = format!("| {client} | {}", pinned(file, before));
        assert!(GUIDE.contains(&line), "`{line}` is not in the guide");
    }
    let boot = "<artifactId>spring-boot-dependencies</artifactId>\n        <version>";
    let spring = format!("(the test uses {})", pinned(SPRING, boot));
    assert!(GUIDE.contains(&spring), "`{spring}` is not in the guide");
}

/// The version after these words.
fn pinned<'a>(file: &'a str, before: &str) -> &'a str {
    let (_, behind) = file.split_once(before).expect(before);
    behind.split(['"', '<', '\n']).next().expect(before)
}

#[test]
fn lock_files_name_no_registry() {
    let locks = [
        include_str!("../../e2e/node/package-lock.json"),
        include_str!("../../examples/handover/express/package-lock.json"),
    ];
    for lock in locks {
        assert!(!lock.contains("\"resolved\""), "npm wrote where it downloaded from");
    }
}
