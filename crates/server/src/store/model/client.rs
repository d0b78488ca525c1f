//! Apps with their secrets, which request tokens, and resources, which check tokens.

use super::{ActsAs, AppId, AppStatus, ClientType, GrantType, OrganizationId, Reach, SecretId, Unknown, UserId};
use crate::time::Instant;
use hallpass_wire::{RedirectUri, Scopes};
use serde::Serialize;
use std::fmt;

/// An app, which is an OAuth client, with its secrets. The serialized fields go into the audit log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct App {
    /// Its id.
    #[serde(skip)]
    pub id: AppId,
    /// The client ID (RFC 6749 §2.2).
    pub client_id: String,
    /// The name that people see.
    pub name: String,
    /// The organization that owns it.
    pub organization: OrganizationId,
    /// The developer who manages it. `None`: the operator or the organization manages it.
    pub owner: Option<UserId>,
    /// The client type: whether it can keep a secret.
    #[serde(rename = "type")]
    pub client_type: ClientType,
    /// The organizations whose people may connect it.
    pub reach: Reach,
    /// Whose its new grants are.
    pub acts_as: ActsAs,
    /// The state of its life.
    pub status: AppStatus,
    /// The redirect URIs.
    pub redirect_uris: Vec<RedirectUri>,
    /// The scopes that it may request. Empty: none. `None`, only for declared apps: the whole catalogue.
    pub scopes: Option<Scopes>,
    /// The products that it is subscribed to, by name. They limit its scopes. `None`: no limit by products.
    pub products: Option<Vec<String>>,
    /// The grant types that it may use. Empty: none. `None`: those of the preset.
    pub grant_types: Option<Vec<GrantType>>,
    /// Whether the operator vouches for it: it was declared, registered by a person on the operator's list, or reviewed
    /// (decision 79).
    pub trusted: bool,
    /// Whether `http://localhost` is accepted with any port, like loopback addresses.
    pub localhost_any_port: bool,
    /// When it was created.
    #[serde(skip)]
    pub created: Instant,
    /// The secrets, oldest first. Expired ones may be among them.
    #[serde(skip)]
    pub secrets: Vec<AppSecret>,
    /// A word of the row that this version does not know. The object then counts as suspended.
    #[serde(skip)]
    pub unknown: Unknown,
}

/// An app in a list, without its secrets, with the names of its owner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedApp {
    /// The app.
    pub app: App,
    /// The label of the person who manages it.
    pub owner: Option<String>,
    /// The organization that owns it. `None` if that was deleted.
    pub organization: Option<OrganizationName>,
}

/// The names of an organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrganizationName {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Whether it is hidden.
    pub hidden: bool,
}

/// Changes to an app. `None` leaves a field unchanged.
#[derive(Clone, Default, Debug, Serialize)]
pub struct AppUpdate {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The owning organization. Another organization ends the grants of the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationId>,
    /// The developer who manages it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<Option<UserId>>,
    /// The client type: whether it can keep a secret.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub client_type: Option<ClientType>,
    /// The organizations whose people may connect it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// Whose its new grants are. Those that it has stay as they were allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acts_as: Option<ActsAs>,
    /// The state of its life.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<AppStatus>,
    /// The redirect URIs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uris: Option<Vec<RedirectUri>>,
    /// The scopes that it may request.
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
pub struct AppSecret {
    /// Its id.
    pub id: SecretId,
    /// The hash that it is compared with.
    pub hash: SecretHash,
    /// The last four characters, by which people tell secrets apart. Empty for a short secret.
    pub hint: String,
    /// When it was set.
    pub created: Instant,
    /// The last use that was written. It is at most a minute old.
    pub last_used: Option<Instant>,
    /// When it expires.
    pub expires: Option<Instant>,
}

impl AppSecret {
    /// Whether it is live.
    #[must_use]
    pub fn is_live(&self, now: Instant) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// The stored hash of a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretHash {
    /// The digest of a secret with 256 random bits.
    Sha256([u8; 32]),
    /// The hash of a secret that a person chose, as a PHC string.
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

/// What happens to the other secrets of an app when it gets a new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Others {
    /// They keep working.
    Keep,
    /// They end at once.
    End,
    /// They work until this moment, or until their own expiry if that is earlier.
    EndAt(Instant),
}

/// An API that checks tokens (RFC 8707 §2: the identifier is the audience). The serialized fields go into the audit log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Resource {
    /// The audience.
    pub identifier: String,
    /// The name that people see.
    pub name: String,
    /// The secret for introspection. `None`: it cannot authenticate, for instance because this version does not know a word of
    /// its row.
    #[serde(skip)]
    pub secret: Option<SecretHash>,
    /// Its own scopes. `None`: all scopes.
    pub scopes: Option<Scopes>,
    /// When it was created.
    #[serde(skip)]
    pub created: Instant,
}
