//! Hallpass: OAuth in front of an API.

pub mod app;
pub mod config;
pub mod dialect;
pub mod directory;
pub mod feed;
pub mod keys;
pub mod oauth;
pub mod passwords;
pub mod random;
pub mod respond;
pub mod store;
pub mod time;
pub mod tokens;
pub mod view;
