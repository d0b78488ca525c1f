//! The resource owner, without a browser: signs in, allows access and ends it by filling in the forms of the pages.

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Response, StatusCode};
use tokio::runtime::{Builder, Runtime};
use url::Url;

use crate::html::{self, Form};

/// The most steps: sign-in, at a site too, and consent, each followed by redirects.
const MOST_PAGES: usize = 16;

/// A person who stays signed in.
pub(crate) struct Person {
    email: String,
    password: String,
    http: Client,
    runtime: Runtime,
    cookies: BTreeMap<String, String>,
}

impl Person {
    pub(crate) fn new(email: &str, password: &str) -> Self {
        let http = Client::builder().no_proxy().redirect(Policy::none()).build();
        let runtime = Builder::new_current_thread().enable_all().build();
        Self {
            email: email.to_owned(),
            password: password.to_owned(),
            http: http.expect("a client"),
            runtime: runtime.expect("a runtime"),
            cookies: BTreeMap::new(),
        }
    }

    /// Follows the client's authorization URL, allows what is asked, and returns where the browser is sent in the end.
    pub(crate) fn allow(&mut self, authorization: &str, redirect_uri: &str) -> String {
        let mut next = Step::open(authorization);
        for _ in 0..MOST_PAGES {
            next = match self.take(next) {
                Landing::Elsewhere(url) if url.as_str().starts_with(redirect_uri) => return url.into(),
                Landing::Elsewhere(url) => Step::open(url.as_str()),
                Landing::Page(url, page) => self.filled_in(&url, &page),
            };
        }
        panic!("no redirect to {redirect_uri} after {MOST_PAGES} pages");
    }

    /// The page behind an address, after the person signed in and allowed what is asked on the way.
    pub(crate) fn page(&mut self, address: &str) -> String {
        self.last_page(Step::open(address))
    }

    /// Opens a page, sends its form by the first button, and returns the page to which this leads.
    pub(crate) fn press(&mut self, address: &str, is_meant: impl Fn(&Form) -> bool) -> String {
        let page = self.page(address);
        let form = html::forms(&page).into_iter().find(|form| is_meant(form));
        let form = form.unwrap_or_else(|| panic!("no such form at {address}:\n{page}"));
        let button = form.buttons.first().filter(|(name, _)| !name.is_empty()).cloned();
        let typed: Vec<_> = button.iter().map(|(name, value)| (&**name, &**value)).collect();
        let url = Url::parse(address).expect("an address");
        self.last_page(Step::send(&url, &form, &typed))
    }

    /// The cookie whose name begins like this.
    pub(crate) fn cookie(&self, name: &str) -> (&str, &str) {
        let found = self.cookies.iter().find(|(other, _)| other.starts_with(name));
        let (name, value) = found.expect("the cookie is set");
        (name, value)
    }

    fn last_page(&mut self, first: Step) -> String {
        let mut next = first;
        for _ in 0..MOST_PAGES {
            next = match self.take(next) {
                Landing::Elsewhere(url) => Step::open(url.as_str()),
                Landing::Page(url, page) if asks(&page) => self.filled_in(&url, &page),
                Landing::Page(_, page) => return page,
            };
        }
        panic!("no page after {MOST_PAGES} steps");
    }

    /// Ends the access of the one connected app.
    pub(crate) fn end_access(&mut self, server: &str) {
        let apps = format!("{server}/account/apps");
        let Landing::Page(url, page) = self.take(Step::open(&apps)) else {
            panic!("the person is not signed in");
        };
        let form = html::forms(&page).into_iter().find(|form| form.has("end"));
        let form = form.unwrap_or_else(|| panic!("no app is connected:\n{page}"));
        let pressed = form.buttons.iter().find(|(name, _)| name == "end").cloned();
        let (name, value) = pressed.expect("a button ends the access");
        self.take(Step::send(&url, &form, &[(&name, &value)]));
    }

    /// The page's sign-in or consent form with what a person would type and press.
    fn filled_in(&self, url: &Url, page: &str) -> Step {
        for form in html::forms(page) {
            if form.has("password") {
                return Step::send(url, &form, &[("username", &self.email), ("password", &self.password)]);
            }
            if form.has("decision") {
                let choice = organization(page).map(|slug| ("organization", slug));
                let typed: Vec<_> = choice.into_iter().chain([("decision", "allow")]).collect();
                return Step::send(url, &form, &typed);
            }
        }
        panic!("neither a sign-in nor a consent form on the page:\n{page}");
    }

    fn take(&mut self, step: Step) -> Landing {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let request = match &step.fields {
            None => self.http.request(Method::GET, step.url.clone()),
            Some(fields) => self.http.request(Method::POST, step.url.clone()).form(fields),
        };
        let request = request.header(COOKIE, cookies.join("; "));
        let answer = self.runtime.block_on(request.send()).expect("the server answers");
        self.keep_cookies(&answer);
        let status = answer.status();
        if let Some(location) = answer.headers().get(LOCATION) {
            // RFC 9700 §4.12: after a form, any redirect but 303 may forward the password.
            assert!(step.fields.is_none() || status == StatusCode::SEE_OTHER, "{status}");
            let location = location.to_str().expect("an address is text");
            return Landing::Elsewhere(step.url.join(location).expect("a redirect leads to an address"));
        }
        let page = self.runtime.block_on(answer.text()).expect("a page is text");
        assert_eq!(status, StatusCode::OK, "{}:\n{page}", step.url);
        Landing::Page(step.url, page)
    }

    fn keep_cookies(&mut self, answer: &Response) {
        for set in answer.headers().get_all(SET_COOKIE) {
            let pair = set.to_str().expect("a cookie is text").split(';').next();
            let (name, value) = pair.and_then(|pair| pair.split_once('=')).expect("a cookie has a name");
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// Whether the page has the sign-in or the consent form.
fn asks(page: &str) -> bool {
    let forms = html::forms(page);
    forms.iter().any(|form| form.has("password") || form.has("decision"))
}

/// The last organization of the choice, if the page has one.
fn organization(page: &str) -> Option<&str> {
    let (_, choice) = page.split_once("name=\"organization\"")?;
    let (choice, _) = choice.split_once("</select>")?;
    choice.rsplit_once("value=\"")?.1.split('"').next()
}

/// A request of the browser: an address, and a form if one is sent.
struct Step {
    url: Url,
    fields: Option<Vec<(String, String)>>,
}

impl Step {
    fn open(url: &str) -> Self {
        let url = Url::parse(url).expect("an address");
        Self { url, fields: None }
    }

    fn send(page: &Url, form: &Form, typed: &[(&str, &str)]) -> Self {
        Self {
            url: page.join(&form.action).expect("a form's action is an address"),
            fields: Some(form.filled(typed)),
        }
    }
}

enum Landing {
    Elsewhere(Url),
    Page(Url, String),
}
