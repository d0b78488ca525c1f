//! The keeper's page of connections in Chromium: in both colour schemes, in a wide and a narrow window, and with axe.
//!
//! Not part of a plain `cargo test`: `cargo xtask test --only browser` installs the browser and runs this.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

#[path = "../../../server/tests/browser/chromium.rs"]
#[expect(dead_code, reason = "the walks through the server's pages use more of it")]
mod chromium;
mod process;

use chromium::{Chromium, browse};
use process::Keeper;
use serde_json::{Value, json};
use thirtyfour::prelude::*;

async fn column(chromium: &Chromium, cell: &str) -> WebDriverResult<Value> {
    let texts = format!("[...document.querySelectorAll('tbody {cell}')].map(cell => cell.textContent)");
    chromium.evaluate(&texts).await
}

/// The reason can be read without scrolling, once.
async fn reason_shows(chromium: &Chromium, width: u32) -> WebDriverResult<()> {
    chromium.width(width).await?;
    let edges = "[...document.querySelectorAll('tr.needs_user td, tr.needs_user small')]
        .filter(cell => cell.lastChild?.data === 'no_refresh_token' && cell.checkVisibility())
        .map(cell => cell.getBoundingClientRect().right)";
    let edges = chromium.evaluate(edges).await?;
    let edges: Vec<f64> = serde_json::from_value(edges).expect("numbers");
    assert!(
        matches!(edges[..], [edge] if edge <= f64::from(width)),
        "{width}: {edges:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_connections_can_be_read_by_everybody() {
    let long = format!("warehouse/customer-3-{}", "x".repeat(230));
    let names = ["warehouse/customer-1", "warehouse/customer-2 <b>&</b>", &long];
    let lines = [
        json!({"connection": names[0], "access_token": "a", "expires_at": 4_000_000_000_i64}),
        // It is over and cannot be renewed.
        json!({"connection": names[1], "access_token": "a", "expires_at": 1}),
        json!({"connection": names[2], "access_token": "a", "refresh_token": "r", "expires_at": 4_000_000_000_i64}),
    ];
    let keeper = Keeper::start(&lines.map(|line| line.to_string()).join("\n"));
    let (all, first) = (keeper.url("/connections"), keeper.url("/connections?limit=2"));
    let names = names.map(str::to_owned);
    browse(|chromium| async move {
        chromium.watch().await?;
        chromium.driver.goto(&all).await?;
        assert_eq!(column(&chromium, "th").await?, json!(names));
        let states = column(&chromium, "td:nth-of-type(1) span").await?;
        assert_eq!(states, json!(["ready", "needs_user", "ready"]));
        let collapse = chromium
            .evaluate("getComputedStyle(document.querySelector('table')).borderCollapse")
            .await?;
        assert_eq!(collapse, "collapse", "the style sheet is there");
        chromium.inspect("keeper-connections").await?;
        reason_shows(&chromium, 360).await?;
        reason_shows(&chromium, 1440).await?;
        chromium.nothing_ran("connections").await?;
        chromium.driver.goto(&first).await?;
        assert_eq!(column(&chromium, "th").await?, json!(&names[..2]));
        chromium.control("next page").await?.click().await?;
        let third = "//th[starts-with(., 'warehouse/customer-3')]";
        chromium.find(By::XPath(third)).await?;
        assert_eq!(column(&chromium, "th").await?, json!(&names[2..]));
        chromium.nothing_ran("the next page").await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_without_connections_says_so() {
    let keeper = Keeper::start("");
    let empty = keeper.url("/connections");
    browse(|chromium| async move {
        chromium.driver.goto(&empty).await?;
        assert!(chromium.text().await?.contains("There are no connections here."));
        chromium.inspect("keeper-empty").await
    })
    .await;
}
