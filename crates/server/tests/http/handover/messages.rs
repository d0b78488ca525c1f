//! What the site may send, and the answers to what it may not.

use super::{authorize, server, server_with};
use crate::harness::{HANDOVER, SITE_SECRET, Server, Site, ann};
use serde_json::{Value, json};

async fn request(server: &Server) -> String {
    let sent = Site::new(server)
        .sent_from(&server.browser(), &authorize(server, &[]))
        .await;
    Site::request_in(&sent)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_member_is_named() {
    let server = server().await;
    let site = Site::new(&server);
    let handover = request(&server).await;
    let deep = |member: &str, value: Value| {
        let mut message = json!({ "handover": handover, "subject": "4711" });
        message[member] = value;
        message
    };
    for (message, field) in [
        (json!({ "subject": "4711" }), "handover"),
        (json!({ "handover": handover }), "subject"),
        (deep("subject", json!(4711)), "subject"),
        (deep("subject", json!("")), "subject"),
        (deep("subject", json!("x".repeat(256))), "subject"),
        (deep("subject", json!("é")), "subject"),
        (deep("subject", json!("org_7")), "subject"),
        (deep("subject", json!("app:7")), "subject"),
        (deep("subject", json!("sandbox:7")), "subject"),
        (deep("emial", json!("a@b.example")), "emial"),
        (deep("email", json!("no address")), "email"),
        (deep("email_verified", json!("yes")), "email_verified"),
        (deep("name", json!("a\nb")), "name"),
        (deep("name", json!("\u{202e}evil")), "name"),
        (deep("name", json!("x".repeat(201))), "name"),
        (deep("locale", json!("english")), "locale"),
        (deep("auth_time", json!(1_767_225_600_000_i64)), "auth_time"),
        (deep("auth_time", json!("now")), "auth_time"),
        (deep("as_of", json!(1_767_225_600)), "as_of"),
        (deep("as_of", json!(1_867_225_600_000_i64)), "as_of"),
        (deep("amr", json!([1])), "amr"),
        (deep("error", json!("nope")), "error"),
        (deep("error", json!("access_denied")), "subject"),
        (deep("message", json!("Hello")), "message"),
        (deep("organization", json!("10")), "organization"),
        (deep("organization", json!({ "name": "No id" })), "organization.id"),
        (
            deep("organization", json!({ "id": "10", "rôle": "owner" })),
            "organization.rôle",
        ),
        (
            deep("organizations", json!([{ "id": "10" }, { "id": "10" }])),
            "organizations[1].id",
        ),
        (deep("organizations", json!({})), "organizations"),
    ] {
        let answer = site.post(&message).await;
        assert_eq!(answer.refusal(), "422 invalid_member", "{message}: {}", answer.body);
        assert_eq!(answer.json()["field"], field, "{message}: {}", answer.body);
        assert!(answer.json()["error_description"].is_string());
    }
    // Nothing was kept: the request is still open, and nobody was made.
    assert_eq!(
        server.command(&["user", "list", "--json"])["users"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    site.accept(&handover, ann()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_object_is_refused() {
    let server = server().await;
    let handover = request(&server).await;
    let bearer = format!("Bearer {SITE_SECRET}");
    let send = async |body: String| server.post_raw("/handover", &[("authorization", &bearer)], body).await;
    for body in ["", "[]", "subject=4711", "{\"handover\":", "null", "{\"a\":1}{}"] {
        assert_eq!(send(body.to_owned()).await.status, 422, "{body}");
    }
    let twice = format!("{{\"handover\":{handover:?},\"subject\":\"1\",\"subject\":\"2\"}}");
    let answer = send(twice).await;
    assert_eq!(
        (answer.refusal().as_str(), &answer.json()["field"]),
        ("422 invalid_member", &json!("subject"))
    );
    let inside = format!(
        "{{\"handover\":{handover:?},\"subject\":\"1\",\"organizations\":[{{\"id\":\"7\",\"role\":\"member\",\"role\":\"owner\"}}]}}"
    );
    let answer = send(inside).await;
    assert_eq!(
        (answer.refusal().as_str(), &answer.json()["field"]),
        ("422 invalid_member", &json!("organizations[0].role"))
    );
    assert_eq!(send(" ".repeat(1024 * 1024 + 1)).await.refusal(), "413 too_large");
    let deep = format!("{{\"handover\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(send(deep).await.status, 422);
    let get = server.get("/handover").await;
    assert_eq!(get.status, 401);
    let url = server.at("/handover");
    let put = server.send(&url, server.request(reqwest::Method::PUT, &url)).await;
    assert_eq!(put.refusal(), "405 method_not_allowed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_checked_before_the_body_is_read() {
    let server = server().await;
    for secret in [
        "",
        "x",
        "a-secret-of-the-site-with-at-least-32-byte",
        &SITE_SECRET.to_uppercase(),
    ] {
        // The body is announced and never sent. The answer comes all the same.
        let head = format!(
            "POST /handover HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {secret}\r\nContent-Length: 1048576\r\n\r\n",
            server.port()
        );
        let answer = server.send_bytes(head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
        assert!(
            answer.contains("www-authenticate: Bearer") && answer.contains("invalid_token"),
            "{answer}"
        );
    }
    let basic = server
        .post_raw("/handover", &[("authorization", "Basic eDp5")], "{}")
        .await;
    assert_eq!(basic.status, 401);
    let (right, wrong) = (format!("Bearer {SITE_SECRET}"), "Bearer x");
    for pair in [[right.as_str(), wrong], [wrong, &right]] {
        let headers = pair.map(|value| ("authorization", value));
        assert_eq!(
            server.post_raw("/handover", &headers, "{}").await.status,
            401,
            "{pair:?}"
        );
    }
    let none = Server::library("default", "").await;
    let answer = Site::new(&none).post(&json!({})).await;
    assert_eq!(answer.refusal(), "404 handover_off");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_work_while_one_is_changed() {
    let pair = HANDOVER.replace(
        &format!("secret = {SITE_SECRET:?}"),
        &format!("secret = [\"the-new-secret-of-the-site-with-32-bytes\", {SITE_SECRET:?}]"),
    );
    let server = Server::library("default", &format!("{pair}{}", crate::harness::APPS)).await;
    let site = Site::new(&server);
    for secret in [SITE_SECRET, "the-new-secret-of-the-site-with-32-bytes"] {
        let handover = request(&server).await;
        site.with_secret(secret).accept(&handover, ann()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_named_sources_may_call() {
    let only = HANDOVER.replace(
        "[handover]",
        "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[handover]\nsources = [\"203.0.113.0/24\"]",
    );
    let server = Server::library("default", &format!("{only}{}", crate::harness::APPS)).await;
    let bearer = format!("Bearer {SITE_SECRET}");
    for (source, status) in [("203.0.113.7", 422), ("203.0.114.7", 403), ("", 403)] {
        let headers = [("authorization", bearer.as_str()), ("x-forwarded-for", source)];
        assert_eq!(
            server.post_raw("/handover", &headers, "{}").await.status,
            status,
            "{source}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_site_does_not_reach_operators_and_their_organizations() {
    let more = r#"
[[users]]
email = "root@example.com"
name = "Operator"
external_id = "1"
admin = true
[[organizations]]
slug = "acme"
name = "Acme Kitchens"
"#;
    let server = server_with(more).await;
    let site = Site::new(&server);
    let browser = server.browser();
    let callback = site
        .sign_in(
            &browser,
            &authorize(&server, &[]),
            json!({ "subject": "1", "name": "Evil" }),
        )
        .await
        .callback();
    assert_eq!(callback.get("error"), "access_denied");
    assert_eq!(server.command(&["user", "show", "1", "--json"])["name"], "Operator");
    // An own account has no subject of the site, and its address links nobody.
    let before = server.command(&["user", "show", "john@doe.com", "--json"]);
    let john = json!({ "subject": "2", "email": "john@doe.com" });
    site.sign_in(&browser, &authorize(&server, &[]), john).await.consent();
    assert_eq!(server.command(&["user", "show", "john@doe.com", "--json"]), before);
    let uuid = before["id"].as_str().unwrap();
    let taken = json!({ "handover": request(&server).await, "subject": uuid });
    assert_ne!(site.post(&taken).await.status, 200, "the subject of another person");
    // An organization of the operator is not matched by its name in addresses.
    let named = json!({ "handover": request(&server).await, "subject": "3", "organization": { "id": "acme", "role": "owner" } });
    let answer = site.post(&named).await;
    assert_eq!(
        (answer.status, &answer.json()["field"]),
        (422, &json!("organization.id")),
        "{}",
        answer.body
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn invisible_characters_of_a_name_are_left_out() {
    let server = server().await;
    let site = Site::new(&server);
    let handover = request(&server).await;
    let empty = site
        .post(&json!({ "handover": handover, "subject": "4711", "name": "\u{200b}\u{2060}" }))
        .await;
    assert_eq!(empty.json()["field"], "name", "{}", empty.body);
    let named = json!({ "handover": handover, "subject": "4711", "name": "Ann\u{200b} Le\u{ad}e \u{645}\u{6cc}\u{200c}\u{62e}" });
    assert_eq!(site.post(&named).await.status, 200);
    let person = site.call("GET", "/handover/people/4711", None).await;
    assert_eq!(person.json()["name"], "Ann Lee \u{645}\u{6cc}\u{200c}\u{62e}");
}
