//! What the writer can be asked to do, and what it answers.

use super::StoreError;
use super::model::{EndReason, Grant, GrantId, NewChange, NewGrant, Redeem, Rotate, Rotated, SecretId};
use super::value::{Statement, Value};
use crate::time::Instant;

/// One thing to write.
#[derive(Clone, Debug)]
pub(super) enum Work {
    /// A code was issued.
    Insert(NewGrant),
    /// A code is redeemed.
    Redeem(Redeem),
    /// A refresh token is exchanged.
    Rotate(Rotate),
    /// A grant ends.
    End(End),
    /// Uses to write down.
    Seen(Vec<Use>),
    /// Anything that is not hot.
    Write(Write),
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// The grant as it now stands, if the change was made (or, of an insert, always).
    Grant(Option<Grant>),
    /// What came of a rotation.
    Rotated(Rotated),
    /// Whether this change ended the grant.
    Ended(bool),
    /// The grants that a write ended.
    EndedMany(Vec<GrantId>),
}

/// A grant to end.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) id: GrantId,
    pub(super) reason: EndReason,
    pub(super) now: Instant,
}

/// Grants to end: those that a statement selects, whose last parameter is how many.
#[derive(Clone, Debug)]
pub(super) struct Ends {
    pub(super) select: &'static str,
    pub(super) params: Vec<Value>,
    pub(super) reason: EndReason,
    pub(super) now: Instant,
}

/// A use to write down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Use {
    /// A token of this generation came.
    Grant { id: GrantId, generation: u32, at: Instant },
    /// A secret authenticated its app.
    Secret { id: SecretId, at: Instant },
}

/// Statements that are one commit, with what they announce and which grants end by them.
#[derive(Clone, Default, Debug)]
pub(super) struct Write {
    pub(super) statements: Vec<Statement>,
    pub(super) announce: Vec<NewChange>,
    pub(super) ends: Option<Ends>,
}

impl Outcome {
    /// The error for an answer of the wrong kind, which would be a defect of the writer.
    pub(super) fn unexpected(self) -> StoreError {
        StoreError::Unavailable("the writer answered something else".to_owned())
    }
}
