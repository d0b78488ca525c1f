//! Who may ask, and what a browser gets.

use std::process::Command;

use bytes::Bytes;
use hallpass_cluster::Certificates;
use hallpass_ends::{Hallpass, Person, SECRET};
use http::Request;

use crate::keeper::{Keeper, PROGRAM, declared_for, provider};

fn connected() -> (Hallpass, Keeper) {
    let server = Hallpass::start("default", &declared_for("api"));
    let mut sections = provider("api", &server, "profile read");
    // Its secret is the one in `app.secret`, which is long enough.
    sections.push_str("[[programs]]\nname = \"other\"\nsecret_file = \"app.secret\"\nproviders = []\n");
    let keeper = Keeper::start(&sections);
    keeper.connect(&mut Person::new(), "api", "<b>17</b>");
    (server, keeper)
}

fn ask(keeper: &Keeper, path: &str, headers: &[(&str, &str)]) -> (u16, String, String) {
    let mut request = Request::get(format!("{}{path}", keeper.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = keeper.send(request.body(Bytes::new()).expect("a request"));
    let header = |name: &str| {
        answer
            .headers()
            .get(name)
            .map(|value| value.to_str().expect("a text").to_owned())
    };
    let kind = header("content-type").unwrap_or_default();
    assert_eq!(header("cache-control").as_deref(), Some("no-store"), "{path}");
    (
        answer.status().as_u16(),
        kind,
        String::from_utf8_lossy(answer.body()).into_owned(),
    )
}

#[test]
fn a_token_is_for_programs_with_a_secret_and_the_right_to_the_provider() {
    let (_server, keeper) = connected();
    let token = "/token/api/%3Cb%3E17%3C%2Fb%3E";
    let bearer = |secret: &str| format!("Bearer {secret}");
    let status = |headers: &[(&str, &str)]| ask(&keeper, token, headers).0;
    assert_eq!(status(&[("authorization", &bearer(PROGRAM))]), 200);
    assert_eq!(status(&[]), 401);
    assert_eq!(status(&[("authorization", &bearer("wrong"))]), 401);
    assert_eq!(
        status(&[("authorization", &bearer(SECRET))]),
        404,
        "a program without the right"
    );
    let page = [
        ("authorization", bearer(PROGRAM)),
        ("origin", "https://evil.example".to_owned()),
    ];
    assert_eq!(status(&[(page[0].0, &page[0].1), (page[1].0, &page[1].1)]), 403);
    assert_eq!(
        status(&[("authorization", &bearer(PROGRAM)), ("host", "evil.example")]),
        421
    );
    for path in ["/connections", "/connections?limit=1"] {
        let (_, _, listed) = ask(&keeper, path, &[("authorization", &bearer(SECRET))]);
        assert_eq!(listed, r#"{"connections":[],"next":null}"#, "{path}");
    }
}

#[test]
fn the_page_and_the_list_say_what_expires_when() {
    let (_server, keeper) = connected();
    let bearer = format!("Bearer {PROGRAM}");
    let (status, kind, page) = ask(
        &keeper,
        "/connections",
        &[("authorization", &bearer), ("accept", "text/html,*/*")],
    );
    assert_eq!((status, kind.as_str()), (200, "text/html; charset=utf-8"));
    assert!(page.contains("api/&#60;b&#62;17&#60;/b&#62;"), "{page}");
    assert!(page.contains("<span>ready</span>") && page.contains(" UTC"), "{page}");
    let (_, kind, list) = ask(&keeper, "/connections?limit=1", &[("authorization", &bearer)]);
    assert_eq!(kind, "application/json");
    let list: serde_json::Value = serde_json::from_str(&list).expect("JSON");
    let row = &list["connections"][0];
    assert_eq!(
        (row["connection"].as_str(), row["state"].as_str()),
        (Some("api/<b>17</b>"), Some("ready"))
    );
    assert!(row["due_at"].as_i64() < row["expires_at"].as_i64(), "{row}");
    assert_eq!(list["next"], "api/<b>17</b>");
    let (_, kind, metrics) = ask(&keeper, "/metrics", &[("authorization", &bearer)]);
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let counted = r#"hallpass_keeper_requests_total{endpoint="connection",status="200"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[test]
fn on_the_socket_the_permissions_of_the_file_decide() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = Hallpass::start("default", &declared_for("api"));
    let mut keeper = Keeper::prepare(&provider("api", &server, "profile read"), "socket = \"keeper.sock\"");
    keeper.serve();
    let socket = keeper.path("keeper.sock");
    assert_eq!(keeper.url, format!("unix:{}", socket.display()));
    let mode = std::fs::metadata(&socket).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let curl = |path: &str| {
        let mut command = Command::new("curl");
        command.args(["--silent", "--unix-socket"]).arg(&socket);
        let output = command
            .arg(format!("http://localhost{path}"))
            .output()
            .expect("curl is there");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(curl("/connections"), r#"{"connections":[],"next":null}"#);
    assert!(curl("/token/api/17").contains("unknown_connection"));
    let second = keeper.command(&["serve"]);
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(
        !second.status.success() && said.contains("another keeper listens on"),
        "{said}"
    );
    // A socket that a killed keeper left behind is in nobody's way.
    keeper.serve();
    assert_eq!(curl("/connections"), r#"{"connections":[],"next":null}"#);
}

#[test]
fn with_a_certificate_the_keeper_speaks_https_alone() {
    let server = Hallpass::start("default", &declared_for("api"));
    let serve = "listen = \"127.0.0.1:0\"\ncertificate_file = \"tls/server.pem\"\nkey_file = \"tls/server.key\"";
    let mut keeper = Keeper::prepare(&provider("api", &server, "profile read"), serve);
    let made = Certificates::make(&keeper.path("tls"), "IP:127.0.0.1").expect("openssl is there");
    keeper.serve();
    assert!(keeper.url.starts_with("https://127.0.0.1:"), "{}", keeper.url);
    let curl = |url: &str| {
        let mut command = Command::new("curl");
        command.args(["--silent", "--cacert"]).arg(made.authority());
        let output = command
            .args(["--oauth2-bearer", PROGRAM, url])
            .output()
            .expect("curl is there");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(
        curl(&format!("{}/connections", keeper.url)),
        r#"{"connections":[],"next":null}"#
    );
    assert_eq!(
        curl(&format!("{}/connections", keeper.url.replace("https", "http"))),
        ""
    );
}
