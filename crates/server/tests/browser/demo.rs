//! `hallpass demo`, clicked through: connect, call, expiry, refresh by Method 1 (CCH-12) and Method 2 (CCH-13), a lost
//! answer, the end of access.

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

/// A host sends its cookies to every port (RFC 6265 §8.5), so both demos see those of the other.
#[tokio::test(flavor = "multi_thread")]
async fn two_demos_do_not_sign_each_other_out() {
    let demos = [Demo::start("default"), Demo::start("house-check")];
    let places = [&demos[0], &demos[1]].map(|demo| (demo.app.clone(), demo.connected_apps.clone()));
    browse(async move |browser: Chromium| {
        for (app, _) in &places {
            browser.driver.goto(app).await?;
            connect(&browser).await?;
            says(&browser, "Access token").await?;
        }
        for (app, connected) in &places {
            browser.driver.goto(connected).await?;
            browser.find(By::Name("end")).await?;
            browser.driver.goto(app).await?;
            says(&browser, "Access token").await?;
        }
        Ok(())
    })
    .await;
    demos.into_iter().for_each(Demo::stop);
}

/// API-2: the page is linked, and its form says what the button said.
#[tokio::test(flavor = "multi_thread")]
async fn the_demo_of_apicbase_leads_to_the_settings() {
    let demo = Demo::start("apicbase");
    let (app, connected) = (demo.app.clone(), demo.connected_apps.clone());
    browse(async move |browser: Chromium| {
        browser.driver.goto(&connected).await?;
        sign_in_if_asked(&browser).await?;
        browser.driver.goto(&app).await?;
        let link = browser.find(By::LinkText("API Settings of Brasserie Central")).await?;
        link.click().await?;
        browser
            .find(By::LinkText("Register Application"))
            .await?
            .click()
            .await?;
        browser.find(By::XPath("//h1[.='Register Application']")).await?;
        browser.find(By::XPath("//button[.='Register Application']")).await?;
        browser.inspect("demo-apicbase-register").await
    })
    .await;
    demo.stop();
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
        stands_at(&browser, "Connect").await?;
        says(&browser, "Which scope opens which endpoint").await?;
        says(&browser, "john@doe.com").await?;
        connect(&browser).await?;
        says(&browser, "Access token").await?;
        stands_at(&browser, "Call").await?;
        press_next(&browser, "Call the API").await?;
        says(&browser, "Call GET").await?;
        browser.inspect(&format!("demo-{preset}-called")).await?;
        stands_at(&browser, "Expire").await?;
        press_next(&browser, "Let the access token expire").await?;
        says(&browser, "expired").await?;
        stands_at(&browser, "Refresh").await?;
        browser
            .find(By::XPath("//summary[.='Call in a wrong way']"))
            .await?
            .click()
            .await?;
        browser.control("call without looking").await?.click().await?;
        says(&browser, "401").await?;
        browser.control("call the api").await?.click().await?;
        says(&browser, "grant_type=refresh_token").await?;
        stands_at(&browser, "End").await?;
        browser.inspect(&format!("demo-{preset}-refreshed")).await?;
        keeps_tokens_fresh(&browser, &preset).await?;
        let basic = browser
            .find(By::XPath("//section[@aria-labelledby='story']"))
            .await?
            .text()
            .await?;
        assert_eq!(
            basic.contains("Basic MTIzYWJjOjQ1NmRlZg=="),
            preset == "connected-home",
            "a header is shown whole if the text of the API prints it"
        );

        // The clock moved by up to a week, and the person is signed in as before.
        browser.driver.goto(&connected).await?;
        browser.find(By::Name("end")).await?.click().await?;
        browser.find(By::XPath("//main[not(.//*[@name='end'])]")).await?;
        browser.driver.goto(&reports).await?;
        browser.control("refresh now").await?.click().await?;
        says(&browser, "Access has ended").await?;
        says(&browser, "The tour is complete").await
    })
    .await;
    demo.stop();
}

/// Method 2, and an answer that is lost.
async fn keeps_tokens_fresh(browser: &Chromium, preset: &str) -> WebDriverResult<()> {
    browser.control("method 2").await?.click().await?;
    says(browser, "No call has to wait").await?;
    browser.control("let the access token expire").await?.click().await?;
    says(browser, "the keeper refreshes by itself").await?;
    browser.control("lose the answer").await?.click().await?;
    says(browser, "Nothing is lost").await?;
    browser.inspect(&format!("demo-{preset}-lost")).await
}

async fn connect(browser: &Chromium) -> WebDriverResult<()> {
    browser.control("connect with").await?.click().await?;
    sign_in_if_asked(browser).await?;
    browser.find(By::Name("decision")).await?;
    let page = browser.text().await?;
    let owners = ["Dana Acme", "Acme sandbox", "by Connected Home"];
    assert!(owners.iter().any(|owner| page.contains(owner)), "{page}");
    assert!(
        !page.contains("any program can receive") && !page.contains("elk programma"),
        "{page}"
    );
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

/// The rail names this stop as the present one.
async fn stands_at(browser: &Chromium, stop: &str) -> WebDriverResult<()> {
    let present = format!("//ol[@class='rail']/li[@aria-current='step'][starts-with(., '{stop}')]");
    browser.find(By::XPath(present)).await.map(drop)
}

/// Presses the highlighted button, which has this label.
async fn press_next(browser: &Chromium, label: &str) -> WebDriverResult<()> {
    let next = format!("//*[@id='next']//button[@class='button first'][.='{label}']");
    browser.find(By::XPath(next)).await?.click().await
}

/// Waits until the page says so.
async fn says(browser: &Chromium, text: &str) -> WebDriverResult<()> {
    browser
        .find(By::XPath(format!("//main[contains(., '{text}')]")))
        .await
        .map(drop)
}
