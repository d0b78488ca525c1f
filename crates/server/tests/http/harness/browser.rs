//! A browser without a screen: it keeps cookies, submits the forms of pages, and follows redirects within the server's
//! pages.

use super::answer::Answer;
use super::html::Form;
use super::server::Server;
use super::world::Person;
use reqwest::Method;
use reqwest::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio::task::JoinSet;
use url::Url;

/// The most redirects that a browser follows.
const MOST_REDIRECTS: usize = 10;

/// A browser and its cookies.
pub(crate) struct Browser<'s> {
    server: &'s Server,
    /// The `X-Forwarded-For` of a proxy in front of the server.
    forwarded_for: Option<String>,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// Where a person arrives.
#[derive(Debug)]
pub(crate) enum Landing {
    /// A page that asks for a login.
    Login(Answer),
    /// A page that asks for consent.
    Consent(Answer),
    /// Any other page of the server.
    Page(Answer),
    /// A redirect to the app.
    App(Callback),
}

/// The redirect to the app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Callback {
    /// The whole URL.
    pub(crate) address: String,
    /// The parameters of its query, decoded, in order.
    pub(crate) pairs: Vec<(String, String)>,
}

impl<'s> Browser<'s> {
    pub(super) fn new(server: &'s Server) -> Self {
        Self {
            server,
            forwarded_for: None,
            cookies: Mutex::default(),
        }
    }

    /// The same browser at another address, sent in `X-Forwarded-For`.
    pub(crate) fn at(self, address: &str) -> Self {
        Self {
            forwarded_for: Some(address.to_owned()),
            ..self
        }
    }

    /// Logs in on the login page. Returns the page after it.
    pub(crate) async fn log_in(&self, person: Person) -> Answer {
        let page = self.open("/login").await;
        self.send_login(&page, person).await
    }

    /// Sends the login form of `page`.
    pub(crate) async fn send_login(&self, page: &Answer, person: Person) -> Answer {
        let typed = [("username", person.email), ("password", person.password)];
        self.submit(page, &page.form("password"), &typed).await
    }

    /// Opens the authorization endpoint with this query.
    pub(crate) async fn authorize(&self, query: &str) -> Landing {
        let path = match self.server.preset.as_str() {
            "apicbase" => "/oauth/authorize/",
            _ => "/oauth/authorize",
        };
        Landing::of(self.open(&format!("{path}?{query}")).await)
    }

    /// Presses a button of the consent page.
    pub(crate) async fn decide(&self, page: &Answer, decision: &str) -> Landing {
        let form = page.form("decision");
        Landing::of(self.submit(page, &form, &[("decision", decision)]).await)
    }

    /// Opens a page of the server and follows redirects.
    pub(crate) async fn open(&self, path: &str) -> Answer {
        let answer = self.get(&self.server.at(path)).await;
        self.follow(answer).await
    }

    /// Submits a form of `page` and follows redirects.
    pub(crate) async fn submit(&self, page: &Answer, form: &Form, typed: &[(&str, &str)]) -> Answer {
        let answer = self.submit_only(page, form, typed).await;
        self.follow(answer).await
    }

    /// Submits a form of `page` as browsers do, with the page's origin, and returns the direct answer.
    pub(crate) async fn submit_only(&self, page: &Answer, form: &Form, typed: &[(&str, &str)]) -> Answer {
        let origin = page.url.origin().ascii_serialization();
        self.submit_from(page, form, typed, Some(&origin)).await
    }

    /// Submits a form of `page` with another Origin header, or none.
    pub(crate) async fn submit_from(
        &self,
        page: &Answer,
        form: &Form,
        typed: &[(&str, &str)],
        origin: Option<&str>,
    ) -> Answer {
        let (url, request) = self.submission(page, form, typed, origin);
        let answer = self.server.send(&url, request).await;
        self.keep_cookies(&answer);
        answer
    }

    /// Submits the same form `times` at once, like an impatient person.
    pub(crate) async fn submit_at_once(
        &self,
        page: &Answer,
        form: &Form,
        typed: &[(&str, &str)],
        times: usize,
    ) -> Vec<Answer> {
        let mut requests = JoinSet::new();
        for _ in 0..times {
            let (url, request) = self.submission(page, form, typed, None);
            requests.spawn(async move { Answer::read(url, request.send().await.expect("an answer")).await });
        }
        requests.join_all().await
    }

