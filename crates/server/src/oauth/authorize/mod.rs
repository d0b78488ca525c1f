//! The authorization request and its checks, in order (RFC 6749 §4.1.1).

pub mod interaction;
pub mod reason;
pub mod request;
