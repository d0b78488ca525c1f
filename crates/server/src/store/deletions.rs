//! Deletions of apps, people and organizations.
//!
//! The row goes in the first commit, and with it everything that stands on it is refused at once. Its grants end in that commit
//! and, where there are many, in those that follow. A crash between two leaves rows of grants that are refused all the same;
//! the sweep ends them (`sweep.rs`).

use super::engine::writer::work::{Ends, Write};
use super::grants::ends_of_app;
use super::model::{App, AppId, EndReason, NewChange, Organization, OrganizationId, User, UserId};
use super::rows::{all, first};
use super::value::{Row, Statement, Value};
use super::{Result, Store, apps, organizations, people};
use crate::time::Instant;

/// What a deletion would end. Each number is counted up to [`Store::MOST_COUNTED`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, serde::Serialize)]
pub struct Toll {
    /// Live grants.
    pub grants: u32,
    /// Secrets of the app.
    pub secrets: u32,
    /// Memberships of the person, or in the organization.
    pub memberships: u32,
    /// Apps that belong to the person, or to the organization.
    pub apps: u32,
}

impl Store {
    /// How far rows are counted that a deletion would end.
    pub const MOST_COUNTED: u32 = 10_000;

    /// What the deletion of an app would end.
    pub async fn toll_of_app(&self, id: AppId) -> Result<Toll> {
        Ok(Toll {
            grants: self.count(GRANTS_OF_APP, id).await?,
            secrets: self.count(SECRETS_OF_APP, id).await?,
            ..Toll::default()
        })
    }

    /// What the deletion of a person would end.
    pub async fn toll_of_user(&self, id: UserId) -> Result<Toll> {
        Ok(Toll {
            grants: self.count(GRANTS_OF_USER, id).await?,
            memberships: self.count(MEMBERSHIPS_OF_USER, id).await?,
            apps: self.count(APPS_OF_USER, id).await?,
            ..Toll::default()
        })
    }

    /// What the deletion of an organization would end.
    pub async fn toll_of_organization(&self, id: OrganizationId) -> Result<Toll> {
        Ok(Toll {
            grants: self.count(GRANTS_OF_ORGANIZATION, id).await?,
            memberships: self.count(MEMBERSHIPS_OF_ORGANIZATION, id).await?,
            apps: self.count(APPS_OF_ORGANIZATION, id).await?,
            ..Toll::default()
        })
    }

    /// Deletes an app with its secrets, ends its grants, and forgets what was declared of it: still declared, it is made anew
    /// at the next start. [`super::StoreError::Conflict`]: it is gone already.
    pub async fn delete_app(&self, app: &App, now: Instant) -> Result<()> {
        let mut statements = vec![Statement::new(DELETE_APP, vec![app.id.into()]).expect_one()];
        let of_app = [DELETE_SECRETS, DELETE_TEAM, DELETE_ORIGINS];
        statements.extend(of_app.map(|sql| Statement::new(sql, vec![app.id.into()])));
        statements.push(forget("app", &app.client_id));
        let ends = ends_of_app(app.id, EndReason::AppDeleted, now);
        self.delete(statements, vec![apps::changed(app.id, now)], ends).await
    }

    /// Deletes a person with sessions and memberships, and ends their grants. Their apps stay, without an owner; their subject
    /// leaves a tombstone, so that nobody new gets it. `declared` is the name that the configuration has for them, of which what was applied is forgotten.
    /// [`super::StoreError::Conflict`]: they are gone already, or operate this server.
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
        let mut announce = vec![people::changed(user.id, now)];
        announce.extend(owned.into_iter().map(|app| apps::changed(app, now)));
        let ends = Ends::new(LIVE_OF_USER, vec![user.id.into()], EndReason::PersonDeleted, now);
        self.delete(statements, announce, ends).await
    }

    /// Deletes an organization that owns no app, with its memberships, and ends the grants that its people gave there.
    /// [`super::StoreError::Conflict`]: it is gone already, or owns an app.
    pub async fn delete_organization(&self, organization: &Organization, now: Instant) -> Result<()> {
        let id = organization.id;
        let members: Vec<UserId> = all(self.scan(WITH_GRANTS, vec![id.into()]).await?, Row::take)?;
        let statements = vec![
            Statement::new(DELETE_ORGANIZATION, vec![id.into(), id.into()]).expect_one(),
            Statement::new(DELETE_MEMBERS, vec![id.into()]),
            Statement::new(DELETE_APPROVALS, vec![id.into()]),
            forget("organization", &organization.slug),
        ];
        self.write_announcing(statements, organizations::changed(id, now))
            .await?;
        // No index leads from an organization to its grants, but one from each of its people.
        let unrecorded = self.unrecorded();
        for member in members {
            let (params, reason) = (vec![member.into(), id.into()], EndReason::OrganizationDeleted);
            let ends = Ends::new(LIVE_OF_MEMBERSHIP, params, reason, now);
            unrecorded.delete(vec![], vec![], ends).await?;
        }
        Ok(())
    }

    async fn delete(&self, statements: Vec<Statement>, announce: Vec<NewChange>, ends: Ends) -> Result<()> {
        let write = Write {
            statements,
            announce,
            ends: Some(ends),
            ..Write::default()
        };
        self.write_with(write).await.map(drop)
    }

    async fn count(&self, sql: &'static str, of: impl Into<Value>) -> Result<u32> {
        let rows = self.scan(sql, vec![of.into(), Self::MOST_COUNTED.into()]).await?;
        Ok(first(rows, Row::take)?.unwrap_or(0))
    }
}

