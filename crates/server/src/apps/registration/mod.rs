//! The rules for the fields of an app: the same for the portal, the admin API and the configuration.
//!
//! Texts become types that cannot be wrong ([`AppName`], [`ClientId`], [`Email`], [`Slug`]). [`judge`] turns a [`Request`] into
//! [`Accepted`] values or a list of [`Fault`]s. Each caller renders the faults in its own form: beside the field of a page, as
//! JSON, or with a line of the configuration.

mod app_name;
mod client_id;
mod email;
mod fault;
mod offer;
mod redirect_uris;
mod request;
mod slug;

pub use app_name::{AppName, NameFault};
pub(crate) use client_id::ClientId;
pub(crate) use email::Email;
pub(crate) use fault::Fault;
pub(crate) use offer::Offer;
pub use redirect_uris::RedirectUriFault;
pub(crate) use redirect_uris::read as redirect_uris;
pub(crate) use request::{Accepted, Request, Rules, judge};
pub(crate) use slug::Slug;

/// The most apps that one developer owns (decision 61).
pub(crate) const MOST_APPS: u64 = 100;
