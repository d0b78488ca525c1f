//! The requests of the bench, for each connection.

use crate::Outcome;
use crate::bare::ROWS;
use crate::flow::{form, redemption, refreshing, tokens, unexpected};
use crate::generate::Generated;
use crate::http::Connection;
use crate::load::{Asks, Then};
use crate::process::Program;
use crate::world::{CLIENT_ID, CLIENT_SECRET, api, app};
use std::ops::Range;

const TOKEN: &str = "/oauth/token";
const INTROSPECT: &str = "/oauth/introspect";

/// Requests for a token of the app itself (RFC 6749 §4.4), for `n` connections.
pub(super) fn client_credentials(n: usize) -> Vec<Asks> {
    let form = form(&[("grant_type", "client_credentials"), ("scope", "read")]);
    vec![asks(TOKEN, app(), [form], Then::Again); n]
}

/// Requests for a token of each of `apps` apps, which authenticate in the body (RFC 6749 §2.3.1).
pub(super) fn tokens_of_apps(n: usize, apps: u64) -> Vec<Asks> {
    let ids: Vec<String> = (1..=apps).map(|app| format!("{CLIENT_ID}-{app}")).collect();
    let form = |id: &String| {
        form(&[
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", CLIENT_SECRET),
        ])
    };
    shares(n, &ids)
        .map(|share| asks(TOKEN, String::new(), share.map(form), Then::Again))
        .collect()
}

/// Introspection requests of the API for each of these tokens (RFC 7662).
pub(super) fn introspection(n: usize, tokens: &[String]) -> Vec<Asks> {
    let form = |token: &String| form(&[("token", token)]);
    shares(n, tokens)
        .map(|share| asks(INTROSPECT, api(), share.map(form), Then::Again))
        .collect()
}

/// Requests of a proxy that asks about calls with these tokens.
pub(super) fn forward_auth(n: usize, tokens: &[String]) -> Vec<Asks> {
    shares(n, tokens)
        .map(|share| asks("/forward-auth", String::new(), share.cloned(), Then::Asked))
        .collect()
}

/// Refreshes of these grants (see [`Generated::scattered`]), each with the token from the answer before.
pub(super) fn refreshes(n: usize, generated: &Generated, chains: Range<u64>) -> Vec<Asks> {
    let tokens: Vec<String> = generated
        .scattered(chains)
        .map(|grant| generated.refresh_token(grant))
        .collect();
    shares(n, &tokens)
        .map(|share| asks(TOKEN, app(), share.map(|token| refreshing(token)), Then::Refresh))
        .collect()
}

/// One redemption of each pending code.
pub(super) fn redemptions(n: usize, generated: &Generated) -> Vec<Asks> {
    let codes: Vec<String> = (0..generated.pending).map(|code| generated.code(code)).collect();
    shares(n, &codes)
        .map(|share| asks(TOKEN, app(), share.map(|code| redemption(code)), Then::Spent))
        .collect()
}

/// Changes of the bare server's rows, each row in turn.
pub(super) fn bare_rows(n: usize) -> Vec<Asks> {
    let rows: Vec<u64> = (0..ROWS).collect();
    shares(n, &rows)
        .map(|share| asks(TOKEN, app(), share.map(|row| refreshing(&row.to_string())), Then::Again))
        .collect()
}

/// Access tokens of these grants. Each grant is refreshed for it, so its first refresh token is used up.
pub(super) async fn access_tokens(server: &Program, generated: &Generated, grants: Range<u64>) -> Outcome<Vec<String>> {
    let mut connection = Connection::open(server.address).await?;
    let mut found = Vec::new();
    for grant in generated.scattered(grants) {
        let form = refreshing(&generated.refresh_token(grant));
        found.push(tokens(&connection.post(TOKEN, &app(), &form).await?)?.access);
    }
    Ok(found)
}

/// The length of what answers the first connection's first request, in bytes: the body, or the headers for an API. The request is
/// used up.
pub(super) async fn answer_bytes(server: &Program, asks: &[Asks]) -> Outcome<usize> {
    let first = asks.first().ok_or("there is no request to send")?;
    let form = first.forms.back().ok_or("there is no request to send")?;
    let mut connection = Connection::open(server.address).await?;
    let answer = first.send(&mut connection, form).await?;
    let names = answer
        .headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("hallpass-"));
    let headers: usize = names
        .map(|(name, value)| name.as_str().len() + ": \r\n".len() + value.len())
        .sum();
    match answer.status {
        200 => Ok(answer.body.len() + headers),
        _ => Err(unexpected(form, &answer)),
    }
}

/// Deals `all` to n connections, each getting every n-th item.
fn shares<T>(n: usize, all: &[T]) -> impl Iterator<Item = impl Iterator<Item = &T>> {
    (0..n).map(move |first| all.iter().skip(first).step_by(n))
}

fn asks(path: &'static str, authorization: String, forms: impl IntoIterator<Item = String>, then: Then) -> Asks {
    Asks {
        at: None,
        path,
        authorization,
        forms: forms.into_iter().collect(),
        then,
    }
}
