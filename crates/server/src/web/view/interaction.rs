//! The pages between an authorization request and the return to the app: sign in, consent, the code to copy.

use super::moments::units_of;
use super::words::{Message, Phrase, Words};
use super::{Back, mark, page};
use hallpass_wire::redirect_uri::Destination;

/// The page to sign in with a password.
#[derive(Debug, Clone)]
pub(crate) struct Login<'a> {
    /// The URL to which the form is posted.
    pub action: &'a str,
    /// The sealed state, for the hidden field `state`.
    pub blob: &'a str,
    /// The app that sent the person here.
    pub app_name: Option<&'a str>,
    /// The login name that was submitted before, or empty.
    pub username: &'a str,
    /// Why the last sign-in failed.
    pub error: Option<LoginError<'a>>,
    /// The address that leads to the site's sign-in, and the site's host, if the site signs people in.
    pub site: Option<(&'a str, &'a str)>,
    /// What happened to a form that the person had submitted before the sign-in. `None` if there was none.
    pub interrupted: Option<Interrupted>,
}
page!(Login, "login.html");

/// What happened to a form that was submitted after its session had ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interrupted {
    /// Nothing was done. The typed values are shown again after the sign-in.
    Kept,
    /// Nothing was done, and there are no typed values to show again.
    NothingDone,
}

impl Interrupted {
    fn message(self) -> Message {
        match self {
            Self::Kept => Message("login-interrupted-kept"),
            Self::NothingDone => Message("login-interrupted"),
        }
    }
}

/// Why a sign-in failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginError<'a> {
    /// Wrong password or unknown account. Both have the same text, so that nobody learns who has an account.
    WrongPassword,
    /// The page was open too long.
    Stale,
    /// The form's sealed state is missing or damaged.
    Unreadable,
    /// None of the examined cookies is the one that the form was made for.
    OtherBrowser,
    /// The request had no cookie: the form was opened in another browser, or this browser keeps no cookies.
    NoCookies {
        /// The server's own address.
        own: &'a str,
    },
    /// Too many sign-ins at this moment (503).
    Busy,
    /// Too many sign-ins failed before (429). The number is the seconds to wait.
    TooManyFailures(u64),
}

impl LoginError<'_> {
    fn message(self, words: Words) -> Phrase {
        match self {
            Self::WrongPassword => words.say("login-wrong-password"),
            Self::Stale => words.say("login-stale"),
            Self::Unreadable => words.say("login-unreadable"),
            Self::OtherBrowser => words.say("login-other-browser"),
            Self::NoCookies { own } => words.say("login-no-cookies").with("own", own),
            Self::Busy => words.say("login-busy"),
            Self::TooManyFailures(seconds) => {
                // Rounds up: nobody counts 437 seconds.
                let whole = if seconds > 90 {
                    seconds.div_ceil(60) * 60
                } else {
                    seconds
                };
                words.say("login-too-many").part("wait", words.lasting(whole))
            }
        }
    }
}

/// The consent page.
#[derive(Debug, Clone)]
pub(crate) struct Consent<'a> {
    /// The URL to which the form is posted: hidden field `state`, buttons `decision` = `allow` or `deny`.
    pub action: &'a str,
    /// The sealed state, for the hidden field `state`.
    pub blob: &'a str,
    /// Fingerprints from which the server later tells which part of the page changed, for the hidden field `parts`.
    pub parts: &'a str,
    /// Why the page asks again. `None` if it asks for the first time.
    pub again: Option<&'a Again>,
    /// The app's name.
    pub app_name: &'a str,
    /// The organization that owns the app, or the developer if organizations are hidden.
    pub app_owner: Option<&'a str>,
    /// Whether the operator has reviewed the app.
    pub reviewed: bool,
    /// Whether the access belongs to the organization, and not to the person.
    pub of_organization: bool,
    /// The destination of the answer. `None` if the person copies a code.
    pub destination: Option<Destination>,
    /// Whether a program that receives the answer can do nothing with it: the operator vouches for the app, and the app
    /// redeems its codes with a secret.
    pub code_is_useless: bool,
    /// The name of the signed-in person.
    pub person_name: &'a str,
    /// The e-mail address of the signed-in person.
    pub person_email: &'a str,
    /// The organizations to choose from, for the field `organization`. With fewer than two, the page shows no field.
    pub organizations: &'a [OrganizationChoice<'a>],
    /// The slug of the organization that was chosen before.
    pub organization: Option<&'a str>,
    /// Whether the form was submitted without a choice.
    pub organization_missing: bool,
    /// The name of the only organization for the grant. `None` if organizations are hidden.
    pub show_organization: Option<&'a str>,
    /// When the grant ends.
    pub until: Until,
    /// The permissions that the app requests, in plain words.
    pub scopes: &'a [ScopeLine<'a>],
    /// A short id, printed on the page.
    pub pass: &'a str,
    /// The URL to which "not you?" posts the same `state`, to sign in as another person.
    pub switch_account: &'a str,
}
page!(Consent, "consent.html");

