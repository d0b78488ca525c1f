//! Every address of the admin API on one page, and the socket it listens on.

use super::failure::Failure;
use super::suspension::{self, Kind};
use super::{apps, audit, grants, keys, organizations, secrets, users};
use crate::app::Hallpass;
use crate::audit::Who;
use axum::routing::{delete, get, post, put};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};

/// How long open requests may take when the server is told to end.
const DRAIN: Duration = Duration::from_secs(20);

/// The admin API.
pub fn router(hallpass: Arc<Hallpass>) -> Router {
    let v1 = Router::new()
        .route("/apps", get(apps::list).post(apps::create))
        .route("/apps/{app}", get(apps::show).patch(apps::change).delete(apps::delete))
        .route("/apps/{app}/deletion", get(apps::deletion))
        .route("/apps/{app}/suspend", suspension::suspend(Kind::App))
        .route("/apps/{app}/resume", suspension::resume(Kind::App))
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
        .route("/users/{user}/suspend", suspension::suspend(Kind::User))
        .route("/users/{user}/resume", suspension::resume(Kind::User))
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
            suspension::suspend(Kind::Organization),
        )
        .route(
            "/organizations/{organization}/resume",
            suspension::resume(Kind::Organization),
        )
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
        .route("/keys/{key}/revoke", post(keys::revoke));
    Router::new()
        .nest("/admin/api/v1", v1)
        .fallback(async || Failure::not_found("there is no such address".to_owned()))
        .method_not_allowed_fallback(async || Failure::method_not_allowed())
        .with_state(hallpass)
}

/// Makes the socket, for its owner only. One that a server left behind is replaced; the caller holds the data folder's lock,
/// so there is nobody to take it from.
///
/// # Errors
/// Where the file system refuses, or something that is no socket is in the way.
pub fn bind(socket: &Path) -> io::Result<UnixListener> {
    match fs::symlink_metadata(socket) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(socket)?,
        Ok(_) => {
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                "there is a file that is no socket",
            ));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let listener = UnixListener::bind(socket)?;
    fs::set_permissions(socket, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers until `shutdown` comes about, and then the requests that are open.
pub async fn listen(hallpass: Arc<Hallpass>, listener: UnixListener, shutdown: impl Future<Output = ()>) {
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
            // Out of file descriptors, most likely: others will be given back.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
    if let Some(socket) = listener
        .local_addr()
        .ok()
        .as_ref()
        .and_then(|address| address.as_pathname())
    {
        let _ = fs::remove_file(socket);
    }
    drop(listener);
    let _ = tokio::time::timeout(DRAIN, graceful.shutdown()).await;
}

fn serve(stream: UnixStream, router: &Router, graceful: &GracefulShutdown) {
    // The kernel says who opened the socket: the audit log names them.
    let account = stream.peer_cred().ok().map(|peer| peer.uid());
    let router = router.clone().layer(Extension(Who::operator(account)));
    let service = TowerToHyperService::new(router);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to the admin socket ended early");
        }
    });
}
