//! The verifier: one for an API, shared by its routes.

use crate::access::Access;
use crate::answers::Answers;
use crate::discovery::Discovery;
use crate::feed::{self, Feed};
use crate::introspection::Introspection;
use crate::jwt::Jwt;
use crate::refused::{Refused, Unavailable};
use crate::upstream::Upstream;
use hallpass_wire::Scopes;
use hallpass_wire::bearer::BearerToken;
use http::header::{AUTHORIZATION, HeaderValue};
use http::{HeaderMap, Response};
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinHandle;

/// Checks access tokens of one authorization server for one API. A clone shares everything.
#[derive(Clone)]
pub struct Verifier {
    parts: Arc<Parts>,
}

/// What the builder puts together.
pub(crate) struct Parts {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) discovery: Discovery,
    pub(crate) jwt: Option<Jwt>,
    pub(crate) introspection: Option<Introspection>,
    pub(crate) follower: Option<Follower>,
    pub(crate) answers: Answers,
    pub(crate) metadata: Option<(String, String)>,
}

/// Starts the task that follows the feed, again if the runtime that it ran on is gone.
pub(crate) struct Follower {
    pub(crate) feed: Arc<Feed>,
    pub(crate) url: String,
    pub(crate) authorization: HeaderValue,
    pub(crate) task: Mutex<Option<JoinHandle<()>>>,
}

impl Verifier {
    pub(crate) fn from_parts(parts: Parts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// What `token` allows, or why it allows nothing.
    ///
    /// # Errors
    /// [`Refused`]. [`Refused::Unavailable`] says nothing about the token.
    pub async fn verify(&self, token: BearerToken<'_>) -> Result<Arc<Access>, Refused> {
        let parts = &*self.parts;
        let (discovery, upstream) = (&parts.discovery, &parts.upstream);
        let verdict = match (&parts.jwt, &parts.introspection) {
            (Some(jwt), None) => jwt.verify(token, discovery, upstream).await,
            (Some(jwt), Some(_)) if Jwt::looks_like_one(token) => jwt.verify(token, discovery, upstream).await,
            (_, Some(introspection)) => {
                self.follow(introspection);
                introspection.verify(token, discovery, upstream).await
            }
            (None, None) => Err(Unavailable::new("the verifier has no way to check tokens").into()),
        };
        if let Err(Refused::Unavailable(unavailable)) = &verdict {
            tracing::debug!(reason = %unavailable.reason, "an access token could not be checked");
        }
        verdict
    }

    /// The token of a request, verified: the `Authorization` header alone, once (RFC 6750 §2.1).
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn verify_headers(&self, headers: &HeaderMap) -> Result<Arc<Access>, Refused> {
        self.verify(token(headers)?).await
    }

    /// Waits until tokens can be checked: metadata and keys are fetched, and the feed has been read once. A program that calls
    /// this at its start learns of a wrong address or secret before its first caller does.
    ///
    /// # Errors
    /// What failed.
    pub async fn ready(&self) -> Result<(), Unavailable> {
        let parts = &*self.parts;
        if let Some(jwt) = &parts.jwt {
            jwt.keys(&parts.discovery, &parts.upstream).await?;
        }
        if let Some(introspection) = &parts.introspection {
            introspection.ready(&parts.discovery, &parts.upstream).await?;
            if let Some(follower) = &parts.follower {
                self.follow(introspection);
                follower.feed.wait_until_alive(&parts.upstream).await?;
            }
        }
        Ok(())
    }

    /// The answer to a refused request, for a program that uses no layer. `needed` are the scopes of the route.
    #[must_use]
    pub fn answer(&self, refused: &Refused, needed: &Scopes) -> Response<Cow<'static, str>> {
        self.parts.answers.render(refused, needed)
    }

    /// Path and JSON of the API's metadata (RFC 9728), if the builder got any: serve it to anybody, with GET.
    #[must_use]
    pub fn metadata(&self) -> Option<(&str, &str)> {
        self.parts
            .metadata
            .as_ref()
            .map(|(path, json)| (path.as_str(), json.as_str()))
    }

    pub(crate) fn upstream(&self) -> &Upstream {
        &self.parts.upstream
    }

    /// Whether both share their parts.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts)
    }

    /// Starts the task that follows the feed, if it does not run.
    fn follow(&self, introspection: &Introspection) {
        let Some(follower) = &self.parts.follower else { return };
        if follower.feed.is_alive(self.parts.upstream.moment()) {
            return;
        }
        let mut task = follower.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            let source = feed::Source {
                url: follower.url.clone(),
                authorization: follower.authorization.clone(),
                upstream: self.parts.upstream.clone(),
                kept: introspection.answers(),
            };
            *task = Some(tokio::spawn(feed::follow(source, Arc::downgrade(&follower.feed))));
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("issuer", &self.parts.upstream.issuer)
            .field("audiences", &self.parts.upstream.audiences)
            .finish_non_exhaustive()
    }
}

/// The bearer token of a request. Tokens in a query or a body are not read: they end up in logs.
fn token(headers: &HeaderMap) -> Result<BearerToken<'_>, Refused> {
    let mut sent = headers.get_all(AUTHORIZATION).iter();
    let value = sent.next().ok_or(Refused::Absent)?;
    if sent.next().is_some() {
        return Err(Refused::Malformed);
    }
    let text = value.to_str().map_err(|_| Refused::Malformed)?;
    // Another scheme is no token (RFC 6750 §3.1): the challenge says which one is expected.
    let scheme = text.split(' ').next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refused::Absent);
    }
    BearerToken::from_header(text).map_err(|_| Refused::Malformed)
}
