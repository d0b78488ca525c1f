//! The commands, and their exit codes.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Output, Stdio};
use std::time::Duration;

use hallpass_ends::{Hallpass, Person, REDIRECT_URI, declared};

use crate::keeper::{Keeper, declared_for, provider};

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

fn connected() -> (Hallpass, Keeper, Person) {
    let server = Hallpass::start("default", &declared_for("api"));
    let keeper = Keeper::start(&provider("api", &server, "profile read"));
    let mut person = Person::new();
    keeper.connect(&mut person, "api", "17");
    (server, keeper, person)
}

#[test]
fn token_prints_the_token_or_says_by_its_exit_code_what_to_do() {
    let (server, keeper, mut person) = connected();
    let output = keeper.command(&["token", "api/17"]);
    assert_eq!(
        (code(&output), text(&output.stdout)),
        (Some(0), keeper.token("api/17")),
        "{}",
        text(&output.stderr)
    );
    let output = keeper.command(&["token", "api/17", "--json"]);
    assert!(
        text(&output.stdout).starts_with(r#"{"access_token":"#),
        "{}",
        text(&output.stdout)
    );
    assert_eq!(code(&keeper.command(&["token", "api/18"])), Some(4));
    assert_eq!(code(&keeper.command(&["token", "api"])), Some(2));
    for (command, expected) in [("token", 4), ("login", 1)] {
        let output = keeper.command(&[command, "nope/18"]);
        let told = text(&output.stderr);
        assert_eq!(code(&output), Some(expected), "{told}");
        assert!(
            told.contains("the provider `nope` is not in the configuration file"),
            "{told}"
        );
    }
    let token = keeper.token("api/17");
    let refused = format!("--refused={}", &token[token.len() - 8..]);
    person.end_access(server.url());
    assert_eq!(code(&keeper.command(&["token", "api/17", &refused])), Some(3));
    keeper.connect(&mut person, "api", "17");
    let token = keeper.token("api/17");
    let refused = format!("--refused={}", &token[token.len() - 8..]);
    drop(server);
    // The provider is away: its metadata is that of the start before, and a live token is still given.
    assert_eq!(text(&keeper.command(&["token", "api/17"]).stdout), token);
    assert_eq!(code(&keeper.command(&["token", "api/17", &refused])), Some(75));
}

#[test]
fn token_tells_a_vault_that_is_away_from_one_that_a_person_must_mend() {
    let (_server, keeper, _person) = connected();
    let path = keeper.path("hallpass-keeper.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    let port = hallpass_cluster::free_port().expect("a port");
    let away = format!("postgres://keeper@127.0.0.1:{port}/keeper");
    std::fs::write(&path, config.replace("sqlite:keeper.db", &away)).expect("a file");
    let output = keeper.command(&["token", "api/17"]);
    assert_eq!(code(&output), Some(75), "{}", text(&output.stderr));
    std::fs::write(&path, config).expect("a file");
    std::fs::write(
        keeper.path("keeper.key"),
        "YWJjZGVmMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=",
    )
    .expect("a file");
    let output = keeper.command(&["token", "api/17"]);
    assert_eq!(code(&output), Some(1), "{}", text(&output.stderr));
}

#[test]
fn an_export_moves_to_another_vault_and_goes_on_there() {
    let (server, mut keeper, _person) = connected();
    let token = keeper.token("api/17");
    keeper.kill();
    let exported = keeper.command(&["export"]);
    assert_eq!(code(&exported), Some(0), "{}", text(&exported.stderr));
    let mut other = Keeper::start(&provider("api", &server, "profile read"));
    let moved = import(&other, &exported.stdout);
    assert_eq!(
        text(&moved.stdout),
        "took over 1; 0 were there already and stayed",
        "{}",
        text(&moved.stderr)
    );
    assert_eq!(other.token("api/17"), token);
    let again = import(&other, &exported.stdout);
    assert_eq!(text(&again.stdout), "took over 0; 1 were there already and stayed");
    let refused = format!("api/17?refused={}", &token[token.len() - 8..]);
    assert!(other.token(&refused) != token, "the refresh token moved too");
    let listed = other.command(&["list"]);
    assert!(
        text(&listed.stdout).starts_with("api/17\tready\t-\t2"),
        "{}",
        text(&listed.stdout)
    );
    other.kill();
}

#[test]
fn tokens_of_another_program_are_taken_over_by_put_and_import() {
    let (_server, keeper, _person) = connected();
    let refresh = refresh_token(&keeper);
    let line = serde_json::json!({"connection": "api/18", "refresh_token": refresh});
    let taken = import(&keeper, line.to_string().as_bytes());
    assert_eq!(
        text(&taken.stdout),
        "took over 1; 0 were there already and stayed",
        "{}",
        text(&taken.stderr)
    );
    let listed = text(&keeper.command(&["list"]).stdout);
    assert!(listed.contains("api/18\tready\t-\t-"), "{listed}");
    let (_, page) = keeper.get("/connections");
    assert_eq!(page["connections"][1]["expires_at"], serde_json::Value::Null, "{page}");
    let token = keeper.token("api/18");
    assert!(token.starts_with("hp_at_"), "refreshed at the first request");
    let body = serde_json::json!({"access_token": "mine", "expires_at": 4_000_000_000_i64});
    assert_eq!(keeper.ask(http::Method::PUT, "/connections/api/19", &body).0, 204);
    assert_eq!(keeper.token("api/19"), "mine");
    for (body, status) in [(serde_json::json!({}), 422), (serde_json::json!({"token": "x"}), 422)] {
        assert_eq!(
            keeper.ask(http::Method::PUT, "/connections/api/19", &body).0,
            status,
            "{body}"
        );
    }
    let wrong = import(
        &keeper,
        b"{\"connection\":\"api/20\",\"refresh_token\":\"secret\",\"x\":1}\n",
    );
    assert!(
        !wrong.status.success() && !text(&wrong.stderr).contains("secret"),
        "{}",
        text(&wrong.stderr)
    );
}

#[test]
fn login_connects_by_a_browser_that_comes_back_to_loopback() {
    let port = hallpass_cluster::free_port().expect("a port");
    let back = format!("http://127.0.0.1:{port}/callback");
    let server = Hallpass::start("default", &declared().replace(REDIRECT_URI, &format!("{back}/api")));
    let keeper = Keeper::prepare(&provider("api", &server, "profile read"), "");
    let mut command = keeper.program(&["login", "api/me", &format!("--port={port}")]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the command starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output is a pipe"))
        .lines()
        .map_while(Result::ok);
    let url = lines.find(|line| line.starts_with("http")).expect("an address");
    let landed = Person::new().allow(&url, &back);
    let visit = |url: &str| {
        let answer = keeper.send(http::Request::get(url).body(bytes::Bytes::new()).expect("a request"));
        (answer.status().as_u16(), text(answer.body()))
    };
    let forged = format!("{back}/api?code=x&state=y");
    assert_eq!(visit(&forged).0, 400, "any page can open this address");
    let (status, page) = visit(&landed);
    assert_eq!(
        (status, page.as_str()),
        (200, "You are connected. You may close this page.")
    );
    assert_eq!(lines.last().as_deref(), Some("connected: api/me"));
    assert!(child.wait().expect("it ends").success());
    assert_eq!(code(&keeper.command(&["token", "api/me"])), Some(0));
}

#[test]
fn keep_refreshes_what_is_due_once() {
    let tokens = "[tokens]\naccess = \"12s\"\n";
    let server = Hallpass::start("default", &format!("{tokens}{}", declared_for("api")));
    let mut keeper = Keeper::start(&provider("api", &server, "profile read"));
    keeper.connect(&mut Person::new(), "api", "17");
    keeper.kill();
    let before = refresh_token(&keeper);
    let keep = || {
        let kept = keeper.command(&["keep"]);
        assert_eq!(code(&kept), Some(0), "{}", text(&kept.stderr));
        text(&kept.stdout)
    };
    let nothing = "refreshed 0, need their user 0, later 0";
    let mut kept = nothing.to_owned();
    // It is due before its twelve seconds are over.
    for _ in 0..60 {
        kept = keep();
        if kept != nothing {
            break;
        }
        keeper.wait(Duration::from_millis(200));
    }
    assert_eq!(kept, "refreshed 1, need their user 0, later 0");
    assert!(refresh_token(&keeper) != before, "a new refresh token");
    assert_eq!(keep(), nothing);
}

#[test]
fn a_configuration_with_a_typing_error_is_refused() {
    let (_server, keeper, _person) = connected();
    assert_eq!(text(&keeper.command(&["check"]).stdout), "1 provider; nothing is wrong");
    let path = keeper.path("hallpass-keeper.toml");
    let config = std::fs::read_to_string(&path).expect("the configuration");
    std::fs::write(&path, config.replace("key_file", "keyfile")).expect("a file");
    let checked = keeper.command(&["check"]);
    assert_eq!(code(&checked), Some(1));
    assert!(
        text(&checked.stderr).contains("unknown field `keyfile`; did you mean `key_file`?"),
        "{}",
        text(&checked.stderr)
    );
    std::fs::remove_file(keeper.path("keeper.key")).expect("it was there");
    std::fs::write(&path, config.replace("client_id", "client")).expect("a file");
    let told = text(&keeper.command(&["check"]).stderr);
    let name = path.display().to_string();
    assert_eq!(told.matches(&name).count(), told.lines().count(), "{told}");
    assert!(
        told.contains("did you mean `client_id`?") && told.contains("openssl rand"),
        "{told}"
    );
}

pub(crate) fn import(keeper: &Keeper, lines: &[u8]) -> Output {
    let mut command = keeper.program(&["import"]);
    let command = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    child
        .stdin
        .take()
        .expect("its input is a pipe")
        .write_all(lines)
        .expect("it reads");
    child.wait_with_output().expect("the command ends")
}

/// The only refresh token of a vault.
fn refresh_token(keeper: &Keeper) -> String {
    let exported = text(&keeper.command(&["export"]).stdout);
    let exported: serde_json::Value = serde_json::from_str(&exported).expect("one line");
    find(&exported, "hp_rt_").expect("a refresh token")
}

/// The first text with this beginning, somewhere in a value.
fn find(value: &serde_json::Value, beginning: &str) -> Option<String> {
    match value {
        serde_json::Value::String(text) => text.starts_with(beginning).then(|| text.clone()),
        serde_json::Value::Array(list) => list.iter().find_map(|value| find(value, beginning)),
        serde_json::Value::Object(members) => members.values().find_map(|value| find(value, beginning)),
        _ => None,
    }
}
