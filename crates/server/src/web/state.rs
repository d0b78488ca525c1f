//! The state that a page carries to its form, sealed: two tabs never collide, and a visitor who goes away leaves nothing in the
//! database.
//!
//! A state is bound to its purpose, browser, person and time. It opens even if the binding does not fit, so that the page can
//! lead the person back instead of to an error. Only a state that fits is acted upon.

use crate::http::body;
use crate::keys::Keys;
use crate::random;
use crate::store::model::UserId;
use crate::time::Instant;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::time::Duration;
use uuid::Uuid;

/// The longest path with its query. A form carries it back to us and a redirect leads there again, with our cookies beside it
/// and the headers that a browser sends: all headers together have 16 KiB, or 8 KiB on HTTP/2. 32 binding cookies and the session
/// cookie take 2.5 KiB of them, a browser's other headers some 800 bytes, each header 32 more on HTTP/2.
pub(super) const LONGEST_PLACE: usize = 12 * 1024 + 512;
/// How long a page may stay open before the person is asked again.
pub const LIFETIME: Duration = Duration::from_secs(30 * 60);
const HEAD: usize = 4 + 12;
const BINDING: usize = 1 + 32 + 16 + 8;
const TAG: usize = 16;
/// The longest payload of a state: the longest place to continue at, and the question there.
pub(super) const LONGEST_PAYLOAD: usize = LONGEST_PLACE + 6 * 1024;

// A form that carries the longest state is accepted when it is posted, with as much again for what people type.
const _: () = assert!(text_length(LONGEST_PAYLOAD) < body::LARGEST / 2);

/// The length of the text of a state with a payload of this length.
const fn text_length(payload: usize) -> usize {
    ((HEAD + BINDING + payload + TAG) * 4).div_ceil(3)
}

/// The one purpose that a sealed state serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Signing in; carries the place to go to afterwards.
    Login = 1,
    /// Consent; carries the id of the future grant and the request.
    Consent = 2,
    /// Ending an app's access.
    End = 3,
    /// Making an app or a secret; carries the id of the new object.
    Developer = 4,
    /// Signing out.
    Logout = 5,
    /// Ending a secret; carries its id.
    Secret = 6,
    /// Signing in with another account; carries the place to go to afterwards.
    Switch = 7,
    /// Changing an app; carries its id.
    ChangeApp = 8,
    /// Deleting an app; carries its id and name.
    DeleteApp = 9,
    /// Ending, taking over or narrowing a grant of an organization.
    OrganizationGrant = 10,
}

/// The browser and the person that a state is bound to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The hash of the session cookie if a person is signed in, or else of a binding cookie.
    pub browser: [u8; 32],
    /// The person who is signed in.
    pub person: Option<UserId>,
}

/// Which parts of a binding fit the request.
#[derive(Clone, Copy)]
pub struct Fit {
    /// The browser.
    pub browser: bool,
    /// The person.
    pub person: bool,
}

/// A state that this server sealed for this purpose.
pub struct Opened {
    /// The payload.
    pub payload: Vec<u8>,
    /// Whether it was sent to this browser.
    pub browser: bool,
    /// The person who was signed in when the page was sent.
    pub person: Option<UserId>,
    /// Whether browser and person fit, whatever the time.
    pub own: bool,
    /// Whether browser, person and time fit.
    pub fits: bool,
}

/// Seals `payload`. If it is too long, which no page's payload is, the result opens to nothing.
#[must_use]
pub fn seal(keys: &Keys, purpose: Purpose, binding: Binding, now: Instant, payload: &[u8]) -> String {
    if payload.len() > LONGEST_PAYLOAD {
        tracing::error!(
            ?purpose,
            length = payload.len(),
            "a page carries more than its form may bring back"
        );
        return String::new();
    }
    let mut body = Vec::with_capacity(BINDING + payload.len() + TAG);
    body.push(purpose as u8);
    body.extend_from_slice(&binding.browser);
    body.extend_from_slice(binding.person.map_or(Uuid::nil(), |person| person.0).as_bytes());
    body.extend_from_slice(&now.after(LIFETIME).0.to_be_bytes());
    body.extend_from_slice(payload);
    let (ring, nonce) = (keys.ring(), random::bytes::<12>());
    let key = ring.page(now);
    if key.seal(nonce, b"page", &mut body).is_err() {
        return String::new();
    }
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.extend_from_slice(&key.id.to_be_bytes());
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&body);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Opens a state. `None` if it is not ours or has another purpose. `fit` says which parts of a binding fit the request.
#[must_use]
pub fn open(
    keys: &Keys,
    purpose: Purpose,
    fit: impl Fn(&Binding) -> Fit,
    now: Instant,
    sealed: &str,
) -> Option<Opened> {
    if sealed.len() > text_length(LONGEST_PAYLOAD) {
        return None;
    }
    let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
    let (head, body) = bytes.split_at_mut_checked(HEAD)?;
    let id = u32::from_be_bytes(head[..4].try_into().ok()?);
    let nonce = head[4..].try_into().ok()?;
    let ring = keys.ring();
    let plain = ring.page_by_id(id, now)?.open(nonce, b"page", body).ok()?;
    let (kind, rest) = plain.split_first_chunk::<1>()?;
    let (browser, rest) = rest.split_first_chunk::<32>()?;
    let (person, rest) = rest.split_first_chunk::<16>()?;
    let (expires, payload) = rest.split_first_chunk::<8>()?;
    if kind[0] != purpose as u8 {
        return None;
    }
    let person = Some(UserId(Uuid::from_bytes(*person))).filter(|person| !person.0.is_nil());
    let fit = fit(&Binding {
        browser: *browser,
        person,
    });
    let own = fit.browser && fit.person;
    Some(Opened {
        payload: payload.to_vec(),
        browser: fit.browser,
        person,
        own,
        fits: own && now < Instant(i64::from_be_bytes(*expires)),
    })
}
