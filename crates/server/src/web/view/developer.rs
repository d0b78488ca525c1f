//! The developer pages. They show whether an app is live, which secrets are in use, and a token request with the app's own
//! values to copy.

mod app_fields;

pub(crate) use app_fields::{AppFieldErrors, AppFields, RefusedRedirectUri, ScopeChoice};

use super::flow::Flow;
use super::words::{Message, Phrase, Words};
use super::{OrganizationChoice, Pages, ScopeLine, mark, page};
use crate::store::Connected;
use crate::store::model::{AppStatus, ClientType};

/// The page of the apps that a person may manage.
#[derive(Debug, Clone)]
pub(crate) struct AppsList<'a> {
    /// The apps, the newest first.
    pub apps: &'a [AppLine<'a>],
    /// The other pages of the list.
    pub pages: &'a Pages,
    /// Whether the person may register another app.
    pub registration: RegistrationRight,
}
page!(AppsList, "apps_list.html", here: "developer");

/// Whether a person may register an app, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RegistrationRight {
    /// The person may register an app.
    Open,
    /// The person has the highest allowed number of apps.
    Full {
        /// The highest allowed number of apps.
        limit: u64,
    },
    /// Only developers may register apps. Somebody could make the person a developer.
    AskToBeDeveloper {
        /// Whether an owner of one of the person's organizations can do that, and not only the operator.
        has_owner: bool,
    },
    /// Nobody may register apps.
    Closed,
}

impl RegistrationRight {
    /// Why the person may not register an app.
    fn refusal(self, words: &Words) -> Option<Phrase> {
        match self {
            Self::Open => None,
            Self::Full { limit } => Some(words.say("developer-full").count("limit", limit)),
            Self::AskToBeDeveloper { has_owner: true } => Some(words.say("developer-ask-owner")),
            Self::AskToBeDeveloper { has_owner: false } => Some(words.say("developer-ask-operator")),
            Self::Closed => Some(words.say("developer-closed")),
        }
    }
}

/// An app in a list.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AppLine<'a> {
    /// The client ID.
    pub client_id: &'a str,
    /// The name of the app.
    pub name: &'a str,
    /// The organization that owns the app, unless it is the hidden default one.
    pub organization: Option<&'a str>,
    /// The status of the app.
    pub status: AppStatus,
    /// The creation of the app, in Unix milliseconds.
    pub created: i64,
}

impl AppLine<'_> {
    pub(super) fn mark(&self) -> String {
        mark(self.name)
    }
}

impl AppStatus {
    pub(super) fn message(self) -> Message {
        match self {
            Self::Draft => Message("status-draft"),
            Self::Live => Message("status-live"),
            Self::Suspended => Message("status-suspended"),
        }
    }

    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Draft => "tag test",
            Self::Live => "tag",
            Self::Suspended => "tag bad",
        }
    }
}

/// The form that registers an app: the fields of [`AppFields`], `organization`, `type`, hidden `state`.
#[derive(Debug, Clone)]
pub(crate) struct AppNew<'a> {
    /// The sealed state, for the hidden field `state`.
    pub blob: &'a str,
    /// The organizations to choose from. With fewer than two, the page shows no field.
    pub organizations: &'a [OrganizationChoice<'a>],
    /// The slug of the organization that is selected at first.
    pub organization: Option<&'a str>,
    /// Whether the form belongs to the settings of an organization, and not to the list of all apps.
    pub from_settings: bool,
    /// The selected type.
    pub client_type: ClientType,
    /// The other fields.
    pub fields: AppFields<'a>,
    /// No organization was chosen, or one in which the person may not register apps.
    pub wrong_organization: bool,
    /// The highest allowed number of apps, if the person has reached it.
    pub full: Option<u64>,
}
page!(AppNew, "app_new.html", here: "developer");

impl AppNew<'_> {
    /// The words of the button that leads here (API-2).
    fn heading(&self) -> Message {
        match self.from_settings {
            true => Message("register-application"),
            false => Message("register"),
        }
    }

    fn is_wrong(&self) -> bool {
        self.fields.errors.any() || self.wrong_organization || self.full.is_some()
    }
}

