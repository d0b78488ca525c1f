//! What the tokens of an organization's grant say.

use super::{OLGA, OWEN, WORLD, connected, press, robot, subject, world};
use crate::harness::{RESOURCE, Server};

#[tokio::test(flavor = "multi_thread")]
async fn the_subject_is_the_organization_and_the_person_who_set_it_up_stands_beside() {
    let server = world().await;
    let tokens = connected(&server).await;
    let olga = server.command(&["user", "show", "olga@example.com"]);
    let robot = robot(&server);
    for token in [&tokens.access, &tokens.refresh] {
        let told = robot.introspect(token).await.json();
        assert_eq!(told["active"], true, "{told}");
        assert_eq!(told["sub"], subject(&server));
        assert_eq!(told["set_up_by"], olga["id"]);
        assert_eq!(told.get("username"), None, "{told}");
    }
    let api = server.client(RESOURCE, "").introspect(&tokens.access).await.json();
    assert_eq!(api["sub"], subject(&server));
    assert_eq!(api["organization"], "4711", "the site's own id");
    assert_eq!(api.get("username"), None, "{api}");
    assert_eq!(api["set_up_by"], olga["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_answers_403_as_for_an_apps_own_token() {
    let server = world().await;
    let tokens = connected(&server).await;
    let own = robot(&server).client_credentials(&[]).await.tokens();
    let answer = server.identity(&tokens.access).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.shown(), server.identity(&own.access).await.shown());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_after_a_take_over_names_who_took_over() {
    let server = world().await;
    let tokens = connected(&server).await;
    let owen = server.browser_of(OWEN).await;
    press(&owen, "take_over", &[]).await;
    let robot = robot(&server);
    let fresh = robot.refresh(&tokens.refresh).await.tokens();
    let told = robot.introspect(&fresh.access).await.json();
    let taker = server.command(&["user", "show", "owen@example.com"]);
    assert_eq!(
        (&told["set_up_by"], &told["sub"]),
        (&taker["id"], &subject(&server).into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn apicbase_names_who_set_it_up_as_the_user() {
    let server = Server::library("apicbase", WORLD).await;
    let olga = server.browser_of(OLGA).await;
    let robot = robot(&server);
    let tokens = robot.connect(&olga).await;
    let told = robot.introspect(&tokens.access).await.json();
    assert_eq!(told["username"], "olga@example.com", "{told}");
    assert_eq!(told.get("sub"), None, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_preset_gives_and_refreshes_them() {
    for preset in ["common-controls-hub", "connected-home", "house-check"] {
        let server = Server::library(preset, WORLD).await;
        let olga = server.browser_of(OLGA).await;
        let robot = robot(&server);
        let tokens = robot.connect(&olga).await;
        assert_eq!(robot.refresh(&tokens.refresh).await.status, 200, "{preset}");
        let refused = server.identity(&tokens.access).await;
        assert!([401, 403].contains(&refused.status), "{preset}: {}", refused.body);
    }
}
