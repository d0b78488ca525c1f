//! Secrets of apps.

use super::{SAME_APP, changed};
use crate::store::engine::writer::work::{Use, Used};
use crate::store::model::{App, AppId, AppSecret, Others, SecretHash, SecretId};
use crate::store::rows::readable;
use crate::store::value::{ArrayStatement, Row, Statement, Value};
use crate::store::{Result, Store, StoreError};
use crate::time::Instant;

impl Store {
    /// Notes that a secret authenticated its app. Memory knows it at once, the database within seconds and at most
    /// once a minute.
    pub fn touch_secret(&self, id: SecretId, now: Instant) {
        let (of, generation, at) = (Used::Secret(id), 0, now);
        self.note(Use { of, generation, at });
    }

    /// When a secret was used last (see [`Store::touch_secret`]), as far as memory knows.
    fn last_use_of(&self, id: SecretId) -> Option<Instant> {
        self.inner.shared.uses.last(Used::Secret(id)).map(|(_, at)| at)
    }

    /// Gives an app a new secret, and says what happens to its other secrets. [`StoreError::Conflict`]: there is no
    /// such app, or it would have more than two live secrets. [`StoreError::Taken`]: the secret exists.
    ///
    /// The row of the app is written first, so that simultaneous changes are counted one after the other.
    pub async fn set_secret(&self, app: AppId, secret: AppSecret, others: Others, now: Instant) -> Result<()> {
        let mut statements = vec![Statement::new(SAME_APP, vec![app.into()]).expect_one()];
        if others == Others::End {
            statements.push(Statement::new(DELETE_SECRETS, vec![app.into(), secret.id.into()]));
        }
        let mut params = secret_params(app, &secret);
        params.push(now.into());
        statements.push(Statement::new(ADD_SECRET, params).expect_one());
        if let Others::EndAt(end) = others {
            let params = vec![end.into(), app.into(), secret.id.into()];
            statements.push(Statement::new(END_SECRETS, params));
        }
        self.write_announcing(statements, changed(app, now)).await
    }

    /// Ends a secret of an app at once. [`StoreError::Conflict`]: there is no such secret, or no lasting secret would
    /// be left.
    pub async fn end_secret(&self, app: AppId, secret: SecretId, now: Instant) -> Result<()> {
        let statements = vec![
            Statement::new(SAME_APP, vec![app.into()]).expect_one(),
            Statement::new(DELETE_SECRET, vec![app.into(), secret.into()]).expect_one(),
        ];
        self.write_announcing(statements, changed(app, now)).await
    }

    pub(super) async fn with_secrets(&self, app: Option<App>) -> Result<Option<App>> {
        let Some(mut app) = app else { return Ok(None) };
        app.secrets = readable(self.read(SECRETS, &[app.id.into()]).await?, secret_of);
        // Memory knows later uses than the database.
        for secret in &mut app.secrets {
            secret.last_used = secret.last_used.max(self.last_use_of(secret.id));
        }
        Ok(Some(app))
    }

    /// Whether any app or API has a secret that a person chose, and that could be guessed.
    pub async fn has_chosen_secrets(&self) -> Result<bool> {
        Ok(!self.read(CHOSEN_SECRETS, &[]).await?.is_empty())
    }
}

const SECRETS: &str =
    "SELECT id, sha256, argon2, hint, created, last_used, expires FROM secrets WHERE app_id = $1 ORDER BY created, id";

const CHOSEN_SECRETS: &str = "SELECT 1 FROM secrets WHERE argon2 IS NOT NULL UNION ALL \
     SELECT 1 FROM resources WHERE argon2 IS NOT NULL LIMIT 1";

const INSERT_SECRET: &str = "INSERT INTO secrets (id, app_id, sha256, argon2, hint, created, last_used, expires) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// One more, if fewer than two are live.
const ADD_SECRET: &str = "INSERT INTO secrets (id, app_id, sha256, argon2, hint, created, last_used, expires) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8 \
     WHERE (SELECT COUNT(*) FROM secrets WHERE app_id = $2 AND (expires IS NULL OR expires > $9)) < 2";

