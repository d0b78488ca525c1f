//! Grants: what codes and tokens are views of.
//!
//! Each statement here repeats the state that the decision was taken on; the writer executes them (`sqlite.rs`).

mod connections;
mod room;

use super::engine::writer::work::{End, Ends, Outcome, Rotation, Work, Write};
use super::model::{
    AppId, ChangeKind, EndReason, Grant, GrantId, NewChange, NewGrant, OrganizationId, Redeem, Redeemed, Rotate,
    Rotated, State, UserId,
};
use super::rows::{all, first};
use super::value::{Row, Statement, Value};
use super::{Engine, Result, Store, StoreError};
use crate::time::Instant;
use hallpass_wire::Scopes;
use std::time::Duration;

/// How long a code's row keeps what a redemption is judged by after the code ran out. Until then a second use is found out;
/// afterwards a row that was never redeemed goes.
pub(crate) const CODE_KEPT: Duration = Duration::from_secs(10 * 60);
/// How long an ended grant's row stays: until then a person sees it, and its tokens are known to be over.
const ENDED_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

impl Store {
    /// The grant, if it is there. What was seen includes what only memory knows yet.
    pub async fn grant(&self, id: GrantId) -> Result<Option<Grant>> {
        let grant = match &self.inner.engine {
            Engine::Sqlite(sqlite) => first(sqlite.read(GRANT, &[id.into()])?, grant_of)?,
            Engine::Postgres(postgres) => postgres.grant(id).await?,
        };
        Ok(grant.map(|grant| self.with_last_use(grant)))
    }

    /// The grant with what only memory knows yet of its use. Pages show it, so none of them has to have it written first.
    pub(super) fn with_last_use(&self, mut grant: Grant) -> Grant {
        if let Some((generation, at)) = self.last_seen(grant.id) {
            grant.confirmed |= generation == grant.generation;
            grant.last_used = grant.last_used.max(Some(at));
        }
        grant
    }

    /// Makes a pending grant, or finds that one with its id is there already: the row as it stands.
    pub async fn insert_grant(&self, grant: NewGrant) -> Result<Grant> {
        match self.change(Work::Insert(grant, None)).await? {
            Outcome::Grant(grant) => grant.map(|grant| *grant).ok_or(StoreError::Conflict),
            outcome => Err(outcome.unexpected()),
        }
    }

    /// Makes the pending grant of this app active; `None`: it was not pending, or not any more, or its code has run out.
    pub async fn redeem(&self, grant: &Grant, redeem: Redeem) -> Result<Option<Redeemed>> {
        // The sweep moves `check_at` when it comes: only what is due before then has to be there by then.
        let due = next_check(redeem.expires, redeem.ends, redeem.now);
        let sooner = (due < pending_check(grant.code_expires)).then_some(due);
        match self.change(Work::Redeem(redeem, sooner)).await? {
            Outcome::Redeemed(redeemed) => Ok(redeemed.map(|crowded| Redeemed {
                grant: grant.redeemed(&redeem),
                crowded,
            })),
            outcome => Err(outcome.unexpected()),
        }
    }

    /// Moves a grant to its next generation, if it still stands as `grant`, from which `rotate` was decided. Of many that race
    /// one makes the change. Where `presented` is not `expect`, the generation `expect` becomes void, which the feed tells.
    /// [`StoreError::Conflict`]: the grant is gone.
    pub async fn rotate(&self, grant: &Grant, rotate: Rotate) -> Result<Rotated> {
        let (changed, grant) = match self.change(Work::Rotate(rotate)).await? {
            Outcome::Rotated(Rotation::Made { by, own }) => (own, grant.rotated(&by)),
            Outcome::Rotated(Rotation::Found(grant)) => (false, *grant),
            outcome => return Err(outcome.unexpected()),
        };
        // A generation made just now was seen by nobody; one that another request made may have been.
        let grant = if changed { grant } else { self.with_last_use(grant) };
        Ok(Rotated { changed, grant })
    }

