//! The authorization server, as this API sees it: how to ask it, and what its tokens must say.

use crate::access::Access;
use crate::clock::{Clock, Moment};
use crate::fetch::Fetch;
use crate::refused::{Refused, Unavailable};
use http::header::{ACCEPT, RETRY_AFTER};
use http::{HeaderMap, Request, Response, StatusCode};
use std::sync::Arc;
use std::time::Duration;

/// What every request to the server needs, and the rules for its tokens.
pub(crate) struct Upstream {
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
    /// Whether an introspection answer may lack `aud` and `token_type`.
    pub(crate) bare_answers: bool,
    /// Whether a `sub` that is not the `client_id` is a person.
    pub(crate) subjects_are_people: bool,
    pub(crate) leeway: Duration,
    /// How long a request may take.
    pub(crate) timeout: Duration,
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What a token must say to be one for this API.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) issuer: &'a str,
    audiences: &'a [String],
    bare_answers: bool,
    subjects_are_people: bool,
}

impl Upstream {
    pub(crate) fn moment(&self) -> Moment {
        Moment::read(self.clock.as_ref())
    }

    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules {
            issuer: &self.issuer,
            audiences: &self.audiences,
            bare_answers: self.bare_answers,
            subjects_are_people: self.subjects_are_people,
        }
    }

    /// Sends a request and waits for the answer, of any status.
    pub(crate) async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, Unavailable> {
        self.send_within(self.timeout, request).await
    }

    pub(crate) async fn send_within(
        &self,
        time: Duration,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, Unavailable> {
        // Only host and path: a query may hold a position, and nothing of it helps.
        let place = format!("{}{}", request.uri().host().unwrap_or_default(), request.uri().path());
        match tokio::time::timeout(time, self.fetch.fetch(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(Unavailable::new(format!("{place}: {error}"))),
            Err(_) => Err(Unavailable::new(format!("{place}: no answer came in time"))),
        }
    }

    /// The body of a JSON document.
    pub(crate) async fn get(&self, url: &str) -> Result<Vec<u8>, Unavailable> {
        let request = Request::get(url).header(ACCEPT, "application/json").body(Vec::new());
        let request = request.map_err(|_| Unavailable::new(format!("{url} is no URL")))?;
        let answer = self.send(request).await?;
        match answer.status() {
            StatusCode::OK => Ok(answer.into_body()),
            status => Err(Unavailable {
                reason: format!("{url} answered with status {}", status.as_u16()),
                retry_after: retry_after(answer.headers()),
            }),
        }
    }
}

impl Rules<'_> {
    /// Whether `token_type` is that of an access token that needs no proof. Only access tokens have one (RFC 7662 §2.2).
    pub(crate) fn is_bearer(self, token_type: Option<&str>) -> bool {
        token_type.map_or(self.bare_answers, |kind| kind.eq_ignore_ascii_case("bearer"))
    }

    /// Refuses a token that is meant for others (RFC 9068 §4, RFC 8707 §2).
    pub(crate) fn admit(self, access: Access) -> Result<Access, Refused> {
        let named = access.audiences();
        let admitted = if named.is_empty() {
            self.bare_answers
        } else {
            self.audiences.iter().any(|own| named.contains(own))
        };
        if admitted {
            Ok(access.of_people(self.subjects_are_people))
        } else {
            Err(Refused::Invalid(format!(
                "it is meant for {named:?}, and this API is {:?}",
                self.audiences
            )))
        }
    }
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3), between one second and a minute.
pub(crate) fn retry_after(headers: &HeaderMap) -> Duration {
    let sent = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let seconds = sent.and_then(|text| text.trim().parse().ok()).unwrap_or(1_u64);
    Duration::from_secs(seconds.clamp(1, 60))
}
