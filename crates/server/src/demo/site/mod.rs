//! The Market, the sample site: it has people, a login and sessions of its own, and signs its people in at the server.
//!
//! The site knows the server only by its address and the secret of the handover, like a site in any other language
//! (`examples/handover`).

mod hallpass;
mod pages;
mod session;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use hallpass_wire::Parameters;
use http::{HeaderMap, HeaderValue, Uri, header};
use http_body_util::{BodyExt as _, Limited};
use serde::Serialize;

use self::hallpass::{CallError, Server};
use self::session::{Sessions, SiteSession};
use super::PASSWORD;
use super::clock::DemoClock;
use super::outgoing::Http;
use super::own_pages::{asset, at_home, foreign, redirect, style};
use crate::config::Config;
use crate::http::{cookies, respond};
use crate::web::address;

/// The path of the page that signs people in at the server.
pub(super) const SIGN_IN: &str = "/connect/sign-in";
/// The path of the page that signs people out.
pub(super) const SIGN_OUT: &str = "/logout";
const LARGEST_FORM: usize = 16 * 1024;

/// The settings of the site.
pub(super) struct SampleSite {
    /// The URL of the site, without trailing slash.
    pub(super) url: String,
    /// The URL of the server.
    pub(super) issuer: String,
    pub(super) secret: String,
    pub(super) people: Vec<SitePerson>,
    pub(super) http: Http,
    pub(super) clock: Arc<DemoClock>,
}

/// A person of the site.
pub(super) struct SitePerson {
    /// The site's id of the person, which the server calls the subject.
    id: String,
    email: String,
    name: String,
    locale: Option<String>,
    /// None: the site has no organizations.
    organizations: Option<Vec<Work>>,
}

/// An organization of the site, and the person's role there, as the server reads them.
#[derive(Clone, Serialize)]
struct Work {
    id: &'static str,
    name: &'static str,
    role: &'static str,
}

/// The people whom the site signs in: those with an id of the site. They work for its two organizations, unless the world has
/// organizations of its own.
pub(super) fn people(config: &Config) -> Vec<SitePerson> {
    let people = config.users.iter().filter_map(|user| {
        Some(SitePerson {
            id: user.external_id.as_ref()?.to_string(),
            email: user.email.to_string(),
            name: user.name.to_string(),
            locale: user.locale.clone(),
            organizations: config.organizations.is_empty().then(|| work(user.email.as_str())),
        })
    });
    people.collect()
}

fn work(email: &str) -> Vec<Work> {
    let (north, south) = (("10", "North Stall"), ("20", "South Stall"));
    let of = |(id, name), role| Work { id, name, role };
    match email {
        "john@doe.com" => vec![of(north, "owner"), of(south, "member")],
        _ => vec![of(south, "member")],
    }
}

/// The site and its sessions.
struct Service {
    site: SampleSite,
    server: Server,
    sessions: Sessions,
    /// The name of the session cookie. A host sends its cookies to every port (RFC 6265 §8.5).
    cookie: String,
}

/// The router of the site.
pub(super) fn router(site: SampleSite) -> Router {
    let port = site.url.rsplit(':').next().unwrap_or_default();
    let service = Arc::new(Service {
        cookie: format!("market_session_{port}"),
        server: Server {
            issuer: site.issuer.clone(),
            secret: site.secret.clone(),
            http: site.http.clone(),
        },
        site,
        sessions: Sessions::default(),
    });
    Router::new()
        .route("/", get(home))
        .route("/login", get(login_form).post(login))
        .route(SIGN_OUT, get(logout_form).post(logout))
        .route(SIGN_IN, get(sign_in))
        .route("/connected-apps", get(connected_apps).post(end_access))
        .route("/demo.css", get(style))
        .route("/assets/{name}", get(asset))
        .layer(middleware::from_fn_with_state(Arc::clone(&service), at_own_host))
        .with_state(service)
}

async fn home(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    page(200, pages::home(&service.site, service.person(&headers)))
}

