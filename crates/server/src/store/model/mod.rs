//! The nouns that the store keeps, as values that cannot be wrong.
//!
//! Ids are UUIDv7 made by the caller: time and randomness are arguments here too.

mod client;
mod grant;
mod handover;
mod people;
mod record;

pub use client::{App, AppSecret, AppUpdate, ListedApp, OrganizationName, Others, Resource, SecretHash};
pub use grant::{
    Connection, Grant, GrantFilter, ListedGrant, NewGrant, OrganizationGrant, Redeem, Redeemed, Rotate, Rotated,
    SetUpBy, Surplus,
};
pub use handover::{
    Acceptance, Accepted, Arrival, KeptApp, KeptMembership, KeptSession, KeptSignIn, SitePerson, SiteRecord,
};
pub use people::{Member, Membership, NewUser, Organization, OrganizationUpdate, Ownership, Session, User, UserUpdate};
pub use record::{
    AuditCursor, AuditEvent, AuditFilter, Beat, Change, Declared, Key, ListedEvent, Mark, NewChange, Recall, Recalled,
    RevokedKey, Successor,
};

use std::fmt;
use uuid::Uuid;

/// A page of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListPage<T, K> {
    /// The entries of the page.
    pub items: Vec<T>,
    /// The key after which the next page begins. `None` on the last page.
    pub next: Option<K>,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
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
    /// An app, which is an OAuth client (RFC 6749 §1.1). Not the client ID, which may be any text.
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

/// A browser session: the SHA-256 of the cookie's value, so that nobody can use a session with only the database.
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
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$case),+];

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

        // The derive macro does not see a name that another macro gives to a case.
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                let words = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::String);
                words.enum_values(Some([$($text),+])).into()
            }
        }

        impl utoipa::ToSchema for $name {}
    )+};
}

