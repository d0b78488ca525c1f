//! People.

mod deletion;
mod kept;
pub(crate) mod sessions;
mod site;

pub use site::SiteChange;

use super::model::{ChangeKind, ListPage, NewChange, NewUser, Status, SuspendedBy, User, UserId, UserUpdate};
use super::organizations::memberships;
use super::rows::{first, more_than, page};
use super::value::{Row, Statement, Value};
use super::{Result, Store, StoreError};
use crate::accounts::passwords::LENDERS;
use crate::accounts::spelling;
use crate::time::Instant;
use uuid::Uuid;

impl Store {
    /// The person, with memberships.
    pub async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.inner.engine.user(id).await
    }

    /// The person with this e-mail address, however it is spelled.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<User>> {
        let mut found = None;
        for spelled in spellings(email) {
            // Both are read in any case, so that the time taken reveals nothing (decision 64).
            let person = person_of(self.read(PERSON_BY_EMAIL, &[spelled.into()]).await?)?;
            found = found.or(person);
        }
        Ok(found)
    }

    /// The person with this e-mail address, and the places where they signed in, as [`Store::create_session`] keeps them.
    pub async fn places_of(&self, email: &str) -> Result<Option<(UserId, String)>> {
        let mut found = None;
        for spelled in spellings(email) {
            let rows = self.read(PLACES_OF, &[spelled.into()]).await?;
            found = found.or(first(rows, |row| Ok((row.take()?, row.take()?)))?);
        }
        Ok(found)
    }

    /// The password hash of the last of these people who has one.
    pub async fn last_password_of(&self, numbers: &[i64; LENDERS]) -> Result<Option<String>> {
        let numbers = numbers.map(Value::from);
        first(self.read(LAST_PASSWORD_OF, &numbers).await?, |row| row.take())
    }

    /// The person with this id of the site.
    pub async fn user_by_external_id(&self, external_id: &str) -> Result<Option<User>> {
        person_of(self.read(PERSON_BY_EXTERNAL_ID, &[external_id.into()]).await?)
    }

    /// Whether this is the subject of a person who has no id of the site.
    pub async fn is_own_subject(&self, subject: &str) -> Result<bool> {
        match own_subject(subject) {
            Some(id) => Ok(self.user(id).await?.is_some()),
            None => Ok(false),
        }
    }

    /// People by number, without memberships.
    pub async fn users(&self, after: Option<i64>, limit: u32) -> Result<ListPage<User, i64>> {
        let params = vec![after.unwrap_or(i64::MIN).into(), more_than(limit)];
        page(self.scan(USERS, params).await?, limit, user_of)
    }

    /// Makes a person with the next number. [`StoreError::Taken`]: the login or the id of the site exists.
    /// [`StoreError::Conflict`]: the id of the site is the subject of another person, or of one who was deleted.
    pub async fn create_user(&self, user: NewUser) -> Result<User> {
        let statements = inserts(&user);
        self.write_announcing(statements, changed(user.id, user.created))
            .await?;
        self.user(user.id).await?.ok_or(StoreError::Conflict)
    }

    /// Whether a person with this subject was deleted.
    pub async fn is_deleted_subject(&self, subject: &str) -> Result<bool> {
        Ok(!self.read(DELETED_SUBJECT, &[subject.into()]).await?.is_empty())
    }

    /// Changes a person; another password ends every session. [`StoreError::Conflict`]: there is no such person.
    pub async fn update_user(&self, id: UserId, update: UserUpdate, now: Instant) -> Result<()> {
        let end_sessions = update.password.is_some();
        let mut statements = vec![Statement::new(UPDATE, update_params(id, update)).expect_one()];
        statements.extend(end_sessions.then(|| sessions::delete_of(id)));
        self.write_announcing(statements, changed(id, now)).await
    }

    /// Suspends a person and ends every session. [`StoreError::Conflict`]: there is no such person.
    pub async fn suspend_user(&self, id: UserId, by: SuspendedBy, now: Instant) -> Result<()> {
        let suspend = Statement::new(SUSPEND, vec![by.into(), id.into()]).expect_one();
        let statements = vec![suspend, sessions::delete_of(id)];
        self.write_announcing(statements, changed(id, now)).await
    }

    /// Lifts a suspension by its author. [`StoreError::Conflict`]: there is no such person, or only the other author
    /// suspended them.
    pub async fn resume_user(&self, id: UserId, by: SuspendedBy, now: Instant) -> Result<()> {
        let other = match by {
            SuspendedBy::Site => SuspendedBy::Operator,
            SuspendedBy::Operator | SuspendedBy::Both => SuspendedBy::Site,
        };
        let params = vec![other.into(), id.into(), by.into()];
        let statements = vec![Statement::new(RESUME, params).expect_one()];
        self.write_announcing(statements, changed(id, now)).await
    }
}

