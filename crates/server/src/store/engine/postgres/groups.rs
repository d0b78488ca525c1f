//! What is changed often, one statement for all of a kind that waits (measured: docs/decisions/0023).
//!
//! Each statement locks its rows in the order of their ids and decides by what it finds locked, so that of many that race, on
//! whatever node, one makes the change, and statements of several nodes never wait for each other in a circle.

use super::connection::{Answer, Param, PostgresConnection};
use crate::store::engine::writer::bounds::Bounds;
use crate::store::engine::writer::work::{End, Locks, Recorded, Use, Used, Work};
use crate::store::feed::numbering::Numbering;
use crate::store::model::{Change, GrantId};
use crate::store::value::{Row, Value};
use crate::store::{StoreError, audit, grants};
use std::collections::HashSet;
use tokio_postgres::types::{ToSql, Type};

/// What happens to many grants by one statement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Insert,
    Redeem,
    Rotate,
    Replace,
    End,
    SeenGrant,
    SeenSecret,
}

/// The works of one kind.
pub(super) struct Group {
    kind: Kind,
    /// The parameters of each.
    rows: Vec<Vec<Value>>,
    /// Where each stands in the batch.
    places: Vec<usize>,
    /// What the feed tells of each, if it is done.
    entries: Vec<Change>,
}

/// What came of one work.
pub(super) struct Done {
    /// Where it stands in the batch.
    pub(super) place: usize,
    /// Whether it was done.
    pub(super) made: bool,
    /// Of a redemption: whether there may be too many grants now.
    pub(super) crowded: bool,
    /// What memory is told of it: what the feed got, or that a grant had ended already.
    pub(super) entry: Option<Change>,
    /// Of a use: the grant whose row another has locked, so that it was not written down.
    pub(super) locked: Option<GrantId>,
}

/// The works of a batch that are not left to be done one by one, by kind. Those with an entry in the feed get its number.
pub(super) fn groups(works: &[&Work], numbering: &mut Numbering, bounds: &Bounds) -> Vec<Group> {
    let mut groups = Vec::new();
    for (place, work) in works.iter().enumerate() {
        match work {
            Work::Insert(new, recorded) => {
                let mut params = grants::insert_params(new);
                params.extend(audit::own_params(recorded.as_deref()));
                put(&mut groups, Kind::Insert, place, params, None);
            }
            Work::Redeem(redeem, check) => {
                let mut params = grants::redeem_params(redeem);
                params.extend([(*check).into(), redeem.keep.into()]);
                put(&mut groups, Kind::Redeem, place, params, None);
            }
            Work::Rotate(rotate) if rotate.replaces() => {
                let entry = numbering.entry(&grants::voided(rotate), bounds);
                let mut params = grants::rotation_params(rotate);
                params.extend([entry.number.into(), entry.expires.into()]);
                put(&mut groups, Kind::Replace, place, params, Some(entry));
            }
            Work::Rotate(rotate) => put(&mut groups, Kind::Rotate, place, grants::rotation_params(rotate), None),
            Work::End(end, recorded) => put_end(&mut groups, (place, end, recorded), numbering, bounds),
            Work::Uses(uses) => uses.iter().for_each(|one| put_use(&mut groups, place, one)),
            _ => {}
        }
    }
    // In the same order on every server: what two of them lock one after the other, neither holds up in a circle.
    groups.sort_by_key(|group: &Group| group.kind);
    groups
}

/// The group of ends of many grants at once, for one work.
pub(super) fn ends(ends: &[End], numbering: &mut Numbering, bounds: &Bounds) -> Option<Group> {
    let mut groups = Vec::new();
    for (place, end) in ends.iter().enumerate() {
        put_end(&mut groups, (place, end, &None), numbering, bounds);
    }
    groups.pop()
}

