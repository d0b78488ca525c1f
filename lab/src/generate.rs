//! Makes databases of any size in a minute: rows as the server would have written them, without their history.
//!
//! Everything about the n-th grant follows from n, so its tokens are derived and need no list.

use crate::Outcome;
use crate::flow::CHALLENGE_BYTES;
use crate::world::{REDIRECT_URI, World};
use aws_lc_rs::{digest, hmac};
use hallpass::config::{Config, Source};
use hallpass::keys::Keys;
use hallpass::store::Store;
use hallpass::time::{Clock, Instant};
use hallpass::tokens::proofs::{Kind, Proof};
use rusqlite::{Connection, params};
use std::ops::Range;
use std::time::Duration;
use uuid::Uuid;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How many grants a person has on average.
const GRANTS_EACH: u64 = 10;
/// A prime that divides no number of grants in use here.
const STEP: u64 = 2_654_435_761;

/// A database that was made, and how to derive the tokens of its grants.
pub(crate) struct Generated {
    /// How many active grants it has; the first is number 0.
    pub(crate) grants: u64,
    /// How many pending ones follow them.
    pub(crate) pending: u64,
    key: hmac::Key,
    start: Instant,
}

/// Fills a new database with `grants` active grants and `pending` codes that wait.
pub(crate) async fn generate(world: &World, grants: u64, pending: u64) -> Outcome<Generated> {
    // The server's own first start makes tables, keys and what is declared.
    if !world.serve()?.stop()? {
        return Err("the first start did not end well".into());
    }
    let (key, key_id) = proof_key(world).await?;
    let start = Clock::System.now();
    let generated = Generated {
        grants,
        pending,
        key,
        start,
    };
    let mut database = Connection::open(world.database())?;
    database.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000;
         DROP INDEX grants_user_app; DROP INDEX grants_app; DROP INDEX grants_check;",
    )?;
    let users = ((grants + pending) / GRANTS_EACH).max(1);
    fill(&mut database, &generated, users, key_id)?;
    database.execute_batch(
        "CREATE INDEX grants_user_app ON grants (user_id, app_id);
         CREATE INDEX grants_app ON grants (app_id, id);
         CREATE INDEX grants_check ON grants (check_at);
         PRAGMA journal_mode = WAL;",
    )?;
    Ok(generated)
}

impl Generated {
    /// The refresh token of the n-th grant, which is of generation 1.
    pub(crate) fn refresh_token(&self, n: u64) -> String {
        self.proof(Kind::RefreshToken, n, 1)
    }

    /// Grants in no order, the same at every run: these places of a walk by a step that meets each grant once.
    pub(crate) fn scattered(&self, places: Range<u64>) -> impl Iterator<Item = u64> {
        let grants = self.grants.max(1);
        places.map(move |n| (n * STEP + STEP / 3) % grants)
    }

    /// The n-th code that waits.
    pub(crate) fn code(&self, n: u64) -> String {
        self.proof(Kind::Code, self.grants + n, 0)
    }

    fn proof(&self, kind: Kind, n: u64, generation: u32) -> String {
        Proof::derive(kind, &self.key, &salt(n), id(1, n, self.start), generation).token()
    }
}

async fn proof_key(world: &World) -> Outcome<(hmac::Key, u32)> {
    let source = Source {
        file: Some(world.folder.join("hallpass.toml")),
        ..Source::default()
    };
    let config = Config::load(&source)?.config;
    let store = Store::open_sqlite(&world.database(), 1)?;
    let now = Clock::System.now();
    let keys = Keys::open(&store, &config.keys, &world.data(), now).await?;
    let ring = keys.ring();
    let id = ring.proof_id(now);
    let key = ring.proof_by_id(id).ok_or("no proof key")?;
    Ok((key.clone(), id))
}

fn fill(database: &mut Connection, generated: &Generated, users: u64, key: u32) -> Outcome {
    let app: Vec<u8> = database.query_row("SELECT id FROM apps", [], |row| row.get(0))?;
    let organization: Vec<u8> = database.query_row("SELECT id FROM organizations", [], |row| row.get(0))?;
    let now = generated.start;
    let transaction = database.transaction()?;
    let mut user = transaction.prepare(
        "INSERT INTO users (id, number, email, name, admin, status, created) VALUES (?1, ?2, ?3, ?4, 0, 'active', ?5)",
    )?;
    let mut member =
        transaction.prepare("INSERT INTO memberships (user_id, organization_id, role) VALUES (?1, ?2, 'member')")?;
    for n in 0..users {
        let id = id(2, n, now);
        let (number, address) = (i64::try_from(n)? + 1_000, format!("user{n}@example.org"));
        user.execute(params![id.as_bytes(), number, address, format!("User {n}"), now.0])?;
        member.execute(params![id.as_bytes(), organization])?;
    }
    let mut grant = transaction.prepare(
        "INSERT INTO grants (id, app_id, user_id, organization_id, state, scopes, redirect_uri, code_challenge, salt,
         proof_key, previous_key, generation, confirmed, rotated_at, created, code_expires, expires, last_used, check_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 'read', ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12, ?12, ?13, ?14, ?15, ?16)",
    )?;
    for n in 0..generated.grants + generated.pending {
        let active = n < generated.grants;
        // Whose it is has nothing to do with when it was made.
        let owner = id(2, u64::from_be_bytes(digest8(3, n)) % users, now);
        let (code, expires) = (now.after(DAY / 24), now.after(14 * DAY));
        grant.execute(params![
            id(1, n, now).as_bytes(),
            app,
            owner.as_bytes(),
            organization,
            i64::from(active),
            (!active).then_some(REDIRECT_URI),
            (!active).then_some(CHALLENGE_BYTES),
            salt(n),
            key,
            active.then_some(key),
            i64::from(active),
            now.0,
            code.0,
            active.then_some(expires.0),
            active.then_some(now.0),
            if active { expires.0 } else { code.0 },
        ])?;
    }
    drop((user, member, grant));
    transaction.commit()?;
    Ok(())
}

/// A UUIDv7 of its own for each `kind` and number, in the order of the numbers.
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
