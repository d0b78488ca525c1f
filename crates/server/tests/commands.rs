//! The command line, through the binary: what it prints, how it ends, and the server it runs.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use tempfile::TempDir;

#[path = "database/mod.rs"]
mod database;

use database::Database;

/// A folder with a configuration and a data folder, and commands that are called in it.
struct Folder {
    folder: TempDir,
    _database: Database,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::at(folder.path().join("data/hallpass.db"));
        let url = database.named().map(|url| format!("[store]\nurl = {url:?}"));
        let configured = format!(
            r#"
            [server]
            listen = "127.0.0.1:0"
            data = "data"
            {}
            [[users]]
            email = "ada@example.com"
            name = "Ada"
            "#,
            url.unwrap_or_default()
        );
        let folder = Self {
            folder,
            _database: database,
        };
        folder.write("hallpass.toml", &configured);
        folder
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
        command.args(arguments).current_dir(self.folder.path());
        // It takes the variable for a mistake.
        command.env_remove("HALLPASS_TEST_DATABASE");
        command
    }

    fn call(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap())
    }

    /// What a command prints that must succeed.
    fn printed(&self, arguments: &[&str]) -> String {
        let ended = self.call(arguments);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{arguments:?}");
        ended.stdout
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let printed = self.printed(&[arguments, &["--json"]].concat());
        assert_eq!(printed.lines().count(), 1, "{printed}");
        serde_json::from_str(&printed).unwrap()
    }

    fn serve(&self, options: &[&str]) -> Serving {
        let mut command = self.command(&[&["serve"], options].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let address = line
            .strip_prefix("listening on http://")
            .map(|rest| rest.trim_end().to_owned());
        let mut serving = Serving {
            child,
            stdout,
            stderr,
            address: String::new(),
        };
        serving.address = address.unwrap_or_else(|| panic!("{line:?}, then {}", serving.log()));
        serving
    }
}

/// How a command ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Self {
            code: output.status.code().unwrap(),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

/// A server that runs.
struct Serving {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    stderr: BufReader<ChildStderr>,
    address: String,
}

impl Serving {
    fn signal(&self, name: &str) {
        let told = Command::new("kill").args([name, &self.child.id().to_string()]).status();
        assert!(told.unwrap().success());
    }

    /// Reads the log up to a line that has this.
    fn wait_for(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(
                self.stderr.read_line(&mut line).unwrap(),
                0,
                "the log ends without {text:?}"
            );
        }
    }

    fn log(&mut self) -> String {
        let mut log = String::new();
        self.stderr.read_to_string(&mut log).unwrap();
        log
    }

    /// Waits for the end: the exit code, and what more was printed.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }

    /// A request whose body has not come yet.
    fn half_a_request(&self) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let head = "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\nExpect: 100-continue\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        // The server reads the body now: it takes the request for begun.
        let mut interim = [0; 25];
        stream.read_exact(&mut interim).unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn serve_prints_one_line_and_drains_when_it_is_asked_to_end() {
    for signal in ["-TERM", "-INT"] {
        let folder = Folder::new();
        let mut server = folder.serve(&[]);
        let mut open = server.half_a_request();
        server.signal(signal);
        server.wait_for("ending");
        open.write_all(b"grant_type=no").unwrap();
        let mut answer = String::new();
        open.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 40"), "{answer}");
        assert_eq!(server.ended(), (Some(0), String::new()));
        assert!(!folder.data("admin.sock").exists());
    }
}

/// A log on the disk that is full must not take requests, or the writer, with it.
#[test]
fn a_server_whose_log_cannot_be_written_serves() {
    let folder = Folder::new();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut command = folder.command(&["serve"]);
    command.env("RUST_LOG", "debug").stdout(Stdio::piped()).stderr(full);
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let address = line.trim_end().strip_prefix("listening on http://").unwrap_or_default();
    let mut answer = String::new();
    if let Ok(mut stream) = TcpStream::connect(address) {
        // A refusal is logged.
        let request = "POST /oauth/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_to_string(&mut answer).unwrap();
    }
    drop(child.kill());
    drop(child.wait());
    assert!(answer.starts_with("HTTP/1.1 400"), "{line:?} {answer:?}");
}

