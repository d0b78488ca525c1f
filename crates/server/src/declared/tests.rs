//! Starts with one configuration after another on one database.

use super::{DeclaredError, apply};
use crate::accounts::passwords;
use crate::config::{Config, Source};
use crate::database::Database;
use crate::keys::Keys;
use crate::random;
use crate::store::Store;
use crate::store::model::{
    App, AppStatus, AppUpdate, Declared, OrganizationKind, OrganizationUpdate, Others, Reach, Role, SecretHash, State,
    Status, User, UserUpdate,
};
use crate::store::tests::opened;
use crate::time::Instant;
use std::fs;

const NOW: Instant = Instant(1_700_000_000_000);

/// People, organizations, an app and an API.
const WORLD: &str = r#"
[[users]]
email = "Ada@example.com"
name = "Ada"
password = "correct horse"
locale = "nl"
admin = true

[[users]]
email = "ben@example.com"
name = "Ben"

[[organizations]]
slug = "library"
name = "The Library"
kind = "sandbox"
members = ["ben@example.com:owner"]

[[resources]]
identifier = "https://api.example.com"
name = "API"
secret = "short"

[[apps]]
name = "Planner"
client_id = "planner"
client_secret = "456def"
redirect_uris = ["https://planner.example.com/callback"]
"#;

/// A data folder, and starts on it.
struct World {
    folder: tempfile::TempDir,
    store: Store,
    _database: Database,
}

impl World {
    async fn started(declared: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::new();
        let store = opened(&database).await;
        store.migrate().await.unwrap();
        let world = Self {
            folder,
            store,
            _database: database,
        };
        world.start(declared).await;
        world
    }

    async fn start(&self, declared: &str) {
        self.try_start(declared).await.unwrap();
    }

    async fn try_start(&self, declared: &str) -> Result<(), DeclaredError> {
        let file = self.folder.path().join("hallpass.toml");
        fs::write(&file, declared).unwrap();
        let source = Source {
            file: Some(file),
            ..Source::default()
        };
        let config = Config::load(&source).map_err(|error| error.to_string()).unwrap().config;
        let keys = Keys::open(&self.store, &config.keys, self.folder.path(), NOW)
            .await
            .unwrap();
        apply(&config, &self.store, &keys, NOW).await
    }

    async fn user(&self, email: &str) -> User {
        self.store.user_by_email(email).await.unwrap().unwrap()
    }

    async fn app(&self, client_id: &str) -> App {
        self.store.app_by_client_id(client_id).await.unwrap().unwrap()
    }

    /// Roles by the slug of the organization.
    async fn roles(&self, email: &str) -> Vec<(String, Role)> {
        let mut roles = Vec::new();
        for membership in self.user(email).await.memberships {
            let organization = self.store.organization(membership.organization).await.unwrap();
            roles.push((organization.unwrap().slug, membership.role));
        }
        roles.sort();
        roles
    }

    async fn password_is(&self, email: &str, password: &str) -> bool {
        let hash = self.user(email).await.password;
        hash.is_some_and(|hash| passwords::verify(password, &hash))
    }

    async fn declared(&self) -> Vec<Declared> {
        self.store.declared().await.unwrap()
    }

    /// How many changes the feed tells of.
    async fn changes(&self) -> usize {
        self.store.changes(NOW).await.unwrap().len()
    }
}

fn without(section: &str) -> String {
    let sections: Vec<_> = WORLD.split("\n[[").filter(|part| !part.contains(section)).collect();
    assert_ne!(sections.len(), WORLD.split("\n[[").count(), "nothing has {section:?}");
    sections.join("\n[[")
}

#[tokio::test]
async fn people_get_numbers_in_the_order_of_declaration() {
    let world = World::started(WORLD).await;
    let (ada, ben) = (world.user("ada@example.com").await, world.user("ben@example.com").await);
    assert_eq!((ada.number, ben.number), (1, 2));
    assert_eq!(
        (ada.name.as_str(), ada.locale.as_deref(), ada.admin),
        ("Ada", Some("nl"), true)
    );
    assert_eq!((ben.password, ben.locale, ben.admin), (None, None, false));
    assert!(world.password_is("ada@example.com", "correct horse").await);
}

