//! JWTs: keys are fetched, kept, fetched again, and never asked for too often.

use super::server::{HandClock, START_MS, Server, builder};
use super::{API, ISSUER, unavailable, verify};
use crate::{Algorithm, Refused, Verifier};
use hallpass_wire::jose::{SigningKey, sign};
use serde_json::{Value, json};
use std::time::Duration;

/// RFC 8037 appendix A.1.
fn key(kid: &str) -> SigningKey {
    let jwk = json!({
        "kty": "OKP", "crv": "Ed25519", "kid": kid,
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    });
    SigningKey::from_jwk(&jwk.to_string()).unwrap()
}

fn keys(kids: &[&str]) -> Value {
    let sets = kids
        .iter()
        .map(|kid| serde_json::from_str::<Value>(&key(kid).public_jwks()).unwrap());
    json!({"keys": sets.map(|set| set["keys"][0].clone()).collect::<Vec<_>>()})
}

/// A token that lives a day.
fn token(kid: &str, changed: &Value) -> String {
    let mut claims = json!({
        "iss": ISSUER, "aud": API, "exp": START_MS / 1000 + 86_400, "sub": "ada", "client_id": "c", "scope": "read"
    });
    for (name, value) in changed.as_object().unwrap() {
        claims[name] = value.clone();
    }
    sign(&key(kid), "at+jwt", &claims).unwrap()
}

fn setup() -> (Server, HandClock, Verifier) {
    let (server, clock) = (Server::new(), HandClock::new());
    server.says("/jwks", 200, &keys(&["one"]));
    let verifier = builder(&server, &clock).jwt().build().unwrap();
    (server, clock, verifier)
}

#[tokio::test]
async fn a_good_token_is_verified_without_asking_about_it() {
    let (server, _, verifier) = setup();
    for _ in 0..3 {
        let access = verify(&verifier, &token("one", &json!({}))).await.unwrap();
        assert_eq!((access.subject(), access.client_id()), (Some("ada"), Some("c")));
        assert_eq!(access.scopes().to_string(), "read");
    }
    assert_eq!((server.count("/jwks"), server.count("/introspect")), (1, 0));
}

#[tokio::test]
async fn what_a_token_must_say_is_checked() {
    let (_, clock, verifier) = setup();
    let refused = async |changed: Value| verify(&verifier, &token("one", &changed)).await.unwrap_err();
    assert_eq!(refused(json!({"exp": clock.seconds() - 30})).await, Refused::Expired);
    for changed in [
        json!({"aud": "https://other.example"}),
        json!({"iss": "https://other.example"}),
        json!({"nbf": clock.seconds() + 31}),
        json!({"cnf": {"jkt": "x"}}),
        json!({"scope": ["read"]}),
    ] {
        assert!(
            matches!(refused(changed.clone()).await, Refused::Invalid(_)),
            "{changed}"
        );
    }
    let id_token = sign(
        &key("one"),
        "JWT",
        &json!({"iss": ISSUER, "aud": API, "exp": clock.seconds() + 60}),
    )
    .unwrap();
    assert!(matches!(verify(&verifier, &id_token).await, Err(Refused::Invalid(_))));
    assert!(matches!(verify(&verifier, "opaque").await, Err(Refused::Invalid(_))));
}

#[tokio::test]
async fn a_new_key_is_fetched_when_its_first_token_comes() {
    let (server, clock, verifier) = setup();
    assert!(verify(&verifier, &token("one", &json!({}))).await.is_ok());
    server.says("/jwks", 200, &keys(&["one", "two"]));
    clock.pass(Duration::from_secs(5));
    assert!(verify(&verifier, &token("two", &json!({}))).await.is_ok());
    assert!(verify(&verifier, &token("one", &json!({}))).await.is_ok());
    assert_eq!(server.count("/jwks"), 2);
}

#[tokio::test]
async fn unknown_keys_are_asked_for_at_a_bounded_rate() {
    let (server, clock, verifier) = setup();
    for number in 0..20 {
        let refused = verify(&verifier, &token(&format!("x{number}"), &json!({})))
            .await
            .unwrap_err();
        assert!(matches!(refused, Refused::Invalid(_)), "{refused}");
    }
    assert_eq!(server.count("/jwks"), 1);
    clock.pass(Duration::from_secs(5));
    for number in 0..20 {
        assert!(
            verify(&verifier, &token(&format!("y{number}"), &json!({})))
                .await
                .is_err()
        );
    }
    assert_eq!(server.count("/jwks"), 2);
}

