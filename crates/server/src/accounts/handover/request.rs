//! The request for a sign-in that a browser carries to the site.
//!
//! It is sealed, so the site and the browser can neither read nor change it, and nothing is stored before the site answers. It
//! is at most [`LONGEST`] characters long, because sites keep it in their own addresses and sessions while a person signs in.

use crate::keys::Keys;
use crate::random;
use crate::time::Instant;
use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hallpass_wire::Parameters;
use hallpass_wire::pkce::CodeChallenge;
use std::time::Duration;

/// The longest request, in characters.
pub(crate) const LONGEST: usize = 2_000;
/// How long a person may take to sign in at the site.
const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// The form of the text. Another version has another number.
const VERSION: u8 = 1;
const HEAD: usize = 4 + 12;
const PURPOSE: &[u8] = b"handover";
/// The parameter of our own queries with the moment since which the person must have signed in.
pub(crate) const AFTER: &str = "after";

/// A request for a sign-in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct HandoverRequest {
    /// The SHA-256 of its sealed form. The database knows it only by this.
    pub hash: [u8; 32],
    /// The hash of a binding cookie of the browser that began.
    pub browser: [u8; 32],
    /// When it ends.
    pub expires: Instant,
    /// What the sign-in is for.
    pub asks: Asks,
    /// The person must have signed in at the site since this moment, in Unix seconds.
    pub after: Option<i64>,
    /// The account that the person probably uses (OpenID Connect Core 1.0 §3.1.2.1).
    pub login_hint: Option<String>,
    /// The wanted authentication context classes.
    pub acr_values: Option<String>,
    /// The languages that the person reads, the preferred first.
    pub ui_locales: Option<String>,
}

/// What a sign-in is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Asks {
    /// An authorization request of an app.
    App(AppRequest),
    /// A page of the person's own, by its path and query.
    Pages(String),
}

/// An authorization request (RFC 6749 §4.1.1), with the parameters that have a meaning here.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct AppRequest {
    /// The app.
    pub client_id: String,
    /// The target of the answer, if the request named it.
    pub redirect_uri: Option<String>,
    /// The requested scopes.
    pub scope: Option<String>,
    /// The app's own value.
    pub state: Option<String>,
    /// The S256 challenge (RFC 7636 §4.2).
    pub challenge: Option<[u8; 32]>,
    /// Whether the app limited the age of the sign-in, and is told if the site does not keep to it.
    pub max_age: bool,
}

/// What a text opens to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Opened {
    /// A request that has not ended.
    Fresh(HandoverRequest),
    /// A request of this server that has ended.
    Expired(HandoverRequest),
    /// Not a request of this server, or its key was revoked.
    Unknown,
}

impl AppRequest {
    /// The authorization request in a query that was judged.
    #[must_use]
    pub(crate) fn of(query: &Parameters<'_>) -> Self {
        let text = |name| query.get(name).map(str::to_owned);
        Self {
            client_id: query.get("client_id").unwrap_or_default().to_owned(),
            redirect_uri: text("redirect_uri"),
            scope: text("scope"),
            state: text("state"),
            challenge: query
                .get("code_challenge")
                .and_then(CodeChallenge::parse)
                .map(|challenge| challenge.0),
            max_age: query.get("max_age").is_some(),
        }
    }

    /// The query of the same authorization request.
    #[must_use]
    pub(crate) fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.client_id);
        let texts = [
            ("redirect_uri", &self.redirect_uri),
            ("scope", &self.scope),
            ("state", &self.state),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        if let Some(challenge) = self.challenge {
            query.append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge));
            query.append_pair("code_challenge_method", "S256");
        }
        query.finish()
    }
}

impl HandoverRequest {
    /// The query of the authorization request, with what the person's sign-in must keep to. It never leaves this server: the page
    /// of the consent carries it, sealed.
    #[must_use]
    pub(crate) fn query(&self, app: &AppRequest) -> String {
        let mut query = form_urlencoded::Serializer::new(app.query());
        if let Some(after) = self.after {
            query.append_pair(AFTER, &after.to_string());
        }
        if app.max_age {
            query.append_pair("max_age", "0");
        }
        let hints = [
            ("login_hint", &self.login_hint),
            ("acr_values", &self.acr_values),
            ("ui_locales", &self.ui_locales),
        ];
        for (name, text) in hints {
            if let Some(text) = text {
                query.append_pair(name, text);
            }
        }
        query.finish()
    }

    /// Reads a query of [`HandoverRequest::query`], or of an app, for a sign-in that begins now in this browser.
    #[must_use]
    pub(crate) fn of_query(browser: [u8; 32], query: &Parameters<'_>, now: Instant) -> Self {
        let text = |name| query.get(name).map(str::to_owned);
        Self {
            after: query.get(AFTER).and_then(|after| after.parse().ok()),
            login_hint: text("login_hint"),
            acr_values: text("acr_values"),
            ui_locales: text("ui_locales"),
            ..Self::new(browser, Asks::App(AppRequest::of(query)), now)
        }
    }

    /// The same request, for a sign-in that begins now in this browser.
    #[must_use]
    pub(crate) fn again(&self, browser: [u8; 32], now: Instant) -> Self {
        Self {
            browser,
            expires: now.after(LIFETIME),
            ..self.clone()
        }
    }

