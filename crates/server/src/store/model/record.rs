//! What the server keeps for itself: keys, the record of what happened, what was declared, the feed.

use super::{AppId, AuditEventId, ChangeKind, GrantId, OrganizationId, UserId};
use crate::time::Instant;
use std::fmt;
use uuid::Uuid;

/// A key, sealed by the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// Its number, which tokens and rows name.
    pub id: u32,
    /// What it is for; it serves nothing else.
    pub purpose: String,
    /// The sealed key.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created: Instant,
    /// From when on it makes what it is for; before that it only opens and proves.
    pub active_from: Instant,
}

/// A key that is gone, and with it all that was made under it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RevokedKey {
    /// Its number, which no other key gets.
    pub id: u32,
    /// What it was for.
    pub purpose: String,
    /// When it was made.
    pub created: Instant,
    /// When it was revoked.
    pub revoked: Instant,
}

/// What takes the place of a key that is revoked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Successor {
    /// A key that nobody knew before.
    New(Key),
    /// The one that was published and waits: it does not wait any longer.
    Waiting(u32),
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// An event of the audit log: who changed what, from where (`audit.rs` makes them).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditEvent {
    /// Its id; the order of ids is the order of events.
    pub id: AuditEventId,
    /// When.
    pub at: Instant,
    /// Who: `operator:UID`, `user:ID`, `app:CLIENT_ID`, `server`.
    pub actor: String,
    /// The word of an [`super::AuditAction`], or one that a later version writes.
    pub action: String,
    /// The app concerned.
    pub app: Option<AppId>,
    /// The user concerned.
    pub user: Option<UserId>,
    /// The organization concerned.
    pub organization: Option<OrganizationId>,
    /// The grant concerned.
    pub grant: Option<GrantId>,
    /// The address that the request came from; `None`: it did not come over the network.
    pub source: Option<String>,
    /// What was there before, as a JSON object; never a secret, a hash or a token.
    pub before: Option<String>,
    /// What is there now, as a JSON object; never a secret, a hash or a token.
    pub after: Option<String>,
    /// More, as a JSON object; never a secret, a hash or a token.
    pub detail: Option<String>,
}

/// An event with the names of those that it is about, as they are now; of what is deleted there is none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedEvent {
    /// The event.
    pub event: AuditEvent,
    /// The app's client id.
    pub client_id: Option<String>,
    /// The person's label.
    pub user: Option<String>,
    /// The organization's slug.
    pub organization: Option<String>,
}

/// Which events of the audit log to list.
#[derive(Clone, Copy, Default, Debug)]
pub struct AuditFilter {
    /// About this app.
    pub app: Option<AppId>,
    /// About this user.
    pub user: Option<UserId>,
    /// About this organization.
    pub organization: Option<OrganizationId>,
    /// From where on; events of the cursor's own id are left out.
    pub from: AuditCursor,
    /// At most so many.
    pub limit: u32,
}

/// Where a page of the audit log begins, and which way it goes.
#[derive(Clone, Copy, Default, Debug)]
pub enum AuditCursor {
    /// The newest events, the newest first.
    #[default]
    Newest,
    /// Older than this one, the newest first.
    Before(AuditEventId),
    /// Newer than this one, the oldest first.
    After(AuditEventId),
}

/// That a declared value was applied: it is applied again only once it is another one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declared {
    /// `app`, `user`, `organization`, `resource`.
    pub kind: String,
    /// The declared object's name.
    pub name: String,
    /// The field.
    pub field: String,
    /// A keyed digest of the value.
    pub digest: [u8; 32],
}

/// Something to tell every node of, to be numbered when it is committed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewChange {
    /// When.
    pub at: Instant,
    /// Until when it matters; `None`: for the longest life of an access token that was ever configured, from `at` or the newest entry.
    pub expires: Option<Instant>,
    /// What it is about.
    pub kind: ChangeKind,
    /// Which one.
    pub subject: Vec<u8>,
    /// More about it; 0 where there is none.
    pub value: i64,
}

/// One entry of the feed that takes the place of several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recall {
    /// What is revoked by it.
    pub recalled: Recalled,
    /// What the entries were about, and where they are.
    pub folded: Vec<([u8; 16], Mark)>,
    /// The recalls before this one, which say less.
    pub before: Vec<Mark>,
}

/// What a recall revokes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recalled {
    /// Every access token that was issued to an owner (an app itself, or a grant) by a moment.
    Tokens {
        /// The app or the grant.
        owner: Uuid,
        /// The moment.
        issued_by: Instant,
    },
    /// Every grant of a person for an app that was made by the time that the last one was, except those that went on.
    Grants {
        /// The person.
        user: UserId,
        /// The app.
        app: AppId,
        /// The newest of the grants that ended: ids are in the order of making.
        last: GrantId,
        /// Those that had not ended.
        spared: Vec<GrantId>,
    },
}

impl Change {
    /// Where it is.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let (node, number) = (self.node, self.number);
        Mark { node, number }
    }
}

/// How far the entries of one run of a server were read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The run.
    pub node: [u8; 16],
    /// The number of the last entry.
    pub number: i64,
}

/// What came of a heartbeat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Beat {
    /// The database's clock when it was taken.
    pub clock: Instant,
    /// Entries of the feed above the marks, those of a run in the order of their numbers.
    pub changes: Vec<Change>,
    /// Whether these are all. Otherwise the next heartbeat brings more.
    pub whole: bool,
    /// What the other servers read, one text of words for each kind of server.
    pub others: Vec<String>,
}

/// An entry of the feed: what changed, for caches, and what was revoked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The run of a server that made it.
    pub node: [u8; 16],
    /// Its number in that run, which rises; the number of a change that was not committed is left out.
    pub number: i64,
    /// When.
    pub at: Instant,
    /// Until when it matters.
    pub expires: Instant,
    /// What it is about.
    pub kind: ChangeKind,
    /// Which one.
    pub subject: Vec<u8>,
    /// More about it; 0 where there is none.
    pub value: i64,
}
