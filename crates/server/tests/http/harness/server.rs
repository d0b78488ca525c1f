//! A server with its own data folder on a free port, as the released binary or in this process.

use super::answer::Answer;
use super::browser::Browser;
use super::client::Client;
use super::encoded;
use super::world::{PEOPLE, Person};
use crate::database::Database;
use hallpass::config::{Config, Source};
use hallpass::data_folder::admin_socket;
use hallpass::serve::{Running, start};
use hallpass::time::Clock;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use url::Url;

/// The start of the manual clock: 2026-01-01T00:00:00Z, in milliseconds since the epoch.
const START: i64 = 1_767_225_600_000;
const FORM: &str = "application/x-www-form-urlencoded";
/// The file of SQLite's database in the data folder.
const DATABASE: &str = "hallpass.db";

/// A running server.
pub(crate) struct Server {
    /// The preset of the server.
    pub(crate) preset: String,
    /// The URL of the server, as seen from outside.
    pub(crate) issuer: String,
    /// `http://127.0.0.1:PORT`, on which the server listens.
    address: String,
    running: Option<Process>,
    clock: Arc<AtomicI64>,
    database: Database,
    folder: TempDir,
    http: reqwest::Client,
}

enum Process {
    Binary {
        child: Child,
        _output: BufReader<ChildStdout>,
    },
    Library(Running),
}

impl Server {
    /// Starts the released binary, `hallpass serve`, with the preset, the people and `declared`.
    pub(crate) async fn binary(preset: &str, declared: &str) -> Self {
        let mut server = Self::prepared(preset, declared);
        server.start_binary();
        server
    }

    /// Starts the library's server in this process, with a clock that moves only by [`Server::advance`].
    pub(crate) async fn library(preset: &str, declared: &str) -> Self {
        let mut server = Self::prepared(preset, declared);
        server.start_library().await;
        server
    }

    /// The same on a copy of the data of a stopped server.
    pub(crate) async fn library_on(ended: &Self, declared: &str) -> Self {
        assert!(ended.running.is_none(), "its files are still being written");
        let mut server = Self::prepared(&ended.preset, declared);
        fs::create_dir(server.data_folder()).expect("a folder for the data");
        for file in fs::read_dir(ended.data_folder()).expect("the data folder").flatten() {
            fs::copy(file.path(), server.data_folder().join(file.file_name())).expect("a copy");
        }
        server.database = ended.database.copied(server.data_folder().join(DATABASE));
        server.start_library().await;
        server
    }

    /// The same on SQLite, even if the other tests use PostgreSQL.
    pub(crate) async fn library_on_sqlite(preset: &str, declared: &str) -> Self {
        let mut server = Self::prepared(preset, declared);
        server.database = Database::Sqlite(server.data_folder().join(DATABASE), None);
        server.start_library().await;
        server
    }

    /// The same on the database of this URL.
    pub(crate) async fn library_at(url: &str, preset: &str, declared: &str) -> Self {
        let mut server = Self::prepared(preset, declared);
        server.database = Database::Elsewhere(url.to_owned());
        server.start_library().await;
        server
    }

    fn prepared(preset: &str, declared: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the data");
        let table: toml::Table = declared.parse().expect("the test's configuration is TOML");
        let public_url = table.get("server").and_then(|server| server.get("public_url"));
        let server = Self {
            preset: preset.to_owned(),
            issuer: public_url.and_then(toml::Value::as_str).unwrap_or_default().to_owned(),
            address: String::new(),
            running: None,
            clock: Arc::new(AtomicI64::new(START)),
            database: Database::at(data_folder(&folder).join(DATABASE)),
            folder,
            http: http_client(),
        };
        server.declare(declared);
        server
    }

    /// Stops the server with SIGTERM and starts it again on the same data folder. A test that calls this must declare a
    /// `public_url`: the port may change, and the issuer with it.
    pub(crate) async fn restart(&mut self) {
        match self.running.take() {
            Some(Process::Binary { child, .. }) => {
                let status = ended(child);
                assert!(status.success(), "the server ended with {status}: {}", self.log());
                self.start_binary();
            }
            Some(Process::Library(server)) => {
                server.stop().await;
                self.start_library().await;
            }
            None => unreachable!("a server runs until it is dropped"),
        }
        self.http = http_client();
    }

    /// Changes the declaration in the configuration. It applies from the next start on.
    pub(crate) fn declare(&self, declared: &str) {
        let text = format!("preset = {:?}\n{declared}\n{PEOPLE}", self.preset);
        fs::write(self.config_file(), text).expect("the configuration is written");
    }

