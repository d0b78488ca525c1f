//! A running keeper, and its caller.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use bytes::Bytes;
use hallpass_client::http::HttpClient;
use hallpass_ends::{CLIENT_ID, Hallpass, Person, REDIRECT_URI, SECRET, built, declared};
use http::{Method, Request, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

/// The secret of the program `shop`, which may use every provider of the test.
pub(crate) const PROGRAM: &str = "shop-secret-0123456789abcdef01234567";

/// A keeper in a folder of its own. It ends when dropped.
pub(crate) struct Keeper {
    pub(crate) url: String,
    child: Option<Child>,
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
    http: HttpClient,
}

impl Keeper {
    /// A folder with the secrets and a configuration; `providers` are sections of it. Nothing runs yet.
    pub(crate) fn prepare(providers: &str, serve: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
        write("app.secret", SECRET);
        write("shop.secret", PROGRAM);
        write("webhook.secret", "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        write("keeper.key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        let private = fs::Permissions::from_mode(0o600);
        fs::set_permissions(folder.path().join("keeper.key"), private).expect("permissions");
        let names: Vec<String> = providers
            .lines()
            .filter_map(|line| {
                line.strip_prefix("[providers.")?
                    .strip_suffix(']')
                    .map(|name| format!("{name:?}"))
            })
            .collect();
        let names = names.join(", ");
        let config = format!(
            r#"[serve]
{serve}
redirect_uri = "{REDIRECT_URI}"

[vault]
url = "sqlite:keeper.db"
key_file = "keeper.key"

[[programs]]
name = "shop"
secret_file = "shop.secret"
providers = [{names}]

{providers}
"#
        );
        write("hallpass-keeper.toml", &config);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self {
            url: String::new(),
            child: None,
            folder,
            runtime: runtime.expect("a runtime"),
            http: HttpClient::builder().without_native_roots().build().expect("a client"),
        }
    }

    /// Starts a keeper on a free port of loopback.
    pub(crate) fn start(providers: &str) -> Self {
        let mut keeper = Self::prepare(providers, "listen = \"127.0.0.1:0\"");
        keeper.serve();
        keeper
    }

    /// Starts the process, again if it was killed.
    pub(crate) fn serve(&mut self) {
        self.kill();
        let mut child = self
            .program(&["serve"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the keeper starts");
        let output = child.stdout.take().expect("its output is a pipe");
        self.child = Some(child);
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let ready = lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        self.url = ready.unwrap_or_else(|| panic!("the keeper ended"));
        std::thread::spawn(move || lines.for_each(drop));
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Asks the keeper to stop, as a service manager does.
    pub(crate) fn terminate(&self) {
        let id = self.child.as_ref().expect("it runs").id().to_string();
        let told = Command::new("kill").args(["-TERM", &id]).status();
        assert!(told.expect("kill is there").success());
    }

    pub(crate) fn wait_for_its_end(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it runs");
        child.wait().expect("it is our child")
    }

    /// Runs a command in the folder of the keeper.
    pub(crate) fn command(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().expect("the command starts")
    }

    pub(crate) fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(built("hallpass-keeper"));
        command
            .arg("--config")
            .arg(self.path("hallpass-keeper.toml"))
            .args(arguments);
        command
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Sends a request with the program's secret.
    pub(crate) fn ask(&self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header("authorization", format!("Bearer {PROGRAM}"));
        let request = request.header("content-type", "application/json");
        let answer = self.send(request.body(Bytes::from(body.to_string())).expect("a request"));
        let body = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        (answer.status().as_u16(), body)
    }

    pub(crate) fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        let outcome = self.runtime.block_on(self.http.send(request));
        outcome.expect("an answer")
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, &Value::Null)
    }

    /// Waits as long as the keeper asked for.
    pub(crate) fn wait(&self, span: Duration) {
        self.runtime.block_on(async { tokio::time::sleep(span).await });
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Begins a connection. Returns the address for the browser.
    pub(crate) fn begin(&self, provider: &str, reference: &str) -> String {
        let body = json!({"reference": reference, "return_to": "/orders"});
        let (status, answer) = self.ask(Method::POST, &format!("/connections/{provider}/connect"), &body);
        assert_eq!(status, 200, "{answer}");
        answer["url"].as_str().expect("an address").to_owned()
    }

    /// Ends a connection's sign-in with the way back of the browser.
    pub(crate) fn complete(&self, back: &str, reference: &str) -> (u16, Value) {
        let body = json!({"query": back, "reference": reference});
        self.ask(Method::POST, "/connections/callback", &body)
    }

    /// Connects a person who signs in at Hallpass.
    pub(crate) fn connect(&self, person: &mut Person, provider: &str, reference: &str) {
        let url = self.begin(provider, reference);
        let back = person.allow(&url, REDIRECT_URI);
        let (status, answer) = self.complete(&back, reference);
        assert_eq!(status, 200, "{answer}");
        assert_eq!(
            answer,
            json!({"connection": format!("{provider}/{reference}"), "return_to": "/orders"})
        );
    }

    /// A live token of a connection.
    pub(crate) fn token(&self, connection: &str) -> String {
        let (status, answer) = self.get(&format!("/token/{connection}"));
        assert_eq!(status, 200, "{answer}");
        answer["access_token"].as_str().expect("a token").to_owned()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What Hallpass declares for a keeper: each provider has a redirect URI of its own.
pub(crate) fn declared_for(provider: &str) -> String {
    declared().replace(REDIRECT_URI, &format!("{REDIRECT_URI}/{provider}"))
}

/// The section of a Hallpass server, found by discovery.
pub(crate) fn provider(name: &str, server: &Hallpass, scope: &str) -> String {
    let scopes: Vec<String> = scope.split(' ').map(|scope| format!("{scope:?}")).collect();
    format!(
        "[providers.{name}]\nissuer = {:?}\nclient_id = \"{CLIENT_ID}\"\nsecret_file = \"app.secret\"\nscopes = [{}]\n",
        server.url(),
        scopes.join(", ")
    )
}

/// Calls the identity endpoint of a Hallpass server. Returns the status.
pub(crate) fn identity(keeper: &Keeper, server: &Hallpass, token: &str) -> u16 {
    let request = Request::get(identity_url(keeper, server)).header("authorization", format!("Bearer {token}"));
    keeper
        .send(request.body(Bytes::new()).expect("a request"))
        .status()
        .as_u16()
}

/// The identity endpoint, from the metadata.
pub(crate) fn identity_url(keeper: &Keeper, server: &Hallpass) -> String {
    let url = format!("{}/.well-known/oauth-authorization-server", server.url());
    let answer = keeper.send(Request::get(url).body(Bytes::new()).expect("a request"));
    let metadata: Value = serde_json::from_slice(answer.body()).expect("metadata");
    metadata["userinfo_endpoint"].as_str().expect("an endpoint").to_owned()
}
