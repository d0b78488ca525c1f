//! Accepts connections: a bounded number, each with bounded headers and a time for them.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::config::Place;

/// The most connections at a time. Further ones wait in the system's queue.
const MOST_CONNECTIONS: usize = 512;
/// The time for the headers of a request, and for a TLS handshake.
const PATIENCE: Duration = Duration::from_secs(15);
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
                listener: TcpListener::bind(address).await?,
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

    /// Serves until the future is dropped.
    pub(crate) async fn run(self, router: Router) {
        let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            let router = router.clone();
            let accepted = match &self {
                Self::Socket { listener, .. } => listener.accept().await.map(|(stream, _)| {
                    tokio::spawn(async move {
                        converse(stream, router).await;
                        drop(place);
                    });
                }),
                Self::Tcp { listener, tls } => listener.accept().await.map(|(stream, _)| {
                    let tls = tls.clone();
                    tokio::spawn(async move {
                        match tls {
                            None => converse(stream, router).await,
                            Some(tls) => {
                                if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, tls.accept(stream)).await {
                                    converse(stream, router).await;
                                }
                            }
                        }
                        drop(place);
                    });
                }),
            };
            if let Err(error) = accepted {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, router: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(BUFFER)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Creates the socket in a folder that nobody else can enter, and moves it from there: under a umask of 0, everybody could
/// connect before its permissions are set.
fn bind_private(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = parent
        .unwrap_or_else(|| Path::new("."))
        .join(format!(".k{}", std::process::id()));
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let draft = folder.join("s");
    let bound = UnixListener::bind(&draft).and_then(|listener| {
        std::fs::set_permissions(&draft, std::fs::Permissions::from_mode(mode))?;
        std::fs::rename(&draft, path)?;
        Ok(listener)
    });
    drop(std::fs::remove_file(&draft));
    drop(std::fs::remove_dir(&folder));
    bound
}

async fn remove_dead(path: &Path) -> io::Result<()> {
    let Ok(known) = std::fs::symlink_metadata(path) else {
        return Ok(());
    };
    let is_socket = known.file_type().is_socket();
    if !is_socket || tokio::net::UnixStream::connect(path).await.is_ok() {
        let path = path.display();
        let what = if is_socket {
            "another keeper listens on"
        } else {
            "there is a file, not a socket, at"
        };
        return Err(io::Error::new(io::ErrorKind::AddrInUse, format!("{what} {path}")));
    }
    std::fs::remove_file(path)
}
