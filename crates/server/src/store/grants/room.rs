//! How many rows one person may leave for one app (docs/decisions/0047).

use crate::store::engine::writer::work::Write;
use crate::store::feed::recall_statements;
use crate::store::model::{ActsAs, Grant, GrantId, Recall, Surplus};
use crate::store::rows::{all, readable};
use crate::store::value::{Row, Statement};
use crate::store::{Result, Store};
use crate::time::Instant;

/// How many codes of one person for one app may wait to be redeemed.
pub(crate) const PENDING: u32 = 50;
/// How many ended grants of one person for one app are kept. A few are deleted at a time, so that not every consent has
/// to delete.
pub(crate) const ENDED: u32 = 100;
/// How many ended grants are deleted at a time.
pub(crate) const AT_ONCE: u32 = 32;

impl Store {
    /// The surplus grants of the person for the app, without `newcomer`. `None`: there are none, which the index
    /// alone tells nearly always. A person's own grants, and those of organizations that the person set up, are counted apart.
    pub async fn surplus(&self, newcomer: &Grant) -> Result<Option<Surplus>> {
        let (user, app, acts_as) = (newcomer.user, newcomer.app, newcomer.acts_as);
        let crowded = self.read(CROWDED, &[user.into(), app.into(), PENDING.into()]).await?;
        if crowded.is_empty() {
            return Ok(None);
        }
        let params = [
            user.into(),
            app.into(),
            newcomer.id.into(),
            acts_as.into(),
            (PENDING - 1).into(),
        ];
        let pending: Vec<GrantId> = readable(self.read(SURPLUS_PENDING, &params).await?, Row::take);
        let params = [user.into(), app.into(), acts_as.into(), (ENDED - AT_ONCE).into()];
        let mut ended: Vec<GrantId> = readable(self.read(SURPLUS_ENDED, &params).await?, Row::take);
        let mut others = vec![];
        if ended.len() > AT_ONCE as usize {
            others = readable(self.read(NOT_ENDED, &[user.into(), app.into()]).await?, Row::take);
        } else {
            ended.clear();
        }
        let surplus = Surplus { pending, ended, others };
        Ok((!surplus.pending.is_empty() || !surplus.ended.is_empty()).then_some(surplus))
    }

    /// The active grants of a person for an app beyond `keep`, to be ended: those used last stay. The newcomer always
    /// stays, since by a clock that was turned back it would be the longest idle one. Grants that ended with their
    /// key are not counted. For a grant of an organization: the grants of the same organization that the person set up.
    pub async fn longest_idle(&self, newcomer: &Grant, keep: u32) -> Result<Vec<GrantId>> {
        let (user, app) = (newcomer.user, newcomer.app);
        let others = keep.saturating_sub(1);
        let rows = match newcomer.acts_as {
            ActsAs::Person => {
                let params = [user.into(), app.into(), newcomer.id.into(), others.into()];
                self.read(LONGEST_IDLE, &params).await?
            }
            ActsAs::Organization => {
                let organization = newcomer.organization.into();
                let params = [user.into(), app.into(), newcomer.id.into(), organization, others.into()];
                self.read(LONGEST_IDLE_OF_ORGANIZATION, &params).await?
            }
        };
        all(rows, Row::take)
    }

    /// Deletes these grants, and replaces their entries of the feed by `recall`.
    /// [`StoreError::Conflict`](crate::store::StoreError::Conflict): another request did that first.
    pub async fn clear(&self, surplus: &Surplus, recall: Option<&Recall>, now: Instant) -> Result<()> {
        let of = |sql, id: GrantId| Statement::new(sql, vec![id.into()]);
        let mut statements: Vec<_> = surplus.pending.iter().map(|id| of(DELETE_PENDING, *id)).collect();
        statements.extend(surplus.ended.iter().map(|id| of(DELETE_ENDED, *id)));
        let mut announce = vec![];
        if let Some(recall) = recall {
            let (folding, change) = recall_statements(recall, now);
            statements.extend(folding);
            announce.push(change);
        }
        let write = Write {
            statements,
            announce,
            ..Write::default()
        };
        self.write_with(write).await.map(drop)
    }
}

const CROWDED: &str = "SELECT 1 FROM grants WHERE user_id = $1 AND app_id = $2 LIMIT 1 OFFSET $3";

/// The newcomer stays: by a clock that was turned back it would be the oldest.
const SURPLUS_PENDING: &str = "SELECT id FROM grants WHERE user_id = $1 AND app_id = $2 AND state = 0 AND id <> $3 \
     AND COALESCE(acts_as, 'person') = $4 ORDER BY created DESC, id DESC LIMIT 100 OFFSET $5";

const SURPLUS_ENDED: &str = "SELECT id FROM grants \
     WHERE user_id = $1 AND app_id = $2 AND state = 2 AND COALESCE(acts_as, 'person') = $3 \
     ORDER BY ended_at DESC, id DESC LIMIT 100 OFFSET $4";

const NOT_ENDED: &str = "SELECT id FROM grants WHERE user_id = $1 AND app_id = $2 AND state <> 2";

const LONGEST_IDLE: &str = "SELECT id FROM grants WHERE user_id = $1 AND app_id = $2 AND state = 1 AND id <> $3 \
     AND acts_as IS NULL \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) \
     ORDER BY COALESCE(last_used, rotated_at) DESC, id DESC LIMIT 1000 OFFSET $4";

const LONGEST_IDLE_OF_ORGANIZATION: &str = "SELECT id FROM grants WHERE user_id = $1 AND app_id = $2 AND state = 1 AND id <> $3 \
     AND acts_as = 'organization' AND organization_id = $4 \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) \
     ORDER BY COALESCE(last_used, rotated_at) DESC, id DESC LIMIT 1000 OFFSET $5";

const DELETE_PENDING: &str = "DELETE FROM grants WHERE id = $1 AND state = 0";
const DELETE_ENDED: &str = "DELETE FROM grants WHERE id = $1 AND state = 2";
