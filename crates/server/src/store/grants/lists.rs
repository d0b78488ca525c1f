//! Lists of grants, for the operator and for an app.

use super::grant_of;
use crate::store::model::{AppId, GrantFilter, GrantId, ListPage, ListedGrant};
use crate::store::rows::{first, more_than, page};
use crate::store::value::Row;
use crate::store::{Result, Store};
use uuid::Uuid;

/// How many people connected an app.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connected {
    /// The people among the counted grants.
    pub people: u64,
    /// Whether there are grants that were not counted.
    pub at_least: bool,
}

impl Store {
    /// Grants for the operator, the newest first.
    pub async fn listed_grants(&self, filter: GrantFilter) -> Result<ListPage<ListedGrant, GrantId>> {
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

    /// How many people connected an app. Only its last 10,000 grants are counted, so that the page of an app with
    /// millions is as quick as others.
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

/// Ended grants are counted as looked at: skipping them would read all of them.
const CONNECTED: &str = "SELECT COUNT(*), COUNT(DISTINCT CASE WHEN state = 1 THEN user_id END) \
     FROM (SELECT user_id, state FROM grants WHERE app_id = $1 ORDER BY id DESC LIMIT $2) AS looked_at";

fn listed_grant(row: &mut Row) -> Result<ListedGrant> {
    Ok(ListedGrant {
        grant: grant_of(row)?,
        user: row.take()?,
        client_id: row.take()?,
        app_name: row.take()?,
        organization: row.take()?,
    })
}