fn put_end(
    groups: &mut Vec<Group>,
    (place, end, recorded): (usize, &End, &Recorded),
    numbering: &mut Numbering,
    bounds: &Bounds,
) {
    let entry = numbering.entry(&grants::ended(end), bounds);
    let mut params = grants::end_params(end);
    params.extend([entry.number.into(), entry.expires.into()]);
    params.extend(audit::own_params(recorded.as_deref()));
    put(groups, Kind::End, place, params, Some(entry));
}

fn put_use(groups: &mut Vec<Group>, place: usize, one: &Use) {
    match one.of {
        Used::Grant(id) => {
            let params = vec![one.at.into(), one.generation.into(), id.into()];
            put(groups, Kind::SeenGrant, place, params, None);
        }
        Used::Secret(id) => put(groups, Kind::SeenSecret, place, vec![one.at.into(), id.into()], None),
    }
}

fn put(groups: &mut Vec<Group>, kind: Kind, place: usize, params: Vec<Value>, entry: Option<Change>) {
    let found = groups.iter().position(|group| group.kind == kind);
    let at = found.unwrap_or_else(|| {
        groups.push(Group {
            kind,
            rows: vec![],
            places: vec![],
            entries: vec![],
        });
        groups.len() - 1
    });
    let Some(group) = groups.get_mut(at) else { return };
    group.rows.push(params);
    group.places.push(place);
    group.entries.extend(entry);
}

/// Locks every grant that these change, in the order of their ids: between two statements of one transaction others must not
/// come in the other order. `None`: one statement, which does that itself.
pub(super) fn lock(groups: &[Group]) -> Option<Vec<Value>> {
    let changing = groups.iter().filter(|group| group.kind.id_column().is_some());
    if changing.clone().count() < 2 {
        return None;
    }
    let ids = changing.flat_map(|group| {
        let column = group.kind.id_column().unwrap_or_default();
        group.rows.iter().filter_map(move |row| row.get(column).cloned())
    });
    Some(ids.collect())
}

/// The statement of [`lock`].
pub(super) const LOCK: &str = "SELECT 1 FROM grants WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE";

/// PostgreSQL's `lock_timeout`. Commits of other servers take milliseconds: a batch waits for those. After that wait, the rest of
/// the batch and what was set aside are tried without one.
pub(super) fn lock_timeout(locks: Locks) -> &'static str {
    match locks {
        Locks::Awaited => "150ms",
        Locks::NotAwaited => "1ms",
    }
}

impl Group {
    /// The statement.
    pub(super) fn sql(&self) -> &'static str {
        self.kind.sql()
    }

    /// Runs it: what came of each work. Works of grants that are not there are missing from that. It waits for what others have
    /// locked as long as `locks` says, which is a setting of this statement's transaction alone.
    pub(super) async fn run(&self, connection: &PostgresConnection, locks: Locks) -> Answer<Vec<Done>> {
        let columns: Vec<Vec<&Value>> = (0..self.kind.columns().len())
            .map(|column| self.rows.iter().filter_map(|row| row.get(column)).collect())
            .collect();
        let mut params: Vec<Param<'_>> = Vec::with_capacity(columns.len() + 2);
        for (column, letter) in columns.iter().zip(self.kind.columns().chars()) {
            params.push((column as &(dyn ToSql + Sync), array(letter)));
        }
        let patience = lock_timeout(locks);
        params.push((&patience as &(dyn ToSql + Sync), Type::TEXT));
        let node = self.entries.first().map(|entry| Value::from(entry.node));
        params.extend(node.iter().map(|node| (node as &(dyn ToSql + Sync), Type::BYTEA)));
        let (rows, _) = connection.rows(self.sql(), &params).await?;
        match self.kind {
            Kind::Insert | Kind::SeenSecret => Ok(vec![]),
            _ => Ok(rows.into_iter().map(|row| self.done(row)).collect::<Result<_, _>>()?),
        }
    }

    fn done(&self, mut row: Row) -> Result<Done, StoreError> {
        let number: u32 = row.take()?;
        let at = (number as usize).checked_sub(1).ok_or(StoreError::Conflict)?;
        if self.kind == Kind::SeenGrant {
            return Ok(Done {
                place: *self.places.get(at).ok_or(StoreError::Conflict)?,
                made: false,
                crowded: false,
                entry: None,
                locked: Some(row.take()?),
            });
        }
        let made: bool = row.take()?;
        let crowded = match self.kind {
            Kind::Redeem => row.take()?,
            _ => false,
        };
        // Another server may have ended it a moment ago. Who is told that it is over must not find it alive in memory here.
        let over = match self.kind {
            Kind::End => row.take()?,
            _ => false,
        };
        Ok(Done {
            place: *self.places.get(at).ok_or(StoreError::Conflict)?,
            made,
            crowded,
            entry: self.entries.get(at).filter(|_| made || over).cloned(),
            locked: None,
        })
    }

    /// The grants that these insert.
    pub(super) fn inserted(&self) -> HashSet<GrantId> {
        if self.kind != Kind::Insert {
            return HashSet::new();
        }
        let ids = self.rows.iter().filter_map(|row| row.first().cloned());
        ids.filter_map(|id| Row::new(vec![id]).take().ok()).collect()
    }
}