#[test]
fn asked_twice_a_server_does_not_wait() {
    let folder = Folder::new();
    let mut server = folder.serve(&[]);
    let _open = server.half_a_request();
    server.signal("-TERM");
    server.wait_for("ending");
    server.signal("-TERM");
    server.wait_for("asked twice");
    assert_eq!(server.ended().0, Some(0));
}

#[test]
fn everything_in_the_data_folder_is_its_owners_only() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.data("")), 0o700);
    let files = fs::read_dir(folder.data(""))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for file in files {
        assert_eq!(mode(file.clone()), 0o600, "{}", file.display());
    }
}

#[test]
fn a_second_server_on_a_data_folder_is_refused_by_its_name() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let second = folder.call(&["serve"]);
    let path = fs::canonicalize(folder.data("")).unwrap();
    let expected = format!("another server uses the data folder {}\n", path.display());
    assert_eq!((second.code, second.stdout.as_str(), second.stderr), (1, "", expected));
    assert!(folder.printed(&["app", "list"]).starts_with("CLIENT ID"));
}

#[test]
fn a_stale_socket_is_replaced() {
    let folder = Folder::new();
    let mut killed = folder.serve(&[]);
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert!(folder.data("admin.sock").exists());
    assert_eq!(folder.call(&["app", "list"]).code, 1);
    let _server = folder.serve(&[]);
    assert!(folder.printed(&["app", "list"]).starts_with("CLIENT ID"));
}

#[test]
fn something_else_in_the_place_of_the_socket_is_not_removed() {
    let folder = Folder::new();
    fs::create_dir(folder.data("")).unwrap();
    File::create(folder.data("admin.sock")).unwrap();
    let ended = folder.call(&["serve"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("no socket"), "{}", ended.stderr);
    assert!(folder.data("admin.sock").is_file());
}

#[test]
fn an_app_is_made_and_its_secret_shown_once() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let made = folder.printed(&["app", "create", "Planner", "--redirect-uri", "https://a.example/cb"]);
    let value = |name: &str| {
        let mut lines = made.lines().map(|line| line.split_once("  "));
        let line = lines.find_map(|line| line.filter(|(first, _)| *first == name));
        line.unwrap_or_else(|| panic!("{name} is not in {made}"))
            .1
            .trim()
            .to_owned()
    };
    let (id, secret) = (value("client_id"), value("client_secret"));
    assert_eq!(secret.len(), 43);
    assert!(
        made.ends_with("Keep the client secret: it is not shown again.\n"),
        "{made}"
    );
    for later in [
        &["app", "show", &id][..],
        &["app", "list"],
        &["app", "suspend", &id],
        &["app", "resume", &id],
    ] {
        let printed = folder.printed(later);
        assert!(printed.contains(&id) && !printed.contains(&secret), "{printed}");
    }
    let reset = folder.json(&["app", "reset-secret", &id, "--overlap"]);
    assert_eq!(reset["secrets"].as_array().unwrap().len(), 2);
    let reset = folder.json(&["app", "reset-secret", &id]);
    assert_eq!(reset["secrets"].as_array().unwrap().len(), 1);
    let set = folder.json(&["app", "change", &id, "--reach", "partner", "--name", "Diary"]);
    assert_eq!((&set["reach"], &set["name"]), (&"partner".into(), &"Diary".into()));
    assert_eq!(set["redirect_uris"][0], "https://a.example/cb");
}

