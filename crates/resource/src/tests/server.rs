//! The scripted server, and the clocks.

use super::{API, ISSUER};
use crate::{Builder, Clock, Fetch, FetchError, FetchFuture, Verifier};
use http::{Request, Response};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

/// The time of day when a test begins.
pub(super) const START_MS: i64 = 1_800_000_000_000;

/// What the server does with a request.
type Script = Arc<dyn Fn(&Request<Vec<u8>>) -> FetchFuture + Send + Sync>;

/// An authorization server that answers as the test says, and remembers what it was asked.
#[derive(Clone, Default)]
pub(super) struct Server {
    scripts: Arc<Mutex<HashMap<String, Script>>>,
    asked: Arc<Mutex<Vec<Request<Vec<u8>>>>>,
}

impl Server {
    /// A server with metadata that names both endpoints.
    pub(super) fn new() -> Self {
        let server = Self::default();
        let metadata = json!({
            "issuer": ISSUER,
            "introspection_endpoint": format!("{ISSUER}/introspect"),
            "jwks_uri": format!("{ISSUER}/jwks"),
        });
        server.says("/.well-known/oauth-authorization-server", 200, &metadata);
        server
    }

    /// Answers every request at `path` with this status and document.
    pub(super) fn says(&self, path: &str, status: u16, document: &Value) {
        let body = document.to_string();
        self.scripted(path, move |_| ready(answer(status, &[], &body)));
    }

    /// Answers a request at `path` with this document, once the test lets it.
    pub(super) fn holds(&self, path: &str, document: &Value) -> Arc<Notify> {
        let (gate, body) = (Arc::new(Notify::new()), document.to_string());
        let held = gate.clone();
        self.scripted(path, move |_| {
            let (gate, body) = (held.clone(), body.clone());
            Box::pin(async move {
                gate.notified().await;
                answer(200, &[], &body)
            })
        });
        gate
    }

    /// Answers an introspection with an active token that has these members too.
    pub(super) fn says_active(&self, members: &Value) {
        let mut document = json!({
            "active": true, "token_type": "Bearer", "aud": API, "iss": ISSUER, "scope": "read", "sub": "ada", "client_id": "c"
        });
        for (name, value) in members.as_object().expect("an object") {
            document[name] = value.clone();
        }
        self.says("/introspect", 200, &document);
    }

    /// Fails every request at `path`, as if nobody listened.
    pub(super) fn is_away(&self, path: &str) {
        self.scripted(path, |_| ready(Err(FetchError("connection refused".to_owned()))));
    }

    pub(super) fn scripted<F>(&self, path: &str, script: F)
    where
        F: Fn(&Request<Vec<u8>>) -> FetchFuture + Send + Sync + 'static,
    {
        self.scripts.lock().unwrap().insert(path.to_owned(), Arc::new(script));
    }

    /// How often `path` was asked for.
    pub(super) fn count(&self, path: &str) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|request| request.uri().path() == path).count()
    }

    /// The last request.
    pub(super) fn last(&self) -> Request<Vec<u8>> {
        self.asked.lock().unwrap().last().expect("a request").clone()
    }
}

impl Fetch for Server {
    fn fetch(&self, request: Request<Vec<u8>>) -> FetchFuture {
        self.asked.lock().unwrap().push(request.clone());
        let script = self.scripts.lock().unwrap().get(request.uri().path()).cloned();
        match script {
            Some(script) => script(&request),
            None => ready(answer(404, &[], "")),
        }
    }
}

pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Result<Response<Vec<u8>>, FetchError> {
    let mut answer = Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    Ok(answer.body(body.as_bytes().to_vec()).expect("an answer"))
}

pub(super) fn ready(answer: Result<Response<Vec<u8>>, FetchError>) -> FetchFuture {
    Box::pin(std::future::ready(answer))
}

/// Both clocks, moved together.
#[derive(Clone)]
pub(super) struct HandClock {
    now_ms: Arc<AtomicI64>,
    steady_ms: Arc<AtomicU64>,
}

impl HandClock {
    pub(super) fn new() -> Self {
        Self {
            now_ms: Arc::new(AtomicI64::new(START_MS)),
            steady_ms: Arc::new(AtomicU64::new(1_000_000)),
        }
    }

    pub(super) fn pass(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).expect("a short time");
        self.steady_ms.fetch_add(millis, Ordering::SeqCst);
        self.now_ms
            .fetch_add(i64::try_from(millis).expect("a short time"), Ordering::SeqCst);
    }

    pub(super) fn seconds(&self) -> i64 {
        self.now_ms() / 1000
    }
}

impl Clock for HandClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }

    fn steady(&self) -> Duration {
        Duration::from_millis(self.steady_ms.load(Ordering::SeqCst))
    }
}

/// A builder for a verifier that asks `server`.
pub(super) fn builder(server: &Server, clock: &HandClock) -> Builder {
    Verifier::builder(ISSUER)
        .audience(API)
        .fetch_with(Arc::new(server.clone()))
        .clock(Arc::new(clock.clone()))
}