#[tokio::test]
async fn if_the_keys_cannot_be_fetched_an_unknown_one_is_503_and_the_rate_holds() {
    let (server, clock, verifier) = setup();
    assert!(verify(&verifier, &token("one", &json!({}))).await.is_ok());
    server.is_away("/jwks");
    clock.pass(Duration::from_secs(5));
    for _ in 0..5 {
        let reason = unavailable(verify(&verifier, &token("two", &json!({}))).await);
        assert!(reason.contains("connection refused"), "{reason}");
    }
    assert_eq!(server.count("/jwks"), 2);
    assert!(verify(&verifier, &token("one", &json!({}))).await.is_ok());
    server.says("/jwks", 200, &keys(&["one", "two"]));
    unavailable(verify(&verifier, &token("two", &json!({}))).await);
    clock.pass(Duration::from_secs(5));
    assert!(verify(&verifier, &token("two", &json!({}))).await.is_ok());
}

#[tokio::test]
async fn a_key_that_is_taken_back_is_refused_after_ten_minutes() {
    let (server, clock, verifier) = setup();
    assert!(verify(&verifier, &token("one", &json!({}))).await.is_ok());
    server.says("/jwks", 200, &keys(&["two"]));
    clock.pass(Duration::from_secs(599));
    assert!(verify(&verifier, &token("one", &json!({}))).await.is_ok());
    clock.pass(Duration::from_secs(1));
    assert!(matches!(
        verify(&verifier, &token("one", &json!({}))).await,
        Err(Refused::Invalid(_))
    ));
}

#[tokio::test]
async fn old_keys_serve_for_an_hour_while_the_server_is_away() {
    let (server, clock, verifier) = setup();
    assert!(verify(&verifier, &token("one", &json!({}))).await.is_ok());
    server.is_away("/jwks");
    for _ in 0..69 {
        clock.pass(Duration::from_secs(60));
        assert!(verify(&verifier, &token("one", &json!({}))).await.is_ok());
    }
    clock.pass(Duration::from_secs(60));
    unavailable(verify(&verifier, &token("one", &json!({}))).await);
}

#[tokio::test]
async fn keys_that_cannot_be_used_are_503() {
    let (server, clock, _) = setup();
    for document in [
        json!({}),
        json!([]),
        json!({"keys": []}),
        json!({"keys": [{"kty": "oct", "k": "AA"}]}),
    ] {
        server.says("/jwks", 200, &document);
        let verifier = builder(&server, &clock).jwt().build().unwrap();
        unavailable(verify(&verifier, &token("one", &json!({}))).await);
    }
    let verifier = builder(&server, &clock)
        .jwt()
        .jwks_uri("https://id.example/elsewhere")
        .build()
        .unwrap();
    let reason = unavailable(verify(&verifier, &token("one", &json!({}))).await);
    assert!(
        reason.contains("https://id.example/elsewhere answered with status 404"),
        "{reason}"
    );
}

#[tokio::test]
async fn the_first_callers_share_one_fetch() {
    let (server, _, verifier) = setup();
    let token = token("one", &json!({}));
    let callers: Vec<_> = (0..20)
        .map(|_| {
            let (verifier, token) = (verifier.clone(), token.clone());
            tokio::spawn(async move { verify(&verifier, &token).await.is_ok() })
        })
        .collect();
    for caller in callers {
        assert!(caller.await.unwrap());
    }
    assert_eq!(server.count("/jwks"), 1);
}

#[tokio::test]
async fn if_the_caller_who_fetches_goes_away_the_others_get_what_it_asked_for() {
    let metadata = json!({"issuer": ISSUER, "jwks_uri": format!("{ISSUER}/jwks")});
    for (path, document) in [
        ("/jwks", keys(&["one"])),
        ("/.well-known/oauth-authorization-server", metadata),
    ] {
        let (server, _, verifier) = setup();
        let gate = server.holds(path, &document);
        let call = || {
            let (verifier, token) = (verifier.clone(), token("one", &json!({})));
            tokio::spawn(async move { verify(&verifier, &token).await })
        };
        let first = call();
        while server.count(path) == 0 {
            tokio::task::yield_now().await;
        }
        let second = call();
        tokio::task::yield_now().await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        gate.notify_one();
        assert!(second.await.unwrap().is_ok(), "{path}");
        assert_eq!(server.count(path), 1, "{path}");
    }
}

#[tokio::test]
async fn an_apps_own_token_acts_for_a_person_only_if_the_builder_says_so() {
    let (server, clock, verifier) = setup();
    let token = token("one", &json!({"sub": "c@clients"}));
    assert!(!verify(&verifier, &token).await.unwrap().acts_for_person());
    let told = builder(&server, &clock).jwt().subjects_are_people().build().unwrap();
    assert!(verify(&told, &token).await.unwrap().acts_for_person());
}

