//! The pages of the person's own account, and the front page of the server.

use super::moments::seconds_between;
use super::words::{Message, Phrase, Words};
use super::{Pages, mark, page};
use crate::store::model::{EndReason, Role};

/// The page at `/`, which describes this server.
#[derive(Debug, Clone)]
pub(crate) struct Landing<'a> {
    /// The URL of the authorization server metadata (RFC 8414).
    pub metadata: &'a str,
}
page!(Landing, "landing.html", here: "");

/// The page of the person's account.
#[derive(Debug, Clone)]
pub(crate) struct Account<'a> {
    /// The person's name.
    pub name: &'a str,
    /// The person's e-mail address. `None` if the site gives its people none.
    pub email: Option<&'a str>,
    /// The organizations in which the person is a member, without the hidden default one.
    pub organizations: &'a [OrganizationLine<'a>],
}
page!(Account, "account.html", here: "account");

/// A membership on the person's account page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrganizationLine<'a> {
    /// The organization's short name.
    pub slug: &'a str,
    /// The organization's name.
    pub name: &'a str,
    /// The person's role in the organization.
    pub role: Role,
    /// Whether the person may open the organization's settings.
    pub may_open: bool,
}

/// The apps that have access to the person's data, each with a button that ends the access.
#[derive(Debug, Clone)]
pub(crate) struct ConnectedApps<'a> {
    /// The other pages of the list.
    pub pages: &'a Pages,
    /// Active grants, one line per app and organization.
    pub connections: &'a [Connection<'a>],
    /// The connection that a form tried to end without success. The page asks again.
    pub ask_again: Option<&'a Connection<'a>>,
    /// Grants that ended recently.
    pub ended: &'a [EndedLine<'a>],
    /// The name of the app whose access was ended just now.
    pub just_ended: Option<&'a str>,
    /// The current time, in Unix milliseconds.
    pub now: i64,
}
page!(ConnectedApps, "connected_apps.html", here: "apps");

/// An app's access in an organization.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Connection<'a> {
    /// The app's name.
    pub app_name: &'a str,
    /// The organization's name, unless hidden.
    pub organization: Option<&'a str>,
    /// The first consent, in Unix milliseconds.
    pub since: i64,
    /// The last use, in Unix milliseconds.
    pub last_used: Option<i64>,
    /// Scope titles in the reader's language.
    pub scopes: &'a [String],
    /// Whether two devices seem to use the app's tokens.
    pub copied: bool,
    /// Whether the app, the person's membership or the organization prevents the access at present.
    pub paused: bool,
    /// The sealed state, for the hidden field `state`.
    pub blob: &'a str,
    /// The value of the hidden field `app`.
    pub app_id: &'a str,
    /// The value of the hidden field `organization`.
    pub organization_id: &'a str,
}

/// The seconds without use after which the page says "not used for".
const LONG_UNUSED: u64 = 30 * 24 * 60 * 60;

impl Connection<'_> {
    fn mark(&self) -> String {
        mark(self.app_name)
    }

    fn usage(&self, words: &Words, now: &i64) -> Phrase {
        usage(words, self.last_used, *now)
    }
}

/// The last use of a grant. Both times are in Unix milliseconds.
pub(super) fn usage(words: &Words, last_used: Option<i64>, now: i64) -> Phrase {
    let Some(used) = last_used else {
        return words.say("apps-never-used");
    };
    if seconds_between(used, now) > LONG_UNUSED {
        return words.say("apps-long-unused").part("when", words.ago(used, now));
    }
    words.say("apps-last-used").part("when", words.ago(used, now))
}

/// An ended grant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EndedLine<'a> {
    /// The app's name.
    pub app_name: &'a str,
    /// The organization's name, unless hidden.
    pub organization: Option<&'a str>,
    /// The end of the grant, in Unix milliseconds.
    pub ended_at: i64,
    /// The reason, if known.
    pub reason: Option<EndReason>,
}

impl EndedLine<'_> {
    fn message(&self) -> Message {
        match self.reason {
            Some(EndReason::ByPerson) => Message("ended-by-person"),
            Some(EndReason::CodeReplayed) => Message("ended-code-replayed"),
            Some(EndReason::RefreshReused) => Message("ended-refresh-reused"),
            Some(EndReason::DeviceCopied) => Message("ended-device-copied"),
            Some(EndReason::Expired) => Message("ended-expired"),
            Some(EndReason::ByOperator | EndReason::KeyRevoked) => Message("ended-by-operator"),
            Some(EndReason::ByApp) => Message("ended-by-app"),
            Some(EndReason::Replaced) => Message("ended-replaced"),
            Some(
                EndReason::AppChanged
                | EndReason::MembershipEnded
                | EndReason::AppDeleted
                | EndReason::PersonDeleted
                | EndReason::OrganizationDeleted,
            )
            | None => Message("ended-other"),
        }
    }
}
