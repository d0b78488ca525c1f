//! The programs of `docs/guide/clients.md`, as a reader copies them: each connects a person, calls an API and refreshes.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use hallpass_cluster::free_port;
use tempfile::TempDir;

use crate::person::Person;
use crate::process::{Server, e2e};
use crate::report::{EMAIL, PASSWORD, REDIRECT_URI, SECRET, declared};

const GUIDE: &str = include_str!("../../../../docs/guide/clients.md");
/// With such a lifetime each library takes an access token for expired at once: x/oauth2 ten seconds before the end, the others
/// a minute before it.
const SETTINGS: &str = "[tokens]\naccess = \"8s\"\n[wire]\nrequire_pkce = true\n";
const ORDERS: &str = r#"{"orders":[]}"#;
/// How often, and how long in between, the test tries to reach a program that starts.
const TRIES: u32 = 2_400;
const PAUSE: Duration = Duration::from_millis(50);

#[test]
fn authlib_connects_calls_and_refreshes() {
    let mut program = Command::new(e2e(".venv/bin/python"));
    program.args(["-c", block("python")]);
    connects_calls_and_refreshes(program);
}

#[test]
fn openid_client_connects_calls_and_refreshes() {
    let mut program = Command::new("node");
    program.args(["--input-type=module", "-e", block("javascript")]);
    program.current_dir(e2e("node"));
    connects_calls_and_refreshes(program);
}

#[test]
fn x_oauth2_connects_calls_and_refreshes() {
    let folder = tempfile::tempdir().expect("a folder");
    let [source, binary] = ["main.go", "program"].map(|name| folder.path().join(name));
    fs::write(&source, block("go")).expect("a file");
    // This module pins the version of the library.
    let mut build = Command::new("go");
    build.args(["build", "-o"]).args([&binary, &source]);
    succeeds(build.current_dir(e2e("go")));
    connects_calls_and_refreshes(Command::new(binary));
}

#[test]
fn spring_security_connects_calls_and_refreshes() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at("application.yml"), block("yaml")).expect("a file");
    fs::write(at("Orders.java"), block("java")).expect("a file");
    let jars = e2e("spring/lib").join("*");
    let mut compile = Command::new("javac");
    compile.args(["--release", "17", "-cp"]).arg(&jars);
    compile.args(["-d", "classes", "Orders.java"]);
    succeeds(compile.current_dir(folder.path()));
    let mut program = Command::new("java");
    program.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp"]);
    program.arg(std::env::join_paths([at("classes"), jars]).expect("no colon in a folder"));
    program.arg("com.example.orders.Orders");
    program.current_dir(folder.path());
    connects_calls_and_refreshes(program);
}

/// The one block of the guide in this language.
fn block(language: &str) -> &'static str {
    let start = format!("\n```{language}\n");
    let blocks: Vec<_> = GUIDE.split(&start).skip(1).collect();
    let [rest] = blocks[..] else {
        panic!("the guide has {} blocks in {language}", blocks.len());
    };
    rest.split_once("\n```\n").expect("a block ends").0
}

fn succeeds(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{said}");
}

fn connects_calls_and_refreshes(mut command: Command) {
    let port = free_port().expect("a free port");
    let home = format!("http://localhost:{port}/");
    let redirect_uri = format!("{home}callback");
    let declared = declared().replace(REDIRECT_URI, &redirect_uri);
    let server = Server::start("default", &format!("{SETTINGS}{declared}"));
    let api = Api::start();
    command.envs([
        ("ISSUER", server.url.as_str()),
        ("CLIENT_ID", "reports"),
        ("CLIENT_SECRET", SECRET),
        ("REDIRECT_URI", &redirect_uri),
        ("SCOPE", "read"),
        ("API", &api.url),
        ("PORT", &port.to_string()),
        ("no_proxy", "*"),
    ]);
    let mut program = Program::start(command);
    program.listens_at(port);
    let mut person = Person::new(EMAIL, PASSWORD);
    let [first, second] = [(); 2].map(|()| {
        assert_eq!(person.page(&home).trim(), ORDERS);
        api.calls.try_recv().expect("the program called the API once")
    });
    assert!(first.starts_with("Bearer hp_at_"), "{first}");
    assert!(second.starts_with("Bearer hp_at_"), "{second}");
    assert_ne!(first, second, "the access token was not refreshed");
    server.stop();
}

/// An API that answers every call, and the `Authorization` headers that it got.
struct Api {
    url: String,
    calls: Receiver<String>,
}

impl Api {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, calls) = mpsc::channel();
        thread::spawn(move || {
            for mut connection in listener.incoming().flatten() {
                let lines = BufReader::new(&connection).lines().map_while(Result::ok);
                let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
                let mut headers = head.iter().filter_map(|line| line.split_once(": "));
                let found = headers.find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
                drop(sender.send(found.map_or_else(String::new, |(_, value)| value.to_owned())));
                let length = ORDERS.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{ORDERS}"
                );
                drop(connection.write_all(answer.as_bytes()));
            }
        });
        let url = format!("http://localhost:{port}/orders");
        Self { url, calls }
    }
}

/// A running program. It ends with the test, and its output is shown if the test fails.
struct Program {
    child: Child,
    folder: TempDir,
}

impl Program {
    fn start(mut command: Command) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the log");
        let log = File::create(log(folder.path())).expect("a file");
        let errors = log.try_clone().expect("a second handle");
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let child = command.spawn().expect("the program starts");
        Self { child, folder }
    }

    #[expect(clippy::disallowed_methods, reason = "not every program says when it listens")]
    fn listens_at(&mut self, port: u16) {
        for _ in 0..TRIES {
            if TcpStream::connect(("localhost", port)).is_ok() {
                return;
            }
            let ended = self.child.try_wait().expect("the program is our child");
            assert!(ended.is_none(), "the program ended: {ended:?}");
            thread::sleep(PAUSE);
        }
        panic!("the program does not listen at port {port}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if thread::panicking() {
            println!("{}", fs::read_to_string(log(self.folder.path())).unwrap_or_default());
        }
    }
}

fn log(folder: &Path) -> PathBuf {
    folder.join("log")
}
