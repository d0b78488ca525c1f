//! Answers that come after the time in which a caller waits for them.
//!
//! A request that was sent may have counted, so it is never dropped because it is slow: the new refresh token in its answer may
//! be the only one that the provider takes from then on. The callers are answered, and the lease stays: nobody asks again while
//! the request is open. What comes is stored as any other answer; if nothing comes, that is stored, and it is asked for again.

use super::asking::Turn;
use super::engine::{Engine, Lease};
use super::pace::Sent;
use super::provider::Provider;
use super::record::Record;
use super::vault::Row;
use crate::{RefreshToken, TokenError, Tokens};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// A request that was sent and has no answer yet.
pub(super) struct Open {
    future: Pin<Box<dyn Future<Output = Result<Tokens, TokenError>> + Send>>,
    pub(super) asked: Asked,
}

/// What the answer to a request will belong to.
pub(super) struct Asked {
    pub(super) lease: Lease,
    pub(super) row: Row,
    pub(super) record: Record,
    pub(super) presented: RefreshToken,
    pub(super) sent: Sent,
    /// Until the answer is stored, nobody in this process asks for the connection again.
    _turn: Turn,
}

impl Open {
    pub(super) fn new(
        provider: &Provider,
        (lease, turn): (Lease, Turn),
        row: &Row,
        record: Record,
        presented: RefreshToken,
    ) -> Self {
        let (endpoints, variables, token) = (provider.endpoints.clone(), record.variables.clone(), presented.clone());
        let place = endpoints.place(&variables);
        Self {
            future: Box::pin(async move { endpoints.refresh(&variables, &token).await }),
            asked: Asked {
                lease,
                row: row.clone(),
                record,
                presented,
                sent: provider.pace.sent(&row.connection, &place),
                _turn: turn,
            },
        }
    }

    /// The answer, or the request if it does not come in this time.
    pub(super) async fn wait(mut self, time: Duration) -> Result<(Asked, Result<Tokens, TokenError>), Self> {
        match tokio::time::timeout(time, self.future.as_mut()).await {
            Ok(answer) => Ok((self.asked, answer)),
            Err(_) => Err(self),
        }
    }
}

/// What a request without an answer is.
pub(super) fn unanswered() -> Result<Tokens, TokenError> {
    Err(TokenError::Unanswered("no answer came in time".to_owned()))
}

impl Engine {
    /// Waits for an answer that is late, in a task of its own. A stop of the keeper waits for it too.
    pub(super) fn wait_for(self: &Arc<Self>, open: Open) {
        let engine = self.clone();
        tokio::spawn(async move {
            // A request that is given up ends before its lease does.
            let answered = open.wait(engine.limits.late).await;
            let (asked, answer) = answered.unwrap_or_else(|open| (open.asked, unanswered()));
            // What the vault does not take is written by the next use or pass.
            drop(engine.finish(asked, answer).await);
        });
    }
}
