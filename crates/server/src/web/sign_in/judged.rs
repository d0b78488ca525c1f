//! Checks an authorization request, and answers a refused one (RFC 6749 §4.1.2.1).

use crate::directory::Client;
use crate::http::excerpt::excerpt;
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::Refusal;
use crate::oauth::authorize::request::{AuthorizationProblem, AuthorizationRequest, PARAMETERS, judge};
use crate::serve::hallpass::Hallpass;
use crate::web::Visit;
use crate::web::view::{Back, ErrorKind};
use hallpass_wire::public_error::AuthorizeFault;
use hallpass_wire::redirect_uri::Destination;
use hallpass_wire::{Parameters, PublicError};
use http::Method;
use url::Url;

/// The most characters of a redirect URI that the page repeats.
const LONGEST_SHOWN: usize = 200;

/// Answers a refused request. The browser is redirected only to trusted apps: otherwise anybody could register an app, send
/// people here with a bad request, and let this server redirect them (RFC 9700 §4.11.2).
pub(super) fn refused(visit: &Visit, problem: AuthorizationProblem) -> Response {
    let (client, target, refusal) = match problem {
        AuthorizationProblem::Fatal(refusal) => return fatal(visit, refusal),
        AuthorizationProblem::OfApp(client, target, refusal) => (client, target, refusal),
    };
    let Some(address) = target.with_refusal(&visit.hallpass, &refusal) else {
        return fatal(visit, refusal);
    };
    log_refused(&refusal);
    if !client.app.trusted {
        return offered(visit, &client, &address, &refusal);
    }
    match visit.parts.method {
        Method::POST => respond::see_other(&address),
        _ => respond::found(&address),
    }
}

/// The page with a link to an app that is not trusted.
fn offered(visit: &Visit, client: &Client, address: &str, refusal: &Refusal) -> Response {
    let fatal = visit.hallpass.dialect.fatal(&refusal.public());
    let (error, description) = (fatal.error, fatal.description.as_ref());
    let site = site(client, address);
    let back = Back {
        href: address,
        app: &client.app.name,
        site: site.as_deref(),
    };
    let kind = ErrorKind::AuthorizationRequest {
        error,
        description,
        redirect_uri: None,
    };
    visit.error_with(400, kind, Some(back))
}

/// The target of a link to an app, as the page shows it. `None` for a trusted app, which people know by its name.
#[must_use]
pub(super) fn site(client: &Client, address: &str) -> Option<String> {
    match Destination::of(address).filter(|_| !client.app.trusted)? {
        Destination::Web(host) => Some(host),
        Destination::Scheme(scheme) => Some(format!("{scheme}:")),
        Destination::ThisDevice => None,
    }
}

/// The place at which an authorization request starts again, below the public address.
#[must_use]
pub(super) fn place(hallpass: &Hallpass, query: &str) -> String {
    format!("{}?{query}", hallpass.config.paths.authorize)
}

/// Checks the request of a consent page again.
///
/// # Errors
/// The answer to give instead.
pub(super) async fn judge_again(visit: &Visit, query: &str) -> Result<AuthorizationRequest, Response> {
    let query = Parameters::read(query.as_bytes(), &PARAMETERS);
    judge(&visit.hallpass, &query)
        .await
        .map_err(|problem| refused(visit, problem))
}

/// Logs a refused request with its word in `docs/reasons.md`.
pub(super) fn log_refused(refusal: &Refusal) {
    tracing::info!(endpoint = "authorization", reason = refusal.word(), %refusal, "refused");
}

/// The page of an error that must not be redirected, with the dialect's status and words (RFC 6749 §4.1.2.1).
fn fatal(visit: &Visit, refusal: Refusal) -> Response {
    let error = refusal.public();
    if let PublicError::Trouble(_) = error {
        return visit.failed(refusal);
    }
    log_refused(&refusal);
    if let PublicError::Paused(_) = error {
        return visit.error(403, ErrorKind::AppSuspended);
    }
    let query = visit.query(&["redirect_uri"]);
    let redirect_uri = match error {
        PublicError::Authorize(AuthorizeFault::UriUnregistered) => query.get("redirect_uri").and_then(shown_uri),
        _ => None,
    };
    let fatal = visit.hallpass.dialect.fatal(&error);
    let (error, description) = (fatal.error, fatal.description.as_ref());
    let kind = ErrorKind::AuthorizationRequest {
        error,
        description,
        redirect_uri: redirect_uri.as_deref(),
    };
    visit.error(fatal.status, kind)
}

/// A redirect URI as the page repeats it: an address of a few characters, in ASCII. Anybody can send people here with a text of
/// their own in it.
fn shown_uri(uri: &str) -> Option<String> {
    Url::parse(uri).ok()?;
    let ascii = |c: char| -> String {
        match c.is_ascii_graphic() {
            true => c.to_string(),
            false => c.escape_unicode().to_string(),
        }
    };
    Some(excerpt(&uri.chars().map(ascii).collect::<String>(), LONGEST_SHOWN))
}