impl Consent<'_> {
    fn mark(&self) -> String {
        mark(self.app_name)
    }

    /// The host of the app. A custom scheme may look like a host, so it is never shown as one.
    fn host(&self) -> Option<&str> {
        match self.destination.as_ref()? {
            Destination::Web(host) => Some(host),
            Destination::ThisDevice | Destination::Scheme(_) => None,
        }
    }

    /// The organization that was chosen before, if it is still offered.
    fn chosen(&self) -> Option<&str> {
        let mut slugs = self.organizations.iter().map(|one| one.slug);
        slugs.find(|slug| self.organization == Some(slug))
    }

    /// Whose the access is, if it is the organization's.
    fn belongs_to(&self, words: &Words) -> Option<Phrase> {
        let phrase = match self.show_organization {
            Some(name) => words.say("consent-of-organization").with("organization", name),
            None => words.say("consent-of-organizations"),
        };
        self.of_organization.then_some(phrase)
    }

    /// The slug of the only organization.
    fn only_slug(&self) -> Option<&str> {
        match self.organizations {
            [only] => Some(only.slug),
            _ => None,
        }
    }

    fn is_on_this_device(&self) -> bool {
        self.destination.is_some() && self.host().is_none()
    }

    /// A warning about a destination that is not a website (RFC 8252 §8.1 and §8.6).
    fn warning(&self, words: &Words) -> Option<Phrase> {
        match self.destination.as_ref()? {
            Destination::Web(_) => None,
            Destination::ThisDevice if self.code_is_useless => None,
            Destination::ThisDevice => Some(words.say("consent-loopback")),
            Destination::Scheme(scheme) => Some(words.say("consent-scheme").strong("scheme", format!("{scheme}:"))),
        }
    }

    fn way_back(&self, words: &Words) -> Phrase {
        match &self.destination {
            None => words.say("consent-code"),
            Some(Destination::Web(host)) => words.say("consent-return").strong("host", host),
            Some(Destination::ThisDevice) => words.say("consent-return-device"),
            Some(Destination::Scheme(scheme)) => words
                .say("consent-return-scheme")
                .strong("scheme", format!("{scheme}:")),
        }
    }

    fn end(&self, words: &Words) -> Phrase {
        match (self.until.unused, self.until.at_most) {
            (None, None) => words.say("consent-until-withdrawn"),
            (Some(unused), None) => words
                .say("consent-until-unused")
                .count("n", units_of(unused))
                .part("unused", words.lasting(unused)),
            (None, Some(most)) => words.say("consent-until-most").part("most", words.lasting(most)),
            (Some(unused), Some(most)) => words
                .say("consent-until-both")
                .count("n", units_of(unused))
                .part("unused", words.lasting(unused))
                .part("most", words.lasting(most)),
        }
    }
}

/// Why the page asks again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Again {
    /// The page was open too long, or belonged to another person.
    Stale,
    /// These parts of the page have changed since. Empty if it is not known which.
    Changed(Vec<Part>),
    /// The access of this app that the person gave before was ended since.
    Ended,
    /// The person already answered the same page for another organization.
    Answered,
}

impl Again {
    fn message(&self) -> Message {
        match self {
            Self::Stale => Message("consent-again-stale"),
            Self::Changed(parts) if parts.is_empty() => Message("consent-again-otherwise"),
            Self::Changed(_) => Message("consent-again-changed"),
            Self::Ended => Message("consent-again-ended"),
            Self::Answered => Message("consent-again-answered"),
        }
    }

    fn parts(&self) -> &[Part] {
        match self {
            Self::Changed(parts) => parts,
            Self::Stale | Self::Ended | Self::Answered => &[],
        }
    }
}

/// A part of the consent page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The name and the owner of the app.
    App,
    /// The destination of the answer.
    Target,
    /// The organizations to choose from.
    Organizations,
    /// The requested permissions.
    Permissions,
}

impl Part {
    fn message(self) -> Message {
        match self {
            Self::App => Message("consent-changed-app"),
            Self::Target => Message("consent-changed-target"),
            Self::Organizations => Message("consent-changed-organizations"),
            Self::Permissions => Message("consent-changed-permissions"),
        }
    }
}

/// An organization that can be chosen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrganizationChoice<'a> {
    /// The short name, which is the value of the field.
    pub slug: &'a str,
    /// The name of the organization.
    pub name: &'a str,
}

/// When a grant ends by itself, in seconds. Both bounds may be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Until {
    /// The grant ends after this time without use.
    pub unused: Option<u64>,
    /// The grant ends this long after consent, even if it is used.
    pub at_most: Option<u64>,
}

/// A scope in the reader's language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScopeLine<'a> {
    /// The permission: "See the checks of your houses".
    pub title: &'a str,
    /// A longer explanation.
    pub description: Option<&'a str>,
}

/// The page after a consent form was sent twice and the code is redeemed: there is nothing left to decide.
#[derive(Debug, Clone)]
pub(crate) struct ConsentDone<'a> {
    /// The app's name.
    pub app_name: &'a str,
}
page!(ConsentDone, "consent_done.html");

/// The page after the person denies the same form that they allowed before, and the app already uses the access.
#[derive(Debug, Clone)]
pub(crate) struct AlreadyConnected<'a> {
    /// The app's name.
    pub app_name: &'a str,
    /// The link back to the app, which reports the denial. `None` if the app has no redirect URI.
    pub back: Option<Back<'a>>,
}
page!(AlreadyConnected, "already_connected.html");

/// The page with the code of an app without a redirect URI, to be copied by hand. It has no `Debug`: a log must not show the code.
#[derive(Clone)]
pub(crate) struct CodeCopy<'a> {
    /// The app's name.
    pub app_name: &'a str,
    /// The authorization code.
    pub code: &'a str,
    /// The lifetime of the code, in seconds.
    pub expires: u64,
}
page!(CodeCopy, "code_copy.html");

impl CodeCopy<'_> {
    fn mark(&self) -> String {
        mark(self.app_name)
    }
}

/// The page after a denial, if there is no redirect URI to report it to the app.
#[derive(Debug, Clone)]
pub(crate) struct Denied<'a> {
    /// The app's name.
    pub app_name: &'a str,
}
page!(Denied, "denied.html");
