//! The sample API: a protected resource like that of a developer who puts Hallpass in front of an existing API.
//!
//! `hallpass-resource` checks every token: it asks the introspection endpoint (RFC 7662), with the credentials of the API's
//! own `[[resources]]` entry and without a cache, so an ended grant is refused with the next request; and it refuses in the
//! format of the preset's dialect. The API then checks each call against the scope catalogue, and returns only the caller's
//! own data.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use hallpass_resource::{Access, Refused, Unavailable, Verifier};
use hallpass_wire::{Scope, Scopes};
use http::{HeaderMap, Method, header};
use serde::Serialize;

use super::outgoing::Http;
use super::sample::{Members, RecordOutcome, RecordReader, Records};
use crate::config::Config;
use crate::http::body;
use crate::http::respond;

/// The settings and the state of the sample API.
pub(super) struct SampleApi {
    pub(super) name: String,
    pub(super) identity: String,
    pub(super) verifier: Verifier,
    pub(super) endpoints: Vec<SampleEndpoint>,
    pub(super) records: Mutex<Records>,
    pub(super) http: Http,
}

/// One entry of the catalogue: a call, and a scope that allows it.
#[derive(Clone, Debug)]
pub(super) struct SampleEndpoint {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) scope: Option<Scope>,
}

/// The answer of `GET /`: the caller, and the calls that the token allows.
#[derive(Serialize)]
struct Welcome<'a> {
    api: &'a str,
    person: Option<&'a str>,
    app: &'a str,
    organization: Option<&'a str>,
    environment: Option<&'a str>,
    scope: &'a str,
    endpoints: Vec<Opening<'a>>,
}

#[derive(Serialize)]
struct Opening<'a> {
    call: String,
    scope: Option<&'a str>,
    open: bool,
}

/// Why a request is not answered with data.
enum Denied {
    Refused(Refused),
    Failed(u16, &'static str),
}

impl From<Refused> for Denied {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// The router of the sample API.
pub(super) fn router(api: SampleApi) -> Router {
    Router::new().fallback(handle).with_state(Arc::new(api))
}

/// The calls in the catalogue, and the scope of each.
pub(super) fn endpoints(config: &Config) -> Vec<SampleEndpoint> {
    let of = |(scope, entry): (&Scope, &crate::config::ScopeEntry)| -> Vec<SampleEndpoint> {
        let parsed = entry.endpoints.iter().filter_map(|text| SampleEndpoint::parse(text));
        parsed
            .map(|endpoint| SampleEndpoint {
                scope: Some(scope.clone()),
                ..endpoint
            })
            .collect()
    };
    config.scopes.iter().flat_map(of).collect()
}

async fn handle(State(api): State<Arc<SampleApi>>, request: Request) -> Response {
    let response = match api.response_to(request).await {
        Ok(response) => response,
        Err(Denied::Refused(refused)) => {
            if let Refused::Unavailable(unavailable) = &refused {
                tracing::warn!(%unavailable, "the sample API answers its caller with 503");
            }
            // No scope is named to a caller without a token: what a path needs says that the path exists (HC-1).
            respond::rendered(api.verifier.answer(&refused, &Scopes::default()))
        }
        Err(Denied::Failed(status, text)) => failure(status, text),
    };
    response.map(Body::new)
}

impl SampleApi {
    /// Checks in this order: a token is present, the token is active, the endpoint exists, the token has its scope. HC-1:
    /// without a good token the answer reveals nothing, not even whether a path exists.
    async fn response_to(&self, request: Request) -> Result<respond::Response, Denied> {
        let known = self.caller(request.headers()).await?;
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        self.permitted(&method, &path, &known)?;
        match (&method, path.as_str()) {
            (&Method::GET, "/") => Ok(json(200, &self.welcome(&known))),
            (&Method::GET, "/me") => self.identity(request.headers(), &known).await,
            _ => self.data(&method, &path, request, &known).await,
        }
    }

    /// Verifies the token. Another scheme than `Bearer` is a malformed request here, as at the server's own endpoints.
    async fn caller(&self, headers: &HeaderMap) -> Result<Arc<Access>, Refused> {
        let is_sent = headers.contains_key(header::AUTHORIZATION);
        let verdict = self.verifier.verify_headers(headers).await;
        verdict.map_err(|refused| match refused {
            Refused::Absent if is_sent => Refused::Malformed,
            other => other,
        })
    }

