//! Who asks for tokens and who checks them: apps with their secrets, and resources.

use super::{AppId, AppStatus, ClientType, GrantType, OrganizationId, Reach, SecretId, Unknown, UserId};
use crate::time::Instant;
use hallpass_wire::{RedirectUri, Scopes};
use serde::Serialize;
use std::fmt;

/// The most redirect URIs of an app (DESIGN §10).
pub const MOST_REDIRECT_URIS: usize = 50;

/// An app, which is an OAuth client, with its secrets. The audit log has what is serialized.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct App {
    /// Its id.
    #[serde(skip)]
    pub id: AppId,
    /// The client id (RFC 6749 §2.2).
    pub client_id: String,
    /// What people see.
    pub name: String,
    /// Who owns it.
    pub organization: OrganizationId,
    /// The developer who manages it; `None`: the operator's.
    pub owner: Option<UserId>,
    /// Whether it can keep a secret.
    #[serde(rename = "type")]
    pub client_type: ClientType,
    /// Whose people may connect it.
    pub reach: Reach,
    /// Where in its life.
    pub status: AppStatus,
    /// Where a code may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// What it may ask for, an empty list: nothing. `None`, of declared apps alone: the whole catalogue.
    pub scopes: Option<Scopes>,
    /// The products that it is subscribed to, by name, which bound its scopes; `None`: products do not.
    pub products: Option<Vec<String>>,
    /// The grant types that it may use, an empty list: none. `None`: the preset's.
    pub grant_types: Option<Vec<GrantType>>,
    /// Whether the operator vouches for it: it was declared, registered by a person on the operator's list, or reviewed (DESIGN §4,
    /// decision 79).
    pub trusted: bool,
    /// Whether `http://localhost` is accepted with any port, like loopback addresses.
    pub localhost_any_port: bool,
    /// When it was made.
    #[serde(skip)]
    pub created: Instant,
    /// Its secrets, the oldest first; expired ones may be among them.
    #[serde(skip)]
    pub secrets: Vec<Secret>,
    /// What this version cannot read of it; then it is suspended.
    #[serde(skip)]
    pub unknown: Unknown,
}

/// An app in a list, without its secrets, with the names that it is known by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedApp {
    /// The app.
    pub app: App,
    /// The label of who manages it.
    pub owner: Option<String>,
    /// Whose it is; none where that is gone.
    pub organization: Option<OrganizationName>,
}

/// What an organization is called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrganizationName {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Whether nobody sees it.
    pub hidden: bool,
}

/// What is different about an app; `None` leaves a field as it is.
#[derive(Clone, Default, Debug, Serialize)]
pub struct AppUpdate {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The owning organization; another one ends the app's grants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationId>,
    /// The developer who manages it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Option<UserId>>,
    /// Whether it can keep a secret.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub client_type: Option<ClientType>,
    /// Whose people may connect it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// Where in its life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<AppStatus>,
    /// Where a code may be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uris: Option<Vec<RedirectUri>>,
    /// What it may ask for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Option<Scopes>>,
    /// The products.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub products: Option<Option<Vec<String>>>,
    /// The grant types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_types: Option<Option<Vec<GrantType>>>,
    /// Whether it is trusted: true after a review by the operator, false after a change by its developer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted: Option<bool>,
    /// Whether `http://localhost` is accepted with any port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub localhost_any_port: Option<bool>,
}

/// One of an app's secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Secret {
    /// Its id.
    pub id: SecretId,
    /// What it is compared with.
    pub hash: SecretHash,
    /// The last four characters, for people to tell secrets apart; empty for short ones.
    pub hint: String,
    /// When it was set.
    pub created: Instant,
    /// The last use that was written down; at most a minute behind.
    pub last_used: Option<Instant>,
    /// Until when it counts.
    pub expires: Option<Instant>,
}

impl Secret {
    /// Whether it counts.
    #[must_use]
    pub fn is_live(&self, now: Instant) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// What remains of a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretHash {
    /// Of a secret with 256 random bits.
    Sha256([u8; 32]),
    /// Of a secret that somebody chose, as a PHC string.
    Argon2(String),
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256(_) => "Sha256(…)",
            Self::Argon2(_) => "Argon2(…)",
        })
    }
}

/// What becomes of an app's other secrets when it gets a new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Others {
    /// They go on.
    Keep,
    /// They end at once.
    End,
    /// They go on until then, or until they would have ended.
    EndAt(Instant),
}

/// An API that checks tokens (RFC 8707 §2: the identifier is the audience). The audit log has what is serialized.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Resource {
    /// The audience.
    pub identifier: String,
    /// What people see.
    pub name: String,
    /// How it authenticates at introspection; `None`: it cannot, as where this version cannot read what else is said of it.
    #[serde(skip)]
    pub secret: Option<SecretHash>,
    /// The scopes that are its own; `None`: all.
    pub scopes: Option<Scopes>,
    /// When it was made.
    #[serde(skip)]
    pub created: Instant,
}
