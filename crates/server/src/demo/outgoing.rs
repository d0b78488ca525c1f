//! HTTP requests of the sample API and the sample app.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Bytes;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hallpass_resource::{Fetch, FetchError, FetchFuture};
use http::HeaderValue;
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
#[derive(Clone)]
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

impl ReceivedResponse {
    pub(super) fn new(head: &http::response::Parts, body: &[u8]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            status: head.status.as_u16(),
            headers: head
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: text(body),
        }
    }
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

    /// Sends a request as it is.
    pub(super) async fn execute(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, reqwest::Error> {
        whole(self.0.execute(request.try_into()?).await?).await
    }

    /// Sends a GET with this `Authorization`.
    pub(super) async fn get_as(
        &self,
        url: &str,
        authorization: Option<HeaderValue>,
    ) -> Result<ReceivedResponse, reqwest::Error> {
        let request = self.0.get(url);
        send(match authorization {
            Some(value) => request.header("authorization", value),
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

/// The way of the sample API to the server.
impl Fetch for Http {
    fn fetch(&self, request: http::Request<Vec<u8>>) -> FetchFuture {
        let http = self.clone();
        Box::pin(async move {
            let answer = http.execute(request.map(Bytes::from)).await;
            answer
                .map(|answer| answer.map(Vec::from))
                .map_err(|error| FetchError(error.without_url().to_string()))
        })
    }
}

/// Reads the body of an answer.
async fn whole(answer: reqwest::Response) -> Result<http::Response<Bytes>, reqwest::Error> {
    let mut response = http::Response::new(());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    let body = answer.bytes().await?;
    Ok(response.map(|()| body))
}

async fn send(request: RequestBuilder) -> Result<ReceivedResponse, reqwest::Error> {
    let answer = whole(request.send().await?).await?;
    let (head, body) = answer.into_parts();
    Ok(ReceivedResponse::new(&head, &body))
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
