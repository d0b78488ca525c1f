//! Suspension, its end, and signing out.

use super::*;
use crate::harness::Landing;

async fn state(server: &Server) -> (Value, Value) {
    let person = Site::new(server).call("GET", &path("4711", ""), None).await.json();
    (person["status"].clone(), person["suspended_by"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_pauses_the_grants_and_ends_the_sessions() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let tokens = connected(&server, &browser).await;
    let call = async |rest: &str| {
        let answer = site.call("POST", &path("4711", rest), None).await;
        assert!(is_done(&answer), "{rest}: {answer:?}");
    };
    call("/suspend").await;
    assert_eq!(state(&server).await, (json!("suspended"), json!("site")));
    assert_eq!(server.identity(&tokens.access).await.status, 401);
    assert_eq!(sample(&server).refresh(&tokens.refresh).await.status, 400);
    assert_eq!(grants(&server).await[0]["state"], "paused");
    assert_eq!(server.sql("SELECT COUNT(*) FROM sessions").trim(), "0");
    // An accept does not resume them, nor does a description.
    let callback = site.sign_in(&browser, &authorize(&server, &[]), ann()).await.callback();
    assert_eq!(callback.get("error"), "access_denied");
    assert_eq!(
        site.call("PUT", &path("4711", ""), Some(&ann())).await.json()["status"],
        "suspended"
    );
    call("/suspend").await;
    call("/resume").await;
    assert_eq!(state(&server).await, (json!("active"), Value::Null));
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(grants(&server).await[0]["state"], "active");
    sample(&server).refresh(&tokens.refresh).await.tokens();
    call("/resume").await;
    let events = events(&server);
    for event in ["user_suspended", "user_resumed"] {
        assert_eq!(
            events.iter().filter(|one| *one == event).count(),
            1,
            "{event}: {events:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_lifts_only_its_own_suspension() {
    let server = server().await;
    let site = Site::new(&server);
    let tokens = connected(&server, &server.browser()).await;
    let call = async |rest: &str| assert!(is_done(&site.call("POST", &path("4711", rest), None).await), "{rest}");
    server.command(&["user", "suspend", "4711", "--json"]);
    call("/resume").await;
    assert_eq!(state(&server).await, (json!("suspended"), json!("operator")));
    call("/suspend").await;
    assert_eq!(state(&server).await, (json!("suspended"), json!("both")));
    call("/resume").await;
    assert_eq!(state(&server).await, (json!("suspended"), json!("operator")));
    assert_eq!(server.identity(&tokens.access).await.status, 401);
    server.command(&["user", "resume", "4711", "--json"]);
    assert_eq!(state(&server).await, (json!("active"), Value::Null));
    // Both, and the operator lifts theirs first.
    call("/suspend").await;
    server.command(&["user", "suspend", "4711", "--json"]);
    server.command(&["user", "resume", "4711", "--json"]);
    assert_eq!(state(&server).await, (json!("suspended"), json!("site")));
    call("/resume").await;
    assert_eq!(server.identity(&tokens.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_ends_the_sessions_and_leaves_the_grants() {
    let server = server().await;
    let site = Site::new(&server);
    let (first, second) = (server.browser(), server.browser());
    let tokens = connected(&server, &first).await;
    let account = site.sign_in(&second, "/account", ann()).await.page();
    assert_eq!(account.url.path(), "/account");
    assert_eq!(first.open("/account").await.status, 200);
    let page = site.sign_in(&first, &authorize(&server, &[]), ann()).await.consent();
    assert!(is_done(&site.call("POST", &path("4711", "/sign-out"), None).await));
    for browser in [&first, &second] {
        site.sent_from(browser, "/account").await;
    }
    // A consent page that is still open leads to the site again.
    let answer = first.decide(&page, "allow").await.callback();
    assert!(
        answer.address.starts_with("https://www.example.com/connect/sign-in"),
        "{}",
        answer.address
    );
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    sample(&server).refresh(&tokens.refresh).await.tokens();
    assert_eq!(events(&server).last().map(String::as_str), Some("user_created"));
    assert!(events(&server).contains(&"signed_out".to_owned()));
    // They can sign in again.
    assert!(matches!(
        site.sign_in(&first, "/account", ann()).await,
        Landing::Page(_)
    ));
}
