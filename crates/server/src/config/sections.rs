//! The sections of the configuration, one struct each, with every value already judged.

use super::secret::Secret;
use crate::store::Address;
use crate::store::model::GrantType;
use ipnet::IpNet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// `[server]`: where Hallpass listens and what it is called from outside.
#[derive(Clone, Debug)]
pub struct Server {
    /// The address to listen on.
    pub listen: SocketAddr,
    /// The address people and apps use, without trailing slash; it is also the issuer. None: `http://localhost:PORT`.
    pub public_url: Option<String>,
    /// Where the token, introspection, revocation and identity endpoints are called, if not `public_url`.
    pub api_url: Option<String>,
    /// The proxies that may say in `X-Forwarded-For` for whom they speak.
    pub trusted_proxies: Vec<IpNet>,
    /// The folder of everything that is kept.
    pub data: PathBuf,
}

/// `[store]`: the database.
#[derive(Clone, Debug)]
pub struct Store {
    /// Which database.
    pub url: StoreUrl,
    /// How many connections to PostgreSQL this server opens at most.
    pub connections: u32,
    /// Whether statements are prepared in PostgreSQL under names, which a pooler of transactions may not keep apart.
    pub prepared_statements: bool,
}

impl Store {
    /// One that writes, one that reads grants, one for the feed, one for everything else.
    pub(super) const FEWEST_CONNECTIONS: u32 = 4;
}

/// The databases that can be named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreUrl {
    /// An SQLite file, already resolved against the data folder.
    Sqlite(PathBuf),
    /// A PostgreSQL.
    Postgres(Box<Address>),
}

/// `[tokens]`: what is issued and how long it lives.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The form of access tokens.
    pub format: TokenFormat,
    /// Life of an access token, from its issue.
    pub access: Duration,
    /// Life of a refresh token, from each token's issue.
    pub refresh: Lifetime,
    /// A grant ends whose refresh token was not used for so long; one that does not rotate is used without being replaced.
    pub refresh_idle: Option<Duration>,
    /// A grant ends so long after its code was redeemed, however often it was refreshed.
    pub refresh_absolute: Option<Duration>,
    /// Life of an authorization code.
    pub code: Duration,
    /// Whether each refresh gives a new refresh token. Public clients always get one.
    pub rotate: bool,
    /// For so long after a rotation the predecessor gives the same successor again.
    pub grace: Duration,
    /// For so long after a rotation an unconfirmed successor may be replaced, as configured; see [`Tokens::effective_retry`].
    pub retry: Duration,
    /// Active grants that one user may have for one app; beyond it, the longest idle one ends first.
    pub grants_per_user_and_app: u32,
}

impl Tokens {
    /// How long an unconfirmed successor may be replaced: `retry`, at most the access lifetime, at most a day.
    #[must_use]
    pub fn effective_retry(&self) -> Duration {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        self.retry.min(self.access).min(DAY)
    }
}

/// The form of access tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenFormat {
    /// Sealed by the server, opaque to everybody else.
    Sealed,
}

/// How long something lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lifetime {
    /// It does not expire by age.
    Never,
    /// For so long from its issue.
    For(Duration),
}

/// `[wire]`: how answers look and what is offered.
#[derive(Clone, Debug)]
pub struct Wire {
    /// Whose answers the server gives.
    pub dialect: DialectName,
    /// The members of the identity endpoint, in order.
    pub identity: Vec<IdentityMember>,
    /// Whether refusals of the resource side carry `message` beside the dialect's own members.
    pub refusal_message: bool,
    /// Whether the `apigee` dialect gives its member with the empty name.
    pub empty_member: bool,
    /// Whether a confidential app without redirect URIs gets a page to copy the code from.
    pub code_page: bool,
    /// The grant types that are offered at all.
    pub grant_types: Vec<GrantType>,
    /// Whether confidential clients must use PKCE too; public ones always must.
    pub require_pkce: bool,
}

/// The dialects by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DialectName {
    /// The RFCs, nothing else.
    Standard,
    /// bshaffer/oauth2-server-php.
    Oauth2ServerPhp,
    /// Laravel Passport over league/oauth2-server 9.
    Passport,
    /// django-oauth-toolkit.
    Django,
    /// Apigee's `OAuthV2` policy.
    Apigee,
}

/// What the identity endpoint can tell about a user.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IdentityMember {
    /// The subject, a UUID as text.
    Sub,
    /// The numeric id.
    Id,
    /// The full name.
    Name,
    /// The email address.
    Email,
    /// The language.
    Locale,
}

/// `[keys]`: the master key, which seals all others.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The key itself, 32 bytes in base64; rules over `master_file`.
    pub master: Option<Secret>,
    /// The file that holds it, relative to the data folder; made at the first start.
    pub master_file: PathBuf,
}

/// `[paths]`: where the endpoints are, each starting with `/`, trailing slash as configured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paths {
    /// The authorization endpoint.
    pub authorize: String,
    /// The token endpoint.
    pub token: String,
    /// The introspection endpoint (RFC 7662).
    pub introspect: String,
    /// The revocation endpoint (RFC 7009).
    pub revoke: String,
    /// The identity endpoint.
    pub identity: String,
}

/// `[defaults]`: what declared and newly made objects belong to when nothing is said.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// The slug of the organization that every user is a member of.
    pub organization: String,
    /// Its name, where pages show it; none: the declared organization's name, or the slug.
    pub organization_name: Option<String>,
    /// Whether nobody sees that organization: it is `default` and not declared.
    pub hidden: bool,
    /// The product that an app without products is subscribed to.
    pub product: Option<String>,
}

/// `[portal]`: who registers apps on the developer pages, and which.
#[derive(Clone, Debug)]
pub struct Portal {
    /// Who may register.
    pub register: Register,
    /// Custom schemes without a dot that public apps may have, in lower case.
    pub schemes: Vec<String>,
}

/// Who may register apps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Register {
    /// Everybody who can sign in.
    Everyone,
    /// Developers: the operator named them, or their role in an organization does.
    Developers,
    /// Nobody: apps are declared, or made by a command.
    Nobody,
}

/// `[audit]`: the record of who changed what.
#[derive(Clone, Debug)]
pub struct Audit {
    /// How long an event is kept.
    pub kept: Duration,
}

/// `[brand]`: how pages introduce themselves.
#[derive(Clone, Debug)]
pub struct Brand {
    /// The name of the API's owner or product.
    pub name: String,
}
