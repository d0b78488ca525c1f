//! A person is read, made, changed and deleted.

use super::*;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_made_changed_and_read() {
    let server = server().await;
    let site = Site::new(&server);
    let there = path("4711", "");
    assert_eq!(site.call("GET", &there, None).await.refusal(), "404 not_found");
    let made = site.call("PUT", &there, Some(&ann())).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let again = site.call("PUT", &there, Some(&json!({ "name": "Ann Other" }))).await;
    assert_eq!(again.status, 200, "{}", again.body);
    let read = site.call("GET", &there, None).await;
    assert_eq!((read.status, read.header("cache-control")), (200, "no-store"));
    assert_eq!(read.json(), again.json());
    let expected = json!({
        "subject": "4711",
        "email": "ann@site.example",
        "email_verified": true,
        "name": "Ann Other",
        "locale": "en",
        "organizations": [],
        "status": "active",
        "suspended_by": null,
        "created": "2026-01-01T00:00:00.000Z",
        "as_of": moment(0),
    });
    assert_eq!(read.json(), expected);
    assert_eq!(events(&server), ["member_set", "user_changed", "user_created"]);
    // They are found when they sign in.
    connected(&server, &server.browser()).await;
    assert_eq!(
        server
            .sql("SELECT COUNT(*) FROM users WHERE external_id IS NOT NULL")
            .trim(),
        "1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_takes_the_members_of_the_message() {
    let server = server().await;
    let site = Site::new(&server);
    let there = path("4711", "");
    let ignored = json!({ "subject": "4711", "auth_time": 1, "acr": "x", "amr": ["pwd"], "name": "Ann" });
    assert_eq!(site.call("PUT", &there, Some(&ignored)).await.status, 201);
    for (message, field) in [
        (json!({ "subject": "4712" }), "subject"),
        (json!({ "emial": "a@b.example" }), "emial"),
        (json!({ "handover": "x" }), "handover"),
        (json!({ "name": "" }), "name"),
        (json!({ "as_of": 1_767_225_600 }), "as_of"),
        (json!({ "organization": { "id": "" } }), "organization.id"),
    ] {
        let answer = site.call("PUT", &there, Some(&message)).await;
        assert_eq!(answer.refusal(), "422 invalid_member", "{message}: {}", answer.body);
        assert_eq!(answer.json()["field"], field, "{message}");
    }
    assert_eq!(
        site.call("PUT", &there, Some(&json!([]))).await.refusal(),
        "422 invalid_body"
    );
    for taken in ["app:x", "org_1", "sandbox:1"] {
        assert_eq!(
            site.call("PUT", &path(taken, ""), Some(&json!({}))).await.json()["field"],
            "subject"
        );
    }
    let john = server.command(&["user", "show", "john@doe.com", "--json"]);
    let own = path(john["id"].as_str().unwrap(), "");
    let answer = site.call("PUT", &own, Some(&json!({}))).await;
    assert_eq!(
        (answer.status, &answer.json()["field"]),
        (422, &json!("subject")),
        "{}",
        answer.body
    );
    assert_eq!(
        site.call("GET", &own, None).await.status,
        404,
        "an own account is none of the site's people"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_put_changes_nothing() {
    let server = server().await;
    let site = Site::new(&server);
    let there = path("4711", "");
    let put = async |name: &str, as_of: i64| {
        let message = json!({ "name": name, "as_of": moment(as_of) });
        site.call("PUT", &there, Some(&message)).await
    };
    assert_eq!(put("Second", 2).await.status, 201);
    assert_eq!(put("First", 1).await.refusal(), "409 conflict");
    assert_eq!(put("Same", 2).await.status, 200);
    assert_eq!(site.call("GET", &there, None).await.json()["name"], "Same");
    assert_eq!(put("Third", 3).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_person_is_gone_with_grants_and_sessions() {
    let server = server().await;
    let (site, browser) = (Site::new(&server), server.browser());
    let tokens = connected(&server, &browser).await;
    let before = server.command(&["user", "show", "4711", "--json"]);
    let deleted = site.call("DELETE", &path("4711", ""), None).await;
    assert!(is_done(&deleted), "{deleted:?}");
    assert_eq!(server.identity(&tokens.access).await.status, 401);
    assert_eq!(
        sample(&server).refresh(&tokens.refresh).await.refusal(),
        "400 invalid_grant"
    );
    assert_eq!(server.sql("SELECT COUNT(*) FROM sessions").trim(), "0");
    assert_eq!(server.sql("SELECT reason FROM grants").trim(), "person_deleted");
    assert_eq!(events(&server).last().map(String::as_str), Some("user_deleted"));
    for (method, rest) in [
        ("GET", ""),
        ("POST", "/suspend"),
        ("GET", "/grants"),
        ("GET", "/export"),
    ] {
        assert_eq!(
            site.call(method, &path("4711", rest), None).await.refusal(),
            "404 not_found",
            "{rest}"
        );
    }
    assert!(
        is_done(&site.call("DELETE", &path("4711", ""), None).await),
        "also the second time"
    );
    assert_eq!(
        site.call("DELETE", &path("4712", ""), None).await.refusal(),
        "404 not_found"
    );
    // A later handover makes a new person, without the old grants.
    server.advance(Duration::from_secs(1));
    site.sign_in(&browser, &authorize(&server, &[]), ann()).await.consent();
    let after = server.command(&["user", "show", "4711", "--json"]);
    assert_ne!(before["id"], after["id"]);
    assert_ne!(before["number"], after["number"]);
    assert_eq!(grants(&server).await, Vec::<Value>::new());
    assert_eq!(server.identity(&tokens.access).await.status, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_put_from_before_the_deletion_makes_nobody() {
    let server = server().await;
    let site = Site::new(&server);
    let there = path("4711", "");
    let put = async |as_of: i64| {
        site.call("PUT", &there, Some(&json!({ "name": "Ann", "as_of": moment(as_of) })))
            .await
    };
    assert_eq!(put(0).await.status, 201);
    server.advance(Duration::from_secs(10));
    assert!(is_done(&site.call("DELETE", &there, None).await));
    // It was sent after the last change and before the deletion.
    assert_eq!(put(9_999).await.refusal(), "409 conflict");
    server.advance(Duration::from_secs(10));
    assert!(is_done(&site.call("DELETE", &there, None).await));
    assert_eq!(
        put(19_999).await.refusal(),
        "409 conflict",
        "the second deletion counts too"
    );
    assert_eq!(site.call("GET", &there, None).await.status, 404);
    assert_eq!(put(20_001).await.status, 201);
    // A clock of the site that is ahead does not outlive the deletion either.
    assert_eq!(put(60_000).await.status, 200);
    assert!(is_done(&site.call("DELETE", &there, None).await));
    assert_eq!(put(59_999).await.refusal(), "409 conflict");
    assert_eq!(put(60_001).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_deletions_at_once_each_is_done() {
    let server = server().await;
    let site = Site::new(&server);
    let there = path("4711", "");
    site.call("PUT", &there, Some(&ann())).await;
    let (a, b, c, d) = tokio::join!(
        site.call("DELETE", &there, None),
        site.call("DELETE", &there, None),
        site.call("DELETE", &there, None),
        site.call("DELETE", &there, None),
    );
    assert!([a, b, c, d].iter().all(is_done));
    assert_eq!(
        events(&server).iter().filter(|event| *event == "user_deleted").count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_puts_at_once_one_makes_the_person() {
    let server = server().await;
    let site = Site::new(&server);
    let there = path("4711", "");
    let ann = ann();
    let put = || site.call("PUT", &there, Some(&ann));
    let (a, b, c, d) = tokio::join!(put(), put(), put(), put());
    let mut statuses = [a.status, b.status, c.status, d.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 201]);
}

/// The path is decoded once.
#[tokio::test(flavor = "multi_thread")]
async fn any_subject_can_be_named_in_an_address() {
    let server = server().await;
    let site = Site::new(&server);
    for (subject, encoded) in [
        ("a/b", "a%2Fb"),
        ("100%", "100%25"),
        ("%2F", "%252F"),
        ("a b", "a%20b"),
        ("a+b", "a+b"),
        ("a+b", "a%2Bb"),
        ("~!$&'()*,;=:@", "~!$&'()*,;=:@"),
        ("grants", "grants"),
        ("#?", "%23%3F"),
        ("\"<script>", "%22%3Cscript%3E"),
    ] {
        let made = site
            .call("PUT", &path(encoded, ""), Some(&json!({ "name": "Somebody" })))
            .await;
        assert!(matches!(made.status, 200 | 201), "{subject}: {}", made.body);
        assert_eq!(made.json()["subject"], subject, "{encoded}");
        let suspended = site.call("POST", &path(encoded, "/suspend"), None).await;
        assert!(is_done(&suspended), "{subject}: {suspended:?}");
        assert_eq!(
            site.call("GET", &path(encoded, ""), None).await.json()["status"],
            "suspended"
        );
        assert_eq!(site.call("GET", &path(encoded, "/grants"), None).await.status, 200);
    }
    for encoded in ["%C3%A9", "%FF", "%00", "a%0Ab", "%E2%80%AE"] {
        let made = site
            .call("PUT", &path(encoded, ""), Some(&json!({ "name": "Somebody" })))
            .await;
        assert_eq!(
            (made.status, &made.json()["field"]),
            (422, &json!("subject")),
            "{encoded}: {}",
            made.body
        );
        for (method, rest) in [("GET", ""), ("DELETE", ""), ("POST", "/suspend"), ("GET", "/grants")] {
            let answer = site.call(method, &path(encoded, rest), None).await;
            assert_eq!(
                answer.refusal(),
                "404 not_found",
                "{method} {encoded}{rest}: {}",
                answer.body
            );
        }
    }
}
