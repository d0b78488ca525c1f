//! A visit by somebody who is signed in.

use super::Visit;
use super::sign_in::prompt;
use crate::http::respond::Response;
use crate::serve::hallpass::Hallpass;
use crate::store::model::User;
use axum::body::Body;
use axum::extract::FromRequest;
use http::Request;
use std::sync::Arc;

/// A visit by somebody who is signed in. Anybody else gets the sign-in form in the place of the page.
pub(crate) struct SignedIn {
    /// The visit.
    pub visit: Visit,
    /// Who is signed in.
    pub user: Arc<User>,
}

impl FromRequest<Arc<Hallpass>> for SignedIn {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, hallpass: &Arc<Hallpass>) -> Result<Self, Response> {
        let visit = Visit::from_request(request, hallpass).await?.with_navigation().await?;
        match visit.user.clone() {
            Some(user) => Ok(Self { visit, user }),
            None => Err(prompt::form(&visit, visit.place(), None)),
        }
    }
}
