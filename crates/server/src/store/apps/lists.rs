//! Lists of apps, a page at a time (docs/decisions/0060). Names that a list shows are joined to its rows.

use super::app_of;
use crate::store::model::{AppId, ListPage, ListedApp, OrganizationId, OrganizationName, UserId};
use crate::store::rows::{first, more_than, page};
use crate::store::value::Row;
use crate::store::{Result, Store};
use uuid::Uuid;

/// Whose apps to list: those that a person manages.
#[derive(Clone, Copy, Debug)]
pub struct Manager<'a> {
    /// The person.
    pub user: UserId,
    /// In one organization only.
    pub organization: Option<OrganizationId>,
    /// The slug of the default organization, where owning an app is enough to manage it.
    pub default: &'a str,
}

impl Store {
    /// Apps by client ID, of one organization or of all, without their secrets.
    pub async fn apps(
        &self,
        organization: Option<OrganizationId>,
        after: &str,
        limit: u32,
    ) -> Result<ListPage<ListedApp, String>> {
        let (sql, mut params) = match organization {
            Some(id) => (APPS_OF_ORGANIZATION, vec![id.into()]),
            None => (APPS, vec![]),
        };
        params.extend([after.into(), more_than(limit)]);
        page(self.scan(sql, params).await?, limit, listed_app)
    }

    /// The apps that a person manages (the same rule as in `apps/permission.rs`), the newest first, without their
    /// secrets.
    pub async fn managed_apps(
        &self,
        by: Manager<'_>,
        before: Option<AppId>,
        limit: u32,
    ) -> Result<ListPage<ListedApp, AppId>> {
        let sql = self.inner.engine.one_of(MANAGED_ON_SQLITE, MANAGED_ON_POSTGRES);
        let before = before.unwrap_or(AppId(Uuid::max()));
        let params = vec![
            by.user.into(),
            before.into(),
            by.organization.into(),
            by.default.into(),
            more_than(limit),
        ];
        page(self.scan(sql, params).await?, limit, listed_app)
    }

    /// How many apps a person owns, counted up to `most`.
    pub async fn count_owned_apps(&self, user: UserId, most: u64) -> Result<u64> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = self.read(OWNED, &[user.into(), most.into()]).await?;
        Ok(first(rows, Row::take::<u32>)?.unwrap_or(0).into())
    }
}

macro_rules! select_app {
    ($key:literal, $rest:expr) => {
        concat!(
            "SELECT ",
            $key,
            ", apps.id, apps.client_id, apps.name, apps.organization_id, apps.owner_id, apps.client_type, apps.reach, ",
            "apps.status, apps.redirect_uris, apps.scopes, apps.products, apps.grant_types, apps.trusted, ",
            "apps.localhost_any_port, apps.created, apps.acts_as, apps.review, apps.dialect, ",
            "COALESCE(owners.email, owners.contact_email, owners.external_id, CAST(owners.number AS TEXT)), ",
            "organizations.slug, organizations.name, organizations.hidden FROM apps ",
            "LEFT JOIN users AS owners ON owners.id = apps.owner_id ",
            "LEFT JOIN organizations ON organizations.id = apps.organization_id ",
            $rest
        )
    };
}

const APPS: &str = select_app!(
    "apps.client_id",
    "WHERE apps.client_id > $1 ORDER BY apps.client_id LIMIT $2"
);

const APPS_OF_ORGANIZATION: &str = select_app!(
    "apps.client_id",
    "WHERE apps.organization_id = $1 AND apps.client_id > $2 ORDER BY apps.client_id LIMIT $3"
);

/// Reads only the last apps of an organization, not all: `$arm` says how the engine finds them by index.
macro_rules! managed {
    ($arm:literal) => {
        select_app!(
            "apps.id",
            concat!(
                "WHERE apps.id IN (SELECT a.id FROM apps AS a WHERE a.owner_id = $1 AND a.id < $2 ",
                "AND (a.organization_id = $3 OR $3 IS NULL) AND EXISTS ",
                kept!(),
                " UNION SELECT a.id FROM app_team AS t JOIN apps AS a ON a.id = t.app_id WHERE t.user_id = $1 AND a.id < $2 ",
                "AND (a.organization_id = $3 OR $3 IS NULL) AND EXISTS ",
                kept!(),
                " UNION SELECT a.id FROM memberships AS m JOIN organizations AS o ON o.id = m.organization_id ",
                $arm,
                " WHERE m.user_id = $1 AND m.role = 'owner' AND m.ended_at IS NULL AND o.hidden = 0 ",
                "AND (m.organization_id = $3 OR $3 IS NULL)) ORDER BY apps.id DESC LIMIT $5"
            )
        )
    };
}

/// Whether owning an app or being in its team lets the person manage it: as owner or developer of its organization, or in
/// the default one. Nobody manages the hidden organization.
macro_rules! kept {
    () => {
        "(SELECT 1 FROM memberships AS m JOIN organizations AS o ON o.id = m.organization_id WHERE m.user_id = $1 \
         AND m.organization_id = a.organization_id AND m.ended_at IS NULL \
         AND ((o.slug = $4 AND m.role IN ('owner', 'developer', 'member')) \
         OR (o.hidden = 0 AND m.role IN ('owner', 'developer'))))"
    };
}

const MANAGED_ON_SQLITE: &str = managed!(
    "JOIN apps AS a ON a.id IN (SELECT b.id FROM apps AS b WHERE b.organization_id = m.organization_id AND b.id < $2 \
     ORDER BY b.id DESC LIMIT $5)"
);

const MANAGED_ON_POSTGRES: &str = managed!(
    "JOIN LATERAL (SELECT b.id FROM apps AS b WHERE b.organization_id = m.organization_id AND b.id < $2 \
     ORDER BY b.id DESC LIMIT $5) AS a ON TRUE"
);

const OWNED: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM apps WHERE owner_id = $1 LIMIT $2) AS counted";

/// The statements that both engines are sent.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 3] = [APPS, APPS_OF_ORGANIZATION, OWNED];

/// The statement of SQLite alone, and that of PostgreSQL.
#[cfg(test)]
pub(crate) const MANAGED: [&str; 2] = [MANAGED_ON_SQLITE, MANAGED_ON_POSTGRES];

fn listed_app(row: &mut Row) -> Result<ListedApp> {
    Ok(ListedApp {
        app: app_of(row)?,
        owner: row.take()?,
        organization: name_of(row)?,
    })
}

fn name_of(row: &mut Row) -> Result<Option<OrganizationName>> {
    let (slug, name, hidden) = (row.take()?, row.take()?, row.take::<Option<bool>>()?);
    let parts = Option::zip(slug, name).zip(hidden);
    Ok(parts.map(|((slug, name), hidden)| OrganizationName { slug, name, hidden }))
}
