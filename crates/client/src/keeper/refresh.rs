//! One refresh, from the lease to the stored answer.
//!
//! The order makes a crash harmless at any point. The lease is written before the request: it is the intent. It moves the
//! due time of the connection, so that another keeper, or this one after a restart, sends the same refresh token again.
//! The new refresh token is stored before anybody gets the access token. A provider that repeats its answer for a while, as
//! Hallpass does, then loses no connection.

use super::KeeperError;
use super::engine::{Engine, Lease};
use super::outcome::{self, Around, Settled};
use super::provider::Provider;
use super::record::{Record, Standing};
use super::schedule;
use super::token::{RefusedToken, Token};
use super::unsaved::Unsaved;
use super::vault::{Change, Row, Taken};
use super::{Connection, VaultError};
use crate::{RefreshToken, TokenError, random};
use std::time::Duration;
use tokio::time::Instant;

/// How often a keeper looks whether another one has finished.
const POLL: Duration = Duration::from_millis(50);
/// How often a failed write is tried again while the lease lasts.
const REWRITE: Duration = Duration::from_millis(200);

/// What a refresh is for.
#[derive(Clone)]
pub(crate) enum Wanted {
    /// A live access token, on demand.
    Live,
    /// Another access token than this one, which the API refused.
    Instead(RefusedToken),
    /// Another access token than this one, which is still good.
    Other(RefusedToken),
    /// What Method 2 has to do.
    Due,
}

/// What to do under a lease.
enum Step {
    /// Nothing: the record is as it should be.
    Nothing,
    /// Write this, and send nothing.
    Settle(Box<Settled>),
    /// Nothing before this time is over.
    Wait(Duration),
    Ask(RefreshToken),
}

