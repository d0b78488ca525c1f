//! The nouns that the store keeps (DESIGN: the model), as values that cannot be wrong.
//!
//! Ids are UUIDv7 made by the caller: time and randomness are arguments here too.

use crate::time::Instant;
use hallpass_wire::{RedirectUri, Scopes};
use std::fmt;
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// An app, which is an OAuth client (RFC 6749 §1.1). Not the client id, which may be any text.
    AppId,
    /// A user: the subject of tokens.
    UserId,
    /// An organization.
    OrganizationId,
    /// A grant.
    GrantId,
    /// A secret of an app.
    SecretId,
    /// An event of the audit log.
    AuditEventId,
}

/// A browser session: the SHA-256 of what the cookie carries, so that the database opens no session.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub [u8; 32]);

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(…)")
    }
}

/// Enums that are kept as text, so that a person can read the database.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$case_doc])* #[serde(rename = $text)] $case,)+
        }

        impl $name {
            /// The text in the database and on the command line.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$case => $text,)+
                }
            }

            /// The value that this text names.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$case),)+
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )+};
}

texts! {
    /// Why a grant ended.
    EndReason {
        /// The person ended it on the connected-apps page.
        ByPerson = "by_person",
        /// The app revoked its refresh token (RFC 7009).
        ByApp = "by_app",
        /// The operator ended it.
        ByOperator = "by_operator",
        /// Its code came a second time (RFC 6749 §4.1.2).
        CodeReplayed = "code_replayed",
        /// A refresh token came that its holder had already exchanged (RFC 9700 §4.14.2).
        RefreshReused = "refresh_reused",
        /// Its refresh token or its absolute bound ran out.
        Expired = "expired",
        /// The person has too many grants for this app: the longest idle one went.
        Replaced = "replaced",
        /// The app was handed to another owner.
        AppChanged = "app_changed",
        /// The person left the organization.
        MembershipEnded = "membership_ended",
    }

    /// Whether the client can keep a secret (RFC 6749 §2.1).
    ClientType {
        /// It can.
        Confidential = "confidential",
        /// It cannot: PKCE and rotation whatever the preset says.
        Public = "public",
    }

    /// Whose people may connect an app.
    Reach {
        /// Those of the organization that owns it.
        Own = "own",
        /// Those of every organization; only the operator gives this.
        Partner = "partner",
    }

    /// The life of an app.
    AppStatus {
        /// Being written; an error before login is not redirected.
        Draft = "draft",
        /// In use.
        Live = "live",
        /// Stopped by the operator.
        Suspended = "suspended",
    }

    /// Whether a user or an organization may act.
    Status {
        /// It may.
        Active = "active",
        /// It may not.
        Suspended = "suspended",
    }

    /// What a member may do in an organization.
    Role {
        /// Everything, members included.
        Owner = "owner",
        /// Apps.
        Developer = "developer",
        /// Connect apps.
        Member = "member",
    }

    /// Whether an organization holds real data.
    OrganizationKind {
        /// It does.
        Live = "live",
        /// A sandbox.
        Sandbox = "sandbox",
    }

    /// What an entry of the feed is about.
    ChangeKind {
        /// A grant ended; the subject is its id.
        Grant = "grant",
        /// The generation in `value` of a grant is void: another replaced it unseen.
        Generation = "generation",
        /// An access token was revoked; the subject is its serial.
        Token = "token",
        /// An app is new or different.
        App = "app",
        /// A user is new or different.
        User = "user",
        /// A membership is new, different or gone; the subject is user id and organization id.
        Membership = "membership",
        /// An organization is new or different.
        Organization = "organization",
        /// A resource is new or different; the subject is its identifier.
        Resource = "resource",
        /// A key is new or different; the number is in `value`.
        Key = "key",
    }
}

/// The life of a grant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// A code was issued.
    Pending = 0,
    /// The code was redeemed.
    Active = 1,
    /// It is over; the reason says why.
    Ended = 2,
}

