use super::*;
use crate::demo::listen;
use axum::routing::post;
use hallpass_resource::Dialect;
use http_body_util::BodyExt as _;
use std::net::{SocketAddr, TcpListener};
use tower::ServiceExt as _;

#[test]
fn a_placeholder_stands_for_one_segment() {
    let endpoint = SampleEndpoint::parse("GET /houses/{id}").unwrap();
    assert!(endpoint.matches("/houses/12"));
    for path in ["/houses", "/houses/", "/houses/12/rooms", "/reports/12", "/houses/12/"] {
        assert!(!endpoint.matches(path), "{path}");
    }
}

/// An introspection endpoint that knows two tokens: `good`, of an organization, and `reader`, which lacks the second scope.
fn introspection() -> SocketAddr {
    async fn answer(body: String) -> String {
        let about = |scope: &str, organization: &str| {
            format!(
                r#"{{"active":true,"scope":"{scope}","exp":9999999999,"client_id":"app","aud":"api","token_type":"Bearer","organization":"{organization}"}}"#
            )
        };
        match body.split('&').next() {
            Some("token=good") => about("read write", "one"),
            Some("token=reader") => about("read", "two"),
            _ => r#"{"active":false}"#.to_owned(),
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listen::spawn(listener, Router::new().route("/introspect", post(answer))).unwrap();
    address
}

fn verifier(server: SocketAddr) -> Verifier {
    let issuer = format!("http://{server}");
    let builder = Verifier::builder(&issuer)
        .audience("api")
        .introspection("api", "secret");
    let builder = builder.introspection_endpoint(&format!("{issuer}/introspect"));
    let http = Arc::new(Http::new(server).unwrap());
    builder.dialect(Dialect::STANDARD).fetch_with(http).build().unwrap()
}

fn api(server: SocketAddr) -> Router {
    let records = r#"{"/notes": [{"of": "one", "id": 1}, {"of": "two", "id": 2}]}"#;
    let endpoint = |text: &str, scope: &str| SampleEndpoint {
        scope: Scope::parse(scope).ok(),
        ..SampleEndpoint::parse(text).unwrap()
    };
    router(SampleApi {
        name: "Notes".to_owned(),
        identity: format!("http://{server}/identity"),
        verifier: verifier(server),
        endpoints: vec![
            endpoint("GET /notes", "read"),
            endpoint("GET /notes/{id}", "read"),
            endpoint("DELETE /notes/{id}", "write"),
        ],
        records: Mutex::new(serde_json::from_str(records).unwrap()),
        http: Http::new(server).unwrap(),
    })
}

async fn call(api: &Router, line: &str, token: &str) -> (u16, String) {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let response = api.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn exactly_one_bearer_header_is_a_token() {
    let api = api(introspection());
    let sent = async |values: &[&'static str]| {
        let mut request = Request::builder().uri("/notes");
        for value in values {
            request = request.header("authorization", *value);
        }
        let response = api.clone().oneshot(request.body(Body::empty()).unwrap()).await;
        response.unwrap().status().as_u16()
    };
    assert_eq!(sent(&["bearer good"]).await, 200);
    assert_eq!(sent(&[]).await, 401);
    for values in [
        &["Basic abc"][..],
        &["Bearer"],
        &["Bearer "],
        &["Bearer a b"],
        &["Bearer good", "Bearer good"],
    ] {
        assert_eq!(sent(values).await, 400, "{values:?}");
    }
}

/// HC-1: a refusal must not reveal which paths exist.
#[tokio::test]
async fn without_a_good_token_every_path_gets_the_same_refusal() {
    let api = api(introspection());
    for line in ["GET /", "GET /notes", "GET /nowhere", "PATCH /notes", "GET /me"] {
        for token in ["", "bad"] {
            assert_eq!(call(&api, line, token).await.0, 401, "{line} {token:?}");
        }
    }
    assert_eq!(call(&api, "GET /nowhere", "good").await.0, 404);
    assert_eq!(call(&api, "PATCH /notes", "good").await.0, 405);
}

#[tokio::test]
async fn a_token_opens_its_scopes_and_its_own_organization_only() {
    let api = api(introspection());
    assert_eq!(
        call(&api, "GET /notes", "good").await,
        (200, r#"[{"id":1}]"#.to_owned())
    );
    assert_eq!(
        call(&api, "GET /notes", "reader").await,
        (200, r#"[{"id":2}]"#.to_owned())
    );
    assert_eq!(call(&api, "GET /notes/1", "reader").await.0, 404);
    assert_eq!(call(&api, "DELETE /notes/2", "reader").await.0, 403);
    assert_eq!(call(&api, "DELETE /notes/2", "good").await.0, 404);
    assert_eq!(call(&api, "DELETE /notes/1", "good").await.0, 204);
}

#[tokio::test]
async fn a_token_without_a_person_has_no_identity() {
    let api = api(introspection());
    assert_eq!(call(&api, "GET /me", "good").await.0, 403);
}

/// Without an answer from the server, no token counts as active.
#[tokio::test]
async fn every_token_is_refused_while_the_server_is_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(call(&api(nobody), "GET /notes", "good").await.0, 503);
}