/// A redirect URI of an app.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UriLine<'a> {
    /// The URI as registered.
    pub uri: &'a str,
    /// Whether requests may name any port.
    pub any_port: bool,
}

/// The page of one app: its credentials, and everything needed to use them. It has no `Debug`: a new secret may be in it.
#[derive(Clone)]
pub(crate) struct AppPage<'a> {
    /// The client ID.
    pub client_id: &'a str,
    /// The name of the app.
    pub name: &'a str,
    /// The organization that owns the app, unless it is the hidden default one.
    pub organization: Option<&'a str>,
    /// The status of the app.
    pub status: AppStatus,
    /// The client type, which decides whether the app has secrets.
    pub client_type: ClientType,
    /// Whether the app acts for organizations.
    pub of_organization: bool,
    /// The registered redirect URIs.
    pub redirect_uris: &'a [UriLine<'a>],
    /// The scopes that the app may request.
    pub scopes: &'a [ScopeLine<'a>],
    /// The live secrets, the newest first.
    pub secrets: &'a [SecretLine<'a>],
    /// What just changed about the secrets.
    pub news: Option<SecretNews<'a>>,
    /// What the person just did.
    pub done: Option<AppDone>,
    /// The number of people who have connected the app.
    pub connected: Connected,
    /// The requests that the app makes.
    pub flow: Flow<'a>,
    /// The sealed state of the form that creates a secret, for the hidden field `state`.
    pub blob: &'a str,
    /// The current time, in Unix milliseconds.
    pub now: i64,
}
page!(AppPage, "app_page.html", here: "developer");

impl AppPage<'_> {
    fn mark(&self) -> String {
        mark(self.name)
    }

    fn people(&self, words: &Words) -> Phrase {
        let phrase = if self.connected.at_least {
            words.say("app-connected-at-least")
        } else {
            words.say("app-connected")
        };
        phrase.count("n", self.connected.people)
    }

    fn confidential(&self) -> bool {
        self.client_type == ClientType::Confidential
    }

    /// The new secret, which is shown once.
    fn fresh_secret(&self) -> Option<&str> {
        match self.news {
            Some(SecretNews::Made { secret, .. }) => Some(secret),
            _ => None,
        }
    }

    /// What the new secret is called.
    fn fresh_title(&self) -> Message {
        match self.news {
            Some(SecretNews::Made {
                others: OldSecrets::None,
                ..
            }) => Message("fresh-title-first"),
            _ => Message("fresh-title"),
        }
    }

    /// What became of the other secrets when the new one was made.
    fn fresh_others(&self, words: &Words) -> Option<Phrase> {
        let Some(SecretNews::Made { others, .. }) = self.news else {
            return None;
        };
        match others {
            OldSecrets::None => None,
            OldSecrets::Stay => Some(words.say("fresh-others-stay")),
            OldSecrets::Ended => Some(words.say("fresh-others-ended")),
            OldSecrets::EndAt(end) => Some(words.say("fresh-others-end").part("when", words.minute(end))),
        }
    }

    /// Why a request about the secrets changed nothing.
    fn fault(&self) -> Option<Message> {
        self.news.and_then(SecretNews::fault)
    }

    /// Whether the app may have another secret.
    fn has_room(&self) -> bool {
        self.secrets.len() < 2
    }

    /// Whether a secret is in use, so that its end would stop something.
    fn in_use(&self) -> bool {
        self.secrets.iter().any(|secret| secret.last_used.is_some())
    }
}

/// A live secret.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SecretLine<'a> {
    /// The last four characters, if known.
    pub hint: Option<&'a str>,
    /// The creation of the secret, in Unix milliseconds.
    pub created: i64,
    /// The last use, in Unix milliseconds.
    pub last_used: Option<i64>,
    /// The expiry, in Unix milliseconds. `None` if the secret does not expire.
    pub expires: Option<i64>,
    /// The sealed state of the form that ends the secret, for the hidden field `state`. `None` if it cannot be ended.
    pub end_blob: Option<&'a str>,
}

/// What a person just did to an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppDone {
    /// They changed it.
    Changed,
    /// They ended a secret.
    SecretEnded,
}

