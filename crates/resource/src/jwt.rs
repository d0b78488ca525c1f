//! Access tokens that are JWTs (RFC 9068), verified here with the server's keys (RFC 7517).

use crate::access::Access;
use crate::discovery::Discovery;
use crate::document::{Ages, Document};
use crate::refused::{Refused, Unavailable};
use crate::upstream::Upstream;
use hallpass_wire::bearer::BearerToken;
use hallpass_wire::jose::{self, Algorithm, JoseError, Jwks, Policy, Typ};
use std::sync::Arc;
use std::time::Duration;

/// A key that its server took back is refused after ten minutes. A server that is away for an hour, or hangs, stops no API; after
/// that, nobody knows whether its keys are still good.
const AGES: Ages = Ages {
    fresh: Duration::from_secs(10 * 60),
    usable: Duration::from_secs(70 * 60),
    pause: Duration::from_secs(5),
};

/// How JWTs are verified.
pub(crate) struct Settings {
    /// Where the keys are, where the metadata does not say it.
    pub(crate) jwks_uri: Option<String>,
    /// The only algorithms. Empty: the one that each key stands for.
    pub(crate) algorithms: Vec<Algorithm>,
}

/// Verifies JWTs.
pub(crate) struct Jwt {
    settings: Settings,
    keys: Document<Jwks>,
}

impl Jwt {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            settings,
            keys: Document::new("keys", AGES),
        }
    }

    /// Whether the token looks like a JWT: three parts, the first a JSON object. Servers with both kinds mean it by that.
    pub(crate) fn looks_like_one(token: BearerToken<'_>) -> bool {
        let text = token.as_str();
        text.starts_with("ey") && text.bytes().filter(|byte| *byte == b'.').count() == 2
    }

    /// What a good token allows. A token with an unknown key has the keys fetched again, at a bounded rate.
    pub(crate) async fn verify(
        &self,
        token: BearerToken<'_>,
        discovery: &Discovery,
        upstream: &Arc<Upstream>,
    ) -> Result<Arc<Access>, Refused> {
        let keys = self.keys(discovery, upstream).await?;
        let claims = match self.check(token, &keys, upstream) {
            Err(JoseError::UnknownKey) => {
                let request = || self.request(discovery, upstream);
                let newer = self.keys.newer(&keys, &upstream.clock, request).await?;
                let newer = newer.ok_or_else(|| refused(&JoseError::UnknownKey))?;
                self.check(token, &newer, upstream)
            }
            checked => checked,
        };
        let access = Access::claimed(claims.map_err(|error| refused(&error))?)?;
        Ok(Arc::new(access.of_people(upstream.subjects_are_people)))
    }

    /// The keys, fetched where there are none or they are old.
    pub(crate) async fn keys(&self, discovery: &Discovery, upstream: &Arc<Upstream>) -> Result<Arc<Jwks>, Unavailable> {
        let request = || self.request(discovery, upstream);
        self.keys.get(&upstream.clock, request).await
    }

    fn request(
        &self,
        discovery: &Discovery,
        upstream: &Arc<Upstream>,
    ) -> impl Future<Output = Result<Jwks, Unavailable>> + Send + use<> {
        fetch(self.settings.jwks_uri.clone(), discovery.clone(), upstream.clone())
    }

    fn check(&self, token: BearerToken<'_>, keys: &Jwks, upstream: &Upstream) -> Result<jose::Claims, JoseError> {
        let policy = Policy {
            typ: Typ::Is("at+jwt"),
            algorithms: &self.settings.algorithms,
            issuer: &upstream.issuer,
            audiences: &upstream.audiences,
            leeway: upstream.leeway,
        };
        jose::verify(token.as_str(), keys, &policy, upstream.clock.now_ms())
    }
}

async fn fetch(jwks_uri: Option<String>, discovery: Discovery, upstream: Arc<Upstream>) -> Result<Jwks, Unavailable> {
    let url = match jwks_uri {
        Some(url) => url,
        None => {
            let found = discovery.endpoints(&upstream).await?;
            let url = found.jwks.clone();
            url.ok_or_else(|| Unavailable::new("the metadata of the authorization server has no jwks_uri"))?
        }
    };
    let body = upstream.get(&url).await?;
    let keys = Jwks::parse(&body).map_err(|error| Unavailable::new(format!("the keys at {url}: {error}")))?;
    if keys.keys().is_empty() {
        // Not "every token is bad": the server is misconfigured, or signs with algorithms that are not known here.
        return Err(Unavailable::new(format!("none of the keys at {url} can be used")));
    }
    Ok(keys)
}

fn refused(error: &JoseError) -> Refused {
    match error {
        JoseError::Expired => Refused::Expired,
        other => Refused::Invalid(other.to_string()),
    }
}
