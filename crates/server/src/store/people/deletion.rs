//! The deletion of a person.

use super::changed;
use crate::store::deletions::{Toll, forget};
use crate::store::engine::writer::work::Ends;
use crate::store::model::{AppId, EndReason, User, UserId};
use crate::store::rows::all;
use crate::store::value::{Row, Statement};
use crate::store::{Result, Store, apps};
use crate::time::Instant;

impl Store {
    /// What the deletion of a person would end.
    pub async fn toll_of_user(&self, id: UserId) -> Result<Toll> {
        Ok(Toll {
            grants: self.count(GRANTS_OF_USER, id).await?,
            memberships: self.count(MEMBERSHIPS_OF_USER, id).await?,
            apps: self.count(APPS_OF_USER, id).await?,
            ..Toll::default()
        })
    }

    /// Deletes a person with sessions and memberships, and ends their grants. Their apps stay, without an owner.
    /// Their subject is kept in `deleted_subjects`, so that no new person gets it. `declared` is their name in the
    /// configuration; the record of their declared values is deleted.
    /// [`StoreError::Conflict`](crate::store::StoreError::Conflict): there is no such person, or they operate this
    /// server.
    pub async fn delete_user(&self, user: &User, declared: Option<&str>, now: Instant) -> Result<()> {
        let owned: Vec<AppId> = all(self.scan(OWNED_BY, vec![user.id.into()]).await?, Row::take)?;
        let bury = vec![user.id.to_string().into(), now.into(), now.into(), user.id.into()];
        let mut statements = vec![
            Statement::new(BURY_SUBJECT, bury),
            Statement::new(DELETE_USER, vec![user.id.into()]).expect_one(),
        ];
        let of_user = [DELETE_SESSIONS, DELETE_MEMBERSHIPS, DELETE_FROM_TEAMS, DISOWN];
        statements.extend(of_user.map(|sql| Statement::new(sql, vec![user.id.into()])));
        for name in user.email.as_deref().into_iter().chain(declared) {
            statements.push(forget("user", name));
            let member = format!("member:{name}");
            statements.push(Statement::new(FORGET_MEMBER, vec![member.into()]));
        }
        let mut announce = vec![changed(user.id, now)];
        announce.extend(owned.into_iter().map(|app| apps::changed(app, now)));
        let ends = Ends::new(LIVE_OF_USER, vec![user.id.into()], EndReason::PersonDeleted, now);
        self.delete(statements, announce, ends).await
    }
}

const GRANTS_OF_USER: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM grants WHERE user_id = $1 AND state < 2 \
     AND acts_as IS NULL LIMIT $2) AS counted";

const MEMBERSHIPS_OF_USER: &str =
    "SELECT COUNT(*) FROM (SELECT 1 FROM memberships WHERE user_id = $1 AND ended_at IS NULL LIMIT $2) AS counted";

const APPS_OF_USER: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM apps WHERE owner_id = $1 LIMIT $2) AS counted";

const OWNED_BY: &str = "SELECT id FROM apps WHERE owner_id = $1 ORDER BY id";

/// The last statement of the site counts: an older one must not bring the person back.
const BURY_SUBJECT: &str = "INSERT INTO deleted_subjects (external_id, deleted, as_of) \
     SELECT COALESCE(external_id, $1), $2, COALESCE(as_of, $3) FROM users WHERE id = $4 \
     ON CONFLICT (external_id) DO UPDATE SET deleted = excluded.deleted, as_of = excluded.as_of";

const DELETE_USER: &str = "DELETE FROM users WHERE id = $1 AND admin = 0";

const DELETE_SESSIONS: &str = "DELETE FROM sessions WHERE user_id = $1";

const DELETE_MEMBERSHIPS: &str = "DELETE FROM memberships WHERE user_id = $1";

const DELETE_FROM_TEAMS: &str = "DELETE FROM app_team WHERE user_id = $1";

const DISOWN: &str = "UPDATE apps SET owner_id = NULL WHERE owner_id = $1";

/// A grant of an organization (`acts_as`) does not depend on the person who made it.
const LIVE_OF_USER: &str = "SELECT id FROM grants WHERE user_id = $1 AND state < 2 AND acts_as IS NULL AND id > $2 \
     ORDER BY id LIMIT $3";

const FORGET_MEMBER: &str = "DELETE FROM declared WHERE kind = 'organization' AND field = $1";
