//! Two devices with the same tokens (decision 44): each refreshes within the grace of the other, so rotation alone never
//! detects them.

use crate::harness::{APPS, Client, JOHN, REDIRECT_URI, Server, Tokens};
use std::time::Duration;

const HERE: &str = "198.51.100.7";
const THERE: &str = "203.0.113.9";
const GRACE: Duration = Duration::from_secs(30);

async fn behind_a_proxy() -> Server {
    let proxy = "public_url = \"http://id.example\"\ntrusted_proxies = [\"127.0.0.0/8\"]";
    Server::library("default", &format!("[server]\n{proxy}\n{APPS}")).await
}

/// Connects an app of each kind, and returns a device at `HERE` and a copy of it.
async fn devices<'s>(server: &'s Server, public: bool) -> ([Client<'s>; 2], Tokens) {
    let john = server.browser_of(JOHN).await;
    let client = match public {
        true => server.client("native", "http://127.0.0.1:1/callback").public(),
        false => server.client("sample", REDIRECT_URI),
    };
    let tokens = client.connect(&john).await;
    ([client.clone().from(HERE), client.from(THERE)], tokens)
}

/// Rotates on one device, and repeats the refresh on the other.
async fn both([here, there]: &[Client<'_>; 2], tokens: &Tokens) -> Tokens {
    let next = here.refresh(&tokens.refresh).await.tokens();
    assert_eq!(there.refresh(&tokens.refresh).await.tokens(), next);
    next
}

fn state_of(server: &Server) -> String {
    server.sql("SELECT state, COALESCE(reason, ''), repeats FROM grants")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_clients_grant_ends_when_three_rotations_in_a_row_were_repeated_from_elsewhere() {
    let server = behind_a_proxy().await;
    let (devices, mut tokens) = devices(&server, true).await;
    for _ in 0..2 {
        tokens = both(&devices, &tokens).await;
    }
    let next = devices[0].refresh(&tokens.refresh).await.tokens();
    let third = devices[1].refresh(&tokens.refresh).await;
    insta::assert_snapshot!(third.shown(), @r#"
    400
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"error":"invalid_grant","error_description":"Two devices use this refresh token, so its grant has ended"}
    "#);
    assert_eq!(server.identity(&next.access).await.refusal(), "401 invalid_token");
    assert_eq!(devices[0].refresh(&next.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(state_of(&server), "2|device_copied|2");
    let page = server.browser_of(JOHN).await.open("/account/apps").await;
    assert!(page.text().contains("twee apparaten"), "{}", page.text());
    let recorded = "SELECT actor, source, detail FROM audit_events WHERE action = 'grant_ended'";
    let told = format!("app:native|{THERE}|{{\"reason\":\"device_copied\"}}");
    assert_eq!(server.sql(recorded), told);
}

/// A confidential client keeps its secret on servers, and may have several. The page tells the person, who decides.
#[tokio::test(flavor = "multi_thread")]
async fn a_confidential_clients_grant_continues_and_the_person_is_warned() {
    let server = behind_a_proxy().await;
    let (devices, mut tokens) = devices(&server, false).await;
    let john = server.browser_of(JOHN).await;
    for round in 1..=5 {
        tokens = both(&devices, &tokens).await;
        let page = john.open("/account/apps").await.text();
        assert_eq!(page.contains("Twee apparaten"), round >= 3, "{round}: {page}");
    }
    // The warning stays, even after the other device has stopped.
    server.advance(GRACE + GRACE);
    tokens = devices[0].refresh(&tokens.refresh).await.tokens();
    server.advance(GRACE + GRACE);
    devices[0].refresh(&tokens.refresh).await.tokens();
    assert!(john.open("/account/apps").await.text().contains("Twee apparaten"));
    assert_eq!(state_of(&server), "1||3");
    let recorded = "SELECT actor, source, grant_id IS NOT NULL FROM audit_events WHERE action = 'device_copied'";
    let once = server.sql(recorded).replace("|t", "|1");
    assert_eq!(once, format!("app:sample|{THERE}|1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_not_repeated_from_another_source_resets_the_count() {
    let server = behind_a_proxy().await;
    let (devices, mut tokens) = devices(&server, true).await;
    for _ in 0..3 {
        for _ in 0..2 {
            tokens = both(&devices, &tokens).await;
        }
        // A lost answer that is asked for again from the same source.
        let next = devices[0].refresh(&tokens.refresh).await.tokens();
        assert_eq!(devices[0].refresh(&tokens.refresh).await.tokens(), next);
        tokens = devices[0].refresh(&next.refresh).await.tokens();
    }
    assert_eq!(server.identity(&tokens.access).await.status, 200);
}

/// A device has many addresses in its network, and changes them.
#[tokio::test(flavor = "multi_thread")]
async fn all_of_an_ipv6_network_is_one_source() {
    let server = behind_a_proxy().await;
    let ([client, _], mut tokens) = devices(&server, true).await;
    let two = [client.clone().from("2001:db8::1"), client.from("2001:db8::2:3")];
    for _ in 0..5 {
        tokens = both(&two, &tokens).await;
    }
    assert_eq!(state_of(&server), "1||0");
}

/// Repeats since the last rotation are in memory only.
#[tokio::test(flavor = "multi_thread")]
async fn a_restart_loses_the_last_repeat_and_keeps_the_count() {
    let mut server = behind_a_proxy().await;
    let mut tokens = {
        let (devices, tokens) = devices(&server, true).await;
        let tokens = both(&devices, &tokens).await;
        both(&devices, &tokens).await
    };
    assert_eq!(state_of(&server), "1||1");
    server.restart().await;
    let native = server.client("native", "http://127.0.0.1:1/callback").public();
    let devices = [native.clone().from(HERE), native.from(THERE)];
    for repeats in [0, 1] {
        tokens = both(&devices, &tokens).await;
        assert_eq!(state_of(&server), format!("1||{repeats}"));
    }
}

/// The database reveals neither an address nor whether two grants share one.
#[tokio::test(flavor = "multi_thread")]
async fn the_source_is_stored_as_a_hash_per_grant() {
    let server = behind_a_proxy().await;
    for _ in 0..2 {
        let ([here, _], tokens) = devices(&server, true).await;
        here.refresh(&tokens.refresh).await.tokens();
    }
    assert_eq!(server.sql("SELECT COUNT(DISTINCT source) FROM grants"), "2");
    assert!(!server.keeps(HERE));
}
