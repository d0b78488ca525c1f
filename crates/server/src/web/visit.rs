//! A request for a page, with its person, browser and language. Also renders the answer, with the headers of every page.

mod by_site;

use super::address;
use super::browser::Browser;
use super::form::Form;
use super::state::{self, Binding, Fit, LONGEST_PLACE, Opened, Purpose};
use crate::accounts::limits::places::place;
use crate::apps::permission::has_developer_pages;
use crate::audit::Who;
use crate::http::respond;
use crate::http::respond::Response;
use crate::http::source::Peer;
use crate::oauth::Refusal;
use crate::serve::hallpass::Hallpass;
use crate::store::StoreError;
use crate::store::model::{AuditAction, Session, SessionId, SessionKind, Status, User};
use crate::time::Instant;
use crate::web::view;
use crate::web::view::{Back, ErrorKind, Frame, Locale, Notice, ScopeLine, SwitchAccount};
use axum::body::Body;
use axum::extract::FromRequest;
use hallpass_wire::public_error::Trouble;
use hallpass_wire::{Parameters, PublicError, Scopes};
use http::{HeaderName, HeaderValue, Request, Version, header, request::Parts};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

/// How long a sign-in lasts.
const SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// [`LONGEST_PLACE`] on HTTP/2, where all headers together have 8 KiB.
const LONGEST_PLACE_HTTP_2: usize = 4 * 1024;

/// A request for a page.
pub(crate) struct Visit {
    /// The server.
    pub hallpass: Arc<Hallpass>,
    /// The present moment, read once.
    pub now: Instant,
    /// Method, address and headers.
    pub parts: Parts,
    /// The person who is signed in.
    pub user: Option<Arc<User>>,
    /// How the session of the person began, and by which request to the site.
    began: Option<(SessionKind, Option<[u8; 32]>)>,
    /// The language of the answer.
    pub locale: Locale,
    /// A notice at the top of the page.
    pub notice: Option<Notice>,
    /// Whether the navigation links to the developer pages. It does so for a person who is not signed in: they may be a
    /// developer.
    develops: bool,
    browser: Browser,
}

impl FromRequest<Arc<Hallpass>> for Visit {
    type Rejection = Response;

    async fn from_request(request: Request<Body>, hallpass: &Arc<Hallpass>) -> Result<Self, Response> {
        let visit = Self::begin(hallpass, request.into_parts().0).await?;
        if visit.is_too_long() {
            return Err(visit.error(414, ErrorKind::TooLarge));
        }
        Ok(visit)
    }
}

impl Visit {
    /// Reads the person, the browser and the language of a request.
    ///
    /// # Errors
    /// If the database is away. The error is the answer to send.
    pub(crate) async fn begin(hallpass: &Arc<Hallpass>, parts: Parts) -> Result<Self, Response> {
        let mut visit = Self {
            hallpass: hallpass.clone(),
            now: hallpass.now(),
            locale: negotiate(&parts, None),
            browser: Browser::read(hallpass, &parts.headers),
            notice: None,
            parts,
            user: None,
            began: None,
            develops: true,
        };
        if let Err(seen) = address::check_host(hallpass, &visit.parts) {
            let own = hallpass.issuer.as_str();
            return Err(visit.error(421, ErrorKind::ForeignHost { seen: &seen, own }));
        }
        // Must be fresh: the keys that open the state of a form are in memory too.
        let fresh = hallpass.feed.fresh().await;
        fresh.map_err(|error| visit.failed(error))?;
        if let Some(id) = visit.browser.session() {
            let found = visit.signed_in(id).await.map_err(|refusal| visit.failed(refusal))?;
            (visit.user, visit.began) = found.unzip();
            let of_user = visit.user.as_ref().and_then(|user| user.locale.as_deref());
            visit.locale = negotiate(&visit.parts, of_user);
        }
        Ok(visit)
    }

    /// Finds out which pages the navigation may link to for this person.
    ///
    /// # Errors
    /// If the database is away. The error is the answer to send.
    pub(crate) async fn with_navigation(mut self) -> Result<Self, Response> {
        if let Some(user) = &self.user {
            let develops = has_developer_pages(&self.hallpass, user).await;
            self.develops = develops.map_err(|refusal| self.failed(refusal))?;
        }
        Ok(self)
    }

    /// Seals the state that the page gives to its form.
    #[must_use]
    pub(crate) fn seal(&self, purpose: Purpose, payload: &[u8]) -> String {
        state::seal(&self.hallpass.keys, purpose, self.binding(), self.now, payload)
    }

    /// Opens the state that the form sent back.
    #[must_use]
    pub(crate) fn open(&self, purpose: Purpose, form: &Form) -> Option<Opened> {
        let (keys, fit) = (&self.hallpass.keys, |binding: &Binding| self.fit(binding));
        state::open(keys, purpose, fit, self.now, form.get("state")?)
    }