/// What a person allowed: user × app × organization × scopes. Codes and tokens are views of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// The client.
    pub app: AppId,
    /// The resource owner.
    pub user: UserId,
    /// Whose data.
    pub organization: OrganizationId,
    /// Where in its life.
    pub state: State,
    /// What was allowed.
    pub scopes: Scopes,
    /// The text sent in the authorization request; `None`: none was sent, or the code is spent.
    pub redirect_uri: Option<String>,
    /// The S256 challenge (RFC 7636 §4.2); `None`: none was sent, or the code is spent.
    pub code_challenge: Option<[u8; 32]>,
    /// What the proofs of code and refresh tokens are derived with, beside the key.
    pub salt: [u8; 16],
    /// The proof key of the current generation.
    pub key: u32,
    /// The proof key of the generation in `previous`; before the first refresh, that of the code.
    pub previous_key: Option<u32>,
    /// The refresh token last issued; 0 while pending.
    pub generation: u32,
    /// The generation that its holder proved last.
    pub previous: Option<u32>,
    /// Whether a token of `generation` was seen, in the database or since in memory.
    pub confirmed: bool,
    /// When `generation` came to be; for generation 1, when the code was redeemed.
    pub rotated_at: Instant,
    /// When the code was issued.
    pub created: Instant,
    /// Until when the code counts.
    pub code_expires: Instant,
    /// Until when the refresh token of the current generation counts; `None`: it does not expire. No access token outlives it.
    pub expires: Option<Instant>,
    /// The absolute bound, if there is one.
    pub ends: Option<Instant>,
    /// The last use that was written down; at most a minute behind.
    pub last_used: Option<Instant>,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// Why it ended.
    pub reason: Option<EndReason>,
}

/// A grant to come: what stands behind a new code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewGrant {
    /// Its id; the consent page carried it, so that a second POST makes no second grant.
    pub id: GrantId,
    /// The client.
    pub app: AppId,
    /// The resource owner.
    pub user: UserId,
    /// Whose data.
    pub organization: OrganizationId,
    /// What was allowed.
    pub scopes: Scopes,
    /// The text sent in the authorization request.
    pub redirect_uri: Option<String>,
    /// The S256 challenge.
    pub code_challenge: Option<[u8; 32]>,
    /// Random.
    pub salt: [u8; 16],
    /// The proof key of the code.
    pub key: u32,
    /// Now.
    pub created: Instant,
    /// Until when the code counts.
    pub code_expires: Instant,
}

/// A code to redeem (RFC 6749 §4.1.3). Everything that can fail was decided before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Redeem {
    /// The grant.
    pub id: GrantId,
    /// The client that presented the code.
    pub app: AppId,
    /// The present moment.
    pub now: Instant,
    /// Until when the first refresh token counts.
    pub expires: Option<Instant>,
    /// The absolute bound.
    pub ends: Option<Instant>,
    /// The proof key of generation 1.
    pub key: u32,
}

/// A refresh token to exchange for its successor (RFC 6749 §6).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotate {
    /// The grant.
    pub id: GrantId,
    /// The generation that the holder proved; another than `expect` replaces an answer that got lost.
    pub presented: u32,
    /// The generation that the row must have.
    pub expect: u32,
    /// The predecessor that the row must have.
    pub expect_previous: Option<u32>,
    /// The present moment.
    pub now: Instant,
    /// Until when the new refresh token counts.
    pub expires: Option<Instant>,
    /// The proof key of the new generation.
    pub key: u32,
}

impl Rotate {
    /// Whether it gives a successor that got lost again, so that the lost one is void.
    #[must_use]
    pub fn replaces(&self) -> bool {
        self.presented != self.expect
    }
}

/// What came of a rotation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rotated {
    /// Whether this very request made the change. If not, another came first: decide again by `grant`.
    pub changed: bool,
    /// The grant as it now stands.
    pub grant: Grant,
}

