//! What must hold whatever arrives: one file per kind of input, each with a `check` that panics where it does not.
//!
//! `fuzz_targets/` feeds them what libFuzzer invents; `crates/server/tests/corpus.rs` includes this file and feeds them
//! what was kept of it, so that the quick tests repeat every find without cargo-fuzz.

pub mod basic_header;
pub mod claims;
pub mod config;
pub mod derived_token;
pub mod page_state;
pub mod redirect_uri;
pub mod request;
pub mod scope;
pub mod sealed_token;
mod world;

/// A property of one kind of input.
pub type Check = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Check); 9] = [
    ("basic_header", basic_header::check),
    ("claims", claims::check),
    ("config", config::check),
    ("derived_token", derived_token::check),
    ("page_state", page_state::check),
    ("redirect_uri", redirect_uri::check),
    ("request", request::check),
    ("scope", scope::check),
    ("sealed_token", sealed_token::check),
];

/// Splits `N` bytes off; where there are fewer, zeros follow.
fn take<const N: usize>(data: &mut &[u8]) -> [u8; N] {
    let (head, rest) = data.split_at(N.min(data.len()));
    let mut taken = [0; N];
    taken[..head.len()].copy_from_slice(head);
    *data = rest;
    taken
}