    /// A request that begins now in this browser.
    #[must_use]
    pub(crate) fn new(browser: [u8; 32], asks: Asks, now: Instant) -> Self {
        Self {
            hash: [0; 32],
            browser,
            expires: now.after(LIFETIME),
            asks,
            after: None,
            login_hint: None,
            acr_values: None,
            ui_locales: None,
        }
    }

    /// Seals the request. `None` if it would be longer than [`LONGEST`].
    #[must_use]
    pub(crate) fn seal(&self, keys: &Keys, now: Instant) -> Option<String> {
        let (ring, nonce) = (keys.ring(), random::bytes::<12>());
        let key = ring.page(now);
        let mut body = self.encode();
        key.seal(nonce, PURPOSE, &mut body).ok()?;
        let bytes = [&key.id.to_be_bytes(), &nonce[..], &body].concat();
        Some(URL_SAFE_NO_PAD.encode(bytes)).filter(|text| text.len() <= LONGEST)
    }

    /// Opens a text that [`HandoverRequest::seal`] made.
    #[must_use]
    pub(crate) fn open(keys: &Keys, now: Instant, text: &str) -> Opened {
        let opened = || {
            let mut bytes = URL_SAFE_NO_PAD
                .decode(Some(text).filter(|text| text.len() <= LONGEST)?)
                .ok()?;
            let hash = hash(&bytes);
            let (head, body) = bytes.split_at_mut_checked(HEAD)?;
            let id = u32::from_be_bytes(head[..4].try_into().ok()?);
            let nonce = head[4..].try_into().ok()?;
            let ring = keys.ring();
            let plain = ring.page_by_id(id, now)?.open(nonce, PURPOSE, body).ok()?;
            Self::decode(hash, plain)
        };
        match opened() {
            Some(request) if now < request.expires => Opened::Fresh(request),
            Some(request) => Opened::Expired(request),
            None => Opened::Unknown,
        }
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&self.browser);
        bytes.extend_from_slice(&self.expires.0.to_be_bytes());
        let mut put = |field: Field, value: &[u8]| {
            bytes.push(field as u8);
            bytes.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend_from_slice(value);
        };
        match &self.asks {
            Asks::Pages(place) => put(Field::Place, place.as_bytes()),
            Asks::App(app) => {
                put(Field::ClientId, app.client_id.as_bytes());
                let texts = [
                    (Field::RedirectUri, &app.redirect_uri),
                    (Field::Scope, &app.scope),
                    (Field::State, &app.state),
                ];
                for (field, text) in texts {
                    text.iter().for_each(|text| put(field, text.as_bytes()));
                }
                app.challenge
                    .iter()
                    .for_each(|challenge| put(Field::Challenge, challenge));
                if app.max_age {
                    put(Field::MaxAge, &[]);
                }
            }
        }
        let hints = [
            (Field::LoginHint, &self.login_hint),
            (Field::AcrValues, &self.acr_values),
            (Field::UiLocales, &self.ui_locales),
        ];
        for (field, text) in hints {
            text.iter().for_each(|text| put(field, text.as_bytes()));
        }
        self.after
            .iter()
            .for_each(|after| put(Field::After, &after.to_be_bytes()));
        bytes
    }

    fn decode(hash: [u8; 32], bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (browser, rest) = rest.split_first_chunk::<32>()?;
        let (expires, mut rest) = rest.split_first_chunk::<8>()?;
        let mut request = Self {
            hash,
            expires: Instant(i64::from_be_bytes(*expires)),
            ..Self::new(*browser, Asks::Pages(String::new()), Instant(0))
        };
        let mut app = AppRequest::default();
        while let Some((tag, more)) = rest.split_first() {
            let (length, more) = more.split_first_chunk::<2>()?;
            let (value, more) = more.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            rest = more;
            let text = || String::from_utf8(value.to_vec()).ok();
            match Field::of(*tag)? {
                Field::ClientId => app.client_id = text()?,
                Field::RedirectUri => app.redirect_uri = Some(text()?),
                Field::Scope => app.scope = Some(text()?),
                Field::State => app.state = Some(text()?),
                Field::Challenge => app.challenge = Some(value.try_into().ok()?),
                Field::MaxAge => app.max_age = true,
                Field::Place => request.asks = Asks::Pages(text()?),
                Field::LoginHint => request.login_hint = Some(text()?),
                Field::AcrValues => request.acr_values = Some(text()?),
                Field::UiLocales => request.ui_locales = Some(text()?),
                Field::After => request.after = Some(i64::from_be_bytes(value.try_into().ok()?)),
            }
        }
        if !app.client_id.is_empty() {
            request.asks = Asks::App(app);
        }
        Some(request)
    }
}

/// The hash by which the database knows a request, and a message of the site.
pub(super) fn hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}

/// A field of the sealed form.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    ClientId = 1,
    RedirectUri,
    Scope,
    State,
    Challenge,
    MaxAge,
    Place,
    LoginHint,
    AcrValues,
    UiLocales,
    After,
}

impl Field {
    fn of(tag: u8) -> Option<Self> {
        const ALL: [Field; 11] = [
            Field::ClientId,
            Field::RedirectUri,
            Field::Scope,
            Field::State,
            Field::Challenge,
            Field::MaxAge,
            Field::Place,
            Field::LoginHint,
            Field::AcrValues,
            Field::UiLocales,
            Field::After,
        ];
        ALL.into_iter().find(|field| *field as u8 == tag)
    }
}
