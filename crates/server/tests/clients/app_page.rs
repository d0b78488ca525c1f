//! The requests and programs on an app's page, as its developer copies them.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;
use url::Url;

use crate::html;
use crate::person::Person;
use crate::process::Server;
use crate::report::{EMAIL, PASSWORD, PRESETS, REDIRECT_URI, SECRET, declared};

/// The verifier and challenge of RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

#[test]
fn what_the_page_of_an_app_shows_runs_as_it_is() {
    for (preset, ..) in PRESETS {
        let server = Server::start(preset, &format!("{}owner = \"{EMAIL}\"\n", declared()));
        let mut person = Person::new(EMAIL, PASSWORD);
        let page = person.page(&format!("{}/developer/apps/reports", server.url));
        let shown = |id: &str| html::by_id(&page, id).unwrap_or_else(|| panic!("no {id} under {preset}:\n{page}"));
        let ask = shown("ask-request")
            .replace("STATE", "xyz")
            .replace("CHALLENGE", CHALLENGE);
        let mut code = || code_of(&person.allow(&ask, REDIRECT_URI));

        let first = code();
        let exchanged = run("sh", &["-euc", &shown("token-request")], &[("CODE", &first)]);
        let tokens: Value = serde_json::from_str(&exchanged).expect("tokens are JSON");
        let token = |name: &str| tokens[name].as_str().expect(name).to_owned();
        let (access, refresh) = (token("access_token"), token("refresh_token"));
        let call = [("ACCESS_TOKEN", access.as_str())];
        assert!(
            !run("sh", &["-euc", &shown("call-request")], &call).is_empty(),
            "{preset}"
        );
        let refresh = [("REFRESH_TOKEN", refresh.as_str())];
        run("sh", &["-euc", &shown("refresh-request")], &refresh);

        run("python3", &["-c", &shown("python-program")], &[("CODE", &code())]);
        let javascript = ["--input-type=module", "-e", &shown("javascript-program")];
        run("node", &javascript, &[("CODE", &code())]);
        server.stop();
    }
}

fn code_of(landed: &str) -> String {
    let url = Url::parse(landed).expect("an address");
    let found = url.query_pairs().find(|(name, _)| name == "code");
    found.unwrap_or_else(|| panic!("no code in {landed}")).1.into_owned()
}

/// What a program prints. It must succeed.
fn run(program: &str, arguments: &[&str], values: &[(&str, &str)]) -> String {
    let home = tempfile::tempdir().expect("a folder");
    // A refusal fails the command.
    fs::write(home.path().join(".curlrc"), "silent\nfail-with-body\nnoproxy = \"*\"\n").expect("a file");
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("CURL_HOME", home.path())
        .env("no_proxy", "*");
    command
        .env("SECRET", SECRET)
        .env("VERIFIER", VERIFIER)
        .envs(values.iter().copied());
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (printed, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}:\n{printed}\n{said}");
    printed
}
