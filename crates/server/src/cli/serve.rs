//! `hallpass serve`: runs until a signal asks it to end, then answers the open requests.

use super::configuration::{Sources, load};
use super::log::Log;
use super::{Failed, print};
use crate::config::Loaded;
use crate::serve;
use crate::time::Clock;
use clap::Args;
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    sources: Sources,
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Data folder, with the database and the master key
    #[arg(long, value_name = "FOLDER")]
    data: Option<String>,
    /// URL of the database
    #[arg(long, value_name = "URL")]
    database: Option<String>,
}

/// The signals that ask a process to end.
struct Ending {
    terminate: Signal,
    interrupt: Signal,
}

/// Prints one line to standard output when the server is ready: its address. Everything else goes to standard error.
pub(super) async fn run(options: Serve) -> Result<(), Failed> {
    let overrides = [
        ("server.listen", options.listen),
        ("server.data", options.data),
        ("store.url", options.database),
    ];
    let Loaded {
        config,
        warnings,
        layers,
    } = load(options.sources, overrides)?;
    let log = Log::to_stderr();
    if layers.len() < 2 {
        tracing::warn!(
            "there is no hallpass.toml in this folder, and no other configuration: everything has its default"
        );
    }
    for warning in warnings {
        tracing::warn!("the configuration: {warning}");
    }
    // Before the start, so that a start that is asked to end still ends in order.
    let mut ending = Ending::new()?;
    let running = serve::start(config, Clock::System).await?;
    print(&format!("listening on http://{}\n", running.address))?;
    ending.asked().await;
    tracing::info!("ending: open requests are answered first");
    tokio::select! {
        () = running.stop() => {}
        () = ending.asked() => tracing::warn!("asked twice: ended without waiting for open requests"),
    }
    log.summarize();
    Ok(())
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
