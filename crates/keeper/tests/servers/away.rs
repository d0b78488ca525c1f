//! A provider that is away when the keeper starts is in nobody's way.

use hallpass_ends::{CLIENT_ID, Hallpass, Person};
use http::Method;
use serde_json::json;

use crate::keeper::{Keeper, declared_for, provider};

#[test]
fn a_keeper_serves_although_the_metadata_of_one_provider_cannot_be_had() {
    let server = Hallpass::start("default", &declared_for("api"));
    let port = hallpass_cluster::free_port().expect("a port");
    let mut sections = provider("api", &server, "profile read");
    sections.push_str(&format!(
        "[providers.gone]\nissuer = \"http://127.0.0.1:{port}\"\nclient_id = \"reports\"\n"
    ));
    let keeper = Keeper::start(&sections);
    keeper.connect(&mut Person::new(), "api", "17");
    assert!(keeper.token("api/17").starts_with("hp_at_"));
    let live = json!({"access_token": "live", "refresh_token": "r", "expires_at": 4_000_000_000_i64});
    assert_eq!(keeper.ask(Method::PUT, "/connections/gone/1", &live).0, 204);
    assert_eq!(keeper.token("gone/1"), "live");
    let printed = keeper.command(&["token", "gone/1"]);
    assert_eq!(String::from_utf8_lossy(&printed.stdout).trim(), "live");
    assert_eq!(
        keeper
            .ask(Method::PUT, "/connections/gone/2", &json!({"refresh_token": "r"}))
            .0,
        204
    );
    let (status, answer) = keeper.get("/token/gone/2");
    assert_eq!((status, &answer["reason"]), (503, &json!("not_reached")), "{answer}");
    let (status, answer) = keeper.ask(Method::POST, "/connections/gone/connect", &json!({"reference": "3"}));
    assert_eq!((status, &answer["reason"]), (503, &json!("no_metadata")), "{answer}");
    assert_eq!(keeper.command(&["token", "gone/2"]).status.code(), Some(75));
    assert_eq!(keeper.command(&["login", "gone/3"]).status.code(), Some(75));
}

#[test]
fn a_server_that_names_itself_otherwise_is_told_to_the_operator() {
    let server = Hallpass::start("default", &declared_for("api"));
    let url = server.url();
    let sections = format!("[providers.api]\nissuer = \"{url}/\"\nclient_id = \"{CLIENT_ID}\"\n");
    let keeper = Keeper::start(&sections);
    let advice = format!("write `issuer = {url:?}`");
    let (status, answer) = keeper.ask(Method::POST, "/connections/api/connect", &json!({"reference": "3"}));
    assert_eq!((status, &answer["error"]), (422, &json!("provider")), "{answer}");
    assert!(
        answer["message"].as_str().is_some_and(|text| text.ends_with(&advice)),
        "{answer}"
    );
    let output = keeper.command(&["login", "api/3"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(&advice) && !told.contains("not reached"), "{told}");
    let imported = json!({"refresh_token": "r"});
    assert_eq!(keeper.ask(Method::PUT, "/connections/api/4", &imported).0, 204);
    let (status, answer) = keeper.get("/token/api/4");
    assert_eq!((status, &answer["reason"]), (503, &json!("other_issuer")), "{answer}");
}
