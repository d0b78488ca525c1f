//! The deletion of a person.

use super::changed;
use crate::store::deletions::{Toll, forget};
use crate::store::engine::writer::work::Ends;
use crate::store::model::{AppId, EndReason, OrganizationId, User, UserId};
use crate::store::organizations::memberships;
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
        // No later word of the site gives the subject of one of our own accounts to somebody else.
        let as_of = match user.external_id {
            Some(_) => now,
            None => Instant(i64::MAX),
        };
        let bury = vec![user.id.to_string().into(), now.into(), as_of.into(), user.id.into()];
        self.delete_person(user, declared, Statement::new(BURY_SUBJECT, bury), now)
            .await
    }

    /// The same by the site's word, which counts as of now: what the site said before does not bring the person back.
    pub async fn delete_site_person(&self, user: &User, declared: Option<&str>, now: Instant) -> Result<()> {
        let bury = vec![now.into(), now.into(), user.id.into()];
        self.delete_person(user, declared, Statement::new(BURY_NOW, bury), now)
            .await
    }

    /// The site says once more that a person is deleted. Whether there was one with this subject.
    pub async fn is_deleted_again(&self, subject: &str, now: Instant) -> Result<bool> {
        if !self.is_deleted_subject(subject).await? {
            return Ok(false);
        }
        let params = vec![now.into(), subject.into()];
        self.write(vec![Statement::new(BURY_AGAIN, params)]).await?;
        Ok(true)
    }

    async fn delete_person(&self, user: &User, declared: Option<&str>, bury: Statement, now: Instant) -> Result<()> {
        let owned: Vec<AppId> = all(self.scan(OWNED_BY, vec![user.id.into()]).await?, Row::take)?;
        let left: Vec<OrganizationId> = all(self.read(OWNER_OF, &[user.id.into()]).await?, Row::take)?;
        let mut statements = vec![bury, Statement::new(DELETE_USER, vec![user.id.into()]).expect_one()];
        statements.extend(left.iter().map(|one| memberships::owner_leaves(user.id, *one, now)));
        let of_user = [DELETE_SESSIONS, DELETE_MEMBERSHIPS, DELETE_FROM_TEAMS, DISOWN];
        statements.extend(of_user.map(|sql| Statement::new(sql, vec![user.id.into()])));
        for name in user.email.as_deref().into_iter().chain(declared) {
            statements.push(forget("user", name));
            let member = format!("member:{name}");
            statements.push(Statement::new(FORGET_MEMBER, vec![member.into()]));
        }
        let mut announce = vec![changed(user.id, now)];
        announce.extend(owned.into_iter().map(|app| apps::changed(app, now)));
        announce.extend(left.into_iter().map(|one| memberships::changed(user.id, one, now)));
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

const OWNER_OF: &str = "SELECT organization_id FROM memberships WHERE user_id = $1 AND role = 'owner' AND ended_at IS NULL \
     ORDER BY organization_id";

/// The last statement of the site counts: an older one must not bring the person back.
const BURY_SUBJECT: &str = "INSERT INTO deleted_subjects (external_id, deleted, as_of) \
     SELECT COALESCE(external_id, $1), $2, COALESCE(as_of, $3) FROM users WHERE id = $4 \
     ON CONFLICT (external_id) DO UPDATE SET deleted = excluded.deleted, as_of = excluded.as_of";

const BURY_NOW: &str = "INSERT INTO deleted_subjects (external_id, deleted, as_of) \
     SELECT external_id, $1, CASE WHEN as_of > $2 THEN as_of ELSE $2 END FROM users WHERE id = $3 AND external_id IS NOT NULL \
     ON CONFLICT (external_id) DO UPDATE SET deleted = excluded.deleted, as_of = excluded.as_of";

const BURY_AGAIN: &str = "UPDATE deleted_subjects SET as_of = $1 WHERE external_id = $2 AND as_of < $1";

const DELETE_USER: &str = "DELETE FROM users WHERE id = $1 AND admin = 0";

const DELETE_SESSIONS: &str = "DELETE FROM sessions WHERE user_id = $1";

const DELETE_MEMBERSHIPS: &str = "DELETE FROM memberships WHERE user_id = $1";

const DELETE_FROM_TEAMS: &str = "DELETE FROM app_team WHERE user_id = $1";

const DISOWN: &str = "UPDATE apps SET owner_id = NULL WHERE owner_id = $1";

/// A grant of an organization (`acts_as`) does not depend on the person who made it.
const LIVE_OF_USER: &str = "SELECT id FROM grants WHERE user_id = $1 AND state < 2 AND acts_as IS NULL AND id > $2 \
     ORDER BY id LIMIT $3";

const FORGET_MEMBER: &str = "DELETE FROM declared WHERE kind = 'organization' AND field = $1";