    /// Seals the state of a form that comes back after a sign-in ([`super::onward`]). A sign-out in another tab removes the
    /// session cookie, so the state also names the browser by its binding cookie.
    #[must_use]
    pub(crate) fn seal_to_return(&self, purpose: Purpose, payload: &[u8]) -> String {
        self.seal(purpose, &[payload, &self.browser.binding()].concat())
    }

    /// Opens a state that [`Visit::seal_to_return`] sealed. The state of the previous version has at most an id and no binding.
    #[must_use]
    pub(crate) fn open_returned(&self, purpose: Purpose, form: &Form) -> Option<Opened> {
        let mut opened = self.open(purpose, form)?;
        if let Some((payload, binding)) = opened.payload.split_last_chunk() {
            opened.browser |= self.browser.is_bound(binding);
            opened.payload = payload.to_vec();
        }
        Some(opened)
    }

    /// Whether the browser sent a cookie of ours. If a form comes without one, it was begun in another browser, or the browser
    /// keeps no cookies.
    #[must_use]
    pub(crate) fn brought_cookies(&self) -> bool {
        self.browser.brought_cookies()
    }

    /// The source of the request.
    #[must_use]
    pub(crate) fn source(&self) -> IpAddr {
        let peer = self.parts.extensions.get::<Peer>().copied();
        let peer = peer.unwrap_or(Peer(Ipv4Addr::UNSPECIFIED.into()));
        self.hallpass.proxies.source(peer, &self.parts.headers)
    }

    /// A person at this browser, for the audit log.
    #[must_use]
    pub(crate) fn who(&self, user: &User) -> Who {
        Who::user(user.id, self.source())
    }

