//! Other clients that take all free connections of the database.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// The first message of protocol 3.0, for the user `postgres`.
const START: &[u8] = b"\0\0\0\x17\0\x03\0\0user\0postgres\0\0";
/// The pause after a refused connection.
const AGAIN: Duration = Duration::from_millis(2);

/// The connections are closed when the value is dropped.
pub(super) struct Crowd(JoinHandle<()>);

impl Crowd {
    /// Starts to take every connection that becomes free.
    pub(super) fn gather(database: SocketAddr) -> Self {
        Self(tokio::spawn(async move {
            let mut inside = Vec::new();
            loop {
                match enter(database).await {
                    Some(connection) => inside.push(connection),
                    None => sleep(AGAIN).await,
                }
            }
        }))
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Opens a connection, if the database has a free one.
async fn enter(database: SocketAddr) -> Option<TcpStream> {
    let mut connection = TcpStream::connect(database).await.ok()?;
    connection.write_all(START).await.ok()?;
    let mut kind = [0];
    connection.read_exact(&mut kind).await.ok()?;
    (kind == *b"R").then_some(connection)
}
