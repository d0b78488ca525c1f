//! Each function against a database, on the engine that `HALLPASS_TEST_DATABASE` names; races; a database that fails.
//! What is one engine's alone stands in a module of its name.

mod app_names;
mod apps;
mod audit;
mod deletions;
mod failures;
mod grants;
mod keys;
mod lists;
mod nodes;
mod nouns;
mod organization_grants;
mod origins;
mod people;
mod postgres;
mod queue;
mod races;
mod schema;
mod sqlite;
mod sweep;
mod tls;
mod words;

use super::model::*;
use super::{Address, Result, Store, StoreError};
use crate::config::{self, StoreUrl};
use crate::database::Database;
use crate::time::Instant;
use hallpass_wire::{Origin, RedirectUri, Scopes};
use std::time::Duration;
use uuid::Uuid;

/// Some moment in 2026.
const NOW: Instant = Instant(1_780_000_000_000);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A new store, and its database, which goes with it.
struct Fixture {
    store: Store,
    database: Database,
}

impl Fixture {
    async fn new() -> Self {
        Self::on(Database::new()).await
    }

    async fn on(database: Database) -> Self {
        let store = opened(&database).await;
        store.migrate().await.unwrap();
        Self { store, database }
    }

    /// The app and the organization of [`new_grant`], and another organization: the sweep ends grants without them.
    async fn with_app(self) -> Self {
        for (id, slug) in [(300, "library"), (301, "museum")] {
            self.store.create_organization(organization(id, slug)).await.unwrap();
        }
        self.store.create_app(app(100, "planner")).await.unwrap();
        self
    }

    /// The same with the person of [`new_grant`], a member.
    async fn with_people(self) -> Self {
        let fixture = self.with_app().await;
        let membership = Membership {
            organization: OrganizationId(uuid(300)),
            role: Role::Member,
        };
        let ada = NewUser {
            memberships: vec![membership],
            ..new_user(200, "ada@example.com")
        };
        fixture.store.create_user(ada).await.unwrap();
        fixture
    }

    /// What somebody else does to the database, such as an operator, and is answered.
    fn sql(&self, statements: &str) -> String {
        let answer = self.database.sql(statements);
        answer.unwrap_or_else(|error| panic!("{error}: {statements}"))
    }

    /// The store as a restart finds it.
    async fn restarted(self) -> Self {
        let Self { store, database } = self;
        drop(store);
        Self::on(database).await
    }

    /// How many grants a person has, ended ones included.
    async fn grants_of(&self, user: u128) -> usize {
        let filter = GrantFilter {
            user: Some(UserId(uuid(user))),
            limit: u32::MAX,
            ..GrantFilter::default()
        };
        self.store.grants(filter).await.unwrap().len()
    }

    async fn pending(&self, id: u128) -> Grant {
        self.store.insert_grant(new_grant(id)).await.unwrap()
    }

    async fn active(&self, id: u128) -> Grant {
        self.pending(id).await;
        self.redeem(redeem(id)).await.unwrap().unwrap()
    }

    /// Redeems from the row as it stands.
    async fn redeem(&self, redeem: Redeem) -> Result<Option<Grant>> {
        redeem_row(&self.store, redeem).await
    }

    /// Rotates from the row as it stands.
    async fn rotate(&self, rotate: Rotate) -> Result<Rotated> {
        rotate_row(&self.store, rotate).await
    }

    /// The kinds and values of the feed.
    async fn feed(&self) -> Vec<(ChangeKind, i64)> {
        let changes = self.store.changes(NOW).await.unwrap();
        changes.iter().map(|change| (change.kind, change.value)).collect()
    }
}

/// Everything on one page.
const ALL: u32 = 1_000;

impl Store {
    /// The grants of a list, without names.
    pub(crate) async fn grants(&self, filter: GrantFilter) -> Result<Vec<Grant>> {
        let page = self.listed_grants(filter).await?;
        Ok(page.items.into_iter().map(|listed| listed.grant).collect())
    }

    /// The events of a list, without names.
    pub(crate) async fn audit_events(&self, filter: AuditFilter) -> Result<Vec<AuditEvent>> {
        let listed = self.listed_events(filter).await?.items.into_iter();
        Ok(listed.map(|listed| listed.event).collect())
    }

    /// The apps of a list, without names.
    pub(crate) async fn listed_apps(&self, organization: Option<u128>) -> Vec<App> {
        let organization = organization.map(|id| OrganizationId(uuid(id)));
        let page = self.apps(organization, "", ALL).await.unwrap();
        page.items.into_iter().map(|listed| listed.app).collect()
    }
}

/// A store on a database, with two connections to read grants on; it may have no tables yet.
pub(crate) async fn opened(database: &Database) -> Store {
    tried(database).await.unwrap()
}

