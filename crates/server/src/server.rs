//! The server's life: it starts, listens, answers, drains.

use crate::admin;
use crate::app::Hallpass;
use crate::body::{self, Unread};
use crate::config::{Config, StoreUrl};
use crate::data_folder::{DataFolder, DataFolderError, admin_socket};
use crate::declared::{self, DeclaredError};
use crate::dialect::Dialect;
use crate::directory::Directory;
use crate::feed;
use crate::keys::{KeyError, Keys};
use crate::oauth::{FormRequest, Refusal, identity, introspection, metadata, revocation, token};
use crate::pages::authorize::authorize;
use crate::passwords::{Pool, Remembered};
use crate::random;
use crate::respond::{self, Response};
use crate::router::{Endpoint, bare, endpoint, pages};
use crate::store::{Store, StoreError};
use crate::time::Clock;
use crate::tokens::revoked::Revoked;
use axum::body::Body;
use http::{HeaderValue, Method, Request, Uri, header};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

/// How long open requests may take when the server is told to end.
const DRAIN: Duration = Duration::from_secs(20);

/// A server that is running.
pub struct Running {
    /// The address it is bound to.
    pub address: SocketAddr,
    hallpass: Arc<Hallpass>,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    /// Held as long as the server runs.
    _data: DataFolder,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The data folder, the admin socket or a thread cannot be had.
    #[error("{what}: {source}")]
    Io {
        /// What was wanted.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The data folder cannot be used, or another server uses it.
    #[error(transparent)]
    DataFolder(#[from] DataFolderError),
    /// The database refuses.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keys cannot be opened.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// What the configuration declares cannot be applied.
    #[error(transparent)]
    Declared(#[from] DeclaredError),
}

/// Starts a server: takes the data folder, opens the store, applies what is declared, listens.
///
/// # Errors
/// What stands in the way; nothing is left running.
pub async fn start(config: Config, clock: Clock) -> Result<Running, StartError> {
    let address = config.server.listen;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Listen { address, source })?;
    let address = listener
        .local_addr()
        .map_err(|source| StartError::Listen { address, source })?;
    let data = DataFolder::open(&config.server.data)?;
    let hallpass = Arc::new(prepare(config, clock, address).await?);
    let socket = admin_socket(data.path());
    let commands = admin::bind(&socket).map_err(|source| StartError::Io {
        what: format!("cannot listen on {}", socket.display()),
        source,
    })?;
    let (stop, stopped) = watch::channel(false);
    let mut told = stopped.clone();
    let told = async move { drop(told.wait_for(|stopped| *stopped).await) };
    let tasks = vec![
        tokio::spawn(listen(listener, hallpass.clone(), stopped, body::SLOWEST)),
        tokio::spawn(admin::listen(hallpass.clone(), commands, told)),
    ];
    Ok(Running {
        address,
        hallpass,
        stop,
        tasks,
        _data: data,
    })
}

impl Running {
    /// The address that people and apps use.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.hallpass.issuer
    }

    /// Takes no more requests, answers those that are open, writes down what is only in memory.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            let _ = tokio::time::timeout(DRAIN, task).await;
        }
        if let Err(error) = self.hallpass.store.flush().await {
            tracing::warn!(%error, "the last uses could not be written down");
        }
    }
}

/// Opens store and keys and applies what is declared: all of a server but its socket.
///
/// # Errors
/// What stands in the way.
async fn prepare(config: Config, clock: Clock, address: SocketAddr) -> Result<Hallpass, StartError> {
    let now = clock.now();
    let data = config.server.data.clone();
    let StoreUrl::Sqlite(path) = &config.store.url;
    let readers = std::thread::available_parallelism().map_or(2, usize::from);
    let store = Store::open_sqlite(path, readers)?;
    store.migrate()?;
    let keys = Keys::open(&store, &config.keys, &data, now).await?;
    let (revoked, directory) = (Arc::new(Revoked::default()), Arc::new(Directory::default()));
    let of_feed = (revoked.clone(), directory.clone(), clock.clone());
    store.on_change(move |changes| feed::apply_all(changes, &of_feed.0, &of_feed.1, &of_feed.2));
    store.keep_longest_access(config.tokens.access).await?;
    feed::apply_all(&store.changes(now).await?, &revoked, &directory, &clock);
    declared::apply(&config, &store, &keys, now).await?;
    let threads = |source| StartError::Io {
        what: "cannot start the threads that verify passwords".to_owned(),
        source,
    };
    let issuer = config.server.public_url.clone().unwrap_or_else(|| bound_url(address));
    let base = url::Url::parse(&issuer)
        .map(|url| bare(url.path()).to_owned())
        .unwrap_or_default();
    Ok(Hallpass {
        api_url: config.server.api_url.clone().unwrap_or_else(|| issuer.clone()),
        dialect: Dialect {
            name: config.wire.dialect,
            refusal_message: config.wire.refusal_message,
            empty_member: config.wire.empty_member,
        },
        people: Pool::new(readers, 256).map_err(threads)?,
        clients: Pool::new(1, 256).map_err(threads)?,
        remembered: Remembered::new(&random::bytes(), 10_000),
        config,
        issuer,
        base,
        store,
        keys,
        clock,
        revoked,
        directory,
    })
}

