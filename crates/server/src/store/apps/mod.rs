//! Apps, which are OAuth clients (RFC 6749 §2).

mod deletion;
pub(crate) mod lists;
pub(crate) mod names;
pub(crate) mod origins;
pub(crate) mod secrets;

pub use lists::Manager;

use super::engine::writer::work::Write;
use super::grants::end::ends_of_app;
use super::model::{
    ActsAs, App, AppId, AppStatus, AppUpdate, ChangeKind, ClientType, EndReason, GrantId, NewChange, Reach, UserId,
};
use super::rows::first;
use super::value::{Row, Statement, Value};
use super::{Result, Store};
use crate::time::Instant;
use hallpass_wire::Scopes;
use names::Named;
use origins::{first_origins, moved_origins};
use secrets::insert_secret;

impl Store {
    /// The app, with its secrets.
    pub async fn app(&self, id: AppId) -> Result<Option<App>> {
        let rows = self.read(APP, &[id.into()]).await?;
        self.with_secrets(first(rows, app_of)?).await
    }

    /// The app with this client ID, with its secrets.
    pub async fn app_by_client_id(&self, client_id: &str) -> Result<Option<App>> {
        let rows = self.read(APP_BY_CLIENT_ID, &[client_id.into()]).await?;
        self.with_secrets(first(rows, app_of)?).await
    }

    /// The id of the app with this client ID.
    pub async fn app_id(&self, client_id: &str) -> Result<Option<AppId>> {
        first(self.read(ID_BY_CLIENT_ID, &[client_id.into()]).await?, Row::take)
    }

    /// Whether the person is in the app's team.
    pub async fn is_in_team(&self, app: AppId, user: UserId) -> Result<bool> {
        Ok(!self.read(IN_TEAM, &[app.into(), user.into()]).await?.is_empty())
    }

    /// Makes an app with its secrets. [`StoreError::Taken`](crate::store::StoreError::Taken): the client ID exists.
    pub async fn create_app(&self, app: App) -> Result<()> {
        let announce = changed(app.id, app.created);
        self.write_announcing(creation(&app), announce).await
    }

    /// The same, with a check of the name that a person chose.
    /// [`StoreError::Conflict`](crate::store::StoreError::Conflict): it looks like the name of another owner's app
    /// whose consent page the same people can see.
    pub async fn create_distinct_app(&self, app: App) -> Result<()> {
        let announce = changed(app.id, app.created);
        let mut statements = Named::of(&app).distinct().to_vec();
        statements.extend(creation(&app));
        self.write_announcing(statements, announce).await
    }

    /// Makes an app for its owner, who may own `most`. [`StoreError::Conflict`](crate::store::StoreError::Conflict):
    /// there is no such person, they own as many already, or the name is refused as in
    /// [`Store::create_distinct_app`]. [`StoreError::Taken`](crate::store::StoreError::Taken): the id or the client
    /// id exists.
    ///
    /// The row of the person is written first, so that simultaneous registrations are counted one after the other.
    pub async fn register_app(&self, app: App, most: u64) -> Result<()> {
        let mut params = insert_params(&app);
        params.push(i64::try_from(most).unwrap_or(i64::MAX).into());
        let mut statements = Named::of(&app).distinct().to_vec();
        statements.extend([
            Statement::new(SAME_USER, vec![app.owner.into()]).expect_one(),
            Statement::new(REGISTER, params).expect_one(),
            names::set_keys(app.id, &app.name),
        ]);
        statements.extend(app.secrets.iter().map(|secret| insert_secret(app.id, secret)));
        statements.extend(first_origins(app.id, &app.redirect_uris));
        self.write_announcing(statements, changed(app.id, app.created)).await
    }

    /// Changes an app. If it moves to another organization its grants end first, so that a crash between two commits
    /// leaves none to the new owner; returns the ended grants.
    /// [`StoreError::Conflict`](crate::store::StoreError::Conflict): there is no such app.
    pub async fn update_app(&self, id: AppId, update: AppUpdate, now: Instant) -> Result<Vec<GrantId>> {
        self.change_app(id, update, vec![], now).await
    }

