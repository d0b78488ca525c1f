//! A code is redeemed: the grant becomes active (RFC 6749 §4.1.3).

use super::due::next_check;
use super::insert::pending_check;
use crate::store::engine::writer::work::{Outcome, Work};
use crate::store::model::{Grant, Redeem, Redeemed};
use crate::store::value::{ArrayStatement, Value};
use crate::store::{Result, Store};

impl Store {
    /// Makes the pending grant of this app active. `None`: it is not pending, or its code has expired.
    pub async fn redeem(&self, grant: &Grant, redeem: Redeem) -> Result<Option<Redeemed>> {
        // The sweep sets `check_at` when it comes; only a grant that is due earlier needs it now.
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
}

/// Pending, this app, code unexpired, no key revoked → active, generation 1. No index names a changed column. Redirect
/// URI and challenge stay: a second use of the code is checked against them.
pub(crate) const REDEEM: &str = "UPDATE grants SET state = 1, generation = 1, rotated_at = $1, last_used = $1, expires = $2, ends = $3, \
     proof_key = $4, previous_key = proof_key \
     WHERE id = $5 AND app_id = $6 AND state = 0 AND code_expires > $1 \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = grants.proof_key) \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys WHERE revoked_keys.id = $4)";

/// The same for many, with [`SOONER`] and [`CROWDED`].
pub(crate) const REDEEM_MANY: ArrayStatement = ArrayStatement {
    sql: REDEEM_ON_POSTGRES,
    columns: "iiiibbii",
    grant: Some(4),
};

const REDEEM_ON_POSTGRES: &str = "WITH l AS (SELECT b.*, g.state, g.app_id, g.user_id, g.code_expires, g.proof_key \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bigint[], \
     $8::bigint[]) WITH ORDINALITY AS b(at, expires, ends, key, id, app, due, keep, n) \
     JOIN grants g ON g.id = b.id, (SELECT set_config('lock_timeout', $9, true)) AS w ORDER BY b.id FOR NO KEY UPDATE OF g), \
     u AS (UPDATE grants AS g SET state = 1, generation = 1, rotated_at = l.at, last_used = l.at, expires = l.expires, \
     ends = l.ends, proof_key = l.key, previous_key = l.proof_key, check_at = LEAST(g.check_at, l.due) FROM l \
     WHERE g.id = l.id AND l.app_id = l.app AND l.state = 0 AND l.code_expires > l.at \
     AND NOT EXISTS (SELECT 1 FROM revoked_keys r WHERE r.id IN (l.proof_key, l.key)) RETURNING l.n) \
     SELECT l.n, u.n IS NOT NULL, u.n IS NOT NULL AND (SELECT COUNT(*) FROM (SELECT 1 FROM grants o \
     WHERE o.user_id = l.user_id AND o.app_id = l.app_id LIMIT l.keep + 1) AS many) > l.keep \
     FROM l LEFT JOIN u ON u.n = l.n";

/// The values of [`REDEEM`].
pub(crate) fn redeem_params(redeem: &Redeem) -> Vec<Value> {
    vec![
        redeem.now.into(),
        redeem.expires.into(),
        redeem.ends.into(),
        redeem.key.into(),
        redeem.id.into(),
        redeem.app.into(),
    ]
}

/// Lets the sweep look at a grant earlier.
pub(crate) const SOONER: &str = "UPDATE grants SET check_at = $1 WHERE id = $2";

/// Whether the person of this grant has more than so many for its app. Nearly always not, and the index alone tells it.
pub(crate) const CROWDED: &str = "SELECT 1 FROM grants AS own JOIN grants AS other \
     ON other.user_id = own.user_id AND other.app_id = own.app_id WHERE own.id = $1 LIMIT 1 OFFSET $2";
