//! What a site says about its people, and its answers to sign-ins.

use super::{OrganizationId, SessionId, SiteRefusal, UserId};
use crate::time::Instant;
use serde::Serialize;

/// The site's answer to one sign-in, until the request for it ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Acceptance {
    /// The SHA-256 of the request.
    pub request: [u8; 32],
    /// The SHA-256 of the site's message.
    pub digest: [u8; 32],
    /// The person who is signed in at the site, or why nobody is.
    pub outcome: Result<Accepted, SiteRefusal>,
    /// The site's words for the person.
    pub message: Option<String>,
    /// When the site answered.
    pub accepted: Instant,
    /// When the browser came back with the answer.
    pub spent: Option<Instant>,
    /// When the request ends.
    pub expires: Instant,
}

impl Acceptance {
    /// Whether this answer is to the same message as `other`.
    #[must_use]
    pub fn is_of(&self, other: &Self) -> bool {
        self.digest.eq(&other.digest)
    }
}

/// A person whom the site signed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accepted {
    /// The person.
    pub user: UserId,
    /// The organization in which they work now.
    pub organization: Option<OrganizationId>,
    /// When they last proved to the site who they are.
    pub auth_time: Option<Instant>,
    /// The authentication context class (OpenID Connect Core 1.0 §2).
    pub acr: Option<String>,
    /// The authentication methods, separated by spaces (RFC 8176).
    pub amr: Option<String>,
}

/// The answer that a browser came back with, and the session that it begins.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// The SHA-256 of the request.
    pub request: [u8; 32],
    /// The digest of the answer.
    pub digest: [u8; 32],
    /// When the site gave the answer.
    pub accepted: Instant,
    /// The id of the new session.
    pub session: SessionId,
    /// The person.
    pub user: UserId,
    /// When they last proved to the site who they are.
    pub auth_time: Option<Instant>,
    /// The present moment.
    pub now: Instant,
    /// When the session expires.
    pub expires: Instant,
}

/// A person as the site describes them. A member that is `None` stays as it is.
#[derive(Clone, Debug, Serialize)]
pub struct SitePerson {
    /// The site's own id.
    pub external_id: String,
    /// The address, or that there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact_email: Option<Option<String>>,
    /// Whether the site has verified the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// The name that people see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The language, or that of the browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<Option<String>>,
    /// The moment of the description by the site's clock.
    #[serde(skip)]
    pub as_of: Instant,
}

/// What is kept about a site's person beside the person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SiteRecord {
    /// Whether the site has verified the address.
    pub email_verified: bool,
    /// The moment of the last change that was applied, by the site's clock.
    pub as_of: Option<Instant>,
    /// How many messages of the site were applied.
    pub version: i64,
}

/// A session of a person, for an export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptSession {
    /// How it began, as it is stored.
    pub kind: String,
    /// When it began.
    pub created: Instant,
    /// When it expires.
    pub expires: Instant,
    /// When the person last proved who they are, if that was not when it began.
    pub auth_time: Option<Instant>,
}

/// The site's answer to a sign-in of a person, for an export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptSignIn {
    /// When the site answered.
    pub accepted: Instant,
    /// When the browser came back with the answer.
    pub spent: Option<Instant>,
    /// When the person last proved to the site who they are.
    pub auth_time: Option<Instant>,
    /// The authentication context class.
    pub acr: Option<String>,
    /// The authentication methods.
    pub amr: Option<String>,
}

/// A membership of a person, for an export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptMembership {
    /// The organization's name in addresses.
    pub slug: String,
    /// The site's own id of the organization.
    pub external_id: Option<String>,
    /// The organization's name.
    pub name: String,
    /// The role, as it is stored.
    pub role: String,
    /// When it ended.
    pub ended: Option<Instant>,
}

/// An app that a person manages, for an export.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptApp {
    /// The client ID.
    pub client_id: String,
    /// The name.
    pub name: String,
    /// Whether the person owns it. Otherwise they are in its team.
    pub owned: bool,
}
