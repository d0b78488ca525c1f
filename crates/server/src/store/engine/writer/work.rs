//! What the writer can do, and what comes of it.

use crate::store::StoreError;
use crate::store::model::{AuditEvent, EndReason, Grant, GrantId, NewChange, NewGrant, Redeem, Rotate, SecretId};
use crate::store::value::{Statement, Value};
use crate::time::Instant;

/// The most grants that end in one commit; an app may have millions.
pub(crate) const ENDS: u32 = 500;

/// Whether a commit waits for locks of other sessions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Locks {
    /// As long as a commit of another server takes.
    Awaited,
    /// Not at all.
    NotAwaited,
}

/// The event that the audit log gets in the same commit; `None`: the change is not recorded.
pub(crate) type Recorded = Option<Box<AuditEvent>>;

/// A change that waits for the writer.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// A code was issued. The event is appended if the grant was not there already.
    Insert(NewGrant, Recorded),
    /// A code is redeemed. The moment is set if the sweep must look at the grant earlier than it would.
    Redeem(Redeem, Option<Instant>),
    /// A refresh token is exchanged.
    Rotate(Rotate),
    /// A grant ends. The event is appended if it had not ended already.
    End(End, Recorded),
    /// Uses of grants and secrets.
    Uses(Vec<Use>),
    /// Any other change.
    Write(Write),
    /// A panic, in a test.
    #[cfg(test)]
    Panic,
    /// A setting of the writing connection, in a test.
    #[cfg(test)]
    Pragma(String),
}

/// The result of a work.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The grant as it now stands.
    Grant(Option<Box<Grant>>),
    /// A redeemed code: whether the person may now have too many grants. `None`: it could not be redeemed.
    Redeemed(Option<bool>),
    /// The result of a rotation. If it was made, the caller knows the row from the state that it expected, and the
    /// row is not read.
    Rotated(RotationOutcome),
    /// Whether this change ended the grant.
    Ended(bool),
    /// The grants that a write ended.
    EndedMany(Vec<GrantId>),
    /// Uses were written down.
    Noted,
}

/// How far a work got.
pub(crate) enum Applied {
    Whole(Outcome),
    /// Work left for the next batch.
    Partly(Write),
    /// Nothing was done: another session has locked what it changes.
    Locked,
    /// All was done but these uses, whose grants another session has locked.
    Without(Vec<Use>),
}

/// The result of a rotation. If it was made, the caller knows the row from the state that it expected, and the row is not
/// read.
#[derive(Clone, Debug)]
pub(crate) enum RotationOutcome {
    /// It was made as `by` says; `own`: by this request, not an identical one.
    Made { by: Rotate, own: bool },
    /// Another change came first; the grant as that change left it.
    Found(Box<Grant>),
}

/// A grant to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) id: GrantId,
    pub(crate) reason: EndReason,
    pub(crate) now: Instant,
    /// The generation that the row must have; `None`: any.
    pub(crate) generation: Option<u32>,
}

/// Grants to end: those that a statement selects in the order of their ids. Its last two parameters are the id after
/// which to go on, and how many.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    pub(crate) select: &'static str,
    pub(crate) params: Vec<Value>,
    pub(crate) reason: EndReason,
    pub(crate) now: Instant,
    /// The last grant that has ended so far.
    pub(crate) after: Option<GrantId>,
}

/// A use of a grant or a secret.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Use {
    pub(crate) of: Used,
    /// The generation of the token; 0 for a secret.
    pub(crate) generation: u32,
    pub(crate) at: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Used {
    Grant(GrantId),
    Secret(SecretId),
}

/// Statements of one commit, with the entries of the feed and the grants that end by them.
#[derive(Clone, Default, Debug)]
pub(crate) struct Write {
    pub(crate) statements: Vec<Statement>,
    pub(crate) announce: Vec<NewChange>,
    pub(crate) ends: Option<Ends>,
    /// The grants that earlier parts of this write ended: many grants end in several commits.
    pub(crate) ended: Vec<GrantId>,
    /// The event is appended with the statements. If there are only grants to end, it is appended with the first of
    /// them.
    pub(crate) recorded: Recorded,
    /// Whether the statements run after the last grant has ended. Otherwise they run in the first commit.
    pub(crate) after_ends: bool,
}

impl Write {
    /// The event to append in a part that ended so many grants.
    pub(crate) fn to_record(&self, ended: usize) -> Option<&AuditEvent> {
        let changed = !self.statements.is_empty() || self.ends.is_none() || ended > 0;
        self.recorded.as_deref().filter(|_| changed)
    }

