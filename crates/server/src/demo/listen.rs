//! Serves a router of the demo on a listener that is already bound.

use std::net::TcpListener as StdListener;
use std::time::Duration;

use crate::serve::listen::{Explained, http1};
use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;

/// A client that takes longer to send its headers is let go.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// Rest after a failed accept: mostly too many open files, which passes.
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
                // A connection that breaks is the browser's business; nothing of ours hangs on it.
                let stream = TokioIo::new(Explained::new(stream, peer.ip()));
                let _ = builder.serve_connection(stream, service).await;
            });
        }
    });
    Ok(())
}
