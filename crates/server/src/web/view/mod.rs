//! The pages, as pure functions from data to HTML: no I/O, no clock, no HTTP types.
//!
//! A page is a plain struct of what it shows; `render` is the only way from that struct to HTML, so a later
//! template override needs no change in the callers. Everything a person or a developer typed passes askama's
//! HTML escaping; sentences come from Fluent files in every language the server ships ([`words`]), and names
//! inside sentences are isolated (`<bdi>`), so that a right-to-left name cannot turn a sentence around.
//! Pages hold no inline script or style (DESIGN §9: strict Content-Security-Policy) and work without JavaScript.

mod account;
mod assets;
mod developer;
mod error;
#[cfg(test)]
mod gallery;
mod interaction;
mod locale;
mod moments;
mod organization;
#[cfg(test)]
mod specimens;
mod words;

pub use account::{Account, ConnectedApps, Connection, EndedLine, Landing, OrganizationLine};
pub use assets::{asset, css_path, icon_path, script_path};
pub use developer::{
    AppLine, AppNew, AppNewErrors, AppPage, AppsList, NameFault, RedirectUriError, RedirectUriFault, Registration,
    ScopeChoice, SecretLine, SecretNews, UriLine,
};
pub use error::{Back, Error, ErrorKind, SwitchAccount};
pub use interaction::{
    Again, AlreadyConnected, CodeCopy, Consent, ConsentDone, Denied, Interrupted, Login, LoginError,
    OrganizationChoice, Part, ScopeLine, Until,
};
pub use locale::Locale;
pub use organization::{MemberLine, OrganizationSettings, Tab};

use words::Message;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What surrounds every page.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The name of the site, `[brand] name`.
    pub brand: &'a str,
    /// Path prefix of `public_url` without a trailing slash; mostly empty.
    pub base: &'a str,
    /// Language of the page.
    pub locale: Locale,
    /// Name of who is signed in.
    pub person: Option<&'a str>,
    /// Whether the developer pages have anything for the reader.
    pub develops: bool,
    /// Sealed blob for the sign-out form (hidden field `state`, posted to `{base}/logout`); may be empty.
    pub sign_out: &'a str,
    /// What a page with the main navigation says first.
    pub notice: Option<Notice>,
}

/// What became of a form that was not acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// Nothing; what was typed is on the page.
    Kept,
    /// Nothing.
    NothingDone,
    /// Nothing: the form's sealed state is missing or damaged.
    Unreadable,
    /// The person stays signed in: the sign-out form was made for another session.
    StillSignedIn,
}

impl Notice {
    /// What is said where a form did nothing because its state opened but does not fit, or does not open.
    #[must_use]
    pub fn of(opened: bool) -> Self {
        if opened { Self::NothingDone } else { Self::Unreadable }
    }

    fn message(self) -> Message {
        match self {
            Self::Kept => Message("notice-kept"),
            Self::NothingDone => Message("notice-nothing-done"),
            Self::Unreadable => Message("notice-unreadable"),
            Self::StillSignedIn => Message("notice-still-signed-in"),
        }
    }
}

impl Frame<'_> {
    /// Address of an app's page in the developer pages.
    pub fn app_path(&self, client_id: &str) -> String {
        format!("{}/developer/apps/{}", self.base, segment(client_id))
    }

    /// Address of an organization's settings.
    pub fn organization_path(&self, slug: &str) -> String {
        format!("{}/organizations/{}", self.base, segment(slug))
    }

    /// Address of the form that registers an app, with the organization chosen.
    pub fn app_new_path(&self, slug: &str) -> String {
        format!("{}/developer/apps/new?organization={}", self.base, segment(slug))
    }
}

/// Everything but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// The letter that stands for a name where a logo would.
fn mark(name: &str) -> String {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .map_or_else(|| "·".to_owned(), |c| c.to_uppercase().collect())
}

/// Gives a page its `render`: the struct, its template, and for pages with the main navigation the part of it they belong to.
macro_rules! page {
    ($page:ident, $template:literal $(, $here:ident: $section:literal)?) => {
        impl $page<'_> {
            /// The page as HTML.
            pub fn render(&self, frame: &crate::web::view::Frame<'_>) -> String {
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

/// Addresses of the other pages of a list.
#[derive(Debug, Clone, Default)]
pub struct Pages {
    /// Of the first one; none where this is the first.
    pub first: Option<String>,
    /// Of the next one; none where this is the last.
    pub next: Option<String>,
}

#[expect(
    clippy::expect_used,
    reason = "writing into a String cannot fail, and no value of ours fails to print"
)]
fn rendered(html: &impl askama::Template) -> String {
    html.render().expect("a page renders")
}
