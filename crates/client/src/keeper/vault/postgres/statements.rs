//! The statements. Rows of connections have the columns provider, reference, sealed, state, reason, since, expires_at, due_at,
//! asked_at, fence, in this order. Names sort by bytes in every database. A later version may write other states than these three,
//! and such a row must stop no other: it is neither leased nor listed.

pub(super) const TABLES: &str = "
CREATE TABLE IF NOT EXISTS keeper_vault (version BIGINT PRIMARY KEY);
INSERT INTO keeper_vault VALUES (1) ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS keeper_connections (
    provider TEXT COLLATE \"C\" NOT NULL, reference TEXT COLLATE \"C\" NOT NULL, sealed BYTEA NOT NULL,
    state TEXT NOT NULL, reason TEXT, since BIGINT NOT NULL, expires_at BIGINT,
    due_at BIGINT NOT NULL, asked_at BIGINT,
    fence BIGINT NOT NULL, lease_owner BYTEA, lease_until BIGINT NOT NULL,
    PRIMARY KEY (provider, reference));
CREATE INDEX IF NOT EXISTS keeper_due ON keeper_connections (provider, due_at);
CREATE INDEX IF NOT EXISTS keeper_asked ON keeper_connections (provider, asked_at) WHERE asked_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS keeper_sign_ins (state BYTEA PRIMARY KEY, sealed BYTEA NOT NULL, expires_at BIGINT NOT NULL);
CREATE INDEX IF NOT EXISTS keeper_sign_ins_over ON keeper_sign_ins (expires_at);
CREATE TABLE IF NOT EXISTS keeper_events (
    provider TEXT COLLATE \"C\" NOT NULL, reference TEXT COLLATE \"C\" NOT NULL, kind TEXT NOT NULL, id BYTEA NOT NULL,
    reason TEXT, at BIGINT NOT NULL, ends_at BIGINT, taken_until BIGINT NOT NULL,
    told_at BIGINT NOT NULL, tries BIGINT NOT NULL DEFAULT 0, PRIMARY KEY (provider, reference, kind));
CREATE INDEX IF NOT EXISTS keeper_events_order ON keeper_events (told_at);
CREATE TABLE IF NOT EXISTS keeper_clocks (provider TEXT PRIMARY KEY, skew BIGINT NOT NULL);
CREATE INDEX IF NOT EXISTS keeper_events_id ON keeper_events (id);
DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_attribute
        WHERE attrelid = 'keeper_events'::regclass AND attname = 'tries' AND NOT attisdropped) THEN
        ALTER TABLE keeper_events ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;
    END IF;
END $$;";

/// What `TABLES` creates.
pub(super) fn made() -> Vec<&'static str> {
    let creations = TABLES.split("CREATE ").skip(1);
    creations.filter_map(|creation| creation.split(' ').nth(4)).collect()
}

/// Whether everything of these names is there, and the tries are counted. To find out takes no lock: to create an index that is
/// there already waits for those who write, and keeps others from writing meanwhile.
pub(super) const IS_MADE: &str = "SELECT bool_and(to_regclass(name) IS NOT NULL) AND EXISTS (SELECT 1 FROM pg_attribute
    WHERE attrelid = to_regclass('keeper_events') AND attname = 'tries' AND NOT attisdropped)
FROM unnest($1::text[]) AS wanted (name)";

/// The highest version that made these tables.
pub(super) const VERSION: &str = "SELECT max(version) FROM keeper_vault";

/// A connection.
pub(super) const READ: &str =
    "SELECT provider, reference, sealed, state, reason, since, expires_at, due_at, asked_at, fence
    FROM keeper_connections WHERE provider = $1 AND reference = $2";

/// Inserts or replaces a connection.
pub(super) const PUT: &str = "WITH written AS (
    INSERT INTO keeper_connections (provider, reference, sealed, state, reason, since, expires_at, due_at, asked_at, fence, lease_owner, lease_until)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL, 1, NULL, 0)
    ON CONFLICT (provider, reference) DO UPDATE SET
        sealed = excluded.sealed, state = excluded.state, reason = excluded.reason, since = excluded.since,
        expires_at = excluded.expires_at, due_at = excluded.due_at, asked_at = NULL,
        fence = keeper_connections.fence + 1, lease_owner = NULL, lease_until = 0
    WHERE $9 RETURNING provider, reference),
