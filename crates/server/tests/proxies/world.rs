//! Hallpass, a backend, and a proxy before both.

use crate::harness::{REDIRECT_URI, Server};
use hallpass_cluster::free_port;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const NGINX: &str = include_str!("../../../../docs/guide/forward-auth-nginx.conf");
const CADDY: &str = include_str!("../../../../docs/guide/forward-auth.Caddyfile");

/// The API's calls, and an app.
const DECLARED: &str = r#"
[forward_auth]
trusted_proxies = ["127.0.0.1"]
[scopes.read]
title = "Read your orders"
endpoints = ["GET /orders", "GET /orders/{id}"]
[scopes.write]
title = "Change your orders"
endpoints = ["POST /orders", "PUT /orders/{id}"]
[scopes.export]
title = "Export everything"
endpoints = ["GET /orders/export"]
[[apps]]
name = "Sample App"
client_id = "sample"
client_secret = "a-secret-of-43-characters-as-hallpass-makes"
redirect_uris = ["https://app.example/callback"]
"#;

/// A proxy by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Proxy {
    Nginx,
    Caddy,
}

impl Proxy {
    pub(crate) const ALL: [Self; 2] = [Self::Nginx, Self::Caddy];

    /// Starts the proxy and waits until it takes connections.
    fn start(self, folder: &Path, port: u16, hallpass: u16, backend: u16) -> Program {
        let program = match self {
            Self::Nginx => nginx(folder, port, hallpass, backend),
            Self::Caddy => caddy(folder, port, hallpass, backend),
        };
        wait_for(port, folder);
        program
    }
}

/// A program that ends with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The world of a test.
pub(crate) struct World {
    pub(crate) hallpass: Server,
    port: u16,
    _programs: [Program; 2],
    _folder: TempDir,
}

/// What the proxy answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl World {
    pub(crate) async fn of(proxy: Proxy, preset: &str) -> Self {
        let hallpass = Server::library(preset, DECLARED).await;
        let folder = tempfile::tempdir().unwrap();
        let (port, backend_port) = (free_port().unwrap(), free_port().unwrap());
        let backend = backend(backend_port);
        let hallpass_port: u16 = hallpass.port().parse().unwrap();
        let front = proxy.start(folder.path(), port, hallpass_port, backend_port);
        Self {
            hallpass,
            port,
            _programs: [backend, front],
            _folder: folder,
        }
    }

    /// A token of the app for these scopes.
    pub(crate) async fn token(&self, scopes: &str) -> String {
        let sample = self.hallpass.client("sample", REDIRECT_URI);
        sample.client_credentials(&[("scope", scopes)]).await.tokens().access
    }

    /// Sends a request byte for byte: a client library would correct what is wrong with it.
    pub(crate) async fn send(&self, call: &str, headers: &[String]) -> Answer {
        let (port, call, headers) = (self.port, call.to_owned(), headers.to_vec());
        let sent = tokio::task::spawn_blocking(move || send(port, &call, &headers));
        sent.await.unwrap()
    }
}

fn send(port: u16, call: &str, headers: &[String]) -> Answer {
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!("{call} HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n{lines}\r\n");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer {
        status: status.unwrap_or_else(|| panic!("no answer to {call}: {text}")),
        text,
    }
}

