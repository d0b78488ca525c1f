//! The settings of an organization (API-2: the API Settings tab with its Register Application button).

use super::account::usage;
use super::words::{Message, Phrase, Words};
use super::{mark, page};
use crate::store::model::{OrganizationKind, Role};
use crate::web::view::{AppLine, Pages};

/// The settings page, with one of three tabs.
#[derive(Debug, Clone)]
pub(crate) struct OrganizationSettings<'a> {
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
    /// The organization's own grants.
    pub grants: OrganizationGrants<'a>,
    /// The other pages of the list on the current tab.
    pub pages: &'a Pages,
    /// Whether the person may register an app for the organization.
    pub may_register: bool,
    /// The current tab: `?tab=apps`, `?tab=api` or none.
    pub tab: Tab,
}
page!(OrganizationSettings, "organization.html", here: "account");

/// A tab of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tab {
    /// Name, kind, members.
    General,
    /// Apps that act for the organization.
    ConnectedApps,
    /// Apps and their credentials.
    ApiSettings,
}

impl Tab {
    /// The value of `tab` in the address.
    #[must_use]
    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::General => None,
            Self::ConnectedApps => Some("apps"),
            Self::ApiSettings => Some("api"),
        }
    }

    /// The parameter of the address that says where the list of the tab goes on.
    #[must_use]
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::General => "after",
            Self::ConnectedApps | Self::ApiSettings => "before",
        }
    }
}

/// The organization's own grants, on their tab.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrganizationGrants<'a> {
    /// The active grants, the newest first.
    pub lines: &'a [GrantLine<'a>],
    /// The sealed state of the forms, for the hidden field `state`. `None`: the reader is no owner, and sees no buttons.
    pub blob: Option<&'a str>,
    /// The last change by the reader.
    pub done: Option<GrantsDone>,
    /// The current time, in Unix milliseconds.
    pub now: i64,
}

/// A grant of the organization. Its forms have the fields `state`, `grant`, and the buttons `end`, `take_over` and `narrow`, the
/// last one beside fields `scope`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GrantLine<'a> {
    /// The id, for the hidden field `grant`.
    pub id: &'a str,
    /// The app's name.
    pub app_name: &'a str,
    /// The organization that made the app, unless it is the hidden default one.
    pub app_owner: Option<&'a str>,
    /// When it was allowed, in Unix milliseconds.
    pub since: i64,
    /// The last use, in Unix milliseconds.
    pub last_used: Option<i64>,
    /// The permissions.
    pub scopes: &'a [GrantScope<'a>],
    /// Whether two devices seem to use the app's tokens.
    pub copied: bool,
    /// Whether the app, or the organization, prevents the access at present.
    pub paused: bool,
    /// Who set it up.
    pub set_up: SetUp<'a>,
}

impl GrantLine<'_> {
    fn mark(&self) -> String {
        mark(self.app_name)
    }

    fn usage(&self, words: &Words, now: &i64) -> Phrase {
        usage(words, self.last_used, *now)
    }
}

/// A permission of a grant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GrantScope<'a> {
    /// The id of its field.
    pub id: &'a str,
    /// The scope.
    pub name: &'a str,
    /// What it allows, in the reader's language.
    pub title: &'a str,
}

/// Who set up a grant of the organization.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SetUp<'a> {
    /// Not told to this reader.
    Hidden,
    /// The reader.
    You,
    /// Another person.
    By {
        /// The person's name.
        name: &'a str,
        /// The text that tells the person from others.
        label: &'a str,
        /// Whether the person left the organization.
        left: bool,
    },
    /// A person who was deleted.
    Gone,
}

impl SetUp<'_> {
    fn may_be_taken_over(&self) -> bool {
        matches!(self, Self::By { .. } | Self::Gone)
    }
}

/// What was just done to a grant of the organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrantsDone {
    /// It ended.
    Ended,
    /// The reader took it over.
    TakenOver,
    /// It has fewer permissions.
    Narrowed,
    /// Nothing: it ended, or somebody changed it, meanwhile.
    Gone,
    /// Nothing: no permission was chosen.
    NoneLeft,
}

impl GrantsDone {
    fn message(self) -> Message {
        match self {
            Self::Ended => Message("grants-ended"),
            Self::TakenOver => Message("grants-taken-over"),
            Self::Narrowed => Message("grants-narrowed"),
            Self::Gone => Message("grants-gone"),
            Self::NoneLeft => Message("grants-none-left"),
        }
    }

    fn is_fault(self) -> bool {
        matches!(self, Self::Gone | Self::NoneLeft)
    }
}

/// A member of an organization.
#[derive(Debug, Clone)]
pub(crate) struct MemberLine<'a> {
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