    /// Checks that the call exists, and that the token has one of the scopes that allow it.
    fn permitted(&self, method: &Method, path: &str, known: &Access) -> Result<(), Denied> {
        let at_path: Vec<&SampleEndpoint> = self
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.matches(path))
            .collect();
        let opening: Vec<&&SampleEndpoint> = at_path
            .iter()
            .filter(|endpoint| endpoint.method == method.as_str())
            .collect();
        if opening.is_empty() {
            return match path {
                "/" | "/me" if *method == Method::GET => Ok(()),
                "/" | "/me" => Err(Denied::Failed(405, "method not allowed")),
                _ if at_path.is_empty() => Err(Denied::Failed(404, "not found")),
                _ => Err(Denied::Failed(405, "method not allowed")),
            };
        }
        let needed: Scopes = opening.iter().filter_map(|endpoint| endpoint.scope.clone()).collect();
        // Any of the scopes opens the endpoint, where a guard of the library asks for all.
        if needed.is_empty() || needed.iter().any(|scope| known.scopes().contains(scope)) {
            Ok(())
        } else {
            Err(Refused::Scopes(needed).into())
        }
    }

    fn welcome<'a>(&'a self, known: &'a Access) -> Welcome<'a> {
        let opening = |endpoint: &'a SampleEndpoint| Opening {
            call: format!("{} {}", endpoint.method, endpoint.path),
            scope: endpoint.scope.as_ref().map(Scope::as_str),
            open: endpoint
                .scope
                .as_ref()
                .is_none_or(|scope| known.scopes().contains(scope)),
        };
        let me = Opening {
            call: "GET /me".to_owned(),
            scope: None,
            open: known.username().is_some(),
        };
        Welcome {
            api: &self.name,
            person: known.username(),
            app: known.client_id().unwrap_or_default(),
            organization: known.organization(),
            environment: known.environment(),
            scope: known.text("scope").unwrap_or_default(),
            endpoints: self.endpoints.iter().map(opening).chain([me]).collect(),
        }
    }

    /// `GET /me`: the identity endpoint's answer about the person of the token.
    async fn identity(&self, headers: &HeaderMap, known: &Access) -> Result<respond::Response, Denied> {
        if known.username().is_none() {
            return Err(Refused::NoPerson.into());
        }
        let sent = headers.get(header::AUTHORIZATION).cloned();
        match self.http.get_as(&self.identity, sent).await {
            Ok(answer) if answer.status == 200 => Ok(respond::json(200, answer.body)),
            Ok(answer) if answer.status == 401 => Err(Refused::Revoked.into()),
            _ => Err(Refused::Unavailable(Unavailable {
                reason: "the identity endpoint did not answer".to_owned(),
                retry_after: Duration::from_secs(1),
            })
            .into()),
        }
    }

    async fn data(
        &self,
        method: &Method,
        path: &str,
        request: Request,
        known: &Access,
    ) -> Result<respond::Response, Denied> {
        let caller = RecordReader {
            person: known.username().map(str::to_owned),
            organization: known.organization().map(str::to_owned),
        };
        let outcome = match *method {
            Method::GET => locked(&self.records).read(path, &caller),
            Method::DELETE => locked(&self.records).remove(path, &caller),
            Method::POST => {
                let members = members(request).await?;
                locked(&self.records).add(path, members, &caller)
            }
            Method::PUT => {
                let members = members(request).await?;
                locked(&self.records).change(path, members, &caller)
            }
            _ => return Err(Denied::Failed(405, "method not allowed")),
        };
        match outcome {
            RecordOutcome::List(list) => Ok(json(200, &list)),
            RecordOutcome::One(record) => Ok(json(200, &record)),
            RecordOutcome::Made(record) => Ok(json(201, &record)),
            RecordOutcome::Removed => Ok(respond::empty(204)),
            RecordOutcome::Absent => Err(Denied::Failed(404, "not found")),
            RecordOutcome::Full => Err(Denied::Failed(507, "this collection is full")),
        }
    }
}

impl SampleEndpoint {
    /// Parses `METHOD /path/{id}`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (method, path) = text.split_once(' ')?;
        Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            scope: None,
        })
    }

    /// Whether `path` matches this endpoint. `{…}` stands for one segment.
    pub(super) fn matches(&self, path: &str) -> bool {
        let mut own = self.path.split('/');
        let mut sent = path.split('/');
        loop {
            match (own.next(), sent.next()) {
                (None, None) => return true,
                (Some(own), Some(sent)) if own == sent || (own.starts_with('{') && !sent.is_empty()) => {}
                _ => return false,
            }
        }
    }
}

async fn members(request: Request) -> Result<Members, Denied> {
    let malformed = Denied::Failed(400, "the body must be a JSON object of at most 64 KiB");
    let Ok(body) = body::read(request.into_body(), None).await else {
        return Err(malformed);
    };
    serde_json::from_slice(&body).map_err(|_| malformed)
}

fn json(status: u16, body: &impl Serialize) -> respond::Response {
    match serde_json::to_vec(body) {
        Ok(body) => respond::json(status, body),
        Err(_) => failure(500, "internal error"),
    }
}

fn failure(status: u16, text: &'static str) -> respond::Response {
    respond::json(status, format!(r#"{{"error":"{text}"}}"#))
}

/// Locks a mutex. Each change of its value is complete, so the value is valid even if another holder panicked.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
