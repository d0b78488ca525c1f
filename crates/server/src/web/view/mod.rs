//! The pages, as pure functions from data to HTML: no I/O, no clock, no HTTP types.
//!
//! A page is a plain struct of its data. `render` is the only way from the struct to HTML, so a later override of a
//! template needs no change in the callers. Texts that a person or a developer typed are HTML-escaped by askama. Sentences
//! come from Fluent files in every language ([`words`]). Names inside sentences are isolated (`<bdi>`), so that a
//! right-to-left name cannot reorder a sentence. Pages have no inline script or style (strict
//! Content-Security-Policy) and work without JavaScript.

mod account;
mod assets;
mod developer;
mod error;
mod flow;
#[cfg(test)]
pub(crate) mod gallery;
mod interaction;
mod locale;
mod moments;
mod organization;
mod site;
#[cfg(test)]
mod specimens;
mod words;

pub(crate) use account::{Account, ConnectedApps, Connection, EndedLine, Landing, OrganizationLine};
pub(crate) use assets::{asset, css_path, icon_path, script_path};
pub(crate) use developer::{
    AppChange, AppDelete, AppDeleted, AppDone, AppFieldErrors, AppFields, AppLine, AppNew, AppPage, AppsList,
    DeletionToll, OldSecrets, RefusedRedirectUri, RegistrationRight, ScopeChoice, SecretLine, SecretNews, UriLine,
};
pub(crate) use error::{Back, ErrorKind, ErrorPage, SwitchAccount};
pub(crate) use flow::Flow;
pub(crate) use interaction::{
    Again, AlreadyConnected, CodeCopy, Consent, ConsentDone, Denied, Interrupted, Login, LoginError,
    OrganizationChoice, Part, ScopeLine, Until,
};
pub(crate) use locale::Locale;
pub(crate) use organization::{
    GrantLine, GrantScope, GrantsDone, MemberLine, OrganizationGrants, OrganizationSettings, SetUp, Tab,
};
pub(crate) use site::{SiteReturn, SiteReturnKind};

use words::Message;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The data around every page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    /// The name of the site, `[brand] name`.
    pub brand: &'a str,
    /// The path of `public_url` without a trailing slash. Usually empty.
    pub base: &'a str,
    /// The language of the page.
    pub locale: Locale,
    /// The name of the signed-in person.
    pub person: Option<&'a str>,
    /// Whether the developer pages show anything to the reader.
    pub develops: bool,
    /// The sealed state of the sign-out form (hidden field `state`, posted to `{base}/logout`). May be empty.
    pub sign_out: &'a str,
    /// The message at the top of a page with the main navigation.
    pub notice: Option<Notice>,
}

/// What happened to a form that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// Nothing was done. The typed values are on the page.
    Kept,
    /// Nothing was done.
    NothingDone,
    /// Nothing was done: the sealed state of the form is missing or damaged.
    Unreadable,
    /// The person is still signed in: the sign-out form belonged to another session.
    StillSignedIn,
    /// Nothing was done: the person made too many changes. The typed values are on the page.
    TooManyChanges,
}

impl Notice {
    /// The message for a form that did nothing. `opened` says whether its sealed state could be opened.
    #[must_use]
    pub(crate) fn of(opened: bool) -> Self {
        if opened { Self::NothingDone } else { Self::Unreadable }
    }

    fn message(self) -> Message {
        match self {
            Self::Kept => Message("notice-kept"),
            Self::NothingDone => Message("notice-nothing-done"),
            Self::Unreadable => Message("notice-unreadable"),
            Self::StillSignedIn => Message("notice-still-signed-in"),
            Self::TooManyChanges => Message("notice-too-many-changes"),
        }
    }
}

impl Frame<'_> {
    /// The URL path of an app's page in the developer pages.
    pub(crate) fn app_path(&self, client_id: &str) -> String {
        format!("{}/developer/apps/{}", self.base, segment(client_id))
    }

    /// The URL path of an organization's settings.
    pub(crate) fn organization_path(&self, slug: &str) -> String {
        format!("{}/organizations/{}", self.base, segment(slug))
    }

    /// The URL path of the form that registers an app, with the organization selected.
    pub(crate) fn app_new_path(&self, slug: &str) -> String {
        format!("{}/developer/apps/new?organization={}", self.base, segment(slug))
    }
}

/// All characters except the unreserved ones of RFC 3986.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// The letter that is shown in place of a logo.
fn mark(name: &str) -> String {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .map_or_else(|| "·".to_owned(), |c| c.to_uppercase().collect())
}

/// Implements `render` for a page: the struct, its template and, for pages with the main navigation, the current section.
macro_rules! page {
    ($page:ident, $template:literal $(, $here:ident: $section:literal)?) => {
        impl $page<'_> {
            /// Renders the page as HTML.
            pub(crate) fn render(&self, frame: &crate::web::view::Frame<'_>) -> String {
                #[derive(askama::Template)]
                #[template(path = $template)]
                struct Html<'a> {
                    frame: &'a crate::web::view::Frame<'a>,
                    page: &'a $page<'a>,
                    words: crate::web::view::words::Words,
                    $($here: &'static str,)?
                }
                let words = crate::web::view::words::Words::new(frame.locale);
                crate::web::view::rendered(&Html { frame, page: self, words $(, $here: $section)? })
            }
        }
    };
}
use page;

/// The URLs of the other pages of a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pages {
    /// The first page. `None` on the first page.
    pub first: Option<String>,
    /// The next page. `None` on the last page.
    pub next: Option<String>,
}

#[expect(
    clippy::expect_used,
    reason = "writing into a String cannot fail, and no value of ours fails to print"
)]
fn rendered(html: &impl askama::Template) -> String {
    html.render().expect("a page renders")
}
