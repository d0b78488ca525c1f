//! The end of one grant, or of many.

use super::ENDED_KEPT;
use crate::store::engine::writer::work::{End, Ends, Outcome, Work, Write};
use crate::store::model::{AppId, ChangeKind, EndReason, GrantId, NewChange, OrganizationId, UserId};
use crate::store::value::{ArrayStatement, Value};
use crate::store::{Result, Store};
use crate::time::Instant;

impl Store {
    /// Ends a grant, with an entry of the feed, in one commit. Whether this call ended it.
    pub async fn end(&self, id: GrantId, reason: EndReason, now: Instant) -> Result<bool> {
        self.end_at(id, None, reason, now).await
    }

    /// The same, only if its code was not redeemed.
    pub async fn end_pending(&self, id: GrantId, reason: EndReason, now: Instant) -> Result<bool> {
        self.end_at(id, Some(0), reason, now).await
    }

    /// The same, only if the grant was never refreshed.
    pub async fn end_unrefreshed(&self, id: GrantId, reason: EndReason, now: Instant) -> Result<bool> {
        self.end_at(id, Some(1), reason, now).await
    }

    async fn end_at(&self, id: GrantId, generation: Option<u32>, reason: EndReason, now: Instant) -> Result<bool> {
        let end = End {
            id,
            reason,
            now,
            generation,
        };
        match self.change(Work::End(end, None)).await? {
            Outcome::Ended(ended) => Ok(ended),
            outcome => Err(outcome.unexpected()),
        }
    }

    /// Ends the grants of a person for an app, in one organization or in all; returns them. A grant of an organization is not
    /// the person's.
    pub async fn end_all(
        &self,
        user: UserId,
        app: AppId,
        organization: Option<OrganizationId>,
        reason: EndReason,
        now: Instant,
    ) -> Result<Vec<GrantId>> {
        let mut params = vec![user.into(), app.into()];
        params.extend(organization.map(Value::from));
        let select = organization.map_or(LIVE_OF_USER_AND_APP, |_| LIVE_OF_CONNECTION);
        self.end_many(Ends::new(select, params, reason, now)).await
    }

    async fn end_many(&self, ends: Ends) -> Result<Vec<GrantId>> {
        let ends = Some(ends);
        self.write_with(Write {
            ends,
            ..Write::default()
        })
        .await
    }
}

/// The grants of an app, to be ended.
pub(crate) fn ends_of_app(app: AppId, reason: EndReason, now: Instant) -> Ends {
    let (select, params) = (LIVE_OF_APP, vec![app.into()]);
    Ends::new(select, params, reason, now)
}

const LIVE_OF_CONNECTION: &str = "SELECT id FROM grants WHERE user_id = $1 AND app_id = $2 AND organization_id = $3 AND state < 2 AND acts_as IS NULL AND id > $4 ORDER BY id LIMIT $5";

const LIVE_OF_USER_AND_APP: &str = "SELECT id FROM grants WHERE user_id = $1 AND app_id = $2 AND state < 2 AND acts_as IS NULL AND id > $3 ORDER BY id LIMIT $4";

const LIVE_OF_APP: &str = "SELECT id FROM grants WHERE app_id = $1 AND state < 2 AND id > $2 ORDER BY id LIMIT $3";

/// Pending or active → ended.
pub(crate) const END: &str = "UPDATE grants SET state = 2, ended_at = $1, reason = $2, redirect_uri = NULL, \
     code_challenge = NULL, check_at = $3 WHERE id = $4 AND state < 2 AND (generation = $5 OR $5 IS NULL)";

/// The same for many, each with its entry of the feed and its event.
pub(crate) const END_MANY: ArrayStatement = ArrayStatement {
    sql: END_ON_POSTGRES,
    columns: "itibiiibtttttt",
    grant: Some(3),
};

const END_ON_POSTGRES: &str = "WITH l AS (SELECT b.*, g.state, g.app_id, g.user_id, g.organization_id, g.generation AS current \
     FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[], $5::bigint[], $6::bigint[], $7::bigint[], \
     $8::bytea[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[]) \
     WITH ORDINALITY AS b(at, reason, due, id, generation, number, until, event, actor, action, source, before, after, \
     detail, n) \
     JOIN grants g ON g.id = b.id, (SELECT set_config('lock_timeout', $15, true)) AS w ORDER BY b.id FOR NO KEY UPDATE OF g), \
     u AS (UPDATE grants AS g SET state = 2, ended_at = l.at, reason = l.reason, redirect_uri = NULL, \
     code_challenge = NULL, check_at = l.due FROM l WHERE g.id = l.id AND l.state < 2 \
     AND (l.current = l.generation OR l.generation IS NULL) RETURNING l.n), \
     c AS (INSERT INTO changes (node, number, happened, expires, kind, subject, value) \
     SELECT $16::bytea, l.number, l.at, l.until, 'grant', l.id, 0 FROM u JOIN l ON l.n = u.n), \
     e AS (INSERT INTO audit_events (id, happened, actor, action, app_id, user_id, organization_id, grant_id, source, \
     before, after, detail) SELECT l.event, l.at, l.actor, l.action, l.app_id, l.user_id, l.organization_id, l.id, \
     l.source, l.before, l.after, l.detail FROM u JOIN l ON l.n = u.n WHERE l.event IS NOT NULL) \
     SELECT l.n, u.n IS NOT NULL, l.state = 2 FROM l LEFT JOIN u ON u.n = l.n";

/// The values of [`END`].
pub(crate) fn end_params(end: &End) -> Vec<Value> {
    vec![
        end.now.into(),
        end.reason.into(),
        ended_check(end.now).into(),
        end.id.into(),
        end.generation.into(),
    ]
}

/// When the row of a grant that ends now is deleted.
pub(crate) fn ended_check(now: Instant) -> Instant {
    now.after(ENDED_KEPT)
}

/// The entry of the feed for an end.
pub(crate) fn ended(end: &End) -> NewChange {
    NewChange::about(ChangeKind::Grant, end.id.0.as_bytes(), end.now)
}
