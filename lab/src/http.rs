//! A client's HTTP connection: one request at a time, kept alive, over loopback.

use crate::Outcome;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// A connection to a server.
pub(crate) struct Connection {
    address: SocketAddr,
    host: String,
    sender: SendRequest<Full<Bytes>>,
}

/// An answer with its whole body.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// The parts of a request besides its path.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sent<'a> {
    /// The body, which is a form. Without a body the request is a GET.
    pub(crate) form: Option<&'a str>,
    /// The body, which is JSON.
    pub(crate) json: Option<&'a str>,
    /// The value of `Authorization`.
    pub(crate) authorization: Option<&'a str>,
    /// The value of `Cookie`.
    pub(crate) cookie: Option<&'a str>,
    /// Further headers.
    pub(crate) headers: &'a [(&'static str, &'static str)],
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> Outcome<Self> {
        Self::open_on(TcpStream::connect(address).await?).await
    }

    /// Uses an open connection.
    pub(crate) async fn open_on(stream: TcpStream) -> Outcome<Self> {
        let address = stream.peer_addr()?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let host = address.to_string();
        Ok(Self { address, host, sender })
    }

    /// Calls the server `localhost`, as it names itself without a public URL.
    pub(crate) fn by_name(mut self) -> Self {
        self.host = format!("localhost:{}", self.address.port());
        self
    }

    /// Posts a form with client credentials. `authorization` may be empty.
    pub(crate) async fn post(&mut self, path: &str, authorization: &str, form: &str) -> Outcome<Answer> {
        let sent = Sent {
            form: Some(form),
            authorization: Some(authorization).filter(|value| !value.is_empty()),
            ..Sent::default()
        };
        self.send(path, sent).await
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn send(&mut self, path: &str, sent: Sent<'_>) -> Outcome<Answer> {
        let mut request = Request::builder().uri(path).header(header::HOST, &self.host);
        if let Some(authorization) = sent.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if let Some(cookie) = sent.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        for (name, value) in sent.headers {
            request = request.header(*name, *value);
        }
        let (kind, body) = match (sent.form, sent.json) {
            (Some(form), _) => ("application/x-www-form-urlencoded", form),
            (None, Some(json)) => ("application/json", json),
            (None, None) => ("", ""),
        };
        if !kind.is_empty() {
            request = request.method(Method::POST).header(header::CONTENT_TYPE, kind);
        }
        let body = Bytes::copy_from_slice(body.as_bytes());
        if self.sender.ready().await.is_err() {
            // Some servers close a connection after each answer.
            let host = std::mem::take(&mut self.host);
            *self = Self {
                host,
                ..Self::open(self.address).await?
            };
            self.sender.ready().await?;
        }
        let response = self.sender.send_request(request.body(Full::new(body))?).await?;
        let (parts, body) = response.into_parts();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await?.to_bytes(),
        })
    }
}

impl Answer {
    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A string member of the JSON body.
    pub(crate) fn member(&self, name: &str) -> Option<String> {
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        Some(body.get(name)?.as_str()?.to_owned())
    }

    /// A boolean member of the JSON body.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        let body: serde_json::Value = serde_json::from_slice(&self.body).ok()?;
        body.get(name)?.as_bool()
    }

    /// A header as text.
    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// The value of `Authorization` for a client (RFC 6749 §2.3.1). Neither part needs encoding here.
pub(crate) fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}
