//! Extractors for axum.

use crate::access::Access;
use crate::guard::Guard;
use crate::refused::Refused;
use crate::service::Verified;
use crate::verifier::Verifier;
use axum_core::body::Body;
use axum_core::extract::{FromRef, FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use hallpass_wire::Scopes;
use http::header::AUTHORIZATION;
use http::request::Parts;
use std::ops::Deref;
use std::sync::Arc;

/// The caller of a handler, by the access that the token gives.
///
/// The router's state must give a [`Verifier`] ([`FromRef`]). Behind a [`Guard`] of the same verifier, the token is not checked
/// again. `Option<Caller>` is `None` where the request has no `Authorization` header.
#[derive(Clone, Debug)]
pub struct Caller {
    access: Arc<Access>,
    verifier: Verifier,
}

/// A refusal, as axum answers it.
#[derive(Debug)]
pub struct Rejection(Box<Response>);

impl Caller {
    /// Refuses the caller if the token lacks what `guard` needs: for a handler that knows only then what it needs.
    ///
    /// # Errors
    /// The answer, to be returned from the handler.
    pub fn require(&self, guard: &Guard) -> Result<(), Rejection> {
        guard
            .admit(&self.access)
            .map_err(|refused| Rejection::new(&self.verifier, &refused, guard.needed_scopes()))
    }
}

impl Deref for Caller {
    type Target = Access;

    fn deref(&self) -> &Access {
        &self.access
    }
}

impl<S> FromRequestParts<S> for Caller
where
    Verifier: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let verifier = Verifier::from_ref(state);
        let verified = match Verified::by(&parts.extensions, &verifier) {
            Some(verified) => verified,
            None => Verified::verify(&verifier, &parts.headers)
                .await
                .map_err(|refused| Rejection::new(&verifier, &refused, &Scopes::default()))?,
        };
        let access = verified.access();
        // Another extractor of the same request need not check it again.
        verified.insert(&mut parts.extensions);
        Ok(Self { access, verifier })
    }
}

impl<S> OptionalFromRequestParts<S> for Caller
where
    Verifier: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Rejection> {
        if !parts.headers.contains_key(AUTHORIZATION) {
            return Ok(None);
        }
        <Self as FromRequestParts<S>>::from_request_parts(parts, state)
            .await
            .map(Some)
    }
}

impl Rejection {
    fn new(verifier: &Verifier, refused: &Refused, needed: &Scopes) -> Self {
        Self(Box::new(verifier.answer(refused, needed).map(Body::from)))
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        *self.0
    }
}
