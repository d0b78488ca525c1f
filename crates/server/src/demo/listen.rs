//! Serves a router of the demo on a listener that is already bound.

use std::net::TcpListener as StdListener;
use std::time::Duration;

use crate::serve::listen::{Explained, http1};
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

/// How long a client may take to send its headers before the connection is closed.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// The pause after a failed accept. The usual cause, too many open files, passes.
const REST: Duration = Duration::from_millis(100);

/// Accepts connections until the process ends.
pub(super) fn spawn(listener: StdListener, router: Router) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    tokio::spawn(async move {
        loop {
            let Ok((stream, peer)) = listener.accept().await else {
                tokio::time::sleep(REST).await;
                continue;
            };
            let service = TowerToHyperService::new(router.clone());
            tokio::spawn(async move {
                let mut builder = http1();
                builder.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
                // An error of a connection needs no action: only the browser is affected.
                let stream = TokioIo::new(Explained::new(stream, peer.ip()));
                let _ = builder.serve_connection(stream, service).await;
            });
        }
    });
    Ok(())
}
