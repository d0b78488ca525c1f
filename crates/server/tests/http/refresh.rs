//! The refresh rule (decision 3; RFC 6749 §6, RFC 9700 §4.14.2): a race or a lost answer keeps access, and a stolen token is
//! detected.

use crate::harness::{APPS, Answer, Client, JOHN, REDIRECT_URI, Server, Tokens};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const GRACE: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A server, and the tokens that `sample` got from John for a request with `more`.
async fn connected<'s>(server: &'s Server, more: &[(&str, &str)]) -> (Client<'s>, Tokens) {
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect_with(&john, more).await;
    (sample, tokens)
}

async fn with(tokens: &str) -> Server {
    Server::library("default", &format!("[tokens]\n{tokens}\n{APPS}")).await
}

async fn has_ended(server: &Server, sample: &Client<'_>, of: &[&Tokens]) {
    for tokens in of {
        assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
        assert_eq!(sample.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_gives_a_new_pair_and_leaves_the_older_access_token_valid() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    server.advance(SECOND);
    let answer = sample.refresh(&first.refresh).await;
    insta::assert_snapshot!(answer.shown(), @r#"
    200
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"access_token":"hp_at_…","token_type":"Bearer","expires_in":3600,"scope":"profile","refresh_token":"hp_rt_…","refresh_token_timeout":1209600}
    "#);
    let second = answer.tokens();
    assert_ne!(second.access, first.access);
    assert_ne!(second.refresh, first.refresh);
    assert_eq!(server.identity(&first.access).await.status, 200);
    assert_eq!(server.identity(&second.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_parallel_refreshes_all_get_the_same_pair() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let request = [
        ("grant_type", "refresh_token"),
        ("refresh_token", first.refresh.as_str()),
    ];
    let answers = sample.token_at_once(&request, 64).await;
    assert_eq!(answers.len(), 64);
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    // One rotation, not 64: the pair is valid, and its own successor is the third of the grant.
    let second = answers[0].tokens();
    assert_eq!(server.identity(&second.access).await.status, 200);
    assert_eq!(sample.refresh(&second.refresh).await.status, 200);
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
}

/// With the machine's clock, a later answer may report one second less for the life of the same access token.
#[tokio::test(flavor = "multi_thread")]
async fn of_64_parallel_refreshes_of_the_released_binary_all_get_the_same_pair() {
    let server = Server::binary("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let request = [
        ("grant_type", "refresh_token"),
        ("refresh_token", first.refresh.as_str()),
    ];
    let answers = sample.token_at_once(&request, 64).await;
    let second = answers[0].tokens();
    assert!(answers.iter().all(|answer| answer.tokens() == second));
    assert_eq!(server.identity(&second.access).await.status, 200);
    assert_eq!(sample.refresh(&second.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_grace_the_old_token_gives_the_same_successor_again() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    // Used or not: the other client of the race does not lose its access.
    assert_eq!(server.identity(&second.access).await.status, 200);
    for _ in 0..2 {
        server.advance(GRACE / 2);
        let again = sample.refresh(&first.refresh).await;
        assert_eq!(again.tokens(), second);
    }
    let answer = sample.refresh(&first.refresh).await;
    assert_eq!(
        answer.json()["expires_in"],
        3570,
        "the access token is the first one, so half a minute older"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_goes_back_ends_no_grant() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    server.advance(DAY);
    let second = sample.refresh(&first.refresh).await.tokens();
    server.turn_back(DAY);
    assert_eq!(sample.refresh(&first.refresh).await.tokens(), second);
    assert_eq!(sample.refresh(&second.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_beyond_the_grace_is_replaced_and_the_lost_access_token_refused() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let lost = sample.refresh(&first.refresh).await.tokens();
    server.advance(GRACE + SECOND);
    let third = sample.refresh(&first.refresh).await.tokens();
    assert_ne!(third, lost);
    assert_eq!(server.identity(&lost.access).await.refusal(), "401 invalid_token");
    assert_eq!(server.identity(&third.access).await.status, 200);
    // Another answer gets lost: the same holder may ask once more.
    server.advance(GRACE + SECOND);
    assert_eq!(server.identity(&third.access).await.status, 200);
    assert_eq!(sample.refresh(&third.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_void_refresh_token_presented_later_ends_the_grant() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let stolen = sample.refresh(&first.refresh).await.tokens();
    server.advance(GRACE + SECOND);
    let third = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(sample.refresh(&stolen.refresh).await.refusal(), "400 invalid_grant");
    has_ended(&server, &sample, &[&first, &stolen, &third]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_answers_may_be_lost_in_a_row() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let mut lost = Vec::new();
    for _ in 0..4 {
        lost.push(sample.refresh(&first.refresh).await.tokens());
        server.advance(GRACE + SECOND);
    }
    let last = sample.refresh(&first.refresh).await.tokens();
    assert!(!lost.contains(&last));
    for tokens in &lost {
        assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    }
    assert_eq!(server.identity(&last.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_old_token_ends_the_grant_once_its_successor_was_seen() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    assert_eq!(server.identity(&second.access).await.status, 200);
    server.advance(GRACE + SECOND);
    let reused = sample.refresh(&first.refresh).await;
    insta::assert_snapshot!(reused.shown(), @r#"
    400
    content-type: application/json
    cache-control: no-store
    pragma: no-cache

    {"error":"invalid_grant","error_description":"The refresh token was used before, so its grant has ended"}
    "#);
    has_ended(&server, &sample, &[&first, &second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_sees_a_successor_too() {
    let server = Server::library("default", APPS).await;
    for by_refresh_token in [false, true] {
        let (sample, first) = connected(&server, &[]).await;
        let second = sample.refresh(&first.refresh).await.tokens();
        let token = if by_refresh_token {
            &second.refresh
        } else {
            &second.access
        };
        assert_eq!(sample.introspect(token).await.json()["active"], true);
        server.advance(GRACE + SECOND);
        assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
        has_ended(&server, &sample, &[&second]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_older_than_the_predecessor_ends_the_grant_at_once() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    let third = sample.refresh(&second.refresh).await.tokens();
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    has_ended(&server, &sample, &[&second, &third]).await;
}

/// The database was restored from a backup: nobody can tell which token is right, so it is refused and nothing ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_newer_than_the_database_is_refused_and_ends_nothing() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    let third = sample.refresh(&second.refresh).await.tokens();
    let now = server.sql("SELECT state, generation, previous FROM grants");
    for earlier in [
        "UPDATE grants SET generation = 2, previous = 1",
        "UPDATE grants SET generation = 1, previous = NULL",
        "UPDATE grants SET generation = 0, previous = NULL, state = 0",
    ] {
        server.sql(earlier);
        assert_eq!(
            sample.refresh(&third.refresh).await.refusal(),
            "400 invalid_grant",
            "{earlier}"
        );
        assert_eq!(sample.introspect(&third.refresh).await.json()["active"], false);
    }
    server.sql("UPDATE grants SET generation = 3, previous = 2, state = 1");
    assert_eq!(server.sql("SELECT state, generation, previous FROM grants"), now);
    assert_eq!(sample.refresh(&third.refresh).await.status, 200);
}

/// A primary that was just cut off answers reads, but lacks the latest changes.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_older_than_the_token_is_read_again_from_the_newest_database() {
    let world = format!("[server]\npublic_url = \"http://id.example\"\n{APPS}");
    let mut server = Server::library("default", &world).await;
    if !server.is_on_postgres() {
        return; // only the server itself writes to an SQLite file
    }
    let (first, second) = {
        let (sample, first) = connected(&server, &[]).await;
        let second = sample.refresh(&first.refresh).await.tokens();
        (first, second)
    };
    let columns = server.sql(
        "SELECT string_agg(column_name, ', ') FROM information_schema.columns WHERE table_schema = current_schema() \
         AND table_name = 'grants' AND column_name NOT IN ('state', 'generation', 'previous')",
    );
    // Only the thousandth read finds the row as it was before the code was redeemed.
    server.sql(&format!(
        "ALTER TABLE grants RENAME TO grants_now; CREATE SEQUENCE looks; \
         CREATE VIEW grants AS SELECT {columns}, CASE n WHEN 1000 THEN 0 ELSE state END AS state, \
         CASE n WHEN 1000 THEN 0 ELSE generation END AS generation, CASE n WHEN 1000 THEN NULL ELSE previous END AS previous \
         FROM (SELECT *, nextval('looks') AS n FROM grants_now) AS looked"
    ));
    // Statements that were prepared before the restart read the table itself.
    server.restart().await;
    let sample = server.client("sample", REDIRECT_URI);
    let next_is_stale = || server.sql("SELECT setval('looks', 999)");
    next_is_stale();
    assert_eq!(sample.introspect(&second.refresh).await.json()["active"], true);
    next_is_stale();
    let repeated = sample.refresh(&first.refresh).await;
    assert_eq!(repeated.tokens(), second);
    assert!(server.sql("SELECT last_value > 1000 FROM looks").starts_with('t'));
    server.sql("DROP VIEW grants; ALTER TABLE grants_now RENAME TO grants");
}

/// The retry ends when the access token of the lost answer expires, here after an hour.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_lost_for_longer_than_the_retry_ends_the_grant() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    server.advance(HOUR + SECOND);
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.refresh(&second.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn within_the_retry_a_lost_answer_is_replaced() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let lost = sample.refresh(&first.refresh).await.tokens();
    server.advance(HOUR);
    let third = sample.refresh(&first.refresh).await.tokens();
    assert_ne!(third.refresh, lost.refresh);
    assert_eq!(server.identity(&third.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn grace_and_retry_are_configurable() {
    let server = with("grace = \"2s\"\nretry = \"1m\"").await;
    let (sample, first) = connected(&server, &[]).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    server.advance(2 * SECOND);
    assert_eq!(sample.refresh(&first.refresh).await.tokens(), second);
    server.advance(SECOND);
    let third = sample.refresh(&first.refresh).await.tokens();
    assert_ne!(third, second);
    server.advance(61 * SECOND);
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    has_ended(&server, &sample, &[&third]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_parallel_refreshes_after_a_lost_answer_all_get_the_same_pair() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let lost = sample.refresh(&first.refresh).await.tokens();
    server.advance(GRACE + SECOND);
    let request = [
        ("grant_type", "refresh_token"),
        ("refresh_token", first.refresh.as_str()),
    ];
    let answers = sample.token_at_once(&request, 64).await;
    assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_ne!(answers[0].tokens(), lost);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_may_ask_for_fewer_scopes_and_later_for_all_again() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[("scope", "profile read write")]).await;
    let narrowed = sample.refresh_with(&first.refresh, &[("scope", "read")]).await;
    assert_eq!(narrowed.json()["scope"], "read");
    assert_eq!(
        sample.introspect(&narrowed.tokens().access).await.json()["scope"],
        "read"
    );
    let again = sample.refresh(&narrowed.tokens().refresh).await;
    assert_eq!(again.json()["scope"], "profile read write");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_for_more_than_was_granted_is_refused_and_changes_nothing() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[("scope", "read")]).await;
    for scope in ["write", "read write", "nonsense", "\u{7f}", "read\"write"] {
        let answer = sample.refresh_with(&first.refresh, &[("scope", scope)]).await;
        assert_eq!(answer.refusal(), "400 invalid_scope", "{scope:?}");
    }
    server.advance(GRACE + SECOND);
    assert_eq!(sample.refresh(&first.refresh).await.json()["scope"], "read");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rotation_the_same_refresh_token_stays_valid() {
    let server = with("rotate = false").await;
    let (sample, first) = connected(&server, &[]).await;
    let mut seen = vec![first.access.clone()];
    for _ in 0..3 {
        server.advance(HOUR);
        let next = sample.refresh(&first.refresh).await.tokens();
        assert_eq!(next.refresh, first.refresh);
        assert!(!seen.contains(&next.access));
        assert_eq!(server.identity(&next.access).await.status, 200);
        seen.push(next.access);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rotation_only_an_unused_token_expires() {
    let server = with("rotate = false\nrefresh_idle = \"2h\"").await;
    let (sample, first) = connected(&server, &[]).await;
    for _ in 0..5 {
        server.advance(HOUR + SECOND);
        sample.refresh(&first.refresh).await.tokens();
    }
    server.advance(2 * HOUR);
    assert_eq!(sample.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_clients_refresh_token_rotates_whatever_the_preset_says() {
    let server = with("rotate = false").await;
    let john = server.browser_of(JOHN).await;
    let native = server.client("native", "http://127.0.0.1:1/callback").public();
    let first = native.connect(&john).await;
    let second = native.refresh(&first.refresh).await.tokens();
    assert_ne!(second.refresh, first.refresh);
    let third = native.refresh(&second.refresh).await.tokens();
    assert_eq!(native.refresh(&first.refresh).await.refusal(), "400 invalid_grant");
    assert_eq!(native.refresh(&third.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_apps_refresh_token_is_refused_and_changes_nothing() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    server.advance(GRACE + SECOND);
    let thief = server.client("other", REDIRECT_URI);
    for token in [&first.refresh, &second.refresh] {
        assert_eq!(thief.refresh(token).await.refusal(), "400 invalid_grant");
    }
    assert_eq!(server.identity(&second.access).await.status, 200);
    assert_eq!(sample.refresh(&second.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_refresh_token_is_refused_and_changes_nothing() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    for (at, token) in [
        (20, &second.refresh),
        (31, &second.refresh),
        (50, &first.refresh),
        (30, &first.refresh),
    ] {
        let mut forged = token.clone().into_bytes();
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert_eq!(sample.refresh(&forged).await.refusal(), "400 invalid_grant");
    }
    let cut = &second.refresh[..second.refresh.len() - 1];
    assert_eq!(sample.refresh(cut).await.refusal(), "400 invalid_grant");
    assert_eq!(sample.refresh(&second.refresh).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_reported_before_any_fault_of_the_token() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    let third = sample.refresh(&second.refresh).await.tokens();
    let thief = sample.clone().with_secret("guessed");
    // It would be reuse if it were authentic.
    assert_eq!(thief.refresh(&first.refresh).await.refusal(), "401 invalid_client");
    assert_eq!(server.identity(&third.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_lives_from_its_own_issue() {
    let server = Server::library("default", APPS).await;
    let (sample, mut tokens) = connected(&server, &[]).await;
    for _ in 0..3 {
        server.advance(14 * DAY - SECOND);
        tokens = sample.refresh(&tokens.refresh).await.tokens();
    }
    server.advance(14 * DAY);
    assert_eq!(sample.refresh(&tokens.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absolute_limit_ends_a_grant_even_if_it_is_refreshed() {
    let server = with("refresh_absolute = \"90m\"").await;
    let (sample, first) = connected(&server, &[]).await;
    server.advance(HOUR);
    let answer = sample.refresh(&first.refresh).await;
    assert_eq!(
        answer.json()["expires_in"],
        1800,
        "an access token does not outlive its grant"
    );
    let second = answer.tokens();
    server.advance(HOUR / 2);
    has_ended(&server, &sample, &[&second]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_grant_ends_after_the_limit() {
    let server = with("refresh_idle = \"2h\"").await;
    let (sample, first) = connected(&server, &[]).await;
    server.advance(2 * HOUR - SECOND);
    let second = sample.refresh(&first.refresh).await.tokens();
    server.advance(2 * HOUR);
    assert_eq!(sample.refresh(&second.refresh).await.refusal(), "400 invalid_grant");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_does_not_outlive_its_refresh_token() {
    let server = with("refresh = \"20m\"").await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let answer: Answer = sample.redeem(&sample.code(&john, &[]).await).await;
    assert_eq!(answer.json()["expires_in"], 1200);
    server.advance(Duration::from_secs(1200));
    assert_eq!(
        server.identity(&answer.tokens().access).await.refusal(),
        "401 invalid_token"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_stored_on_disk() {
    let server = Server::library("default", APPS).await;
    let (sample, first) = connected(&server, &[]).await;
    let second = sample.refresh(&first.refresh).await.tokens();
    for token in [&first.access, &first.refresh, &second.access, &second.refresh] {
        let body = token.splitn(3, '_').last().unwrap();
        assert!(!server.keeps(body));
    }
}

/// draft-ietf-oauth-refresh-token-expiration-03 §6.1: how long the refresh token may stay unused, and how long the
/// permission lasts. Without a limit, the member is absent.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_answer_reports_the_expiry_of_refresh_token_and_grant() {
    const DAY: u64 = 24 * 60 * 60;
    let told = |answer: &serde_json::Value| {
        ["refresh_token_timeout", "authorization_expires_in"]
            .map(|name| answer.get(name).and_then(|value| value.as_u64()))
    };
    for (tokens, first, second) in [
        ("refresh = \"14d\"", [Some(14 * DAY), None], [Some(14 * DAY), None]),
        ("refresh = \"never\"", [None, None], [None, None]),
        (
            "refresh = \"14d\"\nrefresh_absolute = \"20d\"",
            [Some(14 * DAY), Some(20 * DAY)],
            [Some(10 * DAY), Some(10 * DAY)],
        ),
        // The grant of a token that does not rotate ends with the token.
        (
            "refresh = \"14d\"\nrotate = false",
            [Some(14 * DAY), Some(14 * DAY)],
            [Some(4 * DAY), Some(4 * DAY)],
        ),
        (
            "refresh = \"30d\"\nrefresh_idle = \"12d\"\nrotate = false",
            [Some(12 * DAY), Some(30 * DAY)],
            [Some(12 * DAY), Some(20 * DAY)],
        ),
    ] {
        let server = Server::library("default", &format!("[tokens]\n{tokens}\n{APPS}")).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let answer = sample.redeem(&sample.code(&john, &[]).await).await;
        assert_eq!(told(&answer.json()), first, "{tokens}");
        server.advance(Duration::from_secs(10 * DAY));
        let answer = sample.refresh(&answer.tokens().refresh).await;
        assert_eq!(told(&answer.json()), second, "{tokens}");
        assert_eq!(
            told(&sample.client_credentials(&[]).await.json()),
            [None, None],
            "{tokens}"
        );
    }
}