told AS (INSERT INTO keeper_events (provider, reference, kind, id, reason, at, ends_at, taken_until, told_at)
    SELECT provider, reference, $11::text, $10::bytea, $12::text, $13::bigint, $14::bigint, 0,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM written WHERE $11::text IS NOT NULL
    ON CONFLICT (provider, reference, kind) DO UPDATE SET id = excluded.id, reason = excluded.reason, at = excluded.at,
        ends_at = excluded.ends_at, taken_until = 0, told_at = excluded.told_at, tries = 0)
SELECT provider FROM written";

/// Leases a connection. What another session locks counts as leased. A lease that ends much later than a new one would was taken
/// before the clock was set back, and is over.
pub(super) const TAKE: &str = "WITH old AS (
    SELECT * FROM keeper_connections WHERE provider = $1 AND reference = $2 AND state IN ('ready', 'paused', 'needs_user')
    AND (lease_owner = $3
        OR lease_until NOT BETWEEN (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 1 AND (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 2 * $4::bigint)
    FOR UPDATE SKIP LOCKED)
UPDATE keeper_connections AS new SET fence = new.fence + 1, lease_owner = $3,
    lease_until = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $4::bigint, asked_at = COALESCE(new.asked_at, $5), due_at = $6
FROM old WHERE new.provider = old.provider AND new.reference = old.reference
RETURNING old.provider, old.reference, old.sealed, old.state, old.reason, old.since, old.expires_at, old.due_at, old.asked_at, new.fence";

/// Leases connections that are due: first those that were asked about since `$8`. The last limit stops the search for others, and
/// the planner knows it, so it does not read the whole table for the update.
pub(in super::super) const CLAIM: &str = "WITH first AS (
    SELECT * FROM keeper_connections WHERE provider = $1 AND asked_at >= $8 AND due_at <= $2 AND state IN ('ready', 'paused', 'needs_user')
        AND lease_until NOT BETWEEN (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 1 AND (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 2 * $5::bigint
    ORDER BY asked_at LIMIT $3::bigint FOR UPDATE SKIP LOCKED),
late AS (
    SELECT * FROM keeper_connections WHERE provider = $1 AND (asked_at IS NULL OR asked_at < $8) AND due_at <= $2 AND state IN ('ready', 'paused', 'needs_user')
        AND lease_until NOT BETWEEN (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 1 AND (extract(epoch FROM clock_timestamp()) * 1000)::bigint + 2 * $5::bigint
    ORDER BY due_at LIMIT $3::bigint FOR UPDATE SKIP LOCKED),
old AS (SELECT * FROM first UNION ALL SELECT * FROM late LIMIT $3::bigint)
UPDATE keeper_connections AS new SET fence = new.fence + 1, lease_owner = $4,
    lease_until = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $5::bigint, asked_at = COALESCE(new.asked_at, $6), due_at = $7
FROM old WHERE new.provider = old.provider AND new.reference = old.reference
RETURNING old.provider, old.reference, old.sealed, old.state, old.reason, old.since, old.expires_at, old.due_at, old.asked_at, new.fence";

/// Writes under a lease and ends it. Without a record, `$7` is NULL and the record stays.
pub(super) const WRITE: &str = "WITH written AS (
    UPDATE keeper_connections SET due_at = $5, asked_at = $6, lease_owner = NULL, lease_until = 0,
        sealed = COALESCE($7::bytea, sealed), state = COALESCE($8::text, state),
        reason = CASE WHEN $7::bytea IS NULL THEN reason ELSE $9::text END,
        since = COALESCE($10::bigint, since),
        expires_at = CASE WHEN $7::bytea IS NULL THEN expires_at ELSE $11::bigint END
    WHERE provider = $1 AND reference = $2 AND fence = $3 AND lease_owner = $4 RETURNING provider, reference),
told AS (INSERT INTO keeper_events (provider, reference, kind, id, reason, at, ends_at, taken_until, told_at)
    SELECT provider, reference, $13::text, $12::bytea, $14::text, $15::bigint, $16::bigint, 0,
        (extract(epoch FROM clock_timestamp()) * 1000000)::bigint FROM written WHERE $13::text IS NOT NULL
    ON CONFLICT (provider, reference, kind) DO UPDATE SET id = excluded.id, reason = excluded.reason, at = excluded.at,
        ends_at = excluded.ends_at, taken_until = 0, told_at = excluded.told_at, tries = 0)
SELECT provider FROM written";

/// Deletes a connection under its lease, with its events.
pub(super) const REMOVE: &str = "WITH removed AS (
    DELETE FROM keeper_connections WHERE provider = $1 AND reference = $2 AND fence = $3 AND lease_owner = $4
    RETURNING provider, reference),
events AS (DELETE FROM keeper_events USING removed
    WHERE keeper_events.provider = removed.provider AND keeper_events.reference = removed.reference)
SELECT provider FROM removed";

/// Deletes a connection in a state that is not known, with its events.
pub(super) const REMOVE_UNKNOWN: &str = "WITH removed AS (
    DELETE FROM keeper_connections WHERE provider = $1 AND reference = $2
        AND state NOT IN ('ready', 'paused', 'needs_user') RETURNING provider, reference),
