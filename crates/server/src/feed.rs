//! The feed's effect on memory: what was revoked is refused, what changed is read anew.
//!
//! The store tells of every change after its commit and before its answer, so an acknowledged revocation holds at once.

use crate::directory::Directory;
use crate::store::model::{Change, ChangeKind};
use crate::time::{Instant, Steady};
use crate::tokens::revoked::{Entry, Revoked};
use uuid::Uuid;

/// Takes one change in.
pub fn apply(change: &Change, revoked: &Revoked, directory: &Directory, now: Instant) {
    let entry = match change.kind {
        ChangeKind::Grant => grant(change).map(Entry::Grant),
        ChangeKind::Generation => grant(change)
            .zip(u32::try_from(change.value).ok())
            .map(|(id, value)| Entry::Generation(id, value)),
        ChangeKind::Token => change.subject.as_slice().try_into().ok().map(Entry::Token),
        ChangeKind::App
        | ChangeKind::User
        | ChangeKind::Membership
        | ChangeKind::Organization
        | ChangeKind::Resource
        | ChangeKind::Key => {
            return directory.forget();
        }
    };
    match entry {
        Some(entry) => revoked.add(entry, change.expires, now),
        None => tracing::error!(kind = %change.kind, "an entry of the feed is malformed"),
    }
}

/// Takes several changes in, as they are committed. What is forgotten meanwhile goes by the steady clock.
pub fn apply_all(changes: &[Change], revoked: &Revoked, directory: &Directory, clock: &Steady) {
    let now = clock.now();
    for change in changes {
        apply(change, revoked, directory, now);
    }
}

fn grant(change: &Change) -> Option<Uuid> {
    Uuid::from_slice(&change.subject).ok()
}
