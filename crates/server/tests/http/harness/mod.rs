//! The base of every test: a server with a world, a browser that keeps cookies, and an app that requests tokens.
//!
//! A test uses HTTP only. The server is either the released binary in its own process, or the library in this process with
//! a manual clock. Both look the same to a test.

mod answer;
mod browser;
mod client;
mod demo;
mod html;
mod server;
mod site;
mod world;

pub(crate) use answer::{Answer, Tokens, readable};
pub(crate) use browser::{Browser, Callback, Landing};
pub(crate) use client::{CHALLENGE, Client, VERIFIER};
pub(crate) use demo::{DEMO_JANE, DEMO_JOHN, Demo};
pub(crate) use html::Form;
pub(crate) use server::Server;
pub(crate) use site::{HANDOVER, SITE_SECRET, Site, ann, parameter};
pub(crate) use world::{APPS, JOHN, MARY, Person, REDIRECT_URI, RESOURCE, SECRET, TENANTS};

/// JSON without white space outside strings, so that texts and answers can be compared byte for byte.
pub(crate) fn compact(json: &str) -> String {
    let (mut within, mut escaped) = (false, false);
    let mut kept = String::with_capacity(json.len());
    for character in json.chars() {
        if within || !character.is_ascii_whitespace() {
            kept.push(character);
        }
        if character == '"' && !escaped {
            within = !within;
        }
        escaped = within && character == '\\' && !escaped;
    }
    kept
}

/// Form-encodes pairs.
pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

#[test]
fn compact_removes_white_space_only_outside_strings() {
    let text = "{ \"a b\" : \"c \\\" d\\\\\" ,\n \"e\": 1 }";
    assert_eq!(compact(text), r#"{"a b":"c \" d\\","e":1}"#);
}