#[tokio::test]
async fn everybody_develops_for_the_default_organization() {
    let world = World::started(WORLD).await;
    let default = world.store.organization_by_slug("default").await.unwrap().unwrap();
    assert!(default.hidden);
    assert_eq!(
        world.roles("ada@example.com").await,
        [("default".to_owned(), Role::Member)]
    );
    let library = world.store.organization_by_slug("library").await.unwrap().unwrap();
    assert!(!library.hidden);
    assert_eq!(library.kind, OrganizationKind::Sandbox);
    let both = [
        ("default".to_owned(), Role::Member),
        ("library".to_owned(), Role::Owner),
    ];
    assert_eq!(world.roles("ben@example.com").await, both);
}

#[tokio::test]
async fn the_default_organization_is_there_without_any_declaration() {
    let world = World::started("").await;
    let slugs = world.store.organizations("", 10).await.unwrap().items;
    assert_eq!(slugs.len(), 1);
    assert_eq!(slugs[0].slug, "default");
}

#[tokio::test]
async fn a_declared_default_organization_names_roles_of_its_own() {
    let declared = "[defaults]\norganization = \"house\"\n".to_owned()
        + WORLD
        + "[[organizations]]\nslug = \"house\"\nname = \"House\"\nmembers = [\"ada@example.com:member\"]\n";
    let world = World::started(&declared).await;
    let house = world.store.organization_by_slug("house").await.unwrap().unwrap();
    assert_eq!((house.name.as_str(), house.hidden), ("House", false));
    assert_eq!(
        world.roles("ada@example.com").await,
        [("house".to_owned(), Role::Member)]
    );
    assert_eq!(world.app("planner").await.organization, house.id);
}

#[tokio::test]
async fn an_app_is_live_with_its_secret_as_declared() {
    let world = World::started(WORLD).await;
    let app = world.app("planner").await;
    assert_eq!((app.status, app.reach, app.owner), (AppStatus::Live, Reach::Own, None));
    assert_eq!(app.redirect_uris[0].as_str(), "https://planner.example.com/callback");
    assert_eq!((&app.scopes, &app.grant_types), (&None, &None));
    match &app.secrets[0].hash {
        SecretHash::Argon2(phc) => assert!(passwords::verify("456def", phc)),
        SecretHash::Sha256(_) => panic!("a short secret as a plain digest"),
    }
    let resource = world.store.resource("https://api.example.com").await.unwrap().unwrap();
    assert!(matches!(resource.secret, Some(SecretHash::Argon2(_))));
}

#[tokio::test]
async fn a_resource_that_is_left_out_asks_no_more_and_comes_back_as_declared() {
    let world = World::started(WORLD).await;
    let (before, rest) = WORLD.split_once("[[resources]]").unwrap();
    let after = rest.find("[[").map_or("", |next| &rest[next..]);
    world.start(&format!("{before}{after}")).await;
    assert_eq!(world.store.resources().await.unwrap(), []);
    world.start(WORLD).await;
    let resource = world.store.resource("https://api.example.com").await.unwrap().unwrap();
    assert_eq!(resource.name, "API");
    assert!(resource.secret.is_some());
}

#[tokio::test]
async fn a_long_secret_is_kept_as_a_digest() {
    let long = WORLD.replace("456def", &"x".repeat(43));
    let world = World::started(&long).await;
    assert!(matches!(
        world.app("planner").await.secrets[0].hash,
        SecretHash::Sha256(_)
    ));
}

#[tokio::test]
async fn the_default_product_is_an_apps_where_it_names_none() {
    let products = "[defaults]\nproduct = \"Basic\"\n[products.Basic]\nscopes = [\"profile\"]\n[products.Other]\nscopes = [\"profile\"]\n";
    let scopes = "[scopes.profile]\ntitle = \"t\"\ndefault = true\n";
    let other = "[[apps]]\nname = \"O\"\nclient_id = \"other\"\ntype = \"public\"\nproducts = [\"Other\"]\n";
    let world = World::started(&[products, scopes, WORLD, other].concat()).await;
    assert_eq!(world.app("planner").await.products.unwrap(), ["Basic"]);
    assert_eq!(world.app("other").await.products.unwrap(), ["Other"]);
}

/// Ben is the site's.
fn with_external_id(id: &str) -> String {
    WORLD.replace("name = \"Ben\"", &format!("name = \"Ben\"\nexternal_id = {id:?}"))
}

