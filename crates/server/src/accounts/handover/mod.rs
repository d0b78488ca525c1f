//! Handover: the site that people already have signs them in (docs/guide/handover.md).
//!
//! A request for a sign-in travels through the browser, sealed, to the site ([`request`]). The site signs its person in and
//! sends one [`message`] from server to server ([`endpoint`]). Hallpass applies what it says of the person ([`people`]) and
//! answers with an address. That address carries a [`value`] that only this answer has, works once, for a minute, and only in
//! the browser that began. What happens to a person later, the site tells by calls to [`person`] and [`grants`].

mod authentication;
pub(crate) mod endpoint;
mod export;
mod failure;
mod grants;
mod json;
mod members;
mod message;
pub(crate) mod openapi;
mod people;
mod person;
pub(crate) mod request;
mod routes;
mod value;

pub(crate) use request::{Asks, HandoverRequest, Opened};
pub(crate) use routes::routes;
pub(crate) use value::fits;
