//! Attempts of a stranger to find out which people, apps or tokens exist (RFC 6749 §10.10, RFC 7662 §4, RFC 9700 §4).

use super::{PRESETS, endpoint};
use crate::harness::{APPS, Answer, JOHN, MARY, Person, REDIRECT_URI, RESOURCE, SECRET, Server};

/// RFC 6749 §5.2: guessing at secrets does not reveal which apps exist.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_wrong_secret_does_not_reveal_whether_the_app_exists() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        for by_basic in [false, true] {
            let unknown = refused(&server, "nobody", by_basic).await;
            for known in ["sample", "native"] {
                assert_eq!(refused(&server, known, by_basic).await, unknown, "{preset} {known}");
            }
        }
    }
}

/// The answers of every endpoint to an app with a wrong secret.
async fn refused(server: &Server, id: &str, by_basic: bool) -> Vec<String> {
    let client = server.client(id, REDIRECT_URI).with_secret("guessed");
    let client = if by_basic { client.by_basic() } else { client };
    let answers = [
        client.redeem("hp_ac_x").await,
        client.refresh("hp_rt_x").await,
        client.client_credentials(&[]).await,
        client.introspect("hp_at_x").await,
        client.revoke("hp_rt_x").await,
    ];
    assert!(
        answers.iter().all(|answer| (400..500).contains(&answer.status)),
        "{answers:?}"
    );
    answers.iter().map(Answer::shown).collect()
}

/// RFC 7662 §2.2: the answer does not say why a token is inactive for the caller. Another app's, an ended, a forged and an
/// invented token get the same bytes and headers.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_foreign_token_introspects_like_an_invented_one() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        let john = server.browser_of(JOHN).await;
        let sample = server.client("sample", REDIRECT_URI);
        let tokens = sample.connect(&john).await;
        let ended = sample.connect(&john).await;
        sample.revoke(&ended.refresh).await;
        let mut forged = tokens.access.clone();
        forged.replace_range(60..61, if &forged[60..61] == "A" { "B" } else { "A" });
        let other = server.client("other", REDIRECT_URI);
        let mut seen: Vec<String> = Vec::new();
        for token in [
            "hp_at_x",
            "x",
            &forged,
            &tokens.access,
            &tokens.refresh,
            &ended.access,
            &ended.refresh,
            &format!("hp_rt_{}", "A".repeat(70)),
        ] {
            let answer = other.introspect(token).await;
            let mut headers: Vec<String> = answer
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {value:?}"))
                .collect();
            headers.retain(|header| !header.starts_with("date"));
            seen.push(format!("{headers:?} {}", answer.shown()));
        }
        assert!(seen.iter().all(|one| *one == seen[0]), "{preset}: {seen:#?}");
        // An API gets no information about any refresh token.
        let api = server.client(RESOURCE, "");
        assert_eq!(
            api.introspect(&tokens.refresh).await.body,
            api.introspect("hp_rt_x").await.body,
            "{preset}"
        );
    }
}

/// Nor does the answer say what is wrong with a code or a refresh token of another app.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_code_or_refresh_token_is_refused_like_an_invented_one() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let code = sample.code(&john, &[]).await;
    let other = server.client("other", REDIRECT_URI);
    let invented = format!("hp_rt_{}", "A".repeat(70));
    let refusals = [
        other.refresh(&tokens.refresh).await,
        other.refresh(&invented).await,
        other.refresh("x").await,
        other.redeem(&code).await,
        other.redeem("x").await,
    ];
    assert!(
        refusals.iter().all(|one| one.shown() == refusals[0].shown()),
        "{refusals:#?}"
    );
}

/// OWASP's authentication cheat sheet: an unknown person, one without a password, a suspended one with the right password
/// and one with a wrong password get the same words, status and headers.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sign_in_does_not_reveal_who_exists() {
    let declared = "[[users]]\nemail = \"silent@example.com\"\nname = \"No Password\"\n";
    let server = Server::library("default", declared).await;
    server.command(&["user", "suspend", MARY.email]);
    let mut seen = Vec::new();
    for (email, password) in [
        ("nobody@example.com", "wrong horse battery"),
        (JOHN.email, "wrong horse battery"),
        (MARY.email, MARY.password),
        (MARY.email, "wrong horse battery"),
        ("silent@example.com", ""),
        ("silent@example.com", "wrong horse battery"),
    ] {
        let browser = server.browser();
        let answer = browser.log_in(Person { email, password }).await;
        let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        seen.push(format!("{} {names:?} {}", answer.status, answer.text()));
    }
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:#?}");
    assert!(seen[0].starts_with("401"));
}

/// An id alone reveals neither whether it belongs to an app or an API, nor the kind of the app.
#[tokio::test(flavor = "multi_thread")]
async fn under_every_preset_a_client_id_alone_reveals_nothing() {
    for preset in PRESETS {
        let server = Server::library(preset, APPS).await;
        for name in ["token", "introspect", "revoke"] {
            let path = endpoint(&server, name);
            let mut seen = Vec::new();
            for id in ["sample", "nobody", "https://api.example"] {
                let pairs = [
                    ("grant_type", "refresh_token"),
                    ("refresh_token", "hp_rt_x"),
                    ("token", "hp_at_x"),
                    ("client_id", id),
                ];
                seen.push(server.post(&path, &pairs).await.shown());
            }
            assert!(seen.iter().all(|one| *one == seen[0]), "{preset} {name}: {seen:#?}");
        }
        // The secret of an API is accepted for introspection only.
        let api = server.client(RESOURCE, "").with_secret(SECRET);
        let nobody = server.client("nobody", "");
        assert_eq!(
            api.refresh("hp_rt_x").await.shown(),
            nobody.refresh("hp_rt_x").await.shown(),
            "{preset}"
        );
        assert_eq!(
            api.revoke("hp_rt_x").await.shown(),
            nobody.revoke("hp_rt_x").await.shown(),
            "{preset}"
        );
    }
}

/// A stranger on the way to an app sees the name of the app, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_sees_nothing_of_people_and_organizations() {
    let server = Server::library("default", &format!("{APPS}{}", crate::harness::TENANTS)).await;
    let nobody = server.browser();
    let acme = server.client("acme-reports", "https://acme.example/callback");
    let sample = server.client("sample", REDIRECT_URI);
    let mut pages: Vec<Answer> = Vec::new();
    for path in [
        "/",
        "/login",
        "/account",
        "/account/apps",
        "/developer",
        "/developer/apps/sample",
        "/developer/apps/nothing",
        "/organizations/acme",
        "/organizations/nothing",
        "/nowhere",
    ] {
        pages.push(nobody.open(path).await);
    }
    pages.push(nobody.authorize(&acme.query(&[])).await.login());
    pages.push(nobody.authorize(&sample.query(&[])).await.login());
    for page in &pages {
        for secret in [
            "John",
            "Mary",
            "Max",
            "Kitchens",
            "Globex",
            "@example.com",
            "@doe.com",
            "app.example",
        ] {
            assert!(!page.readable().contains(secret), "{} {secret}", page.url);
        }
    }
    // Before the sign-in, existing and missing pages look the same.
    for (there, not) in [(5, 6), (7, 8)] {
        assert_eq!(pages[there].status, pages[not].status);
        assert_eq!(pages[there].text(), pages[not].text());
    }
}
