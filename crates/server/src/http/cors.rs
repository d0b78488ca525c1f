//! Cross-origin requests (the Fetch standard's CORS protocol): which pages of other sites may read an answer.
//!
//! Metadata is for everybody. Token, revocation and identity answers are for the origins that apps have, by a redirect URI or
//! because the configuration names them (WebViews), all of them alike: a preflight does not name the client, and an error comes
//! before it is known. A suspended app counts too: its page must read `paused`, or it takes the refusal for a lost network.
//! Nothing is lost by sharing, because nothing here goes by what a browser sends along by itself: credentials are never allowed,
//! and a page must hold a code with its verifier, a token or a secret to get anything. Pages and introspection are for no other
//! origin.

use crate::http::respond;
use crate::http::respond::Response;
use crate::serve::dispatch::Endpoint;
use crate::serve::hallpass::Hallpass;
use hallpass_wire::origin::LONGEST;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// How long a browser need not ask again, in seconds.
const MAX_AGE: &str = "600";
/// The longest list of header names that is allowed as it was asked for, in bytes.
const LONGEST_LIST: usize = 1024;

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
        let methods = match self {
            Self::Own | Self::Origin { of_app: None, .. } => return None,
            Self::Everybody => "GET, HEAD",
            Self::Origin { methods, .. } => *methods,
        };
        let mut response = respond::empty(204);
        self.mark(response.headers_mut());
        let answered = response.headers_mut();
        answered.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(methods));
        answered.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(headers));
        answered.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
        answered.append(VARY, HeaderValue::from(ACCESS_CONTROL_REQUEST_HEADERS));
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

/// The headers that a page may send: those that it asks for. Tracing adds headers that no list of ours would have, and nothing
/// here goes by them. `*` would not do: it does not cover `Authorization` (Fetch standard, CORS-unsafe request-header names).
fn allowed_headers(headers: &HeaderMap) -> HeaderValue {
    let mut asked = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    match (asked.next(), asked.next()) {
        (Some(list), None) if is_list_of_names(list.as_bytes()) => list.clone(),
        _ => HeaderValue::from_static("Authorization, Content-Type"),
    }
}

/// Whether it is a list of header names (RFC 9110 §5.1 and §5.6.1) that is worth repeating.
fn is_list_of_names(list: &[u8]) -> bool {
    let is_name = |name: &[u8]| HeaderName::from_bytes(name.trim_ascii()).is_ok();
    list.len() <= LONGEST_LIST && list.split(|byte| *byte == b',').all(is_name)
}

/// Where the database is away nobody is known, and the answer that cannot be read would have been 503.
async fn is_of_app(hallpass: &Hallpass, origin: &HeaderValue) -> bool {
    // No browser sends a longer one.
    let text = origin.to_str().ok().filter(|text| text.len() <= LONGEST);
    let Some(origin) = text else { return false };
    hallpass.is_app_origin(origin).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "cannot look an origin up: no page of another site may read the answer");
        false
    })
}
