//! What reaches the backend, and what does not.

use crate::harness::{JOHN, REDIRECT_URI};
use crate::world::{Answer, Proxy, World, bearer, before_a_silent_hallpass, nginx_before};
use std::time::Duration;

/// The identity as the backend reads it.
const SUBJECT: &str = "HTTP_HALLPASS_SUBJECT";

fn assert_refused(answer: &Answer, statuses: &[u16], what: &str) {
    assert!(!answer.is_of_backend(), "{what}: it reached the backend: {answer:?}");
    assert!(statuses.contains(&answer.status), "{what}: {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowed_call_reaches_the_backend_with_who_calls() {
    for proxy in Proxy::ALL {
        let world = World::of(proxy, "default").await;
        let token = world.token("read write").await;
        for call in [
            "GET /orders",
            "GET /orders/17?a=%2F",
            "POST /orders",
            "PUT /orders/17",
            "HEAD /orders",
        ] {
            let answer = world.send(call, &[bearer(&token)]).await;
            assert_eq!(answer.status, 200, "{proxy:?} {call} {answer:?}");
            if call.starts_with("HEAD") {
                continue;
            }
            let got = answer.got();
            let (method, uri) = call.split_once(' ').unwrap();
            assert_eq!(
                (&got["method"], &got["path"]),
                (&method.into(), &uri.into()),
                "{proxy:?}"
            );
            for (header, value) in [
                (SUBJECT, "app:sample"),
                ("HTTP_HALLPASS_CLIENT_ID", "sample"),
                ("HTTP_HALLPASS_ACTS_AS", "app"),
                ("HTTP_HALLPASS_SCOPE", "read write"),
                ("HTTP_HALLPASS_ORGANIZATION", "default"),
                ("HTTP_HALLPASS_ENVIRONMENT", "live"),
            ] {
                assert_eq!(got["headers"][header], value, "{proxy:?} {call}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hc_1_no_call_reaches_the_backend_without_a_good_token() {
    for proxy in Proxy::ALL {
        let world = World::of(proxy, "house-check").await;
        for headers in [
            vec![],
            vec![bearer("hp_at_forged")],
            vec!["Authorization: Basic c2FtcGxlOng=".to_owned()],
            vec!["Cookie: access_token=x".to_owned()],
        ] {
            for call in ["GET /orders", "GET /", "POST /orders", "DELETE /nothing"] {
                let answer = world.send(call, &headers).await;
                assert_refused(&answer, &[401], call);
                assert!(
                    answer.header("www-authenticate").starts_with("Bearer "),
                    "{proxy:?} {answer:?}"
                );
                assert!(answer.text.contains("Unauthenticated."), "{proxy:?} {answer:?}");
            }
        }
    }
}

/// CCH-7 and CCH-11: the client sees the message of the API that the preset imitates, through either proxy.
#[tokio::test(flavor = "multi_thread")]
async fn cch_7_and_cch_11_the_message_of_an_expired_token_reaches_the_client() {
    for proxy in Proxy::ALL {
        let world = World::of(proxy, "common-controls-hub").await;
        let john = world.hallpass.browser_of(JOHN).await;
        let sample = world.hallpass.client("sample", REDIRECT_URI);
        let tokens = sample.connect_with(&john, &[("scope", "read")]).await;
        let answer = world.send("GET /orders", &[bearer(&tokens.access)]).await;
        assert_eq!(answer.got()["headers"]["HTTP_HALLPASS_ACTS_AS"], "person", "{proxy:?}");
        world.hallpass.advance(Duration::from_secs(3601));
        let expired = world.send("GET /orders", &[bearer(&tokens.access)]).await;
        assert_refused(&expired, &[401], "expired");
        assert!(
            expired
                .text
                .contains(r#""message":"The access token provided has expired""#),
            "{proxy:?} {expired:?}"
        );
        assert!(
            expired.header("www-authenticate").contains("invalid_token"),
            "{proxy:?} {expired:?}"
        );
    }
}

/// HC-8.
#[tokio::test(flavor = "multi_thread")]
async fn hc_8_a_call_without_its_scope_is_refused_with_the_challenge() {
    for proxy in Proxy::ALL {
        let world = World::of(proxy, "house-check").await;
        let john = world.hallpass.browser_of(JOHN).await;
        let sample = world.hallpass.client("sample", REDIRECT_URI);
        let tokens = sample.connect_with(&john, &[("scope", "read")]).await;
        let allowed = world.send("GET /orders/17", &[bearer(&tokens.access)]).await;
        assert!(allowed.is_of_backend(), "{proxy:?} {allowed:?}");
        let refused = world.send("POST /orders", &[bearer(&tokens.access)]).await;
        assert_refused(&refused, &[403], "POST /orders");
        let challenge = refused.header("www-authenticate");
        assert!(
            challenge.contains("insufficient_scope") && challenge.contains("write"),
            "{proxy:?} {refused:?}"
        );
    }
}

/// CVE-2025-64484 of oauth2-proxy; GHSA-f59h-q822-g45g and GHSA-7r4p-vjf4-gxv4 of Caddy.
#[tokio::test(flavor = "multi_thread")]
async fn underscore_headers_never_become_an_identity() {
    for proxy in Proxy::ALL {
        let world = World::of(proxy, "default").await;
        let token = world.token("read").await;
        for name in [
            "Hallpass-Subject",
            "Hallpass_Subject",
            "HALLPASS_SUBJECT",
            "hallpass-Subject",
            "Hallpass-Client_Id",
        ] {
            let answer = world
                .send("GET /orders", &[bearer(&token), format!("{name}: admin")])
                .await;
            assert_refused(&answer, &[403], name);
        }
        for name in [
            "X-HTTP-Method-Override",
            "X-Original-URL",
            "X_Rewrite_URL",
            "SCRIPT_NAME",
            "X-Script-Name",
        ] {
            let answer = world
                .send("GET /orders", &[bearer(&token), format!("{name}: DELETE")])
                .await;
            assert_refused(&answer, &[403], name);
        }
        let overridden = world.send("GET /orders?_method=DELETE", &[bearer(&token)]).await;
        assert_refused(&overridden, &[403], "_method");
    }
}

/// A proxy leaves out the headers that `Connection` names (RFC 9110 §7.6.1), also those that it has just set.
#[tokio::test(flavor = "multi_thread")]
async fn the_client_cannot_have_an_identity_header_left_out() {
    for proxy in Proxy::ALL {
        let world = World::of(proxy, "default").await;
        let token = world.token("read").await;
        for value in ["close, Hallpass-Organization", "hallpass-subject,HALLPASS-SCOPE"] {
            let answer = world
                .send("GET /orders", &[bearer(&token), format!("Connection: {value}")])
                .await;
            if answer.is_of_backend() {
                let got = answer.got();
                for name in [
                    "SUBJECT",
                    "CLIENT_ID",
                    "ACTS_AS",
                    "SCOPE",
                    "ORGANIZATION",
                    "ENVIRONMENT",
                ] {
                    assert!(
                        got["headers"][format!("HTTP_HALLPASS_{name}")].is_string(),
                        "{proxy:?} {value}: {got}"
                    );
                }
            } else {
                assert_refused(&answer, &[400], value);
            }
        }
    }
}

/// A backend that takes `Upgrade: h2c` opens a tunnel through the proxy (RFC 7540 §3.2). No later request in it is checked.
#[tokio::test(flavor = "multi_thread")]
async fn the_client_cannot_open_a_tunnel_of_http_2() {
    for proxy in Proxy::ALL {
        let world = World::of(proxy, "default").await;
        let token = bearer(&world.token("read").await);
        for more in [
            &["Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk"][..],
            &["Connection: Upgrade", "HTTP2-Settings: AAMAAABk"],
            &["Connection: Upgrade"],
        ] {
            let mut headers = vec![token.clone(), "Upgrade: h2c".to_owned()];
            headers.extend(more.iter().map(|line| (*line).to_owned()));
            let answer = world.send("GET /orders", &headers).await;
            assert_refused(&answer, &[403], &format!("{proxy:?} {more:?}"));
        }
    }
}

/// Without `Connection`, Caddy hides the header from Hallpass. Its file refuses it then.
#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_the_guide_refuse_an_upgrade_that_hallpass_does_not_see() {
    for (proxy, status) in [(Proxy::Nginx, 403), (Proxy::Caddy, 400)] {
        let world = World::of(proxy, "default").await;
        let headers = [bearer(&world.token("read").await), "Upgrade: h2c".to_owned()];
        let answer = world.send("GET /orders", &headers).await;
        assert_refused(&answer, &[status], &format!("{proxy:?}"));
    }
}

/// GHSA-7x63-xv5r-3p2x of oauth2-proxy: the client's X-Forwarded-Uri decided what was checked.
#[tokio::test(flavor = "multi_thread")]
async fn x_forwarded_uri_and_method_of_the_client_count_for_nothing() {
    for proxy in Proxy::ALL {
        let world = World::of(proxy, "default").await;
        let token = world.token("read").await;
        for call in ["GET /orders/export", "DELETE /orders/17", "POST /orders"] {
            let headers = [
                "X-Forwarded-Uri: /orders",
                "X-Forwarded-Method: GET",
                "X_Forwarded_Uri: /orders",
            ];
            let mut headers: Vec<String> = headers.map(str::to_owned).to_vec();
            headers.push(bearer(&token));
            assert_refused(&world.send(call, &headers).await, &[403], call);
        }
        let asked = world
            .send(
                "GET /forward-auth",
                &[bearer(&token), "X-Forwarded-Uri: /orders".to_owned()],
            )
            .await;
        assert_refused(&asked, &[403], "the proxy does not hand out the check itself");
        let inside = world.send("GET /_hallpass", &[bearer(&token)]).await;
        assert_refused(&inside, &[403, 404], "nor its inner location");
    }
}

/// Frameworks believe these headers about address, host, scheme and path.
#[tokio::test(flavor = "multi_thread")]
async fn the_backend_learns_nothing_about_a_request_from_its_client() {
    for proxy in Proxy::ALL {
        let world = World::of(proxy, "default").await;
        let mut headers = vec![bearer(&world.token("read").await)];
        for name in [
            "X-Forwarded-For",
            "X-Forwarded-Proto",
            "X-Forwarded-Host",
            "X-Forwarded-Port",
            "X-Forwarded-Prefix",
            "X-Forwarded-Server",
            "X-Forwarded-Scheme",
            "X-Forwarded-Ssl",
            "X-Real-IP",
        ] {
            headers.push(format!("{name}: spoofed.example"));
        }
        headers.push("Forwarded: for=192.0.2.66;host=spoofed.example;proto=https".to_owned());
        let mut with_connection = headers.clone();
        with_connection.push("Connection: X-Forwarded-For, X-Real-IP, X-Forwarded-Proto".to_owned());
        for headers in [headers, with_connection] {
            let got = world.send("GET /orders", &headers).await.got();
            assert!(!got.to_string().contains("spoofed"), "{proxy:?}: {got}");
            for (name, value) in [
                ("HOST", "api.example.com"),
                ("X_FORWARDED_HOST", "api.example.com"),
                ("X_FORWARDED_FOR", "127.0.0.1"),
                ("X_FORWARDED_PROTO", "http"),
                ("X_REAL_IP", "127.0.0.1"),
            ] {
                assert_eq!(got["headers"][format!("HTTP_{name}")], value, "{proxy:?} {name}: {got}");
            }
        }
        if proxy == Proxy::Nginx {
            let token = bearer(&world.token("read").await);
            let got = world.send("GET http://spoofed.example/orders", &[token]).await.got();
            assert!(!got.to_string().contains("spoofed"), "{got}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_too_long_is_refused_and_no_outage() {
    for proxy in Proxy::ALL {
        let world = World::of(proxy, "default").await;
        for (length, statuses) in [
            (4097, &[401][..]),
            (7000, &[401]),
            (8001, &[400, 401]),
            (20_000, &[400, 431]),
        ] {
            let answer = world.send("GET /orders", &[bearer(&"a".repeat(length))]).await;
            assert_refused(&answer, statuses, &format!("{proxy:?} {length}"));
        }
        let many: Vec<_> = (0..18)
            .map(|number| format!("X-Large-{number}: {}", "a".repeat(1500)))
            .collect();
        assert_refused(
            &world.send("GET /orders", &many).await,
            &[400, 431],
            &format!("{proxy:?}"),
        );
    }
}

/// nginx has no word for a check that answers 431, and would say 500.
#[tokio::test(flavor = "multi_thread")]
async fn more_headers_than_hallpass_reads_are_refused_and_no_outage() {
    for (proxy, status) in [(Proxy::Nginx, 403), (Proxy::Caddy, 431)] {
        let world = World::of(proxy, "default").await;
        let mut headers = vec![bearer(&world.token("read").await)];
        headers.extend((0..120).map(|number| format!("X-Small-{number}: a")));
        let answer = world.send("GET /orders", &headers).await;
        assert_refused(&answer, &[status], &format!("{proxy:?}"));
        assert!(answer.text.contains("100 headers"), "{proxy:?} {answer:?}");
    }
}

/// nginx asks a second time for the text of a refusal. Another word must not make a success of it.
#[test]
fn a_refusal_stays_one_if_hallpass_has_changed_its_mind() {
    const REFUSED: &str = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 7\r\nConnection: close\r\n\r\nrefused";
    const ALLOWED: &str = "HTTP/1.1 200 OK\r\nHallpass-Subject: ada\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let plain = nginx_before(&[REFUSED, REFUSED]);
    assert_eq!(plain.status, 401, "{plain:?}");
    assert!(plain.text.ends_with("\r\n\r\nrefused"), "{plain:?}");
    assert_eq!(plain.header("www-authenticate"), "Bearer");
    let changed = nginx_before(&[REFUSED, ALLOWED]);
    assert_eq!(changed.status, 401, "{changed:?}");
}

/// GHSA-pxq7-h93f-9jrg of oauth2-proxy (`#`), and what nginx, Caddy and backends read differently.
#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_is_not_plain_reaches_no_backend() {
    for proxy in Proxy::ALL {
        let world = World::of(proxy, "default").await;
        let token = world.token("read").await;
        for uri in [
            "/orders/export#/../17",
            "/orders/17#",
            "/orders/../orders/export",
            "/orders/x/../export",
            "/orders/./export",
            "/orders/%2e%2e/orders/export",
            "/orders//export",
            "//orders",
            "/orders%2Fexport",
            "/orders/17%2F..%2Fexport",
            "/orders/..;/export",
            "/orders/export;x=1",
            "/orders/%252e%252e/export",
            "/orders/EXPORT",
            "/ORDERS",
            "/orders/export.json",
        ] {
            let answer = world.send(&format!("GET {uri}"), &[bearer(&token)]).await;
            // Some never get past the proxy itself.
            assert_refused(&answer, &[400, 403], uri);
        }
    }
}

/// GHSA-5hvv-m4w4-gf6v of oauth2-proxy.
#[tokio::test(flavor = "multi_thread")]
async fn health_check_agents_are_not_let_through() {
    for proxy in Proxy::ALL {
        let world = World::of(proxy, "default").await;
        for agent in ["GoogleHC/1.0", "ELB-HealthChecker/2.0", "kube-probe/1.31"] {
            for call in ["GET /orders", "GET /ping", "GET /healthz"] {
                let answer = world.send(call, &[format!("User-Agent: {agent}")]).await;
                assert_refused(&answer, &[401], agent);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_hallpass_is_away_nothing_is_let_through() {
    for proxy in Proxy::ALL {
        let mut world = World::of(proxy, "default").await;
        let token = world.token("read").await;
        assert!(world.send("GET /orders", &[bearer(&token)]).await.is_of_backend());
        world.hallpass.stop().await;
        assert_refused(
            &world.send("GET /orders", &[bearer(&token)]).await,
            &[500, 502],
            "stopped",
        );
    }
}

/// The client here waits 20 s. Without limits of their own, nginx would wait for Hallpass for 60 s, and Caddy for ever.
#[test]
fn where_hallpass_hangs_the_proxies_answer_and_nothing_is_let_through() {
    for answer in before_a_silent_hallpass() {
        assert_refused(&answer, &[500, 502, 504], "silent");
    }
}
