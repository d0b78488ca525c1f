//! A walk in a browser through pages on which every text is hostile: no script runs, and the content security policy has
//! nothing to stop.

use thirtyfour::prelude::*;

use crate::chromium::{Chromium, browse};
use crate::process::Server;
use crate::third_party::{CHALLENGE, SECRET, ThirdParty};
use crate::{arrived, sign_in};

const HOSTILE: &str = r#""'><img src=x onerror=alert(1)><script>alert(1)</script></title></textarea>"#;

const WORLD: &str = r#"
[brand]
name = '''HOSTILE'''
[scopes.harm]
title = '''HOSTILE'''
description = '''HOSTILE'''
default = true
[[users]]
email = "john@doe.com"
name = '''HOSTILE'''
password = "correct horse"
[[organizations]]
slug = "acme"
name = '''HOSTILE'''
members = ["john@doe.com:owner"]
[[apps]]
name = '''HOSTILE'''
organization = "acme"
client_id = "reports"
client_secret = "SECRET"
redirect_uris = ["URI"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_anybodys_runs_in_a_page() {
    let app = ThirdParty::listen();
    let world = WORLD.replace("HOSTILE", HOSTILE).replace("SECRET", SECRET);
    let server = Server::start("default", &world.replace("URI", &app.redirect_uri));
    let url = server.url.clone();
    let request = [
        ("response_type", "code"),
        ("client_id", "reports"),
        ("redirect_uri", &app.redirect_uri),
        ("state", HOSTILE),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(request)
        .finish();
    browse(async move |browser: Chromium| {
        browser.watch().await?;
        browser.driver.goto(format!("{url}/oauth/authorize?{query}")).await?;
        browser.fill("username", HOSTILE).await?;
        browser.fill("password", HOSTILE).await?;
        browser.press(Key::Enter).await?;
        browser.find(By::Css("[role=alert]")).await?;
        browser.nothing_ran("wrong password").await?;
        sign_in(&browser).await?;
        browser.find(By::Name("decision")).await?;
        browser.nothing_ran("consent").await?;
        browser.press_button("decision", "allow").await?;
        let answer = arrived(&browser).await?;
        assert_eq!(answer["state"], HOSTILE);
        app.redeem(&url, &answer["code"]).await;

        for path in [
            "/",
            "/account",
            "/account/apps",
            "/developer",
            "/developer/apps/reports",
            "/organizations/acme",
            "/oauth/authorize?client_id=%3Cscript%3Ealert(1)%3C/script%3E",
            "/%3Cscript%3Ealert(1)%3C/script%3E",
        ] {
            browser.driver.goto(format!("{url}{path}")).await?;
            browser.nothing_ran(path).await?;
        }
        browser.driver.goto(format!("{url}/developer/apps/new")).await?;
        browser.fill("name", HOSTILE).await?;
        browser.fill("redirect_uris", HOSTILE).await?;
        browser.press_submit("redirect_uris").await?;
        browser.find(By::Id("redirect_uris-why")).await?;
        browser.nothing_ran("a refused app").await?;
        // Another name than the site's, which is refused too.
        browser.fill("name", &format!("Mine {HOSTILE}")).await?;
        browser
            .fill("redirect_uris", "https://app.example/cb?a='&b=(x);")
            .await?;
        browser.press_submit("redirect_uris").await?;
        browser.find(By::Id("fresh-secret")).await?;
        browser.nothing_ran("a new app").await
    })
    .await;
    server.stop();
}
