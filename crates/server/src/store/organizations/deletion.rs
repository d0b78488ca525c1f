//! The deletion of an organization.

use super::changed;
use crate::store::deletions::{Toll, forget};
use crate::store::engine::writer::work::Ends;
use crate::store::model::{EndReason, Organization, OrganizationId, UserId};
use crate::store::rows::all;
use crate::store::value::{Row, Statement};
use crate::store::{Result, Store};
use crate::time::Instant;

impl Store {
    /// What the deletion of an organization would end.
    pub async fn toll_of_organization(&self, id: OrganizationId) -> Result<Toll> {
        Ok(Toll {
            grants: self.count(GRANTS_OF_ORGANIZATION, id).await?,
            memberships: self.count(MEMBERSHIPS_OF_ORGANIZATION, id).await?,
            apps: self.count(APPS_OF_ORGANIZATION, id).await?,
            ..Toll::default()
        })
    }

    /// Deletes an organization that owns no app, with its memberships, and ends the grants of its people there.
    /// [`StoreError::Conflict`](crate::store::StoreError::Conflict): there is no such organization, or it owns an
    /// app.
    pub async fn delete_organization(&self, organization: &Organization, now: Instant) -> Result<()> {
        let id = organization.id;
        let members: Vec<UserId> = all(self.scan(WITH_GRANTS, vec![id.into()]).await?, Row::take)?;
        let statements = vec![
            Statement::new(DELETE_ORGANIZATION, vec![id.into(), id.into()]).expect_one(),
            Statement::new(DELETE_MEMBERS, vec![id.into()]),
            Statement::new(DELETE_APPROVALS, vec![id.into()]),
            forget("organization", &organization.slug),
        ];
        self.write_announcing(statements, changed(id, now)).await?;
        let (unrecorded, reason) = (self.unrecorded(), EndReason::OrganizationDeleted);
        let own = Ends::new(LIVE_OF_ORGANIZATION, vec![id.into()], reason, now);
        unrecorded.delete(vec![], vec![], own).await?;
        // No index leads from an organization to the grants of its people, but one leads from each of them.
        for member in members {
            let ends = Ends::new(LIVE_OF_MEMBERSHIP, vec![member.into(), id.into()], reason, now);
            unrecorded.delete(vec![], vec![], ends).await?;
        }
        Ok(())
    }
}

const GRANTS_OF_ORGANIZATION: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM memberships AS m JOIN grants AS g \
     ON g.user_id = m.user_id AND g.organization_id = m.organization_id \
     WHERE m.organization_id = $1 AND g.state < 2 AND g.acts_as IS NULL \
     UNION ALL SELECT 1 FROM grants AS own WHERE own.organization_id = $1 AND own.state < 2 AND own.acts_as IS NOT NULL \
     LIMIT $2) AS counted";

const MEMBERSHIPS_OF_ORGANIZATION: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM memberships \
     WHERE organization_id = $1 AND ended_at IS NULL LIMIT $2) AS counted";

const APPS_OF_ORGANIZATION: &str =
    "SELECT COUNT(*) FROM (SELECT 1 FROM apps WHERE organization_id = $1 LIMIT $2) AS counted";

const WITH_GRANTS: &str = "SELECT m.user_id FROM memberships AS m WHERE m.organization_id = $1 AND EXISTS (SELECT 1 FROM grants AS g \
     WHERE g.user_id = m.user_id AND g.organization_id = m.organization_id AND g.state < 2) ORDER BY m.user_id";

const LIVE_OF_ORGANIZATION: &str = "SELECT id FROM grants WHERE organization_id = $1 AND acts_as IS NOT NULL AND state < 2 \
     AND id > $2 ORDER BY id LIMIT $3";

const LIVE_OF_MEMBERSHIP: &str =
    "SELECT id FROM grants WHERE user_id = $1 AND organization_id = $2 AND state < 2 AND id > $3 ORDER BY id LIMIT $4";

const DELETE_ORGANIZATION: &str = "DELETE FROM organizations WHERE id = $1 \
     AND NOT EXISTS (SELECT 1 FROM apps WHERE apps.organization_id = $2)";

const DELETE_MEMBERS: &str = "DELETE FROM memberships WHERE organization_id = $1";

const DELETE_APPROVALS: &str = "DELETE FROM approvals WHERE organization_id = $1";
