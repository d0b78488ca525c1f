//! The verifier against real authorization servers: Hallpass, alone and in pairs, and `oidc-provider` and
//! django-oauth-toolkit.
//!
//! Not part of a plain `cargo test`: `cargo xtask test --only ends` installs the servers and runs this.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

mod django;
mod example;
mod hallpass;
mod oidc_provider;

use hallpass_client::http::HttpClient;
use hallpass_client::{Client, ClientAuth, Provider, SystemClock};
use hallpass_ends::{CLIENT_ID, SECRET, http};
use hallpass_resource::{Access, BearerToken, Builder, Clock, Fetch, FetchFuture, Refused, Verifier};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

/// The app that every server here knows, at the server with this address.
async fn app(url: &str, scope: &str, resource: Option<&str>) -> Client {
    let mut provider = Provider::new(CLIENT_ID, ClientAuth::basic(SECRET));
    provider.scopes = scope.split(' ').map(str::to_owned).collect();
    provider.resources = resource.map(str::to_owned).into_iter().collect();
    provider.adopt(&hallpass_client::discover(&http(), url).await.expect("metadata"));
    Client::new(provider, http(), Arc::new(SystemClock)).expect("the endpoints are URLs")
}

/// An HTTP client that counts, and the clocks of this machine with a distance that a test chooses.
#[derive(Clone)]
struct World {
    http: HttpClient,
    introspections: Arc<AtomicUsize>,
    clock: hallpass_resource::SystemClock,
    ahead_secs: Arc<AtomicI64>,
}

impl World {
    fn new() -> Self {
        Self {
            http: http(),
            introspections: Arc::default(),
            clock: hallpass_resource::SystemClock::default(),
            ahead_secs: Arc::default(),
        }
    }

    fn builder(&self, issuer: &str) -> Builder {
        let (fetch, clock) = (Arc::new(self.clone()), Arc::new(self.clone()));
        Verifier::builder(issuer).fetch_with(fetch).clock(clock)
    }

    fn introspections(&self) -> usize {
        self.introspections.load(Ordering::SeqCst)
    }

    /// Lets time pass, as far as the verifier can tell.
    fn pass(&self, time: Duration) {
        let seconds = i64::try_from(time.as_secs()).expect("a short time");
        self.ahead_secs.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Fetch for World {
    fn fetch(&self, request: http::Request<Vec<u8>>) -> FetchFuture {
        if request.method() == http::Method::POST {
            self.introspections.fetch_add(1, Ordering::SeqCst);
        }
        self.http.fetch(request)
    }
}

impl Clock for World {
    fn now_ms(&self) -> i64 {
        self.clock.now_ms() + self.ahead_secs.load(Ordering::SeqCst) * 1000
    }

    fn steady(&self) -> Duration {
        let ahead = u64::try_from(self.ahead_secs.load(Ordering::SeqCst)).expect("time passes forwards");
        self.clock.steady() + Duration::from_secs(ahead)
    }
}

async fn verify(verifier: &Verifier, token: &str) -> Result<Arc<Access>, Refused> {
    verifier.verify(BearerToken::parse(token).expect("a token")).await
}
