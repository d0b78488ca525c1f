//! The pages of the person's own account, and the server's front page.

use super::moments::seconds_between;
use super::words::{Message, Phrase, Words};
use super::{Pages, mark, page};
use crate::store::model::{EndReason, Role};

/// The page at `/`: what this server is.
#[derive(Debug, Clone)]
pub struct Landing<'a> {
    /// Address of the authorization server metadata (RFC 8414).
    pub metadata: &'a str,
}
page!(Landing, "landing.html", here: "");

/// The account.
#[derive(Debug, Clone)]
pub struct Account<'a> {
    /// Name.
    pub name: &'a str,
    /// E-mail address; a site may name none for its people.
    pub email: Option<&'a str>,
    /// Organizations the person is a member of, the hidden default one left out.
    pub organizations: &'a [OrganizationLine<'a>],
}
page!(Account, "account.html", here: "account");

/// A membership, seen from the person.
#[derive(Debug, Clone, Copy)]
pub struct OrganizationLine<'a> {
    /// The organization's short name.
    pub slug: &'a str,
    /// Its name.
    pub name: &'a str,
    /// What the person is in it.
    pub role: Role,
    /// Whether the person may see its settings.
    pub may_open: bool,
}

/// Who holds a pass to the person's data, and the button that ends it.
#[derive(Debug, Clone)]
pub struct ConnectedApps<'a> {
    /// The other pages of the list.
    pub pages: &'a Pages,
    /// Running grants, one line per app and organization.
    pub connections: &'a [Connection<'a>],
    /// The one that a form meant to end, which was not acted upon.
    pub ask_again: Option<&'a Connection<'a>>,
    /// Grants that ended lately.
    pub ended: &'a [EndedLine<'a>],
    /// Name of the app whose access was ended just now.
    pub just_ended: Option<&'a str>,
    /// Unix milliseconds.
    pub now: i64,
}
page!(ConnectedApps, "connected_apps.html", here: "apps");

/// An app's access in an organization.
#[derive(Debug, Clone, Copy)]
pub struct Connection<'a> {
    /// The app's name.
    pub app_name: &'a str,
    /// The organization's name, unless hidden.
    pub organization: Option<&'a str>,
    /// First consent, Unix milliseconds.
    pub since: i64,
    /// Last use, Unix milliseconds.
    pub last_used: Option<i64>,
    /// Scope titles in the reader's language.
    pub scopes: &'a [String],
    /// Whether two devices seem to use its tokens.
    pub copied: bool,
    /// Whether the app, the person's membership or the organization keeps it from working at present.
    pub paused: bool,
    /// Sealed blob, hidden field `state`.
    pub blob: &'a str,
    /// Hidden field `app`.
    pub app_id: &'a str,
    /// Hidden field `organization`.
    pub organization_id: &'a str,
}

/// Beyond this an app counts as forgotten, and the page says "not used for".
const LONG_UNUSED: u64 = 30 * 24 * 60 * 60;

impl Connection<'_> {
    fn mark(&self) -> String {
        mark(self.app_name)
    }

    fn usage(&self, words: &Words, now: &i64) -> Phrase {
        let Some(used) = self.last_used else {
            return words.say("apps-never-used");
        };
        if seconds_between(used, *now) > LONG_UNUSED {
            return words.say("apps-long-unused").part("when", words.ago(used, now));
        }
        words.say("apps-last-used").part("when", words.ago(used, now))
    }
}

/// A grant that is over.
#[derive(Debug, Clone, Copy)]
pub struct EndedLine<'a> {
    /// The app's name.
    pub app_name: &'a str,
    /// The organization's name, unless hidden.
    pub organization: Option<&'a str>,
    /// Unix milliseconds.
    pub ended_at: i64,
    /// Why, where that is known.
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
