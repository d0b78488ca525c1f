//! Browser sessions.

use crate::store::handovers;
use crate::store::model::{Arrival, Session, SessionId, UserId};
use crate::store::rows::first;
use crate::store::value::{Row, Statement};
use crate::store::{Result, Store};
use crate::time::Instant;
use std::time::Duration;

impl Store {
    /// The session, if it has not expired.
    pub async fn session(&self, id: SessionId, now: Instant) -> Result<Option<Session>> {
        first(self.read(SESSION, &[id.into(), now.into()]).await?, session_of)
    }

    /// Makes a session of a person whose password, by its hash, was checked, and keeps the place where they are, a
    /// text of 12 characters. If a person has too many sessions, the oldest end; the same holds for more than eight
    /// places. [`StoreError::Conflict`](crate::store::StoreError::Conflict): meanwhile the password was changed or
    /// the person suspended, which ended their sessions.
    pub async fn create_session(&self, session: Session, password: Option<&str>, place: &str) -> Result<()> {
        let unchanged = vec![place.into(), session.user.into(), password.map(str::to_owned).into()];
        let params = vec![
            session.id.into(),
            session.user.into(),
            session.created.into(),
            session.expires.into(),
        ];
        let room = vec![session.user.into(), session.id.into(), (MOST - 1).into()];
        let statements = vec![
            Statement::new(UNCHANGED, unchanged).expect_one(),
            Statement::new(INSERT, params).expect_one(),
            Statement::new(MAKE_ROOM, room),
        ];
        self.write(statements).await
    }

    /// Spends the site's answer and makes the session of its person, in one commit.
    /// [`StoreError::Conflict`](crate::store::StoreError::Conflict): the answer was spent or replaced meanwhile, or the
    /// person was suspended or deleted.
    pub async fn begin_handed_over_session(&self, arrival: Arrival, before: Option<SessionId>) -> Result<()> {
        let Arrival {
            session,
            user,
            now,
            expires,
            auth_time,
            ..
        } = arrival;
        let params = vec![
            session.into(),
            user.into(),
            now.into(),
            expires.into(),
            auth_time.into(),
            arrival.request.into(),
        ];
        let statements = vec![
            handovers::spend(arrival.request, arrival.digest, arrival.accepted, now).expect_one(),
            Statement::new(ACTIVE, vec![user.into(), arrival.accepted.into()]).expect_one(),
            Statement::new(INSERT_HANDED_OVER, params).expect_one(),
            Statement::new(MAKE_ROOM, vec![user.into(), session.into(), (MOST - 1).into()]),
            // Ends the session that this browser had before. NULL: it had none.
            Statement::new(DELETE, vec![before.into()]),
        ];
        self.write(statements).await
    }

    /// Moves the end of every session. The demo does so before it moves its clock forward.
    pub(crate) async fn postpone_sessions(&self, by: Duration) -> Result<()> {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.write(vec![Statement::new(POSTPONE, vec![millis.into()])]).await
    }

    /// Ends a session, if it exists.
    pub async fn delete_session(&self, id: SessionId) -> Result<()> {
        self.write(vec![Statement::new(DELETE, vec![id.into()])]).await
    }

    /// Ends every session of a person.
    pub async fn delete_sessions_of(&self, user: UserId) -> Result<()> {
        self.write(vec![delete_of(user)]).await
    }
}

/// Ends every session of a person.
pub(crate) fn delete_of(user: UserId) -> Statement {
    Statement::new(DELETE_OF, vec![user.into()])
}

/// A kind of session that this version does not know opens nothing.
const SESSION: &str = "SELECT kind, request, id, user_id, created, expires FROM sessions WHERE id = $1 AND expires > $2 \
     AND kind IN ('own', 'handover')";
/// Locks the row. A simultaneous change of the person either comes before and is seen here, or comes after and ends the
/// session. The place becomes the first of eight, which are 96 characters.
const UNCHANGED: &str = "UPDATE users SET places = substr($1 || replace(COALESCE(places, ''), $1, ''), 1, 96) \
     WHERE id = $2 AND status = 'active' AND password IS NOT DISTINCT FROM $3";
const INSERT: &str = "INSERT INTO sessions (id, user_id, created, expires) VALUES ($1, $2, $3, $4)";
const INSERT_HANDED_OVER: &str = "INSERT INTO sessions (id, user_id, created, expires, kind, auth_time, request) \
     VALUES ($1, $2, $3, $4, 'handover', $5, $6)";
/// Locks the row, as [`UNCHANGED`] does.
const ACTIVE: &str = "UPDATE users SET status = 'active' WHERE id = $1 AND status = 'active' AND admin = 0 \
     AND (signed_out IS NULL OR signed_out < $2)";
/// How many sessions one person may have.
const MOST: u32 = 100;

const MAKE_ROOM: &str = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 AND id <> $2 \
     ORDER BY created DESC, id DESC LIMIT 1000 OFFSET $3)";
const POSTPONE: &str = "UPDATE sessions SET expires = expires + $1";
const DELETE: &str = "DELETE FROM sessions WHERE id = $1";
const DELETE_OF: &str = "DELETE FROM sessions WHERE user_id = $1";

fn session_of(row: &mut Row) -> Result<Session> {
    Ok(Session {
        kind: row.take()?,
        request: row.take()?,
        id: row.take()?,
        user: row.take()?,
        created: row.take()?,
        expires: row.take()?,
    })
}

pub(crate) const DELETE_EXPIRED: &str =
    "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires <= $1 ORDER BY expires LIMIT $2)";
pub(crate) const DELETE_EXPIRED_ON_POSTGRES: &str = "DELETE FROM sessions WHERE id IN \
     (SELECT id FROM sessions WHERE expires <= $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED)";
