//! Attacks, each a test (RFC 9700 §3: who attacks; §4: how): a module per theme.
//!
//! What belongs to one endpoint alone stands in that endpoint's module; here is what crosses them, and what must hold under
//! every preset: a preset may be laxer than `default` only in what its own text says.

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

/// Every preset that ships.
const PRESETS: [&str; 5] = [
    "default",
    "common-controls-hub",
    "connected-home",
    "house-check",
    "apicbase",
];

/// Where the form goes that gives `sample` a new secret.
const RESET: &str = "/developer/apps/sample/secret";

async fn is_logged_in(browser: &Browser<'_>) -> bool {
    let forms = browser.open("/account").await.forms();
    forms.iter().all(|form| !form.has("password"))
}

/// Sends the form of `page` that goes to `action`, with `typed` in it.
async fn send(browser: &Browser<'_>, page: &Answer, action: &str, typed: &[(&str, &str)]) -> Answer {
    browser.submit(page, &form_to(page, action), typed).await
}

fn form_to(page: &Answer, action: &str) -> Form {
    let form = page.forms().into_iter().find(|form| form.action.ends_with(action));
    form.unwrap_or_else(|| panic!("no form goes to {action}: {}", page.text()))
}

/// The person is signed in, the app connected, and its secret the one that it was.
async fn assert_unchanged(server: &Server, browser: &Browser<'_>, client: &Client<'_>, tokens: &Tokens) {
    assert!(is_logged_in(browser).await);
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(client.introspect(&tokens.access).await.json()["client_id"], client.id);
}

/// The way of an endpoint under the server's preset.
fn endpoint(server: &Server, name: &str) -> String {
    let slash = if server.preset == "apicbase" { "/" } else { "" };
    format!("/oauth/{name}{slash}")
}

/// A refusal that hands nothing out.
fn assert_refused(answer: &Answer, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    assert!(!answer.body.contains("hp_"), "{what}: {}", answer.body);
}
