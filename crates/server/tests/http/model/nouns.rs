//! The objects, the requests and the answers of the model.

use std::collections::BTreeSet;
use std::fmt;

/// Lifetimes in milliseconds. `None` means forever.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub(super) access: i64,
    pub(super) code: i64,
    pub(super) refresh: Option<i64>,
    pub(super) idle: Option<i64>,
    pub(super) absolute: Option<i64>,
    pub(super) rotate: bool,
    pub(super) grace: i64,
    pub(super) retry: i64,
    pub(super) most: usize,
}

/// Scopes, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Scopes(pub(super) u8);

/// A person.
#[derive(Clone, Debug)]
pub(super) struct User {
    pub(super) suspended: bool,
    pub(super) member_of: BTreeSet<usize>,
}

/// A client.
#[derive(Clone, Debug)]
pub(super) struct App {
    pub(super) suspended: bool,
    pub(super) public: bool,
    pub(super) partner: bool,
    pub(super) owner: usize,
    pub(super) scopes: Scopes,
}

/// The state of a grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Life {
    Pending,
    Active,
    Ended(&'static str),
}

/// A grant.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) user: usize,
    pub(super) app: usize,
    pub(super) organization: usize,
    pub(super) scopes: Scopes,
    pub(super) life: Life,
    pub(super) code_expires: i64,
    /// The last issued generation, and the one that its holder presented last.
    pub(super) generation: u32,
    pub(super) previous: Option<u32>,
    pub(super) rotated_at: i64,
    /// Whether a token of `generation` was ever seen.
    pub(super) seen: bool,
    /// The generations that were replaced before they were seen.
    pub(super) void: BTreeSet<u32>,
    pub(super) expires: Option<i64>,
    pub(super) ends: Option<i64>,
    /// Uses are written later: the last use known to be written, and the last use.
    pub(super) used: (i64, i64),
    /// The key that proves each generation, beginning with the code's.
    pub(super) keys: Vec<usize>,
    /// The source of the last rotation, and how many rotations in a row before it were each repeated from another source.
    pub(super) source: Option<usize>,
    pub(super) repeats: u32,
    /// Whether the last rotation was repeated from another source. Only memory knows this.
    pub(super) repeated: bool,
    /// Whether the sweep may have deleted the values for checking a second use of the code, before the clock was turned
    /// back.
    pub(super) swept: bool,
}

/// An access token. The same state gives the same token again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Access {
    pub(super) grant: usize,
    pub(super) generation: u32,
    pub(super) issued: i64,
    pub(super) scopes: Scopes,
    pub(super) expires: i64,
    /// The key that seals it.
    pub(super) sealed: usize,
}

/// The purpose of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum KeyPurpose {
    Access,
    Proof,
}

/// A refresh token, or a forgery of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Refresh {
    pub(super) grant: usize,
    pub(super) generation: u32,
    pub(super) forged: bool,
}

/// The caller of an introspection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Caller {
    App(usize),
    Api,
}

/// A request to the server.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Redeem {
        by: usize,
        grant: usize,
        fault: Option<Fault>,
    },
    Refresh {
        by: usize,
        token: Refresh,
        scopes: Option<Scopes>,
        /// An index into [`super::world::SOURCES`].
        from: usize,
    },
    Identity(Access),
    Introspect(Caller, Access),
    IntrospectRefresh(Caller, Refresh),
    Revoke(usize, Access),
    RevokeRefresh(usize, Refresh),
    /// The person ends an app's access in an organization, on the page of connected apps.
    EndAccess {
        user: usize,
        app: usize,
        organization: usize,
    },
    OperatorEnds(usize),
    UserSuspended(usize, bool),
    AppSuspended(usize, bool),
    OrganizationSuspended(usize, bool),
    Member(usize, usize, bool),
    RotateKeys,
    /// The current key is revoked.
    RevokeKey(KeyPurpose),
}

/// The fault of a redemption.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    Verifier,
    NoVerifier,
    RedirectUri,
}

/// The answer that the server must give.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Answered {
    Pair {
        refresh: Refresh,
        access: Access,
        expires_in: i64,
    },
    Refused(&'static str),
    Person(usize),
    Inactive,
    Active {
        scopes: Scopes,
        expires: Option<i64>,
        user: usize,
        organization: Option<usize>,
        app: usize,
    },
    Done,
}

impl Scopes {
    pub(super) const NAMES: [&'static str; 3] = ["profile", "read", "write"];

    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(super) fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    pub(super) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn names(self) -> Vec<&'static str> {
        let all = Self::NAMES.into_iter().enumerate();
        all.filter(|(bit, _)| self.0 & (1 << bit) != 0)
            .map(|(_, name)| name)
            .collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(" "))
    }
}