    /// The same, with a check of the name and the people who can see it.
    /// [`StoreError::Conflict`](crate::store::StoreError::Conflict): there is no such app, or the name would be
    /// refused as in [`Store::create_distinct_app`].
    pub async fn update_distinct_app(&self, app: &App, update: AppUpdate, now: Instant) -> Result<Vec<GrantId>> {
        let before = Named::after(app, &update).distinct().to_vec();
        self.change_app(app.id, update, before, now).await
    }

    async fn change_app(
        &self,
        id: AppId,
        update: AppUpdate,
        before: Vec<Statement>,
        now: Instant,
    ) -> Result<Vec<GrantId>> {
        let ends = update.organization.map(|_| ends_of_app(id, EndReason::AppChanged, now));
        let keys = update.name.as_deref().map(|name| names::set_keys(id, name));
        let origins = update.redirect_uris.as_deref().map(|uris| moved_origins(id, uris));
        let mut statements = before;
        statements.push(Statement::new(UPDATE, update_params(id, update)).expect_one());
        statements.extend(keys);
        statements.extend(origins.into_iter().flatten());
        let announce = vec![changed(id, now)];
        self.write_with(Write {
            statements,
            announce,
            ends,
            after_ends: true,
            ..Write::default()
        })
        .await
    }
}

macro_rules! select_app {
    ($rest:literal) => {
        concat!(
            "SELECT id, client_id, name, organization_id, owner_id, client_type, reach, status, redirect_uris, scopes, ",
            "products, grant_types, trusted, localhost_any_port, created, acts_as, review, dialect FROM apps ",
            $rest
        )
    };
}

const APP: &str = select_app!("WHERE id = $1");

const APP_BY_CLIENT_ID: &str = select_app!("WHERE client_id = $1");

const ID_BY_CLIENT_ID: &str = "SELECT id FROM apps WHERE client_id = $1";

const IN_TEAM: &str = "SELECT 1 FROM app_team WHERE app_id = $1 AND user_id = $2";

const INSERT: &str = "INSERT INTO apps (id, client_id, name, organization_id, owner_id, client_type, reach, status, \
     redirect_uris, scopes, products, grant_types, trusted, localhost_any_port, created, acts_as) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

/// One more, if its owner has fewer than `$17`.
const REGISTER: &str = "INSERT INTO apps (id, client_id, name, organization_id, owner_id, client_type, reach, status, \
     redirect_uris, scopes, products, grant_types, trusted, localhost_any_port, created, acts_as) \
     SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16 \
     WHERE (SELECT COUNT(*) FROM apps WHERE owner_id = $5) < $17";

const SAME_USER: &str = "UPDATE users SET id = id WHERE id = $1";

/// Writes an app's row unchanged: locks it, and shows that it exists.
pub(crate) const SAME_APP: &str = "UPDATE apps SET id = id WHERE id = $1";

/// A column that may be NULL has a number before it that says whether it changes.
const UPDATE: &str = "UPDATE apps SET name = COALESCE($1, name), organization_id = COALESCE($2, organization_id), \
     client_type = COALESCE($3, client_type), reach = COALESCE($4, reach), status = COALESCE($5, status), \
     redirect_uris = COALESCE($6, redirect_uris), products = COALESCE($7, products), \
     scopes = CASE WHEN $8 = 1 THEN $9 ELSE scopes END, \
     grant_types = CASE WHEN $10 = 1 THEN $11 ELSE grant_types END, trusted = COALESCE($12, trusted), \
     localhost_any_port = COALESCE($13, localhost_any_port), \
     owner_id = CASE WHEN $14 = 1 THEN $15 ELSE owner_id END, acts_as = COALESCE($16, acts_as) WHERE id = $17";

