//! An API for orders, in axum. Reading needs the scope `orders`; ordering also needs a token that acts for a person.
//!
//! README.md says how to run it beside a Hallpass on this computer.
#![allow(clippy::print_stdout, reason = "a program that says where it listens")]

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};
use hallpass_resource::{Caller, ProtectedResource, Scopes, Verifier};
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let setting = |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
    let identifier = setting("IDENTIFIER", "orders-api");
    let secret = std::fs::read_to_string(setting("SECRET_FILE", "orders-api.secret"))?;
    let listener = tokio::net::TcpListener::bind(setting("LISTEN", "127.0.0.1:8082")).await?;
    let address = format!("http://{}", listener.local_addr()?);

    let verifier = Verifier::builder(&setting("ISSUER", "http://localhost:8080"))
        .audience(&identifier)
        .introspection(&identifier, secret.trim_end())
        .follow_feed()
        .metadata(ProtectedResource::new(&address).scopes(Scopes::parse("orders")?))
        .build()?;
    // Finds a wrong address or secret now, and not when the first caller comes.
    verifier.ready().await?;

    println!("listening on {address}");
    axum::serve(listener, router(&verifier)?).await?;
    Ok(())
}

/// Each route with its guard, and the metadata for clients that look for the authorization server.
fn router(verifier: &Verifier) -> Result<Router, Box<dyn Error>> {
    let read = verifier.guard().scopes("orders")?;
    let order = read.clone().person();
    let mut router = Router::new()
        .route("/orders", get(list).layer(read))
        .route("/orders", post(create).layer(order));
    if let Some((path, document)) = verifier.metadata() {
        let document = document.to_owned();
        router = router.route(
            path,
            get(async move || ([(CONTENT_TYPE, "application/json")], document)),
        );
    }
    Ok(router.with_state(verifier.clone()))
}

/// Shows no data of another organization.
async fn list(caller: Caller) -> String {
    format!("the orders of {}\n", caller.organization().unwrap_or("nobody"))
}

async fn create(caller: Caller) -> String {
    format!("ordered for {}\n", caller.username().unwrap_or("nobody"))
}
