//! Properties that hold for any input: one file for each kind of input, with a `check` that panics if the property is violated.
//!
//! `fuzz_targets/` passes inputs from libFuzzer to them. `crates/server/tests/corpus.rs` includes this file and passes the inputs
//! of the corpus, so the quick tests repeat every finding without cargo-fuzz.

pub mod basic_header;
pub mod claims;
pub mod config;
pub mod derived_token;
pub mod jose;
pub mod page_state;
pub mod redirect_uri;
pub mod request;
pub mod scope;
pub mod sealed_token;
mod world;

/// A property of one kind of input.
pub type Check = fn(&[u8]);

/// All targets, each with the name of its corpus.
pub const TARGETS: [(&str, Check); 10] = [
    ("basic_header", basic_header::check),
    ("claims", claims::check),
    ("config", config::check),
    ("derived_token", derived_token::check),
    ("jose", jose::check),
    ("page_state", page_state::check),
    ("redirect_uri", redirect_uri::check),
    ("request", request::check),
    ("scope", scope::check),
    ("sealed_token", sealed_token::check),
];

/// Splits off `N` bytes. If there are fewer, zeros follow.
fn take<const N: usize>(data: &mut &[u8]) -> [u8; N] {
    let (head, rest) = data.split_at(N.min(data.len()));
    let mut taken = [0; N];
    taken[..head.len()].copy_from_slice(head);
    *data = rest;
    taken
}
