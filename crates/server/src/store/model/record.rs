//! Records of the server itself: keys, the audit log, the applied declarations, the feed.

use super::{AppId, AuditEventId, ChangeKind, GrantId, OrganizationId, UserId};
use crate::time::Instant;
use std::fmt;
use uuid::Uuid;

/// A key, sealed by the master key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// Its number, which tokens and rows name.
    pub id: u32,
    /// The one purpose of the key.
    pub purpose: String,
    /// The sealed key.
    pub sealed: Vec<u8>,
    /// When it was created.
    pub created: Instant,
    /// When it becomes current. Before that it only opens and proves.
    pub active_from: Instant,
}

/// A revoked key. Everything made with it has ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RevokedKey {
    /// Its number, which no other key gets.
    pub id: u32,
    /// Its purpose.
    pub purpose: String,
    /// When it was created.
    pub created: Instant,
    /// When it was revoked.
    pub revoked: Instant,
}

/// The key that replaces a revoked key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Successor {
    /// A new key.
    New(Key),
    /// The key that was published and is waiting. It becomes current at once.
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
    /// The moment.
    pub at: Instant,
    /// The actor: `operator:UID`, `user:ID`, `app:CLIENT_ID`, `server`.
    pub actor: String,
    /// The word of an [`super::AuditAction`], or a word of a later version.
    pub action: String,
    /// The app concerned.
    pub app: Option<AppId>,
    /// The user concerned.
    pub user: Option<UserId>,
    /// The organization concerned.
    pub organization: Option<OrganizationId>,
    /// The grant concerned.
    pub grant: Option<GrantId>,
    /// The address that the request came from. `None` if it did not come over the network.
    pub source: Option<String>,
    /// The values before the change, as a JSON object; never a secret, a hash or a token.
    pub before: Option<String>,
    /// The values after the change, as a JSON object; never a secret, a hash or a token.
    pub after: Option<String>,
    /// Further facts, as a JSON object; never a secret, a hash or a token.
    pub detail: Option<String>,
}

/// An event with the present names of its objects. A deleted object has no name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListedEvent {
    /// The event.
    pub event: AuditEvent,
    /// The app's client ID.
    pub client_id: Option<String>,
    /// The person's label.
    pub user: Option<String>,
    /// The organization's slug.
    pub organization: Option<String>,
}

/// A filter for a list of events of the audit log.
#[derive(Clone, Copy, Default, Debug)]
pub struct AuditFilter {
    /// Only events about this app.
    pub app: Option<AppId>,
    /// Only events about this user.
    pub user: Option<UserId>,
    /// Only events about this organization.
    pub organization: Option<OrganizationId>,
    /// The beginning of the page. The event with the cursor's own id is left out.
    pub from: AuditCursor,
    /// The largest number of events.
    pub limit: u32,
}

/// The beginning and the direction of a page of the audit log.
#[derive(Clone, Copy, Default, Debug)]
pub enum AuditCursor {
    /// The newest events, newest first.
    #[default]
    Newest,
    /// Events older than this one, newest first.
    Before(AuditEventId),
    /// Events newer than this one, oldest first.
    After(AuditEventId),
}

/// The record that a declared value was applied. The value is applied again only after it has changed.
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

/// A new entry of the feed for every node. It gets its number when it is committed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewChange {
    /// The moment.
    pub at: Instant,
    /// When it expires. `None`: after the longest life of an access token that was ever configured, from `at` or the newest
    /// entry.
    pub expires: Option<Instant>,
    /// The kind of the entry.
    pub kind: ChangeKind,
    /// The subject of the entry.
    pub subject: Vec<u8>,
    /// A further value; 0 if there is none.
    pub value: i64,
}

/// One entry of the feed that replaces several.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Recall {
    /// The grants or tokens that it revokes.
    pub recalled: Recalled,
    /// The subjects and the positions of the replaced entries.
    pub folded: Vec<([u8; 16], Mark)>,
    /// The earlier recalls, which this one replaces.
    pub before: Vec<Mark>,
}

impl Recall {
    /// Revokes every access token that was issued to an owner, an app itself or a grant, up to a moment. Replaces no entry.
    #[must_use]
    pub fn of_tokens(owner: Uuid, issued_by: Instant) -> Self {
        Self {
            recalled: Recalled::Tokens { owner, issued_by },
            folded: vec![],
            before: vec![],
        }
    }
}

/// The target of a recall.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Recalled {
    /// Every access token that was issued to an owner (an app itself, or a grant) up to a moment.
    Tokens {
        /// The app or the grant.
        owner: Uuid,
        /// The moment.
        issued_by: Instant,
    },
    /// Every grant of a person for an app up to a last one, except those that had not ended.
    Grants {
        /// The person.
        user: UserId,
        /// The app.
        app: AppId,
        /// The newest of the ended grants. Ids are in the order of creation.
        last: GrantId,
        /// The grants that had not ended.
        spared: Vec<GrantId>,
    },
}

impl Change {
    /// The position of the entry.
    #[must_use]
    pub fn mark(&self) -> Mark {
        let (node, number) = (self.node, self.number);
        Mark { node, number }
    }
}

/// The position up to which the entries of one run of a server were read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mark {
    /// The run.
    pub node: [u8; 16],
    /// The number of the last entry.
    pub number: i64,
}

/// The result of a heartbeat.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Beat {
    /// The database's clock when it was taken.
    pub clock: Instant,
    /// The entries of the feed above the marks. Entries of one run are in the order of their numbers.
    pub changes: Vec<Change>,
    /// Whether these are all entries. If not, the next heartbeat brings more.
    pub whole: bool,
    /// For each other kind of server, a text with the words of the feed that it can read.
    pub others: Vec<String>,
}

/// An entry of the feed: a changed object, for caches, or a revocation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The run of the server that wrote it.
    pub node: [u8; 16],
    /// Its number in that run. Numbers rise; the number of a change that was not committed is missing.
    pub number: i64,
    /// The moment.
    pub at: Instant,
    /// When it expires.
    pub expires: Instant,
    /// The kind of the entry.
    pub kind: ChangeKind,
    /// The subject of the entry.
    pub subject: Vec<u8>,
    /// A further value; 0 if there is none.
    pub value: i64,
}