fn creation(app: &App) -> Vec<Statement> {
    let mut statements = vec![
        Statement::new(INSERT, insert_params(app)).expect_one(),
        names::set_keys(app.id, &app.name),
    ];
    statements.extend(app.secrets.iter().map(|secret| insert_secret(app.id, secret)));
    statements.extend(first_origins(app.id, &app.redirect_uris));
    statements
}

pub(crate) fn changed(app: AppId, now: Instant) -> NewChange {
    NewChange::about(ChangeKind::App, app.0.as_bytes(), now)
}

fn insert_params(app: &App) -> Vec<Value> {
    vec![
        app.id.into(),
        app.client_id.as_str().into(),
        app.name.as_str().into(),
        app.organization.into(),
        app.owner.into(),
        app.client_type.into(),
        app.reach.into(),
        app.status.into(),
        app.redirect_uris.as_slice().into(),
        app.scopes.as_ref().into(),
        products_column(app.products.as_deref()),
        app.grant_types.as_deref().into(),
        app.trusted.into(),
        app.localhost_any_port.into(),
        app.created.into(),
        app.acts_as.into(),
    ]
}

fn update_params(id: AppId, update: AppUpdate) -> Vec<Value> {
    vec![
        update.name.into(),
        update.organization.into(),
        update.client_type.into(),
        update.reach.into(),
        update.status.into(),
        update.redirect_uris.as_deref().into(),
        update
            .products
            .map_or(Value::Null, |products| products_column(products.as_deref())),
        update.scopes.is_some().into(),
        update.scopes.flatten().as_ref().into(),
        update.grant_types.is_some().into(),
        update.grant_types.flatten().as_deref().into(),
        update.trusted.into(),
        update.localhost_any_port.into(),
        update.owner.is_some().into(),
        update.owner.flatten().into(),
        update.acts_as.into(),
        id.into(),
    ]
}

/// The names of the products. The column has no NULL: an empty list means that products do not limit the app, and one
/// empty name, which no product has, that it is subscribed to none.
fn products_column(products: Option<&[String]>) -> Value {
    match products {
        None => Value::from(&[] as &[String]),
        Some([]) => Value::from(&[String::new()][..]),
        Some(names) => Value::from(names),
    }
}

fn products_of(names: Vec<String>) -> Option<Vec<String>> {
    match names.as_slice() {
        [] => None,
        [none] if none.is_empty() => Some(Vec::new()),
        _ => Some(names),
    }
}

/// An app from the columns of `select_app!`.
pub(crate) fn app_of(row: &mut Row) -> Result<App> {
    let mut unknown = None;
    let mut app = App {
        id: row.take()?,
        client_id: row.take()?,
        name: row.take()?,
        organization: row.take()?,
        owner: row.take()?,
        client_type: row.take_known("client_type", ClientType::Confidential, &mut unknown)?,
        reach: row.take_known("reach", Reach::Own, &mut unknown)?,
        status: row.take_known("status", AppStatus::Suspended, &mut unknown)?,
        redirect_uris: row.take_known("redirect_uris", vec![], &mut unknown)?,
        scopes: row.take_known("scopes", Some(Scopes::default()), &mut unknown)?,
        products: products_of(row.take_known("products", vec![String::new()], &mut unknown)?),
        grant_types: row.take_known("grant_types", Some(vec![]), &mut unknown)?,
        trusted: row.take()?,
        localhost_any_port: row.take()?,
        created: row.take()?,
        acts_as: row.take_known("acts_as", ActsAs::Person, &mut unknown)?,
        secrets: Vec::new(),
        unknown: None,
    };
    // This version knows no apps that wait for review or have a dialect of their own.
    row.take_only("review", Some("none"), &mut unknown)?;
    row.take_only("dialect", None, &mut unknown)?;
    if unknown.is_some() {
        app.status = AppStatus::Suspended;
    }
    app.unknown = unknown;
    Ok(app)
}