texts! {
    /// Why a grant ended.
    EndReason {
        /// The person ended it, on the connected-apps page or at the site; or an owner, on the page of the organization.
        ByPerson = "by_person",
        /// The app revoked its refresh token (RFC 7009).
        ByApp = "by_app",
        /// The operator ended it.
        ByOperator = "by_operator",
        /// The code was used a second time (RFC 6749 §4.1.2).
        CodeReplayed = "code_replayed",
        /// A refresh token was used again after its holder had exchanged it (RFC 9700 §4.14.2).
        RefreshReused = "refresh_reused",
        /// The refresh token expired, or the absolute end was reached.
        Expired = "expired",
        /// The person had too many grants for this app, and this one was idle longest.
        Replaced = "replaced",
        /// The app was moved to another owner.
        AppChanged = "app_changed",
        /// The person left the organization.
        MembershipEnded = "membership_ended",
        /// The key of its code or refresh token was revoked.
        KeyRevoked = "key_revoked",
        /// Two devices used its refresh tokens, each within the grace of the other.
        DeviceCopied = "device_copied",
        /// The app was deleted.
        AppDeleted = "app_deleted",
        /// The person was deleted.
        PersonDeleted = "person_deleted",
        /// The organization was deleted.
        OrganizationDeleted = "organization_deleted",
    }

    /// Whether the client can keep a secret (RFC 6749 §2.1).
    ClientType {
        /// It can keep a secret.
        Confidential = "confidential",
        /// It cannot. PKCE and rotation are required, whatever the preset says.
        Public = "public",
    }

    /// A way to get tokens (RFC 6749 §1.3).
    GrantType {
        /// RFC 6749 §4.1.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 §6.
        RefreshToken = "refresh_token",
        /// RFC 6749 §4.4.
        ClientCredentials = "client_credentials",
    }

    /// The organizations whose people may connect an app.
    Reach {
        /// People of the organization that owns the app.
        Own = "own",
        /// People of every organization. Only the operator can set this.
        Partner = "partner",
    }

    /// Whose the grants of an app are.
    ActsAs {
        /// The person's who allowed it.
        Person = "person",
        /// The organization's: only an owner may allow it, and it outlives who set it up.
        Organization = "organization",
    }

    /// The life of an app.
    AppStatus {
        /// In development. An error before login is not redirected.
        Draft = "draft",
        /// In use.
        Live = "live",
        /// Stopped by the operator.
        Suspended = "suspended",
    }

    /// Whether a user or an organization may act.
    Status {
        /// It may act.
        Active = "active",
        /// It may not act: it is suspended.
        Suspended = "suspended",
    }

    /// Who suspended a person. The operator and the site can each lift only their own suspension.
    SuspendedBy {
        /// The operator.
        Operator = "operator",
        /// The site that signs the person in.
        Site = "site",
        /// Both.
        Both = "both",
    }

    /// Why the site signs nobody in.
    SiteRefusal {
        /// The person may not connect apps.
        AccessDenied = "access_denied",
        /// Nobody is signed in at the site.
        LoginRequired = "login_required",
    }

    /// How a session began.
    SessionKind {
        /// By a password of this server.
        Own = "own",
        /// By the site ([handover]).
        Handover = "handover",
    }

    /// What a member may do in an organization.
    Role {
        /// Manage everything, including members.
        Owner = "owner",
        /// Manage apps.
        Developer = "developer",
        /// Connect apps.
        Member = "member",
    }

    /// Whether an organization holds real data.
    OrganizationKind {
        /// Real data.
        Live = "live",
        /// A sandbox, for trying things out.
        Sandbox = "sandbox",
    }

    /// The action of an event of the audit log. The words are documented (docs/guide/audit-log.md) and do not change.
    AuditAction {
        /// An app was registered or declared.
        AppCreated = "app_created",
        /// An app's settings were changed.
        AppChanged = "app_changed",
        /// An app was suspended.
        AppSuspended = "app_suspended",
        /// A suspended app was resumed.
        AppResumed = "app_resumed",
        /// An app was deleted.
        AppDeleted = "app_deleted",
        /// An app got one more secret.
        AppSecretAdded = "app_secret_added",
        /// An app got a new secret that replaces the others.
        AppSecretReset = "app_secret_reset",
        /// One of an app's secrets was ended.
        AppSecretEnded = "app_secret_ended",
        /// A person was created.
        UserCreated = "user_created",
        /// A person's data or rights were changed.
        UserChanged = "user_changed",
        /// A person got another password.
        UserPasswordSet = "user_password_set",
        /// A person was suspended.
        UserSuspended = "user_suspended",
        /// A suspended person was resumed.
        UserResumed = "user_resumed",
        /// A person was deleted.
        UserDeleted = "user_deleted",
        /// A person signed in.
        SignedIn = "signed_in",
        /// The site signed a person out in every browser.
        SignedOut = "signed_out",
        /// A sign-in was brought back by another browser than the one that began it.
        SignInRefused = "sign_in_refused",
        /// An organization was created.
        OrganizationCreated = "organization_created",
        /// An organization's settings were changed.
        OrganizationChanged = "organization_changed",
        /// An organization was suspended.
        OrganizationSuspended = "organization_suspended",
        /// A suspended organization was resumed.
        OrganizationResumed = "organization_resumed",
        /// An organization was deleted.
        OrganizationDeleted = "organization_deleted",
        /// A person became a member of an organization, or got another role there.
        MemberSet = "member_set",
        /// A person was removed from an organization.
        MemberRemoved = "member_removed",
        /// A resource was declared, or its declaration changed.
        ResourceSet = "resource_set",
        /// A resource was removed from the configuration.
        ResourceRemoved = "resource_removed",
        /// A person gave consent to an app.
        GrantCreated = "grant_created",
        /// A grant ended before it expired.
        GrantEnded = "grant_ended",
        /// A grant lost some of its scopes.
        GrantNarrowed = "grant_narrowed",
        /// Copies of a refresh token were used from different sources.
        DeviceCopied = "device_copied",
        /// An owner took over a grant of an organization from who had set it up.
        GrantTakenOver = "grant_taken_over",
        /// A key that replaces another one was published.
        KeyRotated = "key_rotated",
        /// A key was revoked.
        KeyRevoked = "key_revoked",
    }

    /// The kind of an entry of the feed.
    ChangeKind {
        /// A grant ended; the subject is its id.
        Grant = "grant",
        /// The generation in `value` of a grant is void: another generation replaced it before it was seen.
        Generation = "generation",
        /// An access token was revoked; the subject is its serial.
        Token = "token",
        /// Every access token of an owner (an app's own, or a grant's) that was issued by the moment in `value` is revoked;
        /// the subject is the owner and the entries whose place this one takes, 16 bytes each.
        Recall = "recall",
        /// The grants of a person for an app up to a last one ended, with exceptions; the subject is the person, the app, the
        /// last one, the exceptions, the recalls that this one replaces (run and number), and the grants whose entries it
        /// replaces, 16 bytes each. `value` is the count of exceptions, and 65,536 times that of the recalls.
        GrantsRecall = "grants_recall",
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
        /// A key is new, different or revoked (the subject says so); the number is in `value`.
        Key = "key",
        /// Stands for a word of a later version. No server writes it.
        Unknown = "unknown",
    }
}

/// A word in a row that this version does not know. Probably a later version wrote it. It disables only the object that has it
/// (decision 46).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnknownWord {
    /// The column.
    pub column: &'static str,
    /// The word in the column, shortened if it is long.
    pub word: String,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.column, self.word)
    }
}

/// The first of a row's words that this version does not know, if there is one.
pub type Unknown = Option<Box<UnknownWord>>;

/// The life of a grant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum GrantState {
    /// A code was issued.
    Pending = 0,
    /// The code was redeemed.
    Active = 1,
    /// The grant has ended; the reason says why.
    Ended = 2,
}
