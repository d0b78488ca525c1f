//! Connects one user at any OAuth 2 server with metadata, and refreshes once.
//!
//! ```text
//! ISSUER=https://auth.example.com CLIENT_ID=reports CLIENT_SECRET=… \
//!   REDIRECT_URI=http://127.0.0.1:8081/callback SCOPE=orders cargo run --package hallpass-client --example connect
//! ```
//!
//! Open the printed address in a browser, sign in, and allow. The browser then goes to the redirect URI, where nothing
//! needs to answer. Paste that whole address into the terminal.
#![allow(clippy::print_stdout, reason = "it talks with a person")]

use std::error::Error;
use std::sync::Arc;

use hallpass_client::http::HttpClient;
use hallpass_client::{Client, ClientAuth, Provider, Refusal, SystemClock, TokenError, discover};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let set = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let http = HttpClient::builder().build()?;
    let mut provider = Provider::new(set("CLIENT_ID")?, ClientAuth::basic(set("CLIENT_SECRET")?));
    provider.scopes = set("SCOPE")?.split(' ').map(str::to_owned).collect();
    provider.adopt(&discover(&http, &set("ISSUER")?).await?);
    let client = Client::new(provider, http, Arc::new(SystemClock))?;

    let begun = client.begin(&set("REDIRECT_URI")?, &[])?;
    println!("open {}", begun.url);
    let mut back = String::new();
    std::io::stdin().read_line(&mut back)?;
    let tokens = client.complete(&begun.pending, back.trim()).await?;
    println!("connected for {:?}", tokens.scope);

    let Some(refresh) = &tokens.refresh else {
        println!("there is no refresh token");
        return Ok(());
    };
    match client.refresh(refresh).await {
        // Store `tokens.refresh` before the access token is used: the old refresh token may not work any more.
        Ok(tokens) => println!("refreshed; the access token expires at {:?}", tokens.expires_at),
        Err(TokenError::Refused(error)) if error.refusal() == Refusal::Grant => println!("connect again: {error}"),
        Err(error) if error.may_have_counted() => println!("ask again with the same refresh token: {error}"),
        Err(error) => println!("ask again later: {error}"),
    }
    Ok(())
}
