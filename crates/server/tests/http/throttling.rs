//! Failed authentication is slowed down per account and per source, and nobody is locked out (decision 17). Unit tests
//! cover the rules; these tests cover what people, apps and APIs see.

use crate::harness::{APPS, Answer, JOHN, MARY, Person, REDIRECT_URI, RESOURCE, SECRET, Server};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::time::Duration;

/// The test acts as the proxy: with `X-Forwarded-For` it can be any number of sources.
const BEHIND_A_PROXY: &str = "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n";

/// An app with a chosen secret, which could be guessed.
const CHOSEN: &str = r#"
[[apps]]
name = "Old App"
client_id = "old"
client_secret = "456def"
"#;

const ATTACKER: &str = "203.0.113.9";
const HOME: &str = "198.51.100.1";

/// Signs `person` in from an address, each time with a new browser.
async fn signs_in(server: &Server, from: &str, person: Person) -> Answer {
    server.browser().at(from).log_in(person).await
}

async fn guesses(server: &Server, from: &str, email: &'static str) -> Answer {
    let password = "wrong";
    signs_in(server, from, Person { email, password }).await
}

/// Requests a token of the app itself.
async fn token(server: &Server, from: &str, id: &str, secret: &str) -> Answer {
    let pairs = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
    ];
    post(server, "/oauth/token", from, &pairs).await
}

