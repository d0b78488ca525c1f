//! One request at a time for each token: callers who come meanwhile share its answer.

use super::answer::Told;
use super::locked;
use crate::clock::Moment;
use crate::refused::Unavailable;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::OnceCell;

/// A request older than this gets no new passengers: its answer may have been computed before they came, and a revocation in
/// between would reach them late.
const BOARDING: Duration = Duration::from_millis(500);

type Key = [u8; 32];
type Outcome = Result<Told, Unavailable>;

/// The requests that are on their way, by the fingerprint of the token. There are no more than callers.
#[derive(Default)]
pub(super) struct Flights {
    open: Mutex<HashMap<Key, Flight>>,
}

struct Flight {
    since: Moment,
    outcome: Arc<OnceCell<Outcome>>,
    passengers: usize,
}

impl Flights {
    /// Asks, or waits for somebody who asks about the same token. If that one goes away, the next one asks.
    pub(super) async fn share<F>(&self, key: Key, now: Moment, ask: impl FnOnce() -> F) -> Outcome
    where
        F: Future<Output = Outcome>,
    {
        let seat = self.board(key, now);
        seat.outcome.get_or_init(ask).await.clone()
    }

    fn board(&self, key: Key, now: Moment) -> Seat<'_> {
        let mut open = locked(&self.open);
        let boarding = |flight: &Flight| !flight.outcome.initialized() && now.age_of(flight.since) < BOARDING;
        if !open.get(&key).is_some_and(boarding) {
            let flight = Flight {
                since: now,
                outcome: Arc::default(),
                passengers: 0,
            };
            open.insert(key, flight);
        }
        let flight = open.entry(key).or_insert_with(|| Flight {
            since: now,
            outcome: Arc::default(),
            passengers: 0,
        });
        flight.passengers += 1;
        Seat {
            flights: self,
            key,
            outcome: flight.outcome.clone(),
        }
    }
}

/// A caller who waits. When the last one leaves, the flight is forgotten.
struct Seat<'a> {
    flights: &'a Flights,
    key: Key,
    outcome: Arc<OnceCell<Outcome>>,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut open = locked(&self.flights.open);
        // A later flight may have taken the place of this one.
        let mine = |flight: &&mut Flight| Arc::ptr_eq(&flight.outcome, &self.outcome);
        if let Some(flight) = open.get_mut(&self.key).filter(mine) {
            flight.passengers -= 1;
            if flight.passengers == 0 {
                open.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::Verdict;
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Notify;

    fn at(millis: u64) -> Moment {
        Moment {
            now_ms: i64::try_from(millis).unwrap(),
            steady: Duration::from_millis(millis),
        }
    }

    fn told() -> Told {
        Told {
            verdict: Verdict::Inactive,
            sent: at(0),
            dated: None,
        }
    }

    /// Asks that wait for `gate`, and are counted.
    async fn asked(gate: &Notify, count: &AtomicUsize) -> Outcome {
        count.fetch_add(1, Ordering::SeqCst);
        gate.notified().await;
        Ok(told())
    }

    #[tokio::test]
    async fn callers_of_one_token_share_one_request() {
        let (flights, gate, count) = (Flights::default(), Notify::new(), AtomicUsize::new(0));
        let share = |key, millis| flights.share([key; 32], at(millis), || asked(&gate, &count));
        let both = async { tokio::join!(share(1, 0), share(1, 499), share(2, 0)) };
        let open = async {
            tokio::task::yield_now().await;
            gate.notify_waiters();
        };
        let ((one, two, other), ()) = tokio::join!(both, open);
        assert!(one.is_ok() && two.is_ok() && other.is_ok());
        assert_eq!(count.load(Ordering::SeqCst), 2);
        assert!(locked(&flights.open).is_empty());
    }

    #[tokio::test]
    async fn nobody_boards_an_old_request() {
        let (flights, gate, count) = (Flights::default(), Notify::new(), AtomicUsize::new(0));
        let share = |millis| flights.share([1; 32], at(millis), || asked(&gate, &count));
        let both = async { tokio::join!(share(0), share(500)) };
        let open = async {
            tokio::task::yield_now().await;
            gate.notify_waiters();
        };
        let ((one, two), ()) = tokio::join!(both, open);
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(count.load(Ordering::SeqCst), 2);
        assert!(locked(&flights.open).is_empty());
    }

    #[tokio::test]
    async fn if_the_caller_who_asks_goes_away_the_next_one_asks() {
        let (flights, gate, count) = (Flights::default(), Notify::new(), AtomicUsize::new(0));
        let mut first = Box::pin(flights.share([1; 32], at(0), || asked(&gate, &count)));
        assert!(futures_poll(first.as_mut()).await);
        let second = flights.share([1; 32], at(0), || async { Ok(told()) });
        drop(first);
        assert!(second.await.is_ok());
        assert_eq!(count.load(Ordering::SeqCst), 1);
        assert!(locked(&flights.open).is_empty());
    }

    /// Polls once; true if the future waits.
    async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
        std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending())).await
    }
}
