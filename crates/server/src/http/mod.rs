//! HTTP for every endpoint: answers, bodies, cookies, source addresses, CORS.

pub(crate) mod body;
pub(crate) mod cookies;
pub(crate) mod cors;
pub(crate) mod endpoints;
pub(crate) mod excerpt;
pub(crate) mod paging;
pub(crate) mod query;
pub mod respond;
pub mod source;
