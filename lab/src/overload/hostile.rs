//! Hostile or careless clients: they hold connections, send slowly, never read, or send too much.

use crate::Outcome;
use crate::flow::form;
use crate::source::connect;
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Bytes, Frame};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The number of clients for each result.
pub(super) type Tally = BTreeMap<String, usize>;

/// The behaviour of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Habit {
    /// Connects and sends nothing.
    Idle,
    /// Sends a header from time to time.
    SlowHeaders,
    /// Announces a body and sends it byte by byte.
    SlowBody,
    /// Sends headers of 15 KB and nothing more.
    StalledHeaders,
    /// Sends 60 KB of a body and nothing more.
    StalledBody,
    /// Sends the first byte of a body and nothing more.
    StalledSmallBody,
    /// The same after 15 KB of headers.
    StalledBodyAfterHeaders,
    /// Requests pages continuously and reads none.
    NeverReads,
    /// Sends one header of 70 KiB.
    HugeHeader,
    /// Sends a thousand headers.
    ManyHeaders,
    /// Connects, sends one request, closes.
    Churn,
    /// Guesses passwords.
    Logins,
}

/// The number of the first hostile client. Well-behaved clients have lower numbers.
const FIRST: usize = 10_000;

/// Runs `count` clients for `time` at most.
pub(super) async fn many(address: SocketAddr, habit: Habit, count: usize, time: Duration) -> Outcome<Tally> {
    let end = Instant::now() + time;
    let mut tasks = JoinSet::new();
    for number in 0..count {
        // Not faster than the server accepts from the kernel's queue of new connections.
        if number % 200 == 199 {
            sleep(Duration::from_millis(10)).await;
        }
        tasks.spawn(async move {
            let left = end.saturating_duration_since(Instant::now());
            match timeout(left, one(address, habit, number)).await {
                Ok(Ok(said)) => said,
                Ok(Err(error)) => format!("error: {error}"),
                Err(_) => "still connected".to_owned(),
            }
        });
    }
    let mut tally = Tally::new();
    while let Some(said) = tasks.join_next().await {
        *tally.entry(said?).or_default() += 1;
    }
    Ok(tally)
}

async fn one(address: SocketAddr, habit: Habit, number: usize) -> Outcome<String> {
    let mut stream = connect(address, FIRST + number).await?;
    let post = "POST /oauth/token HTTP/1.1\r\nhost: id.example\r\ncontent-type: application/x-www-form-urlencoded\r\n";
    match habit {
        Habit::Idle => said(stream).await,
        Habit::SlowHeaders => {
            stream.write_all(b"GET /login HTTP/1.1\r\nhost: id.example\r\n").await?;
            slowly(stream, &format!("x-pad: {}\r\n", "x".repeat(1000))).await
        }
        Habit::SlowBody => {
            stream
                .write_all(format!("{post}content-length: 60000\r\n\r\n").as_bytes())
                .await?;
            slowly(stream, "x").await
        }
        Habit::StalledHeaders => sent(stream, &format!("{post}x-pad: {}\r\n", "x".repeat(15_000))).await,
        Habit::StalledBody => {
            let body = "x".repeat(60_000);
            sent(stream, &format!("{post}content-length: 64000\r\n\r\n{body}")).await
        }
        Habit::StalledSmallBody => sent(stream, &format!("{post}content-length: 64000\r\n\r\nx")).await,
        Habit::StalledBodyAfterHeaders => {
            let headers = "x".repeat(15_000);
            sent(
                stream,
                &format!("{post}x-pad: {headers}\r\ncontent-length: 64000\r\n\r\nx"),
            )
            .await
        }
        Habit::NeverReads => loop {
            stream
                .write_all(b"GET /login HTTP/1.1\r\nhost: id.example\r\n\r\n")
                .await?;
        },
        Habit::HugeHeader => {
            let header = format!("{post}x-pad: {}\r\n\r\n", "x".repeat(70 * 1024));
            sent(stream, &header).await
        }
        Habit::ManyHeaders => {
            let headers: String = (0..1000).map(|n| format!("x-{n}: y\r\n")).collect();
            sent(stream, &format!("{post}{headers}\r\n")).await
        }
        Habit::Churn => {
            sent(
                stream,
                "GET /health/live HTTP/1.1\r\nhost: id.example\r\nconnection: close\r\n\r\n",
            )
            .await
        }
        Habit::Logins => login(stream, number).await,
    }
}

/// Sends the piece every half second until the server closes the connection.
async fn slowly(stream: TcpStream, piece: &str) -> Outcome<String> {
    let (reader, mut writer) = stream.into_split();
    let sending = async {
        while writer.write_all(piece.as_bytes()).await.is_ok() {
            sleep(Duration::from_millis(500)).await;
        }
        std::future::pending::<Outcome<String>>().await
    };
    tokio::select! {
        said = said(reader) => said,
        never = sending => never,
    }
}

