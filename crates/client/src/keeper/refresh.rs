//! One refresh, from the lease to the stored answer.
//!
//! The order makes a crash harmless at any point. The lease is written before the request: it is the intent. It moves the
//! due time of the connection, so that another keeper, or this one after a restart, sends the same refresh token again.
//! The new refresh token is stored before anybody gets the access token. A provider that repeats its answer for a while, as
//! Hallpass does, then loses no connection.

use super::KeeperError;
use super::asking::Turn;
use super::engine::{Engine, Lease};
use super::gate::Place;
use super::late::{Asked, Open, unanswered};
use super::observer::Noted;
use super::outcome::{self, Around, Settled};
use super::provider::Provider;
use super::record::{Record, Standing};
use super::saving::REWRITE;
use super::schedule;
use super::token::{RefusedToken, Token};
use super::unsaved::Unsaved;
use super::vault::{Change, Row, Taken};
use super::{Connection, VaultError};
use crate::{RefreshToken, TokenError, Tokens, random};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How often a keeper looks whether another one has finished.
const POLL: Duration = Duration::from_millis(50);
/// How far the refreshes that wait for one server are spread.
const SPREAD: Duration = Duration::from_secs(60);

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
    pub(crate) async fn refresh(
        self: &Arc<Self>,
        connection: &Connection,
        wanted: &Wanted,
    ) -> Result<Token, KeeperError> {
        let provider = self.provider(connection)?;
        self.orient().await?;
        self.compare_again().await?;
        provider.prepare(self.limits.request).await;
        let place = self.gate.enter().await.map_err(VaultError::from)?;
        // A holder that disappeared is waited for.
        let patience = Instant::now() + self.limits.lease + Duration::from_secs(1);
        self.save(connection).await?;
        loop {
            let lease = self.lease(provider);
            match self.vault.take(connection, lease.request).await? {
                Taken::Missing => return Err(KeeperError::Unknown),
                Taken::Leased(row) => return self.under(&place, lease, &row, wanted).await,
                Taken::Held => {}
            }
            let row = self.vault.read(connection).await?.ok_or(KeeperError::Unknown)?;
            if let Some(token) = self.satisfied(provider, &row, wanted)? {
                return Ok(token);
            }
            if Instant::now() >= patience {
                return Err(KeeperError::Unavailable {
                    retry_after: Duration::from_secs(1),
                    reason: Some("another_refresh".to_owned()),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The token of a row, if it is what is wanted.
    fn satisfied(&self, provider: &Provider, row: &Row, wanted: &Wanted) -> Result<Option<Token>, VaultError> {
        let record = Record::open(&self.key, &row.connection, &row.sealed)?;
        let now = provider.pace.there(self.clock.now_millis());
        let live = record.usable(now).filter(|access| match wanted {
            Wanted::Instead(old) | Wanted::Other(old) => !old.is(&access.token),
            Wanted::Live | Wanted::Due => true,
        });
        Ok(live.map(|access| Token::new(access, provider.pace.skew())))
    }

    /// Does what is needed, under a lease.
    pub(crate) async fn under(
        self: &Arc<Self>,
        place: &Place,
        lease: Lease,
        row: &Row,
        wanted: &Wanted,
    ) -> Result<Token, KeeperError> {
        let provider = self.provider(&row.connection)?;
        let mut record = match Record::open(&self.key, &row.connection, &row.sealed) {
            Ok(record) => record,
            Err(error) => return Err(self.leave_alone(lease, row, error).await),
        };
        let now = provider.pace.there(self.clock.now_millis());
        // First the turn: from here on, no answer of an open request can come between.
        let turn = self.turn(place, lease, row);
        if self.save_under(lease, row, &record).await? {
            return self.stored(provider, &row.connection).await;
        }
        let mut wait = Duration::ZERO;
        let step = self.step(provider, &mut record, row, wanted, now);
        // Who sends nothing gives the turn back before the write: its lease is over sooner than this future hears of it.
        let turn = turn.filter(|_| matches!(step, Step::Ask(_)));
        let mut settled = match step {
            Step::Ask(refresh) => {
                if let Some(turn) = turn {
                    return self.ask(Open::new(provider, (lease, turn), row, record, refresh)).await;
                }
                provider
                    .pace
                    .not_sent(&provider.endpoints.place(&record.variables), &row.connection);
                wait = Duration::from_secs(1);
                if matches!(wanted, Wanted::Due) {
                    record.next_at = now.saturating_add(1000);
                }
                unasked(record, row)
            }
            Step::Settle(settled) => *settled,
            Step::Nothing => unasked(record, row),
            Step::Wait(span) => {
                wait = span;
                unasked(record, row)
            }
        };
        outcome::tell_end(&mut settled, now);
        let due_at = match settled
            .asked_at
            .filter(|_| wait.is_zero() || !matches!(wanted, Wanted::Due))
        {
            // The lost answer is asked for again when it would have been.
            Some(_) => row.due_at.min(settled.due_at()),
            None => settled.due_at(),
        };
        let change = self.change(lease, row, &settled, due_at)?;
        self.vault.write(change).await?;
        reply(provider, &settled.record, now, wait)
    }

    /// The turn to send a request under this lease. `None` if the vault was so slow, or the machine suspended for so long, that
    /// another keeper may hold the lease before the answer is there. `None` too if a request of this connection is open: then a
    /// clock was set, and ended its lease too early.
    fn turn(&self, place: &Place, lease: Lease, row: &Row) -> Option<Turn> {
        let is_covered = lease.age(self.clock.now_millis()) + self.limits.open() <= self.limits.lease;
        is_covered.then(|| self.asking.begin(&row.connection, place)).flatten()
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
            Wanted::Instead(_) => record.usable(now).is_none(),
            Wanted::Other(old) => lost || record.access.as_ref().is_none_or(|access| old.is(&access.token)),
            Wanted::Due => lost || now >= record.next_at,
        };
        if !is_needed {
            return Step::Nothing;
        }
        let Some(refresh) = record.refresh.as_ref().map(|refresh| refresh.token.clone()) else {
            return match record.live(now, Duration::ZERO) {
                Some(_) => {
                    record.next_at = schedule::next_refresh(record, provider.keep, 0.0);
                    Step::Nothing
                }
                None => Step::Settle(Box::new(outcome::exhausted(record.clone(), now))),
            };
        };
        let (local, place) = (self.clock.now_millis(), provider.endpoints.place(&record.variables));
        if matches!(wanted, Wanted::Due) {
            return match provider.pace.admit(local, &place, &row.connection) {
                Ok(()) => Step::Ask(refresh),
                Err(rest) => {
                    provider.pace.give_back(1);
                    // A lost answer is asked for as soon as may be. The others are many, and the vault would write all of them each time.
                    let spread = if lost {
                        Duration::ZERO
                    } else {
                        SPREAD.mul_f64(random::fraction())
                    };
                    let rest = rest.max(Duration::from_secs(1)) + spread;
                    record.next_at = now.saturating_add(i64::try_from(rest.as_millis()).unwrap_or(i64::MAX));
                    Step::Wait(rest)
                }
            };
        }
        if record.waits(now) {
            return Step::Wait(span(now, record.not_before));
        }
        match provider.pace.demand(local, &place, &row.connection) {
            Ok(()) => Step::Ask(refresh),
            Err(wait) => Step::Wait(wait),
        }
    }

    /// Sends the refresh token, stores what comes, and only then answers. An answer that is late is stored without the caller.
    async fn ask(self: &Arc<Self>, open: Open) -> Result<Token, KeeperError> {
        let open = match open.wait(self.limits.request).await {
            Ok((asked, answer)) => return self.finish(asked, answer).await,
            Err(open) => open,
        };
        let (asked, local) = (&open.asked, self.clock.now_millis());
        let provider = self.provider(&asked.row.connection)?;
        provider.pace.answered(local, &asked.sent, &unanswered());
        let around = self.around(provider, asked.lease, &asked.row, local);
        let settled = outcome::settle(asked.record.clone(), &unanswered(), around);
        self.wait_for(open);
        reply(provider, &settled.record, around.now, Duration::ZERO)
    }

    /// Stores what came, and only then answers.
    pub(super) async fn finish(&self, asked: Asked, answer: Result<Tokens, TokenError>) -> Result<Token, KeeperError> {
        let Asked { lease, row, .. } = &asked;
        let provider = self.provider(&row.connection)?;
        let (local, before) = (self.clock.now_millis(), provider.pace.skew());
        // What could not be sent says nothing of the provider.
        let is_sendable = provider.endpoints.check(&asked.record.variables).is_ok();
        match is_sendable {
            true => provider.pace.answered(local, &asked.sent, &answer),
            false => provider
                .pace
                .not_sent(&provider.endpoints.place(&asked.record.variables), &row.connection),
        }
        let skew = provider.pace.skew();
        let around = self.around(provider, *lease, row, local);
        let mut settled = outcome::settle(asked.record.clone(), &answer, around);
        if !is_sendable {
            settled.record.failure = Some("bad_params".to_owned());
        }
        outcome::tell_end(&mut settled, around.now);
        let change = self.change(*lease, row, &settled, settled.due_at())?;
        if let Some(issued_at) = outcome::issued_at(&answer, around) {
            self.unsaved.keep(Unsaved {
                change: change.clone(),
                presented: asked.presented.clone(),
                is_spent: settled
                    .record
                    .refresh
                    .as_ref()
                    .is_some_and(|new| new.token != asked.presented),
                issued_at,
                fence: row.fence,
            });
        }
        let written = self.write(*lease, change).await;
        // After the write: a program that panics at this call loses no answer.
        let noted = Noted::of(&answer, settled.record.failure.as_deref(), skew);
        self.note(&row.connection, noted);
        let is_written = written?;
        self.remember(row.connection.provider(), before, skew).await;
        self.save(&row.connection).await?;
        match (&answer, &settled.record.access) {
            // A token that is over already too: the caller gets what the provider gave.
            (Ok(_), Some(access)) if is_written => Ok(Token::new(access, skew)),
            (Err(_), _) if is_written => reply(provider, &settled.record, around.now, Duration::ZERO),
            _ => self.stored(provider, &row.connection).await,
        }
    }

    pub(crate) fn around(&self, provider: &Provider, lease: Lease, row: &Row, local: i64) -> Around {
        let skew = provider.pace.skew();
        Around {
            now: local.saturating_add(skew),
            asked_at: lease.request.asked_at,
            asked_before: row.asked_at,
            fence: row.fence,
            skew,
            keep: provider.keep,
            fraction: random::fraction(),
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
    pub(crate) async fn leave_alone(&self, lease: Lease, row: &Row, error: VaultError) -> KeeperError {
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
pub(super) fn unasked(mut record: Record, row: &Row) -> Settled {
    record.note_quiet(row.fence);
    // What is never asked again has no lost answer, although a holder may have disappeared.
    let can_ask = record.refresh.is_some() && !matches!(record.standing, Standing::NeedsUser { .. });
    Settled {
        record,
        asked_at: row.asked_at.filter(|_| can_ask),
        event: None,
    }
}

/// What a caller gets from a record: a live access token first, whatever failed.
pub(crate) fn reply(provider: &Provider, record: &Record, now: i64, wait: Duration) -> Result<Token, KeeperError> {
    if let Some(access) = record.usable(now) {
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
        Standing::Ready => KeeperError::Unavailable {
            retry_after,
            reason: match (&record.failure, wait.is_zero()) {
                (Some(failure), _) => Some(failure.clone()),
                (None, false) => Some("provider_rests".to_owned()),
                (None, true) => None,
            },
        },
    })
}

/// The time from one moment to a later one, else none.
fn span(from: i64, to: i64) -> Duration {
    Duration::from_millis(u64::try_from(to.saturating_sub(from)).unwrap_or(0))
}
