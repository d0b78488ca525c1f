//! Hallpass: OAuth in front of an API.

pub mod time;
