//! Who and what there is in the model, what can be asked and what is answered.

use std::collections::BTreeSet;
use std::fmt;

/// How long things last, in milliseconds; `None`: for ever.
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

/// Somebody who allows.
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

/// Where in its life a grant is.
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
    /// The generation issued last, and the one that its holder proved last.
    pub(super) generation: u32,
    pub(super) previous: Option<u32>,
    pub(super) rotated_at: i64,
    /// Whether a token of `generation` was ever seen.
    pub(super) seen: bool,
    /// The generations that were replaced unseen.
    pub(super) void: BTreeSet<u32>,
    pub(super) expires: Option<i64>,
    pub(super) ends: Option<i64>,
    /// Uses are written behind: the last one known to be written, and the last one.
    pub(super) used: (i64, i64),
    /// The key that proves each generation; first the code's.
    pub(super) keys: Vec<usize>,
    /// Where the last rotation came from, and how many in a row before it were each repeated from elsewhere.
    pub(super) source: Option<usize>,
    pub(super) repeats: u32,
    /// Whether the last rotation was repeated from elsewhere, which memory alone knows.
    pub(super) repeated: bool,
    /// Whether the sweep may have taken what a second use of the code is judged by, before the clock was turned back.
    pub(super) swept: bool,
}

/// An access token. Asked for again, the same one is given again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Access {
    pub(super) grant: usize,
    pub(super) generation: u32,
    pub(super) issued: i64,
    pub(super) scopes: Scopes,
    pub(super) expires: i64,
    /// The key that it is sealed with.
    pub(super) sealed: usize,
}

/// What a key is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
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

/// Who asks what a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Caller {
    App(usize),
    Api,
}

/// What can be asked of the server.
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
        /// One of [`super::world::SOURCES`].
        from: usize,
    },
    Identity(Access),
    Introspect(Caller, Access),
    IntrospectRefresh(Caller, Refresh),
    Revoke(usize, Access),
    RevokeRefresh(usize, Refresh),
    /// The person ends an app's access in an organization, on the page for it.
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
    /// The key in use is revoked.
    RevokeKey(Purpose),
}

/// What is wrong with a redemption.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    Verifier,
    NoVerifier,
    RedirectUri,
}

/// What the server must answer.
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
