//! Browser sessions.

use crate::store::model::{Session, SessionId, UserId};
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
const SESSION: &str =
    "SELECT id, user_id, created, expires FROM sessions WHERE id = $1 AND expires > $2 AND kind = 'own'";
/// Locks the row. A simultaneous change of the person either comes before and is seen here, or comes after and ends the
/// session. The place becomes the first of eight, which are 96 characters.
const UNCHANGED: &str = "UPDATE users SET places = substr($1 || replace(COALESCE(places, ''), $1, ''), 1, 96) \
     WHERE id = $2 AND status = 'active' AND password IS NOT DISTINCT FROM $3";
const INSERT: &str = "INSERT INTO sessions (id, user_id, created, expires) VALUES ($1, $2, $3, $4)";
/// How many sessions one person may have.
const MOST: u32 = 100;

const MAKE_ROOM: &str = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 AND id <> $2 \
     ORDER BY created DESC, id DESC LIMIT 1000 OFFSET $3)";
const POSTPONE: &str = "UPDATE sessions SET expires = expires + $1";
const DELETE: &str = "DELETE FROM sessions WHERE id = $1";
const DELETE_OF: &str = "DELETE FROM sessions WHERE user_id = $1";

fn session_of(row: &mut Row) -> Result<Session> {
    Ok(Session {
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