/// The array type of a column: `b`ytes, `i`ntegers, `t`exts.
fn array(letter: char) -> Type {
    match letter {
        'b' => Type::BYTEA_ARRAY,
        'i' => Type::INT8_ARRAY,
        _ => Type::TEXT_ARRAY,
    }
}

impl Kind {
    /// The types of the parameters of each work, in the order in which `grants.rs` and `apps.rs` have them.
    fn columns(self) -> &'static str {
        match self {
            Self::Insert => "bbbbttbbiiiiibtttttt",
            Self::Redeem => "iiiibbii",
            Self::Rotate => "iiiiibbii",
            Self::Replace => "iiiiibbiiii",
            Self::End => "itibiiibtttttt",
            Self::SeenGrant => "iib",
            Self::SeenSecret => "ib",
        }
    }

    /// Which of them is the id of a grant that is changed, in a row that is waited for.
    fn id_column(self) -> Option<usize> {
        match self {
            Self::Redeem => Some(4),
            Self::Rotate | Self::Replace => Some(6),
            Self::End => Some(3),
            Self::Insert | Self::SeenGrant | Self::SeenSecret => None,
        }
    }

    fn sql(self) -> &'static str {
        match self {
            Self::Insert => INSERT,
            Self::Redeem => REDEEM,
            Self::Rotate => ROTATE,
            Self::Replace => REPLACE,
            Self::End => END,
            Self::SeenGrant => SEEN,
            Self::SeenSecret => SECRET_SEEN,
        }
    }
}

const INSERT: &str = "WITH b AS (SELECT b.* FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::text[], \
     $6::text[], $7::bytea[], $8::bytea[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], \
     $14::bytea[], $15::text[], $16::text[], $17::text[], $18::text[], $19::text[], $20::text[]) \
     AS b(id, app, person, organization, scopes, uri, challenge, salt, key, rotated, created, code_expires, check_at, \
     event, actor, action, source, before, after, detail), \
     (SELECT set_config('lock_timeout', $21, true)) AS w), \
     i AS (INSERT INTO grants (id, app_id, user_id, organization_id, state, scopes, redirect_uri, code_challenge, salt, \
     proof_key, generation, confirmed, rotated_at, created, code_expires, check_at) \
     SELECT id, app, person, organization, 0, scopes, uri, challenge, salt, key, 0, 0, rotated, created, code_expires, \
     check_at FROM b ORDER BY id ON CONFLICT DO NOTHING RETURNING id) \
     INSERT INTO audit_events (id, happened, actor, action, app_id, user_id, organization_id, grant_id, source, before, \
     after, detail) SELECT b.event, b.created, b.actor, b.action, b.app, b.person, b.organization, b.id, b.source, \
     b.before, b.after, b.detail FROM i JOIN b ON b.id = i.id WHERE b.event IS NOT NULL";

