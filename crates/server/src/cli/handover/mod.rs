//! `hallpass handover check`: walks the sign-in of a site as a browser would, and says what is wrong.

mod browser;
mod check;
mod client;
mod report;

use super::Failed;
use super::configuration::{Sources, load};
use crate::config::Config;
use check::Check;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use url::Url;

#[derive(Subcommand)]
pub(super) enum HandoverCommand {
    /// Open the site's sign-in page as a browser would, and say what is right and wrong
    ///
    /// The check begins at the running server of the configuration, follows the browser's way to the site, and goes back. It
    /// requests pages of the site's own host and of the server only.
    Check(CheckOptions),
}

#[derive(Args)]
pub(super) struct CheckOptions {
    /// Page of the site; default: `url` in `[handover]`
    #[arg(value_name = "URL", value_parser = page)]
    url: Option<Url>,
    /// Session cookie of a test person of the site, from the browser's developer tools (repeatable). This person is signed in at
    /// the server during the check. Without a cookie the check shows what a stranger meets
    #[arg(long = "cookie", value_name = "NAME=VALUE", value_parser = cookie)]
    cookies: Vec<(String, String)>,
    /// Configuration file of the server; default: `hallpass.toml` in this folder, if it exists
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(command: HandoverCommand) -> Result<(), Failed> {
    let HandoverCommand::Check(options) = command;
    let sources = Sources {
        config: options.config,
        preset: None,
    };
    let config = load(sources, [])?.config;
    let Some(handover) = &config.handover else {
        let text = "the configuration has no [handover]: the server sends nobody to a site. `hallpass init --site LANGUAGE` \
                    prints the section";
        return Err(Failed::Handover(text.to_owned()));
    };
    let configured = address(&handover.url)?;
    let check = Check {
        server: address(&issuer(&config))?,
        page: options.url.unwrap_or_else(|| configured.clone()),
        configured,
        cookies: options.cookies,
    };
    check.run().await
}

/// The address of the running server.
fn issuer(config: &Config) -> String {
    let server = &config.server;
    let of_port = || format!("http://localhost:{}", server.listen.port());
    server.public_url.clone().unwrap_or_else(of_port)
}

fn address(text: &str) -> Result<Url, Failed> {
    let parsed = Url::parse(text);
    parsed.map_err(|error| Failed::Handover(format!("{text} is no address: {error}")))
}

fn page(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(url),
        _ => Err("expected an address such as https://www.example.com/connect/sign-in".to_owned()),
    }
}

fn cookie(text: &str) -> Result<(String, String), String> {
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';');
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && plain(name) && plain(value) => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("expected NAME=VALUE, without spaces".to_owned()),
    }
}
