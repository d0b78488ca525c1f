//! The site's answers to sign-ins ([handover]), each until the request for it ends.

use super::engine::writer::work::Write;
use super::model::{Acceptance, Accepted, NewChange};
use super::rows::first;
use super::value::{Row, Statement};
use super::{Result, Store, StoreError};
use crate::time::Instant;
use std::time::Duration;

/// How long a repeated message of the site gets the same answer.
pub const REPEATED: Duration = Duration::from_secs(60);

/// How many expired answers one new answer removes: more than it adds.
const REMOVED: u32 = 4;

impl Store {
    /// The site's answer to this request, if there is one.
    pub async fn acceptance(&self, request: [u8; 32]) -> Result<Option<Acceptance>> {
        first(self.read(ACCEPTANCE, &[request.into()]).await?, acceptance_of)
    }

    /// Keeps the site's answer, unless the one before is spent, or is the same and young. Returns the answer that counts.
    pub async fn accept(&self, acceptance: &Acceptance) -> Result<Acceptance> {
        self.accept_with(acceptance, vec![], vec![]).await
    }

    /// The same, in one commit with changes to the person.
    pub(super) async fn accept_with(
        &self,
        acceptance: &Acceptance,
        mut statements: Vec<Statement>,
        announce: Vec<NewChange>,
    ) -> Result<Acceptance> {
        let expired = if self.is_shared() {
            DELETE_EXPIRED_ON_POSTGRES
        } else {
            DELETE_EXPIRED
        };
        let (now, limit) = (acceptance.accepted.into(), REMOVED.into());
        statements.push(Statement::new(expired, vec![now, limit]));
        statements.push(Statement::new(ACCEPT, accept_params(acceptance)));
        let write = Write {
            statements,
            announce,
            ..Write::default()
        };
        self.write_with(write).await?;
        let kept = self.acceptance(acceptance.request).await?;
        kept.ok_or(StoreError::Conflict)
    }

    /// Spends an answer that signs nobody in. `false`: it was spent or replaced before.
    pub async fn spend(&self, acceptance: &Acceptance, now: Instant) -> Result<bool> {
        let spend = spend(acceptance.request, acceptance.digest, acceptance.accepted, now);
        match self.write(vec![spend.expect_one()]).await {
            Ok(()) => Ok(true),
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Spends an answer. Of many attempts, one changes the row.
pub(super) fn spend(request: [u8; 32], digest: [u8; 32], accepted: Instant, now: Instant) -> Statement {
    let params = vec![now.into(), request.into(), digest.into(), accepted.into()];
    Statement::new(SPEND, params)
}

const ACCEPTANCE: &str = "SELECT request, digest, user_id, organization_id, error, message, auth_time, acr, amr, accepted, \
     spent, expires FROM handovers WHERE request = $1";

/// The same message within a minute leaves the row as it is, so its answer is the same. Any other replaces the row, and the
/// value in the older answer is worthless from then on.
const ACCEPT: &str = "INSERT INTO handovers (request, digest, user_id, organization_id, error, message, auth_time, acr, amr, \
     accepted, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
     ON CONFLICT (request) DO UPDATE SET digest = excluded.digest, user_id = excluded.user_id, \
     organization_id = excluded.organization_id, error = excluded.error, message = excluded.message, \
     auth_time = excluded.auth_time, acr = excluded.acr, amr = excluded.amr, accepted = excluded.accepted \
     WHERE handovers.spent IS NULL AND NOT (handovers.digest = excluded.digest AND handovers.accepted > $12)";

const SPEND: &str =
    "UPDATE handovers SET spent = $1 WHERE request = $2 AND digest = $3 AND accepted = $4 AND spent IS NULL";

const DELETE_EXPIRED: &str = "DELETE FROM handovers WHERE request IN (SELECT request FROM handovers WHERE expires <= $1 ORDER BY expires LIMIT $2)";
const DELETE_EXPIRED_ON_POSTGRES: &str = "DELETE FROM handovers WHERE request IN \
     (SELECT request FROM handovers WHERE expires <= $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED)";

fn accept_params(acceptance: &Acceptance) -> Vec<super::value::Value> {
    let person = acceptance.outcome.as_ref().ok();
    vec![
        acceptance.request.into(),
        acceptance.digest.into(),
        person.map(|person| person.user).into(),
        person.and_then(|person| person.organization).into(),
        acceptance.outcome.as_ref().err().copied().into(),
        acceptance.message.as_deref().into(),
        person.and_then(|person| person.auth_time).into(),
        person.and_then(|person| person.acr.as_deref()).into(),
        person.and_then(|person| person.amr.as_deref()).into(),
        acceptance.accepted.into(),
        acceptance.expires.into(),
        acceptance.accepted.before(REPEATED).into(),
    ]
}

fn acceptance_of(row: &mut Row) -> Result<Acceptance> {
    let (request, digest) = (row.take()?, row.take()?);
    let (user, organization, error) = (row.take()?, row.take()?, row.take()?);
    let message = row.take()?;
    let (auth_time, acr, amr) = (row.take()?, row.take()?, row.take()?);
    let outcome = match (user, error) {
        (Some(user), None) => Ok(Accepted {
            user,
            organization,
            auth_time,
            acr,
            amr,
        }),
        (None, Some(error)) => Err(error),
        _ => {
            return Err(StoreError::Corrupt(
                "an answer of the site names a person and an error, or neither".to_owned(),
            ));
        }
    };
    Ok(Acceptance {
        request,
        digest,
        outcome,
        message,
        accepted: row.take()?,
        spent: row.take()?,
        expires: row.take()?,
    })
}