events AS (DELETE FROM keeper_events USING removed
    WHERE keeper_events.provider = removed.provider AND keeper_events.reference = removed.reference)
SELECT provider FROM removed";

/// How many connections are in a state that is not known.
pub(super) const COUNT_UNKNOWN: &str =
    "SELECT count(*) FROM keeper_connections WHERE state NOT IN ('ready', 'paused', 'needs_user')";

/// A page of connections.
pub(super) const LIST: &str =
    "SELECT provider, reference, sealed, state, reason, since, expires_at, due_at, asked_at, fence
    FROM keeper_connections WHERE (provider, reference) > ($1, $2) AND state IN ('ready', 'paused', 'needs_user')
    ORDER BY provider, reference LIMIT $3";

/// Connections of these providers in the order of their names: one search of the key for each provider.
pub(super) const LIST_OF: &str = "SELECT found.* FROM unnest($4::text[]) AS wanted (name) CROSS JOIN LATERAL (
        SELECT provider, reference, sealed, state, reason, since, expires_at, due_at, asked_at, fence
        FROM keeper_connections WHERE provider = wanted.name AND (provider, reference) > ($1, $2)
            AND state IN ('ready', 'paused', 'needs_user')
        ORDER BY reference LIMIT $3) AS found
    ORDER BY found.provider, found.reference LIMIT $3";

/// Stores a sign-in, and deletes a few that are over.
pub(super) const BEGIN: &str = "WITH gone AS (
    DELETE FROM keeper_sign_ins WHERE state IN
        (SELECT state FROM keeper_sign_ins WHERE expires_at <= $4 ORDER BY expires_at LIMIT 16 FOR UPDATE SKIP LOCKED))
INSERT INTO keeper_sign_ins VALUES ($1, $2, $3)";

/// A sign-in.
pub(super) const BEGUN: &str = "SELECT sealed, expires_at FROM keeper_sign_ins WHERE state = $1";

/// Deletes a sign-in.
pub(super) const SPEND: &str = "DELETE FROM keeper_sign_ins WHERE state = $1 RETURNING expires_at";

/// Gives the oldest free event to a reader. What happened to a connection is told in order: while a reader has one event, the
/// later ones wait.
pub(super) const NEXT_EVENT: &str =
    "UPDATE keeper_events SET taken_until = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $1::bigint
WHERE id = (SELECT id FROM keeper_events AS first
    WHERE taken_until <= (extract(epoch FROM clock_timestamp()) * 1000)::bigint
    AND NOT EXISTS (SELECT 1 FROM keeper_events AS older WHERE older.provider = first.provider
        AND older.reference = first.reference AND (older.told_at, older.id) < (first.told_at, first.id))
    ORDER BY told_at, id LIMIT 1 FOR UPDATE OF first SKIP LOCKED)
RETURNING provider, reference, id, kind, reason, at, ends_at, tries";

/// Counts failed tries, and lengthens the reader's time for the event.
pub(super) const KEEP_EVENT: &str = "UPDATE keeper_events SET tries = tries + $3::bigint,
    taken_until = (extract(epoch FROM clock_timestamp()) * 1000)::bigint + $1::bigint
WHERE id = $2 RETURNING id";

/// Deletes an event.
pub(super) const EVENT_DONE: &str = "DELETE FROM keeper_events WHERE id = $1";

/// The database's clock.
pub(super) const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// The known distances of clocks.
pub(super) const SKEWS: &str = "SELECT provider, skew FROM keeper_clocks";

/// Remembers the distance of a clock.
pub(super) const SET_SKEW: &str =
    "INSERT INTO keeper_clocks VALUES ($1, $2) ON CONFLICT (provider) DO UPDATE SET skew = excluded.skew";