    /// The path and query that were asked for, below the public address.
    #[must_use]
    pub(crate) fn place(&self) -> &str {
        self.parts
            .uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str)
    }

    /// Whether the place is too long for a form to send back.
    #[must_use]
    pub(crate) fn is_too_long(&self) -> bool {
        self.place().len() > longest_place(self.parts.version)
    }

    /// The parameters of the query that the page knows.
    #[must_use]
    pub(crate) fn query(&self, known: &[&'static str]) -> Parameters<'_> {
        Parameters::read(self.parts.uri.query().unwrap_or_default().as_bytes(), known)
    }

    /// An address below the public one.
    #[must_use]
    pub(crate) fn address(&self, place: &str) -> String {
        format!("{}{place}", self.hallpass.base)
    }

    /// The lines that say what these scopes allow, in the language of the answer and the order of the scopes.
    #[must_use]
    pub(crate) fn scope_lines(&self, scopes: &Scopes) -> Vec<ScopeLine<'_>> {
        let catalogue = &self.hallpass.config.scopes;
        let entries = scopes.iter().filter_map(|scope| catalogue.get(scope));
        let locale = self.locale.tag();
        entries
            .map(|entry| ScopeLine {
                title: entry.title.get(locale),
                description: entry.description.as_ref().map(|text| text.get(locale)),
            })
            .collect()
    }

    /// Renders a page inside the frame that every page has.
    pub(crate) fn render(&self, status: u16, page: impl FnOnce(&Frame<'_>) -> String) -> Response {
        let sign_out = if self.user.is_some() {
            self.seal(Purpose::Logout, &[])
        } else {
            String::new()
        };
        let html = page(&Frame {
            brand: &self.hallpass.config.brand.name,
            base: &self.hallpass.base,
            locale: self.locale,
            person: self.user.as_ref().map(|user| user.name.as_str()),
            develops: self.develops,
            sign_out: &sign_out,
            notice: self.notice,
        });
        let mut response = protected(respond::bytes(status, "text/html; charset=utf-8", html));
        if is_apart(self.parts.uri.path()) {
            let opener = HeaderName::from_static("cross-origin-opener-policy");
            response
                .headers_mut()
                .insert(opener, HeaderValue::from_static("same-origin"));
        }
        self.finish(response)
    }

    /// An error page.
    #[must_use]
    pub(crate) fn error(&self, status: u16, kind: ErrorKind<'_>) -> Response {
        self.error_with(status, kind, None)
    }

    /// An error page with the way back to an app.
    #[must_use]
    pub(crate) fn error_with(&self, status: u16, kind: ErrorKind<'_>, back: Option<Back<'_>>) -> Response {
        let switch = None;
        let error = view::ErrorPage {
            status,
            kind,
            back,
            switch,
        };
        let mut response = self.render(status, |frame| error.render(frame));
        if status == 503 {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    /// An error page for a person who may succeed with another account. Its button leads to the sign-in, and then to `place`.
    #[must_use]
    pub(crate) fn wrong_account(&self, kind: ErrorKind<'_>, back: Option<Back<'_>>, place: &str) -> Response {
        let status = 403;
        let (action, blob) = (self.address("/switch"), self.seal(Purpose::Switch, place.as_bytes()));
        let switch = Some(SwitchAccount {
            action: &action,
            blob: &blob,
        });
        let error = view::ErrorPage {
            status,
            kind,
            back,
            switch,
        };
        self.render(status, |frame| error.render(frame))
    }

    /// The page for a failure of the server.
    #[must_use]
    pub(crate) fn failed(&self, refusal: impl Into<Refusal>) -> Response {
        let refusal = refusal.into();
        tracing::warn!(reason = refusal.word(), %refusal, "failed to render the page");
        match refusal.public() {
            PublicError::Trouble(Trouble::Busy) => self.error(503, ErrorKind::Unavailable),
            _ => self.error(500, ErrorKind::Internal),
        }
    }

    /// A redirect after a POST, to a place below the public address or to an app.
    #[must_use]
    pub(crate) fn go(&self, location: &str) -> Response {
        self.finish(respond::see_other(location))
    }

    /// Signs a person in. The session gets a new id, so an id that an attacker planted before is worthless.
    ///
    /// `false` if the password was changed or the person suspended since the password was checked.
    ///
    /// # Errors
    /// If the database is away.
    pub(crate) async fn sign_in(&mut self, user: &User) -> Result<bool, Refusal> {
        self.sign_out().await?;
        let session = Session {
            kind: SessionKind::Own,
            request: None,
            id: self.browser.begin_session(),
            user: user.id,
            created: self.now,
            expires: self.now.after(SESSION),
        };
        let event = self.who(user).did(AuditAction::SignedIn, self.now).user(user.id);
        let store = self.hallpass.store.recording(event);
        let place = place(self.hallpass.keys.declared(), user.id, self.source());
        match store.create_session(session, user.password.as_deref(), &place).await {
            Ok(()) => {
                self.locale = negotiate(&self.parts, user.locale.as_deref());
                self.user = Some(Arc::new(user.clone()));
                self.began = Some((SessionKind::Own, None));
                Ok(true)
            }
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends the session, in the browser and in the database.
    ///
    /// # Errors
    /// If the database is away.
    pub(crate) async fn sign_out(&mut self) -> Result<(), Refusal> {
        if let (Some(_), Some(id)) = (self.user.take(), self.browser.session()) {
            self.hallpass.store.delete_session(id).await?;
        }
        self.browser.end_session();
        Ok(())
    }

    async fn signed_in(&self, id: SessionId) -> Result<Option<(Arc<User>, (SessionKind, Option<[u8; 32]>))>, Refusal> {
        let session = self.hallpass.store.session(id, self.now).await?;
        let Some(session) = session.filter(|session| self.is_open(session)) else {
            return Ok(None);
        };
        let user = self.hallpass.directory.user(session.user).await?;
        let user = user.filter(|user| user.status == Status::Active);
        // The site has no say over people who operate the server.
        let user = user.filter(|user| session.kind == SessionKind::Own || !user.admin);
        Ok(user.map(|user| (user, (session.kind, session.request))))
    }

    fn binding(&self) -> Binding {
        let session = self.user.as_ref().and_then(|_| self.browser.session());
        Binding {
            browser: session.map_or_else(|| self.browser.binding(), |session| session.0),
            person: self.user.as_ref().map(|user| user.id),
        }
    }

    /// Whether the binding fits this browser and the signed-in person. No form outlives its session.
    fn fit(&self, binding: &Binding) -> Fit {
        Fit {
            browser: match binding.person {
                Some(_) => self.browser.session() == Some(SessionId(binding.browser)),
                None => self.browser.is_bound(&binding.browser),
            },
            person: binding.person == self.user.as_ref().map(|user| user.id),
        }
    }

    /// An answer with the headers and cookies that every answer to a browser has.
    pub(crate) fn finished(&self, response: Response) -> Response {
        self.finish(response)
    }

    fn finish(&self, mut response: Response) -> Response {
        // A POST from another site comes without our SameSite cookies, and must not replace or multiply them.
        if address::is_own_host(&self.hallpass, &self.parts) && address::is_own_origin(&self.hallpass, &self.parts) {
            self.browser.set_cookies(&self.hallpass, &mut response);
        }
        if self.hallpass.is_https() {
            let year = HeaderValue::from_static("max-age=31536000");
            response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, year);
        }
        response
    }
}

fn longest_place(version: Version) -> usize {
    if version == Version::HTTP_2 {
        LONGEST_PLACE_HTTP_2
    } else {
        LONGEST_PLACE
    }
}

/// The language that the person chose, else one that the browser accepts.
fn negotiate(parts: &Parts, of_user: Option<&str>) -> Locale {
    let accepted = parts.headers.get(header::ACCEPT_LANGUAGE);
    Locale::negotiate(of_user, accepted.and_then(|value| value.to_str().ok()))
}

/// Whether to cut the window of this page off from the window that opened it. Apps open sign-in and consent in separate windows
/// and check whether these are still open, so those pages are not cut off.
fn is_apart(path: &str) -> bool {
    let below = |place: &str| {
        let rest = path.strip_prefix(place);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    ["/account", "/developer", "/organizations"].into_iter().any(below)
}

/// The headers of every page. There is no `form-action` here: browsers apply it to the whole chain of redirects after the
/// consent form, which ends at the app.
fn protected(mut response: Response) -> Response {
    const HEADERS: [(HeaderName, &str); 5] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