impl AppDone {
    fn message(self) -> Message {
        match self {
            Self::Changed => Message("change-done"),
            Self::SecretEnded => Message("secret-ended"),
        }
    }
}

/// What became of an app's other secrets when it got a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OldSecrets {
    /// There was none.
    None,
    /// They work as before.
    Stay,
    /// They ended at once.
    Ended,
    /// They end then, in Unix milliseconds.
    EndAt(i64),
}

/// What just changed about an app's secrets. It has no `Debug`: a new secret may be in it.
#[derive(Clone, Copy)]
pub(crate) enum SecretNews<'a> {
    /// A secret was created. Only this answer shows it.
    Made {
        /// Shown here and never again.
        secret: &'a str,
        /// What became of the others.
        others: OldSecrets,
    },
    /// No secret was created: the app already has the highest allowed number.
    TwoLive,
    /// No secret was ended: it is the last one that does not expire.
    LastOne,
}

impl SecretNews<'_> {
    /// The HTTP status of the answer.
    #[must_use]
    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::Made { .. } => 200,
            Self::TwoLive | Self::LastOne => 409,
        }
    }

    /// Why nothing changed. `None` if something did.
    fn fault(self) -> Option<Message> {
        match self {
            Self::Made { .. } => None,
            Self::TwoLive => Some(Message("secrets-two")),
            Self::LastOne => Some(Message("secret-last")),
        }
    }
}

impl SecretLine<'_> {
    /// What its end would break.
    fn breaks(&self) -> Message {
        match (self.end_blob, self.last_used) {
            (None, _) => Message("secret-breaks-last"),
            (Some(_), Some(_)) => Message("secret-breaks-requests"),
            (Some(_), None) => Message("secret-breaks-nothing"),
        }
    }
}

/// The form that changes an app: the fields of [`AppFields`], hidden `state`.
#[derive(Debug, Clone)]
pub(crate) struct AppChange<'a> {
    /// Sealed blob, hidden field `state`.
    pub blob: &'a str,
    /// Client ID.
    pub client_id: &'a str,
    /// The name that the app has.
    pub name: &'a str,
    /// A free port is for public apps.
    pub client_type: ClientType,
    /// Whether the operator vouches for the app, and not this person.
    pub vouched_for: bool,
    /// The fields.
    pub fields: AppFields<'a>,
}
page!(AppChange, "app_change.html", here: "developer");

/// What breaks when an app is deleted, and the button that deletes it: `delete`, hidden `state`.
#[derive(Debug, Clone)]
pub(crate) struct AppDelete<'a> {
    /// Sealed blob, hidden field `state`.
    pub blob: &'a str,
    /// Client ID.
    pub client_id: &'a str,
    /// Name.
    pub name: &'a str,
    /// Whether it has secrets.
    pub confidential: bool,
    /// What ends.
    pub ending: DeletionToll,
    /// Whether the configuration makes it again.
    pub declared: bool,
}
page!(AppDelete, "app_delete.html", here: "developer");

/// What ended with an app.
#[derive(Debug, Clone)]
pub(crate) struct AppDeleted<'a> {
    /// Its name.
    pub name: &'a str,
    /// What ended; `None`: it was deleted before.
    pub ended: Option<DeletionToll>,
}
page!(AppDeleted, "app_deleted.html", here: "developer");

/// What the deletion of an app ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DeletionToll {
    /// The people who connected it.
    pub connected: Connected,
    /// Its secrets.
    pub secrets: u32,
}

impl DeletionToll {
    fn people_lose(&self, words: &Words) -> Phrase {
        let phrase = if self.connected.at_least {
            words.say("delete-people-at-least")
        } else {
            words.say("delete-people")
        };
        phrase.count("n", self.connected.people)
    }

    fn people_lost(&self, words: &Words) -> Phrase {
        let phrase = if self.connected.at_least {
            words.say("deleted-people-at-least")
        } else {
            words.say("deleted-people")
        };
        phrase.count("n", self.connected.people)
    }

    fn secrets(&self) -> u64 {
        self.secrets.into()
    }
}
