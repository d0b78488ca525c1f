//! The owners of an organization and the apps that it connected: one allows, another one takes the access over, narrows and ends it.

use thirtyfour::prelude::*;

use crate::arrived;
use crate::chromium::{Chromium, browse};
use crate::process::Server;
use crate::third_party::{CHALLENGE, SECRET, ThirdParty};

#[tokio::test(flavor = "multi_thread")]
async fn owners_allow_take_over_narrow_and_end_the_access_of_an_app() {
    let app = ThirdParty::listen();
    let server = Server::start("default", &declared(&app));
    let (url, redirect) = (server.url.clone(), app.redirect_uri.clone());
    browse(async move |browser: Chromium| {
        let pkce = format!("code_challenge={CHALLENGE}&code_challenge_method=S256&scope=read%20write");
        let query = format!("response_type=code&client_id=reports&redirect_uri={redirect}&{pkce}");
        browser.driver.goto(format!("{url}/oauth/authorize?{query}")).await?;
        sign_in(&browser, "olga@example.com").await?;
        browser.find(By::Name("decision")).await?;
        browser.inspect("consent-organization").await?;
        browser.press_button("decision", "allow").await?;
        let code = arrived(&browser).await?["code"].clone();
        app.redeem(&url, &code).await;

        let apps = format!("{url}/organizations/acme?tab=apps");
        browser.driver.goto(&apps).await?;
        says(&browser, "Set up by you").await?;
        browser.inspect("organization-apps").await?;

        browser.driver.delete_all_cookies().await?;
        browser.driver.goto(&apps).await?;
        sign_in(&browser, "owen@example.com").await?;
        says(&browser, "Olga Owner").await?;
        browser.inspect("organization-apps-of-another").await?;
        browser.press_button("take_over", "1").await?;
        says(&browser, "Set up by you").await?;

        browser.find(By::Css("summary")).await?.click().await?;
        browser.inspect("organization-apps-narrow").await?;
        let write = By::Css("input[name=scope][value=write]");
        browser.find(write).await?.click().await?;
        browser.press_button("narrow", "1").await?;
        browser.find(By::Css("[role=status].good")).await?;
        let text = browser.text().await?;
        assert!(
            text.contains("Read your things") && !text.contains("Change your things"),
            "{text}"
        );

        browser.press_button("end", "1").await?;
        browser.find(By::XPath("//main[not(.//*[@name='end'])]")).await?;
        browser.inspect("organization-apps-none").await
    })
    .await;
    server.stop();
}

async fn sign_in(browser: &Chromium, email: &str) -> WebDriverResult<()> {
    browser.fill("username", email).await?;
    browser.fill("password", "correct horse").await?;
    browser.press(Key::Enter).await
}

/// Waits until the page says this.
async fn says(browser: &Chromium, text: &str) -> WebDriverResult<()> {
    let said = format!("//main[contains(., '{text}')]");
    browser.find(By::XPath(said)).await.map(drop)
}

fn declared(app: &ThirdParty) -> String {
    let redirect = &app.redirect_uri;
    let person = |email: &str, name: &str| {
        format!("[[users]]\nemail = \"{email}\"\nname = \"{name}\"\npassword = \"correct horse\"\n")
    };
    format!(
        "[scopes.read]\ntitle = \"Read your things\"\n[scopes.write]\ntitle = \"Change your things\"\n{}{}\
         [[organizations]]\nslug = \"acme\"\nname = \"Acme Kitchens\"\n\
         members = [\"olga@example.com:owner\", \"owen@example.com:owner\"]\n\
         [[apps]]\nname = \"Reports\"\nclient_id = \"reports\"\nclient_secret = \"{SECRET}\"\nredirect_uris = [\"{redirect}\"]\n\
         reach = \"partner\"\nacts_as = \"organization\"\n",
        person("olga@example.com", "Olga Owner"),
        person("owen@example.com", "Owen Owner"),
    )
}