#[tokio::test]
async fn a_person_of_the_site_has_its_id_and_no_login() {
    let world = World::started(&with_external_id("Site/7")).await;
    let ben = world.store.user_by_external_id("Site/7").await.unwrap().unwrap();
    assert_eq!(
        (ben.email.as_deref(), ben.contact_email.as_deref()),
        (None, Some("ben@example.com"))
    );
    assert_eq!((ben.number, ben.memberships.len()), (2, 2));
    assert_eq!(world.store.user_by_email("ben@example.com").await.unwrap(), None);
    let renamed = with_external_id("Site/7")
        .replace("\"Ben\"", "\"Benjamin\"")
        .replace(":owner", ":member");
    world.start(&renamed).await;
    let after = world.store.user_by_external_id("Site/7").await.unwrap().unwrap();
    assert_eq!((after.id, after.name.as_str()), (ben.id, "Benjamin"));
    assert!(
        after
            .memberships
            .iter()
            .any(|membership| membership.role == Role::Member)
    );
}

#[tokio::test]
async fn the_external_id_of_a_person_is_fixed_once_they_are_made() {
    let fixed = |outcome: Result<(), DeclaredError>| {
        let error = outcome.unwrap_err();
        assert!(
            matches!(&error, DeclaredError::ExternalIdFixed(email) if email == "ben@example.com"),
            "{error}"
        );
    };
    let own = World::started(WORLD).await;
    fixed(own.try_start(&with_external_id("Site/7")).await);
    assert_eq!(own.user("ben@example.com").await.external_id, None);
    let site = World::started(&with_external_id("Site/7")).await;
    fixed(site.try_start(&with_external_id("Site/8")).await);
    fixed(site.try_start(WORLD).await);
    assert_eq!(site.store.users(None, 10).await.unwrap().items.len(), 2);
}

#[tokio::test]
async fn a_restart_with_the_same_configuration_writes_nothing() {
    let world = World::started(WORLD).await;
    let before = (world.changes().await, world.declared().await);
    let (ada, app) = (world.user("ada@example.com").await, world.app("planner").await);
    world.start(WORLD).await;
    assert_eq!((world.changes().await, world.declared().await), before);
    // A hash made again would have another salt.
    assert_eq!(world.user("ada@example.com").await, ada);
    assert_eq!(world.app("planner").await, app);
}

#[tokio::test]
async fn a_later_reset_or_suspension_wins_over_a_restart() {
    let world = World::started(WORLD).await;
    let (ada, app) = (world.user("ada@example.com").await, world.app("planner").await);
    let reset = UserUpdate {
        password: Some(Some(passwords::hash("battery staple", random::bytes()))),
        ..UserUpdate::default()
    };
    world.store.update_user(ada.id, reset, NOW).await.unwrap();
    let suspended = AppUpdate {
        status: Some(AppStatus::Suspended),
        reach: Some(Reach::Partner),
        ..AppUpdate::default()
    };
    world.store.update_app(app.id, suspended, NOW).await.unwrap();
    let (_, secret) = crate::apps::secrets::make(NOW);
    world.store.set_secret(app.id, secret, Others::End, NOW).await.unwrap();
    let (ada, app) = (world.user("ada@example.com").await, world.app("planner").await);

    world.start(WORLD).await;

    assert_eq!(world.user("ada@example.com").await, ada);
    assert_eq!(world.app("planner").await, app);
}

#[tokio::test]
async fn a_changed_value_is_applied_and_nothing_beside_it() {
    let world = World::started(WORLD).await;
    let app = world.app("planner").await;
    let renamed = AppUpdate {
        name: Some("Renamed by hand".to_owned()),
        ..AppUpdate::default()
    };
    world.store.update_app(app.id, renamed, NOW).await.unwrap();
    let ada = world.user("ada@example.com").await.password;

    world
        .start(
            &WORLD
                .replace("456def", "another")
                .replace("\"The Library\"", "\"Library\""),
        )
        .await;

    let now = world.app("planner").await;
    assert_eq!(now.name, "Renamed by hand");
    assert_eq!(now.secrets.len(), 1);
    assert_ne!(now.secrets[0].hash, app.secrets[0].hash);
    assert_eq!(world.user("ada@example.com").await.password, ada);
    assert_eq!(
        world.store.organization_by_slug("library").await.unwrap().unwrap().name,
        "Library"
    );
}

