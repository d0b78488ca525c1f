//! Hot changes: one statement for all waiting works of a kind (measured: docs/decisions/0023).
//!
//! Each statement locks its rows in the order of their ids and decides by what it finds then. So of many requests that
//! race, on any server, one makes the change, and statements of several servers never wait for each other in a circle.

use super::connection::{Param, PostgresConnection, QueryResult};
use crate::store::apps::secrets;
use crate::store::engine::writer::bounds::BatchBounds;
use crate::store::engine::writer::work::{End, Locks, Recorded, Use, Used, Work};
use crate::store::feed::numbering::Numbering;
use crate::store::grants::{self, end, insert, redeem, rotate, uses};
use crate::store::model::{Change, GrantId};
use crate::store::value::{ArrayStatement, Row, Value};
use crate::store::{StoreError, audit};
use std::collections::HashSet;
use tokio_postgres::types::{ToSql, Type};

/// What a statement does to many rows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum GroupKind {
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
    kind: GroupKind,
    /// The parameters of each work.
    rows: Vec<Vec<Value>>,
    /// The place of each work in the batch.
    places: Vec<usize>,
    /// The entry of the feed for each work, if it is done.
    entries: Vec<Change>,
}

/// The result of one work.
pub(super) struct Done {
    /// Its place in the batch.
    pub(super) place: usize,
    pub(super) made: bool,
    /// Of a redemption: whether the person may now have too many grants.
    pub(super) crowded: bool,
    /// The entry that memory gets: the new entry of the feed, or the end of a grant that had ended before.
    pub(super) entry: Option<Change>,
    /// Of a use that was not written: the grant, which another session has locked.
    pub(super) locked: Option<GrantId>,
}

/// Groups the hot works of a batch by kind. Those with an entry in the feed get its number.
pub(super) fn groups(works: &[&Work], numbering: &mut Numbering, bounds: &BatchBounds) -> Vec<Group> {
    let mut groups = Vec::new();
    for (place, work) in works.iter().enumerate() {
        match work {
            Work::Insert(new, recorded) => {
                let mut params = insert::insert_params(new);
                params.extend(audit::own_params(recorded.as_deref()));
                put(&mut groups, GroupKind::Insert, place, params, None);
            }
            Work::Redeem(redeem, check) => {
                let mut params = redeem::redeem_params(redeem);
                params.extend([(*check).into(), redeem.keep.into()]);
                put(&mut groups, GroupKind::Redeem, place, params, None);
            }
            Work::Rotate(rotate) if rotate.replaces() => {
                let entry = numbering.entry(&rotate::voided(rotate), bounds);
                let mut params = rotate::rotation_params(rotate);
                params.extend([entry.number.into(), entry.expires.into()]);
                put(&mut groups, GroupKind::Replace, place, params, Some(entry));
            }
            Work::Rotate(rotate) => put(
                &mut groups,
                GroupKind::Rotate,
                place,
                rotate::rotation_params(rotate),
                None,
            ),
            Work::End(end, recorded) => put_end(&mut groups, (place, end, recorded), numbering, bounds),
            Work::Uses(uses) => uses.iter().for_each(|one| put_use(&mut groups, place, one)),
            _ => {}
        }
    }
    // The same order on every server, so that two servers never wait for each other in a circle.
    groups.sort_by_key(|group: &Group| group.kind);
    groups
}

/// The ends of many grants that one work asks for.
pub(super) fn ends(ends: &[End], numbering: &mut Numbering, bounds: &BatchBounds) -> Option<Group> {
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
    bounds: &BatchBounds,
) {
    let entry = numbering.entry(&end::ended(end), bounds);
    let mut params = end::end_params(end);
    params.extend([entry.number.into(), entry.expires.into()]);
    params.extend(audit::own_params(recorded.as_deref()));
    put(groups, GroupKind::End, place, params, Some(entry));
}

fn put_use(groups: &mut Vec<Group>, place: usize, one: &Use) {
    match one.of {
        Used::Grant(id) => {
            let params = vec![one.at.into(), one.generation.into(), id.into()];
            put(groups, GroupKind::SeenGrant, place, params, None);
        }
        Used::Secret(id) => put(
            groups,
            GroupKind::SeenSecret,
            place,
            vec![one.at.into(), id.into()],
            None,
        ),
    }
}