/// Twenty callers at the same moment, each with a token of another key.
async fn all_are_unavailable(verifier: &Verifier) {
    let callers: Vec<_> = (0..20)
        .map(|number| {
            let (verifier, token) = (verifier.clone(), token(&format!("x{number}"), &json!({})));
            tokio::spawn(async move { verify(&verifier, &token).await })
        })
        .collect();
    for caller in callers {
        unavailable(caller.await.unwrap());
    }
}

/// The time passes while the server hangs, and no caller makes the next one wait again.
#[tokio::test(start_paused = true)]
async fn callers_of_a_server_that_hangs_share_its_failure() {
    let (server, clock, verifier) = setup();
    let places = [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ];
    for place in places {
        let clock = clock.clone();
        server.scripted(place, move |_| {
            clock.pass(Duration::from_secs(5));
            Box::pin(std::future::pending())
        });
    }
    all_are_unavailable(&verifier).await;
    assert_eq!(places.map(|place| server.count(place)), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_of_a_server_that_hangs_share_its_failure() {
    let (server, clock, verifier) = setup();
    assert!(verify(&verifier, &token("one", &json!({}))).await.is_ok());
    clock.pass(Duration::from_secs(5));
    let passes = clock.clone();
    server.scripted("/jwks", move |_| {
        passes.pass(Duration::from_secs(5));
        Box::pin(std::future::pending())
    });
    all_are_unavailable(&verifier).await;
    assert_eq!(server.count("/jwks"), 2);
}

#[tokio::test(start_paused = true)]
async fn old_keys_serve_at_once_while_the_server_hangs() {
    let (server, clock, verifier) = setup();
    let token = token("one", &json!({}));
    assert!(verify(&verifier, &token).await.is_ok());
    clock.pass(Duration::from_secs(600));
    let gate = server.holds("/jwks", &keys(&["two"]));
    assert!(verify(&verifier, &token).await.is_ok(), "it waits for the timeout");
    for _ in 0..3 {
        clock.pass(Duration::from_secs(5));
        let at_once = tokio::time::timeout(Duration::ZERO, verify(&verifier, &token));
        assert!(at_once.await.expect("no call waits any more").is_ok());
    }
    gate.notify_one();
    let mut is_fetched = false;
    for _ in 0..1000 {
        is_fetched = is_fetched || verify(&verifier, &token).await.is_err();
        tokio::task::yield_now().await;
    }
    assert!(is_fetched, "the request went on by itself");
    assert_eq!(server.count("/jwks"), 3);
}

/// A key that was taken back is refused ten minutes later, also if a request of long ago failed.
#[tokio::test(start_paused = true)]
async fn a_failure_of_long_ago_lets_no_old_key_pass() {
    let (server, clock, verifier) = setup();
    let token = token("one", &json!({}));
    assert!(verify(&verifier, &token).await.is_ok());
    clock.pass(Duration::from_secs(600));
    server.is_away("/jwks");
    assert!(verify(&verifier, &token).await.is_ok());
    clock.pass(Duration::from_secs(60));
    server.says("/jwks", 200, &keys(&["two"]));
    assert!(matches!(verify(&verifier, &token).await, Err(Refused::Invalid(_))));
}

#[tokio::test]
async fn the_list_of_algorithms_narrows_the_keys() {
    let (server, clock, _) = setup();
    let only = |algorithms: &[Algorithm]| builder(&server, &clock).jwt().algorithms(algorithms).build().unwrap();
    let token = token("one", &json!({}));
    assert!(verify(&only(&[Algorithm::EdDsa]), &token).await.is_ok());
    assert!(matches!(
        verify(&only(&[Algorithm::Es256]), &token).await,
        Err(Refused::Invalid(_))
    ));
}

#[tokio::test]
async fn with_both_ways_the_form_of_the_token_decides() {
    let (server, clock, _) = setup();
    server.says_active(&json!({"sub": "opaque"}));
    let both = builder(&server, &clock)
        .jwt()
        .introspection("api", "s")
        .build()
        .unwrap();
    assert_eq!(
        verify(&both, &token("one", &json!({}))).await.unwrap().subject(),
        Some("ada")
    );
    assert_eq!(server.count("/introspect"), 0);
    for opaque in ["opaque", "a.b.c", "eyJ.x", "hp_at_x"] {
        assert_eq!(verify(&both, opaque).await.unwrap().subject(), Some("opaque"));
    }
    // A JWT that is not good is not asked about: it may be one of another server, made to be accepted there.
    let foreign = token("one", &json!({"iss": "https://other.example"}));
    assert!(matches!(verify(&both, &foreign).await, Err(Refused::Invalid(_))));
    assert_eq!(server.count("/introspect"), 4);
}
