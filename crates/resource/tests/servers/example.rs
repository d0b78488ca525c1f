//! The API of `examples/resource`, as its README runs it.

use crate::app;
use crate::hallpass::{API, API_SECRET, connect, declared_with_api};
use hallpass_client::http::HttpClient;
use hallpass_ends::{CLIENT_ID, Hallpass, built};
use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, Request, Response};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The running API. It ends when dropped.
struct Api {
    url: String,
    child: Child,
    http: HttpClient,
    _folder: tempfile::TempDir,
}

impl Api {
    fn start(issuer: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let secret = folder.path().join("api.secret");
        std::fs::write(&secret, format!("{API_SECRET}\n")).expect("the secret is written");
        let mut command = Command::new(built("examples/orders_api"));
        command
            .envs([("ISSUER", issuer), ("IDENTIFIER", API), ("LISTEN", "127.0.0.1:0")])
            .env("SECRET_FILE", secret)
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("the example starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output is a pipe");
        BufReader::new(output).read_line(&mut line).expect("its output is text");
        let url = line.trim_end().strip_prefix("listening on ").expect("the API is ready");
        Self {
            url: url.to_owned(),
            child,
            http: crate::http(),
            _folder: folder,
        }
    }

    async fn call(&self, method: Method, path: &str, token: Option<&str>) -> Response<String> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let answer = self
            .http
            .send(request.body(Default::default()).expect("a request"))
            .await;
        answer
            .expect("an answer")
            .map(|body| String::from_utf8_lossy(&body).into_owned())
    }

    /// Calls until the status is this one. Something changes within a second; the machine may be busy.
    async fn answers(&self, status: u16, token: &str) -> Response<String> {
        let waiting = async {
            loop {
                let answer = self.call(Method::GET, "/orders", Some(token)).await;
                if answer.status() == status {
                    return answer;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
        waited.unwrap_or_else(|_| panic!("the API never answers {status}"))
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_readme_of_the_example_is_true() {
    let scope = "[scopes.orders]\ntitle = \"See your orders\"\n";
    let server = Hallpass::start("default", &declared_with_api(scope, "orders"));
    let api = Api::start(server.url());
    let stranger = api.call(Method::GET, "/orders", None).await;
    assert_eq!(stranger.status(), 401);
    let challenge = stranger.headers()[WWW_AUTHENTICATE].to_str().expect("text");
    let metadata = format!("{}/.well-known/oauth-protected-resource", api.url);
    assert!(
        challenge.contains(&format!(r#"scope="orders", resource_metadata="{metadata}""#)),
        "{challenge}"
    );
    let document = api
        .call(Method::GET, "/.well-known/oauth-protected-resource", None)
        .await;
    assert!(document.body().contains(server.url()), "{}", document.body());

    let tokens = connect(&app(server.url(), "orders", None).await).await;
    let token = tokens.access.secret();
    let orders = api.call(Method::GET, "/orders", Some(token)).await;
    assert_eq!(
        (orders.status().as_u16(), orders.body().as_str()),
        (200, "the orders of default\n")
    );
    let ordered = api.call(Method::POST, "/orders", Some(token)).await;
    assert_eq!(
        (ordered.status().as_u16(), ordered.body().as_str()),
        (200, "ordered for john@doe.com\n")
    );

    server.command(&["app", "suspend", CLIENT_ID]);
    let refused = api.answers(401, token).await;
    let challenge = refused.headers()[WWW_AUTHENTICATE].to_str().expect("text");
    assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
    server.command(&["app", "resume", CLIENT_ID]);
    api.answers(200, token).await;
    drop(server);
    assert_eq!(api.answers(503, token).await.headers()[RETRY_AFTER], "1");
}
