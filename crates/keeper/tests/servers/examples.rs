//! The programs of `examples/keeper`, as they are.

use std::path::Path;
use std::process::{Command, Output};

use hallpass_ends::{Hallpass, Person, built};
use http::Method;
use serde_json::json;

use crate::keeper::{Keeper, PROGRAM, declared_for, identity_url, provider};

const PROGRAMS: [(&str, &str); 4] = [
    ("python3", "program.py"),
    ("node", "program.mjs"),
    ("php", "program.php"),
    ("sh", "program.sh"),
];

#[test]
fn every_example_calls_the_api_and_replaces_a_refused_token() {
    let server = Hallpass::start("default", &declared_for("api"));
    let keeper = Keeper::start(&provider("api", &server, "profile read"));
    let mut person = Person::new();
    for (program, file) in PROGRAMS {
        let reference = format!("customer/{file}");
        let connection = format!("api/{reference}");
        keeper.connect(&mut person, "api", &reference);
        let said = run(&keeper, &server, program, file, &connection);
        assert!(said.contains("john@doe.com"), "{file}: {said}");
        // Ends the access token at the server alone: the keeper still has it, and the API refuses it.
        let before = keeper.token(&connection);
        revoke(&server, &before);
        let said = run(&keeper, &server, program, file, &connection);
        assert!(said.contains("john@doe.com"), "{file}: {said}");
        assert!(keeper.token(&connection) != before, "{file} asked for another token");
    }
}

#[test]
fn every_example_says_what_an_answer_without_a_token_means() {
    let server = Hallpass::start("default", &declared_for("api"));
    let port = hallpass_cluster::free_port().expect("a port");
    let gone = format!("[providers.gone]\nissuer = \"http://127.0.0.1:{port}\"\nclient_id = \"reports\"\n");
    let keeper = Keeper::start(&(provider("api", &server, "profile read") + &gone));
    let imported = json!({"refresh_token": "r"});
    assert_eq!(keeper.ask(Method::PUT, "/connections/gone/1", &imported).0, 204);
    let mut person = Person::new();
    keeper.connect(&mut person, "api", "17");
    person.end_access(server.url());
    for (program, file) in PROGRAMS {
        for (connection, sentence) in [
            ("api/nobody", "api/nobody is not connected"),
            ("api/17", "the user must connect api/17 again"),
            ("gone/1", "no token now"),
        ] {
            let output = output(&keeper, &server, program, file, connection);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(!output.status.success(), "{file}: {said}");
            assert!(said.contains(sentence) && !said.contains("Traceback"), "{file}: {said}");
        }
    }
}

fn run(keeper: &Keeper, server: &Hallpass, program: &str, file: &str, connection: &str) -> String {
    let output = output(keeper, server, program, file, connection);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

fn output(keeper: &Keeper, server: &Hallpass, program: &str, file: &str, connection: &str) -> Output {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/keeper");
    let built = built("hallpass-keeper");
    let programs = built.parent().expect("a folder").to_string_lossy().into_owned();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    command
        .arg(folder.join(file))
        .env("PATH", format!("{programs}:{path}"))
        .env("KEEPER_URL", &keeper.url)
        .env("KEEPER_SECRET", PROGRAM)
        .env("KEEPER_CONFIG", keeper.path("hallpass-keeper.toml"))
        .env("CONNECTION", connection)
        .env("API_URL", identity_url(keeper, server));
    command.output().unwrap_or_else(|error| {
        panic!("{program} does not start ({error}): `cargo xtask test --only ends` installs it")
    })
}

/// RFC 7009, as the app itself.
fn revoke(server: &Hallpass, token: &str) {
    let mut command = Command::new("curl");
    command.args([
        "--silent",
        "--fail",
        "--user",
        &format!("{}:{}", hallpass_ends::CLIENT_ID, hallpass_ends::SECRET),
    ]);
    command.args(["--data-urlencode", &format!("token={token}")]);
    let status = command.arg(format!("{}/oauth/revoke", server.url())).status();
    assert!(status.expect("curl is there").success());
}
