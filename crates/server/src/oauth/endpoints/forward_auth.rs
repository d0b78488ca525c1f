//! Answers a proxy that asks about a request of an API, and names who calls (docs/guide/forward-auth.md).
//!
//! Every answer that lets a request through has all identity headers, and none is empty: a proxy that copies them replaces
//! whatever the client sent.

use crate::http::respond;
use crate::http::respond::Response;
use crate::http::source::Peer;
use crate::oauth::access;
use crate::oauth::access::{Access, AccessReason, Subject};
use crate::oauth::forward_auth::{ForwardAuth, IDENTITY};
use crate::oauth::refusal::{Refusal, ServerReason};
use crate::serve::hallpass::Hallpass;
use crate::time::Instant;
use http::{HeaderMap, HeaderValue, StatusCode};

/// Answers a proxy.
pub(crate) async fn forward_auth(
    hallpass: &Hallpass,
    rules: &ForwardAuth,
    (peer, headers): (Peer, &HeaderMap),
    now: Instant,
) -> Response {
    match handle(hallpass, rules, (peer, headers), now).await {
        Ok(response) => response,
        Err(refusal) => {
            tracing::info!(endpoint = "forward_auth", reason = refusal.word(), %refusal, "refused");
            refused(hallpass, &refusal)
        }
    }
}

async fn handle(
    hallpass: &Hallpass,
    rules: &ForwardAuth,
    (peer, headers): (Peer, &HeaderMap),
    now: Instant,
) -> Result<Response, Refusal> {
    let asked = rules.asked(peer, headers)?;
    // Before the call is looked up: without a good token the answer does not say which calls there are.
    let access = access::check(hallpass, access::bearer(headers)?, now).await?;
    let needed = rules.scopes(&asked)?;
    if !needed.iter().any(|scope| access.claims.scopes.contains(scope)) {
        return Err(AccessReason::InsufficientScope(needed.clone()).into());
    }
    Ok(named(hallpass, &access).await?)
}

/// A refusal in the words of the dialect. nginx knows 401 and 403 alone, and makes 500 of others.
fn refused(hallpass: &Hallpass, refusal: &Refusal) -> Response {
    let mut response = respond::rendered(hallpass.dialect.resource_refusal(&refusal.public()));
    let status = response.status();
    if status.is_client_error() && status != StatusCode::UNAUTHORIZED {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
    respond::no_store(&mut response);
    response
}

/// An answer that lets a request through.
async fn named(hallpass: &Hallpass, access: &Access) -> Result<Response, AccessReason> {
    let claims = &access.claims;
    let organization = hallpass
        .directory
        .organization(claims.organization)
        .await?
        .ok_or(ServerReason::Internal)?;
    let client_id = &access.client.app.client_id;
    let (subject, acts_as) = match &access.subject {
        Subject::App => (format!("app:{client_id}"), "app"),
        Subject::Person(user) => (user.subject(), "person"),
        Subject::Organization(_) => (format!("org_{}", claims.organization), "organization"),
    };
    let scope = claims.scopes.to_string();
    let values = [
        subject.as_str(),
        client_id,
        acts_as,
        &scope,
        organization.external_id.as_ref().unwrap_or(&organization.slug),
        organization.kind.as_str(),
    ];
    // 200 and not 204: Envoy lets nothing else through.
    let mut response = respond::empty(200);
    for (name, value) in IDENTITY.iter().zip(values) {
        response.headers_mut().insert(name.clone(), value_of(value)?);
    }
    respond::no_store(&mut response);
    Ok(response)
}

/// HTTP cuts off blanks at both ends (RFC 9110 §5.5), so a subject that has some would become another one.
fn value_of(text: &str) -> Result<HeaderValue, ServerReason> {
    let value = HeaderValue::from_str(text).ok();
    let value = value.filter(|_| !text.is_empty() && text.trim() == text);
    value.ok_or_else(|| {
        tracing::error!(
            ?text,
            "a proxy cannot be told this name: it is empty or has blanks at its ends"
        );
        ServerReason::Internal
    })
}
