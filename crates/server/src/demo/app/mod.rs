//! Acme Reports, the sample third-party app: a small web app that uses an API behind Hallpass.
//!
//! The app knows the server only by its endpoints and its own client credentials. `hallpass-client` does what RFC 9700
//! requires of a client: state, PKCE with S256, the issuer check, one refresh at a time. Its keeper holds the tokens in
//! memory. The browser holds a session cookie and sees every request and answer, with secrets shortened.

mod actions;
mod connect;
mod held;
mod keeping;
mod moments;
mod network;
mod pages;
mod session;
mod steps;
mod tour;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use hallpass_client::keeper::ConnectRequest;
use hallpass_wire::Parameters;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt as _, Limited};
use subtle::ConstantTimeEq as _;
use tokio::sync::Mutex;

use self::actions::{Action, ActionContext};
use self::connect::Foreign;
use self::keeping::KeepingError;
use self::session::{SampleSession, Sessions};
use super::clock::DemoClock;
use super::outgoing::{Credentials, Http};
use super::own_pages::{asset, at_home, foreign, redirect, style};
use super::people::Person;
use super::world::{Call, ClientAuthentication};
use crate::config::GrantType;
use crate::http::cookies;
use crate::http::respond;
use crate::web::address;

const LARGEST_FORM: usize = 16 * 1024;

/// The settings of the sample app.
pub(super) struct SampleApp {
    /// The URL of the app, without trailing slash.
    pub(super) url: String,
    pub(super) brand: String,
    pub(super) issuer: String,
    pub(super) endpoints: ServerAddresses,
    pub(super) api_url: String,
    pub(super) client_authentication: ClientAuthentication,
    pub(super) scope: Option<String>,
    pub(super) calls: Vec<Call>,
    pub(super) scopes: Vec<CatalogueRow>,
    pub(super) people: Vec<Person>,
    pub(super) settings: Vec<Settings>,
    /// `None` if people sign in at the server itself.
    pub(super) site: Option<SignInSite>,
    /// `None` if refresh tokens do not expire by age.
    pub(super) refresh_lifetime: Option<Duration>,
    pub(super) registrations: Vec<Registration>,
    pub(super) http: Http,
    pub(super) clock: Arc<DemoClock>,
}

/// A scope and the endpoints that it opens.
pub(super) struct CatalogueRow {
    pub(super) scope: String,
    pub(super) title: String,
    pub(super) endpoints: Vec<String>,
}

/// The site where people sign in.
pub(super) struct SignInSite {
    pub(super) url: String,
    /// Whether it is the sample site.
    pub(super) is_sample: bool,
}

/// The API settings of an organization.
pub(super) struct Settings {
    pub(super) organization: String,
    pub(super) url: String,
}

/// The URLs of the server's endpoints.
pub(super) struct ServerAddresses {
    pub(super) authorize: String,
    pub(super) token: String,
    pub(super) introspect: String,
    pub(super) revoke: String,
    pub(super) identity: String,
}

/// One client that the developer registered.
pub(super) struct Registration {
    pub(super) name: String,
    /// The organization that owns it, if only its people can connect it.
    pub(super) owner: Option<String>,
    /// The people who can connect it, and how. The page names the owner before it.
    pub(super) about: String,
    pub(super) credentials: Credentials,
    /// `None` if the person copies the code by hand.
    pub(super) redirect_uri: Option<String>,
    pub(super) grant_types: Vec<GrantType>,
}

/// The app and its sessions.
struct Service {
    app: SampleApp,
    sessions: Sessions,
    /// The name of the session cookie. A host sends its cookies to every port (RFC 6265 §8.5), and several demos may be
    /// running.
    cookie: String,
}

/// The router of the sample app.
pub(super) fn router(app: SampleApp) -> Router {
    let port = app.url.rsplit(':').next().unwrap_or_default();
    let service = Arc::new(Service {
        cookie: format!("acme_session_{port}"),
        app,
        sessions: Sessions::default(),
    });
    Router::new()
        .route("/", get(start))
        .route("/callback/{client_id}", get(callback))
        .route("/apps/{client_id}", get(desk))
        .route("/apps/{client_id}/connect", post(connect))
        .route("/apps/{client_id}/code", post(code))
        .route("/apps/{client_id}/{action}", post(act))
        .route("/demo.css", get(style))
        .route("/assets/{name}", get(asset))
        .fallback(lost)
        .layer(middleware::from_fn_with_state(Arc::clone(&service), at_own_host))
        .with_state(service)
}

