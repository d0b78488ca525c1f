//! The developer pages. They show whether an app is live, which secrets are in use, and a token request with the app's own
//! values to copy.

use super::words::{Message, Phrase, Words};
use super::{OrganizationChoice, Pages, ScopeLine, mark, page};
use crate::apps::names;
use crate::apps::names::NameError;
use crate::store::Connected;
use crate::store::model::{AppStatus, ClientType};

/// The page of the apps that a person may manage.
#[derive(Debug, Clone)]
pub struct AppsList<'a> {
    /// The apps, the newest first.
    pub apps: &'a [AppLine<'a>],
    /// The other pages of the list.
    pub pages: &'a Pages,
    /// Whether the person may register another app.
    pub registration: Registration,
}
page!(AppsList, "apps_list.html", here: "developer");

/// Whether a person may register an app, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
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

impl Registration {
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
pub struct AppLine<'a> {
    /// The client id.
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

/// The form that registers an app: fields `name`, `redirect_uris`, `organization`, `type`, `scope`, hidden `state`.
#[derive(Debug, Clone)]
pub struct AppNew<'a> {
    /// The sealed state, for the hidden field `state`.
    pub blob: &'a str,
    /// The organizations to choose from. With fewer than two, the page shows no field.
    pub organizations: &'a [OrganizationChoice<'a>],
    /// The slug of the organization that is selected at first.
    pub organization: Option<&'a str>,
    /// The submitted name.
    pub name: &'a str,
    /// The submitted redirect URIs, unchanged.
    pub redirect_uris: &'a str,
    /// The selected type.
    pub client_type: ClientType,
    /// Whether `http://localhost` is to be accepted with any port.
    pub localhost_any_port: bool,
    /// Scopes to choose from.
    pub scopes: &'a [ScopeChoice<'a>],
    /// The faults of each field.
    pub errors: AppNewErrors<'a>,
    /// Whether an app may go without redirect URIs (`[wire] code_page`).
    pub code_page: bool,
}
page!(AppNew, "app_new.html", here: "developer");

impl AppNew<'_> {
    fn name_described_by(&self) -> &'static str {
        if self.errors.name.is_some() {
            "name-hint name-why"
        } else {
            "name-hint"
        }
    }

    fn uris_described_by(&self) -> &'static str {
        if self.errors.redirect_uris.is_empty() {
            "redirect_uris-hint"
        } else {
            "redirect_uris-hint redirect_uris-why"
        }
    }
}

/// A scope that an app may have.
#[derive(Debug, Clone, Copy)]
pub struct ScopeChoice<'a> {
    /// The scope token, which is the value of the field `scope`.
    pub name: &'a str,
    /// The permission in the reader's language.
    pub title: &'a str,
    /// Whether the scope is selected. At first all scopes are.
    pub chosen: bool,
}

/// The faults of a registration form.
#[derive(Debug, Clone, Copy, Default)]
pub struct AppNewErrors<'a> {
    /// The fault of the name.
    pub name: Option<NameFault>,
    /// The malformed redirect URIs (HC-2). Only the first ones are listed.
    pub redirect_uris: &'a [RedirectUriError<'a>],
    /// The number of further malformed redirect URIs.
    pub more_redirect_uris: usize,
    /// No organization was chosen, or one in which the person may not register apps.
    pub organization: bool,
    /// Any port of `http://localhost` was chosen for an app that is not public.
    pub localhost_any_port: bool,
    /// No scope was chosen, or one that is not offered.
    pub scope: bool,
    /// The highest allowed number of apps, if the person has reached it.
    pub full: Option<u64>,
}

impl AppNewErrors<'_> {
    fn any(&self) -> bool {
        let choices = self.organization || self.localhost_any_port || self.scope || self.full.is_some();
        self.name.is_some() || !self.redirect_uris.is_empty() || choices
    }

    fn malformed(&self) -> usize {
        self.redirect_uris.len() + self.more_redirect_uris
    }
}

/// A fault of an app's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// The name is empty.
    Missing,
    /// The name has more characters than the limit.
    TooLong {
        /// The allowed number of characters.
        limit: u64,
    },
    /// The name has an invisible character.
    Invisible(char),
    /// The name has no letter and no digit.
    NoLetter,
    /// The name has accents or marks that follow no letter, or too many on one letter.
    Marks,
    /// The name looks like the name of the site.
    Brand,
    /// The name looks like the name of another developer's app.
    Taken,
}

impl From<NameError> for NameFault {
    fn from(error: NameError) -> Self {
        match error {
            NameError::Invisible(character) => Self::Invisible(character),
            NameError::NoLetter => Self::NoLetter,
            NameError::Marks => Self::Marks,
        }
    }
}

impl NameFault {
    fn phrase(self, words: &Words) -> Phrase {
        match self {
            Self::Missing => words.say("name-missing"),
            Self::TooLong { limit } => words.say("name-too-long").count("limit", limit),
            Self::Invisible(character) => words
                .say("name-invisible")
                .with("character", names::code_point(character)),
            Self::NoLetter => words.say("name-no-letter"),
            Self::Marks => words.say("name-marks"),
            Self::Brand => words.say("name-brand"),
            Self::Taken => words.say("name-taken"),
        }
    }
}

/// A refused redirect URI.
#[derive(Debug, Clone, Copy)]
pub struct RedirectUriError<'a> {
    /// The entry of the list, as typed. Empty if none was given.
    pub uri: &'a str,
    /// The reason for the refusal.
    pub why: RedirectUriFault,
}