#[tokio::test]
async fn a_changed_password_is_the_new_one_and_ends_sessions() {
    use crate::store::model::{Session, SessionId};
    let world = World::started(WORLD).await;
    let session = Session {
        id: SessionId([7; 32]),
        user: world.user("ada@example.com").await.id,
        created: NOW,
        expires: Instant(NOW.0 + 1_000),
    };
    let password = world.user("ada@example.com").await.password;
    world
        .store
        .create_session(session, password.as_deref(), " place")
        .await
        .unwrap();
    world.start(WORLD).await;
    assert!(world.store.session(session.id, NOW).await.unwrap().is_some());

    world.start(&WORLD.replace("correct horse", "battery staple")).await;

    assert!(world.password_is("ada@example.com", "battery staple").await);
    assert!(world.store.session(session.id, NOW).await.unwrap().is_none());
}

#[tokio::test]
async fn a_password_that_is_no_longer_declared_stays() {
    let world = World::started(WORLD).await;
    world.start(&WORLD.replace("password = \"correct horse\"\n", "")).await;
    assert!(world.password_is("ada@example.com", "correct horse").await);
    // Declared once more it is still the value that was applied.
    let before = world.user("ada@example.com").await;
    world.start(WORLD).await;
    assert_eq!(world.user("ada@example.com").await, before);
}

#[tokio::test]
async fn what_is_no_longer_declared_stays() {
    let world = World::started(WORLD).await;
    world.start(&without("client_id = \"planner\"")).await;
    assert_eq!(world.app("planner").await.status, AppStatus::Live);
    world.start(&without("slug = \"library\"")).await;
    assert_eq!(world.roles("ben@example.com").await.len(), 2);
}

#[tokio::test]
async fn a_person_who_is_no_longer_named_leaves_the_organization() {
    let world = World::started(WORLD).await;
    let nobody = WORLD.replace("members = [\"ben@example.com:owner\"]\n", "");
    world.start(&nobody).await;
    assert_eq!(
        world.roles("ben@example.com").await,
        [("default".to_owned(), Role::Member)]
    );
    let before = world.changes().await;
    world.start(&nobody).await;
    assert_eq!(world.changes().await, before);
    world.start(WORLD).await;
    assert_eq!(world.roles("ben@example.com").await.len(), 2);
}

#[tokio::test]
async fn a_membership_ended_by_hand_stays_ended() {
    let world = World::started(WORLD).await;
    let (ben, library) = (
        world.user("ben@example.com").await.id,
        world.store.organization_by_slug("library").await.unwrap().unwrap().id,
    );
    world.store.remove_membership(ben, library, NOW).await.unwrap();
    world.start(WORLD).await;
    assert_eq!(world.roles("ben@example.com").await.len(), 1);
    world
        .start(&WORLD.replace("ben@example.com:owner", "ben@example.com:member"))
        .await;
    assert_eq!(
        world.roles("ben@example.com").await[1],
        ("library".to_owned(), Role::Member)
    );
}

#[tokio::test]
async fn an_app_handed_to_another_owner_loses_its_grants() {
    use crate::store::model::{GrantId, NewGrant};
    let world = World::started(WORLD).await;
    let (app, ada) = (world.app("planner").await, world.user("ada@example.com").await);
    let grant = NewGrant {
        id: GrantId(random::uuid(NOW)),
        app: app.id,
        user: ada.id,
        organization: app.organization,
        scopes: hallpass_wire::Scopes::default(),
        redirect_uri: None,
        code_challenge: None,
        salt: [0; 16],
        key: 1,
        created: NOW,
        code_expires: Instant(NOW.0 + 60_000),
    };
    let id = world.store.insert_grant(grant).await.unwrap().id;
    world.start(&WORLD.replace("name = \"Planner\"", "name = \"P\"")).await;
    assert_eq!(world.store.grant(id).await.unwrap().unwrap().state, State::Pending);

    world
        .start(&WORLD.replace("name = \"Planner\"", "name = \"P\"\norganization = \"library\""))
        .await;

    assert_eq!(world.store.grant(id).await.unwrap().unwrap().state, State::Ended);
}