async fn start(State(service): State<Arc<Service>>) -> Response {
    // With a single registration, its page is the start page.
    if let [only] = service.app.registrations.as_slice() {
        return redirect(&only.path());
    }
    page(200, pages::start(&service.app))
}

async fn desk(State(service): State<Arc<Service>>, Path(client_id): Path<String>, headers: HeaderMap) -> Response {
    let Some(registration) = service.registration(&client_id) else {
        return problem(&service.app, 404, "This app is not registered under that id.");
    };
    let (session, made) = service.session(&headers);
    let mut session = session.lock().await;
    let csrf = session.csrf.clone();
    let mut work = match ActionContext::new(&service.app, registration, &mut session) {
        Ok(work) => work,
        Err(error) => return failed(&service.app, &error),
    };
    work.catch_up().await;
    let code_address = match registration.redirect_uri {
        None if work.desk.held().is_none() => work.desk.code_address(),
        _ => String::new(),
    };
    let mut response = page(200, pages::desk(&work, &csrf, code_address));
    if let Some(cookie) = made {
        let value = format!("{}={cookie}; Path=/; HttpOnly; SameSite=Lax", service.cookie);
        response
            .headers_mut()
            .extend(HeaderValue::from_str(&value).map(|value| (header::SET_COOKIE, value)));
    }
    response
}

