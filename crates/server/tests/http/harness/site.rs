//! A site that signs its own people in: the other end of `[handover]`.

use super::answer::Answer;
use super::browser::{Browser, Landing};
use super::server::Server;
use serde_json::{Value, json};
use url::Url;

/// The secret of the site.
pub(crate) const SITE_SECRET: &str = "a-secret-of-the-site-with-at-least-32-bytes";

/// The section of the configuration, without other sections after it.
pub(crate) const HANDOVER: &str = r#"
[handover]
url = "https://www.example.com/connect/sign-in?from=hallpass"
secret = "a-secret-of-the-site-with-at-least-32-bytes"
sign_out = "https://www.example.com/logout"
roles = ["member", "owner"]
"#;

/// The site of a server.
#[derive(Clone, Copy)]
pub(crate) struct Site<'s> {
    server: &'s Server,
    secret: &'s str,
}

impl<'s> Site<'s> {
    /// The site with the right secret.
    pub(crate) fn new(server: &'s Server) -> Self {
        Self {
            server,
            secret: SITE_SECRET,
        }
    }

    /// The same with another secret.
    pub(crate) fn with_secret(self, secret: &'s str) -> Self {
        Self { secret, ..self }
    }

    /// The address at the site to which the browser is sent when it opens `path`.
    pub(crate) async fn sent_from(self, browser: &Browser<'_>, path: &str) -> Url {
        let landing = Landing::of(browser.open(path).await);
        let address = landing.callback().address;
        let url: Url = address.parse().expect("an address");
        assert_eq!(
            (url.host_str(), url.path()),
            (Some("www.example.com"), "/connect/sign-in"),
            "{url}"
        );
        url
    }

    /// The request in the address at which the browser arrives.
    pub(crate) fn request_in(address: &Url) -> String {
        parameter(address, "handover")
    }

    /// Sends a message.
    pub(crate) async fn post(self, message: &Value) -> Answer {
        self.call("POST", "/handover", Some(message)).await
    }

    /// Calls any address of the site's API.
    pub(crate) async fn call(self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let url = self.server.at(path);
        let method = method.parse().expect("a method");
        let request = self.server.request(method, &url).bearer_auth(self.secret);
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(body.to_string()),
            None => request,
        };
        self.server.send(&url, request).await
    }

    /// Signs `person` in for a request. Returns the path to which the site sends the browser.
    pub(crate) async fn accept(self, handover: &str, person: Value) -> String {
        let mut message = person;
        message["handover"] = handover.into();
        let answer = self.post(&message).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["state"], "ok", "{}", answer.body);
        self.path_of(&answer)
    }

    /// The path to which an answer sends the browser.
    pub(crate) fn path_of(self, answer: &Answer) -> String {
        let json = answer.json();
        let address = json["redirect_to"].as_str().expect("an address");
        let path = address.strip_prefix(&self.server.issuer);
        path.unwrap_or_else(|| panic!("not at the issuer: {address}"))
            .to_owned()
    }

    /// The whole way of a person of the site: opens `path`, signs in there, comes back.
    pub(crate) async fn sign_in(self, browser: &Browser<'_>, path: &str, person: Value) -> Landing {
        let sent = self.sent_from(browser, path).await;
        let back = self.accept(&Self::request_in(&sent), person).await;
        Landing::of(browser.open(&back).await)
    }
}

/// A person of the site.
pub(crate) fn ann() -> Value {
    json!({ "subject": "4711", "email": "ann@site.example", "email_verified": true, "name": "Ann Site", "locale": "en" })
}

/// A parameter of an address.
pub(crate) fn parameter(address: &Url, name: &str) -> String {
    let mut pairs = address.query_pairs();
    let found = pairs.find(|(other, _)| other == name);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}
