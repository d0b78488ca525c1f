//! The fields of the forms that register and change an app, with their faults.

use crate::apps::names::{self, NameError};
use crate::apps::registration::{AppName, NameFault, RedirectUriFault};
use crate::web::view::words::{Message, Phrase, Words};
use hallpass_wire::redirect_uri as uri;

/// What a developer says of an app: fields `name`, `redirect_uris`, `localhost_any_port`, `scope`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AppFields<'a> {
    /// The submitted name.
    pub name: &'a str,
    /// The submitted redirect URIs, unchanged.
    pub redirect_uris: &'a str,
    /// Whether `http://localhost` is to be accepted with any port.
    pub localhost_any_port: bool,
    /// Scopes to choose from.
    pub scopes: &'a [ScopeChoice<'a>],
    /// Whether an app may go without redirect URIs (`[wire] code_page`).
    pub code_page: bool,
    /// The faults of each field.
    pub errors: AppFieldErrors<'a>,
}

impl AppFields<'_> {
    pub(super) fn name_described_by(&self) -> &'static str {
        if self.errors.name.is_some() {
            "name-hint name-why"
        } else {
            "name-hint"
        }
    }

    pub(super) fn uris_described_by(&self) -> &'static str {
        if self.errors.redirect_uris.is_empty() {
            "redirect_uris-hint"
        } else {
            "redirect_uris-hint redirect_uris-why"
        }
    }
}

/// A scope that an app may have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScopeChoice<'a> {
    /// The scope token, which is the value of the field `scope`.
    pub name: &'a str,
    /// The permission in the reader's language.
    pub title: &'a str,
    /// Whether the scope is selected. At first all scopes are.
    pub chosen: bool,
}

/// The faults of the fields of an app.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AppFieldErrors<'a> {
    /// The fault of the name.
    pub name: Option<NameFault>,
    /// The malformed redirect URIs (HC-2). Only the first ones are listed.
    pub redirect_uris: &'a [RefusedRedirectUri<'a>],
    /// The number of further malformed redirect URIs.
    pub more_redirect_uris: usize,
    /// Any port of `http://localhost` was chosen for an app that is not public.
    pub localhost_any_port: bool,
    /// No scope was chosen, or one that is not offered.
    pub scope: bool,
}

impl AppFieldErrors<'_> {
    pub(super) fn any(&self) -> bool {
        self.name.is_some() || !self.redirect_uris.is_empty() || self.localhost_any_port || self.scope
    }

    pub(super) fn malformed(&self) -> usize {
        self.redirect_uris.len() + self.more_redirect_uris
    }
}

impl NameFault {
    pub(super) fn phrase(self, words: &Words) -> Phrase {
        match self {
            Self::Missing => words.say("name-missing"),
            Self::TooLong => words.say("name-too-long").count("limit", AppName::LONGEST as u64),
            Self::Unreadable(NameError::Invisible(character)) => words
                .say("name-invisible")
                .with("character", names::code_point(character)),
            Self::Unreadable(NameError::NoLetter) => words.say("name-no-letter"),
            Self::Unreadable(NameError::Marks) => words.say("name-marks"),
            Self::Brand => words.say("name-brand"),
            Self::Taken => words.say("name-taken"),
        }
    }
}

/// A refused redirect URI.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RefusedRedirectUri<'a> {
    /// The entry of the list, as typed. Empty if none was given.
    pub uri: &'a str,
    /// The reason for the refusal.
    pub why: RedirectUriFault,
}

impl RefusedRedirectUri<'_> {
    pub(super) fn message(&self) -> Message {
        match self.why {
            RedirectUriFault::Missing => Message("uri-missing"),
            RedirectUriFault::Duplicate => Message("uri-duplicate"),
            RedirectUriFault::TooMany => Message("uri-too-many"),
            RedirectUriFault::Malformed(error) => self.malformed(error),
        }
    }

    fn malformed(&self, error: uri::RedirectUriError) -> Message {
        use uri::RedirectUriError as E;
        match error {
            E::NotAbsolute => Message("uri-not-absolute"),
            E::Fragment => Message("uri-fragment"),
            E::PlainHttp => Message("uri-not-https"),
            E::Scheme => Message("uri-scheme"),
            E::SchemeUnlisted => Message("uri-scheme-unlisted"),
            E::SchemeNotPublic => Message("uri-scheme-public"),
            E::UserInfo => Message("uri-userinfo"),
            E::Several => Message("uri-several"),
            E::Character if self.uri.contains('*') => Message("uri-wildcard"),
            E::Character => Message("uri-characters"),
            E::TooLong => Message("uri-too-long"),
        }
    }
}
