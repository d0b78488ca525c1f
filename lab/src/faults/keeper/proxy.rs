//! A proxy before the token endpoint. It loses requests and answers, delays them, and sees what is in flight.

use crate::Outcome;
use crate::faults::dice::Dice;
use crate::http::Connection;
use form_urlencoded::parse;
use hallpass::tokens::proofs::{Proof, ProofKind};
use http::{Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use uuid::Uuid;

/// What happens to requests, in percent.
#[derive(Clone, Copy)]
pub(super) struct Weather {
    /// Requests that never arrive at the server.
    pub(super) lost_before: usize,
    /// Answers that never arrive at the keeper.
    pub(super) lost_after: usize,
    /// The longest delay of an answer.
    pub(super) delay: Duration,
}

impl Weather {
    pub(super) const FAIR: Self = Self {
        lost_before: 0,
        lost_after: 0,
        delay: Duration::ZERO,
    };
    pub(super) const BAD: Self = Self {
        lost_before: 5,
        lost_after: 15,
        delay: Duration::from_millis(120),
    };
    pub(super) const DOWN: Self = Self {
        lost_before: 100,
        ..Self::FAIR
    };
}

/// A running proxy.
pub(super) struct Proxy {
    pub(super) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    server: SocketAddr,
    /// Whether keepers see the server's clock. Not where their time is moved by hand: the server's would stand still.
    shows_date: bool,
    inner: Mutex<Inner>,
}

struct Inner {
    weather: Weather,
    dice: Dice,
    grants: HashMap<Uuid, Grant>,
    figures: Figures,
}

/// Counts of a run.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Figures {
    pub(super) requests: usize,
    pub(super) lost_requests: usize,
    pub(super) lost_answers: usize,
    pub(super) refused: usize,
    /// Refreshes that were in flight together with another one of the same grant.
    pub(super) doubled: usize,
}

#[derive(Default)]
struct Grant {
    in_flight: usize,
    /// The newest generation that the server answered with.
    newest: u32,
}

/// A refresh counts as in flight until this is dropped: when it is answered, or its keeper is gone.
struct InFlight(Arc<State>, Uuid);

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(grant) = self.0.lock().grants.get_mut(&self.1) {
            grant.in_flight -= 1;
        }
    }
}

impl State {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Proxy {
    /// Listens before `server`.
    pub(super) async fn start(server: SocketAddr, shows_date: bool, dice: Dice) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            server,
            shows_date,
            inner: Mutex::new(Inner {
                weather: Weather::FAIR,
                dice,
                grants: HashMap::new(),
                figures: Figures::default(),
            }),
        });
        tokio::spawn(accept(listener, state.clone()));
        Ok(Self { address, state })
    }

    /// The address of the token endpoint.
    pub(super) fn endpoint(&self) -> String {
        format!("http://{}/oauth/token", self.address)
    }

    pub(super) fn weather(&self, weather: Weather) {
        self.state.lock().weather = weather;
    }

    pub(super) fn figures(&self) -> Figures {
        self.state.lock().figures
    }

    /// The newest generation of the grant of a refresh token, if it was refreshed through this proxy.
    pub(super) fn newest(&self, refresh: &str) -> Option<u32> {
        let proof = Proof::parse(ProofKind::RefreshToken, refresh)?;
        let newest = self.state.lock().grants.get(&proof.grant).map(|grant| grant.newest);
        newest.filter(|newest| *newest > 0)
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((stream, _)) = listener.accept().await {
        let state = state.clone();
        let service = service_fn(move |request| relay(state.clone(), request));
        tokio::spawn(async move {
            // A lost request or answer ends its connection. That is no error of the proxy.
            drop(
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
    }
}

async fn relay(state: Arc<State>, request: Request<Incoming>) -> Outcome<Response<Full<Bytes>>> {
    let authorization = request.headers().get(header::AUTHORIZATION).cloned();
    let authorization = authorization.ok_or("no authorization")?.to_str()?.to_owned();
    let body = request.into_body().collect().await?.to_bytes();
    let presented = parse(&body).find(|(name, _)| name == "refresh_token");
    let presented = presented.ok_or("no refresh token")?.1.into_owned();
    let proof = Proof::parse(ProofKind::RefreshToken, &presented).ok_or("no refresh token of Hallpass")?;
    let (in_flight, before, after, delay) = begin(&state, proof.grant);
    if before {
        return Err("lost before the server".into());
    }
    let mut server = Connection::open(state.server).await?;
    let answer = server
        .post("/oauth/token", &authorization, std::str::from_utf8(&body)?)
        .await?;
    note(&state, proof.grant, answer.status, answer.member("refresh_token"));
    tokio::time::sleep(delay).await;
    drop(in_flight);
    if after {
        state.lock().figures.lost_answers += 1;
        return Err("lost before the keeper".into());
    }
    let mut response = Response::builder().status(answer.status);
    if let Some(value) = answer.headers.get(header::CONTENT_TYPE) {
        response = response.header(header::CONTENT_TYPE, value);
    }
    if let Some(value) = answer.headers.get(header::DATE).filter(|_| state.shows_date) {
        response = response.header(header::DATE, value);
    }
    Ok(response.body(Full::new(answer.body))?)
}

/// Counts a refresh as in flight, and draws what happens to it.
fn begin(state: &Arc<State>, grant: Uuid) -> (InFlight, bool, bool, Duration) {
    let mut inner = state.lock();
    let Weather {
        lost_before,
        lost_after,
        delay,
    } = inner.weather;
    let before = inner.dice.below(100) < lost_before;
    let after = inner.dice.below(100) < lost_after;
    let delay = inner.dice.within(delay);
    inner.figures.requests += 1;
    inner.figures.lost_requests += usize::from(before);
    let in_flight = &mut inner.grants.entry(grant).or_default().in_flight;
    *in_flight += 1;
    let doubled = *in_flight > 1;
    inner.figures.doubled += usize::from(doubled);
    drop(inner);
    (InFlight(state.clone(), grant), before, after, delay)
}

fn note(state: &State, grant: Uuid, status: u16, refresh: Option<String>) {
    let mut inner = state.lock();
    inner.figures.refused += usize::from(status != 200);
    let successor = refresh.and_then(|refresh| Proof::parse(ProofKind::RefreshToken, &refresh));
    if let Some(successor) = successor {
        let grant = inner.grants.entry(grant).or_default();
        grant.newest = grant.newest.max(successor.generation);
    }
}
