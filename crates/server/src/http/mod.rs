//! HTTP for every endpoint: answers, bodies, cookies, source addresses, CORS.

pub mod body;
pub mod cookies;
pub mod cors;
pub mod endpoints;
pub(crate) mod excerpt;
pub(crate) mod paging;
pub(crate) mod query;
pub mod respond;
pub mod source;
