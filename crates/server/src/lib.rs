//! Hallpass: OAuth in front of an API.

pub mod config;
pub mod dialect;
pub mod oauth;
pub mod respond;
pub mod time;
