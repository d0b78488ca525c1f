//! Introspection: what is asked, what the answers mean, and which are kept.

use super::server::{HandClock, Server, answer, builder, ready};
use super::{API, unavailable, verify};
use crate::{BuildError, Refused, Verifier};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

fn setup() -> (Server, HandClock) {
    (Server::new(), HandClock::new())
}

fn asking(server: &Server, clock: &HandClock) -> Verifier {
    builder(server, clock).introspection("api", "s e+cret").build().unwrap()
}

#[tokio::test]
async fn the_request_is_a_form_with_the_credentials_of_the_api() {
    let (server, clock) = setup();
    server.says_active(&json!({}));
    let access = verify(&asking(&server, &clock), "a+b/c==").await.unwrap();
    assert_eq!(
        (access.subject(), access.scopes().to_string().as_str()),
        (Some("ada"), "read")
    );
    let request = server.last();
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "https://id.example/introspect");
    assert_eq!(request.body(), b"token=a%2Bb%2Fc%3D%3D&token_type_hint=access_token");
    // api:s+e%2Bcret
    assert_eq!(request.headers()[AUTHORIZATION], "Basic YXBpOnMrZSUyQmNyZXQ=");
    assert_eq!(request.headers()[CONTENT_TYPE], "application/x-www-form-urlencoded");
    assert!(!request.headers().contains_key("hallpass-feed"));
}

#[tokio::test]
async fn an_inactive_token_is_invalid() {
    let (server, clock) = setup();
    server.says("/introspect", 200, &json!({"active": false}));
    let refused = verify(&asking(&server, &clock), "t").await.unwrap_err();
    assert!(matches!(refused, Refused::Invalid(_)), "{refused}");
}

/// CCH-11, for a token that this API has not seen before.
#[tokio::test]
async fn an_expired_token_of_hallpass_is_told_so_at_its_first_call() {
    let (server, clock) = setup();
    let says = |active: bool, reason: &'static str| {
        server.scripted("/introspect", move |_| {
            let headers = [("hallpass-inactive", reason)];
            ready(answer(200, &headers, &json!({ "active": active }).to_string()))
        });
    };
    let verifier = asking(&server, &clock);
    says(false, "expired");
    assert_eq!(verify(&verifier, "t").await, Err(Refused::Expired));
    assert_eq!(server.last().headers()["hallpass-inactive"], "1");
    for (active, reason) in [(false, "other"), (true, "expired")] {
        says(active, reason);
        let refused = verify(&verifier, "t").await;
        assert!(matches!(refused, Err(Refused::Invalid(_))), "{reason}: {refused:?}");
    }
}

