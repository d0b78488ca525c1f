//! Every address of the admin API on one page, and the socket it listens on.

use super::failure::Failure;
use super::{apps, audit, grants, keys, openapi, organizations, secrets, suspension, users};
use crate::audit::Who;
use crate::data_folder::SocketPath;
use crate::serve::hallpass::Hallpass;
use crate::serve::listen::HEADERS;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::{delete, get, post, put};
use axum::{Extension, Router};
use http::Method;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};

/// Answers a change only when this server's memory has it. The store tells memory of what this server changed. A change that
/// finds nothing to do was perhaps made by another server a moment ago, and is known once the feed was read.
async fn known(State(hallpass): State<Arc<Hallpass>>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    if !reads && response.status().is_success() {
        // Without the database memory is stale in a moment, and nothing is answered from it.
        if let Err(error) = hallpass.feed.newest().await {
            tracing::warn!(%error, "failed to read the feed after a change");
        }
    }
    response
}

/// How long open requests may take when the server is told to end.
const DRAIN: Duration = Duration::from_secs(20);

/// The admin API.
pub(crate) fn router(hallpass: Arc<Hallpass>) -> Router {
    let v1 = Router::new()
        .route("/apps", get(apps::list).post(apps::create))
        .route("/apps/{app}", get(apps::show).patch(apps::change).delete(apps::delete))
        .route("/apps/{app}/deletion", get(apps::deletion))
        .route("/apps/{app}/suspend", post(suspension::suspend_app))
        .route("/apps/{app}/resume", post(suspension::resume_app))
        .route("/apps/{app}/secret", post(secrets::reset))
        .route("/apps/{app}/secrets", get(secrets::list).post(secrets::add))
        .route("/apps/{app}/secrets/{secret}", delete(secrets::end))
        .route("/users", get(users::list).post(users::create))
        .route(
            "/users/{user}",
            get(users::show).patch(users::change).delete(users::delete),
        )
        .route("/users/{user}/deletion", get(users::deletion))
        .route("/users/{user}/password", put(users::set_password))
        .route("/users/{user}/suspend", post(suspension::suspend_user))
        .route("/users/{user}/resume", post(suspension::resume_user))
        .route("/organizations", get(organizations::list).post(organizations::create))
        .route(
            "/organizations/{organization}",
            get(organizations::show)
                .patch(organizations::change)
                .delete(organizations::delete),
        )
        .route("/organizations/{organization}/deletion", get(organizations::deletion))
        .route(
            "/organizations/{organization}/suspend",
            post(suspension::suspend_organization),
        )
        .route(
            "/organizations/{organization}/resume",
            post(suspension::resume_organization),
        )
        .route("/organizations/{organization}/members", get(organizations::members))
        .route(
            "/organizations/{organization}/members/{user}",
            put(organizations::set_member).delete(organizations::remove_member),
        )
        .route("/grants", get(grants::list))
        .route("/grants/{grant}", get(grants::show))
        .route("/grants/{grant}/end", post(grants::end))
        .route("/audit", get(audit::list))
        .route("/audit/{event}", get(audit::show))
        .route("/keys", get(keys::list))
        .route("/keys/rotate", post(keys::rotate))
        .route("/keys/{key}/revoke", post(keys::revoke))
        .route("/openapi.json", get(openapi::document));
    Router::new()
        .nest("/admin/api/v1", v1.layer(from_fn_with_state(hallpass.clone(), known)))
        .fallback(async || Failure::not_found("there is no such address".to_owned()))
        .method_not_allowed_fallback(async || Failure::method_not_allowed())
        .with_state(hallpass)
}

/// The socket of the admin API, bound.
pub(crate) struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
}

/// Creates the socket, for its owner only. Replaces a socket that a stopped server left behind: the caller holds the lock of
/// the data folder, so no other server uses it.
///
/// # Errors
/// If the file system refuses, or another file has the path.
pub(crate) fn bind(socket: &Path) -> io::Result<AdminSocket> {
    bind_by(socket, |draft| UnixListener::bind(SocketPath::to(draft)?.as_path()))
}

/// Checks that the system accepts the path at which [`bind`] creates the socket.
///
/// # Errors
/// If the path is too long here.
pub(crate) fn check_path(socket: &Path) -> io::Result<()> {
    SocketPath::check(&draft_in(&private_folder(socket)))
}

/// The folder in which the socket is created.
fn private_folder(socket: &Path) -> PathBuf {
    socket.with_extension("new")
}

fn draft_in(private: &Path) -> PathBuf {
    private.join("s")
}

/// Creates the socket in a folder that nobody else can enter, and moves it from there. Under a umask of 0 everybody could open it
/// between its creation and the change of its permissions.
fn bind_by(socket: &Path, bind: impl Fn(&Path) -> io::Result<UnixListener>) -> io::Result<AdminSocket> {
    match fs::symlink_metadata(socket) {
        Ok(found) if found.file_type().is_socket() => {}
        Ok(_) => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file that is no socket",
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let private = private_folder(socket);
    // A server that was killed at this point leaves the folder behind.
    match fs::remove_dir_all(&private) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => DirBuilder::new().mode(0o700).create(&private)?,
    }
    let draft = draft_in(&private);
    let bound = bind(&draft).and_then(|listener| {
        fs::set_permissions(&draft, Permissions::from_mode(0o600))?;
        fs::rename(&draft, socket)?;
        Ok(listener)
    });
    fs::remove_dir_all(&private)?;
    let (listener, path) = (bound?, socket.to_owned());
    Ok(AdminSocket { listener, path })
}

/// Answers requests until `shutdown` resolves, then finishes the open ones.
pub(crate) async fn listen(hallpass: Arc<Hallpass>, socket: AdminSocket, shutdown: impl Future<Output = ()>) {
    let AdminSocket { listener, path } = socket;
    let router = router(hallpass);
    let graceful = GracefulShutdown::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut shutdown => break,
        };
        match accepted {
            Ok((stream, _)) => serve(stream, &router, &graceful),
            // Probably out of file descriptors: wait until others are closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    let _ = fs::remove_file(path);
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

fn serve(stream: UnixStream, router: &Router, graceful: &GracefulShutdown) {
    // The kernel reports the account that opened the socket, for the audit log.
    let account = stream.peer_cred().ok().map(|peer| peer.uid());
    let router = router.clone().layer(Extension(Who::operator(account)));
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .max_buf_size(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the admin socket ended early");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn the_socket_is_nobody_elses_from_its_creation_on() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("admin.sock");
        for _ in 0..2 {
            let made = bind_by(&socket, |draft| {
                assert_eq!(mode(draft.parent().unwrap()), 0o700);
                assert_ne!(draft.parent(), socket.parent());
                UnixListener::bind(draft)
            });
            let made = made.unwrap();
            assert_eq!(mode(&made.path), 0o600);
            UnixStream::connect(&socket).await.unwrap();
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
    }

    #[tokio::test]
    async fn a_socket_in_a_deep_folder_is_made_and_reached() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(120)).join("e".repeat(120));
        fs::create_dir_all(&deep).unwrap();
        let socket = deep.join("admin.sock");
        let made = bind(&socket).unwrap();
        assert_eq!(made.path, socket);
        let reached = SocketPath::to(&socket).unwrap();
        UnixStream::connect(reached.as_path()).await.unwrap();
    }
}
