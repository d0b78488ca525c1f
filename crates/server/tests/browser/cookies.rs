//! Cookies in a real browser: two servers on one host, two tabs that were opened before the first cookie, and no cookies at all.

use std::io::{Read as _, Write as _, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread::spawn;

use thirtyfour::prelude::*;

use crate::chromium::{Chromium, browse, browse_without_cookies};
use crate::process::Server;
use crate::{PERSON, sign_in};

const SIGN_OUT: &str = "//button[@form='sign-out']";

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_host_keep_their_people() {
    let servers = [Server::start("default", PERSON), Server::start("default", PERSON)];
    let [one, other] = servers.each_ref().map(|server| format!("{}/account", server.url));
    browse(async move |browser: Chromium| {
        for account in [&one, &other] {
            browser.driver.goto(account).await?;
            sign_in(&browser).await?;
            browser.find(By::XPath(SIGN_OUT)).await?;
        }
        browser.driver.goto(&one).await?;
        browser.find(By::XPath(SIGN_OUT)).await?.click().await?;
        browser
            .find(By::XPath("//body[not(.//button[@form='sign-out'])]"))
            .await?;
        browser.driver.goto(&other).await?;
        browser.find(By::XPath(SIGN_OUT)).await?;
        browser.driver.goto(&one).await?;
        browser.find(By::Name("password")).await.map(drop)
    })
    .await;
    servers.into_iter().for_each(Server::stop);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_opened_before_the_first_cookie_both_sign_in() {
    let gate = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", gate.local_addr().expect("the port is bound"));
    let server = Server::start("default", &format!("public_url = \"{url}\"\n{PERSON}"));
    hold_back_two(gate, server.url.replace("http://", ""));
    browse(async move |browser: Chromium| {
        let open = format!("open('{url}/login?tab=1'); open('{url}/login?tab=2'); 0");
        browser.evaluate(&open).await?;
        let tabs = browser.driver.windows().await?;
        assert_eq!(tabs.len(), 3);
        for tab in &tabs[1..] {
            browser.driver.switch_to_window(tab.clone()).await?;
            browser.find(By::Name("password")).await?;
        }
        for tab in &tabs[1..] {
            browser.driver.switch_to_window(tab.clone()).await?;
            sign_in(&browser).await?;
            browser.find(By::XPath(SIGN_OUT)).await?.click().await?;
            browser
                .find(By::XPath("//body[not(.//button[@form='sign-out'])]"))
                .await?;
        }
        Ok(())
    })
    .await;
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_keeps_no_cookies_is_told_so() {
    let server = Server::start("default", PERSON);
    let url = server.url.clone();
    browse_without_cookies(async move |browser: Chromium| {
        browser.driver.goto(format!("{url}/account")).await?;
        for time in 1..=2 {
            sign_in(&browser).await?;
            let said = format!("//*[@role='alert'][contains(., 'keeps no cookies') and contains(., '{url}')]");
            browser.find(By::XPath(said)).await?;
            browser.inspect(&format!("login-no-cookies-{time}")).await?;
        }
        Ok(())
    })
    .await;
    server.stop();
}

/// Forwards connections to the server. The first two requests for the sign-in page wait for each other, so that the browser
/// has no cookie yet when it sends them.
fn hold_back_two(gate: TcpListener, server: String) {
    let barrier = Arc::new(Barrier::new(2));
    spawn(move || {
        for browser in gate.incoming().flatten() {
            let (barrier, server) = (barrier.clone(), TcpStream::connect(&server));
            spawn(move || hand_on(browser, server.expect("the server listens"), &barrier));
        }
    });
}

fn hand_on(mut browser: TcpStream, mut server: TcpStream, barrier: &Barrier) {
    let mut first = [0; 4096];
    let length = browser.read(&mut first).unwrap_or(0);
    if first.starts_with(b"GET /login?tab=") {
        barrier.wait();
    }
    let (mut from_server, mut to_browser) = match (server.try_clone(), browser.try_clone()) {
        (Ok(server), Ok(browser)) => (server, browser),
        _ => return,
    };
    spawn(move || {
        drop(copy(&mut from_server, &mut to_browser));
        drop(to_browser.shutdown(Shutdown::Both));
    });
    drop(server.write_all(&first[..length]));
    drop(copy(&mut browser, &mut server));
    drop(server.shutdown(Shutdown::Both));
}
