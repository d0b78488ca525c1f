//! What every test stands on: a server with a world in it, a browser that keeps cookies, an app that asks for tokens.
//!
//! A test speaks HTTP only. The server is either the released binary as a process of its own, or the library in this process
//! with a clock that moves when it is told; for a test they are the same.

mod answer;
mod browser;
mod client;
mod demo;
mod html;
mod server;
mod world;

pub(crate) use answer::{Answer, Tokens};
pub(crate) use browser::{Browser, Callback, Landing};
pub(crate) use client::{CHALLENGE, Client, VERIFIER};
pub(crate) use demo::{DEMO_JANE, DEMO_JOHN, Demo};
pub(crate) use html::Form;
pub(crate) use server::Server;
pub(crate) use world::{APPS, JOHN, MARY, Person, REDIRECT_URI, RESOURCE, SECRET, TENANTS};

/// JSON without the white space outside its strings: how texts and answers are compared byte for byte.
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
fn white_space_is_left_out_only_between_the_strings() {
    let text = "{ \"a b\" : \"c \\\" d\\\\\" ,\n \"e\": 1 }";
    assert_eq!(compact(text), r#"{"a b":"c \" d\\","e":1}"#);
}
