//! The paths.

use axum::Router;
use axum::extract::{Extension, State};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get, post};
use http::StatusCode;

use super::answers::{fault, text};
use super::{Rights, Service, bodies, connections, guard, page, tokens};

pub(super) fn router(service: Service) -> Router {
    Router::new()
        .route("/token/{provider}/{*reference}", get(tokens::token))
        .route("/connections", get(page::connections))
        .route("/connections/callback", post(connections::callback))
        .route("/connections/{provider}/{*reference}", any(connections::one))
        .route("/metrics", get(metrics))
        .route("/style.css", get(page::style))
        .fallback(|| async { fault(StatusCode::NOT_FOUND, "no_such_path", "see docs/guide/keeper.md").into_response() })
        .layer(from_fn(bodies::read_body))
        .layer(from_fn_with_state(service.clone(), guard::guard))
        .with_state(service)
}

async fn metrics(State(service): State<Service>, Extension(rights): Extension<Rights>) -> Response {
    match service.metrics.text(|provider| rights.allow(provider)) {
        Ok(metrics) => text(
            StatusCode::OK,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
            metrics,
        ),
        Err(_) => fault(
            StatusCode::INTERNAL_SERVER_ERROR,
            "metrics",
            "failed to write the metrics",
        )
        .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Guard, LONGEST_BODY};
    use super::*;
    use crate::config::{Place, Serve};
    use crate::listener::Listener;
    use crate::metrics::Metrics;
    use hallpass_client::http::HttpClient;
    use hallpass_client::keeper::{Care, Keeper, MemoryVault, VaultKey};
    use hallpass_client::{ClientAuth, Provider, SystemClock};
    use serde_json::Value;
    use std::path::Path;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixStream;
    use tokio::sync::watch;

    fn service() -> Service {
        let http = HttpClient::builder().without_native_roots().build().unwrap();
        let mut shop = Provider::new("app", ClientAuth::None);
        shop.token_endpoint = Some("https://id.example/token".to_owned());
        let key = VaultKey::from_bytes(&[7; 32]).unwrap();
        let serve = Serve {
            place: None,
            hosts: Vec::new(),
            redirect_uri: None,
        };
        Service {
            keeper: Keeper::builder(Arc::new(MemoryVault::new()), key, Arc::new(SystemClock))
                .provider("shop", shop, http, Care::default())
                .build(),
            metrics: Metrics::default(),
            guard: Arc::new(Guard::new(&serve, &[], true).unwrap()),
            seldom: Arc::default(),
        }
    }

    /// Sends a request as it is written. Returns the head of the answer and the JSON of its body.
    async fn ask(socket: &Path, request: &str) -> (String, Value) {
        let mut stream = UnixStream::connect(socket).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (
            head.to_ascii_lowercase(),
            serde_json::from_str(body).unwrap_or_default(),
        )
    }

    #[tokio::test(start_paused = true)]
    async fn every_fault_has_one_shape() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let place = Place::Socket {
            path: path.clone(),
            mode: 0o600,
        };
        let listener = Listener::bind(&place).await.unwrap();
        let (_stop, stopped) = watch::channel(false);
        tokio::spawn(listener.run(router(service()), stopped));
        let long = "a".repeat(256);
        let json = "content-type: application/json\r\n";
        let big = format!("{json}content-length: {}\r\n", LONGEST_BODY + 1);
        for (request, more, status, word) in [
            ("GET /nothing", "", 404, "no_such_path"),
            ("GET /token/shop/1", "", 404, "unknown_connection"),
            ("GET /token/crm/1", "", 404, "unknown_connection"),
            ("GET /token/shop/a%00b", "", 422, "reference"),
            ("GET /token/crm/a%00b", "", 422, "reference"),
            ("DELETE /connections/shop/a%0Ab", "", 422, "reference"),
            (&format!("GET /token/shop/{long}"), "", 422, "reference"),
            ("GET /token/shop/%ff", "", 400, "path"),
            ("GET /token/shop/1?refused=1234567", "", 422, "refused"),
            ("GET /token/shop/1?refused=12345678", "", 404, "unknown_connection"),
            ("POST /token/shop/1", "", 405, "method"),
            ("DELETE /metrics", "", 405, "method"),
            ("GET /connections/shop/1", "", 405, "method"),
            ("GET /connections/shop/connect", "", 405, "method"),
            ("PUT /connections/shop/1", &big, 413, "body"),
            ("POST /connections/callback", &big, 413, "body"),
            ("POST /connections/callback", "content-length: 9\r\n", 408, "body"),
        ] {
            let sent = format!("{request} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{more}\r\n");
            let (head, body) = ask(&path, &sent).await;
            assert!(head.starts_with(&format!("http/1.1 {status} ")), "{request}: {head}");
            assert!(head.contains("content-type: application/json"), "{request}: {head}");
            assert_eq!(body["error"], word, "{request}");
            assert!(body["message"].is_string(), "{request}");
            assert_eq!(head.contains("\r\nallow: "), status == 405, "{request}: {head}");
        }
    }
}
