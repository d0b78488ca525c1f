//! A refresh token is exchanged: the grant moves to its next generation (RFC 6749 §6).

use crate::store::engine::writer::work::{Outcome, RotationOutcome, Work};
use crate::store::model::{ChangeKind, Grant, GrantId, NewChange, Rotate, Rotated};
use crate::store::value::{ArrayStatement, Statement, Value};
use crate::store::{Result, Store, StoreError};

impl Store {
    /// Moves a grant to its next generation, if it is still in the state `grant` on which `rotate` is based. Of many
    /// requests that race, one makes the change. If `presented` is not `expect`, generation `expect` becomes void,
    /// with an entry of the feed. [`StoreError::Conflict`]: there is no such grant.
    pub async fn rotate(&self, grant: &Grant, rotate: Rotate) -> Result<Rotated> {
        let (changed, grant) = match self.change(Work::Rotate(rotate)).await? {
            Outcome::Rotated(RotationOutcome::Made { by, own }) => (own, grant.rotated(&by)),
            Outcome::Rotated(RotationOutcome::Found(grant)) => (false, *grant),
            outcome => return Err(outcome.unexpected()),
        };
        // No use of a generation that this request made is known yet; one that another request made may have been
        // used.
        let grant = if changed { grant } else { self.with_last_use(grant) };
        Ok(Rotated { changed, grant })
    }

    /// Marks a grant whose device was copied. `false`: it is marked already, or has ended.
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
}

/// (n, p) → (n+1, n); what the code was bound to is deleted. A key that is revoked at the same moment neither proved the
/// token nor proves its successor. Two conditions cost 0.2 µs, one with `IN` 2 µs.
const ROTATE: &str = "UPDATE grants SET generation = generation + 1, previous = $1, previous_key = proof_key, \
     proof_key = $2, confirmed = 0, rotated_at = $3, last_used = $3, expires = $4, redirect_uri = NULL, \
     code_challenge = NULL, repeats = CASE WHEN repeats < 3 THEN $5 ELSE repeats END, source = $6 \
     WHERE id = $7 AND generation = $8 AND state = 1 AND previous IS NOT DISTINCT FROM $9 \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = $2)";

/// The same for many.
pub(crate) const ROTATE_MANY: ArrayStatement = ArrayStatement {
    sql: ROTATE_ON_POSTGRES,
    columns: "iiiiibbii",
    grant: Some(6),
};

const ROTATE_ON_POSTGRES: &str = "WITH l AS (SELECT b.*, g.state, g.generation, g.previous, g.proof_key \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[], \
     $8::bigint[], $9::bigint[]) \
     WITH ORDINALITY AS b(presented, key, at, expires, repeats, source, id, expect, expect_previous, n) \
     JOIN grants g ON g.id = b.id, (SELECT set_config('lock_timeout', $10, true)) AS w ORDER BY b.id FOR NO KEY UPDATE OF g), \
     u AS (UPDATE grants AS g SET generation = l.generation + 1, previous = l.presented, previous_key = l.proof_key, \
     proof_key = l.key, confirmed = 0, rotated_at = l.at, last_used = l.at, expires = l.expires, redirect_uri = NULL, \
     code_challenge = NULL, repeats = CASE WHEN g.repeats < 3 THEN l.repeats ELSE g.repeats END, \
     source = l.source FROM l \
     WHERE g.id = l.id AND l.state = 1 AND l.generation = l.expect AND l.previous IS NOT DISTINCT FROM l.expect_previous \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys r WHERE r.id IN (l.proof_key, l.key)) RETURNING l.n) \
     SELECT l.n, u.n IS NOT NULL FROM l LEFT JOIN u ON u.n = l.n";

/// (n, p) → (n+1, p), while n was never used. The presented token was proved by the key before.
const REPLACE: &str = "UPDATE grants SET generation = generation + 1, previous = $1, \
     proof_key = $2, confirmed = 0, rotated_at = $3, last_used = $3, expires = $4, \
     repeats = CASE WHEN repeats < 3 THEN $5 ELSE repeats END, source = $6 \
     WHERE id = $7 AND generation = $8 AND state = 1 AND previous IS NOT DISTINCT FROM $9 AND confirmed = 0 \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.previous_key) \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = $2)";

/// The same for many, each with its entry of the feed.
pub(crate) const REPLACE_MANY: ArrayStatement = ArrayStatement {
    sql: REPLACE_ON_POSTGRES,
    columns: "iiiiibbiiii",
    grant: Some(6),
};

const REPLACE_ON_POSTGRES: &str = "WITH l AS (SELECT b.*, g.state, g.generation, g.previous, g.proof_key, g.previous_key, g.confirmed \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bytea[], $7::bytea[], \
     $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[]) \
     WITH ORDINALITY AS b(presented, key, at, expires, repeats, source, id, expect, expect_previous, number, until, n) \
     JOIN grants g ON g.id = b.id, (SELECT set_config('lock_timeout', $12, true)) AS w ORDER BY b.id FOR NO KEY UPDATE OF g), \
     u AS (UPDATE grants AS g SET generation = l.generation + 1, previous = l.presented, proof_key = l.key, \
     confirmed = 0, rotated_at = l.at, last_used = l.at, expires = l.expires, \
     repeats = CASE WHEN g.repeats < 3 THEN l.repeats ELSE g.repeats END, source = l.source FROM l \
     WHERE g.id = l.id AND l.state = 1 AND l.generation = l.expect AND l.previous IS NOT DISTINCT FROM l.expect_previous \
     AND l.confirmed = 0 \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys r WHERE r.id IN (l.proof_key, l.previous_key, l.key)) RETURNING l.n), \
     c AS (INSERT INTO changes (node, number, happened, expires, kind, subject, value) \
     SELECT $13::bytea, l.number, l.at, l.until, 'generation', l.id, l.expect FROM u JOIN l ON l.n = u.n) \
     SELECT l.n, u.n IS NOT NULL FROM l LEFT JOIN u ON u.n = l.n";

/// The statement for this rotation.
pub(crate) fn rotation(rotate: &Rotate) -> &'static str {
    if rotate.replaces() { REPLACE } else { ROTATE }
}

/// The values of [`rotation`].
pub(crate) fn rotation_params(rotate: &Rotate) -> Vec<Value> {
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

/// The entry of the feed for a replaced generation.
pub(crate) fn voided(rotate: &Rotate) -> NewChange {
    let mut void = NewChange::about(ChangeKind::Generation, rotate.id.0.as_bytes(), rotate.now);
    void.value = rotate.expect.into();
    void
}

/// 3 is `COPIED` in `tokens/copies.rs`. A rotation keeps it.
const MARK_COPIED: &str = "UPDATE grants SET repeats = 3 WHERE id = $1 AND state = 1 AND repeats < 3";
