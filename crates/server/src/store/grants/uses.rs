//! Uses of grants: memory knows them at once, the database within seconds.

use crate::store::Store;
use crate::store::engine::writer::work::{Use, Used};
use crate::store::model::Grant;
use crate::store::model::GrantId;
use crate::store::value::ArrayStatement;
use crate::time::Instant;

impl Store {
    /// Notes the use of a valid token of this generation. Memory knows it at once, the database within seconds.
    pub fn touch(&self, id: GrantId, generation: u32, now: Instant) {
        let (of, at) = (Used::Grant(id), now);
        self.note(Use { of, generation, at });
    }

    /// The last seen generation of a grant (see [`Store::touch`]), and when, as far as memory knows.
    fn last_seen(&self, id: GrantId) -> Option<(u32, Instant)> {
        self.inner.shared.uses.last(Used::Grant(id))
    }

    /// Whether a token of this generation was seen, as far as memory knows.
    #[cfg(test)]
    pub(crate) fn seen(&self, id: GrantId, generation: u32) -> bool {
        self.last_seen(id).is_some_and(|(seen, _)| seen == generation)
    }

    /// The grant with the uses that only memory knows yet. Pages show them, so no page has to cause a write.
    pub(crate) fn with_last_use(&self, mut grant: Grant) -> Grant {
        if let Some((generation, at)) = self.last_seen(grant.id) {
            grant.confirmed |= generation == grant.generation;
            grant.last_used = grant.last_used.max(Some(at));
        }
        grant
    }
}

/// A use counts for the grant whatever its generation, and for the generation only while it is current.
pub(crate) const SEEN: &str = "UPDATE grants SET \
     last_used = CASE WHEN last_used IS NULL OR last_used < $1 THEN $1 ELSE last_used END, \
     confirmed = CASE WHEN generation = $2 THEN 1 ELSE confirmed END WHERE id = $3 AND state = 1";

/// The same for many.
pub(crate) const SEEN_MANY: ArrayStatement = ArrayStatement {
    sql: SEEN_ON_POSTGRES,
    columns: "iib",
    grant: None,
};

/// Returns the uses that were not written: a use waits for no lock.
const SEEN_ON_POSTGRES: &str = "WITH b AS (SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) \
     WITH ORDINALITY AS b(at, generation, id, n), (SELECT set_config('lock_timeout', $4, true)) AS w), \
     l AS (SELECT b.at, b.generation, b.id, g.state, g.generation AS current FROM b \
     JOIN grants g ON g.id = b.id ORDER BY b.id FOR NO KEY UPDATE OF g SKIP LOCKED), \
     u AS (UPDATE grants AS g SET last_used = GREATEST(g.last_used, l.at), \
     confirmed = CASE WHEN l.current = l.generation THEN 1 ELSE g.confirmed END FROM l \
     WHERE g.id = l.id AND l.state = 1) \
     SELECT b.n, b.id FROM b JOIN grants g ON g.id = b.id WHERE NOT EXISTS (SELECT 1 FROM l WHERE l.id = b.id)";
