//! Lists, a page at a time (docs/decisions/0060): each in the order of an index, after a key. Names that a list shows are joined
//! to its rows, so that a page is one statement.

use super::apps::app_of;
use super::grants::grant_of;
use super::model::{
    AppId, GrantFilter, GrantId, ListedApp, ListedGrant, Member, Organization, OrganizationId, OrganizationName, Page,
    Role, User, UserId,
};
use super::organizations::organization_of;
use super::people::user_of;
use super::rows::{first, readable};
use super::rows::{more_than, page};
use super::value::Row;
use super::{Engine, Result, Store};
use uuid::Uuid;

/// Whose apps are listed: those that a person manages.
#[derive(Clone, Copy, Debug)]
pub struct Manager<'a> {
    /// The person.
    pub user: UserId,
    /// In one organization only.
    pub organization: Option<OrganizationId>,
    /// The slug of the default organization, whose people manage their own apps by no role.
    pub default: &'a str,
}

/// How many people connected an app.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connected {
    /// So many of those whose grants were counted.
    pub people: u64,
    /// Whether there are grants that were not counted.
    pub at_least: bool,
}

impl Store {
    /// Apps by client id, of one organization or of all, without their secrets.
    pub async fn apps(
        &self,
        organization: Option<OrganizationId>,
        after: &str,
        limit: u32,
    ) -> Result<Page<ListedApp, String>> {
        let (sql, mut params) = match organization {
            Some(id) => (APPS_OF_ORGANIZATION, vec![id.into()]),
            None => (APPS, vec![]),
        };
        params.extend([after.into(), more_than(limit)]);
        page(self.scan(sql, params).await?, limit, listed_app)
    }

