//! `hallpass demo`: the server with a sample API behind it, for statements about an API's own endpoints.

use super::answer::Answer;
use super::server::Server;
use super::world::Person;
use reqwest::Method;
use std::fs;
use url::Url;

/// John Doe, a person of the demo.
pub(crate) const DEMO_JOHN: Person = Person {
    email: "john@doe.com",
    password: "open-sesame",
};

/// Jane Roe, who has other data than John.
pub(crate) const DEMO_JANE: Person = Person {
    email: "jane@roe.example",
    password: "open-sesame",
};

/// A running demo.
pub(crate) struct Demo {
    /// The server of the demo.
    pub(crate) server: Server,
    /// The client ID of the first declared app.
    pub(crate) client_id: String,
    /// The secret of that app.
    pub(crate) client_secret: String,
    /// The redirect URI of that app.
    pub(crate) redirect_uri: String,
    api: String,
}

impl Demo {
    /// Starts the demo of a preset.
    pub(crate) async fn start(preset: &str) -> Self {
        let (server, api) = Server::demo(preset);
        let world = fs::read_to_string(server.data_folder().join("demo.toml")).expect("the demo's world");
        let world: toml::Table = world.parse().expect("the demo's world is TOML");
        let app = &world["apps"][0];
        let text = |value: &toml::Value| value.as_str().expect("a text").to_owned();
        Self {
            server,
            client_id: text(&app["client_id"]),
            client_secret: text(&app["client_secret"]),
            redirect_uri: text(&app["redirect_uris"][0]),
            api,
        }
    }

    /// Gets an access token for the demo's app with `scope`, which `person` allows.
    pub(crate) async fn access_token(&self, person: Person, scope: &str) -> String {
        let browser = self.server.browser_of(person).await;
        let client = self.server.client(&self.client_id, &self.redirect_uri);
        let client = client.with_secret(&self.client_secret);
        client.connect_with(&browser, &[("scope", scope)]).await.access
    }

    /// Calls the sample API.
    pub(crate) async fn call(&self, method: Method, path: &str, access_token: Option<&str>) -> Answer {
        let url: Url = format!("{}{path}", self.api).parse().expect("an address");
        let request = self.server.plain_request(method, &url);
        let request = match access_token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        self.server.send(&url, request).await
    }
}
