//! A form sent to a page.

use super::{Visit, address};
use crate::http::body;
use crate::http::body::Unread;
use crate::http::respond::Response;
use crate::http::source::Peer;
use crate::oauth::Refusal;
use crate::serve::hallpass::Hallpass;
use crate::serve::listen::share;
use crate::web::view::ErrorKind;
use axum::body::Body;
use axum::extract::FromRequest;
use http::Request;
use hyper::body::Bytes;
use std::sync::Arc;

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
        address::check_origin(&visit)?;
        let peer = visit.parts.extensions.get::<Peer>().copied();
        let share = peer.map(|peer| share(hallpass, peer, &visit.parts.headers));
        let read = body::read(body, share).await.map(Form::parse);
        match read {
            Ok(Some(form)) => Ok(Self { visit, form }),
            Err(Unread::TooLarge) => Err(visit.error(413, ErrorKind::TooLarge)),
            Ok(None) => Err(visit.error(400, ErrorKind::NotText)),
            Err(Unread::NoRoom) => Err(visit.failed(Refusal::NoRoom)),
            Err(Unread::Broken) => Err(visit.error(400, ErrorKind::BadForm)),
        }
    }
}

/// The fields of a form.
pub struct Form {
    fields: Vec<(String, String)>,
    /// What arrived: the memory that it takes is counted as long as it lives, and the fields take as much.
    _body: Bytes,
}

impl Form {
    /// `None` where a field is not UTF-8: to replace what cannot be read would store another text than was typed.
    fn parse(body: Bytes) -> Option<Self> {
        let pairs = hallpass_wire::parameters::pairs(&body)?.into_iter();
        let fields = pairs.map(|(name, value)| (name.into_owned(), value.into_owned()));
        Some(Self {
            fields: fields.collect(),
            _body: body,
        })
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

    /// The fields of these names alone, as one text.
    #[must_use]
    pub fn encode(&self, names: &[&str]) -> String {
        let fields = self.fields.iter().filter(|(name, _)| names.contains(&name.as_str()));
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish()
    }

    /// Reads what [`Form::encode`] wrote.
    #[must_use]
    pub fn decode(fields: &str) -> Self {
        Self {
            fields: form_urlencoded::parse(fields.as_bytes()).into_owned().collect(),
            // It came in the sealed state of another form, which is counted.
            _body: Bytes::new(),
        }
    }

    /// Every value of a field (checkboxes).
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> + use<'_> {
        let name = name.to_owned();
        self.fields
            .iter()
            .filter(move |(other, _)| *other == name)
            .map(|(_, value)| value.as_str())
    }
}
