//! An organization's settings (API-2: the API Settings tab with its Register Application button).

use super::page;
use super::words::Message;
use crate::store::model::{OrganizationKind, Role};
use crate::web::view::{AppLine, Pages};

/// An organization's settings, one of two tabs.
#[derive(Debug, Clone)]
pub struct OrganizationSettings<'a> {
    /// Short name.
    pub slug: &'a str,
    /// Name.
    pub name: &'a str,
    /// Live or sandbox.
    pub kind: OrganizationKind,
    /// Who is in it; none: the reader may not see that.
    pub members: Option<&'a [MemberLine<'a>]>,
    /// Those of its apps that the person manages.
    pub apps: &'a [AppLine<'a>],
    /// The other pages of the list that the tab has.
    pub pages: &'a Pages,
    /// Whether the person may register an app for it.
    pub may_register: bool,
    /// Which tab is shown: `?tab=api` or none.
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
    /// Name.
    pub name: &'a str,
    /// E-mail address, or what else tells the person from others.
    pub email: &'a str,
    /// What the person may do.
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
