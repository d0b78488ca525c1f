//! People, organizations, memberships and browser sessions.

use super::{OrganizationId, OrganizationKind, Role, SessionId, SessionKind, Status, SuspendedBy, Unknown, UserId};
use crate::time::Instant;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

/// A person. The serialized fields go into the audit log.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// The id.
    #[serde(skip)]
    pub id: UserId,
    /// The numeric id, from 1 in the order of creation.
    pub number: i64,
    /// The login address, in lower case. `None`: the site signs this person in.
    pub email: Option<String>,
    /// The site's own id, compared byte for byte, and fixed when the person is created.
    pub external_id: Option<String>,
    /// The address that the site named. A label: neither unique nor a login.
    pub contact_email: Option<String>,
    /// The name that people see.
    pub name: String,
    /// The password's hash as a PHC string. `None`: the person cannot log in by password.
    #[serde(skip)]
    pub password: Option<String>,
    /// The language, `en` or `nl-BE`.
    pub locale: Option<String>,
    /// Whether they operate this server.
    pub admin: bool,
    /// Whether the operator named them a developer. They may register apps, which are trusted.
    pub developer: bool,
    /// Whether they may act.
    pub status: Status,
    /// Who suspended them.
    pub suspended_by: Option<SuspendedBy>,
    /// When they were created.
    #[serde(skip)]
    pub created: Instant,
    /// The memberships, without those whose role this version does not know.
    pub memberships: Vec<Membership>,
    /// A word of the row that this version does not know. The person then counts as suspended.
    #[serde(skip)]
    pub unknown: Unknown,
}

impl User {
    /// The subject of tokens: the site's own id, if there is one (decision 45).
    #[must_use]
    pub fn subject(&self) -> String {
        self.external_id.clone().unwrap_or_else(|| self.id.to_string())
    }

    /// The e-mail address: the login, or the one that the site named.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        self.email.as_deref().or(self.contact_email.as_deref())
    }

    /// The text that identifies this person on pages, in lists and as `username` (RFC 7662 §2.2).
    #[must_use]
    pub fn label(&self) -> Cow<'_, str> {
        match self.address().or(self.external_id.as_deref()) {
            Some(text) => text.into(),
            None => self.number.to_string().into(),
        }
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("number", &self.number)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A new person. The store assigns the numeric id. The serialized fields go into the audit log.
#[derive(Clone, Serialize)]
pub struct NewUser {
    /// The id.
    #[serde(skip)]
    pub id: UserId,
    /// The login address. It is stored in lower case.
    pub email: Option<String>,
    /// The site's own id.
    pub external_id: Option<String>,
    /// The address that the site named.
    pub contact_email: Option<String>,
    /// The name that people see.
    pub name: String,
    /// The password's hash as a PHC string.
    #[serde(skip)]
    pub password: Option<String>,
    /// The language.
    pub locale: Option<String>,
    /// Whether they operate this server.
    pub admin: bool,
    /// Whether the operator names them a developer.
    pub developer: bool,
    /// The present moment.
    #[serde(skip)]
    pub created: Instant,
    /// The memberships.
    pub memberships: Vec<Membership>,
}

/// Changes to a person. `None` leaves a field unchanged.
#[derive(Clone, Default, Serialize)]
pub struct UserUpdate {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The password's hash.
    #[serde(skip)]
    pub password: Option<Option<String>>,
    /// The language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<Option<String>>,
    /// Whether they operate this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<bool>,
    /// Whether the operator names them a developer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub developer: Option<bool>,
}

/// The membership of a person in an organization.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Membership {
    /// The organization.
    pub organization: OrganizationId,
    /// The role.
    pub role: Role,
}

/// A member of an organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// The person.
    pub user: UserId,
    /// The role. `None`: this version does not know the role, and the person has no rights there.
    pub role: Option<Role>,
    /// The role as it is stored.
    pub word: String,
    /// Their name.
    pub name: String,
    /// The text that identifies them, as [`User::label`].
    pub label: String,
}

/// A tenant. The serialized fields go into the audit log.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Organization {
    /// The id.
    #[serde(skip)]
    pub id: OrganizationId,
    /// The short name in addresses and configuration.
    pub slug: String,
    /// The site's own id, compared byte for byte. `None`: the operator made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The name that people see.
    pub name: String,
    /// Whether it holds real data.
    pub kind: OrganizationKind,
    /// Whether it is hidden, so that nobody sees that there are organizations.
    pub hidden: bool,
    /// Whether it may act.
    pub status: Status,
    /// When it was created.
    #[serde(skip)]
    pub created: Instant,
    /// A word of the row that this version does not know. The organization then counts as suspended.
    #[serde(skip)]
    pub unknown: Unknown,
}

/// Whether somebody can decide for an organization.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ownership {
    /// Whether it has an owner.
    pub is_owned: bool,
    /// When an owner left last, as far as it is known.
    pub until: Option<Instant>,
}

/// Changes to an organization. `None` leaves a field unchanged.
#[derive(Clone, Default, Debug, Serialize)]
pub struct OrganizationUpdate {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it holds real data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<OrganizationKind>,
    /// Whether it is hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Whether it may act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// The site's own id, if it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

/// A browser session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Session {
    /// How it began.
    pub kind: SessionKind,
    /// The SHA-256 of the request to the site that began it.
    pub request: Option<[u8; 32]>,
    /// The hash of its token.
    pub id: SessionId,
    /// The person who is logged in.
    pub user: UserId,
    /// When they logged in.
    pub created: Instant,
    /// When it expires.
    pub expires: Instant,
}
