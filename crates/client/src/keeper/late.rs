//! Answers that come after the time in which a caller waits for them.
//!
//! A request that was sent may have counted, so it is never dropped because it is slow: the new refresh token in its answer may
//! be the only one that the provider takes from then on. The callers are answered, nobody asks again meanwhile, and what comes
//! is stored.

use super::engine::{Engine, Lease};
use super::outcome;
use super::provider::Provider;
use super::record::Record;
use super::saving::REWRITE;
use super::unsaved::Unsaved;
use super::vault::Row;
use crate::{RefreshToken, TokenError, Tokens};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A request that was sent, and what its answer will belong to.
pub(super) struct Open {
    future: Pin<Box<dyn Future<Output = Result<Tokens, TokenError>> + Send>>,
    lease: Lease,
    row: Row,
    record: Record,
    presented: RefreshToken,
}

impl Open {
    pub(super) fn new(provider: &Provider, lease: Lease, row: &Row, record: &Record, presented: &RefreshToken) -> Self {
        let (endpoints, variables, token) = (provider.endpoints.clone(), record.variables.clone(), presented.clone());
        Self {
            future: Box::pin(async move { endpoints.refresh(&variables, &token).await }),
            lease,
            row: row.clone(),
            record: record.clone(),
            presented: presented.clone(),
        }
    }

    /// The answer. It may be waited for again if this was dropped before it came.
    pub(super) async fn answer(&mut self) -> Result<Tokens, TokenError> {
        self.future.as_mut().await
    }
}

impl Engine {
    /// Waits for an answer that is late, in a task of its own. A stop of the keeper waits for it too.
    pub(super) fn wait_for(self: &Arc<Self>, mut open: Open) {
        let engine = self.clone();
        engine.gate.began_late();
        tokio::spawn(async move {
            // As long as the keeper asks nobody again.
            let answer = tokio::time::timeout(engine.limits.request, open.answer()).await;
            if let Ok(answer) = answer {
                engine.store_late(open, &answer).await;
            }
            engine.gate.ended_late();
        });
    }

    async fn store_late(&self, open: Open, answer: &Result<Tokens, TokenError>) {
        let connection = &open.row.connection.clone();
        let Ok(provider) = self.provider(connection) else {
            return;
        };
        let around = self.around(provider, open.lease, &open.row, self.clock.now_millis());
        let Some(issued_at) = outcome::issued_at(answer, around) else {
            return;
        };
        let settled = outcome::settle(open.record.clone(), answer, around);
        let Ok(change) = self.change(open.lease, &open.row, &settled, settled.due_at()) else {
            return;
        };
        self.unsaved.keep(Unsaved {
            change,
            presented: open.presented.clone(),
            issued_at,
        });
        // What the vault does not take in this time is written by the next use or pass.
        let store = async {
            while self.save(connection).await.is_err() || self.unsaved.get(connection).is_some() {
                tokio::time::sleep(REWRITE).await;
            }
        };
        drop(tokio::time::timeout(self.limits.lease, store).await);
    }
}
