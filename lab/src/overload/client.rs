//! A client that is cheaper than the server it loads: requests are prepared bytes, and answers are only searched.

use crate::Outcome;
use crate::flow::{form, refreshing};
use crate::source::connect;
use crate::world::{api, app};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The request of a client.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Ask {
    /// A refresh with this token, then with each successor.
    Refresh(String),
    Introspect(String),
    ClientCredentials,
    Get(&'static str),
}

/// An answer, as far as it matters here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Heard {
    /// 2xx, or another expected status.
    Served,
    /// A complete 503 with `Retry-After`.
    Later,
    /// Another status, or 503 without `Retry-After`.
    Odd(u16),
}

/// One connection over HTTP/1.1.
pub(super) struct Client {
    stream: TcpStream,
    ask: Ask,
    request: Vec<u8>,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects as the client of this number.
    pub(super) async fn open(address: SocketAddr, number: usize, ask: Ask) -> Outcome<Self> {
        let stream = connect(address, number).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            request: request(&ask),
            ask,
            buffer: Vec::with_capacity(4096),
        })
    }

    /// Its next request.
    pub(super) fn asks(&self) -> Ask {
        self.ask.clone()
    }

    /// Sends one request and reads the answer.
    pub(super) async fn send(&mut self) -> Outcome<Heard> {
        self.stream.write_all(&self.request).await?;
        let (status, body_at) = self.receive().await?;
        let (head, body) = self.buffer.split_at(body_at);
        if status == 200 && matches!(self.ask, Ask::Refresh(_)) {
            let body = String::from_utf8_lossy(body);
            let token = body
                .split("\"refresh_token\":\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            self.ask = Ask::Refresh(token.ok_or("no refresh token")?.to_owned());
            self.request = request(&self.ask);
            return Ok(Heard::Served);
        }
        Ok(match status {
            200 => Heard::Served,
            503 if contains(head, b"retry-after: ") && !body.is_empty() => Heard::Later,
            other => Heard::Odd(other),
        })
    }

    /// Reads one answer into the buffer. Returns its status and the position of its body.
    async fn receive(&mut self) -> Outcome<(u16, usize)> {
        self.buffer.clear();
        let head = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server closed the connection".into());
            }
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let text = String::from_utf8_lossy(self.buffer.get(..head).unwrap_or_default()).to_ascii_lowercase();
        let status = text
            .get(9..12)
            .and_then(|status| status.parse().ok())
            .ok_or("no status")?;
        let length = text
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next());
        let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        while self.buffer.len() < head + length {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the answer was truncated".into());
            }
        }
        Ok((status, head))
    }
}

fn request(ask: &Ask) -> Vec<u8> {
    let (path, authorization, body) = match ask {
        Ask::Get(path) => return format!("GET {path} HTTP/1.1\r\nhost: id.example\r\n\r\n").into_bytes(),
        Ask::Refresh(token) => ("/oauth/token", app(), refreshing(token)),
        Ask::Introspect(token) => ("/oauth/introspect", api(), form(&[("token", token)])),
        Ask::ClientCredentials => ("/oauth/token", app(), form(&[("grant_type", "client_credentials")])),
    };
    let length = body.len();
    let head = "content-type: application/x-www-form-urlencoded\r\nhost: id.example";
    format!(
        "POST {path} HTTP/1.1\r\n{head}\r\nauthorization: {authorization}\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes
        .windows(wanted.len())
        .any(|window| window.eq_ignore_ascii_case(wanted))
}