async fn post(server: &Server, path: &str, from: &str, pairs: &[(&str, &str)]) -> Answer {
    let headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-forwarded-for", from),
    ];
    server.post_raw(path, &headers, crate::harness::encoded(pairs)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sixth_failed_sign_in_gets_429_with_the_wait() {
    let server = Server::library("default", BEHIND_A_PROXY).await;
    for _ in 0..5 {
        assert_eq!(guesses(&server, ATTACKER, JOHN.email).await.status, 401);
    }
    let answer = guesses(&server, ATTACKER, JOHN.email).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "10"));
    assert!(
        answer
            .text()
            .contains("Too many attempts to sign in failed. Please wait 10 seconds and try again"),
        "{}",
        answer.text()
    );
    assert_eq!(
        answer.form("password").value("username"),
        JOHN.email,
        "what was typed stands there"
    );
    // The right password is not verified either, until the wait is over.
    assert_eq!(signs_in(&server, ATTACKER, JOHN).await.status, 429);
    server.advance(Duration::from_secs(10));
    assert_eq!(signs_in(&server, ATTACKER, JOHN).await.status, 200);
    // The success also clears the failures.
    assert_eq!(guesses(&server, ATTACKER, JOHN.email).await.status, 401);
    assert_eq!(signs_in(&server, ATTACKER, JOHN).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_account_waits_like_a_known_one() {
    let server = Server::library("default", BEHIND_A_PROXY).await;
    for attempt in 0..8 {
        let known = guesses(&server, ATTACKER, "  John@DOE.com").await;
        let unknown = guesses(&server, ATTACKER, "nobody@example.com").await;
        let seen = |answer: &Answer| (answer.status, answer.header("retry-after").to_owned(), answer.text());
        assert_eq!(seen(&known), seen(&unknown), "{attempt}");
        assert_eq!(known.status, if attempt < 5 { 401 } else { 429 });
    }
    // In any spelling it is the same account.
    assert_eq!(guesses(&server, ATTACKER, JOHN.email).await.status, 429);
}

/// Four hundred new sources have twenty guesses together, and then one after each wait, which grows.
#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_of_new_sources_has_one_budget_for_an_account() {
    let server = Server::library("default", BEHIND_A_PROXY).await;
    assert_eq!(signs_in(&server, HOME, MARY).await.status, 200);
    for (email, elsewhere) in [(MARY.email, "203.0.113"), ("nobody@example.com", "192.0.2")] {
        let mut looked_at = 0;
        for number in 1..=60 {
            for _ in 0..2 {
                let answer = guesses(&server, &format!("{elsewhere}.{number}"), email).await;
                looked_at += u32::from(answer.status == 401);
            }
        }
        // Twenty from new sources, and twenty second guesses.
        assert_eq!(looked_at, 40, "{email}");
    }
    assert_eq!(
        signs_in(&server, "198.51.100.77", MARY).await.status,
        429,
        "a new place"
    );
    assert_eq!(signs_in(&server, HOME, MARY).await.status, 200);
    // A mistake at her own place does not lock her out.
    assert_eq!(guesses(&server, HOME, MARY.email).await.status, 401);
    assert_eq!(signs_in(&server, HOME, MARY).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_guessing_sources_lock_nobody_out_at_a_new_place() {
    let server = Server::library("default", BEHIND_A_PROXY).await;
    for _ in 0..5 {
        for number in 1..=10 {
            guesses(&server, &format!("203.0.113.{number}"), MARY.email).await;
        }
    }
    assert_eq!(guesses(&server, "203.0.113.1", MARY.email).await.status, 429);
    assert_eq!(signs_in(&server, HOME, MARY).await.status, 200);
}

/// The places of earlier sign-ins are in the database: neither a restart during an attack nor signing out locks a person
/// out.
#[tokio::test(flavor = "multi_thread")]
async fn the_places_of_a_person_survive_a_restart() {
    let declared = format!("{BEHIND_A_PROXY}public_url = \"http://id.example\"\n");
    let mut server = Server::library("default", &declared).await;
    assert_eq!(signs_in(&server, HOME, MARY).await.status, 200);
    server.restart().await;
    for number in 1..=60 {
        guesses(&server, &format!("203.0.113.{number}"), MARY.email).await;
    }
    assert_eq!(signs_in(&server, "198.51.100.77", MARY).await.status, 429);
    assert_eq!(signs_in(&server, HOME, MARY).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_source_that_tries_many_names_waits() {
    let server = Server::library("default", &format!("{BEHIND_A_PROXY}{APPS}")).await;
    assert_eq!(signs_in(&server, ATTACKER, MARY).await.status, 200);
    for number in 0..50 {
        let email: &'static str = format!("made-up-{number}@example.com").leak();
        assert_eq!(guesses(&server, ATTACKER, email).await.status, 401, "{number}");
    }
    assert_eq!(guesses(&server, ATTACKER, JOHN.email).await.status, 429);
    assert_eq!(signs_in(&server, ATTACKER, JOHN).await.status, 429);
    assert_eq!(
        signs_in(&server, ATTACKER, MARY).await.status,
        200,
        "she was there before"
    );
    assert_eq!(signs_in(&server, HOME, JOHN).await.status, 200);
    server.advance(Duration::from_secs(1));
    assert_eq!(signs_in(&server, ATTACKER, JOHN).await.status, 200);
}

/// Failures of clients have no effect on people: they neither delay them nor evict their tallies.
#[tokio::test(flavor = "multi_thread")]
async fn failures_of_clients_are_not_counted_for_people() {
    let server = Server::library("default", BEHIND_A_PROXY).await;
    for _ in 0..5 {
        guesses(&server, ATTACKER, JOHN.email).await;
    }
    for number in 0..60 {
        token(&server, HOME, &format!("made-up-{number}"), "guessed").await;
    }
    assert_eq!(token(&server, HOME, "made-up", "guessed").await.status, 429);
    assert_eq!(guesses(&server, HOME, "nobody@example.com").await.status, 401);
    assert_eq!(guesses(&server, ATTACKER, JOHN.email).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_client_secret_gets_429_and_the_right_one_always_works() {
    let server = Server::library("default", &format!("{BEHIND_A_PROXY}{APPS}")).await;
    for _ in 0..10 {
        assert_eq!(
            token(&server, HOME, "sample", "guessed").await.refusal(),
            "401 invalid_client"
        );
        assert_eq!(
            token(&server, ATTACKER, "nobody", "guessed").await.refusal(),
            "401 invalid_client"
        );
    }
    let answer = token(&server, HOME, "sample", "guessed").await;
    insta::assert_snapshot!(answer.shown(), @r#"
    429
    content-type: application/json
    cache-control: no-store
    pragma: no-cache
    retry-after: 10

    {"error":"temporarily_unavailable","error_description":"Too many attempts with a wrong client secret; wait and try again"}
    "#);
    assert_eq!(
        token(&server, ATTACKER, "nobody", "guessed").await.shown(),
        answer.shown()
    );
    // A secret of 256 bits cannot be guessed, so it is compared first.
    assert_eq!(token(&server, HOME, "sample", SECRET).await.status, 200);
    assert_eq!(token(&server, HOME, "other", SECRET).await.status, 200);
    assert_eq!(token(&server, HOME, "sample", "guessed").await.status, 429);
    server.advance(Duration::from_secs(10));
    assert_eq!(token(&server, HOME, "sample", "guessed").await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_count_at_every_endpoint_and_for_every_caller() {
    let server = Server::library("default", &format!("{BEHIND_A_PROXY}{APPS}")).await;
    let endpoints = ["/oauth/token", "/oauth/revoke", "/oauth/introspect"];
    let wrong = |id: &'static str| {
        let grant = ("grant_type", "client_credentials");
        [grant, ("token", "x"), ("client_id", id), ("client_secret", "guessed")]
    };
    for attempt in 0..10 {
        let path = endpoints[attempt % 3];
        assert_eq!(post(&server, path, HOME, &wrong("sample")).await.status, 401, "{path}");
        let resource = post(&server, "/oauth/introspect", HOME, &wrong(RESOURCE)).await;
        assert_eq!(resource.status, 401);
    }
    for path in endpoints {
        let answer = post(&server, path, HOME, &wrong("sample")).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, "10"), "{path}");
    }
    let resource = post(&server, "/oauth/introspect", HOME, &wrong(RESOURCE)).await;
    assert_eq!(resource.refusal(), "429 temporarily_unavailable");
    let right = [("token", "x"), ("client_id", RESOURCE), ("client_secret", SECRET)];
    assert_eq!(post(&server, "/oauth/introspect", HOME, &right).await.status, 200);
}

/// A chosen secret can be guessed like a password, so the limit comes before the comparison.
#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_a_chosen_secret_are_limited_and_its_app_keeps_working() {
    let server = Server::library("default", &format!("{BEHIND_A_PROXY}{CHOSEN}")).await;
    assert_eq!(token(&server, HOME, "old", "456def").await.status, 200);
    for guess in 0..10 {
        assert_eq!(
            token(&server, ATTACKER, "old", &format!("{guess}")).await.status,
            401,
            "{guess}"
        );
    }
    assert_eq!(
        token(&server, ATTACKER, "old", "456def").await.status,
        429,
        "not even the right one tells"
    );
    for number in 1..=15 {
        for _ in 0..2 {
            token(&server, &format!("192.0.2.{number}"), "old", "guess").await;
        }
    }
    assert_eq!(token(&server, "192.0.2.1", "old", "456def").await.status, 429);
    for _ in 0..30 {
        assert_eq!(token(&server, HOME, "old", "456def").await.status, 200);
    }
    assert_eq!(
        token(&server, "198.51.100.77", "old", "456def").await.status,
        200,
        "a new place"
    );
}

/// Apps behind one address: one has a wrong secret, and the others are not affected.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_with_a_wrong_secret_does_not_delay_other_apps() {
    let server = Server::library("default", &format!("{BEHIND_A_PROXY}{APPS}{CHOSEN}")).await;
    for _ in 0..100 {
        token(&server, HOME, "sample", "456deg").await;
        token(&server, HOME, "other", "456deg").await;
    }
    assert_eq!(token(&server, HOME, "old", "456def").await.status, 200);
    assert_eq!(token(&server, HOME, "other", SECRET).await.status, 200);
    assert_eq!(signs_in(&server, HOME, JOHN).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_from_an_untrusted_proxy_is_ignored() {
    let server = Server::library("default", "[server]\ntrusted_proxies = [\"10.0.0.0/8\"]\n").await;
    for number in 0..5 {
        assert_eq!(
            guesses(&server, &format!("203.0.113.{number}"), JOHN.email)
                .await
                .status,
            401
        );
    }
    for from in ["198.51.100.7", "10.0.0.1", "127.0.0.1", "unknown"] {
        assert_eq!(guesses(&server, from, JOHN.email).await.status, 429, "{from}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_last_untrusted_address_in_x_forwarded_for_counts() {
    let declared = "[server]\ntrusted_proxies = [\"127.0.0.0/8\", \"10.0.0.0/8\"]\n";
    let server = Server::library("default", declared).await;
    for number in 0..5 {
        let said = format!("8.8.8.{number}, 203.0.113.9:{number}, 10.1.1.{number}");
        assert_eq!(guesses(&server, &said, JOHN.email).await.status, 401);
    }
    assert_eq!(guesses(&server, "203.0.113.9", JOHN.email).await.status, 429);
    assert_eq!(guesses(&server, "203.0.113.9, 8.8.8.1", JOHN.email).await.status, 401);
}

/// No other header is trusted, not even one that says that the request came over https.
#[tokio::test(flavor = "multi_thread")]
async fn other_headers_of_proxies_are_ignored() {
    let server = Server::library("default", BEHIND_A_PROXY).await;
    let url = server.at("/login");
    let request = server
        .request(reqwest::Method::GET, &url)
        .header("x-forwarded-proto", "https")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "for=192.0.2.1;proto=https;host=evil.example");
    let answer = server.send(&url, request).await;
    assert!(answer.header("set-cookie").ends_with("; SameSite=Lax"));
    assert!(!answer.body.contains("evil.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_warns_once_about_an_untrusted_proxy() {
    let server = Server::binary("default", "").await;
    assert!(!server.log().contains("trusted_proxies"));
    for _ in 0..3 {
        guesses(&server, HOME, JOHN.email).await;
    }
    assert_eq!(server.log().matches("trusted_proxies").count(), 1, "{}", server.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_preset_uses_its_own_words_for_429() {
    for preset in [
        "default",
        "common-controls-hub",
        "house-check",
        "apicbase",
        "connected-home",
    ] {
        let server = Server::library(preset, "").await;
        let client = server.client("nobody", REDIRECT_URI).by_basic();
        let wrong = [("grant_type", "refresh_token"), ("refresh_token", "x")];
        let mut last = client.token(&wrong).await;
        for _ in 0..10 {
            last = client.token(&wrong).await;
        }
        assert_eq!(last.refusal(), "429 temporarily_unavailable", "{preset} {}", last.body);
        assert_eq!(last.header("retry-after"), "10", "{preset}");
        assert_eq!(client.introspect("x").await.refusal(), last.refusal(), "{preset}");
    }
}

/// A Basic header is read in up to three ways (RFC 6749 §2.3.1), and one with colons in one more, because identifiers of
/// APIs have some. Each reading counts as a guess, whether or not anything has that identifier.
#[tokio::test(flavor = "multi_thread")]
async fn each_reading_of_a_header_counts_as_a_guess() {
    let api =
        |identifier: &str| format!("[[resources]]\nidentifier = {identifier:?}\nname = \"API\"\nsecret = \"456def\"\n");
    let declared = [api("https://api.example.com"), api("urn:example:api"), api("my/api")].concat();
    let server = Server::library("default", &format!("{BEHIND_A_PROXY}{declared}")).await;
    let ask = async |from: &str, text: &str| {
        let header = format!("Basic {}", STANDARD.encode(text));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", header.as_str()),
            ("x-forwarded-for", from),
        ];
        server.post_raw("/oauth/introspect", &headers, "token=x").await
    };
    // Ten guesses are free. Each request has another guess with this number of readings.
    for (place, (name, guess, ways)) in [
        ("my%2Fapi", "guess", 2),
        ("no%2Fapi", "guess", 2),
        ("my%2Fapi", "+%2B", 3),
        ("no%2Fapi", "+%2B", 3),
        ("https://api.example.com", "guess", 2),
        ("https://nobody.example", "guess", 2),
        ("urn:example:api", "+%2B", 3),
        ("urm:example:api", "+%2B", 3),
        ("plain", "guess", 1),
    ]
    .into_iter()
    .enumerate()
    {
        let from = format!("203.0.113.{}", place + 1);
        let mut looked_at = 0;
        while ask(&from, &format!("{name}:{guess}{looked_at}")).await.status == 401 {
            looked_at += 1;
        }
        assert_eq!(looked_at, 10_u32.div_ceil(ways), "{name} {guess}");
    }
    assert_eq!(ask(HOME, "https://api.example.com:456def").await.status, 200);
}

/// RFC 6749 §2.3.1: a client sends its id in a body, or in a header, encoded or not. It is one account with one budget.
#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_of_a_client_id_has_one_budget() {
    let chosen = CHOSEN.replace("\"old\"", "\"50%+1\"");
    let server = Server::library("default", &format!("{BEHIND_A_PROXY}{chosen}")).await;
    let by_header = async |from: &str, id: &str, secret: &str| {
        let header = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let headers = [
            ("content-type", "application/x-www-form-urlencoded"),
            ("authorization", header.as_str()),
            ("x-forwarded-for", from),
        ];
        let answer = server.post_raw("/oauth/token", &headers, "grant_type=client_credentials");
        answer.await.status
    };
    let by_body = async |from: &str, secret: &str| token(&server, from, "50%+1", secret).await.status;
    let (first, second) = ("203.0.113.1", "203.0.113.2");
    for guess in 0..10 {
        assert_eq!(by_body(first, &format!("{guess}")).await, 401);
    }
    for id in ["50%+1", "50%25%2B1", "50%25+1"] {
        assert_eq!(by_header(first, id, "456def").await, 429, "{id}");
    }
    // Each of these has two readings.
    for guess in 0..5 {
        let id = ["50%+1", "50%25%2B1"][guess % 2];
        assert_eq!(by_header(second, id, &format!("{guess}")).await, 401);
    }
    assert_eq!(by_body(second, "456def").await, 429);
    assert_eq!(by_header(HOME, "50%25%2B1", "456def").await, 200);
}
