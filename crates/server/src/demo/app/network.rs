//! The way of one desk to the server. It records each request and answer for the story, and can lose an answer.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use hallpass_client::Tokens;
use hallpass_client::http::{HttpError, Transport, TransportFuture};
use http::{Request, Response, header};
use url::form_urlencoded;

use super::held::HeldTokens;
use crate::demo::clock::DemoClock;
use crate::demo::outgoing::{Http, ReceivedResponse};
use crate::time::Instant;

/// The most recorded exchanges that wait to be told. Beyond it, the oldest one is dropped.
const MOST: usize = 40;

/// The network between one desk and the server.
pub(super) struct Network {
    http: Http,
    clock: Arc<DemoClock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    recorded: Vec<Recorded>,
    lose_next: bool,
    held: Option<HeldTokens>,
}

/// A request of the app to the server, and its answer.
pub(super) struct Recorded {
    pub(super) url: String,
    pub(super) authorization: Option<String>,
    pub(super) form: Vec<(String, String)>,
    /// `None` if the server did not answer.
    pub(super) answer: Option<ReceivedResponse>,
    /// Whether the answer was lost on its way to the app.
    pub(super) is_lost: bool,
}

impl Network {
    pub(super) fn new(http: Http, clock: Arc<DemoClock>) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { http, clock, state })
    }

    /// Loses the answer to the next refresh: the server gets the request, and the app gets nothing.
    pub(super) fn lose_next(&self) {
        self.lock().lose_next = true;
    }

    /// The exchanges since the last call, the oldest first.
    pub(super) fn take(&self) -> Vec<Recorded> {
        let mut state = self.lock();
        state.lose_next = false;
        std::mem::take(&mut state.recorded)
    }

    /// The tokens of the last answer that reached the app. `None` if it has no access.
    pub(super) fn held(&self) -> Option<HeldTokens> {
        self.lock().held.clone()
    }

    /// The number of refreshes since the last [`take`](Self::take), and whether all of their answers have the same refresh token.
    pub(super) fn successors(&self) -> (usize, bool) {
        let state = self.lock();
        let refreshes = state.recorded.iter().filter(|recorded| recorded.is_refresh());
        let next: Vec<_> = refreshes
            .map(|recorded| HeldTokens::parse(&recorded.answer.as_ref()?.body, Instant(0))?.refresh)
            .collect();
        let same = next.windows(2).all(|two| two[0] == two[1]) && next.iter().all(Option::is_some);
        (next.len(), same)
    }

    /// Holds tokens that the app chose among several answers.
    pub(super) fn hold(&self, tokens: &Tokens) {
        let mut state = self.lock();
        let new = HeldTokens {
            access: tokens.access.secret().to_owned(),
            refresh: tokens.refresh.as_ref().map(|refresh| refresh.secret().to_owned()),
            scope: tokens.scope.clone(),
            received: self.clock.now(),
            expires: tokens.expires_at.map(Instant),
        };
        state.held = Some(match &state.held {
            Some(held) => held.followed_by(new),
            None => new,
        });
    }

    pub(super) fn forget(&self) {
        self.lock().held = None;
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut recorded = Recorded::of(&request);
        let answer = match self.http.execute(request).await {
            Ok(answer) => answer,
            Err(error) => {
                self.lock().record(recorded);
                let text = error.to_string();
                return Err(match error.is_connect() || error.is_builder() {
                    true => HttpError::NotSent(text),
                    false => HttpError::Unanswered(text),
                });
            }
        };
        let (mut head, body) = answer.into_parts();
        // The server writes the machine's time there, which is not that of the demo's clock.
        head.headers.remove(header::DATE);
        let received = ReceivedResponse::new(&head, &body);
        let mut state = self.lock();
        recorded.is_lost = recorded.is_refresh() && std::mem::take(&mut state.lose_next);
        let is_lost = recorded.is_lost;
        if !is_lost && received.status == 200 && recorded.is_about_a_person() {
            let new = HeldTokens::parse(&received.body, self.clock.now());
            let held = new.map(|new| match (&state.held, recorded.is_refresh()) {
                (Some(held), true) => held.followed_by(new),
                _ => new,
            });
            state.held = held.or_else(|| state.held.take());
        }
        recorded.answer = Some(received);
        state.record(recorded);
        drop(state);
        match is_lost {
            true => Err(HttpError::Unanswered("this demo lost the answer on its way".to_owned())),
            false => Ok(Response::from_parts(head, body)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Network {
    fn send(&self, request: Request<Bytes>) -> TransportFuture<'_> {
        Box::pin(self.exchange(request))
    }
}

impl State {
    fn record(&mut self, recorded: Recorded) {
        if self.recorded.len() >= MOST {
            self.recorded.remove(0);
        }
        self.recorded.push(recorded);
    }
}

impl Recorded {
    fn of(request: &Request<Bytes>) -> Self {
        let authorization = request.headers().get(header::AUTHORIZATION);
        Self {
            url: request.uri().to_string(),
            authorization: authorization.and_then(|value| value.to_str().ok()).map(str::to_owned),
            form: form_urlencoded::parse(request.body()).into_owned().collect(),
            answer: None,
            is_lost: false,
        }
    }

    /// Whether the request carries a refresh token to the token endpoint.
    fn is_refresh(&self) -> bool {
        self.grant_type() == Some("refresh_token")
    }

    /// Whether the answer has the tokens of a person, and not those of the app itself.
    fn is_about_a_person(&self) -> bool {
        self.is_refresh() || self.grant_type() == Some("authorization_code")
    }

    fn grant_type(&self) -> Option<&str> {
        let pair = self.form.iter().find(|(name, _)| name == "grant_type");
        pair.map(|(_, value)| value.as_str())
    }
}