#[test]
fn json_is_the_answer_of_the_api() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let made = folder.json(&[
        "app",
        "create",
        "P",
        "--type",
        "public",
        "--scope",
        "profile",
        "--grant-type",
        "refresh_token",
    ]);
    assert_eq!(
        (&made["type"], &made["scopes"][0]),
        (&"public".into(), &"profile".into())
    );
    assert_eq!(folder.json(&["app", "list"])["apps"][0]["client_id"], made["client_id"]);
    assert_eq!(folder.json(&["user", "list"])["users"][0]["number"], 1);
    assert_eq!(folder.json(&["org", "list"])["organizations"][0]["slug"], "default");
    assert_eq!(
        folder.json(&["grant", "list", "--state", "active"])["grants"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn people_and_organizations_are_managed() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let mut create = folder.command(&[
        "user",
        "create",
        "ben@example.com",
        "--name",
        "Ben",
        "--password-stdin",
        "--json",
    ]);
    let mut child = create.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"correct horse\nmore\n").unwrap();
    let made = Ended::of(&child.wait_with_output().unwrap());
    assert_eq!(made.code, 0);
    assert!(
        !made.stdout.contains("correct horse") && !made.stdout.contains("password"),
        "{}",
        made.stdout
    );
    let printed = folder.printed(&["user", "set-password", "ben@example.com"]);
    assert!(
        printed.ends_with("Keep the password: it is not shown again.\n"),
        "{printed}"
    );
    assert_eq!(
        folder.json(&["user", "suspend", "ben@example.com"])["status"],
        "suspended"
    );
    assert_eq!(folder.json(&["user", "resume", "ben@example.com"])["status"], "active");
    folder.json(&["org", "create", "museum", "--name", "Museum", "--kind", "sandbox"]);
    let members = folder.json(&["org", "set-member", "museum", "ben@example.com", "owner"]);
    assert_eq!(members["members"][0]["role"], "owner");
    let table = folder.printed(&["user", "list"]);
    assert_eq!(
        table,
        "NUMBER  EMAIL            EXTERNAL ID  NAME  STATUS  ADMIN  DEVELOPER\n\
         1       ada@example.com  -            Ada   active  no     no\n\
         2       ben@example.com  -            Ben   active  no     no\n"
    );
    assert_eq!(
        folder.json(&["org", "remove-member", "museum", "ben@example.com"])["members"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    assert_eq!(folder.json(&["org", "suspend", "museum"])["status"], "suspended");
    assert_eq!(folder.json(&["org", "resume", "museum"])["status"], "active");
}

#[test]
fn apps_people_and_organizations_are_changed() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let made = folder.json(&["app", "create", "Planner"]);
    let planner = made["client_id"].as_str().unwrap();
    assert_eq!(folder.json(&["user", "create", "ben@example.com"])["name"], "ben");
    assert_eq!(folder.json(&["org", "create", "museum"])["name"], "museum");
    let changed = |object: &[&str], changes: &[&str], expected: Value| {
        let changed = folder.json(&[object, changes].concat());
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&changed[name], value, "{changes:?}");
        }
    };
    let app = ["app", "change", planner];
    let moved = ["--organization", "museum", "--owner", "ben@example.com"];
    changed(
        &app,
        &moved,
        json!({"organization": "museum", "owner": "ben@example.com"}),
    );
    let narrowed = ["--scope", "profile", "--grant-type", "client_credentials"];
    let expected = json!({"scopes": ["profile"], "grant_types": ["client_credentials"], "name": "Planner"});
    changed(&app, &narrowed, expected);
    changed(&app, &["--owner", ""], json!({"owner": null, "organization": "museum"}));
    let user = ["user", "change", "ben@example.com"];
    let named = ["--name", "Ben", "--locale", "nl", "--admin", "--developer"];
    let expected = json!({"name": "Ben", "locale": "nl", "admin": true, "developer": true});
    changed(&user, &named, expected);
    let unnamed = ["--locale", "", "--developer=false"];
    changed(
        &user,
        &unnamed,
        json!({"locale": null, "developer": false, "admin": true}),
    );
    let organization = ["--name", "The Museum", "--kind", "sandbox"];
    let expected = json!({"name": "The Museum", "kind": "sandbox"});
    changed(&["org", "change", "museum"], &organization, expected);
}

