//! The resource owner in a browser, whose requests nginx spreads over the servers.

use crate::client::{APP, REDIRECT_URI};
use crate::html::{self, Form};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use std::collections::BTreeMap;
use url::Url;

/// The login.
pub(crate) const EMAIL: &str = "ada@example.com";
/// The password.
pub(crate) const PASSWORD: &str = "correct horse battery";
/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The most steps: sign-in and consent, each followed by a redirect.
const MOST_PAGES: usize = 8;

/// The query of an authorization request.
fn query() -> String {
    format!(
        "response_type=code&client_id={APP}&redirect_uri={REDIRECT_URI}&state=s&code_challenge={CHALLENGE}&code_challenge_method=S256"
    )
}

/// A person who stays signed in.
pub(crate) struct Person {
    http: reqwest::Client,
    cookies: BTreeMap<String, String>,
    /// How often a form reached another server than the one that sent its page.
    pub(crate) posted_elsewhere: usize,
}

/// The result of a request.
struct Landing {
    status: u16,
    node: String,
    url: Url,
    location: Option<Url>,
    page: String,
}

impl Person {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none());
        Self {
            http: http.build().unwrap(),
            cookies: BTreeMap::new(),
            posted_elsewhere: 0,
        }
    }

    /// Signs in if asked, allows the app, and returns the code.
    pub(crate) async fn code(&mut self, address: &str) -> String {
        let query = query();
        let mut landing = self.open(&format!("{address}/oauth/authorize?{query}")).await;
        for _ in 0..MOST_PAGES {
            landing = match landing.location {
                Some(url) if url.as_str().starts_with(REDIRECT_URI) => {
                    let code = url.query_pairs().find(|(name, _)| name == "code");
                    return code.unwrap_or_else(|| panic!("no code: {url}")).1.into_owned();
                }
                Some(url) => self.open(url.as_str()).await,
                None => self.fill_in(&landing).await,
            };
        }
        panic!("no redirect to {REDIRECT_URI} after {MOST_PAGES} pages");
    }

    /// Opens the authorization endpoint and follows no redirect: the address of the site.
    pub(crate) async fn sent_to_site(&mut self, address: &str) -> Url {
        let query = query();
        let landing = self.open(&format!("{address}/oauth/authorize?{query}")).await;
        landing
            .location
            .unwrap_or_else(|| panic!("{} {}", landing.status, landing.page))
    }

    /// Opens an address. Returns where it leads, or the page.
    pub(crate) async fn follow(&mut self, address: &str) -> Result<Url, String> {
        let landing = self.open(address).await;
        landing.location.ok_or(landing.page)
    }

    /// Allows the app on the consent page at this address, and returns the code.
    pub(crate) async fn allow(&mut self, address: &str) -> String {
        let page = self.open(address).await;
        let answered = self.fill_in(&page).await;
        let url = answered
            .location
            .unwrap_or_else(|| panic!("{} {}", answered.status, answered.page));
        let code = url.query_pairs().find(|(name, _)| name == "code");
        code.unwrap_or_else(|| panic!("no code: {url}")).1.into_owned()
    }

    /// The same browser once more, for requests at the same time.
    pub(crate) fn tab(&self) -> Self {
        Self {
            http: self.http.clone(),
            cookies: self.cookies.clone(),
            posted_elsewhere: 0,
        }
    }

    /// Whether a server knows the person's session.
    pub(crate) async fn is_signed_in(&mut self, address: &str) -> bool {
        let landing = self.open(&format!("{address}/account")).await;
        assert_eq!(landing.status, 200, "{}", landing.page);
        !html::forms(&landing.page).iter().any(|form| form.has("password"))
    }

    async fn open(&mut self, url: &str) -> Landing {
        let url = Url::parse(url).unwrap();
        self.send(url.clone(), self.http.get(url)).await
    }

    async fn fill_in(&mut self, landing: &Landing) -> Landing {
        let forms = html::forms(&landing.page);
        let typed: (&Form, &[(&str, &str)]) = match forms.iter().find(|form| form.has("password")) {
            Some(form) => (form, &[("username", EMAIL), ("password", PASSWORD)]),
            None => {
                let form = forms.iter().find(|form| form.has("decision"));
                let none = || panic!("{} {}", landing.status, landing.page);
                (form.unwrap_or_else(none), &[("decision", "allow")])
            }
        };
        let url = landing.url.join(&typed.0.action).unwrap();
        let request = self.http.post(url.clone()).form(&typed.0.filled(typed.1));
        let answered = self.send(url, request).await;
        self.posted_elsewhere += usize::from(answered.node != landing.node);
        answered
    }

    async fn send(&mut self, url: Url, request: reqwest::RequestBuilder) -> Landing {
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let answer = request.header(COOKIE, cookies.join("; ")).send().await.unwrap();
        for set in answer.headers().get_all(SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next();
            let (name, value) = pair.and_then(|pair| pair.split_once('=')).unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let header = |name: &str| Some(answer.headers().get(name)?.to_str().unwrap().to_owned());
        Landing {
            status: answer.status().as_u16(),
            node: header("x-node").unwrap_or_default(),
            location: header(LOCATION.as_str()).map(|location| url.join(&location).unwrap()),
            url,
            page: answer.text().await.unwrap(),
        }
    }
}
