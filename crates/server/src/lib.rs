//! Hallpass: OAuth in front of an API.

pub mod config;
pub mod time;