/// Forgets which declared values of an object were applied.
fn forget(kind: &str, name: &str) -> Statement {
    Statement::new(FORGET, vec![kind.into(), name.into()])
}

/// The order makes PostgreSQL take the index, whatever the limit.
const GRANTS_OF_APP: &str = "SELECT COUNT(*) FROM (SELECT id FROM grants WHERE app_id = $1 AND state < 2 \
     ORDER BY id LIMIT $2) AS counted";
const SECRETS_OF_APP: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM secrets WHERE app_id = $1 LIMIT $2) AS counted";
const GRANTS_OF_USER: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM grants WHERE user_id = $1 AND state < 2 \
     AND acts_as IS NULL LIMIT $2) AS counted";
const MEMBERSHIPS_OF_USER: &str =
    "SELECT COUNT(*) FROM (SELECT 1 FROM memberships WHERE user_id = $1 AND ended_at IS NULL LIMIT $2) AS counted";
const APPS_OF_USER: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM apps WHERE owner_id = $1 LIMIT $2) AS counted";
const GRANTS_OF_ORGANIZATION: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM memberships AS m JOIN grants AS g \
     ON g.user_id = m.user_id AND g.organization_id = m.organization_id \
     WHERE m.organization_id = $1 AND g.state < 2 LIMIT $2) AS counted";
const MEMBERSHIPS_OF_ORGANIZATION: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM memberships \
     WHERE organization_id = $1 AND ended_at IS NULL LIMIT $2) AS counted";
const APPS_OF_ORGANIZATION: &str =
    "SELECT COUNT(*) FROM (SELECT 1 FROM apps WHERE organization_id = $1 LIMIT $2) AS counted";

const OWNED_BY: &str = "SELECT id FROM apps WHERE owner_id = $1 ORDER BY id";
const WITH_GRANTS: &str = "SELECT m.user_id FROM memberships AS m WHERE m.organization_id = $1 AND EXISTS (SELECT 1 FROM grants AS g \
     WHERE g.user_id = m.user_id AND g.organization_id = m.organization_id AND g.state < 2) ORDER BY m.user_id";

const DELETE_APP: &str = "DELETE FROM apps WHERE id = $1";
const DELETE_SECRETS: &str = "DELETE FROM secrets WHERE app_id = $1";
const DELETE_TEAM: &str = "DELETE FROM app_team WHERE app_id = $1";
const DELETE_ORIGINS: &str = "DELETE FROM app_origins WHERE app_id = $1";

/// What the site said last counts on: an older word of it does not bring the person back.
const BURY_SUBJECT: &str = "INSERT INTO deleted_subjects (external_id, deleted, as_of) \
     SELECT COALESCE(external_id, $1), $2, COALESCE(as_of, $3) FROM users WHERE id = $4 \
     ON CONFLICT (external_id) DO UPDATE SET deleted = excluded.deleted, as_of = excluded.as_of";
const DELETE_USER: &str = "DELETE FROM users WHERE id = $1 AND admin = 0";
const DELETE_SESSIONS: &str = "DELETE FROM sessions WHERE user_id = $1";
const DELETE_MEMBERSHIPS: &str = "DELETE FROM memberships WHERE user_id = $1";
const DELETE_FROM_TEAMS: &str = "DELETE FROM app_team WHERE user_id = $1";
const DISOWN: &str = "UPDATE apps SET owner_id = NULL WHERE owner_id = $1";

/// A grant of an organization (`acts_as`) does not hang on who set it up.
const LIVE_OF_USER: &str = "SELECT id FROM grants WHERE user_id = $1 AND state < 2 AND acts_as IS NULL AND id > $2 \
     ORDER BY id LIMIT $3";

const LIVE_OF_MEMBERSHIP: &str =
    "SELECT id FROM grants WHERE user_id = $1 AND organization_id = $2 AND state < 2 AND id > $3 ORDER BY id LIMIT $4";

const DELETE_ORGANIZATION: &str = "DELETE FROM organizations WHERE id = $1 \
     AND NOT EXISTS (SELECT 1 FROM apps WHERE apps.organization_id = $2)";
const DELETE_MEMBERS: &str = "DELETE FROM memberships WHERE organization_id = $1";
const DELETE_APPROVALS: &str = "DELETE FROM approvals WHERE organization_id = $1";

const FORGET: &str = "DELETE FROM declared WHERE kind = $1 AND name = $2";
const FORGET_MEMBER: &str = "DELETE FROM declared WHERE kind = 'organization' AND field = $1";
