//! Codes, tokens and secrets that could leak through caches, referrers or redirects (RFC 9700 §4.2, §4.3, §4.12; RFC 6749
//! §5.1).

use super::{PRESETS, form_to, send};
use crate::harness::{APPS, Answer, CHALLENGE, JOHN, REDIRECT_URI, Server};

fn assert_not_kept(answer: &Answer, what: &str) {
    assert_eq!(answer.header("cache-control"), "no-store", "{what}");
    assert_eq!(answer.header("etag"), "", "{what}");
    assert_eq!(answer.header("access-control-allow-origin"), "", "{what}");
    assert_eq!(answer.header("server"), "", "{what}");
}

/// RFC 6749 §5.1, RFC 7662 §2.2, RFC 9700 §4.3: no cache may keep these answers, neither a success nor a refusal.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_an_answer_with_a_token_is_not_cached() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let page = john.authorize(&sample.query(&[])).await.consent();
        assert_not_kept(&page, preset);
        let form = page.form("decision");
        let redirect = john.submit_only(&page, &form, &[("decision", "allow")]).await;
        assert_eq!(redirect.status, 303, "{preset}");
        assert_not_kept(&redirect, preset);
        let code = redirect.header("location").split("code=").nth(1).unwrap();
        let redeemed = sample.redeem(code.split('&').next().unwrap()).await;
        let tokens = redeemed.tokens();
        for (what, answer) in [
            ("redeem", redeemed),
            ("redeem again", sample.redeem("hp_ac_x").await),
            ("refresh", sample.refresh(&sample.connect(&john).await.refresh).await),
            ("wrong secret", sample.clone().with_secret("guessed").refresh("x").await),
            ("introspect", sample.introspect(&tokens.access).await),
            ("identity", server.identity(&tokens.access).await),
            ("identity refused", server.identity("hp_at_x").await),
            ("revoke", sample.revoke(&tokens.access).await),
        ] {
            assert_not_kept(&answer, &format!("{preset} {what}"));
        }
    }
}

/// A secret is shown only in the answer to a POST, which no cache keeps and no URL leads to.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_with_a_secret_is_not_cached() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let page = john.open("/developer/apps/new").await;
    let typed = [("name", "Crew"), ("redirect_uris", REDIRECT_URI)];
    let made = john.submit_only(&page, &page.form("redirect_uris"), &typed).await;
    let secret = made.by_id("fresh-secret").unwrap();
    assert_eq!(made.status, 200);
    assert_not_kept(&made, "made");
    assert_eq!(made.header("referrer-policy"), "same-origin");
    assert!(!made.url.as_str().contains(&secret));
    let again = john.submit_only(&page, &page.form("redirect_uris"), &typed).await;
    assert_eq!(again.status, 303);
    assert!(!again.header("location").contains(&secret));
}

/// RFC 9700 §4.12: with a 307, the browser would send the password or the consent to the app.
#[tokio::test(flavor = "multi_thread")]
async fn every_post_that_redirects_does_so_with_303() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let browser = server.browser();
    let login = browser.authorize(&sample.query(&[])).await.login();
    let typed = [("username", JOHN.email), ("password", JOHN.password)];
    let signed_in = browser.submit_only(&login, &login.form("password"), &typed).await;
    assert_eq!(signed_in.status, 303);
    assert_not_kept(&signed_in, "login");
    sample.connect(&browser).await;
    let consent = browser.authorize(&sample.query(&[])).await.consent();
    let apps = browser.open("/account/apps").await;
    for (page, action, typed) in [
        (&consent, "/consent", &[("decision", "deny")][..]),
        (&apps, "/account/apps", &[("end", "1")]),
        (&consent, "/switch", &[]),
    ] {
        let answer = browser.submit_only(page, &form_to(page, action), typed).await;
        assert_eq!((answer.status, answer.body.as_str()), (303, ""), "{action}");
        assert!(!answer.header("location").contains("battery"), "{action}");
    }
    // An error after the person's answer is redirected in the same way.
    let again = server.browser_of(JOHN).await;
    let page = again.authorize(&sample.query(&[])).await.consent();
    let mut form = page.form("decision");
    form.fields.retain(|(name, _)| name != "decision");
    assert_eq!(again.submit_only(&page, &form, &[]).await.status, 400);
    let account = again.open("/account").await;
    let out = again.submit_only(&account, &form_to(&account, "/logout"), &[]).await;
    assert_eq!(out.status, 303);
}

/// RFC 9700 §4.2.4: pages with an authorization request or a code in their URL or text refer to no other site, so no
/// referrer is sent. The policy covers redirects as well.
#[tokio::test(flavor = "multi_thread")]
async fn no_page_of_the_flow_loads_or_names_another_site() {
    let desk = "[[apps]]\nname = \"Desk\"\nclient_id = \"desk\"\nclient_secret = \"a-secret-of-43-characters-as-hallpass-makes\"\n";
    let server = Server::library("apicbase", &format!("{APPS}{desk}")).await;
    let browser = server.browser();
    let desk = server.client("desk", "");
    let login = browser.authorize(&desk.query(&[])).await.login();
    browser.send_login(&login, JOHN).await;
    let consent = browser.authorize(&desk.query(&[])).await.consent();
    let copy = browser.decide(&consent, "allow").await.page();
    assert!(copy.body.contains("hp_ac_"));
    let refused = browser.authorize("client_id=nobody").await.page();
    for page in [&login, &consent, &copy, &refused] {
        assert_eq!(page.header("referrer-policy"), "same-origin", "{}", page.url);
        for name in ["href=\"", "src=\"", "action=\"", "content=\"0", "url("] {
            for address in page.body.split(name).skip(1) {
                let own = address.starts_with('/') && !address.starts_with("//") || address.starts_with('#');
                assert!(
                    own || address.starts_with('"'),
                    "{}: {name}{}",
                    page.url,
                    &address[..40]
                );
            }
        }
    }
}

/// RFC 6749 §10.3, RFC 6750 §2.3: a secret in a URL is ignored and not repeated.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_a_url_is_ignored() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let credentials = format!("client_id=sample&client_secret={}", crate::harness::SECRET);
    for path in [
        format!(
            "/oauth/token?grant_type=refresh_token&refresh_token={}&{credentials}",
            tokens.refresh
        ),
        format!("/oauth/introspect?token={}&{credentials}", tokens.access),
        format!("/oauth/revoke?token={}&{credentials}", tokens.refresh),
        format!("/oauth/userinfo?access_token={}", tokens.access),
    ] {
        for answer in [server.get(&path).await, server.post(&path, &[]).await] {
            assert!(matches!(answer.status, 400 | 401 | 405), "{path}: {}", answer.status);
        }
    }
    assert_eq!(server.identity(&tokens.access).await.status, 200);
    assert_eq!(sample.refresh(&tokens.refresh).await.status, 200);
    // An authorization request with a secret in it is answered without the secret.
    let query = sample.query(&[("client_secret", crate::harness::SECRET), ("password", JOHN.password)]);
    let page = john.authorize(&query).await.consent();
    assert!(!page.body.contains(crate::harness::SECRET) && !page.body.contains(JOHN.password));
    let back = john.decide(&page, "allow").await.callback();
    assert!(
        !back.address.contains(crate::harness::SECRET) && !back.address.contains(CHALLENGE),
        "{}",
        back.address
    );
    send(&john, &john.open("/account").await, "/logout", &[]).await;
}
