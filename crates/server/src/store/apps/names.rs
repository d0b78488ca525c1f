//! Names of apps: a name that looks like the name of another owner's app is refused if the same people can see both
//! consent pages.
//!
//! The row of each app has the two keys of its name ([`names::keys`]), each with an index. Of two simultaneous
//! registrations one must see the other, so both first lock one row of `settings`; then the statement that looks has a
//! new snapshot.

use super::origins;
use crate::apps::names;
use crate::store::model::{App, AppId, AppUpdate, OrganizationId, Reach, UserId};
use crate::store::rows::all;
use crate::store::value::{Row, Statement, Value};
use crate::store::{Result, Store};
use hallpass_wire::RedirectUri;

/// How many names are read at once.
const PAGE: u32 = 500;

/// What the check of a name needs of an app.
pub(crate) struct Named<'a> {
    id: AppId,
    name: &'a str,
    owner: Option<UserId>,
    organization: OrganizationId,
    reach: Reach,
}

impl<'a> Named<'a> {
    pub(crate) fn of(app: &'a App) -> Self {
        Self {
            id: app.id,
            name: &app.name,
            owner: app.owner,
            organization: app.organization,
            reach: app.reach,
        }
    }

    /// The app after an update.
    pub(crate) fn after(app: &'a App, update: &'a AppUpdate) -> Self {
        Self {
            name: update.name.as_deref().unwrap_or(&app.name),
            organization: update.organization.unwrap_or(app.organization),
            owner: update.owner.unwrap_or(app.owner),
            reach: update.reach.unwrap_or(app.reach),
            ..Self::of(app)
        }
    }

    /// The statements that refuse a look-alike name. They run before the write.
    pub(crate) fn distinct(&self) -> [Statement; 2] {
        [
            Statement::new(LOCK, vec![]).expect_one(),
            Statement::new(DISTINCT, self.params()).expect_one(),
        ]
    }

    fn params(&self) -> Vec<Value> {
        let [key, lower] = names::keys(self.name);
        vec![
            key.into(),
            lower.into(),
            self.id.into(),
            self.owner.into(),
            self.reach.into(),
            self.organization.into(),
        ]
    }
}

impl Store {
    /// Whether the name of this app looks like the name of another owner's app whose consent page the same people can
    /// see.
    pub async fn has_look_alike(&self, app: &App) -> Result<bool> {
        let found = self.scan(LOOK_ALIKE, Named::of(app).params()).await?;
        Ok(!found.is_empty())
    }

    /// Computes missing keys and origins, of apps that an older server registered.
    pub async fn complete_name_keys(&self) -> Result<()> {
        loop {
            let without = self.scan(WITHOUT_KEYS, vec![PAGE.into()]).await?;
            let without: Vec<(AppId, String, Vec<RedirectUri>)> =
                all(without, |row: &mut Row| Ok((row.take()?, row.take()?, row.take()?)))?;
            if without.is_empty() {
                return Ok(());
            }
            let mut statements = Vec::new();
            for (id, name, redirect_uris) in &without {
                statements.push(set_keys(*id, name));
                statements.extend(origins::filling(*id, redirect_uris));
            }
            self.write(statements).await?;
        }
    }
}

/// Sets the keys of a name. Every write of a name needs it.
pub(crate) fn set_keys(id: AppId, name: &str) -> Statement {
    let [key, lower] = names::keys(name);
    Statement::new(SET_KEYS, vec![key.into(), lower.into(), id.into()])
}

/// Somebody else's apps with a key of `$1` and `$2` whose people can be among those of `$3`, which is owned by `$4`, reaches
/// `$5` and belongs to `$6`: either reaches everybody, or they share the organization or one of its members.
macro_rules! look_alikes {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            "SELECT 1 FROM apps AS other WHERE (other.name_key = $1 OR other.name_key = $2 OR other.name_key_lower = $1 ",
            "OR other.name_key_lower = $2) AND other.id <> $3 AND other.owner_id IS DISTINCT FROM $4 ",
            "AND (other.reach = 'partner' OR $5 = 'partner' OR other.organization_id = $6 OR EXISTS ",
            "(SELECT 1 FROM memberships AS theirs JOIN memberships AS ours ON ours.user_id = theirs.user_id ",
            "WHERE theirs.organization_id = other.organization_id AND theirs.ended_at IS NULL ",
            "AND ours.organization_id = $6 AND ours.ended_at IS NULL))",
            $after
        )
    };
}

/// All of them, for the test that prepares them on both engines.
#[cfg(test)]
pub(crate) const STATEMENTS: [&str; 5] = [LOOK_ALIKE, LOCK, DISTINCT, SET_KEYS, WITHOUT_KEYS];

const LOOK_ALIKE: &str = look_alikes!("", " LIMIT 1");

const LOCK: &str = "UPDATE settings SET value = value WHERE name = 'app_names'";

/// Changes nothing; its count is one row if there is no look-alike.
const DISTINCT: &str = look_alikes!(
    "UPDATE settings SET value = value WHERE name = 'app_names' AND NOT EXISTS (",
    ")"
);

const SET_KEYS: &str = "UPDATE apps SET name_key = $1, name_key_lower = $2 WHERE id = $3";

const WITHOUT_KEYS: &str = "SELECT id, name, redirect_uris FROM apps WHERE name_key IS NULL LIMIT $1";