    fn submission(
        &self,
        page: &Answer,
        form: &Form,
        typed: &[(&str, &str)],
        origin: Option<&str>,
    ) -> (Url, reqwest::RequestBuilder) {
        assert_eq!(form.method, "post", "{form:?}");
        let action = if form.action.is_empty() {
            page.url.as_str()
        } else {
            &form.action
        };
        let url = page.url.join(action).expect("a form's action is an address");
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form.filled(typed))
            .finish();
        let request = self.with_headers(self.server.request(Method::POST, &url));
        let request = request
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        let request = match origin {
            Some(origin) => request.header(ORIGIN, origin),
            None => request,
        };
        (url, request)
    }

    /// Follows redirects within the server. Returns the first answer that leads elsewhere.
    pub(crate) async fn follow(&self, mut answer: Answer) -> Answer {
        for _ in 0..MOST_REDIRECTS {
            let Some(next) = own_redirect(&answer) else {
                return answer;
            };
            assert_eq!(answer.status, 303, "RFC 9700 §4.12: {answer:?}");
            answer = self.get(&next).await;
        }
        panic!("redirected in circles: {}", answer.url);
    }

    async fn get(&self, url: &Url) -> Answer {
        let request = self.with_headers(self.server.request(Method::GET, url));
        let answer = self.server.send(url, request).await;
        self.keep_cookies(&answer);
        answer
    }

    fn with_headers(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let request = request.header(ACCEPT_LANGUAGE, "en");
        let request = match &self.forwarded_for {
            Some(address) => request.header("x-forwarded-for", address),
            None => request,
        };
        match self.cookies() {
            none if none.is_empty() => request,
            cookies => request.header(COOKIE, cookies),
        }
    }

    /// The `Cookie` header that the browser sends.
    pub(crate) fn cookies(&self) -> String {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// The name and value of the session cookie.
    pub(crate) fn session_cookie(&self) -> (String, String) {
        let cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let session = cookies.iter().find(|(name, _)| !name.contains("-browser-"));
        let (name, value) = session.expect("a session cookie");
        (name.clone(), value.clone())
    }

    /// Adds cookies, as if they came from elsewhere.
    pub(crate) fn set_cookies(&self, cookies: &str) {
        let mut kept = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
        *kept = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    }

    fn keep_cookies(&self, answer: &Answer) {
        let mut cookies = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for set in answer.headers.get_all(SET_COOKIE) {
            let set = set.to_str().expect("a cookie is text");
            let pair = set.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            if set.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

fn own_redirect(answer: &Answer) -> Option<Url> {
    let location = answer.headers.get(LOCATION)?.to_str().expect("an address is text");
    let next = answer.url.join(location).expect("a redirect leads to an address");
    (next.origin() == answer.url.origin()).then_some(next)
}

impl Landing {
    /// Where this answer leads.
    pub(crate) fn of(answer: Answer) -> Self {
        if let Some(location) = answer.headers.get(LOCATION) {
            let location = location.to_str().expect("an address is text");
            return Self::App(Callback::of(location));
        }
        let forms = answer.forms();
        if forms.iter().any(|form| form.has("password")) {
            Self::Login(answer)
        } else if forms.iter().any(|form| form.has("decision")) {
            Self::Consent(answer)
        } else {
            Self::Page(answer)
        }
    }

    /// The consent page.
    pub(crate) fn consent(self) -> Answer {
        match self {
            Self::Consent(page) => page,
            other => panic!("not the consent page: {other:?}"),
        }
    }

    /// The login page.
    pub(crate) fn login(self) -> Answer {
        match self {
            Self::Login(page) => page,
            other => panic!("not the login page: {other:?}"),
        }
    }

    /// A page that is neither a login nor a consent page.
    pub(crate) fn page(self) -> Answer {
        match self {
            Self::Page(page) => page,
            other => panic!("not a page of its own: {other:?}"),
        }
    }

    /// The redirect to the app.
    pub(crate) fn callback(self) -> Callback {
        match self {
            Self::App(callback) => callback,
            other => panic!("not back at the app: {other:?}"),
        }
    }
}

impl Callback {
    fn of(address: &str) -> Self {
        let query = address.split_once('?').map_or("", |(_, query)| query);
        Self {
            address: address.to_owned(),
            pairs: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        }
    }

    /// A parameter. Empty if it is absent.
    pub(crate) fn get(&self, name: &str) -> &str {
        let found = self.pairs.iter().find(|(other, _)| other == name);
        found.map_or("", |(_, value)| value)
    }

    /// The code of a successful response.
    pub(crate) fn code(&self) -> &str {
        let code = self.get("code");
        assert!(!code.is_empty(), "no code: {}", self.address);
        code
    }

    /// The names of the parameters, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.pairs.iter().map(|(name, _)| name.as_str()).collect()
    }
}
