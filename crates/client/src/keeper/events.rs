//! What the program is told, once each.
//!
//! An event is stored in the same commit as the change that it tells of, so neither a crash nor a second keeper loses or
//! doubles it. It is deleted when the reader asks for the next one. A reader that crashed in between gets it again, with the
//! same id.

use super::vault::{NewEvent, StoredEvent, Vault};
use super::{Connection, VaultError};
use std::sync::Arc;
use std::time::Duration;

/// How long a reader may work on an event before another reader gets it.
const SPAN: Duration = Duration::from_secs(60);
/// How often the vault is asked for events.
const TICK: Duration = Duration::from_secs(1);

/// Something that happened to a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Event {
    /// The same if the event is delivered again, because its reader crashed.
    pub id: [u8; 16],
    /// The connection.
    pub connection: Connection,
    /// When it happened, in milliseconds since 1970 by the provider's clock.
    pub at: i64,
    /// What happened.
    pub happening: Happening,
    /// How many tries to deliver it have failed, in all processes: see [`Events::failed`].
    pub tries: u32,
}

/// What happened.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Happening {
    /// No tokens before the user connects again. The reason is the provider's error code, `answer_lost` or
    /// `no_refresh_token`.
    NeedsUser(String),
    /// The provider gives no tokens for a while, for this reason.
    Paused(String),
    /// Tokens can be had again.
    Recovered,
    /// The connection ends at this moment, in milliseconds since 1970, whatever the keeper does.
    EndsOn(i64),
}

impl Happening {
    /// The word for this kind in vaults and messages.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NeedsUser(_) => "needs_user",
            Self::Paused(_) => "paused",
            Self::Recovered => "recovered",
            Self::EndsOn(_) => "ends_on",
        }
    }

    pub(crate) fn at(self, now: i64) -> NewEvent {
        let kind = self.word().to_owned();
        let (reason, ends_at) = match self {
            Self::NeedsUser(reason) | Self::Paused(reason) => (Some(reason), None),
            Self::Recovered => (None, None),
            Self::EndsOn(end) => (None, Some(end)),
        };
        NewEvent {
            kind,
            reason,
            at: now,
            ends_at,
        }
    }

    fn of(event: &NewEvent) -> Option<Self> {
        let reason = || event.reason.clone().unwrap_or_default();
        match event.kind.as_str() {
            "needs_user" => Some(Self::NeedsUser(reason())),
            "paused" => Some(Self::Paused(reason())),
            "recovered" => Some(Self::Recovered),
            "ends_on" => event.ends_at.map(Self::EndsOn),
            _ => None,
        }
    }
}

/// Reads the events of a vault. If there are several readers, also in other processes, each event goes to one of them.
pub struct Events {
    vault: Arc<dyn Vault>,
    current: Option<[u8; 16]>,
}

impl Events {
    pub(super) fn new(vault: Arc<dyn Vault>) -> Self {
        Self { vault, current: None }
    }

    /// The next event, when there is one. This ends the event before: it is not delivered again.
    ///
    /// # Errors
    /// If the vault fails. Nothing is lost; ask again later.
    pub async fn next(&mut self) -> Result<Event, VaultError> {
        loop {
            if let Some(event) = self.try_next().await? {
                return Ok(event);
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Counts a failed try of the event that was read last, and keeps it for a minute more than `wait`, so that no other reader
    /// gets it while this one waits and tries again. Returns `false` if it is gone: it was dealt with, or replaced by a newer
    /// one.
    ///
    /// # Errors
    /// If the vault fails.
    pub async fn failed(&self, wait: Duration) -> Result<bool, VaultError> {
        match &self.current {
            Some(id) => self.vault.event_failed(id, wait + SPAN).await,
            None => Ok(false),
        }
    }

    /// Keeps the event that was read last for a minute more. Returns `false` if it is gone, as [`Events::failed`] does: ask this
    /// after a long wait, before the event is told.
    ///
    /// # Errors
    /// If the vault fails.
    pub async fn is_there(&self) -> Result<bool, VaultError> {
        match &self.current {
            Some(id) => self.vault.event_kept(id, SPAN).await,
            None => Ok(false),
        }
    }

    /// Leaves the event that was read last to the next reader, who may be another process, and counts no try.
    ///
    /// # Errors
    /// If the vault fails. Then another reader gets the event when this one's time is over.
    pub async fn leave(&mut self) -> Result<(), VaultError> {
        match self.current.take() {
            Some(id) => self.vault.event_kept(&id, Duration::ZERO).await.map(drop),
            None => Ok(()),
        }
    }

    /// Counts a failed try of the event that was read last, and leaves it to the next reader, who may be another process.
    ///
    /// # Errors
    /// If the vault fails. Then another reader gets the event after a minute.
    pub async fn give_back(&mut self) -> Result<(), VaultError> {
        match self.current.take() {
            Some(id) => self.vault.event_failed(&id, Duration::ZERO).await.map(drop),
            None => Ok(()),
        }
    }

    /// Ends the event that was read last: it is not delivered again.
    ///
    /// # Errors
    /// If the vault fails. Then the event comes again.
    pub async fn done(&mut self) -> Result<(), VaultError> {
        if let Some(id) = &self.current {
            self.vault.event_done(id).await?;
            self.current = None;
        }
        Ok(())
    }

    /// The next event, if there is one now. This ends the event before.
    ///
    /// # Errors
    /// As [`Events::next`].
    pub async fn try_next(&mut self) -> Result<Option<Event>, VaultError> {
        loop {
            self.done().await?;
            let Some(stored) = self.vault.next_event(SPAN).await? else {
                return Ok(None);
            };
            let StoredEvent {
                id,
                connection,
                event,
                tries,
            } = stored;
            self.current = Some(id);
            // A kind that a later version writes is passed over.
            if let Some(happening) = Happening::of(&event) {
                let at = event.at;
                return Ok(Some(Event {
                    id,
                    connection,
                    at,
                    happening,
                    tries,
                }));
            }
        }
    }
}
