//! What the writer can be asked to do, and what comes of it.

use crate::store::StoreError;
use crate::store::model::{AuditEvent, EndReason, Grant, GrantId, NewChange, NewGrant, Redeem, Rotate, SecretId};
use crate::store::value::{Statement, Value};
use crate::time::Instant;

/// How many grants end in one commit; an app may have millions.
pub(crate) const ENDS: u32 = 500;

/// Whether a commit waits for what others have locked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Locks {
    /// As long as a commit takes.
    Awaited,
    /// Not at all.
    NotAwaited,
}

/// The event that the audit log gets with a change, in the same commit; `None`: the change is not recorded.
pub(crate) type Recorded = Option<Box<AuditEvent>>;

/// One thing to write.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    /// A code was issued. The event is appended if the grant was not there already.
    Insert(NewGrant, Recorded),
    /// A code is redeemed. The sweep looks at the grant by this moment, where it would look at it later.
    Redeem(Redeem, Option<Instant>),
    /// A refresh token is exchanged.
    Rotate(Rotate),
    /// A grant ends. The event is appended if it had not ended already.
    End(End, Recorded),
    /// Uses to write down.
    Uses(Vec<Use>),
    /// Anything that is not hot.
    Write(Write),
    /// A defect of the writer.
    #[cfg(test)]
    Panic,
    /// A setting of the connection that writes.
    #[cfg(test)]
    Pragma(String),
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    /// The grant as it now stands.
    Grant(Option<Box<Grant>>),
    /// Where a code was redeemed: whether there may be too many grants now.
    Redeemed(Option<bool>),
    /// What came of a rotation.
    Rotated(Rotation),
    /// Whether this change ended the grant.
    Ended(bool),
    /// The grants that a write ended.
    EndedMany(Vec<GrantId>),
    /// Uses were written down.
    Noted,
}

/// What became of a work.
pub(crate) enum Applied {
    /// All of it was done.
    Whole(Outcome),
    /// This remains.
    Partly(Write),
    /// Nothing of it: another has locked what it changes.
    Locked,
    /// All but these uses, whose grants another has locked.
    Without(Vec<Use>),
}

/// What came of a rotation. Where it was made, everybody who asked for it knows the row from the state that they expected:
/// it need not be read.
#[derive(Clone, Debug)]
pub(crate) enum Rotation {
    /// It was made as this one asked, whose answer this is or not.
    Made { by: Rotate, own: bool },
    /// Another came first; this is what it left.
    Found(Box<Grant>),
}

/// A grant to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) id: GrantId,
    pub(crate) reason: EndReason,
    pub(crate) now: Instant,
    /// The generation that the row must have; `None`: whichever.
    pub(crate) generation: Option<u32>,
}

/// Grants to end: those that a statement selects in the order of their ids, whose last two parameters are the id to go on
/// after and how many at a time.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    pub(crate) select: &'static str,
    pub(crate) params: Vec<Value>,
    pub(crate) reason: EndReason,
    pub(crate) now: Instant,
    /// The last one ended already.
    pub(crate) after: Option<GrantId>,
}

/// A use to write down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Use {
    pub(crate) of: Used,
    /// The generation of the token that came; 0 for a secret.
    pub(crate) generation: u32,
    pub(crate) at: Instant,
}

/// What was used.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Used {
    Grant(GrantId),
    Secret(SecretId),
}

/// Statements that are one commit, with what they announce and which grants end by them.
#[derive(Clone, Default, Debug)]
pub(crate) struct Write {
    pub(crate) statements: Vec<Statement>,
    pub(crate) announce: Vec<NewChange>,
    pub(crate) ends: Option<Ends>,
    /// What earlier parts of this write ended: many grants end in several commits.
    pub(crate) ended: Vec<GrantId>,
    /// Appended with the statements; where there are only grants to end, with the first of them.
    pub(crate) recorded: Recorded,
    /// Whether the statements wait for the last of the ends. Otherwise they come with the first.
    pub(crate) after_ends: bool,
}

impl Write {
    /// The event to append, once it is known how many grants this part has ended.
    pub(crate) fn to_record(&self, ended: usize) -> Option<&AuditEvent> {
        let changed = !self.statements.is_empty() || self.ends.is_none() || ended > 0;
        self.recorded.as_deref().filter(|_| changed)
    }

    /// What is left once these of its grants have ended; `None`: nothing.
    pub(crate) fn rest(&self, found: &[GrantId]) -> Option<Self> {
        let ends = self.ends.as_ref()?;
        let full = found.len() >= ENDS as usize;
        // The id of a grant is as old as its consent page: one may have come behind the place that is reached. What waits for
        // the last end looks from the beginning once more.
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

    /// The answer once these of its grants have ended, and no more are left.
    pub(crate) fn whole(&self, found: &[GrantId]) -> Applied {
        Applied::Whole(Outcome::EndedMany([&self.ended, found].concat()))
    }
}

/// Which grants a work changes.
pub(super) enum Concerns {
    None,
    One(GrantId),
    Many,
}

impl Work {
    /// The one grant that it changes.
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

    /// Whether this work's answer answers `other` too.
    pub(super) fn is_answered_like(&self, other: &Self) -> bool {
        let same = |a: &Rotate, b: &Rotate| {
            (a.id, a.presented, a.expect, a.expect_previous, a.key)
                == (b.id, b.presented, b.expect, b.expect_previous, b.key)
        };
        matches!((self, other), (Self::Rotate(a), Self::Rotate(b)) if same(a, b))
    }

    /// The same with an event for the audit log.
    pub(crate) fn recorded(self, event: AuditEvent) -> Result<Self, StoreError> {
        let event = Some(Box::new(event));
        match self {
            Self::Insert(grant, _) => Ok(Self::Insert(grant, event)),
            Self::End(end, _) => Ok(Self::End(end, event)),
            Self::Write(write) => Ok(Self::Write(Write {
                recorded: event,
                ..write
            })),
            // A defect of the caller: what is not recorded must not look as if it were.
            _ => Err(StoreError::Unfit("this change takes no event along".to_owned())),
        }
    }

    /// How many rows it may add that the sweep deletes one day.
    pub(crate) fn adds(&self) -> usize {
        match self {
            Self::Insert(_, recorded) => 1 + recorded.iter().count(),
            Self::End(_, recorded) => recorded.iter().count(),
            Self::Write(write) => write.recorded.iter().count(),
            _ => 0,
        }
    }

    /// The moment at which it was asked for, where it says one.
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
    /// The same for those who asked for the same a moment later: it was not their request that made the change.
    pub(crate) fn for_others(&self) -> Self {
        match self.clone() {
            Self::Rotated(Rotation::Made { by, .. }) => Self::Rotated(Rotation::Made { by, own: false }),
            outcome => outcome,
        }
    }

    /// The error for an answer of the wrong kind, which would be a defect of the writer.
    pub(crate) fn unexpected(&self) -> StoreError {
        StoreError::Unavailable("the writer answered something else".to_owned())
    }
}