#[test]
fn a_deletion_says_what_ends_and_wants_to_be_confirmed() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let made = folder.json(&["app", "create", "Planner"]);
    let planner = made["client_id"].as_str().unwrap();
    folder.json(&["user", "create", "ben@example.com"]);
    folder.json(&["app", "change", planner, "--owner", "ben@example.com"]);
    let unconfirmed = |kind: &str, name: &str, what: &str| {
        let ended = folder.call(&[kind, "delete", name]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{name}");
        let unsaid = "Nothing was changed: say --yes if that is meant.\n";
        assert_eq!(ended.stderr, format!("{name} is deleted: {what}\n{unsaid}"));
    };
    unconfirmed("app", planner, "1 secret ends.");
    let ends = "1 membership ends, every session ends";
    unconfirmed(
        "user",
        "ben@example.com",
        &format!("{ends}, 1 app stays without an owner."),
    );
    let declared = "It is declared in the configuration: as long as it stays there, the next start makes it again.";
    unconfirmed("user", "ada@example.com", &format!("{ends}.\n{declared}"));

    let gone = folder.json(&["user", "delete", "ben@example.com", "--yes"]);
    assert_eq!((&gone["deleted"], &gone["apps"]), (&true.into(), &1.into()));
    assert_eq!(folder.json(&["app", "show", planner])["owner"], Value::Null);
    folder.json(&["app", "delete", planner, "--yes"]);
    for (kind, name) in [("app", planner), ("user", "ben@example.com")] {
        assert_eq!(folder.call(&[kind, "show", name]).code, 1, "{name}");
        assert_eq!(folder.call(&[kind, "delete", name, "--yes"]).code, 1, "{name}");
    }
}

#[test]
fn what_cannot_be_deleted_is_refused_with_the_way_out() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    folder.json(&["org", "create", "museum"]);
    let made = folder.json(&["app", "create", "Planner", "--organization", "museum"]);
    folder.json(&["user", "change", "ada@example.com", "--admin"]);
    for (arguments, told) in [
        (
            ["user", "delete", "ada@example.com"],
            "\"ada@example.com\" operates this server: take `admin` away first\n",
        ),
        (
            ["org", "delete", "default"],
            "everybody belongs to the default organization: it cannot be deleted\n",
        ),
        (
            ["org", "delete", "museum"],
            "apps belong to \"museum\": delete them, or give them to another organization, first\n",
        ),
    ] {
        let ended = folder.call(&[&arguments[..], &["--yes"]].concat());
        assert_eq!((ended.code, ended.stderr.as_str()), (1, told), "{arguments:?}");
    }
    folder.json(&["app", "delete", made["client_id"].as_str().unwrap(), "--yes"]);
    assert_eq!(folder.json(&["org", "delete", "museum", "--yes"])["deleted"], true);
}

#[test]
fn what_was_changed_is_in_the_audit_log_the_newest_last() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let made = folder.json(&["app", "create", "Planner"]);
    let planner = made["client_id"].as_str().unwrap();
    folder.json(&["user", "create", "ben@example.com"]);
    folder.json(&["app", "change", planner, "--name", "Diary"]);
    folder.json(&["app", "delete", planner, "--yes"]);
    let listed = |arguments: &[&str]| -> Vec<Value> {
        let printed = folder.printed(&[&["audit", "list", "--json"], arguments].concat());
        printed
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let actions = |events: &[Value]| -> Vec<String> {
        let actions = events.iter().map(|event| event["action"].as_str().unwrap().to_owned());
        actions.collect()
    };
    let all = listed(&[]);
    let last = actions(&all[all.len() - 4..]);
    assert_eq!(last, ["app_created", "user_created", "app_changed", "app_deleted"]);
    let change = &all[all.len() - 2];
    assert_eq!(
        (&change["before"]["name"], &change["after"]["name"]),
        (&"Planner".into(), &"Diary".into())
    );
    assert!(change["actor"].as_str().unwrap().starts_with("operator:"), "{change}");
    let app = change["app_id"].as_str().unwrap();
    // Its client id names nothing any more; its id does.
    assert_eq!(folder.call(&["audit", "list", "--app", planner]).code, 1);
    assert_eq!(
        actions(&listed(&["--app", app])),
        ["app_created", "app_changed", "app_deleted"]
    );
    assert_eq!(actions(&listed(&["--app", app, "--limit", "1"])), ["app_deleted"]);
    let older = listed(&["--app", app, "--before", change["id"].as_str().unwrap()]);
    assert_eq!(actions(&older), ["app_created"]);
    assert_eq!(actions(&listed(&["--user", "ben@example.com"])), ["user_created"]);
    assert_eq!(
        actions(&listed(&["--organization", "default", "--app", app])),
        ["app_created", "app_changed", "app_deleted"]
    );
    let shown = folder.printed(&["audit", "show", change["id"].as_str().unwrap()]);
    assert!(
        shown.contains("app_changed") && shown.contains("{\"name\":\"Diary\"}"),
        "{shown}"
    );
    let table = folder.printed(&["audit", "list", "--user", "ben@example.com"]);
    let mut lines = table.lines();
    assert_eq!(
        lines.next().unwrap().split_whitespace().collect::<Vec<_>>().join(" "),
        "AT ACTOR ACTION CLIENT ID USER ORGANIZATION SOURCE DETAIL"
    );
    assert!(lines.next().unwrap().contains("user_created"), "{table}");
}

