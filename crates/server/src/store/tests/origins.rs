//! Origins of apps: those of redirect URIs, and those that are named.

use super::*;
use crate::store::apps::origins::{POINT_READ, filling};

const CAPACITOR: &str = "capacitor://localhost";

fn uris(list: &[&str]) -> Vec<RedirectUri> {
    let uris = list.iter().map(|uri| RedirectUri::parse(uri).unwrap());
    uris.collect()
}

fn origins(list: &[&str]) -> Vec<Origin> {
    let origins = list.iter().map(|origin| Origin::parse(origin).unwrap());
    origins.collect()
}

/// App 100 of organization 300, sent back to `https://a.example`.
async fn world() -> (Fixture, AppId) {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    store.create_organization(organization(300, "acme")).await.unwrap();
    let app = App {
        redirect_uris: uris(&["https://a.example/cb", "https://a.example/other", "com.example.app:/cb"]),
        ..app(100, "one")
    };
    let id = app.id;
    store.create_app(app).await.unwrap();
    (fixture, id)
}

/// Those of the candidates that an app has.
async fn known(store: &Store) -> Vec<&'static str> {
    let mut known = Vec::new();
    for origin in ["https://a.example", "https://b.example:8443", CAPACITOR] {
        if store.app_of_origin(origin).await.unwrap().is_some() {
            known.push(origin);
        }
    }
    known
}

async fn move_to(store: &Store, id: AppId, list: &[&str]) {
    let update = AppUpdate {
        redirect_uris: Some(uris(list)),
        ..AppUpdate::default()
    };
    store.update_app(id, update, NOW).await.unwrap();
}

#[tokio::test]
async fn an_origin_goes_with_the_last_redirect_uri_that_has_it() {
    let (fixture, id) = world().await;
    let store = &fixture.store;
    assert_eq!(known(store).await, ["https://a.example"]);
    move_to(store, id, &["https://a.example/other", "https://b.example:8443/cb"]).await;
    assert_eq!(known(store).await, ["https://a.example", "https://b.example:8443"]);
    move_to(store, id, &["https://b.example:8443/cb"]).await;
    assert_eq!(known(store).await, ["https://b.example:8443"]);
    move_to(store, id, &[]).await;
    assert_eq!(known(store).await, [""; 0]);
}

#[tokio::test]
async fn a_named_origin_stays_whatever_becomes_of_the_redirect_uris() {
    let (fixture, id) = world().await;
    let store = &fixture.store;
    // The second is the origin of a redirect URI as well.
    let both = origins(&[CAPACITOR, "https://a.example"]);
    store.name_origins(id, &both, NOW).await.unwrap();
    assert_eq!(known(store).await, ["https://a.example", CAPACITOR]);
    move_to(store, id, &["https://b.example:8443/cb"]).await;
    assert_eq!(
        known(store).await,
        ["https://a.example", "https://b.example:8443", CAPACITOR]
    );
    let named = store.named_origins(id).await.unwrap();
    assert_eq!(Vec::from_iter(named), [CAPACITOR, "https://a.example"]);
    store.name_origins(id, &[], NOW).await.unwrap();
    assert_eq!(known(store).await, ["https://b.example:8443"]);
    assert_eq!(store.app_of_origin(&format!("named {CAPACITOR}")).await.unwrap(), None);
    let absent = store.name_origins(AppId(uuid(1)), &both, NOW).await;
    assert_eq!(absent, Err(StoreError::Conflict));
}

#[tokio::test]
async fn a_suspended_app_has_its_origins_and_a_deleted_one_has_none() {
    let (fixture, id) = world().await;
    let store = &fixture.store;
    let suspended = AppUpdate {
        status: Some(AppStatus::Suspended),
        ..AppUpdate::default()
    };
    store.update_app(id, suspended, NOW).await.unwrap();
    fixture.sql("UPDATE organizations SET status = 'suspended'");
    assert_eq!(known(store).await, ["https://a.example"]);
    fixture.sql("DELETE FROM apps");
    assert_eq!(known(store).await, [""; 0]);
}

/// A database of before this table was used, on which two servers start at once.
#[tokio::test]
async fn apps_of_before_get_the_origins_of_their_redirect_uris_once() {
    let (fixture, _) = world().await;
    let store = &fixture.store;
    fixture.sql("DELETE FROM app_origins");
    assert_eq!(known(store).await, [""; 0]);
    let (one, other) = tokio::join!(store.fill_origins(), store.fill_origins());
    assert_eq!((one, other), (Ok(()), Ok(())));
    assert_eq!(known(store).await, ["https://a.example"]);
    fixture.sql("DELETE FROM app_origins");
    store.fill_origins().await.unwrap();
    assert_eq!(known(store).await, [""; 0], "only once");
    // An older server beside this one registers apps without name keys and origins.
    fixture.sql("UPDATE apps SET name_key = NULL");
    store.complete_name_keys().await.unwrap();
    assert_eq!(known(store).await, ["https://a.example"]);
}

#[tokio::test]
async fn a_fill_gives_no_origin_of_redirect_uris_that_were_changed_since() {
    let (fixture, id) = world().await;
    let store = &fixture.store;
    let late = filling(id, &uris(&["https://b.example:8443/cb"]));
    store.write(late).await.unwrap();
    assert_eq!(known(store).await, ["https://a.example"]);
}

/// Every request of a page with an unknown origin asks.
#[tokio::test]
async fn looking_an_origin_up_is_a_point_read() {
    let (fixture, _) = world().await;
    if !fixture.database.is_postgres() {
        let read = POINT_READ.replace("$1", "'a'").replace("$2", "'b'");
        let plan = fixture.sql(&format!("EXPLAIN QUERY PLAN {read}"));
        assert!(plan.contains("SEARCH app_origins") && !plan.contains("SCAN"), "{plan}");
        return;
    }
    fixture.sql(
        "INSERT INTO app_origins (origin, app_id) SELECT 'https://' || n || '.example', decode(lpad(to_hex(n), 32, '0'), 'hex') \
         FROM generate_series(1, 10000) AS n; ANALYZE app_origins",
    );
    let plan = fixture.sql(&format!(
        "SET plan_cache_mode = force_generic_plan; PREPARE one AS {POINT_READ}; EXPLAIN EXECUTE one('a', 'b'); DEALLOCATE one"
    ));
    assert!(!plan.contains("Seq Scan on app_origins"), "{plan}");
    assert!(plan.contains("app_origins_pkey"), "{plan}");
}
