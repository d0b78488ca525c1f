//! The answer to a refresh is lost. Hallpass gives it again; the others honestly need the user.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use hallpass_ends::{CLIENT_ID, Django, Hallpass, OidcProvider, Person, REDIRECT_URI, follow};
use serde_json::{Value, json};

use crate::commands::import;
use crate::keeper::{Keeper, declared_for, identity};
use crate::proxy::Proxy;

/// A provider whose token endpoint is behind the proxy.
fn section(authorize: &str, token: &str, scope: &str) -> String {
    let keys = format!("client_id = \"{CLIENT_ID}\"\nsecret_file = \"app.secret\"\nscopes = [{scope}]\n");
    format!("[providers.cb]\nauthorize = {authorize:?}\ntoken = {token:?}\n{keys}")
}

/// Loses the answer to a refresh, and asks until the keeper knows more than "later".
fn lose(keeper: &Keeper, proxy: &Proxy) -> (u16, Value) {
    let token = keeper.token("cb/17");
    let path = format!("/token/cb/17?refused={}", &token[token.len() - 8..]);
    proxy.lose_the_next_answer();
    for _ in 0..20 {
        let (status, answer) = keeper.get(&path);
        assert!(proxy.has_lost_it(), "the refresh went through the proxy");
        if status != 503 {
            return (status, answer);
        }
        keeper.wait(Duration::from_secs(answer["retry_after"].as_u64().expect("a wait")));
    }
    panic!("later and later");
}

#[test]
fn hallpass_gives_the_lost_answer_again() {
    let server = Hallpass::start("default", &declared_for("cb"));
    let proxy = Proxy::before(server.url());
    let authorize = format!("{}/oauth/authorize", server.url());
    let token = format!("{}/oauth/token", proxy.address);
    let keeper = Keeper::start(&section(&authorize, &token, r#""profile", "read""#));
    keeper.connect(&mut Person::new(), "cb", "17");
    let (status, answer) = lose(&keeper, &proxy);
    assert_eq!(status, 200, "{answer}");
    let token = answer["access_token"].as_str().expect("a token");
    assert_eq!(identity(&keeper, &server, token), 200);
}

#[test]
fn oidc_provider_ends_the_grant_and_the_user_must_connect_again() {
    let server = OidcProvider::start_for("cb");
    let proxy = Proxy::before(server.url());
    let authorize = format!("{}/auth", server.url());
    let token = format!("{}/token", proxy.address);
    needs_user(&section(&authorize, &token, r#""openid", "offline_access""#), &proxy);
}

#[test]
fn django_oauth_toolkit_ends_the_grant_and_the_user_must_connect_again() {
    let server = Django::start_for("cb");
    let proxy = Proxy::before(server.url());
    let authorize = format!("{}/o/authorize/", server.url());
    let token = format!("{}/o/token/", proxy.address);
    needs_user(&section(&authorize, &token, r#""read""#), &proxy);
}

fn needs_user(provider: &str, proxy: &Proxy) {
    let keeper = Keeper::start(provider);
    let connect = || {
        let back = keeper.block_on(follow(&keeper.begin("cb", "17"), REDIRECT_URI));
        assert_eq!(keeper.complete(&back, "17").0, 200);
    };
    connect();
    let (status, answer) = lose(&keeper, proxy);
    assert_eq!((status, &answer["error"]), (409, &json!("needs_user")), "{answer}");
    assert_eq!(answer["reason"], json!("answer_lost"), "{answer}");
    connect();
    keeper.token("cb/17");
}

/// The toolkit gives no answer twice, so an end in the middle of a refresh would cost the connection.
#[test]
fn an_end_waits_for_the_answer_that_is_in_flight() {
    let server = Django::start_for("cb");
    let proxy = Proxy::before(server.url());
    let authorize = format!("{}/o/authorize/", server.url());
    let token = format!("{}/o/token/", proxy.address);
    let mut keeper = Keeper::start(&section(&authorize, &token, r#""read""#));
    let back = keeper.block_on(follow(&keeper.begin("cb", "17"), REDIRECT_URI));
    assert_eq!(keeper.complete(&back, "17").0, 200);
    let before = keeper.token("cb/17");
    proxy.hold_the_next_answer();
    let refused = format!("/token/cb/17?refused={}", &before[before.len() - 8..]);
    let (status, answer) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| keeper.get(&refused));
        proxy.wait_until_it_is_held();
        keeper.terminate();
        proxy.let_it_go();
        asking.join().expect("an answer")
    });
    assert_eq!(status, 200, "{answer}");
    assert!(keeper.wait_for_its_end().success());
    keeper.serve();
    assert_eq!(keeper.token("cb/17"), answer["access_token"].as_str().expect("a token"));
    assert!(keeper.token("cb/17") != before);
}

/// The provider is so slow that the command prints the old token, which lives for half a minute more. The command ends when the
/// outcome of its request is stored: the new refresh token, or on a stalled machine that no answer came in time.
#[test]
fn token_ends_when_the_late_answer_is_stored() {
    let server = Hallpass::start("default", &declared_for("cb"));
    let proxy = Proxy::before(server.url());
    let authorize = format!("{}/oauth/authorize", server.url());
    let token = format!("{}/oauth/token", proxy.address);
    let section = section(&authorize, &token, r#""profile", "read""#);
    let mut keeper = Keeper::start(&section);
    keeper.connect(&mut Person::new(), "cb", "17");
    keeper.kill();
    let export = |keeper: &Keeper| -> Value {
        let line = keeper.command(&["export"]).stdout;
        serde_json::from_slice(&line).expect("one line")
    };
    let mut exported = export(&keeper);
    let access = &mut exported["record"]["access"];
    let issued_at = access["issued_at"].as_i64().expect("a moment");
    access["issued_at"] = json!(issued_at - 3_600_000);
    access["expires_at"] = json!(issued_at + 40_000);
    let old = access["token"].clone();
    let before = exported["record"]["refresh"]["token"].clone();
    let other = Keeper::prepare(&section, "");
    assert!(import(&other, exported.to_string().as_bytes()).status.success());
    proxy.hold_the_next_answer();
    let child = other.program(&["token", "cb/17"]).stdout(Stdio::piped()).spawn();
    let mut child = child.expect("the command starts");
    let output = child.stdout.take().expect("its output is a pipe");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), old.as_str());
    proxy.let_it_go();
    assert!(child.wait().expect("it is our child").success());
    let stored = &export(&other)["record"];
    let is_given_up = stored["failure"] == "unanswered";
    assert!(
        stored["refresh"]["token"] != before || is_given_up,
        "{}",
        stored["failure"]
    );
}
