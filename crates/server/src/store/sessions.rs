//! Browser sessions.

use super::model::{Session, SessionId, UserId};
use super::value::{Row, Statement};
use super::{Result, Store, first};
use crate::time::Instant;

impl Store {
    /// The session, if it still counts.
    pub async fn session(&self, id: SessionId, now: Instant) -> Result<Option<Session>> {
        first(self.read(SESSION, &[id.into(), now.into()]).await?, session_of)
    }

    /// Makes a session. Of a person who has too many the oldest end.
    pub async fn create_session(&self, session: Session) -> Result<()> {
        let params = vec![
            session.id.into(),
            session.user.into(),
            session.created.into(),
            session.expires.into(),
        ];
        let room = vec![session.user.into(), session.id.into(), (MOST - 1).into()];
        let statements = vec![
            Statement::new(INSERT, params).expect_one(),
            Statement::new(MAKE_ROOM, room),
        ];
        self.write(statements).await
    }

    /// Ends a session; one that is gone already is fine.
    pub async fn delete_session(&self, id: SessionId) -> Result<()> {
        self.write(vec![Statement::new(DELETE, vec![id.into()])]).await
    }

    /// Ends every session of a person.
    pub async fn delete_sessions_of(&self, user: UserId) -> Result<()> {
        self.write(vec![delete_of(user)]).await
    }
}

/// A kind of session that this version does not know opens nothing.
/// Ends every session of a person.
pub(super) fn delete_of(user: UserId) -> Statement {
    Statement::new(DELETE_OF, vec![user.into()])
}

const SESSION: &str =
    "SELECT id, user_id, created, expires FROM sessions WHERE id = $1 AND expires > $2 AND kind = 'own'";
const INSERT: &str = "INSERT INTO sessions (id, user_id, created, expires) VALUES ($1, $2, $3, $4)";
/// How many sessions one person may have.
const MOST: u32 = 100;

const MAKE_ROOM: &str = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE user_id = $1 AND id <> $2 \
     ORDER BY created DESC, id DESC LIMIT 1000 OFFSET $3)";
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
