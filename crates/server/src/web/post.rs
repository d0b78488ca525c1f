//! A form that was sent to a page.

use super::{Form, Visit, address};
use crate::http::body;
use crate::http::body::Unread;
use crate::http::respond::Response;
use crate::http::source::Peer;
use crate::oauth::refusal::ServerReason;
use crate::serve::hallpass::Hallpass;
use crate::web::view::ErrorKind;
use axum::body::Body;
use axum::extract::FromRequest;
use http::Request;
use std::sync::Arc;

/// A form, and who sent it. One from another site is refused; one without an `Origin` header is left to its sealed state.
pub(crate) struct Post {
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
        if let Err(foreign) = address::check_origin(hallpass, &visit.parts) {
            return Err(visit.error(403, foreign.kind(&hallpass.issuer)));
        }
        let peer = visit.parts.extensions.get::<Peer>().copied();
        let share = peer.map(|peer| hallpass.share(peer, &visit.parts.headers));
        let read = body::read(body, share).await.map(Form::parse);
        match read {
            Ok(Some(form)) => Ok(Self { visit, form }),
            Err(Unread::TooLarge) => Err(visit.error(413, ErrorKind::TooLarge)),
            Ok(None) => Err(visit.error(400, ErrorKind::NotText)),
            Err(Unread::NoRoom) => Err(visit.failed(ServerReason::NoRoom)),
            Err(Unread::Broken) => Err(visit.error(400, ErrorKind::BadForm)),
        }
    }
}
