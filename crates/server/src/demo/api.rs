//! The sample API: a protected resource like that of a developer who puts Hallpass in front of an existing API.
//!
//! It asks the introspection endpoint about every token (RFC 7662), with the credentials of its own `[[resources]]` entry
//! and without a cache: an ended grant is refused with the next request. It then checks each call against the scope
//! catalogue, returns only the caller's own data, and refuses in the format of the preset's dialect.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, Method, header};
use serde::{Deserialize, Serialize};

use super::clock::DemoClock;
use super::outgoing::{Credentials, Http};
use super::sample::{Members, RecordOutcome, RecordReader, Records};
use super::seen::SeenTokens;
use crate::config::Config;
use crate::http::body;
use crate::http::respond;
use crate::oauth::access::AccessReason;
use crate::oauth::refusal::{Reason, Refusal, ServerReason};
use hallpass_dialect::Dialect;
use hallpass_wire::{Scope, Scopes};

/// The settings and the state of the sample API.
pub(super) struct SampleApi {
    pub(super) name: String,
    pub(super) introspect: String,
    pub(super) identity: String,
    pub(super) credentials: Credentials,
    pub(super) dialect: Dialect,
    pub(super) endpoints: Vec<SampleEndpoint>,
    pub(super) records: Mutex<Records>,
    pub(super) seen: Mutex<SeenTokens>,
    pub(super) http: Http,
    pub(super) clock: Arc<DemoClock>,
}

/// One entry of the catalogue: a call, and a scope that allows it.
#[derive(Clone, Debug)]
pub(super) struct SampleEndpoint {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) scope: Option<Scope>,
}

/// The members of an introspection answer that this API needs (RFC 7662 §2.2).
#[derive(Deserialize)]
struct Introspection {
    active: bool,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    exp: Option<i64>,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    username: Option<String>,
    #[serde(default)]
    organization: Option<String>,
    #[serde(default)]
    environment: Option<String>,
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
    Refused(Refusal),
    Failed(u16, &'static str),
}

impl<R: Reason> From<R> for Denied {
    fn from(reason: R) -> Self {
        Self::Refused(reason.into())
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
        Err(Denied::Refused(refusal)) => respond::rendered(api.dialect.resource_refusal(&refusal.public())),
        Err(Denied::Failed(status, text)) => failure(status, text),
    };
    response.map(Body::new)
}

impl SampleApi {
    /// Checks in this order: a token is present, the token is active, the endpoint exists, the token has its scope. HC-1:
    /// without a good token the answer reveals nothing, not even whether a path exists.
    async fn response_to(&self, request: Request) -> Result<respond::Response, Denied> {
        let token = bearer(request.headers())?.to_owned();
        let known = self.introspect(&token).await?;
        if !known.active {
            return Err(locked(&self.seen).refusal(&token, self.clock.now()).into());
        }
        if let Some(exp) = known.exp {
            locked(&self.seen).note(&token, exp);
        }
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        self.permitted(&method, &path, &known)?;
        match (&method, path.as_str()) {
            (&Method::GET, "/") => Ok(json(200, &self.welcome(&known))),
            (&Method::GET, "/me") => self.identity(&token, &known).await,
            _ => self.data(&method, &path, request, &known).await,
        }
    }

    async fn introspect(&self, token: &str) -> Result<Introspection, Denied> {
        let away = Denied::from(ServerReason::Unavailable);
        let form = [
            ("token", token.to_owned()),
            ("token_type_hint", "access_token".to_owned()),
        ];
        let answer = self.http.post(&self.introspect, &form, Some(&self.credentials)).await;
        match answer {
            Ok(answer) if answer.status == 200 => serde_json::from_str(&answer.body).map_err(|_| away),
            Ok(answer) => {
                tracing::warn!(
                    status = answer.status,
                    "the introspection endpoint refused the sample API: its callers get 503"
                );
                Err(away)
            }
            Err(error) => {
                tracing::warn!(%error, "the introspection request of the sample API failed: its callers get 503");
                Err(away)
            }
        }
    }

    /// Checks that the call exists, and that the token has one of the scopes that allow it.
    fn permitted(&self, method: &Method, path: &str, known: &Introspection) -> Result<(), Denied> {
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
        let held = Scopes::parse(&known.scope).unwrap_or_default();
        if needed.is_empty() || needed.iter().any(|scope| held.contains(scope)) {
            Ok(())
        } else {
            Err(AccessReason::InsufficientScope(needed).into())
        }
    }

    fn welcome<'a>(&'a self, known: &'a Introspection) -> Welcome<'a> {
        let held = Scopes::parse(&known.scope).unwrap_or_default();
        let opening = |endpoint: &'a SampleEndpoint| Opening {
            call: format!("{} {}", endpoint.method, endpoint.path),
            scope: endpoint.scope.as_ref().map(Scope::as_str),
            open: endpoint.scope.as_ref().is_none_or(|scope| held.contains(scope)),
        };
        let me = Opening {
            call: "GET /me".to_owned(),
            scope: None,
            open: known.username.is_some(),
        };
        Welcome {
            api: &self.name,
            person: known.username.as_deref(),
            app: &known.client_id,
            organization: known.organization.as_deref(),
            environment: known.environment.as_deref(),
            scope: &known.scope,
            endpoints: self.endpoints.iter().map(opening).chain([me]).collect(),
        }
    }

    /// `GET /me`: the identity endpoint's answer about the person of the token.
    async fn identity(&self, token: &str, known: &Introspection) -> Result<respond::Response, Denied> {
        if known.username.is_none() {
            return Err(AccessReason::NoResourceOwner.into());
        }
        match self.http.get(&self.identity, token).await {
            Ok(answer) if answer.status == 200 => Ok(respond::json(200, answer.body)),
            Ok(answer) if answer.status == 401 => Err(AccessReason::TokenRevoked.into()),
            _ => Err(ServerReason::Unavailable.into()),
        }
    }

    async fn data(
        &self,
        method: &Method,
        path: &str,
        request: Request,
        known: &Introspection,
    ) -> Result<respond::Response, Denied> {
        let caller = RecordReader {
            person: known.username.clone(),
            organization: known.organization.clone(),
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

/// The token of the only `Authorization: Bearer` header (RFC 6750 §2.1). A token in the query or in a body does not count.
fn bearer(headers: &HeaderMap) -> Result<&str, AccessReason> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = sent.next() else {
        return Err(AccessReason::NoToken);
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    let text = value.to_str().map_err(|_| AccessReason::MalformedBearer)?;
    match text.split_once(' ') {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer")
                && sent.next().is_none()
                && !token.is_empty()
                && token.bytes().all(fits) =>
        {
            Ok(token)
        }
        _ => Err(AccessReason::MalformedBearer),
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
