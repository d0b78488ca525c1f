//! People, where they belong, and their browsers.

use super::{OrganizationId, OrganizationKind, Role, SessionId, Status, UserId};
use crate::time::Instant;
use std::fmt;

/// A person.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The subject.
    pub id: UserId,
    /// The numeric id, from 1 in the order of making.
    pub number: i64,
    /// The e-mail address, in lower case.
    pub email: String,
    /// What people see.
    pub name: String,
    /// The password's hash as a PHC string; `None`: cannot log in by password.
    pub password: Option<String>,
    /// The language, `en` or `nl-BE`.
    pub locale: Option<String>,
    /// Whether they operate this server.
    pub admin: bool,
    /// Whether the operator named them a developer: they register apps, which are trusted.
    pub developer: bool,
    /// Whether they may act.
    pub status: Status,
    /// When they were made.
    pub created: Instant,
    /// Where they belong.
    pub memberships: Vec<Membership>,
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

/// A person to come; the numeric id is allotted.
#[derive(Clone)]
pub struct NewUser {
    /// The subject.
    pub id: UserId,
    /// The e-mail address; kept in lower case.
    pub email: String,
    /// What people see.
    pub name: String,
    /// The password's hash as a PHC string.
    pub password: Option<String>,
    /// The language.
    pub locale: Option<String>,
    /// Whether they operate this server.
    pub admin: bool,
    /// Whether the operator names them a developer.
    pub developer: bool,
    /// Now.
    pub created: Instant,
    /// Where they belong.
    pub memberships: Vec<Membership>,
}

/// What is different about a person; `None` leaves a field as it is.
#[derive(Clone, Default)]
pub struct UserUpdate {
    /// The name.
    pub name: Option<String>,
    /// The password's hash.
    pub password: Option<Option<String>>,
    /// The language.
    pub locale: Option<Option<String>>,
    /// Whether they operate this server.
    pub admin: Option<bool>,
    /// Whether the operator names them a developer.
    pub developer: Option<bool>,
    /// Whether they may act.
    pub status: Option<Status>,
}

/// That a person belongs to an organization.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Membership {
    /// Where.
    pub organization: OrganizationId,
    /// As what.
    pub role: Role,
}

/// A tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Organization {
    /// Its id.
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
    pub created: Instant,
}

/// What is different about an organization; `None` leaves a field as it is.
#[derive(Clone, Default, Debug)]
pub struct OrganizationUpdate {
    /// The name.
    pub name: Option<String>,
    /// Whether it holds real data.
    pub kind: Option<OrganizationKind>,
    /// Whether nobody is to see it.
    pub hidden: Option<bool>,
    /// Whether it may act.
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
