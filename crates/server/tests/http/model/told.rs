//! Describes requests and answers in words, for the history of a failure.

use super::nouns::{Access, Caller, Fault, Refresh, Request};
use super::reference::Model;
use super::world::{CLIENTS, ORGANIZATIONS, PEOPLE};
use crate::harness::Answer;

/// A request in words.
pub(super) fn told(model: &Model, request: &Request) -> String {
    match *request {
        Request::Redeem { by, grant, fault } => {
            let fault = match fault {
                None => "",
                Some(Fault::Verifier) => " with another verifier",
                Some(Fault::NoVerifier) => " without a verifier",
                Some(Fault::RedirectUri) => " with another redirect URI",
            };
            format!("{} redeems the code of grant {grant}{fault}", CLIENTS[by])
        }
        Request::Refresh {
            by,
            token,
            scopes,
            from,
        } => {
            let scopes = scopes.map_or(String::new(), |scopes| format!(" for {scopes}"));
            let from = if from == 0 {
                String::new()
            } else {
                format!(" from source {from}")
            };
            format!("{} refreshes by {}{scopes}{from}", CLIENTS[by], refresh(model, token))
        }
        Request::Identity(token) => format!("{} is used", access(model, token)),
        Request::Introspect(by, token) => format!("{} asks about {}", caller(by), access(model, token)),
        Request::IntrospectRefresh(by, token) => format!("{} asks about {}", caller(by), refresh(model, token)),
        Request::Revoke(by, token) => format!("{} revokes {}", CLIENTS[by], access(model, token)),
        Request::RevokeRefresh(by, token) => format!("{} revokes {}", CLIENTS[by], refresh(model, token)),
        Request::EndAccess {
            user,
            app,
            organization,
        } => format!(
            "{} ends {} in {}",
            PEOPLE[user].email, CLIENTS[app], ORGANIZATIONS[organization]
        ),
        Request::OperatorEnds(grant) => format!("the operator ends grant {grant}"),
        Request::UserSuspended(user, is) => format!("{} is {}", PEOPLE[user].email, suspended(is)),
        Request::AppSuspended(app, is) => format!("{} is {}", CLIENTS[app], suspended(is)),
        Request::OrganizationSuspended(one, is) => format!("{} is {}", ORGANIZATIONS[one], suspended(is)),
        Request::RotateKeys => "the keys are rotated".to_owned(),
        Request::RevokeKey(purpose) => format!("the {purpose:?} key is revoked"),
        Request::Member(user, of, is) => {
            let verb = if is { "joins" } else { "leaves" };
            format!("{} {verb} {}", PEOPLE[user].email, ORGANIZATIONS[of])
        }
    }
}

/// An answer in one word.
pub(super) fn brief(answer: &Answer) -> String {
    match answer.status {
        200 if answer.body.starts_with(r#"{"active":false"#) => "200 inactive".to_owned(),
        status @ 200..300 => status.to_string(),
        _ => answer.refusal(),
    }
}

fn refresh(model: &Model, token: Refresh) -> String {
    let grant = &model.grants[token.grant];
    let which = match token.generation {
        _ if token.forged => "forged",
        n if n == grant.generation => "current",
        n if grant.void.contains(&n) => "void",
        n if Some(n) == grant.previous => "previous",
        _ => "old",
    };
    format!("refresh token {}.{} ({which})", token.grant, token.generation)
}

fn access(model: &Model, token: Access) -> String {
    let place = model
        .accesses
        .iter()
        .position(|other| *other == token)
        .unwrap_or_default();
    format!("access token {place} of {}.{}", token.grant, token.generation)
}

fn caller(by: Caller) -> &'static str {
    match by {
        Caller::App(app) => CLIENTS[app],
        Caller::Api => "the API",
    }
}

fn suspended(is: bool) -> &'static str {
    if is { "suspended" } else { "resumed" }
}
