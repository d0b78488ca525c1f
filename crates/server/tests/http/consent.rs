//! Consent: the scopes that are asked for, and how often the same page can be answered (decisions 41 and 68).

use crate::harness::{APPS, Answer, Browser, JOHN, Landing, MARY, REDIRECT_URI, Server, TENANTS};
use std::time::Duration;

async fn asked(server: &Server, browser: &Browser<'_>) -> Answer {
    let sample = server.client("sample", REDIRECT_URI);
    browser.authorize(&sample.query(&[("state", "s")])).await.consent()
}

async fn tokens_work(server: &Server, code: &str) {
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.redeem(code).await.tokens();
    assert_eq!(server.identity(&tokens.access).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_allow_shows_the_same_code() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let page = asked(&server, &john).await;
    let first = john.decide(&page, "allow").await.callback();
    let second = john.decide(&page, "allow").await.callback();
    assert_eq!(first, second);
    tokens_work(&server, first.code()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_64_allows_at_once_all_show_the_same_code() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let page = asked(&server, &john).await;
    let decision = [("decision", "allow")];
    let answers = john.submit_at_once(&page, &page.form("decision"), &decision, 64).await;
    assert!(answers.iter().all(|answer| answer.status == 303), "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|answer| answer.header("location") == answers[0].header("location"))
    );
    let sample = server.client("sample", REDIRECT_URI);
    sample.connect(&john).await;
    assert_eq!(
        john.open("/account/apps")
            .await
            .forms()
            .iter()
            .filter(|form| form.has("end"))
            .count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_redemption_another_allow_says_that_it_is_done() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let page = asked(&server, &mary).await;
    let code = mary.decide(&page, "allow").await.callback().code().to_owned();
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.redeem(&code).await.tokens();
    let done = mary.decide(&page, "allow").await.page();
    assert_eq!(done.status, 200);
    assert!(
        done.text().contains("You already answered this request"),
        "{}",
        done.text()
    );
    assert_eq!(
        server.identity(&tokens.access).await.status,
        200,
        "and nothing ends by it"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_code_expired_another_allow_issues_no_second_code() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let page = asked(&server, &mary).await;
    mary.decide(&page, "allow").await.callback();
    server.advance(Duration::from_secs(60));
    let done = mary.decide(&page, "allow").await.page();
    assert!(
        done.text().contains("You already answered this request"),
        "{}",
        done.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_is_redirected_to_the_app_and_gives_nothing() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let page = asked(&server, &john).await;
    let callback = john.decide(&page, "deny").await.callback();
    assert!(
        callback
            .address
            .starts_with(&format!("{REDIRECT_URI}?error=access_denied&"))
    );
    assert_eq!(callback.names(), ["error", "error_description", "state", "iss"]);
    assert_eq!(callback.get("iss"), server.issuer);
    let apps = john.open("/account/apps").await;
    assert!(apps.forms().iter().all(|form| !form.has("end")), "{}", apps.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn allow_and_deny_redirect_with_303() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    for decision in ["allow", "deny"] {
        let page = asked(&server, &john).await;
        let answer = john
            .submit_only(&page, &page.form("decision"), &[("decision", decision)])
            .await;
        assert_eq!((answer.status, answer.header("cache-control")), (303, "no-store"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_other_than_allow_or_deny_is_refused() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let page = asked(&server, &john).await;
    for typed in [&[][..], &[("decision", "")], &[("decision", "maybe")]] {
        let answer = john.submit(&page, &page.form("decision"), typed).await;
        assert_eq!(answer.status, 400);
    }
    john.decide(&page, "allow").await.callback();
}

/// A form with another person's consent, sent from the browser of a victim, must not connect the victim.
#[tokio::test(flavor = "multi_thread")]
async fn another_persons_form_decides_nothing_and_asks_anew() {
    let server = Server::library("default", APPS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let of_john = asked(&server, &john).await;
    let again = mary.decide(&of_john, "allow").await.consent();
    assert!(again.text().contains("mary@example.com"), "{}", again.text());
    assert!(!again.text().contains("john@doe.com"));
    // Mary's answer now counts for Mary.
    let code = mary.decide(&again, "allow").await.callback().code().to_owned();
    tokens_work(&server, &code).await;
    // John's form is still valid for John.
    john.decide(&of_john, "allow").await.callback();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_another_browser_of_the_same_person_asks_anew() {
    let server = Server::library("default", APPS).await;
    let (one, other) = (server.browser_of(JOHN).await, server.browser_of(JOHN).await);
    let page = asked(&server, &one).await;
    assert!(matches!(other.decide(&page, "allow").await, Landing::Consent(_)));
    // In a browser where nobody is logged in, it leads to the login first.
    assert!(matches!(
        server.browser().decide(&page, "allow").await,
        Landing::Login(_)
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_was_open_for_too_long_asks_anew() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let page = asked(&server, &john).await;
    server.advance(Duration::from_secs(30 * 60 - 1));
    assert!(matches!(john.decide(&page, "allow").await, Landing::App(_)));
    let page = asked(&server, &john).await;
    server.advance(Duration::from_secs(30 * 60));
    let again = john.decide(&page, "allow").await.consent();
    john.decide(&again, "allow").await.callback();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_form_is_stale_and_decides_nothing() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let page = asked(&server, &mary).await;
    let blob = page.form("decision").value("state").to_owned();
    let of_login = server
        .browser()
        .open("/login")
        .await
        .form("password")
        .value("state")
        .to_owned();
    let of_logout = mary.open("/account").await.forms()[0].value("state").to_owned();
    let mut changed = blob.clone().into_bytes();
    let middle = changed.len() / 2;
    changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    for forged in [
        "",
        "AAAA",
        &blob[..blob.len() - 4],
        &changed,
        &of_login,
        &of_logout,
        &"A".repeat(10_000),
    ] {
        let typed = [("state", forged), ("decision", "allow")];
        let answer = mary.submit(&page, &page.form("decision"), &typed).await;
        assert_eq!(answer.status, 400, "{forged}");
        assert!(
            answer.text().contains("This page cannot be used any more"),
            "{}",
            answer.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_from_another_site_gets_a_clear_refusal() {
    let server = Server::library("default", APPS).await;
    let mary = server.browser_of(MARY).await;
    let page = asked(&server, &mary).await;
    let form = page.form("decision");
    let decision = [("decision", "allow")];
    let port = server.issuer.rsplit(':').next().unwrap();
    let sibling = format!("http://evil.127.0.0.1:{port}");
    for origin in [
        "https://evil.example",
        "null",
        "",
        &sibling,
        "http://127.0.0.1:1",
        "file://",
    ] {
        let answer = mary.submit_from(&page, &form, &decision, Some(origin)).await;
        assert_eq!(answer.status, 403, "{origin:?}");
        let told = match origin {
            "null" | "" => "Your browser hides where this came from",
            _ => "This came from another address",
        };
        assert!(answer.text().contains(told), "{}", answer.text());
    }
    // Some browsers and tools send no Origin: then the sealed state decides.
    let answer = mary.submit_from(&page, &form, &decision, None).await;
    assert_eq!(answer.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_are_answered_independently() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let (sample, other) = (
        server.client("sample", REDIRECT_URI),
        server.client("other", "https://other.example/callback"),
    );
    let first = john.authorize(&sample.query(&[("state", "first")])).await.consent();
    let second = john.authorize(&other.query(&[("state", "second")])).await.consent();
    let third = john.authorize(&sample.query(&[("state", "third")])).await.consent();
    let third = john.decide(&third, "allow").await.callback();
    let first = john.decide(&first, "allow").await.callback();
    let second = john.decide(&second, "allow").await.callback();
    assert_eq!(
        (first.get("state"), second.get("state"), third.get("state")),
        ("first", "second", "third")
    );
    assert_ne!(first.code(), third.code());
    for code in [first.code(), third.code()] {
        tokens_work(&server, code).await;
    }
    assert_eq!(other.redeem(second.code()).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_several_organizations_the_person_chooses_one_of_their_own() {
    let third = "[[organizations]]\nslug = \"initech\"\nname = \"Initech\"\nmembers = [\"mary@example.com:member\"]\n";
    let server = Server::library("default", &format!("{TENANTS}{third}{RESOURCE_OF_TENANTS}")).await;
    let mary = server.browser_of(MARY).await;
    let partner = server.client("partner-sync", "https://partner.example/callback");
    let page = mary.authorize(&partner.query(&[])).await.consent();
    assert!(page.form("decision").has("organization"));
    assert!(page.text().contains("Globex Test Kitchen") && page.text().contains("Initech"));
    assert!(!page.text().contains("Acme Kitchens"), "she is not in that one");

    let form = page.form("decision");
    for organization in ["acme", "default", "nowhere", ""] {
        let typed = [("decision", "allow"), ("organization", organization)];
        let answer = mary.submit(&page, &form, &typed).await;
        assert_eq!(answer.status, 400, "{organization}");
    }
    let mut without = page.form("decision");
    without.fields.retain(|(name, _)| name != "organization");
    let answer = mary.submit_only(&page, &without, &[("decision", "allow")]).await;
    assert_eq!(answer.status, 400);
    assert!(answer.form("decision").has("organization"), "asked again: {answer:?}");
    let typed = [("decision", "allow"), ("organization", "initech")];
    let answer = mary.submit(&page, &form, &typed).await;
    let code = answer
        .header("location")
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap()
        .to_owned();
    let token = partner.redeem(&code).await.tokens().access;
    let api = server.client("https://api.example", "");
    assert_eq!(api.introspect(&token).await.json()["organization"], "initech");
}

/// A person who goes back and chooses again means the organization that they see now.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_allow_for_another_organization_gives_no_code_of_the_first() {
    let third = "[[organizations]]\nslug = \"initech\"\nname = \"Initech\"\nmembers = [\"mary@example.com:member\"]\n";
    let server = Server::library("default", &format!("{TENANTS}{third}{RESOURCE_OF_TENANTS}")).await;
    let mary = server.browser_of(MARY).await;
    let partner = server.client("partner-sync", "https://partner.example/callback");
    let page = mary.authorize(&partner.query(&[])).await.consent();
    let allow = async |page: &Answer, organization| {
        let typed = [("decision", "allow"), ("organization", organization)];
        Landing::of(mary.submit(page, &page.form("decision"), &typed).await)
    };
    let first = allow(&page, "globex").await.callback();
    assert_eq!(allow(&page, "globex").await.callback(), first);
    for redeemed in [false, true] {
        let again = allow(&page, "initech").await.consent();
        let second = allow(&again, "initech").await.callback();
        let token = partner.redeem(second.code()).await.tokens().access;
        let api = server.client("https://api.example", "");
        assert_eq!(api.introspect(&token).await.json()["organization"], "initech");
        if !redeemed {
            assert_eq!(partner.redeem(first.code()).await.status, 200);
        }
    }
}

const RESOURCE_OF_TENANTS: &str = r#"
[[resources]]
identifier = "https://api.example"
name = "The API"
secret = "a-secret-of-43-characters-as-hallpass-makes"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn with_one_organization_there_is_no_field_for_it() {
    let server = Server::library("default", TENANTS).await;
    let mary = server.browser_of(MARY).await;
    let globex = server.client("globex-trials", "https://globex.example/callback");
    let page = mary.authorize(&globex.query(&[])).await.consent();
    assert!(!page.form("decision").has("organization"));
    assert!(
        page.text().contains("Globex Test Kitchen"),
        "but the person sees which one it is"
    );
    mary.decide(&page, "allow").await.callback();
}

#[tokio::test(flavor = "multi_thread")]
async fn one_grant_too_many_ends_the_longest_idle_grant() {
    let declared = format!("[tokens]\ngrants_per_user_and_app = 2\n{APPS}");
    let server = Server::library("default", &declared).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    let sample = server.client("sample", REDIRECT_URI);
    let of_mary = sample.connect(&mary).await;
    let mut tokens = Vec::new();
    for _ in 0..2 {
        tokens.push(sample.connect(&john).await);
        server.advance(Duration::from_secs(120));
    }
    // The older grant is used again, so the other one has now been idle longest.
    assert_eq!(sample.refresh(&tokens[0].refresh).await.status, 200);
    server.advance(Duration::from_secs(120));
    tokens.push(sample.connect(&john).await);
    assert_eq!(server.identity(&tokens[0].access).await.status, 200);
    assert_eq!(server.identity(&tokens[1].access).await.refusal(), "401 invalid_token");
    assert_eq!(server.identity(&tokens[2].access).await.status, 200);
    assert_eq!(server.identity(&of_mary.access).await.status, 200);
}

/// The code is used up by then. If the client had to come back later, it would come with a used code.
#[tokio::test(flavor = "multi_thread")]
async fn a_failure_to_end_the_idle_grant_does_not_fail_the_redemption() {
    let declared = format!("[tokens]\ngrants_per_user_and_app = 1\n{APPS}");
    let server = Server::library("default", &declared).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let first = sample.connect(&john).await;
    server.advance(Duration::from_secs(120));
    let (refuses, no_more) = match server.is_on_postgres() {
        true => (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$; \
             CREATE TRIGGER refuses BEFORE UPDATE ON grants FOR EACH ROW WHEN (NEW.state = 2) EXECUTE FUNCTION refuse()",
            "DROP TRIGGER refuses ON grants",
        ),
        false => (
            "CREATE TRIGGER refuses BEFORE UPDATE ON grants WHEN NEW.state = 2 BEGIN SELECT RAISE(FAIL, 'no'); END",
            "DROP TRIGGER refuses",
        ),
    };
    server.sql(refuses);
    let second = sample.connect(&john).await;
    for tokens in [&first, &second] {
        assert_eq!(server.identity(&tokens.access).await.status, 200);
    }
    server.sql(no_more);
    server.advance(Duration::from_secs(120));
    sample.connect(&john).await;
    for tokens in [&first, &second] {
        assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    }
}

/// A second POST creates no grant, so it ends none to make room.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_allow_ends_no_other_grant() {
    let declared = format!("[tokens]\ngrants_per_user_and_app = 2\n{APPS}");
    let server = Server::library("default", &declared).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let first = sample.connect(&john).await;
    server.advance(Duration::from_secs(120));
    let page = asked(&server, &john).await;
    let code = john.decide(&page, "allow").await.callback().code().to_owned();
    let second = sample.redeem(&code).await.tokens();
    john.decide(&page, "allow").await.page();
    for tokens in [&first, &second] {
        assert_eq!(server.identity(&tokens.access).await.status, 200);
    }
}

/// Room is made when a code is redeemed: an unredeemed code ends nothing, and several redemptions at once do not exceed the
/// limit.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_redeemed_code_ends_the_longest_idle_grant() {
    let declared = format!("[tokens]\ngrants_per_user_and_app = 2\n{APPS}");
    let server = Server::library("default", &declared).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (first, second) = (sample.connect(&john).await, sample.connect(&john).await);
    let mut codes = Vec::new();
    for _ in 0..2 {
        let page = asked(&server, &john).await;
        codes.push(john.decide(&page, "allow").await.callback().code().to_owned());
    }
    for tokens in [&first, &second] {
        assert_eq!(server.identity(&tokens.access).await.status, 200);
    }
    server.advance(Duration::from_secs(1));
    for code in &codes {
        sample.redeem(code).await.tokens();
    }
    for tokens in [&first, &second] {
        assert_eq!(server.identity(&tokens.access).await.refusal(), "401 invalid_token");
    }
}

/// Each consent leaves an event in the audit log, which is kept for long (docs/decisions/0061). To end access always works.
#[tokio::test(flavor = "multi_thread")]
async fn consents_to_one_app_are_limited_per_hour() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let page = asked(&server, &john).await;
    for _ in 0..500 {
        john.decide(&page, "allow").await.callback();
    }
    let refused = john.decide(&page, "allow").await.page();
    assert_eq!((refused.status, refused.header("retry-after")), (429, "8"));
    assert!(refused.text().contains("Er is niets veranderd"), "{}", refused.text());
    let other = asked(&server, &john).await;
    john.decide(&other, "deny").await.callback();
    server.advance(Duration::from_secs(8));
    john.decide(&page, "allow").await.callback();
}

/// The page is in the person's language, whatever the browser asks for.
#[tokio::test(flavor = "multi_thread")]
async fn the_page_is_in_the_persons_language() {
    let server = Server::library("default", APPS).await;
    let (john, mary) = (server.browser_of(JOHN).await, server.browser_of(MARY).await);
    assert!(asked(&server, &john).await.body.contains("<html lang=\"nl\">"));
    assert!(asked(&server, &mary).await.body.contains("<html lang=\"en\">"));
}

#[tokio::test(flavor = "multi_thread")]
async fn switch_account_returns_to_the_same_request_after_the_login() {
    let server = Server::library("default", APPS).await;
    let browser = server.browser_of(JOHN).await;
    let page = asked(&server, &browser).await;
    let forms = page.forms();
    let switch = forms
        .iter()
        .find(|form| form.action.ends_with("/switch"))
        .expect("a way to switch");
    let login = browser.submit(&page, switch, &[]).await;
    let again = browser.send_login(&login, MARY).await;
    assert!(again.text().contains("Mary Major"), "{}", again.text());
    let callback = browser.decide(&again, "allow").await.callback();
    assert_eq!(callback.get("state"), "s");
}
