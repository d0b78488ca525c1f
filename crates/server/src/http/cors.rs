//! Cross-origin requests (CORS in the Fetch standard): which pages of other sites may read an answer.
//!
//! Every page may read the metadata. The answers of the token, revocation and identity endpoints are for the origins of
//! apps, which come from their redirect URIs or from the configuration (WebViews). Every app's origin may read them: a
//! preflight does not name the client, and an error may come before the client is known. The origin of a suspended app
//! counts too: its page must read `paused`, or it takes the refusal for a lost network.
//!
//! Sharing is safe, because no decision here depends on anything that a browser sends by itself: credentials are never
//! allowed, and a page must hold a code with its verifier, a token or a secret to get anything. Pages and introspection are
//! shared with no other origin.

use crate::http::endpoints::{EndpointRow, Readers};
use crate::http::respond;
use crate::http::respond::Response;
use crate::serve::hallpass::Hallpass;
use hallpass_wire::origin::LONGEST;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

/// How long a browser may cache the answer to a preflight, in seconds.
const MAX_AGE: &str = "600";
/// The longest list of requested header names that is allowed, in bytes.
const LONGEST_LIST: usize = 1024;

/// Which pages may read the answer to a request.
pub(crate) enum Sharing {
    /// Pages of this server only.
    Own,
    /// Every page.
    Everybody,
    /// Pages of the requesting origin, if it is an app's. The answer depends on the `Origin` header.
    Origin {
        /// The requesting origin, if it is an app's.
        of_app: Option<HeaderValue>,
        /// The methods that the endpoint accepts.
        methods: &'static str,
    },
}

/// Decides which pages may read the answer of this endpoint.
pub(crate) async fn sharing(hallpass: &Hallpass, row: &EndpointRow, headers: &HeaderMap) -> Sharing {
    match row.readers {
        Readers::Own => return Sharing::Own,
        Readers::Everybody => return Sharing::Everybody,
        Readers::Apps => {}
    }
    let methods = row.methods.shared();
    let of_app = match headers.get(ORIGIN) {
        Some(origin) if Box::pin(is_of_app(hallpass, origin)).await => Some(origin.clone()),
        _ => None,
    };
    Sharing::Origin { of_app, methods }
}

impl Sharing {
    /// The answer to a preflight, which a browser sends before a request that no form could send. `None` for other
    /// requests.
    #[must_use]
    pub(crate) fn preflight(&self, method: &Method, headers: &HeaderMap) -> Option<Response> {
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

    /// Adds to an answer, errors included, the headers that say who may read it.
    pub(crate) fn mark(&self, headers: &mut HeaderMap) {
        match self {
            Self::Own => {}
            Self::Everybody => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
            }
            Self::Origin { of_app, .. } => {
                headers.append(VARY, HeaderValue::from_static("Origin"));
                let Some(origin) = of_app else { return };
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                // The reason of a refusal, and when to try again.
                let exposed = HeaderValue::from_static("WWW-Authenticate, Retry-After");
                headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed);
            }
        }
    }
}

/// The headers that a page may send: all that it asks for. Tracing tools add headers that no fixed list would have, and no
/// decision depends on them. `*` is not enough: it does not cover `Authorization` (Fetch standard, CORS-unsafe
/// request-header names).
fn allowed_headers(headers: &HeaderMap) -> HeaderValue {
    let mut asked = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).iter();
    match (asked.next(), asked.next()) {
        (Some(list), None) if is_list_of_names(list.as_bytes()) => list.clone(),
        _ => HeaderValue::from_static("Authorization, Content-Type"),
    }
}

/// Whether it is a list of header names (RFC 9110 §5.1 and §5.6.1) of an acceptable length.
fn is_list_of_names(list: &[u8]) -> bool {
    let is_name = |name: &[u8]| HeaderName::from_bytes(name.trim_ascii()).is_ok();
    list.len() <= LONGEST_LIST && list.split(|byte| *byte == b',').all(is_name)
}

/// Whether the origin is an app's. Without the database no origin is known; the answer would have been 503 anyway.
async fn is_of_app(hallpass: &Hallpass, origin: &HeaderValue) -> bool {
    // No browser sends a longer origin.
    let text = origin.to_str().ok().filter(|text| text.len() <= LONGEST);
    let Some(origin) = text else { return false };
    hallpass.directory.is_app_origin(origin).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "failed to look up the origin of a page: the page cannot read this answer");
        false
    })
}