impl Engine {
    /// Refreshes a connection if that is needed for what is wanted. Waits while another keeper does it.
    pub(crate) async fn refresh(&self, connection: &Connection, wanted: &Wanted) -> Result<Token, KeeperError> {
        let provider = self.provider(connection)?;
        self.orient().await?;
        let _place = self.gate.enter().await.map_err(VaultError::from)?;
        let patience = Instant::now() + 2 * self.limits.lease;
        self.save(connection).await?;
        loop {
            let lease = self.lease(provider);
            match self.vault.take(connection, lease.request).await? {
                Taken::Missing => return Err(KeeperError::Unknown),
                Taken::Leased(row) => return self.under(lease, &row, wanted).await,
                Taken::Held => {}
            }
            let row = self.vault.read(connection).await?.ok_or(KeeperError::Unknown)?;
            if let Some(token) = self.satisfied(provider, &row, wanted)? {
                return Ok(token);
            }
            if Instant::now() >= patience {
                return Err(KeeperError::Unavailable {
                    retry_after: Duration::from_secs(1),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The token of a row, if it is what is wanted.
    fn satisfied(&self, provider: &Provider, row: &Row, wanted: &Wanted) -> Result<Option<Token>, VaultError> {
        let record = Record::open(&self.key, &row.connection, &row.sealed)?;
        let now = provider.pace.there(self.clock.now_millis());
        let live = record.live(now, Duration::ZERO).filter(|access| match wanted {
            Wanted::Instead(old) | Wanted::Other(old) => !old.is(&access.token),
            Wanted::Live | Wanted::Due => true,
        });
        Ok(live.map(|access| Token::new(access, provider.pace.skew())))
    }

    /// Does what is needed, under a lease.
    pub(crate) async fn under(&self, lease: Lease, row: &Row, wanted: &Wanted) -> Result<Token, KeeperError> {
        let provider = self.provider(&row.connection)?;
        let mut record = match Record::open(&self.key, &row.connection, &row.sealed) {
            Ok(record) => record,
            Err(error) => return Err(self.leave_alone(lease, row, error).await),
        };
        let now = provider.pace.there(self.clock.now_millis());
        let mut wait = Duration::ZERO;
        let settled = match self.step(provider, &mut record, row, wanted, now) {
            Step::Ask(_) if lease.begun.elapsed() + self.limits.request > self.limits.lease => {
                // The vault was slow. Another keeper may hold the lease before the answer is there.
                wait = Duration::from_secs(1);
                unasked(record, row)
            }
            Step::Ask(refresh) => return self.ask(lease, row, record, &refresh).await,
            Step::Settle(settled) => *settled,
            Step::Nothing => unasked(record, row),
            Step::Wait(span) => {
                wait = span;
                unasked(record, row)
            }
        };
        let due_at = match settled.asked_at {
            // The lost answer is asked for again when it would have been.
            Some(_) => row.due_at.min(schedule::due(&settled.record)),
            None => schedule::due(&settled.record),
        };
        let change = self.change(lease, row, &settled, due_at)?;
        self.vault.write(change).await?;
        reply(provider, &settled.record, now, wait)
    }

    /// Decides what to do. Nothing is sent yet.
    fn step(&self, provider: &Provider, record: &mut Record, row: &Row, wanted: &Wanted, now: i64) -> Step {
        let noted = note_refusal(record, wanted, now);
        if matches!(record.standing, Standing::NeedsUser { .. }) {
            return Step::Nothing;
        }
        if let Err(wait) = noted {
            return Step::Wait(wait);
        }
        let lost = row.asked_at.is_some();
        let is_needed = match wanted {
            Wanted::Live => lost || !record.is_fresh(now, self.limits.margin),
            Wanted::Instead(_) => record.live(now, Duration::ZERO).is_none(),
            Wanted::Other(old) => lost || record.access.as_ref().is_none_or(|access| old.is(&access.token)),
            Wanted::Due => lost || now >= record.next_at,
        };
        if !is_needed {
            return match record.tell_end_at() {
                Some(at) if at <= now => Step::Settle(Box::new(outcome::told(record.clone(), row.asked_at, now))),
                _ => Step::Nothing,
            };
        }
        let Some(refresh) = record.refresh.as_ref().map(|refresh| refresh.token.clone()) else {
            return match record.live(now, Duration::ZERO) {
                Some(_) => Step::Nothing,
                None => Step::Settle(Box::new(outcome::exhausted(record.clone(), now))),
            };
        };
        if matches!(wanted, Wanted::Due) {
            return Step::Ask(refresh);
        }
        if record.waits(now) {
            return Step::Wait(span(now, record.not_before));
        }
        match provider.pace.demand(self.clock.now_millis()) {
            Ok(()) => Step::Ask(refresh),
            Err(wait) => Step::Wait(wait),
        }
    }

    /// Sends the refresh token, stores what came, and only then answers.
    async fn ask(&self, lease: Lease, row: &Row, record: Record, refresh: &RefreshToken) -> Result<Token, KeeperError> {
        let provider = self.provider(&row.connection)?;
        let variables = record.variables.clone();
        let sent = tokio::time::timeout(self.limits.request, provider.endpoints.refresh(&variables, refresh));
        let answer = match sent.await {
            Ok(answer) => answer,
            Err(_) => Err(TokenError::Unanswered("no answer came in time".to_owned())),
        };
        let (local, before) = (self.clock.now_millis(), provider.pace.skew());
        provider.pace.answered(local, &answer);
        let skew = provider.pace.skew();
        let around = Around {
            now: local.saturating_add(skew),
            asked_at: lease.request.asked_at,
            asked_before: row.asked_at,
            skew,
            keep: provider.keep,
            fraction: random::fraction(),
        };
        let settled = outcome::settle(record, &answer, around);
        let change = self.change(lease, row, &settled, schedule::due(&settled.record))?;
        let unsaved = answer.is_ok().then(|| Unsaved {
            change: change.clone(),
            presented: refresh.clone(),
        });
        if let Some(unsaved) = unsaved {
            self.unsaved.keep(unsaved);
        }
        let is_written = self.write(lease, change).await?;
        self.remember(row.connection.provider(), before, skew).await;
        self.save(&row.connection).await?;
        match (&answer, &settled.record.access) {
            // A token that is over already too: the caller gets what the provider gave.
            (Ok(_), Some(access)) if is_written => Ok(Token::new(access, skew)),
            (Err(_), _) if is_written => reply(provider, &settled.record, around.now, Duration::ZERO),
            _ => self.stored(provider, &row.connection).await,
        }
    }

    /// What the vault says of a connection whose lease went on to somebody else, or that was replaced or ended.
    async fn stored(&self, provider: &Provider, connection: &Connection) -> Result<Token, KeeperError> {
        let row = self.vault.read(connection).await?.ok_or(KeeperError::Unknown)?;
        let record = Record::open(&self.key, connection, &row.sealed)?;
        let now = provider.pace.there(self.clock.now_millis());
        reply(provider, &record, now, Duration::ZERO)
    }

    /// Writes the result, again and again while the lease lasts. Returns `false` if the lease was not the last one any more.
    async fn write(&self, lease: Lease, change: Change) -> Result<bool, VaultError> {
        loop {
            match self.vault.write(change.clone()).await {
                Ok(is_written) => {
                    if is_written {
                        self.unsaved.written(&change);
                    }
                    return Ok(is_written);
                }
                Err(error) if lease.begun.elapsed() + REWRITE >= self.limits.lease => return Err(error),
                Err(_) => tokio::time::sleep(REWRITE).await,
            }
        }
    }

    /// Ends a lease whose record does not open. It is tried again in an hour: a person has to mend it.
    async fn leave_alone(&self, lease: Lease, row: &Row, error: VaultError) -> KeeperError {
        let change = Change {
            connection: row.connection.clone(),
            fence: row.fence,
            owner: lease.request.owner,
            record: None,
            due_at: lease.request.asked_at.saturating_add(3_600_000),
            asked_at: row.asked_at,
            event: None,
        };
        match self.vault.write(change).await {
            Ok(_) => error.into(),
            Err(other) => other.into(),
        }
    }

    pub(crate) fn change(&self, lease: Lease, row: &Row, settled: &Settled, due_at: i64) -> Result<Change, VaultError> {
        Ok(Change {
            connection: row.connection.clone(),
            fence: row.fence,
            owner: lease.request.owner,
            record: Some((
                settled.record.seal(&self.key, &row.connection)?,
                settled.record.summary(),
            )),
            due_at,
            asked_at: settled.asked_at,
            event: settled.event.clone(),
        })
    }
}

/// Marks the access token that the API refused, if it is still the one of the record.
fn note_refusal(record: &mut Record, wanted: &Wanted, now: i64) -> Result<(), Duration> {
    match (wanted, &record.access) {
        (Wanted::Instead(refused), Some(access)) if refused.is(&access.token) => outcome::refused(record, now),
        _ => Ok(()),
    }
}

/// The record as it is, with no request sent under this lease.
fn unasked(record: Record, row: &Row) -> Settled {
    Settled {
        record,
        asked_at: row.asked_at,
        event: None,
    }
}

/// What a caller gets from a record: a live access token first, whatever failed.
pub(crate) fn reply(provider: &Provider, record: &Record, now: i64, wait: Duration) -> Result<Token, KeeperError> {
    if let Some(access) = record.live(now, Duration::ZERO) {
        return Ok(Token::new(access, provider.pace.skew()));
    }
    let retry_after = wait.max(span(now, record.not_before)).max(Duration::from_secs(1));
    Err(match &record.standing {
        Standing::NeedsUser { since, reason } => KeeperError::NeedsUser {
            reason: reason.clone(),
            since: *since,
        },
        Standing::Paused { reason, .. } => KeeperError::Paused {
            reason: reason.clone(),
            retry_after,
        },
        Standing::Ready => KeeperError::Unavailable { retry_after },
    })
}

/// The time from one moment to a later one, else none.
fn span(from: i64, to: i64) -> Duration {
    Duration::from_millis(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}
