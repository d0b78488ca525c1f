//! The authorization endpoint (RFC 6749 §3.1): a request is judged, a person signs in, and is asked.

use super::judged::refused;
use super::{consent, prompt, to_site};
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::authorize::reason::AuthorizeReason;
use crate::oauth::authorize::request::{AuthorizationProblem, PARAMETERS, judge};
use crate::oauth::refusal::RequestReason;
use crate::serve::hallpass::Hallpass;
use crate::web::Visit;
use crate::web::view::ErrorKind;
use axum::body::Body;
use http::header::ALLOW;
use http::{Method, Request};
use std::sync::Arc;

/// Answers an authorization request.
pub(crate) async fn authorize(hallpass: &Arc<Hallpass>, request: Request<Body>) -> Response {
    match Visit::begin(hallpass, request.into_parts().0).await {
        Ok(visit) => put(&visit).await.unwrap_or_else(|response| response),
        Err(response) => response,
    }
}

async fn put(visit: &Visit) -> Result<Response, Response> {
    if !matches!(visit.parts.method, Method::GET | Method::HEAD) {
        let mut response = visit.error(405, ErrorKind::MethodNotAllowed);
        respond::set(&mut response, ALLOW, "GET, HEAD");
        return Err(response);
    }
    let request = judge(&visit.hallpass, &visit.query(&PARAMETERS))
        .await
        .map_err(|problem| refused(visit, problem))?;
    // A fault of the request like others, so the app is told (RFC 6749 §4.1.2.1).
    if visit.is_too_long() {
        let problem = AuthorizationProblem::OfApp(request.client, request.target, RequestReason::TooLarge.into());
        return Err(refused(visit, problem));
    }
    if request.interaction.none {
        let reason = match visit.is_signed_in_to_allow() {
            true => AuthorizeReason::ConsentRequired,
            false => AuthorizeReason::LoginRequired,
        };
        return Err(refused(
            visit,
            AuthorizationProblem::OfApp(request.client, request.target, reason.into()),
        ));
    }
    if let Some(config) = &visit.hallpass.config.handover {
        return to_site::ask_site(visit, config, &request, &visit.query(&PARAMETERS));
    }
    let Some(user) = &visit.user else {
        return Ok(prompt::form(visit, visit.place(), Some(&request.client.app.name)));
    };
    consent::ask(visit, user, &request, visit.parts.uri.query().unwrap_or_default())
        .await
        .map_err(|refusal| visit.failed(refusal))
}