/// What nginx answers to `GET /orders` if Hallpass gives these answers, one after the other. There is no backend.
pub(crate) fn nginx_before(answers: &'static [&'static str]) -> Answer {
    let folder = tempfile::tempdir().unwrap();
    let hallpass = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, hallpass_port) = (free_port().unwrap(), hallpass.local_addr().unwrap().port());
    let _nginx = Proxy::Nginx.start(folder.path(), port, hallpass_port, free_port().unwrap());
    let answering = std::thread::spawn(move || {
        for answer in answers {
            let mut stream = hallpass.accept().unwrap().0;
            let mut lines = BufReader::new(&stream).lines();
            assert!(lines.any(|line| line.unwrap().is_empty()), "a whole request");
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let answer = send(port, "GET /orders", &[bearer("t")]);
    answering.join().unwrap();
    answer
}

/// What each proxy answers to `GET /orders` if Hallpass takes connections and says nothing. All are asked at once.
pub(crate) fn before_a_silent_hallpass() -> [Answer; 2] {
    // The system takes the connections.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (hallpass_port, backend_port) = (silent.local_addr().unwrap().port(), free_port().unwrap());
    let _backend = backend(backend_port);
    let asked = Proxy::ALL.map(|proxy| {
        std::thread::spawn(move || {
            let folder = tempfile::tempdir().unwrap();
            let port = free_port().unwrap();
            let _front = proxy.start(folder.path(), port, hallpass_port, backend_port);
            send(port, "GET /orders", &[bearer("t")])
        })
    });
    asked.map(|answer| answer.join().unwrap())
}

impl Answer {
    /// The text must say who answered: only the backend has this header.
    pub(crate) fn is_of_backend(&self) -> bool {
        self.text.to_lowercase().contains("x-backend: reached")
    }

    /// What the backend got, as JSON.
    pub(crate) fn got(&self) -> serde_json::Value {
        assert!(self.is_of_backend(), "{self:?}");
        let (begin, end) = (self.text.find('{').unwrap(), self.text.rfind('}').unwrap());
        serde_json::from_str(&self.text[begin..=end]).unwrap()
    }

    /// A header of the answer.
    pub(crate) fn header(&self, name: &str) -> String {
        let lines = self.text.lines().take_while(|line| !line.is_empty());
        let mut found = lines.filter_map(|line| line.split_once(": "));
        let found = found.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }
}

/// A header with the token.
pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}")
}

fn backend(port: u16) -> Program {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../e2e/proxies/backend.py");
    let mut child = Command::new("python3")
        .arg(script)
        .arg(port.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python is installed: apt-get install python3");
    let mut line = String::new();
    let output = child.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "listening");
    Program(child)
}

/// The guide's text with other addresses.
fn with(text: &str, replaced: &[(&str, String)]) -> String {
    replaced.iter().fold(text.to_owned(), |text, (shown, ours)| {
        assert!(text.contains(shown), "the guide has no {shown:?}");
        text.replace(shown, ours)
    })
}

fn nginx(folder: &Path, port: u16, hallpass: u16, backend: u16) -> Program {
    let text = with(
        NGINX,
        &[
            ("127.0.0.1:8080", format!("127.0.0.1:{hallpass}")),
            ("127.0.0.1:9000", format!("127.0.0.1:{backend}")),
            ("listen 443 ssl;", format!("listen 127.0.0.1:{port};")),
            ("ssl_certificate     /etc/nginx/api.example.com.crt;", String::new()),
            ("ssl_certificate_key /etc/nginx/api.example.com.key;", String::new()),
        ],
    );
    let here = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {here}/{kind};"))
        .collect();
    // Underscores in headers are let through, as some sites need: the worst case.
    let config = format!(
        "daemon off; master_process off; pid {here}/nginx.pid; error_log {here}/nginx.log;
         events {{ worker_connections 512; }}
         http {{ access_log off; underscores_in_headers on; {temporary} {text} }}"
    );
    let file = folder.join("nginx.conf");
    fs::write(&file, config).unwrap();
    let child = Command::new("/usr/sbin/nginx")
        .arg("-c")
        .arg(&file)
        .arg("-p")
        .arg(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Program(child.expect("nginx is installed: apt-get install nginx"))
}

fn caddy(folder: &Path, port: u16, hallpass: u16, backend: u16) -> Program {
    let text = with(
        CADDY,
        &[
            ("127.0.0.1:8080", format!("127.0.0.1:{hallpass}")),
            ("127.0.0.1:9000", format!("127.0.0.1:{backend}")),
            ("api.example.com {", format!("http://:{port} {{\n\tbind 127.0.0.1")),
        ],
    );
    let file = folder.join("Caddyfile");
    fs::write(&file, format!("{{\n\tadmin off\n}}\n{text}")).unwrap();
    let child = Command::new("caddy")
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(&file)
        .env("HOME", folder)
        .env("XDG_DATA_HOME", folder)
        .env("XDG_CONFIG_HOME", folder)
        .stdin(Stdio::null())
        .stderr(fs::File::create(folder.join("caddy.log")).unwrap())
        .spawn();
    Program(child.expect("Caddy is installed: apt-get install caddy"))
}

fn wait_for(port: u16, folder: &Path) {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        let logs = ["nginx.log", "caddy.log"].map(|name| fs::read_to_string(folder.join(name)).unwrap_or_default());
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "the proxy does not start: {}",
            logs.concat()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
