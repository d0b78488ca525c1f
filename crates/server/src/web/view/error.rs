//! An interaction that cannot go on says what happened and offers a way back; never a bare "CSRF error".

use super::page;
use super::words::{Message, Phrase, Words};

/// The page of an error.
#[derive(Debug, Clone)]
pub struct Error<'a> {
    /// HTTP status of the answer, shown small.
    pub status: u16,
    /// What happened.
    pub kind: ErrorKind<'a>,
    /// The way back to an app; without one the page leads to the front page.
    pub back: Option<Back<'a>>,
    /// The button for somebody whom another account may help.
    pub switch: Option<SwitchAccount<'a>>,
}
page!(Error, "error.html");

impl Error<'_> {
    fn site(&self) -> Option<&str> {
        self.back.and_then(|back| back.site)
    }
}

/// The way back to the app that sent the person here.
#[derive(Debug, Clone, Copy)]
pub struct Back<'a> {
    /// Its redirect URI with the refusal; made by us, never taken from a request unchecked.
    pub href: &'a str,
    /// The app's name.
    pub app: &'a str,
    /// The host or the scheme that the link leads to, for people who do not know the app.
    pub site: Option<&'a str>,
}

/// A button that signs the person out and asks for another account.
#[derive(Debug, Clone, Copy)]
pub struct SwitchAccount<'a> {
    /// Where it is posted.
    pub action: &'a str,
    /// Sealed blob, hidden field `state`.
    pub blob: &'a str,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind<'a> {
    /// No such page.
    NotFound,
    /// The address names a page of a list in a way that cannot be read.
    NoSuchPart {
        /// The address of the first page.
        first: &'a str,
    },
    /// The page exists, the method does not.
    MethodNotAllowed,
    /// The app's authorization request is wrong and must not be redirected (RFC 6749 §4.1.2.1).
    AuthorizationRequest {
        /// The `error` code.
        error: &'a str,
        /// The public `error_description`.
        description: &'a str,
    },
    /// The app that asks is suspended.
    AppSuspended,
    /// The form was sent from another site, or opened at another address than the server's.
    ForeignOrigin {
        /// The address that the browser names.
        seen: &'a str,
        /// The server's own.
        own: &'a str,
    },
    /// The server was not told its address, and the page was opened at another than this computer's.
    ForeignHost {
        /// The host that the browser asked for.
        seen: &'a str,
        /// The server's own address.
        own: &'a str,
    },
    /// The browser, or something on the way, does not say from which site the form was sent.
    HiddenOrigin {
        /// The server's own address.
        own: &'a str,
    },
    /// The page was open too long, or its form is damaged.
    Stale,
    /// The app works only in an organization that the person is not in.
    NotAMember {
        /// The app's name.
        app: &'a str,
        /// The organization's name.
        organization: &'a str,
    },
    /// The person is in no organization.
    NoOrganization,
    /// The request is too large.
    TooLarge,
    /// The form could not be read.
    BadForm,
    /// A field of the form is not UTF-8.
    NotText,
    /// The person allowed this app very often (429).
    AllowedTooOften {
        /// The app's name.
        app: &'a str,
    },
    /// Something we need is away (503).
    Unavailable,
    /// The person may not see this.
    Forbidden,
    /// Our fault.
    Internal,
}

impl ErrorKind<'_> {
    fn title(&self, words: &Words) -> Phrase {
        match self {
            Self::NotAMember { app, organization } => words
                .say("error-not-a-member")
                .with("app", app)
                .with("organization", organization),
            other => words.say(other.messages().0),
        }
    }

    fn text(&self, words: &Words) -> Phrase {
        match self {
            Self::NotAMember { organization, .. } => {
                words.say("error-not-a-member-text").with("organization", organization)
            }
            Self::AllowedTooOften { app } => words.say("error-too-often-text").with("app", app),
            Self::ForeignOrigin { seen, own } => words.say("error-foreign-text").with("seen", seen).with("own", own),
            Self::ForeignHost { seen, own } => words.say("error-foreign-host-text").with("seen", seen).with("own", own),
            Self::HiddenOrigin { own } => words.say("error-hidden-origin-text").with("own", own),
            other => words.say(other.messages().1),
        }
    }

    fn messages(&self) -> (Message, Message) {
        match self {
            Self::NotFound => (Message("error-not-found"), Message("error-not-found-text")),
            Self::NoSuchPart { .. } => (Message("error-no-such-part"), Message("error-no-such-part-text")),
            Self::MethodNotAllowed => (Message("error-method"), Message("error-method-text")),
            Self::AuthorizationRequest { .. } => (Message("error-request"), Message("error-request-text")),
            Self::AppSuspended => (Message("error-app-suspended"), Message("error-app-suspended-text")),
            Self::ForeignOrigin { .. } => (Message("error-foreign"), Message("error-foreign-text")),
            Self::ForeignHost { .. } => (Message("error-foreign-host"), Message("error-foreign-host-text")),
            Self::HiddenOrigin { .. } => (Message("error-hidden-origin"), Message("error-hidden-origin-text")),
            Self::Stale => (Message("error-stale"), Message("error-stale-text")),
            Self::NotAMember { .. } => (Message("error-not-a-member"), Message("error-not-a-member-text")),
            Self::NoOrganization => (Message("error-no-organization"), Message("error-no-organization-text")),
            Self::TooLarge => (Message("error-too-large"), Message("error-too-large-text")),
            Self::BadForm => (Message("error-bad-form"), Message("error-bad-form-text")),
            Self::NotText => (Message("error-not-text"), Message("error-not-text-text")),
            Self::AllowedTooOften { .. } => (Message("error-too-often"), Message("error-too-often-text")),
            Self::Unavailable => (Message("error-unavailable"), Message("error-unavailable-text")),
            Self::Forbidden => (Message("error-forbidden"), Message("error-forbidden-text")),
            Self::Internal => (Message("error-internal"), Message("error-internal-text")),
        }
    }
}
