//! The connections of a person, with the names of apps and organizations.

use super::grant_of;
use crate::store::model::{AppId, Connection, ListPage, UserId};
use crate::store::rows::readable;
use crate::store::value::Row;
use crate::store::{Result, Store};
use std::collections::BTreeSet;
use uuid::Uuid;

impl Store {
    /// The active grants of a person for `most` apps whose ids come after `after`, by app and organization, the
    /// newest of each first. Grants whose key was revoked are left out: they open nothing, even before their row says
    /// so. So are grants of organizations, which their owners see.
    pub async fn connections(
        &self,
        user: UserId,
        after: Option<AppId>,
        most: u32,
    ) -> Result<ListPage<Connection, AppId>> {
        let after = after.unwrap_or(AppId(Uuid::nil()));
        let params = vec![user.into(), after.into(), most.saturating_add(1).into()];
        let mut rows = self.scan(ACTIVE, params).await?;
        let apps: BTreeSet<AppId> = rows.iter().map(Row::first).collect::<Result<_>>()?;
        let mut beyond = apps.iter().skip(usize::try_from(most).unwrap_or(usize::MAX));
        let mut next = None;
        if let Some(further) = beyond.next() {
            next = apps.range(..further).next_back().copied();
            rows.retain(|row| row.first::<AppId>().is_ok_and(|app| app < *further));
        }
        let items = readable(rows, |row| {
            row.take::<AppId>()?;
            let mut connection = connection_of(row)?;
            connection.grant = self.with_last_use(connection.grant);
            Ok(connection)
        });
        Ok(ListPage { items, next })
    }

    /// The grants of a person that ended last, the latest first.
    pub async fn ended_connections(&self, user: UserId, limit: u32) -> Result<Vec<Connection>> {
        let rows = self.scan(ENDED, vec![user.into(), limit.into()]).await?;
        Ok(readable(rows, |row| {
            row.take::<AppId>()?;
            connection_of(row)
        }))
    }
}

macro_rules! select_connection {
    ($rest:literal) => {
        concat!(
            "SELECT g.app_id, g.id, g.app_id, g.user_id, g.organization_id, g.state, g.scopes, g.redirect_uri, g.code_challenge, ",
            "g.salt, g.proof_key, g.previous_key, g.generation, g.previous, g.confirmed, g.rotated_at, g.created, ",
            "g.code_expires, g.expires, g.ends, g.last_used, g.ended_at, g.reason, g.repeats, g.source, g.acts_as, ",
            "g.resource, ",
            "apps.name, owners.name, organizations.slug, organizations.name, organizations.hidden FROM grants AS g ",
            "JOIN apps ON apps.id = g.app_id JOIN organizations AS owners ON owners.id = apps.organization_id ",
            "JOIN organizations ON organizations.id = g.organization_id ",
            $rest
        )
    };
}

const ACTIVE: &str = select_connection!(
    "WHERE g.user_id = $1 AND g.state = 1 AND g.acts_as IS NULL AND NOT EXISTS (SELECT 1 FROM revoked_keys AS r WHERE r.id = g.proof_key) \
     AND g.app_id IN (SELECT DISTINCT o.app_id FROM grants AS o WHERE o.user_id = $1 AND o.app_id > $2 AND o.state = 1 \
     AND o.acts_as IS NULL \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys AS r WHERE r.id = o.proof_key) ORDER BY o.app_id LIMIT $3) \
     ORDER BY apps.name, g.app_id, organizations.slug, g.id DESC"
);

const ENDED: &str = select_connection!(
    "WHERE g.user_id = $1 AND g.state = 2 AND g.acts_as IS NULL ORDER BY g.ended_at DESC, g.id DESC LIMIT $2"
);

fn connection_of(row: &mut Row) -> Result<Connection> {
    Ok(Connection {
        grant: grant_of(row)?,
        app_name: row.take()?,
        app_owner: row.take()?,
        organization_slug: row.take()?,
        organization_name: row.take()?,
        organization_hidden: row.take()?,
    })
}
