//! Guards, the layer and the extractors.

use super::server::{HandClock, Server, builder};
use super::{API, ISSUER};
use crate::{Access, Caller, Dialect, DialectName, GuardError, ProtectedResource, Rejection, Scopes, Verifier};
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::routing::get;
use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tower::ServiceExt as _;

fn setup(members: &Value) -> (Server, HandClock, Verifier) {
    let (server, clock) = (Server::new(), HandClock::new());
    server.says_active(members);
    let verifier = builder(&server, &clock)
        .introspection("api", "s")
        .metadata(ProtectedResource::new(API).scopes(Scopes::parse("read write").unwrap()))
        .build();
    (server, clock, verifier.unwrap())
}

async fn call(app: &Router, authorization: &[&str]) -> Response<Body> {
    let mut request = Request::get("/");
    for value in authorization {
        request = request.header(AUTHORIZATION, *value);
    }
    app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
}

fn challenge(answer: &Response<Body>) -> &str {
    let value = answer.headers().get(WWW_AUTHENTICATE);
    value.map_or("", |value| value.to_str().unwrap())
}

async fn body(answer: Response<Body>) -> String {
    let bytes = axum::body::to_bytes(answer.into_body(), 65_536).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn guarded(guard: crate::Guard) -> Router {
    let name = async |request: Request<Body>| {
        request
            .extensions()
            .get::<Arc<Access>>()
            .unwrap()
            .subject()
            .unwrap()
            .to_owned()
    };
    Router::new().route("/", get(name).layer(guard))
}

#[tokio::test]
async fn a_guard_lets_through_whoever_has_the_scopes() {
    let (_, _, verifier) = setup(&json!({"scope": "read more"}));
    let app = guarded(verifier.guard().scopes("read").unwrap());
    let answer = call(&app, &["Bearer t"]).await;
    assert_eq!((answer.status().as_u16(), body(answer).await), (200, "ada".to_owned()));
    let app = guarded(verifier.guard().scopes("read write").unwrap());
    let answer = call(&app, &["Bearer t"]).await;
    assert_eq!(answer.status(), 403);
    assert!(
        challenge(&answer).contains(r#"error="insufficient_scope""#)
            && challenge(&answer).contains(r#"scope="read write""#)
    );
}

#[tokio::test]
async fn only_one_authorization_header_with_one_token_is_read() {
    let (server, _, verifier) = setup(&json!({}));
    let app = guarded(verifier.guard().scopes("read").unwrap());
    for (headers, status, error) in [
        (vec![], 401, ""),
        (vec!["Basic YTpi"], 401, ""),
        (vec!["Bearer"], 400, r#"error="invalid_request""#),
        (vec!["Bearer a b"], 400, r#"error="invalid_request""#),
        (vec!["Bearer a", "Bearer a"], 400, r#"error="invalid_request""#),
    ] {
        let answer = call(&app, &headers).await;
        assert_eq!(answer.status(), status, "{headers:?}");
        assert!(
            challenge(&answer).contains(error),
            "{headers:?}: {}",
            challenge(&answer)
        );
        assert_eq!(challenge(&answer).contains("error"), !error.is_empty());
        assert!(
            challenge(&answer).contains("resource_metadata="),
            "{}",
            challenge(&answer)
        );
    }
    let query = Request::get("/?access_token=t").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(query).await.unwrap().status(), 401);
    assert_eq!(server.count("/introspect"), 0);
}

#[tokio::test]
async fn an_unreachable_server_is_503_with_retry_after() {
    let (server, _, verifier) = setup(&json!({}));
    server.is_away("/introspect");
    let answer = call(&guarded(verifier.guard()), &["Bearer t"]).await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()[RETRY_AFTER]),
        (503, &"1".parse().unwrap())
    );
    assert_eq!(challenge(&answer), "");
}

#[tokio::test]
async fn guards_inside_each_other_check_the_token_once() {
    let (server, _, verifier) = setup(&json!({"scope": "read"}));
    let inner = guarded(verifier.guard().scopes("read").unwrap());
    let app = inner.layer(verifier.guard());
    assert_eq!(call(&app, &["Bearer t"]).await.status(), 200);
    assert_eq!(server.count("/introspect"), 1);
    let narrow = guarded(verifier.guard().scopes("write").unwrap()).layer(verifier.guard());
    assert_eq!(call(&narrow, &["Bearer t"]).await.status(), 403);
    // Another verifier does not take the word of this one.
    let (other_server, _, other) = setup(&json!({}));
    let app = guarded(other.guard()).layer(verifier.guard());
    assert_eq!(call(&app, &["Bearer t"]).await.status(), 200);
    assert_eq!(other_server.count("/introspect"), 1);
}

#[tokio::test]
async fn a_route_may_have_an_audience_of_its_own() {
    let (_, _, verifier) = setup(&json!({"aud": [API, "https://api.example/reports"]}));
    let at = |audience: &str| guarded(verifier.guard().audience(audience));
    assert_eq!(
        call(&at("https://api.example/reports"), &["Bearer t"]).await.status(),
        200
    );
    let answer = call(&at("https://api.example/admin"), &["Bearer t"]).await;
    assert_eq!(answer.status(), 401);
    assert!(challenge(&answer).contains(r#"error="invalid_token""#));
}

#[tokio::test]
async fn a_route_about_a_person_refuses_tokens_of_apps() {
    for (members, status) in [
        (json!({"username": "ada@example.com"}), 200),
        (json!({"sub": "c"}), 403),
        (json!({"organization": "o"}), 403),
    ] {
        let (_, _, verifier) = setup(&members);
        assert_eq!(
            call(&guarded(verifier.guard().person()), &["Bearer t"]).await.status(),
            status,
            "{members}"
        );
    }
}

/// RFC 9068 §2.2: the `sub` of an app's own token only has to identify the app.
#[tokio::test]
async fn without_a_username_a_subject_is_a_person_only_if_the_builder_says_so() {
    for (subject, if_told) in [("c@clients", 200), ("ada", 200), ("c", 403)] {
        let (server, clock) = (Server::new(), HandClock::new());
        server.says_active(&json!({"sub": subject}));
        let asking = || builder(&server, &clock).introspection("api", "s");
        for (verifier, status) in [(asking(), 403), (asking().subjects_are_people(), if_told)] {
            let guard = verifier.build().unwrap().guard().person();
            let answer = call(&guarded(guard), &["Bearer t"]).await;
            assert_eq!(answer.status(), status, "{subject}");
        }
    }
}

#[tokio::test]
async fn a_weak_or_old_sign_in_is_stepped_up() {
    let now = HandClock::new().seconds();
    for (members, status) in [
        (json!({"acr": "mfa", "auth_time": now}), 200),
        (json!({"acr": "phr", "auth_time": now - 330}), 200),
        (json!({"acr": "phr", "auth_time": now - 331}), 401),
        (json!({"acr": "password", "auth_time": now}), 401),
        (json!({"acr": "mfa"}), 401),
        (json!({"auth_time": now}), 401),
        (json!({}), 401),
    ] {
        let (_, _, verifier) = setup(&members);
        let guard = verifier
            .guard()
            .acr_values("phr mfa")
            .unwrap()
            .max_age(Duration::from_secs(300));
        let answer = call(&guarded(guard), &["Bearer t"]).await;
        assert_eq!(answer.status(), status, "{members}");
        if status == 401 {
            let expected = r#"Bearer error="insufficient_user_authentication", error_description="A different authentication level is required", acr_values="phr mfa", max_age="300""#;
            assert!(challenge(&answer).starts_with(expected), "{}", challenge(&answer));
        }
    }
}

/// An answer of Hallpass, which has neither `auth_time` nor `acr`.
#[tokio::test]
async fn a_fresh_token_of_hallpass_does_not_pass_a_step_up() {
    let now = HandClock::new().seconds();
    let (_, _, verifier) = setup(&json!({
        "scope": "orders", "client_id": "reports", "username": "ada@example.com", "exp": now + 3600, "iat": now,
        "organization": "default", "environment": "live"
    }));
    let age = verifier.guard().max_age(Duration::from_secs(300));
    for guard in [age, verifier.guard().acr_values("mfa").unwrap()] {
        let answer = call(&guarded(guard), &["Bearer t"]).await;
        assert_eq!(answer.status(), 401);
        assert!(challenge(&answer).contains(r#"error="insufficient_user_authentication""#));
    }
}

/// CCH-11.
#[tokio::test]
async fn the_dialect_of_the_api_writes_the_message() {
    let (server, clock) = (Server::new(), HandClock::new());
    server.says_active(&json!({"exp": clock.seconds() - 60}));
    let dialect = Dialect {
        name: DialectName::Oauth2ServerPhp,
        refusal_message: true,
        empty_member: false,
    };
    let verifier = builder(&server, &clock)
        .introspection("api", "s")
        .dialect(dialect)
        .build()
        .unwrap();
    let answer = call(&guarded(verifier.guard()), &["Bearer t"]).await;
    assert_eq!(answer.status(), 401);
    assert_eq!(
        challenge(&answer),
        r#"Bearer realm="Service", error="invalid_token", error_description="The access token provided has expired""#
    );
    let body: Value = serde_json::from_str(&body(answer).await).unwrap();
    assert_eq!(body["message"], "The access token provided has expired");
}

#[test]
fn a_guard_of_nonsense_is_not_made() {
    let (_, _, verifier) = setup(&json!({}));
    for text in ["", " ", "a\"b", "é"] {
        assert_eq!(
            verifier.guard().scopes(text).err(),
            Some(GuardError::Scopes(text.to_owned()))
        );
        assert_eq!(
            verifier.guard().acr_values(text).err(),
            Some(GuardError::AcrValues(text.to_owned()))
        );
    }
}

#[test]
fn metadata_is_there_to_be_served() {
    let (_, _, verifier) = setup(&json!({}));
    let (path, document) = verifier.metadata().unwrap();
    assert_eq!(path, "/.well-known/oauth-protected-resource");
    let document: Value = serde_json::from_str(document).unwrap();
    assert_eq!(document["authorization_servers"], json!([ISSUER]));
    assert_eq!(document["scopes_supported"], json!(["read", "write"]));
}

async fn named(caller: Option<Caller>) -> String {
    caller.map_or("nobody".to_owned(), |caller| caller.subject().unwrap().to_owned())
}

async fn writes(caller: Caller, State(verifier): State<Verifier>) -> Result<&'static str, Rejection> {
    caller.require(&verifier.guard().scopes("write").unwrap())?;
    Ok("written")
}

#[tokio::test]
async fn a_handler_takes_the_caller_with_and_without_a_token() {
    let (server, _, verifier) = setup(&json!({"scope": "read"}));
    let app = Router::new().route("/", get(named)).with_state(verifier.clone());
    assert_eq!(body(call(&app, &[]).await).await, "nobody");
    assert_eq!(body(call(&app, &["Bearer t"]).await).await, "ada");
    assert_eq!(call(&app, &["Bearer a b"]).await.status(), 400);
    let app = Router::new().route("/", get(writes)).with_state(verifier.clone());
    assert_eq!(call(&app, &[]).await.status(), 401);
    assert_eq!(call(&app, &["Bearer t"]).await.status(), 403);
    let before = server.count("/introspect");
    // Behind a guard of the same verifier, the token is not checked again.
    let behind = app.layer(verifier.guard());
    assert_eq!(call(&behind, &["Bearer t"]).await.status(), 403);
    assert_eq!(server.count("/introspect"), before + 1);
    server.says_active(&json!({"scope": "write"}));
    assert_eq!(body(call(&behind, &["Bearer t"]).await).await, "written");
}
