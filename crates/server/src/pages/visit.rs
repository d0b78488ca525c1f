//! A request for a page: who asks, from which browser, in which language; and the answer with the headers of a page.

use super::state::{self, Binding, Opened, Purpose};
use crate::app::Hallpass;
use crate::body::{self, Unread};
use crate::oauth::Refusal;
use crate::random;
use crate::respond::{self, Response};
use crate::store::model::{Session, SessionId, Status, User};
use crate::time::Instant;
use crate::view::{self, ErrorKind, Frame, Locale};
use aws_lc_rs::digest;
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hallpass_wire::Parameters;
use http::{HeaderName, HeaderValue, Request, header, request::Parts};
use std::sync::Arc;
use std::time::Duration;

/// How long a sign-in lasts.
const SESSION: Duration = Duration::from_secs(12 * 60 * 60);

/// A request for a page.
pub struct Visit {
    /// The server.
    pub hallpass: Arc<Hallpass>,
    /// The present moment, read once.
    pub now: Instant,
    /// Method, address and headers.
    pub parts: Parts,
    /// Who is signed in.
    pub user: Option<Arc<User>>,
    /// The language of the answer.
    pub locale: Locale,
    browser: Browser,
}

/// The browser, known by its cookie. Before the sign-in the cookie names no session: it only binds sealed states.
struct Browser {
    id: [u8; 32],
    fresh: Option<String>,
}

/// A form that came with a POST.
pub struct Form(Vec<(String, String)>);

impl Form {
    /// The value of a field; `None` where it is absent or empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    /// Whether a field, such as a button, was sent at all.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Every value of a field (checkboxes).
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> + use<'_> {
        let name = name.to_owned();
        self.0
            .iter()
            .filter(move |(other, _)| *other == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Visit {
    /// Reads who is asking.
    ///
    /// # Errors
    /// The answer to give instead, where the database is away.
    pub async fn begin(hallpass: &Arc<Hallpass>, parts: Parts) -> Result<Self, Response> {
        let now = hallpass.now();
        let sent = cookie(&parts, cookie_name(hallpass)).map(|token| session_id(&token));
        let browser = match sent {
            Some(id) => Browser { id: id.0, fresh: None },
            None => Browser::fresh(),
        };
        let accepted = parts
            .headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        let locale = Locale::negotiate(None, accepted);
        let mut visit = Self {
            hallpass: hallpass.clone(),
            now,
            parts,
            user: None,
            locale,
            browser,
        };
        if let Some(id) = sent {
            let user = visit.signed_in(id).await.map_err(|refusal| visit.failed(&refusal))?;
            let of_user = user.as_ref().and_then(|user| user.locale.clone());
            let accepted = visit
                .parts
                .headers
                .get(header::ACCEPT_LANGUAGE)
                .and_then(|value| value.to_str().ok());
            visit.locale = Locale::negotiate(of_user.as_deref(), accepted);
            visit.user = user;
        }
        Ok(visit)
    }

    /// Reads who is asking, and the form they send. A form from another site is refused; one without an `Origin` header is
    /// left to its sealed state.
    ///
    /// # Errors
    /// The answer to give instead.
    pub async fn begin_post(hallpass: &Arc<Hallpass>, request: Request<Body>) -> Result<(Self, Form), Response> {
        let (parts, body) = request.into_parts();
        let visit = Self::begin(hallpass, parts).await?;
        if !visit.is_own_origin() {
            return Err(visit.error(403, ErrorKind::ForeignOrigin));
        }
        let body = body::read(body).await.map_err(|unread| match unread {
            Unread::TooLarge => visit.error(413, ErrorKind::TooLarge),
            Unread::Broken => visit.error(400, ErrorKind::BadForm),
        })?;
        let fields = form_urlencoded::parse(&body).into_owned().collect();
        if std::str::from_utf8(&body).is_err() {
            return Err(visit.error(400, ErrorKind::BadForm));
        }
        Ok((visit, Form(fields)))
    }

    /// Seals what the page carries to its form.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, payload: &[u8]) -> String {
        state::seal(&self.hallpass.keys, purpose, self.binding(), self.now, payload)
    }

    /// Opens what the form brought back.
    #[must_use]
    pub fn open(&self, purpose: Purpose, form: &Form) -> Option<Opened> {
        state::open(
            &self.hallpass.keys,
            purpose,
            self.binding(),
            self.now,
            form.get("state")?,
        )
    }

    /// The path and query that were asked for, below the public address.
    #[must_use]
    pub fn place(&self) -> &str {
        self.parts
            .uri
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str)
    }

