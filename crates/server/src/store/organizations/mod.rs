//! Organizations: whose data a grant opens.

mod deletion;
pub(crate) mod memberships;

use super::model::{
    ChangeKind, ListPage, NewChange, Organization, OrganizationId, OrganizationKind, OrganizationUpdate, Ownership,
    Status,
};
use super::rows::{first, more_than, page};
use super::value::{Row, Statement};
use super::{Result, Store};
use crate::time::Instant;

impl Store {
    /// The organization.
    pub async fn organization(&self, id: OrganizationId) -> Result<Option<Organization>> {
        first(self.read(ORGANIZATION, &[id.into()]).await?, organization_of)
    }

    /// The organization with this slug.
    pub async fn organization_by_slug(&self, slug: &str) -> Result<Option<Organization>> {
        first(self.read(ORGANIZATION_BY_SLUG, &[slug.into()]).await?, organization_of)
    }

    /// The organization with this id of the site.
    pub async fn organization_by_external_id(&self, external_id: &str) -> Result<Option<Organization>> {
        let rows = self.read(ORGANIZATION_BY_EXTERNAL_ID, &[external_id.into()]).await?;
        first(rows, organization_of)
    }

    /// Whether the organization has an owner, and until when it had one. `None`: there is no such organization.
    pub async fn ownership(&self, id: OrganizationId) -> Result<Option<Ownership>> {
        first(self.read(OWNERSHIP, &[id.into()]).await?, |row| {
            Ok(Ownership {
                is_owned: row.take()?,
                until: row.take()?,
            })
        })
    }

    /// Organizations by slug.
    pub async fn organizations(&self, after: &str, limit: u32) -> Result<ListPage<Organization, String>> {
        let rows = self.scan(ORGANIZATIONS, vec![after.into(), more_than(limit)]).await?;
        page(rows, limit, organization_of)
    }

    /// Makes an organization. [`StoreError::Taken`](crate::store::StoreError::Taken): the slug or the `external_id` exists.
    /// [`StoreError::Conflict`](crate::store::StoreError::Conflict): one of them is the other name of another organization.
    pub async fn create_organization(&self, organization: Organization) -> Result<()> {
        let statements = vec![insert(&organization)];
        self.write_announcing(statements, changed(organization.id, organization.created))
            .await
    }

    /// Changes an organization. [`StoreError::Conflict`](crate::store::StoreError::Conflict): there is no such
    /// organization.
    pub async fn update_organization(
        &self,
        id: OrganizationId,
        update: OrganizationUpdate,
        now: Instant,
    ) -> Result<()> {
        let params = vec![
            update.name.into(),
            update.kind.into(),
            update.hidden.into(),
            update.status.into(),
            update.external_id.into(),
            id.into(),
        ];
        let statements = vec![Statement::new(UPDATE, params).expect_one()];
        self.write_announcing(statements, changed(id, now)).await
    }
}

/// Inserts an organization.
pub(crate) fn insert(organization: &Organization) -> Statement {
    let params = vec![
        organization.id.into(),
        organization.slug.as_str().into(),
        organization.external_id.as_deref().into(),
        organization.name.as_str().into(),
        organization.kind.into(),
        organization.hidden.into(),
        organization.status.into(),
        organization.created.into(),
    ];
    Statement::new(INSERT, params).expect_one()
}

/// Gives an organization of the site another name.
pub(crate) fn rename(id: OrganizationId, name: &str) -> Statement {
    Statement::new(RENAME, vec![name.into(), id.into()])
}

macro_rules! select_organization {
    ($rest:literal) => {
        concat!(
            "SELECT id, slug, external_id, name, kind, hidden, status, created, partner_apps FROM organizations ",
            $rest
        )
    };
}

const ORGANIZATION: &str = select_organization!("WHERE id = $1");

const OWNERSHIP: &str = "SELECT CASE WHEN EXISTS (SELECT 1 FROM memberships AS m WHERE m.organization_id = o.id \
     AND m.role = 'owner' AND m.ended_at IS NULL) THEN 1 ELSE 0 END, o.owned_until FROM organizations AS o WHERE o.id = $1";

const ORGANIZATION_BY_SLUG: &str = select_organization!("WHERE slug = $1");

pub(crate) const ORGANIZATIONS: &str = "SELECT slug, id, slug, external_id, name, kind, hidden, status, created, partner_apps FROM organizations \
     WHERE slug > $1 ORDER BY slug LIMIT $2";

const ORGANIZATION_BY_EXTERNAL_ID: &str = select_organization!("WHERE external_id = $1");

/// Introspection names an organization by its slug or its `external_id`: no two may share such a name.
const INSERT: &str = "INSERT INTO organizations (id, slug, external_id, name, kind, hidden, status, created) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8 \
     WHERE NOT EXISTS (SELECT 1 FROM organizations WHERE external_id = $2) \
     AND NOT EXISTS (SELECT 1 FROM organizations WHERE slug = $3)";

const RENAME: &str = "UPDATE organizations SET name = $1 WHERE id = $2 AND external_id IS NOT NULL";

const UPDATE: &str = "UPDATE organizations SET name = COALESCE($1, name), kind = COALESCE($2, kind), \
     hidden = COALESCE($3, hidden), status = COALESCE($4, status), external_id = COALESCE(external_id, $5) WHERE id = $6";

pub(crate) fn changed(organization: OrganizationId, now: Instant) -> NewChange {
    NewChange::about(ChangeKind::Organization, organization.0.as_bytes(), now)
}

/// An organization from the columns of `select_organization!`.
pub(crate) fn organization_of(row: &mut Row) -> Result<Organization> {
    let mut unknown = None;
    let mut organization = Organization {
        id: row.take()?,
        slug: row.take()?,
        external_id: row.take()?,
        name: row.take()?,
        kind: row.take_known("kind", OrganizationKind::Live, &mut unknown)?,
        hidden: row.take()?,
        status: row.take_known("status", Status::Suspended, &mut unknown)?,
        created: row.take()?,
        unknown: None,
    };
    // This version would not enforce such a policy.
    row.take_only("partner_apps", None, &mut unknown)?;
    if unknown.is_some() {
        organization.status = Status::Suspended;
    }
    organization.unknown = unknown;
    Ok(organization)
}