#[test]
fn the_audit_log_is_followed() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    folder.json(&["org", "create", "museum"]);
    let mut follow = folder.command(&["audit", "list", "--follow", "--limit", "1", "--json"]);
    let mut follow = follow.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    assert_eq!(next()["action"], "organization_created");
    for name in ["The Museum", "Museum"] {
        folder.json(&["org", "change", "museum", "--name", name]);
        let event = next();
        assert_eq!(
            (&event["action"], &event["after"]["name"]),
            (&"organization_changed".into(), &name.into())
        );
    }
    follow.kill().unwrap();
    follow.wait().unwrap();
}

#[test]
fn failures_are_told_on_standard_error_with_exit_code_1() {
    let folder = Folder::new();
    let away = folder.call(&["app", "list"]);
    assert_eq!((away.code, away.stdout.as_str()), (1, ""));
    assert!(away.stderr.starts_with("no server answers at "), "{}", away.stderr);
    let _server = folder.serve(&[]);
    for (arguments, told) in [
        (["app", "show", "none"], "there is no app \"none\"\n"),
        (
            ["user", "show", "no@example.com"],
            "there is no user \"no@example.com\"\n",
        ),
        (["org", "suspend", "none"], "there is no organization \"none\"\n"),
        (["grant", "end", "a/b?c"], "there is no grant \"a/b?c\"\n"),
    ] {
        let ended = folder.call(&arguments);
        assert_eq!(
            (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
            (1, "", told)
        );
    }
}

#[test]
fn a_key_is_revoked_only_by_who_says_so() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let unsaid = folder.call(&["key", "revoke", "1"]);
    assert_eq!((unsaid.code, unsaid.stdout.as_str()), (2, ""));
    assert_eq!(
        unsaid.stderr,
        "Everything made under key 1 ends at once.\nNothing was changed: say --yes if that is meant.\n"
    );
    let unknown = folder.call(&["key", "revoke", "99", "--yes"]);
    assert_eq!((unknown.code, unknown.stderr.as_str()), (1, "there is no key 99\n"));
    let listed = folder.printed(&["key", "list"]);
    assert!(listed.starts_with("ID  PURPOSE  STATE    CREATED"), "{listed}");
    assert_eq!(listed.matches(" current ").count(), 3);
    assert!(folder.printed(&["key", "rotate"]).contains(" next "));
    assert!(folder.printed(&["key", "revoke", "1", "--yes"]).contains("revoked\n"));
}

#[test]
fn a_command_line_that_cannot_be_understood_has_exit_code_2() {
    let folder = Folder::new();
    for arguments in [
        &[][..],
        &["serv"],
        &["doctor"],
        &["backup"],
        &["key", "rotate", "--purpose", "declared"],
        &["key", "revoke", "first"],
        &["app"],
        &["app", "change", "a"],
        &["user", "change", "a"],
        &["user", "change", "a", "--admin=perhaps"],
        &["org", "change", "a"],
        &["audit", "list", "--follow", "--before", "a"],
        &["serve", "--port", "1"],
        &["org", "set-member", "a", "b", "king"],
    ] {
        let ended = folder.call(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ended.stderr.contains("--help"), "{arguments:?}: {}", ended.stderr);
    }
    assert!(folder.printed(&["--version"]).starts_with("hallpass "));
}

