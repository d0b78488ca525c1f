//! Parameters with which an attacker asks for more access, or in another way (RFC 6749 §3.1.1 and §3.3, RFC 9101).

use super::{PRESETS, assert_refused, endpoint};
use crate::harness::{APPS, JOHN, REDIRECT_URI, SECRET, Server, TENANTS};

/// RFC 9101 §6.3 and §7: a client that sends a request object means its parameters, not those beside it. The server
/// supports no request objects, so it refuses, and fetches none (§10.4.1).
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_request_object_is_refused() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let sample = server.client("sample", REDIRECT_URI);
        for browser in [server.browser(), server.browser_of(JOHN).await] {
            for (name, value, error) in [
                (
                    "request",
                    "eyJhbGciOiJub25lIn0.eyJzY29wZSI6InJlYWQifQ.",
                    "request_not_supported",
                ),
                (
                    "request_uri",
                    "https://evil.example/request.jwt",
                    "request_uri_not_supported",
                ),
                ("request_uri", "http://127.0.0.1:1/", "request_uri_not_supported"),
                (
                    "request_uri",
                    "urn:ietf:params:oauth:request_uri:x",
                    "request_uri_not_supported",
                ),
            ] {
                let callback = browser
                    .authorize(&sample.query(&[(name, value), ("state", "s")]))
                    .await
                    .callback();
                assert!(
                    callback.address.starts_with(REDIRECT_URI),
                    "{preset} {}",
                    callback.address
                );
                assert_eq!((callback.get("error"), callback.get("state")), (error, "s"), "{preset}");
                assert!(!callback.address.contains("evil"), "{preset} {}", callback.address);
            }
        }
    }
}

/// RFC 6749 §3.1.1, RFC 9700 §2.1.2: the response has a code and nothing else, and only in the query.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_only_a_code_in_the_query_is_returned() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let pkce = [
            ("code_challenge", crate::harness::CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        for kind in [
            "token",
            "code token",
            "token code",
            "id_token",
            "code id_token",
            "none",
            "CODE",
            "code ",
            "codetoken",
        ] {
            let pairs = [
                &[
                    ("response_type", kind),
                    ("client_id", "sample"),
                    ("redirect_uri", REDIRECT_URI),
                ][..],
                &pkce,
            ]
            .concat();
            let callback = john.authorize(&crate::harness::encoded(&pairs)).await.callback();
            assert!(!callback.get("error").is_empty(), "{preset} {kind}");
            assert!(
                !callback.address.contains('#') && !callback.address.contains("hp_"),
                "{preset} {kind}"
            );
        }
        let sample = server.client("sample", REDIRECT_URI);
        for mode in ["fragment", "form_post", "web_message", "query.jwt", "nonsense"] {
            let landing = john.authorize(&sample.query(&[("response_mode", mode)])).await;
            let callback = landing.callback();
            assert!(
                callback.address.starts_with(&format!("{REDIRECT_URI}?")),
                "{preset} {mode}"
            );
            assert!(!callback.get("error").is_empty(), "{preset} {mode}");
            assert!(!callback.address.contains('#'), "{preset} {mode}");
        }
    }
}

/// No parameter of an app can skip the consent of the person: consent is always asked for.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_only_the_person_can_consent() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let (nobody, john) = (server.browser(), server.browser_of(JOHN).await);
        let sample = server.client("sample", REDIRECT_URI);
        sample.connect(&john).await;
        for more in [
            &[("approval_prompt", "auto"), ("auto", "1")][..],
            &[("decision", "allow"), ("allow", "true"), ("state", "s")],
            &[
                ("login_hint", JOHN.email),
                ("id_token_hint", "x"),
                ("max_age", "999999"),
            ],
            &[("username", JOHN.email), ("password", JOHN.password)],
        ] {
            nobody.authorize(&sample.query(more)).await.login();
            john.authorize(&sample.query(more)).await.consent();
        }
        // No page may be shown, so nothing is given.
        let none = sample.query(&[("prompt", "none")]);
        let told = nobody.authorize(&none).await.callback();
        assert_eq!(
            (told.get("error"), told.get("code")),
            ("login_required", ""),
            "{preset}"
        );
        let told = john.authorize(&none).await.callback();
        assert_eq!(
            (told.get("error"), told.get("code")),
            ("consent_required", ""),
            "{preset}"
        );
        // The endpoint refuses POST, so that no form on another site can answer for the person.
        let path = format!("{}?{}", endpoint(&server, "authorize"), sample.query(&[]));
        let posted = server.post(&path, &[("decision", "allow")]).await;
        assert_eq!((posted.status, posted.header("location")), (405, ""), "{preset}");
    }
}