/// The person once for each membership, which takes one read instead of two; once with NULL if there is none.
macro_rules! select_person {
    ($rest:literal) => {
        concat!(
            "SELECT id, number, email, external_id, contact_email, name, password, locale, admin, developer, status, ",
            "suspended_by, created, organization_id, role FROM users LEFT JOIN ",
            $rest
        )
    };
}

pub(crate) const PERSON: &str =
    select_person!("memberships ON user_id = id AND ended_at IS NULL WHERE id = $1 ORDER BY organization_id");

const PERSON_BY_EMAIL: &str =
    select_person!("memberships ON user_id = id AND ended_at IS NULL WHERE email = $1 ORDER BY organization_id");

const PERSON_BY_EXTERNAL_ID: &str =
    select_person!("memberships ON user_id = id AND ended_at IS NULL WHERE external_id = $1 ORDER BY organization_id");

/// Many people at once. `OFFSET 0` makes PostgreSQL look up each person's memberships in the index; otherwise it reads
/// all memberships while a thousand of them fit in few pages.
pub(crate) const PEOPLE_ON_POSTGRES: &str = select_person!(
    "LATERAL (SELECT organization_id, role FROM memberships WHERE user_id = users.id AND ended_at IS NULL OFFSET 0) AS own \
     ON TRUE WHERE id = ANY($1) ORDER BY organization_id"
);

pub(crate) const USERS: &str = "SELECT number, id, number, email, external_id, contact_email, name, password, locale, admin, developer, \
     status, suspended_by, created FROM users WHERE number > $1 ORDER BY number LIMIT $2";

const PLACES_OF: &str = "SELECT id, COALESCE(places, '') FROM users WHERE email = $1";

const LAST_PASSWORD_OF: &str = "SELECT password FROM users WHERE number IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
     $12, $13, $14, $15, $16, $17, $18, $19, $20) AND password IS NOT NULL ORDER BY number DESC LIMIT 1";

/// The number that [`INSERT`] uses. The lock of this row makes simultaneous registrations wait for each other, and the
/// number of a deleted person is never used again.
const NEXT_NUMBER: &str = "UPDATE settings SET value = value + 1 WHERE name = 'last_user_number'";

const DELETED_SUBJECT: &str = "SELECT 1 FROM deleted_subjects WHERE external_id = $1";

/// A site's id in the form of somebody else's subject (`$12`) is refused, and the subject of somebody who was deleted.
const INSERT: &str = "INSERT INTO users \
     (id, number, email, external_id, contact_email, name, password, locale, admin, developer, status, created) \
     SELECT $1, (SELECT value FROM settings WHERE name = 'last_user_number'), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11 \
     WHERE NOT EXISTS (SELECT 1 FROM users WHERE id = $12) \
     AND NOT EXISTS (SELECT 1 FROM deleted_subjects WHERE external_id = $3)";

/// Inserts a person with the next number and their memberships.
fn inserts(user: &NewUser) -> Vec<Statement> {
    let mut statements = vec![
        Statement::new(NEXT_NUMBER, vec![]).expect_one(),
        Statement::new(INSERT, insert_params(user)).expect_one(),
    ];
    for membership in &user.memberships {
        statements.push(memberships::put(user.id, membership));
    }
    statements
}

