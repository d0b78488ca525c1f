//! Single flight in this process: callers who want the token of a connection that is being refreshed wait for that refresh.
//!
//! A refresh runs as a task of its own. A caller that gives up does not cancel it: the request may have counted.

use super::engine::Engine;
use super::refresh::Wanted;
use super::token::Token;
use super::{Connection, KeeperError};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

type Landing = watch::Receiver<Option<Result<Token, KeeperError>>>;

/// The refreshes that this process is making.
#[derive(Default)]
pub(crate) struct Flights(Mutex<HashMap<Connection, Landing>>);

/// Removes a flight when it ends, also by a panic.
struct Ending {
    flights: Arc<Flights>,
    connection: Connection,
}

impl Flights {
    /// Joins the refresh of this connection, or begins one.
    pub(crate) async fn join(
        self: &Arc<Self>,
        engine: &Arc<Engine>,
        connection: &Connection,
        wanted: Wanted,
    ) -> Result<Token, KeeperError> {
        let (own, name) = (engine.clone(), connection.clone());
        let mut landing = self.begin(connection, async move { own.refresh(&name, &wanted).await });
        let landed = landing.wait_for(Option::is_some).await;
        match landed.as_deref() {
            Ok(Some(result)) => result.clone(),
            // The task was cancelled: the runtime is ending.
            _ => Err(KeeperError::Unavailable {
                retry_after: Duration::from_secs(1),
                reason: None,
            }),
        }
    }

    /// Begins a flight, unless there is one of this connection.
    fn begin(
        self: &Arc<Self>,
        connection: &Connection,
        work: impl Future<Output = Result<Token, KeeperError>> + Send + 'static,
    ) -> Landing {
        let mut flights = self.lock();
        if let Some(landing) = flights.get(connection) {
            return landing.clone();
        }
        let (land, landing) = watch::channel(None);
        flights.insert(connection.clone(), landing.clone());
        drop(flights);
        let ending = Ending {
            flights: self.clone(),
            connection: connection.clone(),
        };
        tokio::spawn(async move {
            let result = work.await;
            // Who comes now begins anew.
            drop(ending);
            land.send_replace(Some(result));
        });
        landing
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Connection, Landing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.connection);
    }
}