#[tokio::test]
async fn what_is_no_clear_answer_is_503_and_never_401() {
    let (server, clock) = setup();
    let verifier = asking(&server, &clock);
    for (status, body) in [
        (200, "{}"),
        (200, r#"{"active":"true"}"#),
        (200, r#"{"active":null}"#),
        (200, "[]"),
        (200, "<html>"),
        (204, ""),
        (302, ""),
        (400, "{}"),
        (403, ""),
        (404, ""),
        (500, ""),
        (502, ""),
    ] {
        server.scripted("/introspect", move |_| ready(answer(status, &[], body)));
        let reason = unavailable(verify(&verifier, "t").await);
        assert!(reason.contains("introspection"), "{status} {body}: {reason}");
    }
    server.is_away("/introspect");
    let reason = unavailable(verify(&verifier, "t").await);
    assert!(reason.contains("connection refused"), "{reason}");
}

/// A caller could otherwise make this API answer 503 as often as they like.
#[tokio::test]
async fn a_token_that_is_too_long_for_the_server_is_invalid() {
    let (server, clock) = setup();
    let verifier = asking(&server, &clock);
    let (short, long) = ("t".repeat(4096), "t".repeat(8001));
    for (status, body) in [
        (400, r#"{"error":"invalid_request"}"#),
        (400, r#"{"ErrorCode":"invalid_request"}"#),
        (413, ""),
        (414, ""),
        (431, ""),
    ] {
        server.scripted("/introspect", move |_| ready(answer(status, &[], body)));
        let refused = verify(&verifier, &long).await.unwrap_err();
        assert!(matches!(refused, Refused::Invalid(_)), "{status}: {refused}");
        unavailable(verify(&verifier, &short).await);
    }
    for (status, error) in [
        (400, "invalid_client"),
        (400, "unauthorized_client"),
        (401, "invalid_client"),
        (500, ""),
    ] {
        server.says("/introspect", status, &json!({ "error": error }));
        unavailable(verify(&verifier, &long).await);
    }
}

#[tokio::test]
async fn wrong_credentials_are_the_fault_of_this_api() {
    let (server, clock) = setup();
    server.says("/introspect", 401, &json!({"error": "invalid_client"}));
    let reason = unavailable(verify(&asking(&server, &clock), "t").await);
    assert!(reason.contains("credentials"), "{reason}");
}

#[tokio::test]
async fn retry_after_of_the_server_is_passed_on_between_a_second_and_a_minute() {
    let (server, clock) = setup();
    let verifier = asking(&server, &clock);
    for (sent, expected) in [("7", 7), ("0", 1), ("3600", 60), ("Fri, 31 Dec 1999 23:59:59 GMT", 1)] {
        server.scripted("/introspect", move |_| ready(answer(503, &[("retry-after", sent)], "")));
        match verify(&verifier, "t").await {
            Err(Refused::Unavailable(unavailable)) => {
                assert_eq!(unavailable.retry_after, Duration::from_secs(expected));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_answer_is_given_up() {
    let (server, clock) = setup();
    server.scripted("/introspect", |_| Box::pin(std::future::pending()));
    let reason = unavailable(verify(&asking(&server, &clock), "t").await);
    assert!(reason.contains("no answer came in time"), "{reason}");
}

#[tokio::test]
async fn a_token_for_others_is_refused() {
    let (server, clock) = setup();
    let verifier = asking(&server, &clock);
    for members in [
        json!({"aud": "https://other.example"}),
        json!({"aud": []}),
        json!({"aud": null}),
        json!({"iss": "https://other.example"}),
        json!({"token_type": "DPoP"}),
        json!({"token_type": null}),
        json!({"cnf": {"jkt": "x"}}),
    ] {
        server.says_active(&members);
        let refused = verify(&verifier, "t").await.unwrap_err();
        assert!(matches!(refused, Refused::Invalid(_)), "{members}: {refused}");
    }
    server.says_active(&json!({"aud": ["https://other.example", API], "token_type": "bearer"}));
    assert!(verify(&verifier, "t").await.is_ok());
}

#[tokio::test]
async fn a_bare_answer_is_good_only_where_that_is_said() {
    let (server, clock) = setup();
    let strict = asking(&server, &clock);
    let lenient = builder(&server, &clock).introspection("api", "s").accept_bare_answers();
    let lenient = lenient.build().unwrap();
    for bare in [
        json!({"aud": null}),
        json!({"token_type": null}),
        json!({"aud": null, "token_type": null}),
    ] {
        server.says_active(&bare);
        assert!(matches!(verify(&strict, "t").await, Err(Refused::Invalid(_))), "{bare}");
        assert!(verify(&lenient, "t").await.is_ok(), "{bare}");
    }
    // What an answer does say must be right.
    for wrong in [json!({"aud": "https://other.example"}), json!({"token_type": "DPoP"})] {
        server.says_active(&wrong);
        assert!(
            matches!(verify(&lenient, "t").await, Err(Refused::Invalid(_))),
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn without_a_feed_every_call_is_asked_about() {
    let (server, clock) = setup();
    server.says_active(&json!({}));
    let verifier = asking(&server, &clock);
    for _ in 0..3 {
        assert!(verify(&verifier, "t").await.is_ok());
    }
    assert_eq!(server.count("/introspect"), 3);
}

#[tokio::test]
async fn answers_are_kept_for_the_time_that_is_said_and_never_beyond_their_expiry() {
    let (server, clock) = setup();
    server.says_active(&json!({"exp": clock.seconds() + 15}));
    let keeping = builder(&server, &clock).introspection("api", "s");
    let verifier = keeping.keep_answers(Duration::from_secs(10), 100).build().unwrap();
    let asked = async |after: u64| {
        clock.pass(Duration::from_secs(after));
        let outcome = verify(&verifier, "t").await;
        (server.count("/introspect"), outcome.err())
    };
    assert_eq!(asked(0).await, (1, None));
    assert_eq!(asked(9).await, (1, None));
    assert_eq!(asked(1).await, (2, None));
    assert_eq!(asked(4).await, (2, None));
    // Its time is over: the server is asked, which may allow for the difference of the clocks.
    assert_eq!(asked(1).await, (3, None));
    assert_eq!(asked(29).await, (4, None));
    assert_eq!(asked(1).await, (5, Some(Refused::Expired)));
}

#[tokio::test]
async fn bad_answers_are_never_kept() {
    let (server, clock) = setup();
    let keeping = builder(&server, &clock).introspection("api", "s");
    let verifier = keeping.keep_answers(Duration::from_secs(10), 100).build().unwrap();
    server.says("/introspect", 200, &json!({"active": false}));
    assert!(verify(&verifier, "t").await.is_err());
    server.is_away("/introspect");
    unavailable(verify(&verifier, "t").await);
    // Paused, and good again.
    server.says_active(&json!({}));
    assert!(verify(&verifier, "t").await.is_ok());
}

/// CCH-11: introspection does not say why a token is inactive, but its expiry has been seen.
#[tokio::test]
async fn an_expired_token_is_told_apart_from_a_revoked_one() {
    let (server, clock) = setup();
    server.says_active(&json!({"exp": clock.seconds() + 60}));
    let verifier = asking(&server, &clock);
    assert!(verify(&verifier, "t").await.is_ok());
    server.says("/introspect", 200, &json!({"active": false}));
    // The server's clock may be ahead by 30 seconds.
    clock.pass(Duration::from_secs(29));
    assert_eq!(verify(&verifier, "t").await.unwrap_err(), Refused::Revoked);
    clock.pass(Duration::from_secs(1));
    assert_eq!(verify(&verifier, "t").await.unwrap_err(), Refused::Expired);
    assert!(matches!(verify(&verifier, "other").await, Err(Refused::Invalid(_))));
}

#[tokio::test]
async fn fifty_callers_with_one_token_are_one_request() {
    let (server, clock) = setup();
    let active = json!({"active": true, "token_type": "Bearer", "aud": API});
    let gate = server.holds("/introspect", &active);
    let verifier = asking(&server, &clock);
    let callers: Vec<_> = (0..50)
        .map(|_| {
            let verifier = verifier.clone();
            tokio::spawn(async move { verify(&verifier, "t").await.is_ok() })
        })
        .collect();
    while server.count("/introspect") == 0 {
        tokio::task::yield_now().await;
    }
    gate.notify_one();
    for caller in callers {
        assert!(caller.await.unwrap());
    }
    assert_eq!(server.count("/introspect"), 1);
}

#[tokio::test]
async fn metadata_is_asked_for_once_and_again_after_a_failure() {
    let (server, clock) = setup();
    server.says_active(&json!({}));
    let place = "/.well-known/oauth-authorization-server";
    server.is_away(place);
    server.is_away("/.well-known/openid-configuration");
    let verifier = asking(&server, &clock);
    unavailable(verify(&verifier, "t").await);
    // Not again within a second.
    unavailable(verify(&verifier, "t").await);
    assert_eq!(server.count(place), 1);
    clock.pass(Duration::from_secs(1));
    server.says(place, 200, &json!({"issuer": super::ISSUER}));
    let reason = unavailable(verify(&verifier, "t").await);
    assert!(reason.contains("introspection_endpoint"), "{reason}");
    let known = builder(&server, &clock)
        .introspection("api", "s")
        .introspection_endpoint("https://id.example/introspect");
    assert!(verify(&known.build().unwrap(), "t").await.is_ok());
    assert_eq!(server.count(place), 2);
}

#[tokio::test]
async fn ready_says_what_is_wrong_before_the_first_caller_comes() {
    let (server, clock) = setup();
    assert!(asking(&server, &clock).ready().await.is_ok());
    assert_eq!(server.count("/introspect"), 0);
    let place = "/.well-known/oauth-authorization-server";
    server.says(place, 200, &json!({"issuer": "https://other.example"}));
    let error = asking(&server, &clock).ready().await.unwrap_err();
    assert!(error.reason.contains("its issuer is"), "{error}");
}

#[tokio::test]
async fn a_document_that_cannot_be_used_is_passed_over() {
    let (server, clock) = setup();
    let good = json!({"issuer": super::ISSUER, "introspection_endpoint": "https://id.example/introspect"});
    for bad in [json!({"issuer": "https://other.example"}), json!("a page")] {
        server.says("/.well-known/oauth-authorization-server", 200, &bad);
        server.says("/.well-known/openid-configuration", 200, &good);
        assert!(asking(&server, &clock).ready().await.is_ok(), "{bad}");
    }
}

#[test]
fn a_builder_without_what_it_needs_says_so() {
    let (server, clock) = setup();
    let built = |builder: crate::Builder| builder.fetch_with(Arc::new(server.clone())).build().err();
    assert_eq!(
        built(Verifier::builder("https://id.example").introspection("a", "s")),
        Some(BuildError::NoAudience)
    );
    assert_eq!(built(builder(&server, &clock)), Some(BuildError::NoMethod));
    assert_eq!(
        built(builder(&server, &clock).jwt().follow_feed()),
        Some(BuildError::FeedWithoutIntrospection)
    );
    for issuer in ["id.example", "https://id.example/?a", "https://id.example/#a", ""] {
        let built = built(Verifier::builder(issuer).audience(API).jwt());
        assert_eq!(built, Some(BuildError::Url(issuer.to_owned())));
    }
    let resource = crate::ProtectedResource::new("urn:api");
    assert!(matches!(
        built(builder(&server, &clock).jwt().metadata(resource)),
        Some(BuildError::Metadata(_))
    ));
}

#[test]
fn nothing_prints_a_secret() {
    let (server, clock) = setup();
    let building = builder(&server, &clock).introspection("api", "hush");
    assert!(!format!("{building:?}").contains("hush"));
    let verifier = building.build().unwrap();
    assert!(!format!("{verifier:?} {:?}", verifier.guard()).contains("hush"));
}
