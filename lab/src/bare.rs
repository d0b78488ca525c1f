//! The servers that Hallpass is measured beside: the least that any server in its place has to do.
//!
//! One parses the form and answers as many bytes. The other also reads one row and updates it, and answers after a commit
//! that it shares with whatever else waits.

use crate::Outcome;
use clap::Args;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rusqlite::{Connection, params};
use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// How many changes one commit holds at most.
const BATCH: usize = 256;
/// How many rows there are.
pub(crate) const ROWS: u64 = 10_000;

#[derive(Args)]
pub(crate) struct Bare {
    /// How many bytes the body of an answer has
    #[arg(long)]
    bytes: usize,
    /// Keep rows in this SQLite database, and change one at each request
    #[arg(long)]
    database: Option<PathBuf>,
}

/// Serves until it is ended.
pub(crate) async fn serve(options: Bare) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let rows = options.database.as_deref().map(Rows::open).transpose()?.map(Arc::new);
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

async fn answer(rows: Option<Arc<Rows>>, request: Request<Incoming>, bytes: usize) -> Response<Full<Bytes>> {
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

/// Rows as wide as a grant, with one writer that commits in groups.
struct Rows {
    path: PathBuf,
    readers: Mutex<Vec<Connection>>,
    writer: Sender<Change>,
}

struct Change {
    id: i64,
    generation: i64,
    done: oneshot::Sender<bool>,
}

impl Rows {
    fn open(path: &Path) -> Outcome<Self> {
        let mut connection = Connection::open(path)?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 16000;
             CREATE TABLE IF NOT EXISTS rows (id BLOB NOT NULL PRIMARY KEY, generation BIGINT NOT NULL,
             rotated_at BIGINT NOT NULL, last_used BIGINT NOT NULL, expires BIGINT NOT NULL, rest BLOB NOT NULL);",
        )?;
        let transaction = connection.transaction()?;
        for n in 0..ROWS {
            transaction.execute(
                "INSERT OR IGNORE INTO rows VALUES (?1, 1, 0, 0, 0, ?2)",
                params![key(n as i64), [0u8; 150]],
            )?;
        }
        transaction.commit()?;
        let (writer, changes) = channel();
        std::thread::spawn(move || write(&connection, &changes));
        let (path, readers) = (path.to_owned(), Mutex::default());
        Ok(Self { path, readers, writer })
    }

    /// Reads the row that the token names and moves it on; whether it was there.
    async fn change(&self, token: &str) -> bool {
        let Ok(id) = token.parse() else { return false };
        let Ok(generation) = self.read(id) else { return false };
        let (done, changed) = oneshot::channel();
        let sent = self.writer.send(Change { id, generation, done });
        sent.is_ok() && changed.await.unwrap_or(false)
    }

    fn read(&self, id: i64) -> rusqlite::Result<i64> {
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match idle {
            Some(reader) => reader,
            None => Connection::open(&self.path)?,
        };
        let generation = reader
            .prepare_cached("SELECT generation, rotated_at, last_used, expires, rest FROM rows WHERE id = ?1")?
            .query_row([key(id)], |row| {
                let _: (i64, i64, i64, Vec<u8>) = (row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?);
                row.get(0)
            });
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).push(reader);
        generation
    }
}

fn write(connection: &Connection, changes: &Receiver<Change>) {
    while let Ok(first) = changes.recv() {
        let mut batch = vec![first];
        batch.extend(changes.try_iter().take(BATCH - 1));
        let committed = commit(connection, &batch);
        if let Err(error) = &committed {
            eprintln!("{error}");
        }
        for change in batch {
            let _ = change.done.send(committed.is_ok());
        }
    }
}

fn commit(connection: &Connection, batch: &[Change]) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN IMMEDIATE")?;
    for change in batch {
        connection
            .prepare_cached(
                "UPDATE rows SET generation = generation + 1, rotated_at = ?1, last_used = ?1, expires = ?2
                 WHERE id = ?3 AND generation = ?4",
            )?
            .execute(params![1_i64, 2_i64, key(change.id), change.generation])?;
    }
    connection.execute_batch("COMMIT")
}

fn key(n: i64) -> [u8; 16] {
    let mut key = [0; 16];
    key[8..].copy_from_slice(&n.to_be_bytes());
    key
}