fn put(groups: &mut Vec<Group>, kind: GroupKind, place: usize, params: Vec<Value>, entry: Option<Change>) {
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

/// The ids of all grants that these groups change, to be locked in order before several statements of one transaction.
/// `None`: there is one statement, which locks its rows itself.
pub(super) fn lock(groups: &[Group]) -> Option<Vec<Value>> {
    let changing = groups.iter().filter(|group| group.kind.statement().grant.is_some());
    if changing.clone().count() < 2 {
        return None;
    }
    let ids = changing.flat_map(|group| {
        let column = group.kind.statement().grant.unwrap_or_default();
        group.rows.iter().filter_map(move |row| row.get(column).cloned())
    });
    Some(ids.collect())
}

/// PostgreSQL's `lock_timeout`. A batch waits as long as commits of other servers take. After that wait, the rest of the
/// batch and the works that wait for locks are tried without waiting.
pub(super) fn lock_timeout(locks: Locks) -> &'static str {
    match locks {
        Locks::Awaited => "150ms",
        Locks::NotAwaited => "1ms",
    }
}

impl Group {
    pub(super) fn sql(&self) -> &'static str {
        self.kind.statement().sql
    }

    /// Runs the statement; the result of each work. Works whose grant does not exist are missing from it. How long it
    /// waits for locks is set for its own transaction alone.
    pub(super) async fn run(&self, connection: &PostgresConnection, locks: Locks) -> QueryResult<Vec<Done>> {
        let columns: Vec<Vec<&Value>> = (0..self.kind.statement().columns.len())
            .map(|column| self.rows.iter().filter_map(|row| row.get(column)).collect())
            .collect();
        let mut params: Vec<Param<'_>> = Vec::with_capacity(columns.len() + 2);
        for (column, letter) in columns.iter().zip(self.kind.statement().columns.chars()) {
            params.push((column as &(dyn ToSql + Sync), array(letter)));
        }
        let patience = lock_timeout(locks);
        params.push((&patience as &(dyn ToSql + Sync), Type::TEXT));
        let node = self.entries.first().map(|entry| Value::from(entry.node));
        params.extend(node.iter().map(|node| (node as &(dyn ToSql + Sync), Type::BYTEA)));
        let (rows, _) = connection.rows(self.sql(), &params).await?;
        match self.kind {
            GroupKind::Insert | GroupKind::SeenSecret => Ok(vec![]),
            _ => Ok(rows.into_iter().map(|row| self.done(row)).collect::<Result<_, _>>()?),
        }
    }

    fn done(&self, mut row: Row) -> Result<Done, StoreError> {
        let number: u32 = row.take()?;
        let at = (number as usize).checked_sub(1).ok_or(StoreError::Conflict)?;
        if self.kind == GroupKind::SeenGrant {
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
            GroupKind::Redeem => row.take()?,
            _ => false,
        };
        // Another server may have ended it a moment ago. A caller that hears of the end must not find the grant alive
        // in memory here.
        let over = match self.kind {
            GroupKind::End => row.take()?,
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

    pub(super) fn inserted(&self) -> HashSet<GrantId> {
        if self.kind != GroupKind::Insert {
            return HashSet::new();
        }
        let ids = self.rows.iter().filter_map(|row| row.first().cloned());
        ids.filter_map(|id| Row::new(vec![id]).take().ok()).collect()
    }
}

/// The array type of a letter in [`ArrayStatement::columns`].
fn array(letter: char) -> Type {
    match letter {
        'b' => Type::BYTEA_ARRAY,
        'i' => Type::INT8_ARRAY,
        _ => Type::TEXT_ARRAY,
    }
}

/// The grants among these whose rows another session has locked at this moment.
pub(super) async fn locked(connection: &PostgresConnection, ids: &[GrantId]) -> QueryResult<HashSet<GrantId>> {
    let ids: Vec<Value> = ids.iter().map(|&id| id.into()).collect();
    let (rows, _) = connection
        .rows(grants::LOCKED_ON_POSTGRES, &[(&ids, Type::BYTEA_ARRAY)])
        .await?;
    Ok(rows.into_iter().map(|mut row| row.take()).collect::<Result<_, _>>()?)
}

impl GroupKind {
    fn statement(self) -> &'static ArrayStatement {
        match self {
            Self::Insert => &insert::INSERT_MANY,
            Self::Redeem => &redeem::REDEEM_MANY,
            Self::Rotate => &rotate::ROTATE_MANY,
            Self::Replace => &rotate::REPLACE_MANY,
            Self::End => &end::END_MANY,
            Self::SeenGrant => &uses::SEEN_MANY,
            Self::SeenSecret => &secrets::SECRET_SEEN_MANY,
        }
    }
}
