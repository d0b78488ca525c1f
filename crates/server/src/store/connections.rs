//! What a person connected, with the names that they know it by.

use super::grants::grant_of;
use super::model::{Connection, UserId};
use super::value::Row;
use super::{Result, Store, readable};

impl Store {
    /// A person's active grants, by app and organization, the newest of each first. One whose key was revoked opens nothing
    /// any more, whether its row says so yet or not.
    pub async fn connections(&self, user: UserId) -> Result<Vec<Connection>> {
        Ok(readable(self.scan(ACTIVE, vec![user.into()]).await?, connection_of))
    }

    /// The grants of a person that ended last, the latest first.
    pub async fn ended_connections(&self, user: UserId, limit: u32) -> Result<Vec<Connection>> {
        let rows = self.scan(ENDED, vec![user.into(), limit.into()]).await?;
        Ok(readable(rows, connection_of))
    }
}

macro_rules! select_connection {
    ($rest:literal) => {
        concat!(
            "SELECT g.id, g.app_id, g.user_id, g.organization_id, g.state, g.scopes, g.redirect_uri, g.code_challenge, ",
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
    "WHERE g.user_id = $1 AND g.state = 1 AND NOT EXISTS (SELECT 1 FROM revoked_keys AS r WHERE r.id = g.proof_key) ORDER BY apps.name, g.app_id, organizations.slug, g.id DESC"
);

const ENDED: &str =
    select_connection!("WHERE g.user_id = $1 AND g.state = 2 ORDER BY g.ended_at DESC, g.id DESC LIMIT $2");

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
