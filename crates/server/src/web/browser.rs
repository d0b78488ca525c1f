//! The browser that sent a request, recognised by two kinds of cookies (docs/decisions/0054).
//!
//! The *session cookie* names who is signed in and changes at each sign-in. A *binding cookie* only names the browser, so that
//! a sign-in or consent can continue only in the browser where it began; sign-in never changes it. Each binding
//! cookie has a random name: of two tabs that were opened before the first cookie, neither overwrites the other's.

use crate::http::cookies;
use crate::http::respond::Response;
use crate::random;
use crate::serve::hallpass::Hallpass;
use crate::store::model::SessionId;
use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, header};

/// The largest number of binding cookies that are read. Each tab that is opened before the first cookie gets one. Other
/// programs on the same host can set some too.
const MOST_BINDINGS: usize = 32;
/// The part of a binding cookie's name between the name of the session cookie and the random part.
const BINDING: &str = "-browser-";
/// The length of a value: 256 bits in base64url.
const LENGTH: usize = 43;

/// The SHA-256 of a cookie's value. Pages, handovers and the database hold only this hash.
pub(super) type Hash = [u8; 32];

/// A browser.
pub(super) struct Browser {
    session: Option<SessionId>,
    bindings: Vec<Hash>,
    /// The binding cookie to set if the browser sent none: the random part of its name, and its value.
    fresh: Option<(String, String)>,
    change: Change,
}

/// The change that an answer makes to the session cookie.
enum Change {
    Keep,
    Set(String),
    Clear,
}

impl Browser {
    /// The browser that sent these headers. Cookies of another form are not ours.
    pub(super) fn read(hallpass: &Hallpass, headers: &HeaderMap) -> Self {
        let name = &hallpass.session_cookie;
        let session = cookies::named(headers, name).find(|value| is_ours(value)).map(hash);
        let prefix = format!("{name}{BINDING}");
        let bindings = cookies::below(headers, &prefix).map(|(_, value)| value);
        let bindings = bindings.filter(|value| is_ours(value));
        let mut browser = Self {
            session: session.map(SessionId),
            bindings: bindings.take(MOST_BINDINGS).map(hash).collect(),
            fresh: None,
            change: Change::Keep,
        };
        if browser.bindings.is_empty() {
            browser.fresh = Some((random::alphanumeric(8), token()));
        }
        browser
    }

    /// The session that its cookie names.
    pub(super) fn session(&self) -> Option<SessionId> {
        self.session
    }

    /// The binding for a sign-in or consent that begins now.
    pub(super) fn binding(&self) -> Hash {
        match (self.bindings.first(), &self.fresh) {
            (Some(first), _) => *first,
            (None, Some((_, value))) => hash(value),
            (None, None) => [0; 32],
        }
    }

    /// Whether this binding was made in this browser. In an older version the session cookie was the binding, and a server of
    /// that version may run beside this one.
    pub(super) fn is_bound(&self, binding: &Hash) -> bool {
        self.bindings.contains(binding) || self.session.is_some_and(|session| session.0 == *binding)
    }

    /// Whether a cookie of ours came at all.
    pub(super) fn brought_cookies(&self) -> bool {
        !self.bindings.is_empty() || self.session.is_some()
    }

    /// Begins a new session, so that a session cookie that an attacker planted before is worthless.
    pub(super) fn begin_session(&mut self) -> SessionId {
        let token = token();
        let id = SessionId(hash(&token));
        self.session = Some(id);
        self.change = Change::Set(token);
        id
    }

    /// Forgets the session.
    pub(super) fn end_session(&mut self) {
        if self.session.take().is_some() {
            self.change = Change::Clear;
        }
    }

    /// Sets the cookies that the browser does not have yet.
    pub(super) fn set_cookies(&self, hallpass: &Hallpass, response: &mut Response) {
        let name = &hallpass.session_cookie;
        let secure = if hallpass.is_https() { "; Secure" } else { "" };
        let mut set = |cookie: &str, more: &str| {
            let cookie = format!("{cookie}; Path=/; HttpOnly; SameSite=Lax{secure}{more}");
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
        };
        if let Some((random, value)) = &self.fresh {
            set(&format!("{name}{BINDING}{random}={value}"), "");
        }
        match &self.change {
            Change::Keep => {}
            Change::Set(token) => set(&format!("{name}={token}"), ""),
            Change::Clear => set(&format!("{name}="), "; Max-Age=0"),
        }
    }
}

fn token() -> String {
    URL_SAFE_NO_PAD.encode(random::bytes::<32>())
}

fn is_ours(value: &str) -> bool {
    value.len() == LENGTH
}

fn hash(value: &str) -> Hash {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, value.as_bytes()).as_ref());
    hash
}
