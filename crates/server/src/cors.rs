//! Cross-origin requests (the Fetch standard's CORS protocol): which pages of other sites may read an answer.
//!
//! Metadata is for everybody. Token, revocation and identity answers are for the origins that live apps are sent back to,
//! all of them alike: a preflight does not name the client, and an error comes before it is known. Nothing is lost by it,
//! because nothing here goes by what a browser sends along by itself: credentials are never allowed, and a page must hold a
//! code with its verifier, a token or a secret to get anything. Pages and introspection are for no other origin.

use crate::app::Hallpass;
use crate::respond::{self, Response};
use crate::router::Endpoint;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};

/// How long a browser need not ask again, in seconds.
const MAX_AGE: &str = "600";

/// Which pages may read the answer to a request.
pub enum Sharing {
    /// Those of this server.
    Own,
    /// Every page.
    Everybody,
    /// Those of the origin that asks, where there is one; another origin would be answered otherwise.
    Origin {
        /// The origin that asks, if it is an app's.
        of_app: Option<HeaderValue>,
        /// The methods that the endpoint takes.
        methods: &'static str,
    },
}

/// Which pages may read the answer of this endpoint.
pub async fn sharing(hallpass: &Hallpass, endpoint: Endpoint, headers: &HeaderMap) -> Sharing {
    let methods = match endpoint {
        Endpoint::Metadata | Endpoint::OpenIdConfiguration | Endpoint::OpenApi => return Sharing::Everybody,
        Endpoint::Token | Endpoint::Revoke => "POST",
        Endpoint::Identity => "GET, POST",
        Endpoint::Introspect | Endpoint::Authorize | Endpoint::Live | Endpoint::Ready | Endpoint::Page => {
            return Sharing::Own;
        }
    };
    let of_app = match headers.get(ORIGIN) {
        Some(origin) if Box::pin(is_of_app(hallpass, origin)).await => Some(origin.clone()),
        _ => None,
    };
    Sharing::Origin { of_app, methods }
}

impl Sharing {
    /// The answer to the question that a browser asks before a request that no form could send.
    #[must_use]
    pub fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
        if method != Method::OPTIONS || !headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
            return None;
        }
        let (methods, allowed) = match self {
            Self::Own | Self::Origin { of_app: None, .. } => return None,
            // Some clients ask for metadata with a header of their protocol's version.
            Self::Everybody => ("GET, HEAD", "*"),
            Self::Origin { methods, .. } => (*methods, "Authorization, Content-Type"),
        };
        let mut response = respond::empty(204);
        self.mark(response.headers_mut());
        for (name, value) in [
            (ACCESS_CONTROL_ALLOW_METHODS, methods),
            (ACCESS_CONTROL_ALLOW_HEADERS, allowed),
            (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        Some(response)
    }

    /// Says on an answer, an error too, who may read it.
    pub fn mark(&self, headers: &mut HeaderMap) {
        match self {
            Self::Own => {}
            Self::Everybody => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            }
            Self::Origin { of_app, .. } => {
                headers.append(VARY, HeaderValue::from_static("Origin"));
                let Some(origin) = of_app else { return };
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                // Where the reason of a refusal stands, and when to try again.
                let exposed = HeaderValue::from_static("WWW-Authenticate, Retry-After");
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
            }
        }
    }
}

/// Where the database is away nobody is known, and the answer that cannot be read would have been 503.
async fn is_of_app(hallpass: &Hallpass, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    match hallpass.origins().await {
        Ok(origins) => origins.contains(origin),
        Err(error) => {
            tracing::warn!(%error, "the apps' origins cannot be read");
            false
        }
    }
}
