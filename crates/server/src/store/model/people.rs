//! People, where they belong, and their browsers.

use super::{OrganizationId, OrganizationKind, Role, SessionId, Status, SuspendedBy, Unknown, UserId};
use crate::time::Instant;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

/// A person. The audit log has what is serialized.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct User {
    /// Its id.
    #[serde(skip)]
    pub id: UserId,
    /// The numeric id, from 1 in the order of making.
    pub number: i64,
    /// The login address, in lower case; `None`: the site signs this person in.
    pub email: Option<String>,
    /// The site's own id, compared byte for byte and fixed when the person is made.
    pub external_id: Option<String>,
    /// The address that the site named. A label: neither unique nor a login.
    pub contact_email: Option<String>,
    /// What people see.
    pub name: String,
    /// The password's hash as a PHC string; `None`: cannot log in by password.
    #[serde(skip)]
    pub password: Option<String>,
    /// The language, `en` or `nl-BE`.
    pub locale: Option<String>,
    /// Whether they operate this server.
    pub admin: bool,
    /// Whether the operator named them a developer: they register apps, which are trusted.
    pub developer: bool,
    /// Whether they may act.
    pub status: Status,
    /// Who suspended them.
    pub suspended_by: Option<SuspendedBy>,
    /// When they were made.
    #[serde(skip)]
    pub created: Instant,
    /// Where they belong. A membership in a role that this version does not know is not among them.
    pub memberships: Vec<Membership>,
    /// What this version cannot read of this person; then they are suspended.
    #[serde(skip)]
    pub unknown: Unknown,
}

impl User {
    /// The subject of tokens: the site's own id, where there is one (DESIGN §4).
    #[must_use]
    pub fn subject(&self) -> String {
        self.external_id.clone().unwrap_or_else(|| self.id.to_string())
    }

    /// The e-mail address: the login, or the one that the site named.
    #[must_use]
    pub fn address(&self) -> Option<&str> {
        self.email.as_deref().or(self.contact_email.as_deref())
    }

    /// What tells this person from others on pages, in lists and as `username` (RFC 7662 §2.2).
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

/// A person to come; the numeric id is allotted. The audit log has what is serialized.
#[derive(Clone, Serialize)]
pub struct NewUser {
    /// Its id.
    #[serde(skip)]
    pub id: UserId,
    /// The login address; kept in lower case.
    pub email: Option<String>,
    /// The site's own id.
    pub external_id: Option<String>,
    /// The address that the site named.
    pub contact_email: Option<String>,
    /// What people see.
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
    /// Now.
    #[serde(skip)]
    pub created: Instant,
    /// Where they belong.
    pub memberships: Vec<Membership>,
}

/// What is different about a person; `None` leaves a field as it is.
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

/// That a person belongs to an organization.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Membership {
    /// Where.
    pub organization: OrganizationId,
    /// As what.
    pub role: Role,
}

/// A person who belongs to an organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// As what; `None`: this version does not know the role, and the person has no rights there.
    pub role: Option<Role>,
    /// The role as it is stored.
    pub word: String,
    /// Their name.
    pub name: String,
    /// What tells them from others, as [`User::label`].
    pub label: String,
}

/// A tenant. The audit log has what is serialized.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Organization {
    /// Its id.
    #[serde(skip)]
    pub id: OrganizationId,
    /// Its name in addresses and configuration.
    pub slug: String,
    /// What people see.
    pub name: String,
    /// Whether it holds real data.
    pub kind: OrganizationKind,
    /// Whether nobody is to see that there are organizations.
    pub hidden: bool,
    /// Whether it may act.
    pub status: Status,
    /// When it was made.
    #[serde(skip)]
    pub created: Instant,
    /// What this version cannot read of it; then it is suspended.
    #[serde(skip)]
    pub unknown: Unknown,
}

/// What is different about an organization; `None` leaves a field as it is.
#[derive(Clone, Default, Debug, Serialize)]
pub struct OrganizationUpdate {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether it holds real data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<OrganizationKind>,
    /// Whether nobody is to see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    /// Whether it may act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

/// A browser session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Session {
    /// The hash of its token.
    pub id: SessionId,
    /// Who is logged in.
    pub user: UserId,
    /// When they logged in.
    pub created: Instant,
    /// Until when it counts.
    pub expires: Instant,
}
