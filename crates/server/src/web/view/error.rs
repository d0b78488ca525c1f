//! The page of an error: it says what happened and offers a link back, and is never a bare "CSRF error".

use super::page;
use super::words::{Message, Phrase, Words};

/// An error page.
#[derive(Debug, Clone)]
pub(crate) struct ErrorPage<'a> {
    /// The HTTP status of the answer, in small print.
    pub status: u16,
    /// The error.
    pub kind: ErrorKind<'a>,
    /// The link back to an app. Without it, the page links to the front page.
    pub back: Option<Back<'a>>,
    /// The button to use another account, if that may help.
    pub switch: Option<SwitchAccount<'a>>,
}
page!(ErrorPage, "error.html");

impl ErrorPage<'_> {
    fn site(&self) -> Option<&str> {
        self.back.and_then(|back| back.site)
    }
}

/// The link back to the app that sent the person here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Back<'a> {
    /// The app's redirect URI with the refusal. The server builds it, and never takes it from a request unchecked.
    pub href: &'a str,
    /// The app's name.
    pub app: &'a str,
    /// The host or the scheme that the link leads to, for people who do not know the app.
    pub site: Option<&'a str>,
}

/// A button that signs the person out and asks for another account.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SwitchAccount<'a> {
    /// The URL to which the form is posted.
    pub action: &'a str,
    /// The sealed state, for the hidden field `state`.
    pub blob: &'a str,
}

/// The kind of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind<'a> {
    /// There is no such page.
    NotFound,
    /// The URL names a part of a list in a malformed way.
    NoSuchPart {
        /// The URL of the first page of the list.
        first: &'a str,
    },
    /// The page exists, but not for this method.
    MethodNotAllowed,
    /// The app's authorization request is wrong and must not be redirected (RFC 6749 §4.1.2.1).
    AuthorizationRequest {
        /// The `error` code.
        error: &'a str,
        /// The public `error_description`.
        description: &'a str,
        /// The redirect URI that was sent, if it is not registered.
        redirect_uri: Option<&'a str>,
    },
    /// The app that sent the request is suspended.
    AppSuspended,
    /// The form was sent from another site, or the page was opened at another address than the server's.
    ForeignOrigin {
        /// The address that the browser reports.
        seen: &'a str,
        /// The server's own address.
        own: &'a str,
    },
    /// The server has no configured address, and the page was opened at a host other than this computer.
    ForeignHost {
        /// The host that the browser asked for.
        seen: &'a str,
        /// The server's own address.
        own: &'a str,
    },
    /// The browser, or a program in between, does not report from which site the form was sent.
    HiddenOrigin {
        /// The server's own address.
        own: &'a str,
    },
    /// The page was open too long, or its form is damaged.
    Stale,
    /// The app works only in one organization, in which the person is not a member.
    NotAMember {
        /// The app's name.
        app: &'a str,
        /// The organization's name.
        organization: &'a str,
    },
    /// The person is not a member of any organization.
    NoOrganization,
    /// The app works with none of the person's organizations.
    OtherOrganizations {
        /// The app's name.
        app: &'a str,
    },
    /// The app acts for organizations, and the person owns none in which it may be connected.
    NotAnOwner {
        /// The app's name.
        app: &'a str,
        /// The names of the person's organizations in which it may be connected.
        organizations: &'a str,
    },
    /// Not every server understands yet what would be written (503).
    NotYet,
    /// The request is too large.
    TooLarge,
    /// The form could not be parsed.
    BadForm,
    /// A field of the form is not UTF-8.
    NotText,
    /// The person allowed this app too often (429).
    AllowedTooOften {
        /// The app's name.
        app: &'a str,
    },
    /// The person made too many changes (429).
    ChangedTooOften,
    /// A service that the server needs is unavailable (503).
    Unavailable,
    /// The person may not see this page.
    Forbidden,
    /// The server failed.
    Internal,
}

impl ErrorKind<'_> {
    fn title(&self, words: &Words) -> Phrase {
        match self {
            Self::NotAMember { app, organization } => words
                .say("error-not-a-member")
                .with("app", app)
                .with("organization", organization),
            Self::OtherOrganizations { app } => words.say("error-other-organizations").with("app", app),
            Self::NotAnOwner { app, .. } => words.say("error-not-an-owner").with("app", app),
            other => words.say(other.messages().0),
        }
    }

    fn text(&self, words: &Words) -> Phrase {
        match self {
            Self::NotAMember { organization, .. } => {
                words.say("error-not-a-member-text").with("organization", organization)
            }
            Self::OtherOrganizations { app } => words.say("error-other-organizations-text").with("app", app),
            Self::NotAnOwner { app, organizations } => words
                .say("error-not-an-owner-text")
                .with("app", app)
                .with("organizations", organizations),
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
            Self::OtherOrganizations { .. } => (
                Message("error-other-organizations"),
                Message("error-other-organizations-text"),
            ),
            Self::NotAnOwner { .. } => (Message("error-not-an-owner"), Message("error-not-an-owner-text")),
            Self::NotYet => (Message("error-not-yet"), Message("error-not-yet-text")),
            Self::TooLarge => (Message("error-too-large"), Message("error-too-large-text")),
            Self::BadForm => (Message("error-bad-form"), Message("error-bad-form-text")),
            Self::NotText => (Message("error-not-text"), Message("error-not-text-text")),
            Self::AllowedTooOften { .. } => (Message("error-too-often"), Message("error-too-often-text")),
            Self::ChangedTooOften => (
                Message("error-changed-too-often"),
                Message("error-changed-too-often-text"),
            ),
            Self::Unavailable => (Message("error-unavailable"), Message("error-unavailable-text")),
            Self::Forbidden => (Message("error-forbidden"), Message("error-forbidden-text")),
            Self::Internal => (Message("error-internal"), Message("error-internal-text")),
        }
    }
}
