//! What is kept about a person beside their row, grants and events, for an export. Each list is bounded.

use crate::store::model::{AppId, KeptApp, KeptMembership, KeptSession, KeptSignIn, UserId};
use crate::store::rows::readable;
use crate::store::{Result, Store};

/// The most rows of one list.
const MOST: u32 = 1_000;

impl Store {
    /// The sessions of a person, the newest first.
    pub async fn kept_sessions(&self, user: UserId) -> Result<Vec<KeptSession>> {
        let rows = self.scan(SESSIONS, vec![user.into(), MOST.into()]).await?;
        Ok(readable(rows, |row| {
            Ok(KeptSession {
                kind: row.take()?,
                created: row.take()?,
                expires: row.take()?,
                auth_time: row.take()?,
            })
        }))
    }

    /// What the site said at sign-ins of a person, the newest first. It is kept for the hour of a request.
    pub async fn kept_sign_ins(&self, user: UserId) -> Result<Vec<KeptSignIn>> {
        let rows = self.scan(SIGN_INS, vec![user.into(), MOST.into()]).await?;
        Ok(readable(rows, |row| {
            Ok(KeptSignIn {
                accepted: row.take()?,
                spent: row.take()?,
                auth_time: row.take()?,
                acr: row.take()?,
                amr: row.take()?,
            })
        }))
    }

    /// The memberships of a person, with those that ended and are kept for a while.
    pub async fn kept_memberships(&self, user: UserId) -> Result<Vec<KeptMembership>> {
        let rows = self.scan(MEMBERSHIPS, vec![user.into(), MOST.into()]).await?;
        Ok(readable(rows, |row| {
            Ok(KeptMembership {
                slug: row.take()?,
                external_id: row.take()?,
                name: row.take()?,
                role: row.take()?,
                ended: row.take()?,
            })
        }))
    }

    /// The apps that a person owns, or in whose team they are.
    pub async fn kept_apps(&self, user: UserId) -> Result<Vec<KeptApp>> {
        let rows = self.scan(APPS, vec![user.into(), MOST.into()]).await?;
        Ok(readable(rows, |row| {
            row.take::<AppId>()?;
            Ok(KeptApp {
                client_id: row.take()?,
                name: row.take()?,
                owned: row.take()?,
            })
        }))
    }
}

const SESSIONS: &str =
    "SELECT kind, created, expires, auth_time FROM sessions WHERE user_id = $1 ORDER BY created DESC LIMIT $2";

const SIGN_INS: &str =
    "SELECT accepted, spent, auth_time, acr, amr FROM handovers WHERE user_id = $1 ORDER BY accepted DESC LIMIT $2";

const MEMBERSHIPS: &str = "SELECT o.slug, o.external_id, o.name, m.role, m.ended_at FROM memberships AS m \
     JOIN organizations AS o ON o.id = m.organization_id WHERE m.user_id = $1 ORDER BY m.organization_id LIMIT $2";

const APPS: &str = "SELECT id, client_id, name, CASE WHEN owner_id = $1 THEN 1 ELSE 0 END FROM apps WHERE owner_id = $1 \
     OR id IN (SELECT app_id FROM app_team WHERE user_id = $1) ORDER BY id LIMIT $2";
