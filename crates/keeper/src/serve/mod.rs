//! `hallpass-keeper serve`: listens for programs, refreshes what is due, sends events.

mod answers;
mod bodies;
mod connections;
mod guard;
mod page;
mod routes;
mod seldom;
mod tokens;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hallpass_client::keeper::Keeper;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::config::{Config, ConfigError};
use crate::listener::Listener;
use crate::metrics::Metrics;
use crate::open::{Wanted, open};
use crate::output::{Fault, say};
use crate::webhook::{Sender, tell};

pub(crate) use guard::Guard;
use guard::Rights;
pub(crate) use seldom::Seldom;

/// The longest body that is read, in bytes: tokens with their extra members.
const LONGEST_BODY: usize = 128 * 1024;

/// How long an end waits for what is in flight.
const DRAIN: Duration = Duration::from_secs(25);

/// What every request gets.
#[derive(Clone)]
pub(crate) struct Service {
    keeper: Keeper,
    metrics: Metrics,
    guard: Arc<Guard>,
    /// When to tell that the vault fails.
    seldom: Arc<Seldom>,
}

/// Serves until SIGTERM or SIGINT, and then until nothing is in flight.
pub(crate) async fn serve(config: Config) -> Result<(), Fault> {
    let place = config.serve.place.clone();
    let place = place.ok_or_else(|| ConfigError::new("serve: write `socket` or `listen`"))?;
    if config.providers.is_empty() {
        return Err(ConfigError::new("there is no [providers.NAME], so there is nothing to keep").into());
    }
    let metrics = Metrics::default();
    let keeper = open(&config, Wanted::Now, config.serve.redirect_uri.as_deref(), &metrics).await?;
    let http = config.http.clone();
    let sender = config.webhook.as_ref();
    let sender = sender
        .map(|webhook| Sender::new(webhook, http, metrics.clone()))
        .transpose()?;
    let listener = Listener::bind(&place).await?;
    let guard = Guard::new(&config.serve, &config.programs, listener.is_socket())?;
    let service = Service {
        keeper: keeper.clone(),
        metrics: metrics.clone(),
        guard: Arc::new(guard),
        seldom: Arc::default(),
    };
    say(&format!("listening on {}", listener.address()))?;
    let (stop, stopped) = watch::channel(false);
    let mut telling = pin!(tell(keeper.clone(), sender, metrics, stopped.clone()));
    let mut serving = pin!(listener.run(routes::router(service), stopped));
    let mut watching = pin!(keeper.watch());
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let is_asked = tokio::select! {
        () = serving.as_mut() => false,
        () = watching.as_mut() => false,
        () = telling.as_mut() => false,
        _ = terminate.recv() => true,
        _ = interrupt.recv() => true,
    };
    tracing::info!("stopping");
    // Until the answers in flight are stored: a provider may not give them again.
    stop.send_replace(true);
    let drained = async {
        match is_asked {
            true => drop(tokio::join!(serving, telling, keeper.stop())),
            // One of the others has ended, and cannot be waited for again.
            false => keeper.stop().await,
        }
    };
    if tokio::time::timeout(DRAIN, drained).await.is_err() {
        tracing::warn!("some requests were still open at the end");
    }
    match is_asked {
        true => Ok(()),
        // A service manager starts it again.
        false => Err("a part of the keeper ended by itself; see the log before this line".into()),
    }
}
