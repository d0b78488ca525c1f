//! The bare servers that the bench compares Hallpass with: each does the least that a server in its place must do.
//!
//! One kind parses the form and answers with the same number of bytes. The others also read and update one row, in SQLite
//! or in PostgreSQL, and answer after a commit that they share with other waiting requests.

mod postgres;
mod sqlite;

use crate::Outcome;
use clap::Args;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

/// The most changes in one commit.
const BATCH: usize = 256;
/// The number of rows.
pub(crate) const ROWS: u64 = 10_000;

#[derive(Args)]
pub(crate) struct Bare {
    /// Bytes in the body of an answer
    #[arg(long)]
    bytes: usize,
    /// SQLite database for the rows; each request changes one row
    #[arg(long, conflicts_with = "postgres")]
    database: Option<PathBuf>,
    /// PostgreSQL database for the rows; each request changes one row
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
}

/// Rows as wide as a grant, in one of the two databases.
#[derive(Clone)]
enum Rows {
    Sqlite(Arc<sqlite::Rows>),
    Postgres(postgres::Rows),
}

/// Serves until the process is killed.
pub(crate) async fn serve(options: Bare) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let rows = match (&options.database, &options.postgres) {
        (Some(path), _) => Some(Rows::Sqlite(Arc::new(sqlite::Rows::open(path)?))),
        (_, Some(url)) => Some(Rows::Postgres(postgres::Rows::open(url).await?)),
        _ => None,
    };
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let rows = rows.clone();
        let service = service_fn(move |request| {
            let rows = rows.clone();
            async move { Ok::<_, Infallible>(answer(rows, request, options.bytes).await) }
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new());
        tokio::spawn(http.serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(rows: Option<Rows>, request: Request<Incoming>, bytes: usize) -> Response<Full<Bytes>> {
    if request.method() == http::Method::GET {
        return let_through(&request, bytes);
    }
    let body = request
        .into_body()
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let body = body.unwrap_or_default();
    let fields: Vec<_> = form_urlencoded::parse(&body).collect();
    let found = fields.iter().find(|(name, _)| name == "refresh_token");
    let token = found.map(|(_, value)| value.as_ref()).unwrap_or_default();
    let changed = match rows {
        Some(rows) => rows.change(token).await,
        None => !fields.is_empty(),
    };
    let status = if changed { 200 } else { 400 };
    let mut text = format!("{{\"refresh_token\":\"{token}\",\"access_token\":\"");
    while text.len() + 2 < bytes {
        text.push('x');
    }
    text.push_str("\"}");
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// Answers a proxy that asks: reads its headers, and answers with as many bytes of headers.
fn let_through(request: &Request<Incoming>, bytes: usize) -> Response<Full<Bytes>> {
    let named = |name: &str| request.headers().get(name).is_some_and(|value| !value.is_empty());
    let asked = ["authorization", "x-forwarded-method", "x-forwarded-uri"]
        .iter()
        .all(|name| named(name));
    let mut response = Response::new(Full::new(Bytes::new()));
    *response.status_mut() = http::StatusCode::from_u16(if asked { 200 } else { 401 }).unwrap_or_default();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from("x".repeat(bytes.saturating_sub("identity: \r\n".len()))) {
        headers.insert("identity", value);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl Rows {
    /// Reads and updates the row that the token names. Returns whether the row exists.
    async fn change(&self, token: &str) -> bool {
        let Ok(id) = token.parse() else { return false };
        match self {
            Self::Sqlite(rows) => rows.change(id).await,
            Self::Postgres(rows) => rows.change(id).await,
        }
    }
}

fn key(n: i64) -> [u8; 16] {
    let mut key = [0; 16];
    key[8..].copy_from_slice(&n.to_be_bytes());
    key
}