    /// The write that is left after these grants have ended; `None`: nothing is left.
    pub(crate) fn rest(&self, found: &[GrantId]) -> Option<Self> {
        let ends = self.ends.as_ref()?;
        let full = found.len() >= ENDS as usize;
        // The id of a grant is as old as its consent page: a grant may have been made behind the id that was reached.
        // A write that waits for the last end looks from the beginning once more.
        let again = self.after_ends && ends.after.is_some();
        if !full && !again {
            return None;
        }
        let ends = Ends {
            after: found.last().copied().filter(|_| full),
            ..ends.clone()
        };
        let rest = if self.after_ends { self.clone() } else { Self::default() };
        Some(Self {
            ends: Some(ends),
            ended: [&self.ended, found].concat(),
            ..rest
        })
    }

    /// The answer when these are the last grants.
    pub(crate) fn whole(&self, found: &[GrantId]) -> Applied {
        Applied::Whole(Outcome::EndedMany([&self.ended, found].concat()))
    }
}

/// The grants that a work changes.
pub(super) enum Concerns {
    None,
    One(GrantId),
    Many,
}

impl Work {
    /// The grant that it changes, if it is one.
    pub(crate) fn grant(&self) -> Option<GrantId> {
        match self.concerns() {
            Concerns::One(id) => Some(id),
            _ => None,
        }
    }

    pub(super) fn concerns(&self) -> Concerns {
        match self {
            Self::Insert(grant, _) => Concerns::One(grant.id),
            Self::Redeem(redeem, _) => Concerns::One(redeem.id),
            Self::Rotate(rotate) => Concerns::One(rotate.id),
            Self::End(end, _) => Concerns::One(end.id),
            Self::Uses(_) => Concerns::Many,
            Self::Write(write) if write.ends.is_some() => Concerns::Many,
            Self::Write(_) => Concerns::None,
            #[cfg(test)]
            Self::Panic | Self::Pragma(_) => Concerns::None,
        }
    }

    /// Whether the answer to this work answers `other` too.
    pub(super) fn is_answered_like(&self, other: &Self) -> bool {
        let same = |a: &Rotate, b: &Rotate| {
            (a.id, a.presented, a.expect, a.expect_previous, a.key)
                == (b.id, b.presented, b.expect, b.expect_previous, b.key)
        };
        matches!((self, other), (Self::Rotate(a), Self::Rotate(b)) if same(a, b))
    }

    /// Adds an event for the audit log.
    pub(crate) fn recorded(self, event: AuditEvent) -> Result<Self, StoreError> {
        let event = Some(Box::new(event));
        match self {
            Self::Insert(grant, _) => Ok(Self::Insert(grant, event)),
            Self::End(end, _) => Ok(Self::End(end, event)),
            Self::Write(write) => Ok(Self::Write(Write {
                recorded: event,
                ..write
            })),
            // A bug of the caller: a change without its event must not look recorded.
            _ => Err(StoreError::Unfit("this change takes no event along".to_owned())),
        }
    }

    /// How many rows it may add that the sweep will delete one day.
    pub(crate) fn adds(&self) -> usize {
        match self {
            Self::Insert(_, recorded) => 1 + recorded.iter().count(),
            Self::End(_, recorded) => recorded.iter().count(),
            Self::Write(write) => write.recorded.iter().count(),
            _ => 0,
        }
    }

    /// The moment at which it was asked for; `None`: it has none.
    pub(crate) fn now(&self) -> Option<Instant> {
        match self {
            Self::Insert(grant, _) => Some(grant.created),
            Self::Redeem(redeem, _) => Some(redeem.now),
            Self::Rotate(rotate) => Some(rotate.now),
            Self::End(end, _) => Some(end.now),
            Self::Uses(uses) => uses.iter().map(|one| one.at).max(),
            Self::Write(write) => {
                let ends = write.ends.iter().map(|ends| ends.now);
                let recorded = write.recorded.iter().map(|event| event.at);
                let announced = write.announce.iter().map(|change| change.at);
                announced.chain(ends).chain(recorded).max()
            }
            #[cfg(test)]
            Self::Panic | Self::Pragma(_) => None,
        }
    }
}

impl Ends {
    pub(crate) fn new(select: &'static str, params: Vec<Value>, reason: EndReason, now: Instant) -> Self {
        let after = None;
        Self {
            select,
            params,
            reason,
            now,
            after,
        }
    }
}

impl Outcome {
    /// The result for callers of an identical work: their request did not make the change.
    pub(crate) fn for_others(&self) -> Self {
        match self.clone() {
            Self::Rotated(RotationOutcome::Made { by, .. }) => Self::Rotated(RotationOutcome::Made { by, own: false }),
            outcome => outcome,
        }
    }

    /// The error for a result of the wrong kind, which would be a bug of the writer.
    pub(crate) fn unexpected(&self) -> StoreError {
        StoreError::Unavailable("the writer answered something else".to_owned())
    }
}
