//! Grants of an organization (decision 83): its page lists them, and its owners take them over.

use super::grant_of;
use crate::store::model::{Grant, GrantId, ListPage, OrganizationGrant, OrganizationId, SetUpBy, UserId};
use crate::store::rows::{more_than, page};
use crate::store::value::{Row, Statement};
use crate::store::{Result, Store};
use uuid::Uuid;

impl Store {
    /// The active grants of an organization, the newest first. Grants whose key was revoked are left out.
    pub async fn organization_grants(
        &self,
        organization: OrganizationId,
        before: Option<GrantId>,
        limit: u32,
    ) -> Result<ListPage<OrganizationGrant, GrantId>> {
        let before = before.unwrap_or(GrantId(Uuid::max()));
        let params = vec![organization.into(), before.into(), more_than(limit)];
        page(self.scan(ACTIVE, params).await?, limit, |row| {
            let mut found = organization_grant_of(row)?;
            found.grant = self.with_last_use(found.grant);
            Ok(found)
        })
    }

    /// Makes an owner of the organization the person who set up its grant.
    /// [`StoreError::Conflict`](crate::store::StoreError::Conflict): the grant has ended or was taken over meanwhile, or the
    /// person owns the organization no more.
    pub async fn take_over(&self, grant: &Grant, by: UserId) -> Result<()> {
        let params = vec![by.into(), grant.id.into(), grant.organization.into(), grant.user.into()];
        // No entry of the feed: nothing in memory depends on it.
        self.write(vec![Statement::new(TAKE_OVER, params).expect_one()]).await
    }
}

const ACTIVE: &str = "SELECT g.id, g.id, g.app_id, g.user_id, g.organization_id, g.state, g.scopes, g.redirect_uri, \
     g.code_challenge, g.salt, g.proof_key, g.previous_key, g.generation, g.previous, g.confirmed, g.rotated_at, g.created, \
     g.code_expires, g.expires, g.ends, g.last_used, g.ended_at, g.reason, g.repeats, g.source, g.acts_as, g.resource, \
     apps.name, users.name, \
     COALESCE(users.email, users.contact_email, users.external_id, CAST(users.number AS TEXT)), \
     CASE WHEN m.user_id IS NULL THEN 0 ELSE 1 END FROM grants AS g \
     JOIN apps ON apps.id = g.app_id LEFT JOIN users ON users.id = g.user_id \
     LEFT JOIN memberships AS m ON m.user_id = g.user_id AND m.organization_id = g.organization_id AND m.ended_at IS NULL \
     WHERE g.organization_id = $1 AND g.acts_as = 'organization' AND g.state = 1 \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys AS r WHERE r.id = g.proof_key) \
     AND g.id < $2 ORDER BY g.id DESC LIMIT $3";

/// The person may have lost the organization since the page was checked.
const TAKE_OVER: &str = "UPDATE grants SET user_id = $1 WHERE id = $2 AND organization_id = $3 AND user_id = $4 \
     AND acts_as = 'organization' AND state = 1 AND EXISTS (SELECT 1 FROM memberships AS m WHERE m.user_id = $1 \
     AND m.organization_id = $3 AND m.role = 'owner' AND m.ended_at IS NULL)";

fn organization_grant_of(row: &mut Row) -> Result<OrganizationGrant> {
    let grant = grant_of(row)?;
    let app_name = row.take()?;
    let (name, label, is_member): (Option<String>, Option<String>, bool) = (row.take()?, row.take()?, row.take()?);
    let set_up_by = name.zip(label).map(|(name, label)| SetUpBy { name, label, is_member });
    Ok(OrganizationGrant {
        grant,
        app_name,
        set_up_by,
    })
}
