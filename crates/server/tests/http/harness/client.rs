//! An app: it sends people to the authorization endpoint and requests tokens.

use super::answer::{Answer, Tokens};
use super::browser::Browser;
use super::encoded;
use super::server::Server;
use super::world::SECRET;
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The code verifier of RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/// The code challenge of [`VERIFIER`].
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An app that behaves like one of the four texts or the RFCs.
#[derive(Clone)]
pub(crate) struct Client<'s> {
    server: &'s Server,
    /// The client ID.
    pub(crate) id: &'s str,
    secret: &'s str,
    redirect_uri: &'s str,
    authentication: Authentication,
    pkce: bool,
    /// The source address that a proxy reports. `None` for this machine.
    from: Option<&'s str>,
}

/// How a client authenticates (RFC 6749 §2.3.1).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Authentication {
    Body,
    Basic,
    None,
}

impl<'s> Client<'s> {
    pub(super) fn new(server: &'s Server, id: &'s str, redirect_uri: &'s str) -> Self {
        Self {
            server,
            id,
            secret: SECRET,
            redirect_uri,
            authentication: Authentication::Body,
            // The four texts have no PKCE; the preset `default` requires it.
            pkce: server.preset == "default",
            from: None,
        }
    }

    /// The same with another secret.
    pub(crate) fn with_secret(self, secret: &'s str) -> Self {
        Self { secret, ..self }
    }

    /// The same, authenticating by a Basic header.
    pub(crate) fn by_basic(self) -> Self {
        Self {
            authentication: Authentication::Basic,
            ..self
        }
    }

    /// The same as a public client: it sends its id and no secret.
    pub(crate) fn public(self) -> Self {
        Self {
            authentication: Authentication::None,
            pkce: true,
            ..self
        }
    }

    /// The same at another address, as reported by a trusted proxy.
    pub(crate) fn from(self, address: &'s str) -> Self {
        Self {
            from: Some(address),
            ..self
        }
    }

    /// The same without PKCE.
    pub(crate) fn without_pkce(self) -> Self {
        Self { pkce: false, ..self }
    }

    /// The query of an authorization request, with `more` added.
    pub(crate) fn query(&self, more: &[(&str, &str)]) -> String {
        let mut pairs = vec![("response_type", "code"), ("client_id", self.id)];
        if !self.redirect_uri.is_empty() {
            pairs.push(("redirect_uri", self.redirect_uri));
        }
        if self.pkce {
            pairs.extend([("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]);
        }
        pairs.extend(more);
        encoded(&pairs)
    }

    /// Lets the person allow a request with `more` added. Returns the code.
    pub(crate) async fn code(&self, browser: &Browser<'_>, more: &[(&str, &str)]) -> String {
        let page = browser.authorize(&self.query(more)).await.consent();
        let callback = browser.decide(&page, "allow").await.callback();
        callback.code().to_owned()
    }

    /// Connects the app. Returns a pair of tokens.
    pub(crate) async fn connect(&self, browser: &Browser<'_>) -> Tokens {
        self.connect_with(browser, &[]).await
    }

    /// Connects the app, with `more` in the authorization request.
    pub(crate) async fn connect_with(&self, browser: &Browser<'_>, more: &[(&str, &str)]) -> Tokens {
        let code = self.code(browser, more).await;
        self.redeem(&code).await.tokens()
    }

    /// Exchanges a code (RFC 6749 §4.1.3).
    pub(crate) async fn redeem(&self, code: &str) -> Answer {
        self.token(&self.redemption(code)).await
    }

    /// The parameters of a code exchange.
    pub(crate) fn redemption<'a>(&'a self, code: &'a str) -> Vec<(&'a str, &'a str)> {
        let mut pairs = vec![("grant_type", "authorization_code"), ("code", code)];
        if !self.redirect_uri.is_empty() {
            pairs.push(("redirect_uri", self.redirect_uri));
        }
        if self.pkce {
            pairs.push(("code_verifier", VERIFIER));
        }
        pairs
    }

    /// Refreshes (RFC 6749 §6).
    pub(crate) async fn refresh(&self, refresh_token: &str) -> Answer {
        self.refresh_with(refresh_token, &[]).await
    }

    /// Refreshes with `more` in the request.
    pub(crate) async fn refresh_with(&self, refresh_token: &str, more: &[(&str, &str)]) -> Answer {
        let mut pairs = vec![("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        pairs.extend(more);
        self.token(&pairs).await
    }

    /// Requests a token of the app itself (RFC 6749 §4.4).
    pub(crate) async fn client_credentials(&self, more: &[(&str, &str)]) -> Answer {
        let mut pairs = vec![("grant_type", "client_credentials")];
        pairs.extend(more);
        self.token(&pairs).await
    }

    /// Introspects a token (RFC 7662).
    pub(crate) async fn introspect(&self, token: &str) -> Answer {
        self.post("introspect", &[("token", token)]).await
    }

    /// Revokes a token (RFC 7009).
    pub(crate) async fn revoke(&self, token: &str) -> Answer {
        self.post("revoke", &[("token", token)]).await
    }

    /// A token request with the client's credentials.
    pub(crate) async fn token(&self, pairs: &[(&str, &str)]) -> Answer {
        self.post("token", pairs).await
    }

    /// Sends a token request `times` at once.
    pub(crate) async fn token_at_once(&self, pairs: &[(&str, &str)], times: usize) -> Vec<Answer> {
        let pairs = self.with_credentials(pairs);
        self.server.post_at_once(&self.path("token"), &pairs, times).await
    }

    async fn post(&self, endpoint: &str, pairs: &[(&str, &str)]) -> Answer {
        let pairs = self.with_credentials(pairs);
        let path = self.path(endpoint);
        let basic = self.basic();
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend((self.authentication == Authentication::Basic).then_some(("authorization", basic.as_str())));
        headers.extend(self.from.map(|from| ("x-forwarded-for", from)));
        self.server.post_raw(&path, &headers, encoded(&pairs)).await
    }

    fn with_credentials<'a>(&'a self, pairs: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut pairs = pairs.to_vec();
        match self.authentication {
            Authentication::Body => pairs.extend([("client_id", self.id), ("client_secret", self.secret)]),
            Authentication::None => pairs.push(("client_id", self.id)),
            Authentication::Basic => {}
        }
        pairs
    }

    /// The value of the Basic header, both halves form-encoded (RFC 6749 §2.3.1): an id may be a URL with a colon in it.
    pub(crate) fn basic(&self) -> String {
        let half = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        format!(
            "Basic {}",
            STANDARD.encode(format!("{}:{}", half(self.id), half(self.secret)))
        )
    }

    fn path(&self, endpoint: &str) -> String {
        let slash = if self.server.preset == "apicbase" { "/" } else { "" };
        format!("/oauth/{endpoint}{slash}")
    }
}