async fn login_form(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    service.login_page(200, &headers, "")
}

/// Signs a person in, with a new session: another person may have given this browser its old one.
async fn login(State(service): State<Arc<Service>>, uri: Uri, request: Request) -> Response {
    let headers = request.headers().clone();
    let (_, form) = match service.form(request).await {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let form = Parameters::read(&form, &["username", "password"]);
    let username = form.get("username").unwrap_or_default().trim();
    let mut people = service.site.people.iter();
    let found = people.position(|person| person.email.eq_ignore_ascii_case(username));
    let Some(person) = found.filter(|_| form.get("password") == Some(PASSWORD)) else {
        return service.login_page(401, &headers, username);
    };
    service.sessions.end(service.session_cookie(&headers));
    let query = Parameters::read(uri.query().unwrap_or_default().as_bytes(), &["next"]);
    let mut response = redirect(own_path(query.get("next").unwrap_or("/")));
    let cookie = service.sessions.begin(Some(person), service.seconds());
    service.set_cookie(&mut response, &cookie);
    response
}

async fn logout_form(State(service): State<Arc<Service>>, headers: HeaderMap) -> Response {
    match service.session(&headers) {
        Some(session) if session.person.is_some() => page(200, pages::logout(service.person(&headers), &session.csrf)),
        _ => redirect("/"),
    }
}

/// Ends the session, and the person's sessions at the server. The second may fail: the person is signed out here anyway.
async fn logout(State(service): State<Arc<Service>>, request: Request) -> Response {
    let headers = request.headers().clone();
    if let Err(refusal) = service.form(request).await {
        return refusal;
    }
    let person = service.person(&headers);
    service.sessions.end(service.session_cookie(&headers));
    if let Some(person) = person
        && let Err(error) = service.server.sign_out(&person.id).await
    {
        tracing::warn!(%error, "the sample site did not sign a person out at the server");
    }
    redirect("/")
}

/// Signs the person of this browser in at the server.
async fn sign_in(State(service): State<Arc<Service>>, uri: Uri, headers: HeaderMap) -> Response {
    let query = Parameters::read(uri.query().unwrap_or_default().as_bytes(), &["handover", "after"]);
    let after = query.get("after").and_then(|after| after.parse().ok()).unwrap_or(0);
    let session = service
        .session(&headers)
        .filter(|session| session.signed_in_at >= after);
    let (Some(session), Some(person)) = (session, service.person(&headers)) else {
        return to_login(&uri);
    };
    let handover = query.get("handover").unwrap_or_default();
    match service.server.hand_over(handover, person, session.signed_in_at).await {
        Ok(address) => redirect(&address),
        Err(error) => service.failed(&error),
    }
}

async fn connected_apps(State(service): State<Arc<Service>>, uri: Uri, headers: HeaderMap) -> Response {
    let (Some(session), Some(person)) = (service.session(&headers), service.person(&headers)) else {
        return to_login(&uri);
    };
    match service.server.grants(&person.id).await {
        Ok(grants) => page(200, pages::connected_apps(person, &grants, &session.csrf)),
        Err(error) => service.failed(&error),
    }
}

async fn end_access(State(service): State<Arc<Service>>, uri: Uri, request: Request) -> Response {
    let headers = request.headers().clone();
    let (_, form) = match service.form(request).await {
        Ok(form) => form,
        Err(refusal) => return refusal,
    };
    let Some(person) = service.person(&headers) else {
        return to_login(&uri);
    };
    let form = Parameters::read(&form, &["end"]);
    match service
        .server
        .end(&person.id, form.get("end").unwrap_or_default())
        .await
    {
        Ok(()) => redirect("/connected-apps"),
        Err(error) => service.failed(&error),
    }
}

async fn at_own_host(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let elsewhere = |request: &Request| service.problem(421, &foreign("site", &service.site.url, request));
    at_home(&service.site.url, request, next, elsewhere).await
}

impl Service {
    fn session_cookie<'a>(&'a self, headers: &'a HeaderMap) -> Option<&'a str> {
        cookies::named(headers, &self.cookie).next()
    }

    fn session(&self, headers: &HeaderMap) -> Option<SiteSession> {
        self.sessions.find(self.session_cookie(headers)?)
    }

    /// The person who is signed in.
    fn person(&self, headers: &HeaderMap) -> Option<&SitePerson> {
        self.site.people.get(self.session(headers)?.person?)
    }

    fn seconds(&self) -> i64 {
        self.site.clock.now().0.div_euclid(1_000)
    }

    /// The login, with a session for its form.
    fn login_page(&self, status: u16, headers: &HeaderMap, username: &str) -> Response {
        let (csrf, made) = match self.session(headers) {
            Some(session) => (session.csrf, None),
            None => {
                let cookie = self.sessions.begin(None, 0);
                let csrf = self.sessions.find(&cookie).map(|session| session.csrf);
                (csrf.unwrap_or_default(), Some(cookie))
            }
        };
        let mut response = page(status, pages::login(&self.site, &csrf, username, status != 200));
        if let Some(cookie) = made {
            self.set_cookie(&mut response, &cookie);
        }
        response
    }

    /// `Lax`: with `Strict`, the browser hides the session from a request that an app caused.
    fn set_cookie(&self, response: &mut Response, cookie: &str) {
        let value = format!("{}={cookie}; Path=/; HttpOnly; SameSite=Lax", self.cookie);
        response
            .headers_mut()
            .extend(HeaderValue::from_str(&value).map(|value| (header::SET_COOKIE, value)));
    }

    /// Reads a form of the site's own pages: it has the site's origin, and the token that only these pages know.
    async fn form(&self, request: Request) -> Result<(SiteSession, Vec<u8>), Response> {
        if !address::comes_from(request.headers(), &self.site.url) {
            return Err(self.problem(403, &foreign("site", &self.site.url, &request)));
        }
        let refusal = || {
            self.problem(
                403,
                "This page has been open for too long, or this browser keeps no cookies. Start again.",
            )
        };
        let session = self.session(request.headers()).ok_or_else(refusal)?;
        let body = Limited::new(request.into_body(), LARGEST_FORM).collect().await;
        let body = body.map_err(|_| refusal())?.to_bytes().to_vec();
        match Parameters::read(&body, &["csrf"]).get("csrf") == Some(&session.csrf) {
            true => Ok((session, body)),
            false => Err(refusal()),
        }
    }

    fn failed(&self, error: &CallError) -> Response {
        tracing::warn!(%error, "a call of the sample site failed");
        self.problem(
            502,
            "The server for connected apps does not answer as expected. The log of the demo says why.",
        )
    }

    fn problem(&self, status: u16, text: &str) -> Response {
        page(status, pages::problem(text))
    }
}

/// The path, if it is one of this site. Otherwise anybody could make a link to the login that ends elsewhere.
fn own_path(path: &str) -> &str {
    let own = path.starts_with('/')
        && !path[1..].starts_with(['/', '\\'])
        && path.bytes().all(|byte| byte.is_ascii_graphic());
    if own { path } else { "/" }
}

/// To the login, and back to this page.
fn to_login(uri: &Uri) -> Response {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", &uri.to_string());
    redirect(&format!("/login?{}", query.finish()))
}

fn page(status: u16, html: Result<String, askama::Error>) -> Response {
    let mut response = match html {
        Ok(html) => respond::bytes(status, "text/html; charset=utf-8", html),
        Err(error) => {
            tracing::error!(%error, "failed to render a page of the sample site");
            respond::empty(500)
        }
    };
    respond::no_store(&mut response);
    response.map(Body::new)
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn the_login_leads_only_to_paths_of_the_site() {
        assert_eq!(own_path("/connect/sign-in?handover=a"), "/connect/sign-in?handover=a");
        for foreign in ["", "a", "//a.example", "/\\a.example", "https://a.example", "/a\nb"] {
            assert_eq!(own_path(foreign), "/", "{foreign:?}");
        }
    }
}
