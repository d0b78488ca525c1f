//! HTTP requests of the sample API and the sample app.

use std::net::SocketAddr;
use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Client, RequestBuilder, redirect};

/// The longest wait for an answer.
const WITHIN: Duration = Duration::from_secs(10);
/// Unreserved characters are not encoded (RFC 3986 §2.3).
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A client that follows no redirects and uses no proxy, because its requests hold tokens.
#[derive(Clone)]
pub(super) struct Http(Client);

/// An answer with its whole body.
#[derive(Clone, Debug)]
pub(super) struct ReceivedResponse {
    pub(super) status: u16,
    /// Names and values, in the order received.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

/// A name and a secret. `Debug` prints neither.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: String,
    /// Whether the API's own text prints both. Then they are shown whole.
    pub(super) is_public: bool,
}

impl Credentials {
    /// The value of a Basic header, both parts percent-encoded (RFC 6749 §2.3.1).
    pub(super) fn basic(&self) -> String {
        let part = |text: &str| utf8_percent_encode(text, PART).to_string();
        format!(
            "Basic {}",
            STANDARD.encode(format!("{}:{}", part(&self.id), part(&self.secret)))
        )
    }
}

impl Http {
    /// A client that resolves `localhost` to the server's address, whatever the resolver of this machine answers.
    pub(super) fn new(server: SocketAddr) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(WITHIN)
            .resolve("localhost", SocketAddr::new(server.ip(), 0))
            .build()?;
        Ok(Self(client))
    }

    /// Posts a form, with Basic authentication if there are credentials.
    pub(super) async fn post(
        &self,
        url: &str,
        form: &[(&str, String)],
        credentials: Option<&Credentials>,
    ) -> Result<ReceivedResponse, reqwest::Error> {
        let request = self.0.post(url).form(form);
        send(match credentials {
            Some(credentials) => request.header("authorization", credentials.basic()),
            None => request,
        })
        .await
    }

    /// Sends a GET with a bearer token.
    pub(super) async fn get(&self, url: &str, token: &str) -> Result<ReceivedResponse, reqwest::Error> {
        send(self.0.get(url).bearer_auth(token)).await
    }

    /// Sends any method with a bearer token and a JSON body.
    pub(super) async fn call(
        &self,
        method: &http::Method,
        url: &str,
        token: &str,
        body: Option<&serde_json::Value>,
    ) -> Result<ReceivedResponse, reqwest::Error> {
        let request = self.0.request(method.clone(), url).bearer_auth(token);
        send(match body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    }
}

async fn send(request: RequestBuilder) -> Result<ReceivedResponse, reqwest::Error> {
    let response = request.send().await?;
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Ok(ReceivedResponse {
        status: response.status().as_u16(),
        headers: response
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: response.text().await?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basic(id: &str, secret: &str) -> String {
        Credentials {
            id: id.into(),
            secret: secret.into(),
            is_public: false,
        }
        .basic()
    }

    #[test]
    fn a_basic_header_encodes_id_and_secret_as_rfc_6749() {
        assert_eq!(basic("123abc", "456def"), "Basic MTIzYWJjOjQ1NmRlZg==");
        assert_eq!(basic("a:b", "c%"), format!("Basic {}", STANDARD.encode("a%3Ab:c%25")));
    }
}