/// A column that may be NULL has a number before it that says whether it changes.
const UPDATE: &str = "UPDATE users SET name = COALESCE($1, name), password = CASE WHEN $2 = 1 THEN $3 ELSE password END, \
     locale = CASE WHEN $4 = 1 THEN $5 ELSE locale END, admin = COALESCE($6, admin), developer = COALESCE($7, developer) \
     WHERE id = $8";

/// Each of two suspensions counts. One without an author was made by the operator of an older server, which leaves the
/// author in the row when it resumes a person; so the author counts only while the person is suspended.
const SUSPEND: &str = "UPDATE users SET status = 'suspended', suspended_by = CASE WHEN status <> 'suspended' \
     OR suspended_by = $1 OR (suspended_by IS NULL AND $1 = 'operator') THEN $1 ELSE 'both' END WHERE id = $2";

/// `$1` is the other possible author.
const RESUME: &str = "UPDATE users SET \
     status = CASE WHEN status = 'suspended' AND suspended_by = 'both' THEN 'suspended' ELSE 'active' END, \
     suspended_by = CASE WHEN status = 'suspended' AND suspended_by = 'both' THEN $1 ELSE NULL END WHERE id = $2 \
     AND (status <> 'suspended' OR suspended_by IN ('both', $3) OR (suspended_by IS NULL AND $3 = 'operator'))";

/// The stored spelling of an address, and the one used before addresses were composed, if it differs.
fn spellings(email: &str) -> impl Iterator<Item = String> {
    let (spelled, before) = (spelling::email(email), email.trim().to_lowercase());
    let before = Some(before).filter(|before| *before != spelled);
    std::iter::once(spelled).chain(before)
}

/// The person whose subject this is, if it is one of ours. In another spelling too, because an API may read it as the same id.
fn own_subject(text: &str) -> Option<UserId> {
    Uuid::try_parse(text).ok().map(UserId)
}

pub(crate) fn changed(user: UserId, now: Instant) -> NewChange {
    NewChange::about(ChangeKind::User, user.0.as_bytes(), now)
}

fn insert_params(user: &NewUser) -> Vec<Value> {
    vec![
        user.id.into(),
        user.email.as_deref().map(spelling::email).into(),
        user.external_id.as_deref().into(),
        user.contact_email.as_deref().into(),
        user.name.as_str().into(),
        user.password.as_deref().into(),
        user.locale.as_deref().into(),
        user.admin.into(),
        user.developer.into(),
        Status::Active.into(),
        user.created.into(),
        user.external_id.as_deref().and_then(own_subject).into(),
    ]
}

fn update_params(id: UserId, update: UserUpdate) -> Vec<Value> {
    vec![
        update.name.into(),
        update.password.is_some().into(),
        update.password.flatten().into(),
        update.locale.is_some().into(),
        update.locale.flatten().into(),
        update.admin.into(),
        update.developer.into(),
        id.into(),
    ]
}

/// The person of all these rows of `select_person!`.
pub(crate) fn person_of(rows: Vec<Row>) -> Result<Option<User>> {
    let mut found = None;
    for mut row in rows {
        let user = user_of(&mut row)?;
        let person = found.get_or_insert(user);
        person.memberships.extend(memberships::joined(&mut row)?);
    }
    Ok(found)
}

/// A person from the columns of `select_person!` before those of memberships.
pub(crate) fn user_of(row: &mut Row) -> Result<User> {
    let mut unknown = None;
    let mut user = User {
        id: row.take()?,
        number: row.take()?,
        email: row.take()?,
        external_id: row.take()?,
        contact_email: row.take()?,
        name: row.take()?,
        password: row.take()?,
        locale: row.take()?,
        admin: row.take()?,
        developer: row.take()?,
        status: row.take_known("status", Status::Suspended, &mut unknown)?,
        suspended_by: row
            .take::<Option<String>>()?
            .and_then(|word| SuspendedBy::from_text(&word)),
        created: row.take()?,
        memberships: Vec::new(),
        unknown: None,
    };
    user.unknown = unknown;
    user.suspended_by = user.suspended_by.filter(|_| user.status == Status::Suspended);
    Ok(user)
}
