//! Decision 61: what a person changes on pages leaves events in the audit log, so it has a limit. Ending access has none.

use super::{OWEN, connected, press, world};
use crate::harness::{Answer, Browser, Server};
use std::time::Duration;

const APP: &str = "/developer/apps/own";
const CHANGE: &str = "/developer/apps/own/change";
const NEW: &str = "/developer/apps/new";

fn events(server: &Server) -> String {
    server.sql("SELECT COUNT(*) FROM audit_events")
}

/// Sends the form of this page that has the button.
async fn send(browser: &Browser<'_>, path: &str, button: &str, typed: &[(&str, &str)]) -> Answer {
    let page = browser.open(path).await;
    browser.submit(&page, &page.form(button), typed).await
}

#[track_caller]
fn assert_refused(refused: &Answer) {
    assert_eq!((refused.status, refused.header("retry-after")), (429, "8"));
    assert!(refused.text().contains("very many changes"), "{}", refused.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_of_a_person_are_limited_per_hour_and_ends_are_not() {
    let server = world().await;
    connected(&server).await;
    let owen = server.browser_of(OWEN).await;
    let page = owen.open(CHANGE).await;
    let form = page.form("save");
    for number in 0..500 {
        let name = format!("Acme Till {number}");
        let changed = owen.submit_only(&page, &form, &[("name", &name)]).await;
        assert_eq!(changed.status, 303, "{number}");
    }
    let before = events(&server);
    assert_eq!(
        send(&owen, CHANGE, "save", &[]).await.status,
        200,
        "what changes nothing leaves no event"
    );

    let changed = send(&owen, CHANGE, "save", &[("name", "Acme Kasse")]).await;
    assert_refused(&changed);
    assert_eq!(
        changed.form("save").value("name"),
        "Acme Kasse",
        "nothing typed is lost"
    );
    let typed = [("name", "Crew"), ("redirect_uris", "https://crew.example/callback")];
    let registered = send(&owen, NEW, "redirect_uris", &typed).await;
    assert_refused(&registered);
    assert_eq!(registered.form("redirect_uris").value("name"), "Crew");
    assert_refused(&send(&owen, APP, "add", &[("add", "1")]).await);
    assert_refused(&send(&owen, APP, "reset", &[("reset", "now")]).await);
    assert_refused(&press(&owen, "take_over", &[]).await);
    assert_eq!(events(&server), before);

    let ended = press(&owen, "end", &[]).await;
    assert!(ended.text().contains("has no access any more"), "{}", ended.text());
    let deleted = send(&owen, &format!("{APP}/delete"), "delete", &[("delete", "1")]).await;
    assert_eq!(deleted.status, 200, "{}", deleted.text());
    assert_ne!(events(&server), before);
}

/// The answer to the first time was lost. "Nothing was changed" would be false, and the secret was shown once.
#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_sent_again_is_not_refused_for_too_many_changes() {
    let server = world().await;
    let owen = server.browser_of(OWEN).await;
    let page = owen.open(CHANGE).await;
    for number in 0..499 {
        let name = format!("Acme Till {number}");
        owen.submit_only(&page, &page.form("save"), &[("name", &name)]).await;
    }
    let page = owen.open(NEW).await;
    let typed = [("name", "Crew"), ("redirect_uris", "https://crew.example/callback")];
    let register = async || owen.submit_only(&page, &page.form("redirect_uris"), &typed).await;
    assert_eq!(register().await.status, 200);
    let again = register().await;
    assert_eq!(again.status, 303, "{}", again.text());

    let app = owen.open(again.header("location")).await;
    server.advance(Duration::from_secs(8));
    let add = async || owen.submit_only(&app, &app.form("add"), &[("add", "1")]).await;
    assert_eq!(add().await.status, 200);
    assert_eq!(add().await.status, 303);
    assert_refused(&register_another(&owen).await);
}

async fn register_another(browser: &Browser<'_>) -> Answer {
    let typed = [("name", "Desk"), ("redirect_uris", "https://desk.example/callback")];
    send(browser, NEW, "redirect_uris", &typed).await
}