/// Which grants to list.
#[derive(Clone, Copy, Default, Debug)]
pub struct GrantFilter {
    /// Of this user.
    pub user: Option<UserId>,
    /// Of this app.
    pub app: Option<AppId>,
    /// In this organization.
    pub organization: Option<OrganizationId>,
    /// In this state.
    pub state: Option<State>,
    /// At most so many, newest first.
    pub limit: u32,
}

/// A grant with the names that a person knows it by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connection {
    /// The grant.
    pub grant: Grant,
    /// The app's name.
    pub app_name: String,
    /// The name of the organization that owns the app.
    pub app_owner: String,
    /// The slug of the organization whose data it opens.
    pub organization_slug: String,
    /// Its name.
    pub organization_name: String,
    /// Whether nobody sees that organization.
    pub organization_hidden: bool,
}

/// An app, which is an OAuth client, with its secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// The client id (RFC 6749 §2.2).
    pub client_id: String,
    /// What people see.
    pub name: String,
    /// Who owns it.
    pub organization: OrganizationId,
    /// The developer who made it; `None` where it was declared.
    pub owner: Option<UserId>,
    /// Whether it can keep a secret.
    pub client_type: ClientType,
    /// Whose people may connect it.
    pub reach: Reach,
    /// Where in its life.
    pub status: AppStatus,
    /// Where a code may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// What it may ask for; `None`: the whole catalogue.
    pub scopes: Option<Scopes>,
    /// The products that it is subscribed to, by name.
    pub products: Vec<String>,
    /// The grant types that it may use; `None`: the preset's.
    pub grant_types: Option<Vec<String>>,
    /// When it was made.
    pub created: Instant,
    /// Its secrets, the oldest first; expired ones are among them.
    pub secrets: Vec<Secret>,
}

/// What is different about an app; `None` leaves a field as it is.
#[derive(Clone, Default, Debug)]
pub struct AppUpdate {
    /// The name.
    pub name: Option<String>,
    /// The owning organization; another one ends the app's grants.
    pub organization: Option<OrganizationId>,
    /// Whether it can keep a secret.
    pub client_type: Option<ClientType>,
    /// Whose people may connect it.
    pub reach: Option<Reach>,
    /// Where in its life.
    pub status: Option<AppStatus>,
    /// Where a code may be sent.
    pub redirect_uris: Option<Vec<RedirectUri>>,
    /// What it may ask for.
    pub scopes: Option<Option<Scopes>>,
    /// The products.
    pub products: Option<Vec<String>>,
    /// The grant types.
    pub grant_types: Option<Option<Vec<String>>>,
}

/// One of an app's secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Secret {
    /// Its id.
    pub id: SecretId,
    /// What it is compared with.
    pub hash: SecretHash,
    /// The last four characters, for people to tell secrets apart; empty for short ones.
    pub hint: String,
    /// When it was set.
    pub created: Instant,
    /// The last use that was written down; at most a minute behind.
    pub last_used: Option<Instant>,
    /// Until when it counts.
    pub expires: Option<Instant>,
}

/// What remains of a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretHash {
    /// Of a secret with 256 random bits.
    Sha256([u8; 32]),
    /// Of a secret that somebody chose, as a PHC string.
    Argon2(String),
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sha256(_) => "Sha256(…)",
            Self::Argon2(_) => "Argon2(…)",
        })
    }
}

/// What becomes of an app's other secrets when it gets a new one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Others {
    /// They end at once.
    End,
    /// They go on until then, or until they would have ended.
    EndAt(Instant),
}

/// A person.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The subject.
    pub id: UserId,
    /// The numeric id, from 1 in the order of making.
    pub number: i64,
    /// The e-mail address, in lower case.
    pub email: String,
    /// What people see.
    pub name: String,
    /// The password's hash as a PHC string; `None`: cannot log in by password.
    pub password: Option<String>,
    /// The language, `en` or `nl-BE`.
    pub locale: Option<String>,
    /// Whether they operate this server.
    pub admin: bool,
    /// Whether they may act.
    pub status: Status,
    /// When they were made.
    pub created: Instant,
    /// Where they belong.
    pub memberships: Vec<Membership>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("number", &self.number)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A person to come; the numeric id is allotted.
