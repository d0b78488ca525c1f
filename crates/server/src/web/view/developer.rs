//! The developer pages: a developer sees at a glance whether an app is live, who uses which secret, and the
//! request to copy with own values.

use super::words::{Message, Phrase, Words};
use super::{OrganizationChoice, Pages, ScopeLine, mark, page};
use crate::apps::names;
use crate::apps::names::NameError;
use crate::store::Connected;
use crate::store::model::{AppStatus, ClientType};

/// The apps a person may manage.
#[derive(Debug, Clone)]
pub struct AppsList<'a> {
    /// Apps, newest first.
    pub apps: &'a [AppLine<'a>],
    /// The other pages of the list.
    pub pages: &'a Pages,
    /// Whether the person may register one more.
    pub registration: Registration,
}
page!(AppsList, "apps_list.html", here: "developer");

/// Whether a person may register an app, and why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    /// They may.
    Open,
    /// They have as many as there can be.
    Full {
        /// How many that is.
        limit: u64,
    },
    /// Only developers may: somebody could make the person one.
    AskToBeDeveloper {
        /// Whether an owner of an organization of theirs could, and not the operator alone.
        has_owner: bool,
    },
    /// Nobody may.
    Closed,
}

impl Registration {
    /// Why the person may not.
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
    /// Its client id.
    pub client_id: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its owner, unless that is the hidden default organization.
    pub organization: Option<&'a str>,
    /// Where it stands.
    pub status: AppStatus,
    /// Unix milliseconds.
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
    /// Sealed blob, hidden field `state`.
    pub blob: &'a str,
    /// Organizations to choose between; with fewer than two there is no field.
    pub organizations: &'a [OrganizationChoice<'a>],
    /// Slug of the organization chosen beforehand.
    pub organization: Option<&'a str>,
    /// What was typed as name.
    pub name: &'a str,
    /// What was typed as redirect URIs, unchanged.
    pub redirect_uris: &'a str,
    /// The type chosen.
    pub client_type: ClientType,
    /// Whether `http://localhost` is to be admitted with any port.
    pub localhost_any_port: bool,
    /// Scopes to choose from.
    pub scopes: &'a [ScopeChoice<'a>],
    /// What is wrong, field by field.
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
    /// The scope token, value of the field `scope`.
    pub name: &'a str,
    /// What it allows, in the reader's language.
    pub title: &'a str,
    /// Whether it is ticked; all of them at first.
    pub chosen: bool,
}

/// What is wrong with a registration.
#[derive(Debug, Clone, Copy, Default)]
pub struct AppNewErrors<'a> {
    /// With the name.
    pub name: Option<NameFault>,
    /// With the redirect URIs that are malformed (HC-2): the first of them.
    pub redirect_uris: &'a [RedirectUriError<'a>],
    /// How many more are malformed.
    pub more_redirect_uris: usize,
    /// No organization, or one in which the person may not register apps.
    pub organization: bool,
    /// A free port of `http://localhost` for an app that is not public.
    pub localhost_any_port: bool,
    /// No scope chosen, or one that is not offered.
    pub scope: bool,
    /// How many apps the person may own, where they own as many.
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

/// What is wrong with an app's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameFault {
    /// None given.
    Missing,
    /// More characters than the limit.
    TooLong {
        /// Characters allowed.
        limit: u64,
    },
    /// A character that cannot be seen.
    Invisible(char),
    /// No letter and no digit.
    NoLetter,
    /// Accents or marks that stand on no letter, or too many on one.
    Marks,
    /// It looks like the name of the site.
    Brand,
    /// It looks like the name of somebody else's app.
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

/// A redirect URI that cannot be taken.
#[derive(Debug, Clone, Copy)]
pub struct RedirectUriError<'a> {
    /// The entry of the list, as typed; empty where none was given.
    pub uri: &'a str,
    /// Why not.
    pub why: RedirectUriFault,
}

