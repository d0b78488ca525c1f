//! The readiness endpoint: a server that cannot write is not ready, and becomes ready again as soon as it can.

use crate::harness::{APPS, JOHN, REDIRECT_URI, Server};
use hallpass_cluster::{Cluster, folder_of_test};
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_write_is_not_ready_until_it_can() {
    let server = Server::library_on_sqlite("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let database = server.data_folder().join("hallpass.db");
    let elsewhere = server.data_folder().join("elsewhere.db");
    fs::rename(&database, &elsewhere).unwrap();

    let refused = sample.refresh(&tokens.refresh).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    insta::assert_snapshot!(server.get("/health/ready").await.shown(), @r#"
    503
    content-type: application/json
    cache-control: no-store
    retry-after: 1

    {"status":"unavailable"}
    "#);
    assert_eq!(server.get("/health/live").await.status, 200);
    assert_eq!(sample.introspect(&tokens.access).await.json()["active"], true);
    assert_eq!(sample.client_credentials(&[]).await.status, 200);

    // No request writes in the meantime: a server that is not ready gets no requests.
    fs::rename(&elsewhere, &database).unwrap();
    server.ready_again().await;
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_server_without_its_postgresql_is_not_ready_until_it_is_back() {
    let mut cluster = Cluster::start(&folder_of_test("health"), &["fsync=off"]).unwrap();
    let server = Server::library_at(&cluster.url("postgres"), "default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    cluster.stop().unwrap();

    let refused = sample.refresh(&tokens.refresh).await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"));
    let health = server.get("/health/ready").await;
    assert_eq!((health.status, health.header("retry-after")), (503, "1"));
    assert_eq!(server.get("/health/live").await.status, 200);
    assert_eq!(john.open("/account/apps").await.status, 503);

    cluster.resume().unwrap();
    server.ready_again().await;
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
    assert_eq!(john.open("/account/apps").await.status, 200);
}