async fn sent(mut stream: TcpStream, request: &str) -> Outcome<String> {
    // The server may answer and close before all of it is sent.
    let _ = stream.write_all(request.as_bytes()).await;
    said(stream).await
}

/// The status of the answer, or that the server closed without one.
async fn said(mut stream: impl tokio::io::AsyncRead + Unpin) -> Outcome<String> {
    let mut head = [0; 12];
    Ok(match stream.read_exact(&mut head).await {
        Ok(_) => String::from_utf8_lossy(head.get(9..).unwrap_or_default()).into_owned(),
        Err(_) => "closed".to_owned(),
    })
}

async fn login(stream: TcpStream, number: usize) -> Outcome<String> {
    let mut connection = crate::http::Connection::open_on(stream).await?;
    let page = connection.send("/login", crate::http::Sent::default()).await?;
    let (state, cookie) = crate::flow::sign_in_fields(&page)?;
    let username = format!("nobody{number}@example.com");
    let form = form(&[("state", &state), ("username", &username), ("password", "guess")]);
    let sent = crate::http::Sent {
        form: Some(&form),
        cookie: Some(&cookie),
        ..crate::http::Sent::default()
    };
    let answer = connection.send("/login", sent).await?;
    Ok(match answer.status {
        503 if answer.header(http::header::RETRY_AFTER).is_none() => "503 without Retry-After".to_owned(),
        status => status.to_string(),
    })
}

/// What a request on HTTP/2 sends before it stalls.
#[derive(Clone, Copy)]
pub(super) struct Sends {
    /// The number of short headers.
    pub(super) headers: usize,
    /// The number of bytes of the body.
    pub(super) body: usize,
}

/// Opens many HTTP/2 connections, each with requests whose bodies stall, and holds them for `stay`.
pub(super) async fn stalled_streams(
    address: SocketAddr,
    (connections, streams): (usize, usize),
    sends: Sends,
    stay: Duration,
) -> Outcome {
    let mut tasks = JoinSet::new();
    let stalled = Bytes::from(vec![b'x'; sends.body]);
    for number in 0..connections {
        // Twice as many sources as for HTTP/1: a source may hold half as many HTTP/2 connections.
        let stream = TokioIo::new(connect(address, FIRST + 2 * number).await?);
        let shaken = http2::handshake(TokioExecutor::new(), stream).await;
        // Connections beyond the limit are closed.
        let Ok((sender, connection)) = shaken else { continue };
        tasks.spawn(async move { drop(connection.await) });
        for _ in 0..streams {
            let mut sender = sender.clone();
            let stalled = Stalls(Some(stalled.clone()));
            tasks.spawn(async move {
                let request = http::Request::post(format!("http://{address}/oauth/token"));
                let request = request.header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
                let request = (0..sends.headers).fold(request, |request, n| request.header(format!("x{n}"), "y"));
                if let Ok(request) = request.body(stalled) {
                    drop(sender.send_request(request).await);
                }
            });
        }
    }
    sleep(stay).await;
    tasks.shutdown().await;
    Ok(())
}

/// A body that sends this data and never ends.
struct Stalls(Option<Bytes>);

impl Body for Stalls {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0
            .take()
            .map_or(Poll::Pending, |bytes| Poll::Ready(Some(Ok(Frame::data(bytes)))))
    }
}

/// Sends `count` concurrent requests on one HTTP/2 connection, by prior knowledge, and returns their statuses. The client
/// sends no second request before it knows the limit of streams: the server refuses streams beyond it (RFC 9113 §5.1.2).
pub(super) async fn streams(address: SocketAddr, count: usize) -> Outcome<Tally> {
    let stream = TcpStream::connect(address).await?;
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .initial_max_send_streams(1)
        .handshake::<_, Full<Bytes>>(TokioIo::new(stream))
        .await?;
    tokio::spawn(connection);
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let mut sender = sender.clone();
        tasks.spawn(async move {
            sender.ready().await.map_err(|error| error.to_string())?;
            let request = http::Request::builder().uri(format!("http://{address}/health/live"));
            let request = request.body(Full::default()).map_err(|error| error.to_string())?;
            let answer = sender.send_request(request).await.map_err(|error| with_cause(&error))?;
            let status = answer.status().as_u16().to_string();
            answer.into_body().collect().await.map_err(|error| error.to_string())?;
            Ok::<String, String>(status)
        });
    }
    let mut tally = Tally::new();
    while let Some(said) = tasks.join_next().await {
        let said = said?.unwrap_or_else(|error| format!("error: {error}"));
        *tally.entry(said).or_default() += 1;
    }
    Ok(tally)
}

/// An error with its cause, which says what the server refused.
fn with_cause(error: &hyper::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