const REDEEM: &str = "WITH l AS (SELECT b.*, g.state, g.app_id, g.user_id, g.code_expires, g.proof_key \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bigint[], \
     $8::bigint[]) WITH ORDINALITY AS b(at, expires, ends, key, id, app, due, keep, n) \
     JOIN grants g ON g.id = b.id, (SELECT set_config('lock_timeout', $9, true)) AS w ORDER BY b.id FOR NO KEY UPDATE OF g), \
     u AS (UPDATE grants AS g SET state = 1, generation = 1, rotated_at = l.at, last_used = l.at, expires = l.expires, \
     ends = l.ends, proof_key = l.key, previous_key = l.proof_key, check_at = LEAST(g.check_at, l.due) FROM l \
     WHERE g.id = l.id AND l.app_id = l.app AND l.state = 0 AND l.code_expires > l.at \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys r WHERE r.id IN (l.proof_key, l.key)) RETURNING l.n) \
     SELECT l.n, u.n IS NOT NULL, u.n IS NOT NULL AND (SELECT COUNT(*) FROM (SELECT 1 FROM grants o \
     WHERE o.user_id = l.user_id AND o.app_id = l.app_id LIMIT l.keep + 1) AS many) > l.keep \
     FROM l LEFT JOIN u ON u.n = l.n";

const ROTATE: &str = "WITH l AS (SELECT b.*, g.state, g.generation, g.previous, g.proof_key \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[], \
     $8::bigint[], $9::bigint[]) \
     WITH ORDINALITY AS b(presented, key, at, expires, repeats, source, id, expect, expect_previous, n) \
     JOIN grants g ON g.id = b.id, (SELECT set_config('lock_timeout', $10, true)) AS w ORDER BY b.id FOR NO KEY UPDATE OF g), \
     u AS (UPDATE grants AS g SET generation = l.generation + 1, previous = l.presented, previous_key = l.proof_key, \
     proof_key = l.key, confirmed = 0, rotated_at = l.at, last_used = l.at, expires = l.expires, redirect_uri = NULL, \
     code_challenge = NULL, repeats = CASE WHEN g.repeats < 3 THEN l.repeats ELSE g.repeats END, \
     source = l.source FROM l \
     WHERE g.id = l.id AND l.state = 1 AND l.generation = l.expect AND l.previous IS NOT DISTINCT FROM l.expect_previous \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys r WHERE r.id IN (l.proof_key, l.key)) RETURNING l.n) \
     SELECT l.n, u.n IS NOT NULL FROM l LEFT JOIN u ON u.n = l.n";

const REPLACE: &str = "WITH l AS (SELECT b.*, g.state, g.generation, g.previous, g.proof_key, g.previous_key, g.confirmed \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[], \
     $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[]) \
     WITH ORDINALITY AS b(presented, key, at, expires, repeats, source, id, expect, expect_previous, number, until, n) \
     JOIN grants g ON g.id = b.id, (SELECT set_config('lock_timeout', $12, true)) AS w ORDER BY b.id FOR NO KEY UPDATE OF g), \
     u AS (UPDATE grants AS g SET generation = l.generation + 1, previous = l.presented, proof_key = l.key, \
     confirmed = 0, rotated_at = l.at, last_used = l.at, expires = l.expires, \
     repeats = CASE WHEN g.repeats < 3 THEN l.repeats ELSE g.repeats END, source = l.source FROM l \
     WHERE g.id = l.id AND l.state = 1 AND l.generation = l.expect AND l.previous IS NOT DISTINCT FROM l.expect_previous \
     AND l.confirmed = 0 \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys r WHERE r.id IN (l.proof_key, l.previous_key, l.key)) RETURNING l.n), \
     c AS (INSERT INTO changes (node, number, happened, expires, kind, subject, value) \
     SELECT $13::bytea, l.number, l.at, l.until, 'generation', l.id, l.expect FROM u JOIN l ON l.n = u.n) \
     SELECT l.n, u.n IS NOT NULL FROM l LEFT JOIN u ON u.n = l.n";