    /// The apps that a person manages (`apps/permission.rs` says the same of one app), the newest first, without their secrets.
    pub async fn managed_apps(
        &self,
        by: Manager<'_>,
        before: Option<AppId>,
        limit: u32,
    ) -> Result<Page<ListedApp, AppId>> {
        let sql = match &self.inner.engine {
            Engine::Sqlite(_) => MANAGED_ON_SQLITE,
            Engine::Postgres(_) => MANAGED_ON_POSTGRES,
        };
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

    /// People by number, without memberships.
    pub async fn users(&self, after: Option<i64>, limit: u32) -> Result<Page<User, i64>> {
        let params = vec![after.unwrap_or(i64::MIN).into(), more_than(limit)];
        page(self.scan(USERS, params).await?, limit, user_of)
    }

    /// Organizations by slug.
    pub async fn organizations(&self, after: &str, limit: u32) -> Result<Page<Organization, String>> {
        let rows = self.scan(ORGANIZATIONS, vec![after.into(), more_than(limit)]).await?;
        page(rows, limit, organization_of)
    }

    /// The members of an organization by id, which is the order of their making.
    pub async fn members(
        &self,
        organization: OrganizationId,
        after: Option<UserId>,
        limit: u32,
    ) -> Result<Page<Member, UserId>> {
        let after = after.unwrap_or(UserId(Uuid::nil()));
        let params = vec![organization.into(), after.into(), more_than(limit)];
        page(self.scan(MEMBERS, params).await?, limit, member_of)
    }

    /// Where a person belongs, and as what.
    pub async fn organizations_of(&self, user: UserId) -> Result<Vec<(Organization, Role)>> {
        let rows = self.read(ORGANIZATIONS_OF, &[user.into()]).await?;
        let belongs = readable(rows, |row| Ok((organization_of(row)?, row.take::<String>()?)));
        // A role that this version does not know gives no rights.
        let known = belongs.into_iter();
        Ok(known
            .filter_map(|(organization, word)| Some((organization, Role::from_text(&word)?)))
            .collect())
    }

    /// Grants for the operator, the newest first.
    pub async fn listed_grants(&self, filter: GrantFilter) -> Result<Page<ListedGrant, GrantId>> {
        let (sql, mut params) = match (filter.user, filter.app) {
            (Some(user), app) => (GRANTS_OF_USER, vec![user.into(), app.into()]),
            (None, Some(app)) => (GRANTS_OF_APP, vec![app.into()]),
            (None, None) => (GRANTS, vec![]),
        };
        let after = filter.after.unwrap_or(GrantId(Uuid::max()));
        params.extend([filter.organization.into(), filter.state.into(), after.into()]);
        params.push(more_than(filter.limit));
        page(self.scan(sql, params).await?, filter.limit, |row| {
            let mut listed = listed_grant(row)?;
            listed.grant = self.with_last_use(listed.grant);
            Ok(listed)
        })
    }

    /// How many people connected an app. Its last 10,000 grants are looked at, so that the page of an app with millions is no
    /// slower than others.
    pub async fn people_connected(&self, app: AppId) -> Result<Connected> {
        let rows = self
            .scan(CONNECTED, vec![app.into(), Self::MOST_COUNTED.into()])
            .await?;
        let counted = first(rows, |row| Ok((row.take::<i64>()?, row.take::<i64>()?)))?;
        let (grants, people) = counted.unwrap_or_default();
        Ok(Connected {
            people: u64::try_from(people).unwrap_or(0),
            at_least: grants >= i64::from(Self::MOST_COUNTED),
        })
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

/// Of an organization's apps the last of this page, and not all: `$arm` says how the engine finds them by index.
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

/// Whether owning an app or being in its team lets the person manage it: as owner or developer of its organization, or in the
/// default one. The hidden organization is nobody's own.
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

const USERS: &str = "SELECT number, id, number, email, external_id, contact_email, name, password, locale, admin, developer, \
     status, suspended_by, created FROM users WHERE number > $1 ORDER BY number LIMIT $2";

const ORGANIZATIONS: &str = "SELECT slug, id, slug, name, kind, hidden, status, created, partner_apps FROM organizations \
     WHERE slug > $1 ORDER BY slug LIMIT $2";

const MEMBERS: &str = "SELECT m.user_id, m.user_id, m.role, users.name, \
     COALESCE(users.email, users.contact_email, users.external_id, CAST(users.number AS TEXT)) \
     FROM memberships AS m JOIN users ON users.id = m.user_id \
     WHERE m.organization_id = $1 AND m.user_id > $2 AND m.ended_at IS NULL ORDER BY m.user_id LIMIT $3";

const ORGANIZATIONS_OF: &str = "SELECT o.id, o.slug, o.name, o.kind, o.hidden, o.status, o.created, o.partner_apps, m.role \
     FROM memberships AS m JOIN organizations AS o ON o.id = m.organization_id \
     WHERE m.user_id = $1 AND m.ended_at IS NULL ORDER BY m.organization_id";

macro_rules! select_grant {
    ($rest:literal) => {
        concat!(
            "SELECT g.id, g.id, g.app_id, g.user_id, g.organization_id, g.state, g.scopes, g.redirect_uri, g.code_challenge, ",
            "g.salt, g.proof_key, g.previous_key, g.generation, g.previous, g.confirmed, g.rotated_at, g.created, ",
            "g.code_expires, g.expires, g.ends, g.last_used, g.ended_at, g.reason, g.repeats, g.source, g.acts_as, ",
            "g.resource, COALESCE(users.email, users.contact_email, users.external_id, CAST(users.number AS TEXT)), ",
            "apps.client_id, apps.name, organizations.slug FROM grants AS g LEFT JOIN users ON users.id = g.user_id ",
            "LEFT JOIN apps ON apps.id = g.app_id LEFT JOIN organizations ON organizations.id = g.organization_id ",
            $rest
        )
    };
}

// PostgreSQL learns a parameter's type where it first meets it, so the column comes first.
const GRANTS: &str = select_grant!(
    "WHERE (g.organization_id = $1 OR $1 IS NULL) AND (g.state = $2 OR $2 IS NULL) AND g.id < $3 \
     ORDER BY g.id DESC LIMIT $4"
);
const GRANTS_OF_APP: &str = select_grant!(
    "WHERE g.app_id = $1 AND (g.organization_id = $2 OR $2 IS NULL) AND (g.state = $3 OR $3 IS NULL) AND g.id < $4 \
     ORDER BY g.id DESC LIMIT $5"
);
const GRANTS_OF_USER: &str = select_grant!(
    "WHERE g.user_id = $1 AND (g.app_id = $2 OR $2 IS NULL) AND (g.organization_id = $3 OR $3 IS NULL) \
     AND (g.state = $4 OR $4 IS NULL) AND g.id < $5 ORDER BY g.id DESC LIMIT $6"
);

/// Ended grants count as looked at: to pass over them would read all of them.
const CONNECTED: &str = "SELECT COUNT(*), COUNT(DISTINCT CASE WHEN state = 1 THEN user_id END) \
     FROM (SELECT user_id, state FROM grants WHERE app_id = $1 ORDER BY id DESC LIMIT $2) AS looked_at";

/// The statements that both engines are sent.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 11] = [
    APPS,
    APPS_OF_ORGANIZATION,
    OWNED,
    USERS,
    ORGANIZATIONS,
    MEMBERS,
    ORGANIZATIONS_OF,
    GRANTS,
    GRANTS_OF_APP,
    GRANTS_OF_USER,
    CONNECTED,
];
/// The statement of SQLite alone, and that of PostgreSQL.
#[cfg(test)]
pub(super) const MANAGED: [&str; 2] = [MANAGED_ON_SQLITE, MANAGED_ON_POSTGRES];

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

fn member_of(row: &mut Row) -> Result<Member> {
    let user = row.take()?;
    let word: String = row.take()?;
    let role = Role::from_text(&word);
    Ok(Member {
        user,
        role,
        word,
        name: row.take()?,
        label: row.take()?,
    })
}

fn listed_grant(row: &mut Row) -> Result<ListedGrant> {
    Ok(ListedGrant {
        grant: grant_of(row)?,
        user: row.take()?,
        client_id: row.take()?,
        app_name: row.take()?,
        organization: row.take()?,
    })
}
