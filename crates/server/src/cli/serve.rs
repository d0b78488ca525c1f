//! `hallpass serve`: runs until it is asked to end, and then answers what is open.

use super::configuration::{Sources, load};
use super::{Failed, print};
use crate::config::Loaded;
use crate::server;
use crate::time::Clock;
use clap::Args;
use std::io::{self, IsTerminal as _};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    sources: Sources,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The folder of everything that is kept
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// The database
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

/// The signals that ask a process to end.
struct Ending {
    terminate: Signal,
    interrupt: Signal,
}

/// Standard output carries one line, once requests are answered: the address. Everything else goes to standard error.
pub(super) async fn run(options: Serve) -> Result<(), Failed> {
    let overrides = [
        ("server.listen", options.listen),
        ("server.data", options.data),
        ("store.url", options.database),
    ];
    let Loaded { config, warnings, .. } = load(options.sources, overrides)?;
    log_to_stderr();
    for warning in warnings {
        tracing::warn!("the configuration: {warning}");
    }
    // Before the start, so that a start that is asked to end still ends in order.
    let mut ending = Ending::new()?;
    let running = server::start(config, Clock::System).await?;
    print(&format!("listening on http://{}\n", running.address))?;
    ending.asked().await;
    tracing::info!("ending: open requests are answered first");
    tokio::select! {
        () = running.stop() => {}
        () = ending.asked() => tracing::warn!("asked twice: ended without waiting for open requests"),
    }
    Ok(())
}

/// Logs go to standard error; `RUST_LOG` says which. What cannot be logged is not said to the same stream again: where the
/// log lies on a disk that is full, that would be a panic in the midst of a request, or of the writer.
pub(super) fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,refinery_core=warn".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal())
        .init();
}

impl Ending {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