#[derive(Clone)]
pub struct NewUser {
    /// The subject.
    pub id: UserId,
    /// The e-mail address; kept in lower case.
    pub email: String,
    /// What people see.
    pub name: String,
    /// The password's hash as a PHC string.
    pub password: Option<String>,
    /// The language.
    pub locale: Option<String>,
    /// Whether they operate this server.
    pub admin: bool,
    /// Now.
    pub created: Instant,
    /// Where they belong.
    pub memberships: Vec<Membership>,
}

/// What is different about a person; `None` leaves a field as it is.
#[derive(Clone, Default)]
pub struct UserUpdate {
    /// The name.
    pub name: Option<String>,
    /// The password's hash.
    pub password: Option<Option<String>>,
    /// The language.
    pub locale: Option<Option<String>>,
    /// Whether they operate this server.
    pub admin: Option<bool>,
    /// Whether they may act.
    pub status: Option<Status>,
}

/// That a person belongs to an organization.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Membership {
    /// Where.
    pub organization: OrganizationId,
    /// As what.
    pub role: Role,
}

/// A tenant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name in addresses and configuration.
    pub slug: String,
    /// What people see.
    pub name: String,
    /// Whether it holds real data.
    pub kind: OrganizationKind,
    /// Whether nobody is to see that there are organizations.
    pub hidden: bool,
    /// Whether it may act.
    pub status: Status,
    /// When it was made.
    pub created: Instant,
}

/// What is different about an organization; `None` leaves a field as it is.
#[derive(Clone, Default, Debug)]
pub struct OrganizationUpdate {
    /// The name.
    pub name: Option<String>,
    /// Whether it holds real data.
    pub kind: Option<OrganizationKind>,
    /// Whether nobody is to see it.
    pub hidden: Option<bool>,
    /// Whether it may act.
    pub status: Option<Status>,
}

/// An API that checks tokens (RFC 8707 §2: the identifier is the audience).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    /// The audience.
    pub identifier: String,
    /// What people see.
    pub name: String,
    /// How it authenticates at introspection; `None`: it cannot.
    pub secret: Option<SecretHash>,
    /// The scopes that are its own; `None`: all.
    pub scopes: Option<Scopes>,
    /// When it was made.
    pub created: Instant,
}

/// A browser session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Session {
    /// The hash of its token.
    pub id: SessionId,
    /// Who is logged in.
    pub user: UserId,
    /// When they logged in.
    pub created: Instant,
    /// Until when it counts.
    pub expires: Instant,
}

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
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("purpose", &self.purpose)
            .finish_non_exhaustive()
    }
}

/// Something that somebody did, for the record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// When.
    pub at: Instant,
    /// Who: `user:…`, `app:…`, `operator`.
    pub actor: String,
    /// What, in snake_case.
    pub action: String,
    /// The app concerned.
    pub app: Option<AppId>,
    /// The user concerned.
    pub user: Option<UserId>,
    /// The organization concerned.
    pub organization: Option<OrganizationId>,
    /// The grant concerned.
    pub grant: Option<GrantId>,
    /// More, as JSON; never a secret.
    pub detail: Option<String>,
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
    /// Until when it matters; `None`: as long as the longest access token that was ever configured.
    pub expires: Option<Instant>,
    /// What it is about.
    pub kind: ChangeKind,
    /// Which one.
    pub subject: Vec<u8>,
    /// More about it; 0 where there is none.
    pub value: i64,
}

/// An entry of the feed: what changed, for caches, and what was revoked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// The run of a server that made it.
    pub node: [u8; 16],
    /// Its number in that run, from 1 without gaps.
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
