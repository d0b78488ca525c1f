//! `hallpass demo`, clicked through: connect, call, expiry, refresh by Method 1 (CCH-12), the end of access.

use thirtyfour::prelude::*;

use crate::chromium::{Chromium, browse};
use crate::process::Demo;

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_of_the_default_preset_tells_its_story() {
    tells_its_story("default", "acme-reports").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_of_common_controls_hub_tells_its_story() {
    tells_its_story("common-controls-hub", "acme-reports").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_of_connected_home_tells_its_story() {
    tells_its_story("connected-home", "123abc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_of_house_check_tells_its_story() {
    tells_its_story("house-check", "acme-reports").await;
}

/// John belongs to two libraries there, so he chooses one.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_of_apicbase_tells_its_story() {
    tells_its_story("apicbase", "acme-reports").await;
}

async fn tells_its_story(preset: &str, client_id: &str) {
    let demo = Demo::start(preset);
    let (app, connected) = (demo.app.clone(), demo.connected_apps.clone());
    let reports = format!("{app}apps/{client_id}");
    let preset = preset.to_owned();
    browse(async move |browser: Chromium| {
        browser.driver.goto(&app).await?;
        browser.inspect(&format!("demo-{preset}-start")).await?;
        browser.driver.goto(&reports).await?;
        connect(&browser).await?;
        says(&browser, "Access token").await?;
        browser.control("call the api").await?.click().await?;
        says(&browser, "Call GET").await?;
        browser.inspect(&format!("demo-{preset}-called")).await?;
        browser.control("let the access token expire").await?.click().await?;
        says(&browser, "expired").await?;
        browser.control("call without looking").await?.click().await?;
        says(&browser, "401").await?;
        browser.control("call the api").await?.click().await?;
        says(&browser, "grant_type=refresh_token").await?;

        browser.driver.goto(&connected).await?;
        sign_in_if_asked(&browser).await?;
        browser.find(By::Name("end")).await?.click().await?;
        browser.find(By::XPath("//main[not(.//*[@name='end'])]")).await?;
        browser.driver.goto(&reports).await?;
        browser.control("refresh now").await?.click().await?;
        says(&browser, "Access has ended").await
    })
    .await;
    demo.stop();
}

async fn connect(browser: &Chromium) -> WebDriverResult<()> {
    browser.control("connect with").await?.click().await?;
    sign_in_if_asked(browser).await?;
    browser.find(By::Name("decision")).await?;
    let choice = browser
        .driver
        .query(By::Css("select[name=organization] option:last-child"))
        .nowait();
    if choice.exists().await? {
        let last = browser
            .find(By::Css("select[name=organization] option:last-child"))
            .await?;
        last.click().await?;
    }
    browser.press_button("decision", "allow").await
}

async fn sign_in_if_asked(browser: &Chromium) -> WebDriverResult<()> {
    browser
        .find(By::Css("[name=username], [name=decision], [name=end]"))
        .await?;
    if browser.driver.query(By::Name("username")).nowait().exists().await? {
        browser.fill("username", "john@doe.com").await?;
        browser.fill("password", "open-sesame").await?;
        browser.press(Key::Enter).await?;
    }
    Ok(())
}

/// Waits until the page says so.
async fn says(browser: &Chromium, text: &str) -> WebDriverResult<()> {
    browser
        .find(By::XPath(format!("//main[contains(., '{text}')]")))
        .await
        .map(drop)
}
