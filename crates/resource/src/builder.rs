//! The settings of a verifier.

use crate::answers::Answers;
use crate::clock::{Clock, SystemClock};
use crate::discovery::Discovery;
use crate::feed::Feed;
use crate::fetch::Fetch;
use crate::introspection::{self, Introspection};
use crate::jwt::{self, Jwt};
use crate::metadata::{ProtectedResource, Published};
use crate::upstream::Upstream;
use crate::verifier::{Follower, Parts, Verifier};
use hallpass_dialect::Dialect;
use hallpass_wire::client_credentials::ClientCredentials;
use hallpass_wire::jose::Algorithm;
use http::Uri;
use http::header::HeaderValue;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long an answer is kept while the feed is followed.
const KEPT_WITH_FEED: Duration = Duration::from_secs(5 * 60);

/// The longest answer that is read, in bytes: a snapshot of the feed has up to 10,000 tags of 30 bytes.
#[cfg(feature = "fetch")]
const MAX_ANSWER: usize = 2 * 1024 * 1024;

/// Connections that are kept for the next introspection. Under load there are more requests than that on their way.
#[cfg(feature = "fetch")]
const IDLE_CONNECTIONS: usize = 64;

/// Sets up a [`Verifier`].
#[must_use]
pub struct Builder {
    issuer: String,
    audiences: Vec<String>,
    bare_answers: bool,
    subjects_are_people: bool,
    credentials: Option<ClientCredentials>,
    introspection_endpoint: Option<String>,
    jwt: bool,
    jwks_uri: Option<String>,
    algorithms: Vec<Algorithm>,
    follow_feed: bool,
    keep_for: Option<Duration>,
    keep: usize,
    leeway: Duration,
    timeout: Duration,
    dialect: Dialect,
    metadata: Option<ProtectedResource>,
    fetch: Option<Arc<dyn Fetch>>,
    clock: Arc<dyn Clock>,
}

/// Why a verifier cannot be made.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum BuildError {
    /// The issuer, or an address, is no absolute URL without query and fragment.
    Url(String),
    /// No audience was given. A token that is meant for another API must not work at this one.
    NoAudience,
    /// Neither [`Builder::introspection`] nor [`Builder::jwt`] was called.
    NoMethod,
    /// [`Builder::follow_feed`] needs [`Builder::introspection`].
    FeedWithoutIntrospection,
    /// The credentials cannot be sent in a header.
    Credentials,
    /// The identifier of the metadata is no URL that can have metadata (RFC 9728 §3).
    Metadata(String),
    /// There is no HTTP client: without the feature `fetch`, [`Builder::fetch_with`] must give one.
    NoHttpClient(String),
}

impl Verifier {
    /// A builder for the tokens of `issuer`: the issuer identifier, character by character as the server's metadata has it.
    pub fn builder(issuer: &str) -> Builder {
        Builder::new(issuer)
    }
}

