//! The settings of an organization (API-2: the API Settings tab with its Register Application button).

use super::page;
use super::words::Message;
use crate::store::model::{OrganizationKind, Role};
use crate::web::view::{AppLine, Pages};

/// The settings page, with one of two tabs.
#[derive(Debug, Clone)]
pub struct OrganizationSettings<'a> {
    /// The organization's short name.
    pub slug: &'a str,
    /// The organization's name.
    pub name: &'a str,
    /// Live or sandbox.
    pub kind: OrganizationKind,
    /// The members. `None` if the reader may not see them.
    pub members: Option<&'a [MemberLine<'a>]>,
    /// The organization's apps that the person manages.
    pub apps: &'a [AppLine<'a>],
    /// The other pages of the list on the current tab.
    pub pages: &'a Pages,
    /// Whether the person may register an app for the organization.
    pub may_register: bool,
    /// The current tab: `?tab=api` or none.
    pub tab: Tab,
}
page!(OrganizationSettings, "organization.html", here: "account");

/// A tab of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// Name, kind, members.
    General,
    /// Apps and their credentials.
    ApiSettings,
}

/// A member of an organization.
#[derive(Debug, Clone)]
pub struct MemberLine<'a> {
    /// The member's name.
    pub name: &'a str,
    /// The e-mail address, or another text that tells the person from others.
    pub email: &'a str,
    /// The member's role.
    pub role: Role,
}

impl Role {
    pub(super) fn message(self) -> Message {
        match self {
            Self::Owner => Message("role-owner"),
            Self::Developer => Message("role-developer"),
            Self::Member => Message("role-member"),
        }
    }
}