async fn connect(State(service): State<Arc<Service>>, Path(client_id): Path<String>, request: Request) -> Response {
    let (session, _) = match service.form(request).await {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let Some(registration) = service.registration(&client_id) else {
        return problem(&service.app, 404, "This app is not registered under that id.");
    };
    let mut session = session.lock().await;
    let work = match ActionContext::new(&service.app, registration, &mut session) {
        Ok(work) => work,
        Err(error) => return failed(&service.app, &error),
    };
    let keeping = &work.desk.keeping;
    let begun = keeping
        .keeper
        .begin(&ConnectRequest::new(keeping.connection.clone()))
        .await;
    match begun {
        Ok(address) => {
            connect::tell_departure(&service.app, work.desk, &address);
            redirect(&address)
        }
        Err(error) => failed(&service.app, &error),
    }
}

async fn callback(State(service): State<Arc<Service>>, Path(client_id): Path<String>, request: Request) -> Response {
    let foreign = "This browser sent no request with this state, so the app ignores the answer.";
    let query = request.uri().query().unwrap_or_default();
    let (session, made) = service.session(request.headers());
    if made.is_some() {
        return service.without_cookie(400);
    }
    let mut session = session.lock().await;
    let Some(registration) = service.registration(&client_id) else {
        return problem(&service.app, 400, foreign);
    };
    let work = match ActionContext::new(&service.app, registration, &mut session) {
        Ok(work) => work,
        Err(error) => return failed(&service.app, &error),
    };
    match connect::arrive(work, query).await {
        Ok(()) => redirect(&registration.story()),
        Err(Foreign) => problem(&service.app, 400, foreign),
    }
}

/// Takes a code that the person copied. Only the browser that holds its verifier can exchange it.
async fn code(State(service): State<Arc<Service>>, Path(client_id): Path<String>, request: Request) -> Response {
    let (session, form) = match service.form(request).await {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let Some(registration) = service.registration(&client_id) else {
        return problem(&service.app, 404, "This app is not registered under that id.");
    };
    let code = Parameters::parse(&form, &["code"])
        .ok()
        .and_then(|form| form.get("code").map(|code| code.trim().to_owned()));
    let mut session = session.lock().await;
    if let Some(code) = code {
        match ActionContext::new(&service.app, registration, &mut session) {
            Ok(mut work) => work.redeem(&code).await,
            Err(error) => return failed(&service.app, &error),
        }
    }
    redirect(&registration.story())
}

async fn act(
    State(service): State<Arc<Service>>,
    Path((client_id, action)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (session, form) = match service.form(request).await {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let (Some(registration), Some(action)) = (service.registration(&client_id), Action::parse(&action)) else {
        return problem(&service.app, 404, "There is no such page here.");
    };
    let call = Parameters::parse(&form, &["call"])
        .ok()
        .and_then(|form| form.get("call")?.parse().ok())
        .unwrap_or(0);
    let mut session = session.lock().await;
    match ActionContext::new(&service.app, registration, &mut session) {
        Ok(mut work) => work.act(action, call).await,
        Err(error) => return failed(&service.app, &error),
    }
    redirect(&registration.story())
}

async fn lost(State(service): State<Arc<Service>>) -> Response {
    problem(&service.app, 404, "There is no such page here.")
}

async fn at_own_host(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let elsewhere = |request: &Request| problem(&service.app, 421, &foreign("app", &service.app.url, request));
    at_home(&service.app.url, request, next, elsewhere).await
}

impl Service {
    fn registration(&self, client_id: &str) -> Option<&Registration> {
        self.app
            .registrations
            .iter()
            .find(|registration| registration.credentials.id == client_id)
    }

    fn session(&self, headers: &HeaderMap) -> (Arc<Mutex<SampleSession>>, Option<String>) {
        self.sessions.find_or_make(cookies::named(headers, &self.cookie).next())
    }

    /// Answers a request without a known session. It does not redirect to the start: with cookies off, that would end here again.
    fn without_cookie(&self, status: u16) -> Response {
        let text = format!(
            "This was begun in another browser or before the app was restarted, or this browser keeps no cookies. Allow cookies \
             for {} and start again.",
            self.app.url
        );
        problem(&self.app, status, &text)
    }

    /// Reads a form of one of the app's own pages: it has the app's origin, and the token that only the app's pages know.
    async fn form(&self, request: Request) -> Result<(Arc<Mutex<SampleSession>>, Vec<u8>), Response> {
        let stale = "This page has been open for too long, or the request came from another site. Start again: nothing is lost.";
        let refusal = || problem(&self.app, 403, stale);
        if !address::comes_from(request.headers(), &self.app.url) {
            return Err(problem(&self.app, 403, &foreign("app", &self.app.url, &request)));
        }
        let (session, made) = self.session(request.headers());
        if made.is_some() {
            return Err(self.without_cookie(403));
        }
        let Ok(body) = Limited::new(request.into_body(), LARGEST_FORM).collect().await else {
            return Err(refusal());
        };
        let body = body.to_bytes().to_vec();
        let sent = Parameters::parse(&body, &["csrf"])
            .ok()
            .and_then(|form| form.get("csrf").map(str::to_owned));
        let known = session.lock().await.csrf.clone();
        match sent.is_some_and(|sent| bool::from(sent.as_bytes().ct_eq(known.as_bytes()))) {
            true => Ok((session, body)),
            false => Err(refusal()),
        }
    }
}

impl<'a> ActionContext<'a> {
    fn new(
        app: &'a SampleApp,
        registration: &'a Registration,
        session: &'a mut SampleSession,
    ) -> Result<Self, KeepingError> {
        let desk = session.desk(app, registration)?;
        Ok(Self {
            app,
            registration,
            desk,
        })
    }
}

impl Registration {
    /// The path of the registration's page.
    fn path(&self) -> String {
        format!("/apps/{}", self.credentials.id)
    }

    /// The same page, scrolled to the story: on a phone the buttons before it fill the screen.
    fn story(&self) -> String {
        format!("{}#story", self.path())
    }
}

fn page(status: u16, html: Result<String, askama::Error>) -> Response {
    let mut response = match html {
        Ok(html) => respond::bytes(status, "text/html; charset=utf-8", html),
        Err(error) => {
            tracing::error!(%error, "failed to render a page of the sample app");
            respond::empty(500)
        }
    };
    respond::no_store(&mut response);
    response.map(Body::new)
}

fn failed(app: &SampleApp, error: &dyn std::error::Error) -> Response {
    tracing::error!(%error, "the sample app failed");
    problem(app, 500, "The app failed. The log of the demo says why.")
}

fn problem(app: &SampleApp, status: u16, text: &str) -> Response {
    page(status, pages::problem(app, text))
}