impl Builder {
    fn new(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audiences: Vec::new(),
            bare_answers: false,
            subjects_are_people: false,
            credentials: None,
            introspection_endpoint: None,
            jwt: false,
            jwks_uri: None,
            algorithms: Vec::new(),
            follow_feed: false,
            keep_for: None,
            keep: 10_000,
            leeway: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
            dialect: Dialect::STANDARD,
            metadata: None,
            fetch: None,
            clock: Arc::new(SystemClock::default()),
        }
    }

    /// An identifier of this API. A token must name one of them in `aud` (repeatable).
    pub fn audience(mut self, identifier: &str) -> Self {
        self.audiences.push(identifier.to_owned());
        self
    }

    /// Accepts introspection answers without `aud` and without `token_type`. Use it only for a server that sends
    /// neither and whose tokens are all for this API: without `token_type` a refresh token looks like an access token.
    /// JWTs always need an audience.
    pub fn accept_bare_answers(mut self) -> Self {
        self.bare_answers = true;
        self
    }

    /// Takes a token with a `sub` that is not its `client_id` for one that acts for a person ([`Guard::person`](crate::Guard::person)),
    /// also without `username`. Use it only for a server that gives an app's own token its `client_id` as `sub`, or none: others write
    /// `CLIENT_ID@clients` or the id of a service account. Hallpass does not need it.
    pub fn subjects_are_people(mut self) -> Self {
        self.subjects_are_people = true;
        self
    }

    /// Asks the server about tokens (RFC 7662), with these credentials: at Hallpass the identifier and the secret of a
    /// `[[resources]]` entry.
    pub fn introspection(mut self, identifier: &str, secret: &str) -> Self {
        self.credentials = Some(ClientCredentials {
            client_id: identifier.to_owned(),
            client_secret: secret.to_owned(),
        });
        self
    }

    /// The introspection endpoint of a server without metadata (RFC 8414).
    pub fn introspection_endpoint(mut self, url: &str) -> Self {
        self.introspection_endpoint = Some(url.to_owned());
        self
    }

    /// Verifies tokens that are JWTs (RFC 9068) with the server's keys. With [`introspection`](Self::introspection) too, the
    /// form of a token decides.
    ///
    /// A JWT works until it expires: the server is not asked whether it was revoked.
    pub fn jwt(mut self) -> Self {
        self.jwt = true;
        self
    }

    /// The address of the keys of a server without metadata (RFC 8414).
    pub fn jwks_uri(mut self, url: &str) -> Self {
        self.jwks_uri = Some(url.to_owned());
        self
    }

    /// The only algorithms that JWTs may be signed with. By default the key decides, and an RSA key without `alg` means RS256.
    pub fn algorithms(mut self, algorithms: &[Algorithm]) -> Self {
        self.algorithms = algorithms.to_vec();
        self
    }

    /// Follows the revocation feed of Hallpass, so that answers can be kept: for five minutes at most, unless
    /// [`keep_answers`](Self::keep_answers) says otherwise.
    pub fn follow_feed(mut self) -> Self {
        self.follow_feed = true;
        self
    }

    /// How long an answer about a good token may be kept, and how many answers (10,000 by default). Without the feed,
    /// nothing is kept unless this is called; a revoked token then works until its answer is too old. Answers about bad
    /// tokens are never kept: a paused token may be good again at any moment.
    pub fn keep_answers(mut self, time: Duration, most: usize) -> Self {
        self.keep_for = Some(time);
        self.keep = most;
        self
    }

    /// How far the clocks of server and API may differ. The default is 30 seconds.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// How long a request to the server may take. The default is 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The words of refusals. The default is [`Dialect::STANDARD`].
    pub fn dialect(mut self, dialect: Dialect) -> Self {
        self.dialect = dialect;
        self
    }

    /// The API's metadata (RFC 9728). Challenges name its address, and [`Verifier::metadata`] has what to serve there.
    pub fn metadata(mut self, resource: ProtectedResource) -> Self {
        self.metadata = Some(resource);
        self
    }

    /// The HTTP client to ask the server with.
    pub fn fetch_with(mut self, fetch: Arc<dyn Fetch>) -> Self {
        self.fetch = Some(fetch);
        self
    }

    /// The clocks. By default those of this machine.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Makes the verifier. It sends nothing: see [`Verifier::ready`].
    ///
    /// # Errors
    /// [`BuildError`].
    pub fn build(mut self) -> Result<Verifier, BuildError> {
        self.check()?;
        let metadata = self.published()?;
        let authorization = self.authorization()?;
        let fetch = match self.fetch.take() {
            Some(fetch) => fetch,
            None => default_fetch()?,
        };
        let feed = self.follow_feed.then(Arc::<Feed>::default);
        let introspection = authorization.clone().map(|authorization| {
            let settings = introspection::Settings {
                authorization,
                endpoint: self.introspection_endpoint.take(),
                keep_for: self
                    .keep_for
                    .unwrap_or(if feed.is_some() { KEPT_WITH_FEED } else { Duration::ZERO }),
                keep: self.keep,
            };
            Introspection::new(settings, feed.clone())
        });
        let follower = feed.zip(authorization).map(|(feed, authorization)| Follower {
            feed,
            url: format!("{}/resource/feed", self.issuer.trim_end_matches('/')),
            authorization,
            task: Mutex::new(None),
        });
        let jwt = self.jwt.then(|| {
            Jwt::new(jwt::Settings {
                jwks_uri: self.jwks_uri.take(),
                algorithms: std::mem::take(&mut self.algorithms),
            })
        });
        Ok(Verifier::from_parts(Parts {
            discovery: Discovery::new(),
            answers: Answers {
                dialect: self.dialect,
                metadata_url: metadata.as_ref().map(|published| published.url.clone()),
            },
            metadata: metadata.map(|published| (published.path, published.json)),
            upstream: Arc::new(Upstream {
                issuer: self.issuer,
                audiences: self.audiences,
                bare_answers: self.bare_answers,
                subjects_are_people: self.subjects_are_people,
                leeway: self.leeway,
                timeout: self.timeout,
                fetch,
                clock: self.clock,
            }),
            jwt,
            introspection,
            follower,
        }))
    }

    fn check(&self) -> Result<(), BuildError> {
        let addresses = [&self.introspection_endpoint, &self.jwks_uri];
        for url in addresses.into_iter().flatten().chain([&self.issuer]) {
            let parsed: Option<Uri> = url.parse().ok();
            let whole = parsed.is_some_and(|uri| uri.scheme().is_some() && uri.authority().is_some());
            if !whole || url.contains('#') || (*url == self.issuer && url.contains('?')) {
                return Err(BuildError::Url(url.clone()));
            }
        }
        if self.audiences.is_empty() {
            return Err(BuildError::NoAudience);
        }
        match (&self.credentials, self.jwt, self.follow_feed) {
            (None, _, true) => Err(BuildError::FeedWithoutIntrospection),
            (None, false, _) => Err(BuildError::NoMethod),
            _ => Ok(()),
        }
    }

    fn published(&self) -> Result<Option<Published>, BuildError> {
        let Some(resource) = &self.metadata else {
            return Ok(None);
        };
        let published = resource.publish(&self.issuer);
        published
            .map(Some)
            .ok_or_else(|| BuildError::Metadata(format!("{resource:?}")))
    }

    fn authorization(&self) -> Result<Option<HeaderValue>, BuildError> {
        let Some(credentials) = &self.credentials else {
            return Ok(None);
        };
        let mut value = HeaderValue::from_str(&credentials.to_basic()).map_err(|_| BuildError::Credentials)?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

#[cfg(feature = "fetch")]
fn default_fetch() -> Result<Arc<dyn Fetch>, BuildError> {
    let client = hallpass_client::http::HttpClient::builder()
        .max_body_bytes(MAX_ANSWER)
        .idle_connections(IDLE_CONNECTIONS)
        .build();
    let client = client.map_err(|error| BuildError::NoHttpClient(error.to_string()))?;
    Ok(Arc::new(client))
}

#[cfg(not(feature = "fetch"))]
fn default_fetch() -> Result<Arc<dyn Fetch>, BuildError> {
    Err(BuildError::NoHttpClient("call `fetch_with`".to_owned()))
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("issuer", &self.issuer)
            .field("audiences", &self.audiences)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => write!(f, "{url:?} is no absolute URL without query and fragment"),
            Self::NoAudience => f.write_str("no audience: call `audience` with the identifier of this API"),
            Self::NoMethod => f.write_str("no way to check tokens: call `introspection` or `jwt`"),
            Self::FeedWithoutIntrospection => f.write_str("`follow_feed` needs `introspection`"),
            Self::Credentials => f.write_str("the credentials cannot be sent in a header"),
            Self::Metadata(resource) => write!(f, "the identifier of {resource} can have no metadata (RFC 9728 §3)"),
            Self::NoHttpClient(reason) => write!(f, "there is no HTTP client: {reason}"),
        }
    }
}

impl std::error::Error for BuildError {}