/// Why a redirect URI is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectUriFault {
    /// The list is empty, and this server has no page that shows codes to copy.
    Missing,
    /// The entry is not an absolute URI.
    NotAbsolute,
    /// The URI has a fragment (RFC 6749 §3.1.2 forbids it).
    Fragment,
    /// `http` to another host than the person's own computer.
    NotHttps,
    /// A scheme that runs code or that no app may claim, such as `javascript:`.
    Scheme,
    /// A scheme without a dot (RFC 8252 §7.1) that the operator does not list.
    SchemeUnlisted,
    /// A scheme that only public apps may have.
    SchemeNotPublic,
    /// The URI has a user name or a password.
    Userinfo,
    /// The URI has a wildcard. URIs are compared as text.
    Wildcard,
    /// The entry has several URIs, separated by semicolons.
    Several,
    /// The URI has white space, control characters or others that a URI cannot have.
    Characters,
    /// The URI is in the list twice.
    Duplicate,
    /// The URI is too long.
    TooLong,
    /// The list has too many entries.
    TooMany,
}

impl RedirectUriFault {
    fn message(self) -> Message {
        match self {
            Self::Missing => Message("uri-missing"),
            Self::NotAbsolute => Message("uri-not-absolute"),
            Self::Fragment => Message("uri-fragment"),
            Self::NotHttps => Message("uri-not-https"),
            Self::Scheme => Message("uri-scheme"),
            Self::SchemeUnlisted => Message("uri-scheme-unlisted"),
            Self::SchemeNotPublic => Message("uri-scheme-public"),
            Self::Userinfo => Message("uri-userinfo"),
            Self::Wildcard => Message("uri-wildcard"),
            Self::Several => Message("uri-several"),
            Self::Characters => Message("uri-characters"),
            Self::Duplicate => Message("uri-duplicate"),
            Self::TooLong => Message("uri-too-long"),
            Self::TooMany => Message("uri-too-many"),
        }
    }
}

/// A redirect URI of an app.
#[derive(Debug, Clone, Copy)]
pub struct UriLine<'a> {
    /// The URI as registered.
    pub uri: &'a str,
    /// Whether requests may name any port.
    pub any_port: bool,
}

/// The page of one app: its credentials, and everything needed to use them.
#[derive(Debug, Clone)]
pub struct AppPage<'a> {
    /// The client id.
    pub client_id: &'a str,
    /// The name of the app.
    pub name: &'a str,
    /// The organization that owns the app, unless it is the hidden default one.
    pub organization: Option<&'a str>,
    /// The status of the app.
    pub status: AppStatus,
    /// The client type, which decides whether the app has secrets.
    pub client_type: ClientType,
    /// The registered redirect URIs.
    pub redirect_uris: &'a [UriLine<'a>],
    /// The scopes that the app may request.
    pub scopes: &'a [ScopeLine<'a>],
    /// The live secrets, the newest first.
    pub secrets: &'a [SecretLine<'a>],
    /// What just changed about the secrets.
    pub news: Option<SecretNews<'a>>,
    /// The number of people who have connected the app.
    pub connected: Connected,
    /// The URL of the token endpoint.
    pub token_url: &'a str,
    /// Whether the token request needs a code verifier (RFC 7636).
    pub pkce: bool,
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
            Some(SecretNews::Made(secret)) => Some(secret),
            _ => None,
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

    /// A code exchange with the app's own values, safe to paste into a POSIX shell.
    fn token_request(&self) -> String {
        let mut lines = vec![
            format!("curl {}", quoted(self.token_url)),
            "-d grant_type=authorization_code".to_owned(),
            format!("--data-urlencode {}", quoted(&format!("client_id={}", self.client_id))),
        ];
        if self.confidential() {
            lines.push("--data-urlencode \"client_secret=$SECRET\"".to_owned());
        }
        lines.push("--data-urlencode \"code=$CODE\"".to_owned());
        if let Some(UriLine { uri, .. }) = self.redirect_uris.first() {
            lines.push(format!("--data-urlencode {}", quoted(&format!("redirect_uri={uri}"))));
        }
        if self.pkce || !self.confidential() {
            lines.push("--data-urlencode \"code_verifier=$VERIFIER\"".to_owned());
        }
        lines.join(" \\\n  ")
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A live secret.
#[derive(Debug, Clone, Copy)]
pub struct SecretLine<'a> {
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

/// What just changed about an app's secrets.
#[derive(Debug, Clone, Copy)]
pub enum SecretNews<'a> {
    /// A secret was created. Only this answer shows it.
    Made(&'a str),
    /// No secret was created: the app already has the highest allowed number.
    TwoLive,
    /// No secret was ended: it is the last one that does not expire.
    LastOne,
}

impl SecretNews<'_> {
    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Made(_) => 200,
            Self::TwoLive | Self::LastOne => 409,
        }
    }

    /// Why nothing changed. `None` if something did.
    fn fault(self) -> Option<Message> {
        match self {
            Self::Made(_) => None,
            Self::TwoLive => Some(Message("secrets-two")),
            Self::LastOne => Some(Message("secret-last")),
        }
    }
}

impl SecretLine<'_> {
    fn usage(&self, words: &Words, now: &i64) -> Phrase {
        match self.last_used {
            None => words.say("secret-never-used"),
            Some(used) => words.say("secret-used").part("when", words.ago(used, now)),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_quote_in_a_value_cannot_leave_its_shell_word() {
        assert_eq!(super::quoted("a'; rm b"), r"'a'\''; rm b'");
    }
}
