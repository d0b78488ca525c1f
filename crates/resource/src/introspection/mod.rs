//! Introspection (RFC 7662): one request to the authorization server, and what its answer means.

mod answer;
mod flights;
mod outage;
mod seen;

use crate::access::Access;
use crate::clock::Moment;
use crate::discovery::Discovery;
use crate::feed::Feed;
use crate::kept::{Answer, Kept};
use crate::refused::{Refused, Unavailable};
use crate::upstream::Upstream;
use answer::{Told, Verdict};
use flights::Flights;
use hallpass_wire::bearer::BearerToken;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Request};
use outage::Outage;
use seen::Seen;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// The most requests of introspection that are on their way. The next one waits, for as long as a request may take.
const MOST_REQUESTS: usize = 256;

/// Asks for tags and position, with which the answer can be kept (docs/guide/resource-feed.md).
const FEED_HEADER: HeaderName = HeaderName::from_static("hallpass-feed");

/// How introspection is done.
pub(crate) struct Settings {
    /// `Basic` credentials of this API at the authorization server. Never printed.
    pub(crate) authorization: HeaderValue,
    /// The endpoint, where the metadata does not say it.
    pub(crate) endpoint: Option<String>,
    /// How long an answer may be kept at most. Zero: it is never kept.
    pub(crate) keep_for: Duration,
    /// How many answers are kept.
    pub(crate) keep: usize,
}

/// Asks about tokens, and keeps answers as far as that is safe.
pub(crate) struct Introspection {
    settings: Settings,
    feed: Option<Arc<Feed>>,
    kept: Arc<Mutex<Kept>>,
    seen: Mutex<Seen>,
    flights: Flights,
    outage: Outage,
    requests: Semaphore,
}

impl Introspection {
    pub(crate) fn new(settings: Settings, feed: Option<Arc<Feed>>) -> Self {
        Self {
            kept: Arc::new(Mutex::new(Kept::new(settings.keep))),
            seen: Mutex::new(Seen::new(settings.keep)),
            flights: Flights::default(),
            outage: Outage::default(),
            requests: Semaphore::new(MOST_REQUESTS),
            settings,
            feed,
        }
    }

    /// What a good token allows.
    pub(crate) async fn verify(
        &self,
        token: BearerToken<'_>,
        discovery: &Discovery,
        upstream: &Arc<Upstream>,
    ) -> Result<Arc<Access>, Refused> {
        let key = token.fingerprint();
        if let Some(access) = self.kept(&key, upstream.moment()) {
            return Ok(access);
        }
        let ask = || async {
            let told = self.ask(token, discovery, upstream).await;
            self.outage.note(told.as_ref().err(), upstream.moment());
            told
        };
        let told = self.flights.share(key, upstream.moment(), ask).await?;
        self.judge(key, &told, upstream)
    }

    /// The kept answer, if it may be used now.
    fn kept(&self, key: &[u8; 32], now: Moment) -> Option<Arc<Access>> {
        let mut kept = locked(&self.kept);
        // The feed is asked under the same lock under which its events drop answers.
        if self.feed.as_ref().is_some_and(|feed| !feed.is_alive(now)) {
            return None;
        }
        kept.get(key, now)
    }

    /// Reads the verdict for one of those who waited for it.
    fn judge(&self, key: [u8; 32], told: &Told, upstream: &Upstream) -> Result<Arc<Access>, Refused> {
        let now = upstream.moment();
        let access = match &told.verdict {
            Verdict::Active(access) => access,
            Verdict::Inactive => return Err(locked(&self.seen).refusal(&key, now.now_ms, upstream.leeway)),
            Verdict::Refused(refused) => return Err(refused.clone()),
        };
        if access.is_over(now.now_ms, upstream.leeway) {
            return Err(Refused::Expired);
        }
        if let Some(end) = access.expires_at_ms() {
            locked(&self.seen).note(key, end);
        }
        Ok(access.clone())
    }

    /// One request, and keeping its answer. What waits for the same token shares it.
    async fn ask(
        &self,
        token: BearerToken<'_>,
        discovery: &Discovery,
        upstream: &Arc<Upstream>,
    ) -> Result<Told, Unavailable> {
        let endpoint = self.endpoint(discovery, upstream).await?;
        let waiting = tokio::time::timeout(upstream.timeout, self.requests.acquire());
        let Ok(Ok(_permit)) = waiting.await else {
            return Err(Unavailable::new("too many requests of introspection are waiting"));
        };
        let sent = upstream.moment();
        let answer = upstream.send(self.request(&endpoint, token)?).await?;
        let told = answer::read(&answer, token, sent, upstream.rules())?;
        self.keep(token.fingerprint(), &told, upstream.moment());
        Ok(told)
    }

    async fn endpoint(&self, discovery: &Discovery, upstream: &Arc<Upstream>) -> Result<String, Unavailable> {
        if let Some(endpoint) = &self.settings.endpoint {
            return Ok(endpoint.clone());
        }
        let found = discovery.endpoints(upstream).await?;
        let endpoint = found.introspection.clone();
        endpoint
            .ok_or_else(|| Unavailable::new("the metadata of the authorization server has no introspection_endpoint"))
    }

    fn request(&self, endpoint: &str, token: BearerToken<'_>) -> Result<Request<Vec<u8>>, Unavailable> {
        let body = format!("token={}&token_type_hint=access_token", form_encoded(token.as_str()));
        let mut request = Request::post(endpoint)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(AUTHORIZATION, self.settings.authorization.clone())
            .header(answer::INACTIVE, "1");
        if self.feed.is_some() {
            request = request.header(FEED_HEADER, "1");
        }
        request
            .body(body.into_bytes())
            .map_err(|_| Unavailable::new("the introspection endpoint is no URL"))
    }

    /// Keeps the answer, if it is allowed to. Without a feed, time alone ends it.
    fn keep(&self, key: [u8; 32], told: &Told, now: Moment) {
        let Verdict::Active(access) = &told.verdict else {
            // The newest word counts, also against an answer that could not be used just now.
            locked(&self.kept).forget(&key);
            return;
        };
        if self.settings.keep_for.is_zero() {
            return;
        }
        let mut kept = locked(&self.kept);
        if let Some(feed) = &self.feed {
            let Some(dated) = &told.dated else { return };
            if !feed.allows(dated, told.sent, now) {
                return;
            }
        }
        let tags = told.dated.as_ref().map(|dated| dated.tags.clone()).unwrap_or_default();
        let answer = Answer {
            access: access.clone(),
            tags,
            since: told.sent,
            keep_for: self.settings.keep_for,
        };
        kept.insert(key, answer);
    }

    /// Finds the endpoint, if the metadata has to say it.
    pub(crate) async fn ready(&self, discovery: &Discovery, upstream: &Arc<Upstream>) -> Result<(), Unavailable> {
        self.endpoint(discovery, upstream).await.map(drop)
    }

    /// The answers that are kept, for the feed to drop.
    pub(crate) fn answers(&self) -> Arc<Mutex<Kept>> {
        self.kept.clone()
    }
}

/// Encodes a token for a form. Of its characters (RFC 6750 §2.1), three mean something else there.
fn form_encoded(token: &str) -> String {
    token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
