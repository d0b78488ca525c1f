//! Creates databases of any size in minutes: rows as the server would have written them, without their history.
//!
//! Everything about the n-th grant is computed from n, so its tokens need no list.

mod postgres;
mod sqlite;

use crate::Outcome;
use crate::deployment::Deployment;
use aws_lc_rs::{digest, hmac};
use hallpass::config::{Config, Source};
use hallpass::keys::Keys;
use hallpass::store::Store;
use hallpass::time::{Clock, Instant};
use hallpass::tokens::proofs::{Proof, ProofKind};
use std::ops::Range;
use std::time::Duration;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// The average number of grants of a person.
const GRANTS_EACH: u64 = 10;
/// A prime that divides none of the numbers of grants in use here.
const STEP: u64 = 2_654_435_761;

/// A generated database, from which the tokens of its grants can be derived.
pub(crate) struct Generated {
    /// The number of active grants. The first is number 0.
    pub(crate) grants: u64,
    /// The number of pending grants that follow them.
    pub(crate) pending: u64,
    users: u64,
    key: hmac::Key,
    key_id: u32,
    start: Instant,
}

/// The values that differ from grant to grant.
struct Grant {
    id: Uuid,
    user: Uuid,
    active: bool,
    salt: [u8; 16],
}

/// A person, who is a member of the only organization.
struct User {
    id: Uuid,
    number: i64,
    email: String,
    name: String,
}

/// Fills a new database with `grants` active grants and `pending` codes that are not redeemed.
pub(crate) async fn generate(deployment: &Deployment, grants: u64, pending: u64) -> Outcome<Generated> {
    // A first start of the server creates tables, keys and declared objects.
    if !deployment.world()?.serve()?.stop()? {
        return Err("the first start did not stop cleanly".into());
    }
    let (key, key_id) = proof_key(deployment).await?;
    let generated = Generated {
        grants,
        pending,
        users: ((grants + pending) / GRANTS_EACH).max(1),
        key,
        key_id,
        start: Clock::System.now(),
    };
    match &deployment.postgres {
        Some(database) => postgres::fill(database, &generated).await?,
        None => sqlite::fill(&deployment.world()?.database(), &generated)?,
    }
    Ok(generated)
}

impl Generated {
    /// The refresh token of the n-th grant, of generation 1.
    pub(crate) fn refresh_token(&self, n: u64) -> String {
        self.proof(ProofKind::RefreshToken, n, 1)
    }

    /// Grants in a scattered order that is the same in every run: a walk by a step that meets each grant once.
    pub(crate) fn scattered(&self, places: Range<u64>) -> impl Iterator<Item = u64> {
        let grants = self.grants.max(1);
        places.map(move |n| (n * STEP + STEP / 3) % grants)
    }

    /// The n-th code that is not redeemed.
    pub(crate) fn code(&self, n: u64) -> String {
        self.proof(ProofKind::Code, self.grants + n, 0)
    }

    fn proof(&self, kind: ProofKind, n: u64, generation: u32) -> String {
        Proof::derive(kind, &self.key, &salt(n), id(1, n, self.start), generation).token()
    }

    /// The expiry of the codes.
    fn code_expires(&self) -> Instant {
        self.start.after(DAY / 24)
    }

    /// The expiry of the refresh tokens.
    fn expires(&self) -> Instant {
        self.start.after(14 * DAY)
    }

    fn all_users(&self) -> impl Iterator<Item = User> {
        let start = self.start;
        (0..self.users).map(move |n| User {
            id: id(2, n, start),
            number: i64::try_from(n).unwrap_or(i64::MAX).saturating_add(1_000),
            email: format!("user{n}@example.org"),
            name: format!("User {n}"),
        })
    }

    fn all_grants(&self) -> impl Iterator<Item = Grant> {
        let (start, users, active) = (self.start, self.users, self.grants);
        (0..self.grants + self.pending).map(move |n| Grant {
            id: id(1, n, start),
            // The person is independent of the time of creation.
            user: id(2, u64::from_be_bytes(digest8(3, n)) % users, start),
            active: n < active,
            salt: salt(n),
        })
    }
}

async fn proof_key(deployment: &Deployment) -> Outcome<(hmac::Key, u32)> {
    let world = deployment.world()?;
    let source = Source {
        file: Some(world.folder.join("hallpass.toml")),
        ..Source::default()
    };
    let config = Config::load(&source)?.config;
    let store = Store::open(&config.store, 1).await?;
    let now = Clock::System.now();
    let keys = Keys::open(&store, &config.keys, &world.data(), now).await?;
    let ring = keys.ring();
    let id = ring.proof_id(now);
    let key = ring.proof_by_id(id).ok_or("no proof key")?;
    Ok((key.clone(), id))
}

/// A UUIDv7 for each `kind` and number, in the order of the numbers.
fn id(kind: u8, n: u64, start: Instant) -> Uuid {
    let mut bytes = [0; 16];
    let millis = start.0.unsigned_abs() - 40_000_000 + n / 100;
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    bytes[6] = 0x70;
    bytes[7] = (n % 100) as u8;
    bytes[8..].copy_from_slice(&digest8(kind, n));
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    Uuid::from_bytes(bytes)
}

fn salt(n: u64) -> [u8; 16] {
    let mut salt = [0; 16];
    salt[..8].copy_from_slice(&digest8(4, n));
    salt[8..].copy_from_slice(&digest8(5, n));
    salt
}

fn digest8(kind: u8, n: u64) -> [u8; 8] {
    let mut input = [kind; 9];
    input[1..].copy_from_slice(&n.to_be_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest::digest(&digest::SHA256, &input).as_ref()[..8]);
    first
}
