//! Accepts connections: a bounded number, each with bounded headers and a time for them.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::config::Place;

/// The most connections at a time. Further ones wait in the system's queue.
const MOST_CONNECTIONS: u32 = 512;
/// The time for the headers of a request, and for a TLS handshake.
const PATIENCE: Duration = Duration::from_secs(15);
/// The same while half of the places are taken, so that clients that send half a head block others for a second.
const HASTE: Duration = Duration::from_secs(1);
/// The longest life of a connection.
const LIFE: Duration = Duration::from_secs(300);
/// The time for the last answer of a connection after that.
const END: Duration = Duration::from_secs(60);
/// The buffer for the headers of a request, in bytes.
const BUFFER: usize = 32 * 1024;
/// How long to wait when the system gives no connection, for want of file descriptors.
const REST: Duration = Duration::from_millis(100);

/// A bound listener.
pub(crate) enum Listener {
    Socket {
        listener: UnixListener,
        path: PathBuf,
    },
    Tcp {
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
    },
}

impl Listener {
    /// Binds. A socket that a keeper left behind is replaced; one that answers is not.
    pub(crate) async fn bind(place: &Place) -> io::Result<Self> {
        match place {
            Place::Socket { path, mode } => {
                remove_dead(path).await?;
                let listener = bind_private(path, *mode)?;
                let path = path.clone();
                Ok(Self::Socket { listener, path })
            }
            Place::Tcp { address, tls } => Ok(Self::Tcp {
                listener: TcpListener::bind(address)
                    .await
                    .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?,
                tls: tls.clone().map(TlsAcceptor::from),
            }),
        }
    }

    pub(crate) fn is_socket(&self) -> bool {
        matches!(self, Self::Socket { .. })
    }

    /// For the ready line: `unix:PATH`, or the URL.
    pub(crate) fn address(&self) -> String {
        match self {
            Self::Socket { path, .. } => format!("unix:{}", path.display()),
            Self::Tcp { listener, tls } => {
                let scheme = if tls.is_some() { "https" } else { "http" };
                let address = listener.local_addr().map(|address| address.to_string());
                format!("{scheme}://{}", address.unwrap_or_default())
            }
        }
    }

    /// Serves until `stop` says so or its sender is gone, and then until the answers of open requests are sent.
    pub(crate) async fn run(self, router: Router, stop: watch::Receiver<bool>) {
        self.run_with(router, stop, MOST_CONNECTIONS).await;
    }

    async fn run_with(self, router: Router, mut stop: watch::Receiver<bool>, most: u32) {
        let places = Arc::new(Semaphore::new(most as usize));
        loop {
            let place = tokio::select! {
                place = places.clone().acquire_owned() => place,
                _ = stop.changed() => break,
            };
            let Ok(place) = place else { break };
            let is_full = places.available_permits() < most as usize / 2;
            let visitor = Visitor {
                router: router.clone(),
                stop: stop.clone(),
                patience: if is_full { HASTE } else { PATIENCE },
                _place: place,
            };
            let accepted = tokio::select! {
                accepted = self.accept(visitor) => accepted,
                _ = stop.changed() => break,
            };
            if let Err(error) = accepted {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(REST).await;
            }
        }
        drop(self);
        drop(places.acquire_many(most).await);
    }

    /// Accepts one connection, and serves it as a task of its own.
    async fn accept(&self, visitor: Visitor) -> io::Result<()> {
        match self {
            Self::Socket { listener, .. } => {
                let (stream, _) = listener.accept().await?;
                tokio::spawn(visitor.converse(stream));
            }
            Self::Tcp { listener, tls: None } => {
                let (stream, _) = listener.accept().await?;
                tokio::spawn(visitor.converse(stream));
            }
            Self::Tcp {
                listener,
                tls: Some(tls),
            } => {
                let (stream, _) = listener.accept().await?;
                let handshake = tls.accept(stream);
                tokio::spawn(async move {
                    if let Ok(Ok(stream)) = tokio::time::timeout(visitor.patience, handshake).await {
                        visitor.converse(stream).await;
                    }
                });
            }
        }
        Ok(())
    }
}

/// What a connection holds while it lasts.
struct Visitor {
    router: Router,
    stop: watch::Receiver<bool>,
    patience: Duration,
    _place: OwnedSemaphorePermit,
}

impl Visitor {
    async fn converse(mut self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.patience)
            .max_buf_size(BUFFER)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.router.clone()));
        let mut connection = pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            _ = self.stop.changed() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = tokio::time::sleep(LIFE) => {
                connection.as_mut().graceful_shutdown();
                tokio::time::timeout(END, connection).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }
}