#[test]
fn a_configuration_is_checked_and_shown() {
    let folder = Folder::new();
    assert_eq!(folder.printed(&["config", "check"]), "ok\n");
    let shown = folder.printed(&["config", "show", "--preset", "house-check"]);
    assert!(
        shown.contains("preset = \"house-check\"") && shown.contains("ada@example.com"),
        "{shown}"
    );
    assert_eq!(folder.printed(&["config", "presets"]).lines().count(), 5);
    assert!(folder.printed(&["config", "presets", "apicbase"]).contains("django"));
    assert_eq!(folder.call(&["config", "presets", "apic"]).code, 1);
}

#[test]
fn every_mistake_in_a_configuration_is_told_with_the_nearest_name() {
    let folder = Folder::new();
    folder.write("wrong.toml", "[server]\nlisten = \"here\"\n[tokens]\nacces = \"1h\"\n");
    for command in [
        &["config", "check"][..],
        &["config", "show"],
        &["serve"],
        &["app", "list"],
    ] {
        let ended = folder.call(&[command, &["--config", "wrong.toml"]].concat());
        assert_eq!(
            (ended.code, ended.stdout.as_str(), ended.stderr.lines().count()),
            (1, "", 2),
            "{}",
            ended.stderr
        );
        assert!(
            ended.stderr.contains("wrong.toml:2") && ended.stderr.contains("did you mean `access`?"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn the_environment_sets_keys_and_nothing_else() {
    let folder = Folder::new();
    let mut show = folder.command(&["config", "show"]);
    let shown = Ended::of(&show.env("HALLPASS_TOKENS__ACCESS", "7m").output().unwrap());
    assert!(shown.stdout.contains("access = \"7m\""), "{}", shown.stdout);
    let mut check = folder.command(&["config", "check"]);
    let checked = Ended::of(&check.env("HALLPASS_ACCESS", "7m").output().unwrap());
    assert_eq!(checked.code, 1);
    assert!(checked.stderr.starts_with("HALLPASS_ACCESS: "), "{}", checked.stderr);
}

#[test]
fn a_dry_run_of_a_migration_prints_sql_and_changes_nothing() {
    let folder = Folder::new();
    let sql = folder.printed(&["migrate", "--dry-run"]);
    assert!(sql.contains("CREATE TABLE grants"), "{sql}");
    assert!(!folder.data("").exists());
    assert!(folder.printed(&["migrate"]).ends_with("applied\n"));
    assert_eq!(folder.printed(&["migrate"]), "nothing to do\n");
    assert_eq!(folder.printed(&["migrate", "--dry-run"]), "-- nothing to do\n");
    let _server = folder.serve(&[]);
    assert_eq!(folder.printed(&["migrate"]), "nothing to do\n");
}

/// The URL may hold one; whoever reads a log or a terminal is not to see it.
#[test]
fn a_databases_password_is_shown_nowhere() {
    let folder = Folder::new();
    let url = "postgres://ada:s3cret@127.0.0.1:1/hallpass?password=s3cret";
    folder.write("postgres.toml", &format!("[store]\nurl = {url:?}\n"));
    let shown = folder.printed(&["config", "show", "--config", "postgres.toml"]);
    assert!(shown.contains("postgres://ada@127.0.0.1:1/hallpass"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    for command in [&["serve"][..], &["migrate"], &["migrate", "--dry-run"]] {
        let ended = folder.call(&[command, &["--database", url]].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{command:?}");
        assert!(
            ended.stderr.contains("the database is not available"),
            "{}",
            ended.stderr
        );
        assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
    }
    let wrong = folder.call(&["serve", "--database", "postgres://ada:s3cret@127.0.0.1:port/hallpass"]);
    assert_eq!(wrong.code, 1);
    assert!(!wrong.stderr.contains("s3cret"), "{}", wrong.stderr);
}

#[test]
fn options_rule_over_the_configuration() {
    let folder = Folder::new();
    let _server = folder.serve(&["--preset", "apicbase", "--data", "other", "--database", "sqlite:x.db"]);
    assert!(folder.folder.path().join("other/x.db").exists());
    assert!(!folder.data("").exists());
    assert_eq!(folder.call(&["app", "list"]).code, 1);
    assert!(
        folder
            .printed(&["app", "list", "--data", "other"])
            .starts_with("CLIENT ID")
    );
}
