//! The pages a person meets on the way from an app and back to it: sign in, consent, the code to copy.

use super::words::{Message, Phrase, Words};
use super::{Back, mark, page};
use hallpass_wire::redirect_uri::Destination;

/// Sign in with a password.
#[derive(Debug, Clone)]
pub struct Login<'a> {
    /// Where the form is posted.
    pub action: &'a str,
    /// Sealed blob, hidden field `state`.
    pub blob: &'a str,
    /// The app that the person goes on to.
    pub app_name: Option<&'a str>,
    /// What was typed before, or empty.
    pub username: &'a str,
    /// What went wrong with the sign-in before.
    pub error: Option<LoginError<'a>>,
    /// What became of the form that the person had sent; none where they sent none.
    pub interrupted: Option<Interrupted>,
}
page!(Login, "login.html");

/// What became of a form that was sent after its session had ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupted {
    /// What was typed comes back after the sign-in.
    Kept,
    /// Nothing, and there is nothing to bring back.
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

/// Why a sign-in did not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginError<'a> {
    /// Wrong password or unknown account: one text for both, so that nobody learns who has an account.
    WrongPassword,
    /// The page was open too long.
    Stale,
    /// The form's sealed state is missing or damaged.
    Unreadable,
    /// None of the cookies that were looked at is the one that the form was made for.
    OtherBrowser,
    /// No cookie came with the form: it was begun in another browser, or this one keeps no cookies.
    NoCookies {
        /// The server's own address.
        own: &'a str,
    },
    /// Too many sign-ins at this moment (503).
    Busy,
    /// Too many sign-ins failed before (429): the seconds to wait.
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
                // Nobody counts 437 seconds.
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

/// Consent: the pass that the person signs, or does not.
#[derive(Debug, Clone)]
pub struct Consent<'a> {
    /// Where the form is posted: hidden field `state`, buttons `decision` = `allow` or `deny`.
    pub action: &'a str,
    /// Sealed blob.
    pub blob: &'a str,
    /// What says later which part of the page changed, hidden field `parts`.
    pub parts: &'a str,
    /// Why the question is put once more; none where it is put for the first time.
    pub again: Option<&'a Again>,
    /// The app's name.
    pub app_name: &'a str,
    /// Who made the app: its organization, or the developer where organizations are hidden.
    pub app_owner: Option<&'a str>,
    /// Whether the operator vouches for the app.
    pub reviewed: bool,
    /// Where the answer to this request goes; none where a code is shown to copy.
    pub destination: Option<Destination>,
    /// Who is signed in.
    pub person_name: &'a str,
    /// The e-mail address of who is signed in.
    pub person_email: &'a str,
    /// Organizations to choose between, field `organization`; with fewer than two there is no field.
    pub organizations: &'a [OrganizationChoice<'a>],
    /// Slug of the organization that was chosen before.
    pub organization: Option<&'a str>,
    /// Whether the form came without a choice.
    pub organization_missing: bool,
    /// Name of the one organization the grant is for; none where organizations are hidden.
    pub show_organization: Option<&'a str>,
    /// When the grant ends.
    pub until: Until,
    /// What the app may do, each in plain words.
    pub scopes: &'a [ScopeLine<'a>],
    /// Short id printed on the stub.
    pub pass: &'a str,
    /// Where "not you?" posts the same `state`, to sign in as somebody else.
    pub switch_account: &'a str,
}
page!(Consent, "consent.html");

impl Consent<'_> {
    fn mark(&self) -> String {
        mark(self.app_name)
    }

    /// The website of the app. A custom scheme may look like a host and is never shown as one.
    fn host(&self) -> Option<&str> {
        match self.destination.as_ref()? {
            Destination::Web(host) => Some(host),
            Destination::ThisDevice | Destination::Scheme(_) => None,
        }
    }

    /// The organization that was chosen before, if it is still a choice.
    fn chosen(&self) -> Option<&str> {
        let mut slugs = self.organizations.iter().map(|one| one.slug);
        slugs.find(|slug| self.organization == Some(slug))
    }

    fn is_on_this_device(&self) -> bool {
        self.destination.is_some() && self.host().is_none()
    }

    /// What the person must know about a destination that is no website (RFC 8252 §8.1 and §8.6).
    fn warning(&self, words: &Words) -> Option<Phrase> {
        match self.destination.as_ref()? {
            Destination::Web(_) => None,
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
            (Some(unused), None) => words.say("consent-until-unused").part("unused", words.lasting(unused)),
            (None, Some(most)) => words.say("consent-until-most").part("most", words.lasting(most)),
            (Some(unused), Some(most)) => words
                .say("consent-until-both")
                .part("unused", words.lasting(unused))
                .part("most", words.lasting(most)),
        }
    }
}

/// Why an answered question is put once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again {
    /// The page was open too long, or was another person's.
    Stale,
    /// These parts of the page read otherwise now; none are named where nobody knows which.
    Changed(Vec<Part>),
    /// What this person had given the app was ended since.
    Ended,
    /// The same page was answered before, for another organization.
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
pub enum Part {
    /// The app's name, and who made it.
    App,
    /// Where the answer goes.
    Target,
    /// The organizations to choose between.
    Organizations,
    /// What the app asks for.
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

/// An organization to choose.
#[derive(Debug, Clone, Copy)]
pub struct OrganizationChoice<'a> {
    /// Its short name, the field's value.
    pub slug: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// When a grant ends if nobody ends it: each bound in seconds, both may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Until {
    /// It ends when it was not used for so long.
    pub unused: Option<u64>,
    /// It ends so long after consent, used or not.
    pub at_most: Option<u64>,
}

/// A scope in the reader's language.
#[derive(Debug, Clone, Copy)]
pub struct ScopeLine<'a> {
    /// What it allows: "See the checks of your houses".
    pub title: &'a str,
    /// More about it.
    pub description: Option<&'a str>,
}

/// The consent form was sent twice and the code is used: nothing is left to decide.
#[derive(Debug, Clone)]
pub struct ConsentDone<'a> {
    /// The app's name.
    pub app_name: &'a str,
}
page!(ConsentDone, "consent_done.html");

/// The person denies what the same form allowed before, and the app uses it already.
#[derive(Debug, Clone)]
pub struct AlreadyConnected<'a> {
    /// The app's name.
    pub app_name: &'a str,
    /// The way back to the app, which tells it of the denial; none where it has no redirect URI.
    pub back: Option<Back<'a>>,
}
page!(AlreadyConnected, "already_connected.html");

/// The code of an app without a redirect URI, to be copied by hand. It does not print.
#[derive(Clone)]
pub struct CodeCopy<'a> {
    /// The app's name.
    pub app_name: &'a str,
    /// The authorization code.
    pub code: &'a str,
    /// Its lifetime in seconds.
    pub expires: u64,
}
page!(CodeCopy, "code_copy.html");

impl CodeCopy<'_> {
    fn mark(&self) -> String {
        mark(self.app_name)
    }
}

/// Access was denied, and there is no redirect URI to tell the app.
#[derive(Debug, Clone)]
pub struct Denied<'a> {
    /// The app's name.
    pub app_name: &'a str,
}
page!(Denied, "denied.html");
