//! Attacks, each a test (RFC 9700 §3: the attackers; §4: the attacks). One module per theme.
//!
//! Attacks on a single endpoint are tested in the module of that endpoint. Here are the attacks that involve several
//! endpoints, and those that every preset must resist: a preset may be less strict than `default` only where its own text
//! says so.

mod code_injection;
mod csrf;
mod enumeration;
mod leakage;
mod markup;
mod mix_up;
mod page_state;
mod parameters;
mod redirects;
mod sessions;
mod smuggling;
mod tenancy;
mod timing;
mod tokens;

use crate::harness::{Answer, Browser, Client, Form, Server, Tokens};

/// All presets that ship.
const PRESETS: [&str; 5] = [
    "default",
    "common-controls-hub",
    "connected-home",
    "house-check",
    "apicbase",
];

/// The path of the form that creates a new secret for `sample`.
const RESET: &str = "/developer/apps/sample/secret";

async fn is_logged_in(browser: &Browser<'_>) -> bool {
    let forms = browser.open("/account").await.forms();
    forms.iter().all(|form| !form.has("password"))
}

/// Sends the form of `page` with this `action`, with `typed` filled in.
async fn send(browser: &Browser<'_>, page: &Answer, action: &str, typed: &[(&str, &str)]) -> Answer {
    browser.submit(page, &form_to(page, action), typed).await
}

fn form_to(page: &Answer, action: &str) -> Form {
    let form = page.forms().into_iter().find(|form| form.action.ends_with(action));
    form.unwrap_or_else(|| panic!("no form goes to {action}: {}", page.text()))
}

/// Asserts that the person is signed in, the app connected, and its secret unchanged.
async fn assert_unchanged(server: &Server, browser: &Browser<'_>, client: &Client<'_>, tokens: &Tokens) {
    assert!(is_logged_in(browser).await);
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(client.introspect(&tokens.access).await.json()["client_id"], client.id);
}

/// The path of an endpoint under the server's preset.
fn endpoint(server: &Server, name: &str) -> String {
    let slash = if server.preset == "apicbase" { "/" } else { "" };
    format!("/oauth/{name}{slash}")
}

/// Asserts that the answer is a refusal without a token.
fn assert_refused(answer: &Answer, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    for token in ["hp_ac_", "hp_at_", "hp_rt_"] {
        assert!(!answer.body.contains(token), "{what}: {}", answer.body);
    }
}