/// Creates the socket in a folder that nobody else can enter, and moves it from there: under a umask of 0, everybody could
/// connect before its permissions are set.
fn bind_private(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let draft = draft_of(path);
    let folder = draft.parent().unwrap_or(path);
    let create = || std::fs::DirBuilder::new().mode(0o700).create(folder);
    match create() {
        // A keeper with the same process id was killed at this point, as in a container that starts again.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            remove_draft(&draft, folder);
            create()?;
        }
        created => created?,
    }
    let bound = UnixListener::bind(&draft).and_then(|listener| {
        std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(mode))?;
        std::fs::rename(&draft, path)?;
        Ok(listener)
    });
    remove_draft(&draft, folder);
    bound
}

/// Where a socket is created before it is moved to `path`. As long for every process, so that `check` can measure it.
pub(crate) fn draft_of(path: &Path) -> PathBuf {
    path.with_file_name(format!(".k{:07}", std::process::id())).join("s")
}

/// Removes the draft and its folder. A link is not followed, and a folder that holds anything else stays.
fn remove_draft(draft: &Path, folder: &Path) {
    if std::fs::symlink_metadata(folder).is_ok_and(|known| known.is_dir()) {
        drop(std::fs::remove_file(draft));
        drop(std::fs::remove_dir(folder));
    }
}

/// Removes a socket on which nobody listens. A keeper with a full queue refuses in another way, and is alive.
async fn remove_dead(path: &Path) -> io::Result<()> {
    let Ok(known) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    let in_use = |what| {
        Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            format!("{what} {}", path.display()),
        ))
    };
    if !known.file_type().is_socket() {
        return in_use("there is a file, not a socket, at");
    }
    match tokio::net::UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        // It ended at this moment.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
            Err(io::Error::new(error.kind(), format!("{}: {error}", path.display())))
        }
        _ => in_use("another keeper listens on"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{UnixSocket, UnixStream};
    use tokio::time::Instant;

    async fn listening(folder: &Path, most: u32) -> (PathBuf, watch::Sender<bool>) {
        let path = folder.join("s");
        let place = Place::Socket {
            path: path.clone(),
            mode: 0o600,
        };
        let listener = Listener::bind(&place).await.unwrap();
        let router = Router::new().route("/", get(|| async { "here" }));
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(listener.run_with(router, stopped, most));
        (path, stop)
    }

    #[tokio::test]
    async fn an_address_that_is_taken_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = taken.local_addr().unwrap();
        let bound = Listener::bind(&Place::Tcp { address, tls: None }).await;
        let error = bound.err().unwrap().to_string();
        assert!(
            error.starts_with(&format!("{address}: Address already in use")),
            "{error}"
        );
    }

    #[tokio::test]
    async fn what_a_killed_start_left_behind_stops_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        let draft = draft_of(&path);
        std::fs::create_dir(draft.parent().unwrap()).unwrap();
        drop(std::os::unix::net::UnixListener::bind(&draft).unwrap());
        let place = Place::Socket { path, mode: 0o600 };
        Listener::bind(&place).await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_socket_whose_queue_is_full_is_in_use_and_a_dead_one_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        let busy = UnixSocket::new_stream().unwrap();
        busy.bind(&path).unwrap();
        let busy = busy.listen(1).unwrap();
        let mut waiting = Vec::new();
        let full = loop {
            match UnixStream::connect(&path).await {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error,
            }
        };
        assert_eq!(full.kind(), io::ErrorKind::WouldBlock);
        let place = Place::Socket { path, mode: 0o600 };
        let refused = Listener::bind(&place).await.err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        drop(busy);
        Listener::bind(&place).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn half_heads_keep_nobody_out_for_long() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _stop) = listening(folder.path(), 8).await;
        let begun = Instant::now();
        let mut slow = Vec::new();
        for _ in 0..12 {
            let mut stream = UnixStream::connect(&path).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: a").await.unwrap();
            slow.push(stream);
        }
        let mut fair = UnixStream::connect(&path).await.unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        fair.write_all(request).await.unwrap();
        let mut answer = String::new();
        fair.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("here"),
            "{answer}"
        );
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_ends_although_its_peer_never_does() {
        let folder = tempfile::tempdir().unwrap();
        let (path, _stop) = listening(folder.path(), 8).await;
        let begun = Instant::now();
        let mut stream = UnixStream::connect(&path).await.unwrap();
        let mut answers = 0;
        let mut bytes = [0; 1024];
        for _ in 0..100 {
            let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
            if stream.write_all(request).await.is_err() || !matches!(stream.read(&mut bytes).await, Ok(1..)) {
                break;
            }
            answers += 1;
            tokio::time::advance(Duration::from_secs(10)).await;
        }
        assert!(answers > 3, "{answers}");
        assert!(begun.elapsed() <= LIFE + END, "{:?}", begun.elapsed());
    }
}
