//! The rules for the fields of an app: the same for the portal, the admin API and the configuration.
//!
//! Texts become types that cannot be wrong ([`AppName`], [`ClientId`], [`DisplayName`], [`Email`], [`ExternalId`], [`Slug`]);
//! each has its limits and its messages. [`judge`] turns a [`Request`] into [`Accepted`] values or a list of [`Fault`]s. Each caller renders the faults in its own form: beside the field of a page, as
//! JSON, or with a line of the configuration.

mod app_name;
mod client_id;
mod display_name;
mod email;
mod external_id;
mod fault;
mod offer;
mod redirect_uris;
mod request;
mod slug;
mod text;

pub(crate) use app_name::{AppName, NameFault};
pub(crate) use client_id::ClientId;
pub(crate) use display_name::DisplayName;
pub(crate) use display_name::is_invisible;
pub(crate) use email::Email;
pub(crate) use external_id::{ExternalId, ExternalOrganizationId};
pub(crate) use fault::Fault;
pub(crate) use offer::Offer;
pub(crate) use redirect_uris::RedirectUriFault;
pub(crate) use redirect_uris::read as redirect_uris;
pub(crate) use request::{Accepted, Request, Rules, judge};
pub(crate) use slug::Slug;

/// The most apps that one developer owns (decision 61).
pub(crate) const MOST_APPS: u64 = 100;