/// Why a redirect URI cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RedirectUriFault {
    /// None given, and this server has no page to copy codes from.
    Missing,
    /// Not an absolute URI.
    NotAbsolute,
    /// A fragment (RFC 6749 §3.1.2 forbids it).
    Fragment,
    /// `http` elsewhere than on the own computer.
    NotHttps,
    /// A scheme that runs code or that no app may claim, such as `javascript:`.
    Scheme,
    /// A scheme without a dot (RFC 8252 §7.1) that the operator does not list.
    SchemeUnlisted,
    /// A scheme that only public apps may have.
    SchemeNotPublic,
    /// User name or password in it.
    Userinfo,
    /// A wildcard: URIs are compared as text.
    Wildcard,
    /// Several URIs with a semicolon between them.
    Several,
    /// White space, control characters or others that no URI has.
    Characters,
    /// Twice in the list.
    Duplicate,
    /// Too long.
    TooLong,
    /// The list is too long.
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
    /// As it was registered.
    pub uri: &'a str,
    /// Whether requests may name any port of it.
    pub any_port: bool,
}

/// An app: its credentials and what it needs to use them.
#[derive(Debug, Clone)]
pub struct AppPage<'a> {
    /// Client id.
    pub client_id: &'a str,
    /// Name.
    pub name: &'a str,
    /// Owner, unless that is the hidden default organization.
    pub organization: Option<&'a str>,
    /// Where it stands.
    pub status: AppStatus,
    /// Whether it has secrets.
    pub client_type: ClientType,
    /// Redirect URIs.
    pub redirect_uris: &'a [UriLine<'a>],
    /// Scopes it may ask for.
    pub scopes: &'a [ScopeLine<'a>],
    /// Live secrets, newest first.
    pub secrets: &'a [SecretLine<'a>],
    /// What just became of the secrets.
    pub news: Option<SecretNews<'a>>,
    /// How many people have connected it.
    pub connected: Connected,
    /// Address of the token endpoint.
    pub token_url: &'a str,
    /// Whether the token request needs a code verifier (RFC 7636).
    pub pkce: bool,
    /// Sealed blob of the form that makes a secret, hidden field `state`.
    pub blob: &'a str,
    /// Unix milliseconds.
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

    /// The secret to show.
    fn fresh_secret(&self) -> Option<&str> {
        match self.news {
            Some(SecretNews::Made(secret)) => Some(secret),
            _ => None,
        }
    }

    /// Why nothing became of what was asked for.
    fn fault(&self) -> Option<Message> {
        self.news.and_then(SecretNews::fault)
    }

    /// Whether there can be one more secret.
    fn has_room(&self) -> bool {
        self.secrets.len() < 2
    }

    /// Whether the end of a secret would be felt.
    fn in_use(&self) -> bool {
        self.secrets.iter().any(|secret| secret.last_used.is_some())
    }

    /// The code exchange with the app's own values, safe to paste into a POSIX shell.
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
    /// Its last four characters, where known.
    pub hint: Option<&'a str>,
    /// Unix milliseconds.
    pub created: i64,
    /// Last use, Unix milliseconds.
    pub last_used: Option<i64>,
    /// When it stops working, Unix milliseconds; none: not by itself.
    pub expires: Option<i64>,
    /// Sealed blob of the form that ends it, hidden field `state`; none where it cannot be ended.
    pub end_blob: Option<&'a str>,
}

/// What just became of an app's secrets.
#[derive(Debug, Clone, Copy)]
pub enum SecretNews<'a> {
    /// One was made: shown here and never again.
    Made(&'a str),
    /// None was made: there are as many as there can be.
    TwoLive,
    /// None was ended: without it none that lasts would be left.
    LastOne,
}

impl SecretNews<'_> {
    /// The status of the answer that tells it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Made(_) => 200,
            Self::TwoLive | Self::LastOne => 409,
        }
    }

    /// Why nothing changed, where nothing did.
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
