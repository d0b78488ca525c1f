//! Walks of a person through the pages in Chromium, by field names, keys and texts. Each page is checked in both colour
//! schemes, in a wide and a narrow window, and with axe.
//!
//! Not part of a plain `cargo test`: `cargo xtask test --only browser` installs the browser and runs this.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

mod browser_app;
mod chromium;
mod cookies;
mod demo;
mod handover;
mod markup;
mod organization;
#[path = "../process/mod.rs"]
mod process;
mod site;
mod third_party;

use std::collections::HashMap;

use chromium::{Chromium, browse};
use process::Server;
use third_party::{CHALLENGE, SECRET, ThirdParty};
use thirtyfour::prelude::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_allows_denies_and_ends_access() {
    let app = ThirdParty::listen();
    let server = Server::start("default", &declared(&app));
    let (url, authorize) = (server.url.clone(), authorization(&server, &app));
    browse(async move |browser: Chromium| {
        browser.driver.goto(&authorize).await?;
        browser.inspect("login").await?;
        sign_in_by_keyboard(&browser).await?;
        allow_by_keyboard(&browser).await?;
        let code = arrived(&browser).await?["code"].clone();
        app.redeem(&url, &code).await;

        browser.driver.goto(&authorize).await?;
        browser.press_button("decision", "deny").await?;
        let answer = arrived(&browser).await?;
        assert_eq!(answer["error"], "access_denied");
        assert_eq!(answer["state"], "a b&c");

        browser.driver.goto(format!("{url}/account/apps")).await?;
        assert!(browser.text().await?.contains("Reports"));
        browser.inspect("connected-apps").await?;
        browser.top_fits_on_a_phone().await?;
        let lines = [
            (".top [aria-current]", "textDecorationLine", "underline"),
            (".button.stop", "borderTopWidth", "2px"),
        ];
        browser.forced_colours_show(&lines).await?;
        browser.find(By::Name("end")).await?.click().await?;
        // Waits for the page without the button: no app is connected any more.
        browser.find(By::XPath("//main[not(.//*[@name='end'])]")).await?;
        browser.inspect("connected-apps-none").await
    })
    .await;
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_work_without_their_scripts() {
    let app = ThirdParty::listen();
    let server = Server::start("default", &declared(&app));
    let authorize = authorization(&server, &app);
    browse(async move |browser: Chromium| {
        browser.without_scripts().await?;
        browser.driver.goto(&authorize).await?;
        sign_in(&browser).await?;
        browser.press_button("decision", "allow").await?;
        assert!(arrived(&browser).await?.contains_key("code"));
        Ok(())
    })
    .await;
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_redirect_uri_gets_a_page_in_the_readers_language() {
    let app = ThirdParty::listen();
    let server = Server::start("default", &declared(&app));
    let authorize = authorization(&server, &app).replace("/cb&", "/elsewhere&");
    browse(async move |browser: Chromium| {
        for language in ["en", "nl"] {
            browser.reads(language).await?;
            browser.driver.goto(&authorize).await?;
            let page = browser.find(By::Css("html")).await?;
            assert_eq!(page.attr("lang").await?.as_deref(), Some(language));
            assert_eq!(browser.driver.current_url().await?.as_str(), authorize, "no redirect");
            browser.inspect(&format!("error-{language}")).await?;
        }
        Ok(())
    })
    .await;
    server.stop();
}

/// Preset `apicbase`, an app without a redirect URI: the person carries the code (API-5).
#[tokio::test(flavor = "multi_thread")]
async fn api_5_a_person_copies_the_code() {
    let server = Server::start("apicbase", &declared_without_redirect());
    let query = "response_type=code&client_id=desk&scope=library";
    let authorize = format!("{}/oauth/authorize/?{query}", server.url);
    browse(async move |browser: Chromium| {
        browser.driver.goto(&authorize).await?;
        sign_in(&browser).await?;
        browser.inspect("consent-copy").await?;
        browser.press_button("decision", "allow").await?;
        assert!(browser.control("copy").await?.is_displayed().await?);
        assert!(browser.driver.source().await?.contains("hp_ac_"));
        browser.inspect("code-copy").await
    })
    .await;
    server.stop();
}

/// Preset `house-check`: redirect URIs separated by commas, one of them malformed (HC-2); id and secret, once (HC-3); a reset
/// (HC-5).
#[tokio::test(flavor = "multi_thread")]
async fn hc_2_hc_3_hc_5_a_developer_creates_an_app_and_resets_its_secret() {
    let server = Server::start("house-check", PERSON);
    let url = server.url.clone();
    browse(async move |browser: Chromium| {
        browser.driver.goto(&url).await?;
        browser.inspect("landing").await?;
        browser.driver.goto(format!("{url}/developer/apps/new")).await?;
        sign_in(&browser).await?;
        browser.find(By::Name("redirect_uris")).await?;
        browser.inspect("app-new").await?;
        create(&browser, "https://crew.example/cb, crew.example/plain").await?;
        let why = browser.find(By::Id("redirect_uris-why")).await?.text().await?;
        assert!(why.contains("crew.example/plain"), "{why}");
        browser.inspect("app-new-malformed").await?;
        create(&browser, "https://crew.example/cb, https://crew.example/two").await?;
        let first = shown_secret(&browser).await?;
        browser.inspect("app-created").await?;
        browser.driver.goto(format!("{url}/developer")).await?;
        browser.inspect("developer").await?;
        browser.control("crew").await?.click().await?;
        browser.find(By::Id("client-id")).await?;
        let later = browser.driver.source().await?;
        assert!(!later.contains(&first), "the secret is shown once");
        browser.inspect("app").await?;
        browser.find(By::Name("add")).await?.click().await?;
        shown_secret(&browser).await?;
        browser.inspect("app-second-secret").await?;
        browser.find(By::Name("end")).await?.click().await?;
        browser.find(By::XPath("//main[not(.//*[@name='end'])]")).await?;
        browser.press_button("reset", "overlap").await?;
        shown_secret(&browser).await?;
        browser.inspect("app-overlap").await?;
        browser.press_button("reset", "now").await?;
        browser.find(By::XPath("//main[not(.//*[@name='end'])]")).await?;
        let second = shown_secret(&browser).await?;
        assert_ne!(first, second);
        browser.inspect("app-reset").await
    })
    .await;
    server.stop();
}

async fn sign_in_by_keyboard(browser: &Chromium) -> WebDriverResult<()> {
    browser.tab_to("username", None).await?;
    browser.press("john@doe.com").await?;
    browser.tab_to("password", None).await?;
    browser.press("wrong horse").await?;
    browser.press(Key::Enter).await?;
    let said = browser.find(By::Css("[role=alert]")).await?.text().await?;
    assert!(!said.is_empty(), "a wrong password is said to be wrong");
    browser.inspect("login-wrong").await?;
    sign_in(browser).await
}

async fn sign_in(browser: &Chromium) -> WebDriverResult<()> {
    browser.fill("username", "john@doe.com").await?;
    browser.fill("password", "correct horse").await?;
    browser.press(Key::Enter).await
}

async fn allow_by_keyboard(browser: &Chromium) -> WebDriverResult<()> {
    browser.find(By::Css("[name=decision]")).await?;
    let text = browser.text().await?;
    assert!(text.contains("Reports") && text.contains("Read your things"), "{text}");
    browser.inspect("consent").await?;
    browser.allow_comes_first_on_a_phone().await?;
    let lines = [
        (".mark", "borderTopStyle", "solid"),
        (".button.first", "forcedColorAdjust", "none"),
    ];
    browser.forced_colours_show(&lines).await?;
    browser.tab_to("decision", Some("allow")).await?;
    browser.press(Key::Enter).await
}

/// The parameters with which the browser came to the app.
async fn arrived(browser: &Chromium) -> WebDriverResult<HashMap<String, String>> {
    browser.find(By::Id("arrived")).await?;
    let address = browser.driver.current_url().await?;
    Ok(address.query_pairs().into_owned().collect())
}

async fn create(browser: &Chromium, redirect_uris: &str) -> WebDriverResult<()> {
    browser.fill("name", "Crew").await?;
    browser.fill("redirect_uris", redirect_uris).await?;
    browser.press_submit("redirect_uris").await
}

async fn shown_secret(browser: &Chromium) -> WebDriverResult<String> {
    browser.find(By::Id("fresh-secret")).await?.text().await
}

fn authorization(server: &Server, app: &ThirdParty) -> String {
    let redirect = &app.redirect_uri;
    let pkce = format!("code_challenge={CHALLENGE}&code_challenge_method=S256");
    let query = format!("response_type=code&client_id=reports&redirect_uri={redirect}&state=a%20b%26c&{pkce}");
    format!("{}/oauth/authorize?{query}", server.url)
}

const PERSON: &str = r#"
[[users]]
email = "john@doe.com"
name = "John Doe"
password = "correct horse"
developer = true
"#;

fn declared(app: &ThirdParty) -> String {
    let redirect = &app.redirect_uri;
    format!(
        "[scopes.read]\ntitle = \"Read your things\"\ndefault = true\n{PERSON}\n[[apps]]\nname = \"Reports\"\n\
         client_id = \"reports\"\nclient_secret = \"{SECRET}\"\nredirect_uris = [\"{redirect}\"]\n"
    )
}

fn declared_without_redirect() -> String {
    format!("{PERSON}\n[[apps]]\nname = \"Desk\"\nclient_id = \"desk\"\nclient_secret = \"{SECRET}\"\n")
}
