//! A form sent to a page.

use super::Visit;
use crate::app::Hallpass;
use crate::body::{self, Unread};
use crate::respond::Response;
use crate::view::ErrorKind;
use axum::body::Body;
use axum::extract::FromRequest;
use http::{HeaderValue, Request, header};
use std::sync::Arc;
use url::Url;

/// A form, and who sent it. One from another site is refused; one without an `Origin` header is left to its sealed state.
pub struct Post {
    /// Who sent it.
    pub visit: Visit,
    /// What was sent.
    pub form: Form,
}

impl FromRequest<Arc<Hallpass>> for Post {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, hallpass: &Arc<Hallpass>) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let visit = Visit::begin(hallpass, parts).await?;
        if !is_own_origin(&visit) {
            return Err(foreign(&visit));
        }
        let read = body::read(body).await.map(|body| Form::parse(&body));
        match read {
            Ok(Some(form)) => Ok(Self { visit, form }),
            Err(Unread::TooLarge) => Err(visit.error(413, ErrorKind::TooLarge)),
            Ok(None) => Err(visit.error(400, ErrorKind::NotText)),
            Err(Unread::Broken) => Err(visit.error(400, ErrorKind::BadForm)),
        }
    }
}

/// The fields of a form.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// `None` where a field is not UTF-8: to replace what cannot be read would store another text than was typed.
    fn parse(body: &[u8]) -> Option<Self> {
        let pairs = hallpass_wire::parameters::pairs(body)?.into_iter();
        Some(Self(
            pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        ))
    }

    /// The value of a field; `None` where it is absent or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    /// Whether a field, such as a button, was sent at all.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Every value of a field (checkboxes).
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> + use<'_> {
        let name = name.to_owned();
        self.0
            .iter()
            .filter(move |(other, _)| *other == name)
            .map(|(_, value)| value.as_str())
    }
}

/// The refusal of a form that another site sent, or that was opened at an address which is not the server's. The person sees
/// both addresses, and the operator finds them in the log: a proxy that changes one is found in no other way.
fn foreign(visit: &Visit) -> Response {
    let origin = visit.parts.headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
    let origin = String::from_utf8_lossy(origin.unwrap_or_default());
    let seen: String = origin.chars().take(LONGEST_ORIGIN).collect();
    let own = visit.hallpass.issuer.as_str();
    let path = visit.parts.uri.path();
    tracing::info!(origin = ?seen, public_url = own, path, "refused a form that was opened at another address");
    let kind = match seen.as_str() {
        "null" | "" => ErrorKind::HiddenOrigin { own },
        seen => ErrorKind::ForeignOrigin { seen, own },
    };
    visit.error(403, kind)
}

/// A host name has at most 253 characters (RFC 1035 §2.3.4).
const LONGEST_ORIGIN: usize = 270;

/// Whether the request comes from our own pages, or does not say where from. A browser that hides the origin still says whether
/// it is the same (Fetch Metadata).
pub(super) fn is_own_origin(visit: &Visit) -> bool {
    let Some(origin) = visit.parts.headers.get(header::ORIGIN) else {
        return true;
    };
    if origin == "null" {
        return visit
            .parts
            .headers
            .get("sec-fetch-site")
            .is_some_and(|site| site == "same-origin");
    }
    let Ok(own) = Url::parse(&visit.hallpass.issuer) else {
        return false;
    };
    origin
        .to_str()
        .is_ok_and(|origin| origin == own.origin().ascii_serialization() || is_same_computer(origin, &own))
}

/// While trying things out people mix `localhost` and `127.0.0.1`; both are this computer, on the same port.
fn is_same_computer(origin: &str, own: &Url) -> bool {
    let local = |url: &Url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let same =
        |origin: &Url| origin.scheme() == own.scheme() && origin.port_or_known_default() == own.port_or_known_default();
    Url::parse(origin).is_ok_and(|origin| local(&origin) && local(own) && same(&origin))
}