const END: &str = "WITH l AS (SELECT b.*, g.state, g.app_id, g.user_id, g.organization_id, g.generation AS current \
     FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bigint[], \
     $8::bytea[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[]) \
     WITH ORDINALITY AS b(at, reason, due, id, generation, number, until, event, actor, action, source, before, after, \
     detail, n) \
     JOIN grants g ON g.id = b.id, (SELECT set_config('lock_timeout', $15, true)) AS w ORDER BY b.id FOR NO KEY UPDATE OF g), \
     u AS (UPDATE grants AS g SET state = 2, ended_at = l.at, reason = l.reason, redirect_uri = NULL, \
     code_challenge = NULL, check_at = l.due FROM l WHERE g.id = l.id AND l.state < 2 \
     AND (l.current = l.generation OR l.generation IS NULL) RETURNING l.n), \
     c AS (INSERT INTO changes (node, number, happened, expires, kind, subject, value) \
     SELECT $16::bytea, l.number, l.at, l.until, 'grant', l.id, 0 FROM u JOIN l ON l.n = u.n), \
     e AS (INSERT INTO audit_events (id, happened, actor, action, app_id, user_id, organization_id, grant_id, source, \
     before, after, detail) SELECT l.event, l.at, l.actor, l.action, l.app_id, l.user_id, l.organization_id, l.id, \
     l.source, l.before, l.after, l.detail FROM u JOIN l ON l.n = u.n WHERE l.event IS NOT NULL) \
     SELECT l.n, u.n IS NOT NULL, l.state = 2 FROM l LEFT JOIN u ON u.n = l.n";

/// Answers the uses that were not written down: nobody waits for a use, and it waits for nobody's lock.
const SEEN: &str = "WITH b AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) \
     WITH ORDINALITY AS b(at, generation, id, n), (SELECT set_config('lock_timeout', $4, true)) AS w), \
     l AS (SELECT b.at, b.generation, b.id, g.state, g.generation AS current FROM b \
     JOIN grants g ON g.id = b.id ORDER BY b.id FOR NO KEY UPDATE OF g SKIP LOCKED), \
     u AS (UPDATE grants AS g SET last_used = GREATEST(g.last_used, l.at), \
     confirmed = CASE WHEN l.current = l.generation THEN 1 ELSE g.confirmed END FROM l \
     WHERE g.id = l.id AND l.state = 1) \
     SELECT b.n, b.id FROM b JOIN grants g ON g.id = b.id WHERE NOT EXISTS (SELECT 1 FROM l WHERE l.id = b.id)";

const SECRET_SEEN: &str = "WITH l AS (SELECT b.* FROM unnest($1::bigint[], $2::bytea[]) AS b(at, id) \
     JOIN secrets s ON s.id = b.id, (SELECT set_config('lock_timeout', $3, true)) AS w ORDER BY b.id \
     FOR NO KEY UPDATE OF s SKIP LOCKED) \
     UPDATE secrets AS s SET last_used = GREATEST(s.last_used, l.at) FROM l WHERE s.id = l.id";

/// Those of these grants whose rows others have locked at this moment.
pub(super) async fn locked(connection: &PostgresConnection, ids: &[GrantId]) -> Answer<HashSet<GrantId>> {
    let ids: Vec<Value> = ids.iter().map(|&id| id.into()).collect();
    let (rows, _) = connection.rows(LOCKED, &[(&ids, Type::BYTEA_ARRAY)]).await?;
    Ok(rows.into_iter().map(|mut row| row.take()).collect::<Result<_, _>>()?)
}

const LOCKED: &str = "WITH free AS (SELECT id FROM grants WHERE id = ANY($1) FOR NO KEY UPDATE SKIP LOCKED) \
     SELECT g.id FROM grants AS g WHERE g.id = ANY($1) AND NOT EXISTS (SELECT 1 FROM free WHERE free.id = g.id)";
