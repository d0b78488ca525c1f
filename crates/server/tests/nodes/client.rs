//! The app, which sends its requests to any server.

use reqwest::Method;
use reqwest::redirect::Policy;
use serde_json::Value;
use std::time::Duration;

/// The app's id.
pub(crate) const APP: &str = "sample";
/// Its secret.
pub(crate) const SECRET: &str = "a-secret-of-43-characters-as-hallpass-makes";
/// The API's identifier.
pub(crate) const API: &str = "api";
/// The redirect URI.
pub(crate) const REDIRECT_URI: &str = "https://app.example/callback";

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The server that answered, if nginx names it.
    pub(crate) node: String,
    pub(crate) retry_after: Option<String>,
    pub(crate) json: Value,
}

/// A pair of tokens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

/// The app, with its own connections.
#[derive(Clone)]
pub(crate) struct Client(reqwest::Client);

impl Client {
    pub(crate) fn new() -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(20));
        Self(http.build().unwrap())
    }

    /// Sends a form as the app.
    pub(crate) async fn post(&self, address: &str, path: &str, pairs: &[(&str, &str)]) -> Answer {
        self.post_with(SECRET, address, path, pairs).await
    }

    /// The same with another secret.
    pub(crate) async fn post_with(&self, secret: &str, address: &str, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let own = [("client_id", APP), ("client_secret", secret)];
        let form: Vec<(&str, &str)> = own.iter().chain(pairs).copied().collect();
        self.form(address, path, &form).await
    }

    /// Sends a form as it is.
    pub(crate) async fn form(&self, address: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        answer(self.0.post(format!("{address}{path}")).form(form)).await
    }

    /// A token request.
    pub(crate) async fn token(&self, address: &str, pairs: &[(&str, &str)]) -> Answer {
        self.post(address, "/oauth/token", pairs).await
    }

    pub(crate) async fn redeem(&self, address: &str, code: &str, verifier: &str) -> Answer {
        let pairs = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", verifier),
        ];
        self.token(address, &pairs).await
    }

    pub(crate) async fn refresh(&self, address: &str, token: &str) -> Answer {
        let pairs = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.token(address, &pairs).await
    }

    /// A token for the app itself.
    pub(crate) async fn own(&self, address: &str) -> String {
        let answer = self.token(address, &[("grant_type", "client_credentials")]).await;
        answer.tokens().access
    }

    pub(crate) async fn revoke(&self, address: &str, token: &str) {
        let answer = self.post(address, "/oauth/revoke", &[("token", token)]).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    pub(crate) async fn introspect(&self, address: &str, token: &str) -> Answer {
        self.post(address, "/oauth/introspect", &[("token", token)]).await
    }

    /// Introspection by an API that follows the feed: the answer, its tags and its position.
    pub(crate) async fn introspect_as_api(&self, address: &str, token: &str) -> (bool, String, String) {
        let request = self.0.post(format!("{address}/oauth/introspect"));
        let request = request.basic_auth(API, Some(SECRET)).header("hallpass-feed", "1");
        let response = request.form(&[("token", token)]).send().await.unwrap();
        let header = |name: &str| {
            let value = response.headers().get(name).map(|value| value.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        };
        let (tags, position) = (header("hallpass-tags"), header("hallpass-position"));
        let json: Value = response.json().await.unwrap();
        (json["active"] == true, tags, position)
    }

    /// The feed for APIs, after a position, or a snapshot.
    pub(crate) async fn feed(&self, address: &str, after: Option<&str>) -> Answer {
        let after = after.map(|position| format!("?after={position}")).unwrap_or_default();
        let request = self.0.get(format!("{address}/resource/feed{after}"));
        answer(request.basic_auth(API, Some(SECRET))).await
    }

    /// The answer of the identity endpoint to a token.
    pub(crate) async fn identity(&self, address: &str, token: &str) -> Answer {
        answer(self.0.get(format!("{address}/oauth/userinfo")).bearer_auth(token)).await
    }

    /// The preflight of a browser before a page of this origin may send a token request.
    pub(crate) async fn preflight(&self, address: &str, origin: &str) -> Answer {
        let request = self.0.request(Method::OPTIONS, format!("{address}/oauth/token"));
        let request = request.header("access-control-request-method", "POST");
        answer(request.header("origin", origin)).await
    }

    pub(crate) async fn get(&self, address: &str, path: &str) -> Answer {
        answer(self.0.get(format!("{address}{path}"))).await
    }
}

impl Answer {
    /// The tokens of a token answer.
    pub(crate) fn tokens(&self) -> Tokens {
        assert_eq!(self.status, 200, "{self:?}");
        let member = |name: &str| self.json[name].as_str().unwrap_or_default().to_owned();
        Tokens {
            access: member("access_token"),
            refresh: member("refresh_token"),
        }
    }

    /// Whether introspection calls a token active.
    pub(crate) fn is_active(&self) -> bool {
        self.status == 200 && self.json["active"] == true
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let header = |name: &str| Some(response.headers().get(name)?.to_str().unwrap().to_owned());
    Answer {
        status: response.status().as_u16(),
        node: header("x-node").unwrap_or_default(),
        retry_after: header("retry-after"),
        json: response.json().await.unwrap_or(Value::Null),
    }
}
