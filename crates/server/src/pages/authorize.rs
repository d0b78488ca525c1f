//! The authorization endpoint (RFC 6749 §3.1): a request is judged, a person signs in, and is asked.

use super::shown::Shown;
use super::{Visit, consent, login};
use crate::app::Hallpass;
use crate::oauth::Refusal;
use crate::oauth::authorization::{AuthorizationRequest, PARAMETERS, Problem, judge};
use crate::respond::{self, Response};
use crate::view::ErrorKind;
use axum::body::Body;
use axum::extract::FromRequest as _;
use hallpass_wire::Parameters;
use http::header::ALLOW;
use http::{Method, Request};
use std::sync::Arc;

/// Answers an authorization request.
pub async fn authorize(hallpass: &Arc<Hallpass>, request: Request<Body>) -> Response {
    match Visit::from_request(request, hallpass).await {
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
    let query = visit.query(&PARAMETERS);
    if let Some(fault) = query.faults().first() {
        return Err(fatal(visit, &Refusal::Parameter(*fault)));
    }
    let request = judge(&visit.hallpass, &query)
        .await
        .map_err(|problem| refused(visit, &problem))?;
    let Some(user) = &visit.user else {
        return Ok(login::form(visit, visit.place(), Some(&request.client.app.name)));
    };
    consent::ask(visit, user, &request, visit.parts.uri.query().unwrap_or_default())
        .await
        .map_err(|refusal| visit.failed(refusal))
}

/// Tells who is to be told.
pub fn refused(visit: &Visit, problem: &Problem) -> Response {
    match problem {
        Problem::Fatal(refusal) => fatal(visit, refusal),
        Problem::Redirect(target, refusal) => {
            tracing::info!(endpoint = "authorization", %refusal, "refused");
            match target.with_refusal(&visit.hallpass, refusal) {
                Some(address) if visit.parts.method == Method::POST => respond::see_other(&address),
                Some(address) => respond::found(&address),
                None => fatal(visit, refusal),
            }
        }
    }
}

/// Where an authorization request starts anew, below the public address.
#[must_use]
pub fn place(hallpass: &Hallpass, query: &str) -> String {
    format!("{}?{query}", hallpass.config.paths.authorize)
}

/// Judges a request that a consent page put before a person, for no more than the page showed.
///
/// # Errors
/// The answer to give instead.
pub(super) async fn judge_again(visit: &Visit, shown: &Shown) -> Result<AuthorizationRequest, Response> {
    let query = shown.query.as_bytes();
    let parsed = Parameters::parse(query, &PARAMETERS).map_err(|_| visit.error(400, ErrorKind::BadForm))?;
    let request = judge(&visit.hallpass, &parsed)
        .await
        .map_err(|problem| refused(visit, &problem))?;
    let scopes = request.scopes.intersection(&shown.scopes);
    Ok(AuthorizationRequest { scopes, ..request })
}

/// An error that may not be redirected: our own page, with the dialect's status and words (RFC 6749 §4.1.2.1).
fn fatal(visit: &Visit, refusal: &Refusal) -> Response {
    if matches!(refusal, Refusal::Unavailable | Refusal::Internal) {
        return visit.failed(refusal.clone());
    }
    tracing::info!(endpoint = "authorization", %refusal, "refused");
    if let Refusal::Paused(_) = refusal {
        return visit.error(403, ErrorKind::AppSuspended);
    }
    let fatal = visit.hallpass.dialect.fatal(refusal);
    let (error, description) = (fatal.error, fatal.description.as_ref());
    visit.error(fatal.status, ErrorKind::AuthorizationRequest { error, description })
}