/// The same, where that may fail.
async fn tried(database: &Database) -> Result<Store> {
    let url = match database.is_postgres() {
        true => StoreUrl::Postgres(Box::new(Address::parse(&database.url()).unwrap())),
        false => StoreUrl::Sqlite(database.file().to_owned()),
    };
    let config = config::Store {
        url,
        connections: 4,
        prepared_statements: true,
    };
    Store::open(&config, 2).await
}

async fn redeem_row(store: &Store, redeem: Redeem) -> Result<Option<Grant>> {
    let grant = store.grant(redeem.id).await?.ok_or(StoreError::Conflict)?;
    Ok(store.redeem(&grant, redeem).await?.map(|redeemed| redeemed.grant))
}

async fn rotate_row(store: &Store, rotate: Rotate) -> Result<Rotated> {
    let grant = store.grant(rotate.id).await?.ok_or(StoreError::Conflict)?;
    store.rotate(&grant, rotate).await
}

fn uuid(id: u128) -> Uuid {
    Uuid::from_u128(id)
}

fn grant_id(id: u128) -> GrantId {
    GrantId(uuid(id))
}

fn new_grant(id: u128) -> NewGrant {
    NewGrant {
        acts_as: ActsAs::Person,
        id: grant_id(id),
        app: AppId(uuid(100)),
        user: UserId(uuid(200)),
        organization: OrganizationId(uuid(300)),
        scopes: Scopes::parse("sales library").unwrap(),
        redirect_uri: Some("https://app.example/cb".to_owned()),
        code_challenge: Some([7; 32]),
        salt: [9; 16],
        key: 1,
        created: NOW,
        code_expires: NOW.after(Duration::from_secs(60)),
    }
}

fn redeem(id: u128) -> Redeem {
    Redeem {
        id: grant_id(id),
        app: AppId(uuid(100)),
        now: NOW,
        expires: Some(NOW.after(DAY)),
        ends: None,
        key: 1,
        keep: 50,
    }
}

/// The same, of a refresh token that does not expire.
fn never_expiring(id: u128) -> Redeem {
    Redeem {
        expires: None,
        ..redeem(id)
    }
}

/// The holder of `generation`, which is the current one, refreshes.
fn rotate(id: u128, generation: u32) -> Rotate {
    Rotate {
        id: grant_id(id),
        presented: generation,
        expect: generation,
        expect_previous: generation.checked_sub(1).filter(|&previous| previous > 0),
        now: NOW.after(Duration::from_secs(10)),
        expires: Some(NOW.after(2 * DAY)),
        key: 1,
        repeats: 0,
        source: [4; 8],
    }
}

fn organization(id: u128, slug: &str) -> Organization {
    Organization {
        id: OrganizationId(uuid(id)),
        slug: slug.to_owned(),
        external_id: None,
        name: slug.to_uppercase(),
        kind: OrganizationKind::Live,
        hidden: false,
        status: Status::Active,
        created: NOW,
        unknown: None,
    }
}

fn app(id: u128, client_id: &str) -> App {
    App {
        acts_as: ActsAs::Person,
        id: AppId(uuid(id)),
        client_id: client_id.to_owned(),
        name: format!("App {client_id}"),
        organization: OrganizationId(uuid(300)),
        owner: None,
        client_type: ClientType::Confidential,
        reach: Reach::Own,
        status: AppStatus::Live,
        redirect_uris: vec![hallpass_wire::RedirectUri::parse("https://app.example/cb").unwrap()],
        scopes: None,
        products: Some(vec!["Basic \"Plan\"".to_owned()]),
        grant_types: None,
        trusted: false,
        localhost_any_port: false,
        created: NOW,
        secrets: vec![secret(id + 1000)],
        unknown: None,
    }
}

fn secret(id: u128) -> AppSecret {
    AppSecret {
        id: SecretId(uuid(id)),
        hash: SecretHash::Sha256([u8::try_from(id % 256).unwrap(); 32]),
        hint: "wxyz".to_owned(),
        created: Instant(NOW.0 + i64::try_from(id).unwrap()),
        last_used: None,
        expires: None,
    }
}

/// The hash of [`new_user`].
const PASSWORD: &str = "$argon2id$…";

fn new_user(id: u128, email: &str) -> NewUser {
    NewUser {
        id: UserId(uuid(id)),
        email: Some(email.to_owned()),
        external_id: None,
        contact_email: None,
        name: "Ada".to_owned(),
        password: Some(PASSWORD.to_owned()),
        locale: Some("nl".to_owned()),
        admin: false,
        developer: false,
        created: NOW,
        memberships: vec![],
    }
}
