//! One file for each grant type, and what they share.

pub mod authorization_code;
pub mod client_credentials;
pub mod copied_device;
pub mod issue;
pub mod refresh_token;
pub mod room;