    /// Marks a grant whose device was copied; `false`: it is marked or has ended.
    pub async fn mark_copied(&self, id: GrantId) -> Result<bool> {
        match self
            .write(vec![Statement::new(MARK_COPIED, vec![id.into()]).expect_one()])
            .await
        {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends a grant and tells the feed, in one commit. Whether it was this call that ended it.
    pub async fn end(&self, id: GrantId, reason: EndReason, now: Instant) -> Result<bool> {
        self.end_at(id, None, reason, now).await
    }

    /// The same, only where its code was not redeemed.
    pub async fn end_pending(&self, id: GrantId, reason: EndReason, now: Instant) -> Result<bool> {
        self.end_at(id, Some(0), reason, now).await
    }

    /// The same, only where the grant was never refreshed.
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

    /// Ends a person's grants for an app, in one organization or in all; answers which.
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

    /// The active grants of a person for an app beyond `keep`, `newcomer` included: those to end where there are too many, the
    /// ones that were used last stay. The newcomer always stays: by a clock that was turned back it is the longest idle one.
    /// What ended with its key takes no room.
    pub async fn longest_idle(&self, newcomer: &Grant, keep: u32) -> Result<Vec<GrantId>> {
        let (user, app) = (newcomer.user, newcomer.app);
        let others = keep.saturating_sub(1);
        let params = [user.into(), app.into(), newcomer.id.into(), others.into()];
        all(self.read(LONGEST_IDLE, &params).await?, Row::take)
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

/// Which grants end with an app's change of hands.
pub(super) fn ends_of_app(app: AppId, reason: EndReason, now: Instant) -> Ends {
    let (select, params) = (LIVE_OF_APP, vec![app.into()]);
    Ends::new(select, params, reason, now)
}

/// The columns of a grant in the order in which [`grant_of`] takes them.
macro_rules! select_grant {
    ($rest:literal) => {
        concat!(
            "SELECT id, app_id, user_id, organization_id, state, scopes, redirect_uri, code_challenge, salt, proof_key, ",
            "previous_key, generation, previous, confirmed, rotated_at, created, code_expires, expires, ends, last_used, ",
            "ended_at, reason, repeats, source, acts_as, resource FROM grants ",
            $rest
        )
    };
}

/// One grant.
pub(super) const GRANT: &str = select_grant!("WHERE id = $1");

/// Whether the person of this grant has more than so many for its app: nearly always not, which the index tells without a
/// look at any other row.
pub(super) const CROWDED: &str = "SELECT 1 FROM grants AS own JOIN grants AS other \
     ON other.user_id = own.user_id AND other.app_id = own.app_id WHERE own.id = $1 LIMIT 1 OFFSET $2";

const LONGEST_IDLE: &str = "SELECT id FROM grants WHERE user_id = $1 AND app_id = $2 AND state = 1 AND id <> $3 \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) \
     ORDER BY COALESCE(last_used, rotated_at) DESC, id DESC LIMIT 1000 OFFSET $4";

const LIVE_OF_CONNECTION: &str = "SELECT id FROM grants WHERE user_id = $1 AND app_id = $2 AND organization_id = $3 AND state < 2 AND id > $4 ORDER BY id LIMIT $5";

const LIVE_OF_USER_AND_APP: &str =
    "SELECT id FROM grants WHERE user_id = $1 AND app_id = $2 AND state < 2 AND id > $3 ORDER BY id LIMIT $4";

const LIVE_OF_APP: &str = "SELECT id FROM grants WHERE app_id = $1 AND state < 2 AND id > $2 ORDER BY id LIMIT $3";

/// A pending grant, unless its id is taken.
pub(super) const INSERT: &str = "INSERT INTO grants (id, app_id, user_id, organization_id, state, scopes, redirect_uri, \
     code_challenge, salt, proof_key, generation, confirmed, rotated_at, created, code_expires, check_at) \
     VALUES ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9, 0, 0, $10, $11, $12, $13) ON CONFLICT DO NOTHING";

/// The values of [`INSERT`].
pub(super) fn insert_params(grant: &NewGrant) -> Vec<Value> {
    vec![
        grant.id.into(),
        grant.app.into(),
        grant.user.into(),
        grant.organization.into(),
        (&grant.scopes).into(),
        grant.redirect_uri.clone().into(),
        grant.code_challenge.into(),
        grant.salt.into(),
        grant.key.into(),
        grant.created.into(),
        grant.created.into(),
        grant.code_expires.into(),
        pending_check(grant.code_expires).into(),
    ]
}

/// When the sweep looks at a grant whose code was issued: a redemption does not move it.
fn pending_check(code_expires: Instant) -> Instant {
    code_expires.after(CODE_KEPT)
}

/// Pending, this app, code unexpired, no key revoked → active, generation 1. No index names what changes. Redirect URI and
/// challenge stay: a second use of the code is judged by them.
pub(super) const REDEEM: &str = "UPDATE grants SET state = 1, generation = 1, rotated_at = $1, last_used = $1, expires = $2, ends = $3, \
     proof_key = $4, previous_key = proof_key \
     WHERE id = $5 AND app_id = $6 AND state = 0 AND code_expires > $1 \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = $4)";

/// The values of [`REDEEM`].
pub(super) fn redeem_params(redeem: &Redeem) -> Vec<Value> {
    vec![
        redeem.now.into(),
        redeem.expires.into(),
        redeem.ends.into(),
        redeem.key.into(),
        redeem.id.into(),
        redeem.app.into(),
    ]
}

/// (n, p) → (n+1, n); what the code was bound to goes. A key that is revoked at the same moment neither proved the token nor
/// proves its successor. Asked for each by itself this costs 0.2 µs, by `IN` 2 µs.
const ROTATE: &str = "UPDATE grants SET generation = generation + 1, previous = $1, previous_key = proof_key, \
     proof_key = $2, confirmed = 0, rotated_at = $3, last_used = $3, expires = $4, redirect_uri = NULL, \
     code_challenge = NULL, repeats = CASE WHEN repeats < 3 THEN $5 ELSE repeats END, source = $6 \
     WHERE id = $7 AND generation = $8 AND state = 1 AND previous IS NOT DISTINCT FROM $9 \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = $2)";

/// (n, p) → (n+1, p), while nobody used n. What came was proved by the key before.
const REPLACE: &str = "UPDATE grants SET generation = generation + 1, previous = $1, \
     proof_key = $2, confirmed = 0, rotated_at = $3, last_used = $3, expires = $4, \
     repeats = CASE WHEN repeats < 3 THEN $5 ELSE repeats END, source = $6 \
     WHERE id = $7 AND generation = $8 AND state = 1 AND previous IS NOT DISTINCT FROM $9 AND confirmed = 0 \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.previous_key) \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = $2)";

/// The statement that makes this rotation.
pub(super) fn rotation(rotate: &Rotate) -> &'static str {
    if rotate.replaces() { REPLACE } else { ROTATE }
}

/// The values of [`rotation`].
pub(super) fn rotation_params(rotate: &Rotate) -> Vec<Value> {
    vec![
        rotate.presented.into(),
        rotate.key.into(),
        rotate.now.into(),
        rotate.expires.into(),
        rotate.repeats.into(),
        rotate.source.into(),
        rotate.id.into(),
        rotate.expect.into(),
        rotate.expect_previous.into(),
    ]
}

/// As `COPIED` in `tokens/copies.rs`. A rotation leaves it.
const MARK_COPIED: &str = "UPDATE grants SET repeats = 3 WHERE id = $1 AND state = 1 AND repeats < 3";

/// Pending or active → ended.
pub(super) const END: &str = "UPDATE grants SET state = 2, ended_at = $1, reason = $2, redirect_uri = NULL, \
     code_challenge = NULL, check_at = $3 WHERE id = $4 AND state < 2 AND (generation = $5 OR $5 IS NULL)";

/// The values of [`END`].
pub(super) fn end_params(end: &End) -> Vec<Value> {
    vec![
        end.now.into(),
        end.reason.into(),
        ended_check(end.now).into(),
        end.id.into(),
        end.generation.into(),
    ]
}

/// When the row of a grant that ends now goes.
pub(super) fn ended_check(now: Instant) -> Instant {
    now.after(ENDED_KEPT)
}

/// What the feed tells of an end.
pub(super) fn ended(end: &End) -> NewChange {
    NewChange::about(ChangeKind::Grant, end.id.0.as_bytes(), end.now)
}

/// What the feed tells of a generation that was replaced.
pub(super) fn voided(rotate: &Rotate) -> NewChange {
    let mut void = NewChange::about(ChangeKind::Generation, rotate.id.0.as_bytes(), rotate.now);
    void.value = rotate.expect.into();
    void
}

/// A use: of the grant whatever the generation, of the generation only while it is the current one.
pub(super) const SEEN: &str = "UPDATE grants SET \
     last_used = CASE WHEN last_used IS NULL OR last_used < $1 THEN $1 ELSE last_used END, \
     confirmed = CASE WHEN generation = $2 THEN 1 ELSE confirmed END WHERE id = $3 AND state = 1";

/// When the sweep looks at an active grant again. A rotation moves `expires` but no index, so this may be too early; and
/// never later than a month, because a token that does not expire may get a bound by configuration.
pub(super) fn next_check(expires: Option<Instant>, ends: Option<Instant>, now: Instant) -> Instant {
    let latest = now.after(ENDED_KEPT);
    expires.into_iter().chain(ends).fold(latest, Instant::min)
}

/// A grant from the columns of `select_grant!`.
pub(super) fn grant_of(row: &mut Row) -> Result<Grant> {
    let mut unknown = None;
    let mut grant = Grant {
        id: row.take()?,
        app: row.take()?,
        user: row.take()?,
        organization: row.take()?,
        state: row.take_known("state", State::Ended, &mut unknown)?,
        scopes: row.take_known("scopes", Scopes::default(), &mut unknown)?,
        redirect_uri: row.take()?,
        code_challenge: row.take()?,
        salt: row.take()?,
        key: row.take()?,
        previous_key: row.take()?,
        generation: row.take()?,
        previous: row.take()?,
        confirmed: row.take()?,
        rotated_at: row.take()?,
        created: row.take()?,
        code_expires: row.take()?,
        expires: row.take()?,
        ends: row.take()?,
        last_used: row.take()?,
        ended_at: row.take()?,
        reason: row.take_known("reason", None, &mut unknown)?,
        repeats: row.take()?,
        source: row.take::<Option<Vec<u8>>>()?.and_then(|bytes| bytes.try_into().ok()),
        unknown: None,
    };
    // A grant of an organization, or for one API alone, opens less than this version would let it open.
    row.take_only("acts_as", None, &mut unknown)?;
    row.take_only("resource", None, &mut unknown)?;
    grant.unknown = unknown;
    possible(grant)
}

/// Refuses combinations of columns that no statement of ours makes.
fn possible(grant: Grant) -> Result<Grant> {
    let whole = match grant.state {
        State::Pending => grant.generation == 0 && grant.previous.is_none(),
        State::Active => grant.generation > 0,
        State::Ended => grant.unknown.is_some() || grant.ended_at.is_some() && grant.reason.is_some(),
    };
    let ordered = grant.previous.is_none_or(|previous| previous < grant.generation);
    if whole && ordered {
        return Ok(grant);
    }
    Err(StoreError::Corrupt(format!("grant {} contradicts itself", grant.id)))
}