    /// The parameters of the query.
    ///
    /// # Errors
    /// Where they are repeated, too large, or no text.
    pub fn query(&self) -> Result<Parameters<'_>, Refusal> {
        let query = self.parts.uri.query().unwrap_or_default().as_bytes();
        Parameters::parse(query).map_err(|error| Refusal::Malformed(error.to_string()))
    }

    /// An address below the public one.
    #[must_use]
    pub fn address(&self, place: &str) -> String {
        format!("{}{place}", self.hallpass.base)
    }

    /// Renders with what surrounds every page.
    pub fn render(&self, status: u16, page: impl FnOnce(&Frame<'_>) -> String) -> Response {
        let csrf = if self.user.is_some() {
            self.seal(Purpose::Logout, &[])
        } else {
            String::new()
        };
        let html = page(&Frame {
            brand: &self.hallpass.config.brand.name,
            base: &self.hallpass.base,
            locale: self.locale,
            person: self.user.as_ref().map(|user| user.name.as_str()),
            csrf: &csrf,
        });
        self.finish(protected(respond::bytes(status, "text/html; charset=utf-8", html)))
    }

    /// An error page.
    #[must_use]
    pub fn error(&self, status: u16, kind: ErrorKind<'_>) -> Response {
        let mut response = self.render(status, |frame| {
            view::Error {
                status,
                kind,
                detail: None,
                back: None,
            }
            .render(frame)
        });
        if status == 503 {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    /// The page for something that failed on our side.
    #[must_use]
    pub fn failed(&self, refusal: &Refusal) -> Response {
        tracing::warn!(%refusal, "a page could not be given");
        match refusal {
            Refusal::Unavailable | Refusal::Busy => self.error(503, ErrorKind::Unavailable),
            _ => self.error(500, ErrorKind::Internal),
        }
    }

    /// A redirect after a POST, to a place below the public address or to an app.
    #[must_use]
    pub fn go(&self, location: &str) -> Response {
        self.finish(respond::see_other(location))
    }

    /// Signs a person in: the session gets a new id, so one that was planted before is worth nothing.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn sign_in(&mut self, user: &User) -> Result<(), Refusal> {
        self.sign_out().await?;
        let id = SessionId(self.browser.id);
        let session = Session {
            id,
            user: user.id,
            created: self.now,
            expires: self.now.after(SESSION),
        };
        self.hallpass.store.create_session(session).await?;
        Ok(())
    }

    /// Ends the session, here and in the database, and gives the browser a new, anonymous cookie.
    ///
    /// # Errors
    /// Where the database is away.
    pub async fn sign_out(&mut self) -> Result<(), Refusal> {
        if self.user.take().is_some() {
            self.hallpass.store.delete_session(SessionId(self.browser.id)).await?;
        }
        self.browser = Browser::fresh();
        Ok(())
    }

    async fn signed_in(&self, id: SessionId) -> Result<Option<Arc<User>>, Refusal> {
        let Some(session) = self.hallpass.store.session(id, self.now).await? else {
            return Ok(None);
        };
        let user = self.hallpass.user(session.user).await?;
        Ok(user.filter(|user| user.status == Status::Active))
    }

    fn binding(&self) -> Binding {
        Binding {
            browser: self.browser.id,
            person: self.user.as_ref().map(|user| user.id),
        }
    }

    fn is_own_origin(&self) -> bool {
        let Some(origin) = self.parts.headers.get(header::ORIGIN) else {
            return true;
        };
        let Ok(own) = url::Url::parse(&self.hallpass.issuer) else {
            return false;
        };
        origin
            .to_str()
            .is_ok_and(|origin| origin == own.origin().ascii_serialization() || is_same_computer(origin, &own))
    }

    fn finish(&self, mut response: Response) -> Response {
        // A POST from another site comes without the SameSite cookie: a new one would take the session's place.
        let fresh = self.browser.fresh.as_ref().filter(|_| self.is_own_origin());
        if let Some(token) = fresh {
            let secure = if self.hallpass.is_https() { "; Secure" } else { "" };
            let name = cookie_name(&self.hallpass);
            respond::set(
                &mut response,
                header::SET_COOKIE,
                &format!("{name}={token}; Path=/; HttpOnly; SameSite=Lax{secure}"),
            );
        }
        response
    }
}

impl Browser {
    fn fresh() -> Self {
        let token = URL_SAFE_NO_PAD.encode(random::bytes::<32>());
        Self {
            id: session_id(&token).0,
            fresh: Some(token),
        }
    }
}

/// The database keeps the hash only: who reads it opens no session.
fn session_id(token: &str) -> SessionId {
    let mut id = [0; 32];
    id.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
    SessionId(id)
}

/// With https the `__Host-` prefix keeps other hosts of the domain from planting one.
fn cookie_name(hallpass: &Hallpass) -> &'static str {
    if hallpass.is_https() {
        "__Host-hallpass"
    } else {
        "hallpass"
    }
}

fn cookie(parts: &Parts, name: &str) -> Option<String> {
    let headers = parts
        .headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = headers
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    // Ours are 43 characters; anything else binds nothing and is replaced.
    pairs
        .find(|(other, value)| *other == name && value.len() == 43)
        .map(|(_, value)| value.to_owned())
}

/// While trying things out people mix `localhost` and `127.0.0.1`; both are this computer, on the same port.
fn is_same_computer(origin: &str, own: &url::Url) -> bool {
    let local = |url: &url::Url| matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let same = |origin: &url::Url| {
        origin.scheme() == own.scheme() && origin.port_or_known_default() == own.port_or_known_default()
    };
    url::Url::parse(origin).is_ok_and(|origin| local(&origin) && local(own) && same(&origin))
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