/// RFC 6749 §3.3 and §6: no later request can add scopes to those granted.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_granted_scopes_never_grow() {
    // In connected-home the product limits every app to one scope, so no scope could be added.
    for preset in PRESETS.into_iter().filter(|preset| *preset != "connected-home") {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let code = sample.code(&john, &[("scope", "read")]).await;
        let redemption = [&sample.redemption(&code)[..], &[("scope", "read write")]].concat();
        let redeemed = sample.token(&redemption).await.tokens();
        let scope = async |token: &str| sample.introspect(token).await.json()["scope"].clone();
        assert_eq!(scope(&redeemed.access).await, "read", "{preset}");
        for more in [
            "write",
            "read write",
            "read nonsense",
            "read  write",
            "READ",
            "read,write",
        ] {
            let answer = sample.refresh_with(&redeemed.refresh, &[("scope", more)]).await;
            assert_refused(&answer, &format!("{preset} {more}"));
        }
        let refreshed = sample.refresh(&redeemed.refresh).await.tokens();
        assert_eq!(scope(&refreshed.access).await, "read", "{preset}");
        // A second consent for more scopes leaves the first grant unchanged.
        sample.connect_with(&john, &[("scope", "read write")]).await;
        let again = sample.refresh(&refreshed.refresh).await.tokens();
        assert_eq!(scope(&again.access).await, "read", "{preset}");
    }
}

/// RFC 6749 appendix B: parameters are a form. Neither JSON nor another method is accepted.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_token_request_must_be_a_posted_form() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let tokens = sample.connect(&john).await;
        let good = [
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.refresh.as_str()),
            ("client_id", "sample"),
            ("client_secret", SECRET),
        ];
        let json = serde_json::Value::from_iter(good.map(|(name, value)| (name, value.to_owned())));
        let path = endpoint(&server, "token");
        for kind in [
            "application/json",
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/xml",
        ] {
            for body in [json.to_string(), crate::harness::encoded(&good)] {
                let answer = server.post_raw(&path, &[("content-type", kind)], body).await;
                assert_refused(&answer, &format!("{preset} {kind}"));
            }
        }
        let form = [("content-type", "application/x-www-form-urlencoded")];
        assert_refused(&server.post_raw(&path, &form, json.to_string()).await, preset);
        let url = server.at(&path);
        for method in [reqwest::Method::GET, reqwest::Method::PUT, reqwest::Method::PATCH] {
            let request = server.request(method, &url).header("x-http-method-override", "POST");
            let request = request
                .header(form[0].0, form[0].1)
                .body(crate::harness::encoded(&good));
            assert_eq!(server.send(&url, request).await.status, 405, "{preset}");
        }
        assert_eq!(sample.refresh(&tokens.refresh).await.status, 200, "{preset}");
    }
}

/// RFC 9700 §4.15.1: no client ID can look like a person's subject, neither by configuration nor by command. The portal
/// creates ids of another form.
#[tokio::test(flavor = "multi_thread")]
async fn no_client_id_looks_like_a_persons_subject() {
    let server = Server::library("default", TENANTS).await;
    let john = server.browser_of(JOHN).await;
    let acme = server.client("acme-reports", "https://acme.example/callback");
    let tokens = acme.connect(&john).await;
    let subject = acme.introspect(&tokens.access).await.json()["sub"].clone();
    let subject = subject.as_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(subject).unwrap().get_version_num(), 7);
    let page = john.open("/developer/apps/new").await;
    let typed = [
        ("name", "Crew"),
        ("redirect_uris", REDIRECT_URI),
        ("client_id", subject),
    ];
    let made = john.submit(&page, &page.form("redirect_uris"), &typed).await;
    let id = made.by_id("client-id").unwrap();
    assert!(uuid::Uuid::parse_str(&id).is_err(), "{id}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hallpass.toml");
    let app = format!("[[apps]]\nname = \"Twin\"\nclient_id = \"{subject}\"\ntype = \"public\"\n");
    std::fs::write(&file, app).unwrap();
    let source = hallpass::config::Source {
        file: Some(file),
        ..Default::default()
    };
    let refused = hallpass::config::Config::load(&source)
        .err()
        .map(|error| error.to_string());
    assert!(refused.unwrap_or_default().contains("subject"));
}
