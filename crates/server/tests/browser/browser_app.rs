//! An app without a server of its own: a page on another origin that exchanges its code, calls and revokes by `fetch`, as a
//! public client with PKCE. The browser itself decides what it may read.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};
use thirtyfour::prelude::*;

use crate::chromium::{Chromium, browse};
use crate::process::Server;
use crate::third_party::CHALLENGE;
use crate::{PERSON, sign_in};

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_the_apps_own_origin_gets_tokens_and_reads_errors_and_another_does_not() {
    let (own, foreign) = (page(), page());
    let redirect = format!("{own}/cb");
    let server = Server::start("default", &declared(&redirect));
    let query = format!(
        "response_type=code&client_id=spa&redirect_uri={redirect}&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    let url = server.url.clone();
    let authorize = format!("{url}/oauth/authorize?{query}&state={url}");
    browse(async move |browser: Chromium| {
        browser.driver.goto(&authorize).await?;
        sign_in(&browser).await?;
        browser.press_button("decision", "allow").await?;
        let told = told(&browser).await?;
        assert_eq!(told["metadata"], json!(url));
        assert_eq!(told["tokens"], json!("Bearer"), "{told}");
        assert_eq!(told["identity"], json!("john@doe.com"));
        assert_eq!(told["revoked"], json!(200));
        assert_eq!(told["after"], json!("401 invalid_token"));
        assert_eq!(told["challenge"], json!("Bearer"));
        assert_eq!(told["again"], json!("400 invalid_grant"));
        assert_eq!(told["introspection"], json!("TypeError"), "it is for servers");

        browser
            .driver
            .goto(format!("{foreign}/cb?code=any&state={url}"))
            .await?;
        let told = self::told(&browser).await?;
        assert_eq!(told, json!({"metadata": url, "tokens": "TypeError"}));
        Ok(())
    })
    .await;
    server.stop();
}

async fn told(browser: &Chromium) -> WebDriverResult<Value> {
    let text = browser.find(By::Id("told")).await?.text().await?;
    Ok(serde_json::from_str(&text).unwrap_or_else(|_| panic!("the page says: {text}")))
}

fn declared(redirect: &str) -> String {
    format!(
        "[scopes.read]\ntitle = \"Read your things\"\ndefault = true\n{PERSON}\n[[apps]]\nname = \"In the browser\"\n\
         client_id = \"spa\"\ntype = \"public\"\nredirect_uris = [\"{redirect}\"]\n"
    )
}

/// Serves the app's page on a free port until the test ends; its origin.
fn page() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("the port is bound");
    std::thread::spawn(move || listener.incoming().flatten().for_each(answer));
    format!("http://{address}")
}

fn answer(mut stream: TcpStream) {
    std::thread::spawn(move || {
        if stream.read(&mut [0; 8192]).unwrap_or(0) > 0 {
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html";
            let length = PAGE.len();
            drop(write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{PAGE}"));
        }
    });
}

/// The verifier is that of RFC 7636 appendix B. The server's address comes back in `state`.
const PAGE: &str = r#"<!doctype html><html lang=en><title>In the browser</title><body><script>
const query = new URLSearchParams(location.search), server = query.get('state'), told = {};
const post = (path, form) => fetch(server + path, {method: 'POST', body: new URLSearchParams(form)});
const identity = token => fetch(server + '/oauth/userinfo', {headers: {Authorization: 'Bearer ' + token}});
const code = {grant_type: 'authorization_code', client_id: 'spa', code: query.get('code'),
    redirect_uri: location.origin + location.pathname, code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'};
const refusal = async answer => answer.status + ' ' + (await answer.json()).error;
async function run() {
    const metadata = await fetch(server + '/.well-known/oauth-authorization-server', {headers: {'MCP-Protocol-Version': '1'}});
    told.metadata = (await metadata.json()).issuer;
    const tokens = await post('/oauth/token', code).then(answer => answer.json(), error => error.name);
    told.tokens = tokens.token_type || tokens;
    if (!tokens.access_token) return;
    told.identity = (await (await identity(tokens.access_token)).json()).email;
    told.revoked = (await post('/oauth/revoke', {client_id: 'spa', token: tokens.access_token})).status;
    const after = await identity(tokens.access_token);
    told.challenge = after.headers.get('WWW-Authenticate').split(' ')[0];
    told.after = await refusal(after);
    told.again = await refusal(await post('/oauth/token', code));
    told.introspection = await post('/oauth/introspect', {client_id: 'spa', token: 'x'}).then(() => 'read', error => error.name);
}
run().catch(error => { told.failed = String(error); }).then(() => {
    const pre = document.createElement('pre');
    pre.id = 'told';
    pre.textContent = JSON.stringify(told);
    document.body.append(pre);
});
</script>"#;
