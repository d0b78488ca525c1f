//! Hallpass on every preset: connect in a browser, Method 1, a refused token, the end.

use hallpass_ends::{Hallpass, PRESETS, Person};
use http::Method;
use serde_json::{Value, json};

use crate::keeper::{Keeper, declared_for, identity, provider};

/// CCH-12, and the same at every other preset.
#[test]
fn cch_12_a_program_gets_a_live_token_and_another_one_after_a_refusal() {
    for preset in PRESETS {
        println!("{}", preset.name);
        let server = Hallpass::start(preset.name, &declared_for("api"));
        let keeper = Keeper::start(&provider("api", &server, preset.scope));
        let mut person = Person::new();
        keeper.connect(&mut person, "api", "customer 17");
        let (status, answer) = keeper.get("/token/api/customer%2017");
        assert_eq!((status, &answer["token_type"]), (200, &json!("Bearer")));
        let token = keeper.token("api/customer%2017");
        assert_eq!(answer["access_token"], json!(token), "a live token is given again");
        assert_eq!(identity(&keeper, &server, &token), 200);
        let refused = format!("api/customer%2017?refused={}", &token[token.len() - 8..]);
        let other = keeper.token(&refused);
        assert!(other != token, "another token");
        assert_eq!(
            keeper.token(&refused),
            other,
            "a second program that was refused the same token costs no refresh"
        );
        assert_eq!(identity(&keeper, &server, &other), 200);
        assert_eq!(
            keeper
                .ask(Method::DELETE, "/connections/api/customer%2017", &Value::Null)
                .0,
            204
        );
        assert_eq!(identity(&keeper, &server, &other), 401, "the grant is revoked");
        assert_eq!(keeper.get("/token/api/customer%2017").0, 404);
        assert_eq!(
            keeper
                .ask(Method::DELETE, "/connections/api/customer%2017", &Value::Null)
                .0,
            404
        );
    }
}

#[test]
fn the_user_the_pause_and_the_provider_s_absence_are_told_apart_on_every_preset() {
    for preset in PRESETS {
        println!("{}", preset.name);
        let server = Hallpass::start(preset.name, &declared_for("api"));
        let keeper = Keeper::start(&provider("api", &server, preset.scope));
        let mut person = Person::new();
        keeper.connect(&mut person, "api", "17");
        let refuse = |token: &str| keeper.get(&format!("/token/api/17?refused={}", &token[token.len() - 8..]));
        let token = keeper.token("api/17");
        server.command(&["app", "suspend", "reports"]);
        let (status, answer) = refuse(&token);
        assert_eq!((status, &answer["error"]), (503, &json!("paused")), "{answer}");
        server.command(&["app", "resume", "reports"]);
        keeper.connect(&mut person, "api", "18");
        let token = keeper.token("api/18");
        person.end_access(server.url());
        let (status, answer) = keeper.get(&format!("/token/api/18?refused={}", &token[token.len() - 8..]));
        assert_eq!((status, &answer["error"]), (409, &json!("needs_user")), "{answer}");
        assert!(
            answer["since"].as_i64().is_some_and(|since| since > 1_700_000_000),
            "{answer}"
        );
        assert_eq!(keeper.get("/token/api/18").0, 409, "asking again does not help");
        keeper.connect(&mut person, "api", "18");
        assert_eq!(keeper.get("/token/api/18").0, 200, "connecting again does");
    }
}

#[test]
fn a_sign_in_is_good_once_and_for_its_own_reference() {
    let server = Hallpass::start("default", &declared_for("api"));
    let keeper = Keeper::start(&provider("api", &server, "profile read"));
    let mut person = Person::new();
    let url = keeper.begin("api", "17");
    let back = person.allow(&url, hallpass_ends::REDIRECT_URI);
    let word = |(status, answer): (u16, Value)| (status, answer["error"].as_str().unwrap_or_default().to_owned());
    assert_eq!(word(keeper.complete(&back, "18")), (403, "reference".to_owned()));
    assert_eq!(word(keeper.complete("code=x&state=y", "17")), (409, "state".to_owned()));
    assert_eq!(keeper.complete(&back, "17").0, 200);
    assert_eq!(word(keeper.complete(&back, "17")), (409, "state".to_owned()));
}

#[test]
fn the_query_alone_ends_a_sign_in_where_it_names_its_server() {
    let server = Hallpass::start("default", &declared_for("api"));
    let found = provider("api", &server, "profile read");
    let issuer = format!("issuer = \"{}\"\n", server.url());
    let endpoints = format!(
        "authorize = \"{0}/oauth/authorize\"\ntoken = \"{0}/oauth/token\"\n",
        server.url()
    );
    let named = found.replace(&issuer, &endpoints);
    assert_ne!(found, named, "the issuer is replaced");
    let other = named.replace("[providers.api]", "[providers.other]");
    for providers in [format!("{found}{other}"), format!("{named}{other}"), named] {
        let keeper = Keeper::start(&providers);
        let back = Person::new().allow(&keeper.begin("api", "17"), hallpass_ends::REDIRECT_URI);
        let (_, query) = back.split_once('?').expect("a query");
        assert!(query.contains("iss="), "{query}");
        let nameless = query.split("&iss=").next().expect("the rest");
        // Any other server could have sent it.
        let nameless_is_enough = !providers.contains("[providers.other]");
        if !nameless_is_enough {
            let (status, answer) = keeper.complete(nameless, "17");
            assert_eq!((status, &answer["error"]), (422, &json!("callback")), "{answer}");
        }
        let sent = if nameless_is_enough { nameless } else { query };
        let (status, answer) = keeper.complete(sent, "17");
        assert_eq!(status, 200, "{answer}");
    }
}

/// CCH-13: nobody asks for the token, and it is refreshed all the same.
#[test]
fn cch_13_an_idle_connection_is_refreshed_ahead_of_its_expiry() {
    let tokens = "[tokens]\naccess = \"12s\"\n";
    let server = Hallpass::start("common-controls-hub", &format!("{tokens}{}", declared_for("api")));
    let keeper = Keeper::start(&provider("api", &server, "controls documents"));
    keeper.connect(&mut Person::new(), "api", "17");
    let expires = || {
        keeper.get("/connections").1["connections"][0]["expires_at"]
            .as_i64()
            .expect("a moment")
    };
    let first = expires();
    let mut now = first;
    for _ in 0..200 {
        if now >= first + 12 {
            break;
        }
        keeper.wait(std::time::Duration::from_millis(200));
        now = expires();
    }
    assert!(
        now >= first + 12,
        "refreshed at least twice, which only living tokens can be"
    );
    assert_eq!(identity(&keeper, &server, &keeper.token("api/17")), 200);
}