/// What a server is called that was told no name: by its address, or as this computer where it listens on all of them.
fn bound_url(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://localhost:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// Takes connections until it is told to stop. One on which nothing happens for as long as `slowest` is closed.
async fn listen(listener: TcpListener, hallpass: Arc<Hallpass>, mut stopped: watch::Receiver<bool>, slowest: Duration) {
    let pages = pages(hallpass.clone());
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(slowest)
        .max_buf_size(body::LARGEST);
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(128)
        .max_header_list_size(16 * 1024);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, most likely: others will be given back.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (hallpass, pages) = (hallpass.clone(), pages.clone());
        let activity = Arc::new(Activity::default());
        let seen = activity.clone();
        let service = service_fn(move |request| {
            let (hallpass, pages, open) = (hallpass.clone(), pages.clone(), Open::begin(&activity));
            async move {
                let answer = answer(&hallpass, pages, request).await;
                drop(open);
                Ok::<_, Infallible>(answer)
            }
        });
        let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service).into_owned());
        tokio::spawn(async move {
            let ended = tokio::select! {
                ended = connection => ended,
                () = seen.rest(slowest) => return,
            };
            if let Err(error) = ended {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

/// What happens on a connection. The timeout for headers begins only when HTTP/1 is recognised: who sends nothing, half an
/// HTTP/2 preface, or no stream after it would keep a descriptor for ever.
#[derive(Default)]
struct Activity {
    /// Requests that are being answered.
    open: AtomicUsize,
    /// How many began and ended.
    events: AtomicU64,
}

/// A request that is being answered.
struct Open(Arc<Activity>);

impl Activity {
    /// Comes back when no request was open, began or ended for as long as `span`.
    async fn rest(&self, span: Duration) {
        loop {
            let before = self.events.load(Ordering::SeqCst);
            tokio::time::sleep(span).await;
            if self.open.load(Ordering::SeqCst) == 0 && self.events.load(Ordering::SeqCst) == before {
                return;
            }
        }
    }
}

impl Open {
    fn begin(activity: &Arc<Activity>) -> Self {
        activity.open.fetch_add(1, Ordering::SeqCst);
        activity.events.fetch_add(1, Ordering::SeqCst);
        Self(activity.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.events.fetch_add(1, Ordering::SeqCst);
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

type Answer = http::Response<Either<Full<Bytes>, Body>>;

async fn answer(hallpass: &Arc<Hallpass>, pages: axum::Router, mut request: Request<Incoming>) -> Answer {
    let full = |response: Response| response.map(Either::Left);
    let endpoint = locate(hallpass, &mut request);
    let method = request.method();
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match endpoint {
        Endpoint::Token | Endpoint::Introspect | Endpoint::Revoke => {
            full(form_endpoint(hallpass, endpoint, request).await)
        }
        Endpoint::Identity if reads || method == Method::POST => {
            full(identity::identity(hallpass, request.headers(), hallpass.now()).await)
        }
        Endpoint::Metadata if reads => full(metadata::metadata(hallpass)),
        Endpoint::Live if reads => full(respond::json(200, r#"{"status":"live"}"#)),
        Endpoint::Ready if reads => full(ready(hallpass).await),
        Endpoint::Identity | Endpoint::Metadata | Endpoint::Live | Endpoint::Ready => full(only_reads()),
        Endpoint::Authorize => full(authorize(hallpass, request.map(Body::new)).await),
        Endpoint::Page => match pages.oneshot(request.map(Body::new)).await {
            Ok(response) => response.map(Either::Right),
            Err(never) => match never {},
        },
    }
}

/// Finds the endpoint, and takes the path of the public address off: a proxy may leave it or not. A trailing slash is taken
/// off pages too.
fn locate(hallpass: &Hallpass, request: &mut Request<Incoming>) -> Endpoint {
    let path = request.uri().path();
    let below = path
        .strip_prefix(hallpass.base.as_str())
        .filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let below = below.unwrap_or(path);
    let found = endpoint(hallpass, below);
    let wanted = if found == Endpoint::Page { bare(below) } else { below };
    if wanted != path {
        let query = request
            .uri()
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let slash = if wanted.is_empty() { "/" } else { "" };
        if let Ok(uri) = format!("{slash}{wanted}{query}").parse::<Uri>() {
            *request.uri_mut() = uri;
        }
    }
    found
}

async fn form_endpoint(hallpass: &Hallpass, endpoint: Endpoint, request: Request<Incoming>) -> Response {
    let (parts, body) = request.into_parts();
    let now = hallpass.now();
    let read = if parts.method == Method::POST {
        body::read(body).await.map_err(|unread| match unread {
            Unread::TooLarge => Refusal::TooLarge,
            Unread::Broken => Refusal::Malformed(unread.to_string()),
        })
    } else {
        Err(Refusal::MethodNotAllowed)
    };
    let body = match read {
        Ok(body) => body,
        Err(refusal) => {
            let scheme = FormRequest {
                headers: &parts.headers,
                body: &[],
            }
            .scheme();
            return match endpoint {
                Endpoint::Introspect => hallpass.dialect.introspection_refusal(&refusal, scheme),
                _ => hallpass.dialect.token_refusal(&refusal, scheme),
            };
        }
    };
    let request = FormRequest {
        headers: &parts.headers,
        body: &body,
    };
    match endpoint {
        Endpoint::Introspect => introspection::introspect(hallpass, &request, now).await,
        Endpoint::Revoke => revocation::revoke(hallpass, &request, now).await,
        _ => token::token(hallpass, &request, now).await,
    }
}

/// Ready is who can read its database.
async fn ready(hallpass: &Hallpass) -> Response {
    match hallpass
        .store
        .organization_by_slug(&hallpass.config.defaults.organization)
        .await
    {
        Ok(_) => respond::json(200, r#"{"status":"ready"}"#),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            let mut response = respond::json(503, r#"{"status":"unavailable"}"#);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
    }
}

fn only_reads() -> Response {
    let mut response = respond::json(
        405,
        r#"{"error":"invalid_request","error_description":"the method must be GET"}"#,
    );
    response
        .headers_mut()
        .insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}

#[cfg(test)]
mod tests;
