//! The page after the site's sign-in, where it cannot go on by itself.

use super::words::{Message, Phrase, Words};
use super::{Back, page};

/// What happened after the site's sign-in.
#[derive(Debug, Clone)]
pub(crate) struct SiteReturn<'a> {
    /// The HTTP status of the answer, in small print.
    pub status: u16,
    /// What happened.
    pub kind: SiteReturnKind<'a>,
    /// The site's own words for the person.
    pub message: Option<&'a str>,
    /// The way back to the app, with the error.
    pub back: Option<Back<'a>>,
    /// The address at which the same sign-in begins anew.
    pub again: Option<&'a str>,
    /// The site's page to sign out.
    pub sign_out: Option<&'a str>,
}
page!(SiteReturn, "site_return.html");

impl SiteReturn<'_> {
    fn site(&self) -> Option<&str> {
        self.back.and_then(|back| back.site)
    }
}

/// What happened after the site's sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SiteReturnKind<'a> {
    /// The address does not belong to a sign-in of this server.
    Unknown,
    /// The person took longer than an hour.
    Expired,
    /// The address was used before.
    Spent,
    /// The address was replaced, or is older than a minute.
    Late,
    /// The sign-in began in another browser.
    OtherBrowser,
    /// This browser sent no cookie.
    NoCookies {
        /// The server's own address.
        own: &'a str,
    },
    /// The site signed nobody in.
    Refused,
    /// A fresh sign-in was asked for, and the site answered with an older one.
    StillSignedIn {
        /// The person's name.
        person: &'a str,
    },
    /// The person is suspended.
    Suspended,
    /// The sign-in has ended since the page was opened.
    Ended,
}

impl SiteReturnKind<'_> {
    fn title(&self, words: &Words) -> Phrase {
        match self {
            Self::StillSignedIn { person } => words.say("site-still").with("person", person),
            other => words.say(other.messages().0),
        }
    }

    fn text(&self, words: &Words) -> Phrase {
        match self {
            Self::NoCookies { own } => words.say("site-no-cookies-text").with("own", own),
            other => words.say(other.messages().1),
        }
    }

    fn messages(&self) -> (Message, Message) {
        match self {
            Self::Unknown => (Message("site-unknown"), Message("site-unknown-text")),
            Self::Expired => (Message("site-expired"), Message("site-expired-text")),
            Self::Spent => (Message("site-spent"), Message("site-spent-text")),
            Self::Late => (Message("site-late"), Message("site-late-text")),
            Self::OtherBrowser => (Message("site-other-browser"), Message("site-other-browser-text")),
            Self::NoCookies { .. } => (Message("site-other-browser"), Message("site-no-cookies-text")),
            Self::Refused => (Message("site-refused"), Message("site-refused-text")),
            Self::StillSignedIn { .. } => (Message("site-still"), Message("site-still-text")),
            Self::Suspended => (Message("site-suspended"), Message("site-suspended-text")),
            Self::Ended => (Message("site-ended"), Message("site-ended-text")),
        }
    }
}