/// All but the one with the id of the new secret: if it exists, the new one is refused.
const DELETE_SECRETS: &str = "DELETE FROM secrets WHERE app_id = $1 AND id <> $2";

/// A secret, if another one does not expire: an app without a secret is out of service.
const DELETE_SECRET: &str = "DELETE FROM secrets WHERE app_id = $1 AND id = $2 \
     AND EXISTS (SELECT 1 FROM secrets AS other WHERE other.app_id = $1 AND other.id <> $2 AND other.expires IS NULL)";

/// All but the new one.
const END_SECRETS: &str =
    "UPDATE secrets SET expires = CASE WHEN expires < $1 THEN expires ELSE $1 END WHERE app_id = $2 AND id <> $3";

/// A use of a secret.
pub(crate) const SECRET_SEEN: &str =
    "UPDATE secrets SET last_used = CASE WHEN last_used > $1 THEN last_used ELSE $1 END WHERE id = $2";

/// The same for many.
pub(crate) const SECRET_SEEN_MANY: ArrayStatement = ArrayStatement {
    sql: SECRET_SEEN_ON_POSTGRES,
    columns: "ib",
    grant: None,
};

const SECRET_SEEN_ON_POSTGRES: &str = "WITH l AS (SELECT b.* FROM unnest($1::bigint[], $2::bytea[]) AS b(at, id) \
     JOIN secrets s ON s.id = b.id, (SELECT set_config('lock_timeout', $3, true)) AS w ORDER BY b.id \
     FOR NO KEY UPDATE OF s SKIP LOCKED) \
     UPDATE secrets AS s SET last_used = GREATEST(s.last_used, l.at) FROM l WHERE s.id = l.id";

pub(crate) const DELETE_EXPIRED: &str =
    "DELETE FROM secrets WHERE id IN (SELECT id FROM secrets WHERE expires <= $1 ORDER BY expires LIMIT $2)";

pub(crate) const DELETE_EXPIRED_ON_POSTGRES: &str = "DELETE FROM secrets WHERE id IN \
     (SELECT id FROM secrets WHERE expires <= $1 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED)";

pub(crate) fn insert_secret(app: AppId, secret: &AppSecret) -> Statement {
    Statement::new(INSERT_SECRET, secret_params(app, secret)).expect_one()
}

fn secret_params(app: AppId, secret: &AppSecret) -> Vec<Value> {
    let (sha256, argon2) = hash_columns(&secret.hash);
    vec![
        secret.id.into(),
        app.into(),
        sha256,
        argon2,
        secret.hint.as_str().into(),
        secret.created.into(),
        secret.last_used.into(),
        secret.expires.into(),
    ]
}

fn secret_of(row: &mut Row) -> Result<AppSecret> {
    let id: SecretId = row.take()?;
    let hash = hash_of(row)?.ok_or_else(|| StoreError::Corrupt(format!("secret {id} has no hash")))?;
    Ok(AppSecret {
        id,
        hash,
        hint: row.take()?,
        created: row.take()?,
        last_used: row.take()?,
        expires: row.take()?,
    })
}

/// The columns `sha256` and `argon2` of a hash.
pub(crate) fn hash_columns(hash: &SecretHash) -> (Value, Value) {
    match hash {
        SecretHash::Sha256(digest) => ((*digest).into(), Value::Null),
        SecretHash::Argon2(phc) => (Value::Null, phc.as_str().into()),
    }
}

/// The hash in the columns `sha256` and `argon2`.
pub(crate) fn hash_of(row: &mut Row) -> Result<Option<SecretHash>> {
    match (row.take()?, row.take()?) {
        (None, None) => Ok(None),
        (Some(digest), None) => Ok(Some(SecretHash::Sha256(digest))),
        (None, Some(phc)) => Ok(Some(SecretHash::Argon2(phc))),
        (Some(_), Some(_)) => Err(StoreError::Corrupt("a secret has two hashes".to_owned())),
    }
}
