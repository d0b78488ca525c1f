//! Hallpass: OAuth in front of an API.

pub mod oauth;
pub mod respond;
pub mod store;
pub mod time;