    fn start_binary(&mut self) {
        let log = File::options().create(true).append(true).open(self.log_file());
        let mut child = hallpass()
            .args(["serve", "--listen", "127.0.0.1:0", "--config"])
            .arg(self.config_file())
            .arg("--data")
            .arg(self.data_folder())
            .args(self.database.named().map(|url| format!("--database={url}")))
            .stdout(Stdio::piped())
            .stderr(log.expect("a file for the log"))
            .spawn()
            .expect("the server starts");
        // The pipe stays open as long as the server runs: otherwise the server would fail when it writes more.
        let mut output = BufReader::new(child.stdout.take().expect("the output is piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("the output is text");
        let address = line.trim_end().strip_prefix("listening on ");
        let address = address.unwrap_or_else(|| panic!("the server did not get ready: {line:?} {}", self.log()));
        self.listens_at(address.to_owned());
        self.running = Some(Process::Binary { child, _output: output });
    }

    /// Starts the released binary's demo. Also returns the address of its sample API.
    pub(super) fn demo(preset: &str) -> (Self, String) {
        let mut server = Self::prepared(preset, "");
        let log = File::options().create(true).append(true).open(server.log_file());
        let anywhere = "127.0.0.1:0";
        let mut child = hallpass()
            .args(["demo", "--preset", preset, "--listen", anywhere])
            .args(["--api-listen", anywhere, "--app-listen", anywhere, "--data"])
            .arg(server.data_folder())
            .stdout(Stdio::piped())
            .stderr(log.expect("a file for the log"))
            .spawn()
            .expect("the demo starts");
        let mut output = BufReader::new(child.stdout.take().expect("the output is piped"));
        let mut said = String::new();
        while !said.contains("Ctrl-C") {
            let read = output.read_line(&mut said).expect("the output is text");
            assert!(read > 0, "the demo did not start: {said} {}", server.log());
        }
        let address = |what: &str| {
            let line = said.lines().find(|line| line.ends_with(what));
            let address = line.and_then(|line| line.split('/').nth(2));
            format!("http://{}", address.unwrap_or_else(|| panic!("no {what}: {said}")))
        };
        server.issuer = address(", the server");
        server.address = server.issuer.replace("localhost", "127.0.0.1");
        server.running = Some(Process::Binary { child, _output: output });
        (server, address("sample API").replace("localhost", "127.0.0.1"))
    }

    async fn start_library(&mut self) {
        let url = self.database.named().map(|url| ("store.url".to_owned(), url));
        let source = Source {
            file: Some(self.config_file()),
            overrides: [
                ("server.listen".to_owned(), "127.0.0.1:0".to_owned()),
                ("server.data".to_owned(), self.data_folder().display().to_string()),
            ]
            .into_iter()
            .chain(url)
            .collect(),
            ..Source::default()
        };
        let config = Config::load(&source).unwrap_or_else(|error| panic!("{error}")).config;
        let mut attempts = 2_000;
        let server = loop {
            match start(config.clone(), Clock::Manual(self.clock.clone())).await {
                // A command that another test starts has copies of all open files of this process, until it runs. So the lock of a
                // server that was stopped may be held a moment longer.
                Err(error) if error.to_string().contains("another server uses") && attempts > 0 => {
                    attempts -= 1;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                started => break started.unwrap_or_else(|error| panic!("{error}")),
            }
        };
        self.listens_at(format!("http://{}", server.address));
        self.running = Some(Process::Library(server));
    }

    fn listens_at(&mut self, address: String) {
        if self.issuer.is_empty() {
            self.issuer = address.replace("127.0.0.1", "localhost");
        }
        self.address = address;
    }

    /// Moves the clock of a library server forward.
    pub(crate) fn advance(&self, span: Duration) {
        assert!(
            matches!(self.running, Some(Process::Library(_))),
            "the binary has the machine's clock"
        );
        let span = i64::try_from(span.as_millis()).expect("a test's span is short");
        self.clock.fetch_add(span, Ordering::SeqCst);
    }

    /// Turns the clock of a library server back.
    pub(crate) fn turn_back(&self, span: Duration) {
        let span = i64::try_from(span.as_millis()).expect("a test's span is short");
        self.clock.fetch_sub(span, Ordering::SeqCst);
    }

    /// A browser in which nobody is logged in.
    pub(crate) fn browser(&self) -> Browser<'_> {
        Browser::new(self)
    }

    /// A browser in which `person` is logged in.
    pub(crate) async fn browser_of(&self, person: Person) -> Browser<'_> {
        let browser = self.browser();
        let answer = browser.log_in(person).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        browser
    }

    /// An app with the secret of the world's apps, which it sends in the body.
    pub(crate) fn client<'s>(&'s self, id: &'s str, redirect_uri: &'s str) -> Client<'s> {
        Client::new(self, id, redirect_uri)
    }

    /// The URL, as seen from outside, of a path of the server.
    pub(crate) fn at(&self, path: &str) -> Url {
        let address = format!("{}{path}", self.issuer);
        address.parse().unwrap_or_else(|_| panic!("no address: {address}"))
    }

    /// The port in the outside URL.
    pub(crate) fn port(&self) -> String {
        let port = self.at("/").port_or_known_default();
        port.expect("an address of the web").to_string()
    }

    /// A request to an outside URL, sent to the address on which the server listens.
    pub(crate) fn request(&self, method: Method, url: &Url) -> reqwest::RequestBuilder {
        let origin = url.origin().ascii_serialization();
        let address = url.as_str().replacen(&origin, &self.address, 1);
        self.http.request(method, address)
    }

    /// Sends bytes unchanged, and reads until the server closes the connection.
    pub(crate) async fn send_bytes(&self, bytes: &[u8]) -> String {
        let mut stream = self.connection().await;
        // The server may close early. The answer it sent before counts.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends bytes unchanged, and closes the connection. Returns when the server has noticed.
    pub(crate) async fn send_and_leave(&self, bytes: &[u8]) {
        let mut stream = self.connection().await;
        stream.write_all(bytes).await.expect("the server reads");
        stream.shutdown().await.expect("the server listens");
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }

    /// Sends bytes unchanged, ends the sending side, and reads the answer.
    pub(crate) async fn send_bytes_and_end(&self, bytes: &[u8]) -> String {
        let mut stream = self.connection().await;
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// A raw connection.
    pub(crate) async fn connection(&self) -> TcpStream {
        let address = self.address.strip_prefix("http://").expect("an address");
        TcpStream::connect(address).await.expect("the server listens")
    }

    /// A connection from another address of this machine, which is another source.
    pub(crate) async fn connection_from(&self, source: [u8; 4]) -> TcpStream {
        let address = self.address.strip_prefix("http://").expect("an address");
        let socket = TcpSocket::new_v4().expect("a socket");
        socket
            .bind((source, 0).into())
            .expect("every 127.x.y.z is this machine");
        let address = address.parse().expect("an address");
        socket.connect(address).await.expect("the server listens")
    }

    /// A request sent to the URL's own address.
    pub(crate) fn plain_request(&self, method: Method, url: &Url) -> reqwest::RequestBuilder {
        self.http.request(method, url.as_str())
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn send(&self, url: &Url, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await;
        Answer::read(url.clone(), response.unwrap_or_else(|error| panic!("{url}: {error}"))).await
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        let url = self.at(path);
        self.send(&url, self.request(Method::GET, &url)).await
    }

    /// Waits until the server reports that it is ready.
    pub(crate) async fn ready_again(&self) {
        for _ in 0..2_000 {
            if self.get("/health/ready").await.status == 200 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the server does not get ready again");
    }

    /// Posts a form.
    pub(crate) async fn post(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        self.post_raw(path, &[(CONTENT_TYPE.as_str(), FORM)], encoded(pairs))
            .await
    }

    /// Posts a form with an Authorization header.
    pub(crate) async fn post_as(&self, path: &str, authorization: &str, pairs: &[(&str, &str)]) -> Answer {
        let headers = [(CONTENT_TYPE.as_str(), FORM), (AUTHORIZATION.as_str(), authorization)];
        self.post_raw(path, &headers, encoded(pairs)).await
    }

    /// Posts any bytes.
    pub(crate) async fn post_raw(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let url = self.at(path);
        let request = headers
            .iter()
            .fold(self.request(Method::POST, &url), |request, (name, value)| {
                request.header(*name, *value)
            });
        self.send(&url, request.body(body)).await
    }

    /// Posts the same form `times` at once.
    pub(crate) async fn post_at_once(&self, path: &str, pairs: &[(&str, &str)], times: usize) -> Vec<Answer> {
        let mut requests = JoinSet::new();
        for _ in 0..times {
            let url = self.at(path);
            let request = self.request(Method::POST, &url).header(CONTENT_TYPE, FORM);
            let request = request.body(encoded(pairs));
            requests.spawn(async move { Answer::read(url, request.send().await.expect("an answer")).await });
        }
        requests.join_all().await
    }

    /// Calls the identity endpoint with an access token.
    pub(crate) async fn identity(&self, access_token: &str) -> Answer {
        let path = match self.preset.as_str() {
            "apicbase" => "/oauth/userinfo/",
            _ => "/oauth/userinfo",
        };
        let url = self.at(path);
        let request = self.request(Method::GET, &url).bearer_auth(access_token);
        self.send(&url, request).await
    }

    /// Runs an operator's command against the running server. Returns its output as JSON.
    pub(crate) fn command(&self, words: &[&str]) -> serde_json::Value {
        let output = self.called(words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {error}");
        serde_json::from_slice(&output.stdout).expect("the answer is JSON")
    }

    /// The same for a command that needs confirmation. Returns the message that it prints instead of acting.
    pub(crate) fn unconfirmed(&self, words: &[&str]) -> String {
        let output = self.called(words);
        assert_eq!(
            (output.status.code(), output.stdout.as_slice()),
            (Some(2), &[][..]),
            "{words:?}"
        );
        String::from_utf8(output.stderr).expect("text")
    }

    fn called(&self, words: &[&str]) -> Output {
        let (noun, rest) = words.split_first().expect("a command");
        let mut command = hallpass();
        command.args([*noun, "--json", "--data"]).arg(self.data_folder());
        command
            .args(rest)
            .stdin(Stdio::null())
            .output()
            .expect("the command starts")
    }

    /// The hashing work of the library's server for passwords and client secrets, in KiB of memory times passes.
    pub(crate) fn password_work(&self) -> u64 {
        match &self.running {
            Some(Process::Library(server)) => server.hallpass().people.work() + server.hallpass().clients.work(),
            _ => unreachable!("the binary does not tell"),
        }
    }

    /// Calls the admin API directly.
    pub(crate) async fn operator(&self, method: Method, path: &str, body: Option<serde_json::Value>) -> Answer {
        let socket = admin_socket(&self.data_folder());
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .build()
            .expect("a client");
        let url: Url = format!("http://hallpass/admin/api/v1{path}")
            .parse()
            .expect("an address");
        let request = http.request(method, url.clone());
        let request = body.iter().fold(request, reqwest::RequestBuilder::json);
        self.send(&url, request).await
    }

    /// Stops a library server. It has written everything then.
    pub(crate) async fn stop(&mut self) {
        if let Some(Process::Library(server)) = self.running.take() {
            server.stop().await;
        }
    }

    /// Runs SQL directly in the database. Returns the answer.
    pub(crate) fn sql(&self, statements: &str) -> String {
        let answer = self.database.sql(statements);
        answer.unwrap_or_else(|error| panic!("{error}: {statements}"))
    }

    /// Whether the database is PostgreSQL.
    pub(crate) fn is_on_postgres(&self) -> bool {
        self.database.is_postgres()
    }

    /// The contents of the database: SQLite's file and log, or PostgreSQL's rows as text with bytes in hexadecimal.
    pub(crate) fn kept(&self) -> Vec<u8> {
        self.database.kept()
    }

    /// Whether a secret is anywhere in the stored data.
    pub(crate) fn keeps(&self, secret: &str) -> bool {
        let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let kept = self.kept();
        let found = |bytes: &[u8]| kept.windows(bytes.len()).any(|window| window == bytes);
        found(secret.as_bytes()) || found(hexadecimal.as_bytes()) || holds(&self.data_folder(), secret.as_bytes())
    }

    /// The log of a binary.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// The data folder of the server.
    pub(crate) fn data_folder(&self) -> PathBuf {
        data_folder(&self.folder)
    }

    fn config_file(&self) -> PathBuf {
        self.folder.path().join("hallpass.toml")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

fn data_folder(folder: &TempDir) -> PathBuf {
    folder.path().join("data")
}

/// The binary. It would reject the environment variables of the tests, so they are removed.
fn hallpass() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hallpass"));
    command.env_remove("HALLPASS_TEST_DATABASE");
    command
}

/// Asks a process to end, by its id, and waits until it has.
pub(super) fn ended(mut child: Child) -> ExitStatus {
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(told.expect("kill is there").success());
    child.wait().expect("the server is our child")
}

/// Follows no redirect and uses no proxy: a test sees every answer unchanged.
fn http_client() -> reqwest::Client {
    let builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy();
    builder.build().expect("a client")
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(Process::Binary { child, .. }) = self.running.take() {
            ended(child);
        }
        if std::thread::panicking() {
            println!("{}", self.log());
        }
    }
}

/// Whether any file below `folder` contains `bytes`.
fn holds(folder: &Path, bytes: &[u8]) -> bool {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    entries.map(|entry| entry.path()).any(|path| {
        if path.is_dir() {
            return holds(&path, bytes);
        }
        let content = fs::read(&path).unwrap_or_default();
        content.windows(bytes.len()).any(|window| window == bytes)
    })
}