#[tokio::test]
async fn what_is_there_already_is_made_like_its_first_declaration() {
    let world = World::started(&without("client_id = \"planner\"")).await;
    let default = world.store.organization_by_slug("default").await.unwrap().unwrap();
    let app = App {
        id: crate::store::model::AppId(random::uuid(NOW)),
        client_id: "planner".to_owned(),
        name: "Made on the pages".to_owned(),
        organization: default.id,
        owner: None,
        client_type: crate::store::model::ClientType::Public,
        reach: Reach::Own,
        status: AppStatus::Draft,
        redirect_uris: Vec::new(),
        scopes: None,
        products: None,
        grant_types: None,
        trusted: false,
        localhost_any_port: false,
        created: NOW,
        secrets: Vec::new(),
        unknown: None,
    };
    world.store.create_app(app.clone()).await.unwrap();
    let suspended = OrganizationUpdate {
        status: Some(Status::Suspended),
        ..OrganizationUpdate::default()
    };
    world
        .store
        .update_organization(default.id, suspended, NOW)
        .await
        .unwrap();

    world.start(WORLD).await;

    let now = world.app("planner").await;
    assert_eq!((now.id, now.status), (app.id, AppStatus::Live));
    assert_eq!(
        (now.name.as_str(), now.redirect_uris.len(), now.secrets.len()),
        ("Planner", 1, 1)
    );
    let default = world.store.organization(default.id).await.unwrap().unwrap();
    assert_eq!(default.status, Status::Suspended);
}

#[tokio::test]
async fn a_declared_app_belongs_to_the_owner_that_is_named_and_else_to_the_operator() {
    let owned = WORLD.replace(
        "client_id = \"planner\"",
        "client_id = \"planner\"\nowner = \"ADA@example.com\"",
    );
    let world = World::started(WORLD).await;
    assert_eq!(world.app("planner").await.owner, None);
    world.start(&owned).await;
    let ada = world.user("ada@example.com").await.id;
    assert_eq!(world.app("planner").await.owner, Some(ada));
    // What changed since stays, until the declaration says something new.
    let given = AppUpdate {
        owner: Some(None),
        ..AppUpdate::default()
    };
    world
        .store
        .update_app(world.app("planner").await.id, given, NOW)
        .await
        .unwrap();
    world.start(&owned).await;
    assert_eq!(world.app("planner").await.owner, None);
    world.start(WORLD).await;
    world.start(&owned).await;
    assert_eq!(world.app("planner").await.owner, Some(ada));
    world.start(WORLD).await;
    assert_eq!(world.app("planner").await.owner, None);
}

#[tokio::test]
async fn a_declared_app_of_a_developer_is_made_with_its_owner() {
    let owned = WORLD.replace(
        "client_id = \"planner\"",
        "client_id = \"planner\"\nowner = \"ben@example.com\"",
    );
    let world = World::started(&owned).await;
    assert_eq!(
        world.app("planner").await.owner,
        Some(world.user("ben@example.com").await.id)
    );
}

#[tokio::test]
async fn people_are_developers_by_their_declaration_or_by_what_was_said_since() {
    let world = World::started(WORLD).await;
    assert!(!world.user("ada@example.com").await.developer);
    let named = UserUpdate {
        developer: Some(true),
        ..UserUpdate::default()
    };
    let ada = world.user("ada@example.com").await.id;
    world.store.update_user(ada, named, NOW).await.unwrap();
    world.start(WORLD).await;
    assert!(
        world.user("ada@example.com").await.developer,
        "a restart changes nothing"
    );
    let developer = WORLD.replace("name = \"Ben\"", "name = \"Ben\"\ndeveloper = true");
    world.start(&developer).await;
    assert!(world.user("ben@example.com").await.developer);
    world.start(WORLD).await;
    assert!(!world.user("ben@example.com").await.developer);
}

#[tokio::test]
async fn an_empty_list_of_scopes_products_or_grant_types_is_nothing_and_none_is_all() {
    let app = |keys: &str| WORLD.replace("client_id = \"planner\"", &format!("client_id = \"planner\"\n{keys}"));
    let empty = app("scopes = []\nproducts = []\ngrant_types = []");
    let world = World::started(&empty).await;
    let planner = world.app("planner").await;
    assert!(planner.scopes.is_some_and(|scopes| scopes.is_empty()));
    assert_eq!((planner.products, planner.grant_types), (Some(vec![]), Some(vec![])));
    world.start(WORLD).await;
    let planner = world.app("planner").await;
    assert_eq!(
        (planner.scopes, planner.products, planner.grant_types),
        (None, None, None)
    );
    world.start(&empty).await;
    let planner = world.app("planner").await;
    assert!(planner.scopes.is_some_and(|scopes| scopes.is_empty()));
    assert_eq!((planner.products, planner.grant_types), (Some(vec![]), Some(vec![])));
}
