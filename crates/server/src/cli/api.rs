//! The running server's admin API, through the socket in its data folder.

use super::configuration::{Sources, load};
use super::table::{self, Table};
use super::{Failed, print};
use crate::data_folder::ownership;
use crate::data_folder::{SocketPath, admin_socket};
use clap::Args;
use http::Method;
use indexmap::IndexMap;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::RequestBuilder;
use serde::Serialize;
use serde_json::Value;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use tokio::net::UnixStream;

/// Where the running server is, and how its answers are printed.
#[derive(Args)]
pub(super) struct Place {
    /// Configuration file of the server; default: `hallpass.toml` in this folder, if it exists
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Data folder of the server
    #[arg(long, value_name = "FOLDER", global = true)]
    data: Option<String>,
    /// Print the server's JSON answer unchanged
    #[arg(long, global = true)]
    json: bool,
}

/// The number of objects to request at a time.
const PAGE: u32 = 1_000;

/// The part of a list to print.
#[derive(Args)]
pub(super) struct Part {
    /// Maximum number of results; all by default
    #[arg(long, value_name = "NUMBER")]
    pub(super) limit: Option<u32>,
    /// Continue after this cursor; the previous page ends with the cursor to use
    #[arg(long, value_name = "CURSOR")]
    pub(super) after: Option<String>,
}

/// The admin API.
pub(super) struct ApiClient {
    socket: PathBuf,
    /// The path that requests use. It exists as long as this value.
    _reached: SocketPath,
    http: reqwest::Client,
    json: bool,
}

/// An answer: the text as it was received, and its members in the same order.
pub(super) struct ApiResponse {
    text: String,
    members: IndexMap<String, Value>,
    json: bool,
}

impl ApiClient {
    /// Connects to the server of the data folder. Refuses a folder or socket of another account: passwords are sent through it.
    pub(super) async fn of(place: Place) -> Result<Self, Failed> {
        let sources = Sources {
            config: place.config,
            preset: None,
        };
        let config = load(sources, [("server.data", place.data)])?.config;
        let socket = admin_socket(&config.server.data);
        let none = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => nobody_at(&socket),
            _ => Failed::Server(format!("the server at {} is not asked: {error}", socket.display())),
        };
        for path in [config.server.data.as_path(), &socket] {
            let found = fs::metadata(path).map_err(none)?;
            ownership::check(path, &found).map_err(none)?;
        }
        let reached = SocketPath::to(&socket).map_err(none)?;
        check_listener(&reached).await.map_err(none)?;
        let http = reqwest::Client::builder().unix_socket(reached.as_path()).build();
        Ok(Self {
            http: http.map_err(|error| Failed::Server(error.to_string()))?,
            socket,
            _reached: reached,
            json: place.json,
        })
    }

    /// Whether answers are printed unchanged.
    pub(super) fn json(&self) -> bool {
        self.json
    }

    /// GET of `path`. Each part of the path is a name as people write it.
    pub(super) async fn get(&self, path: &[&str]) -> Result<ApiResponse, Failed> {
        self.receive(self.request(Method::GET, path)).await
    }

    /// GET of a list, with filters in the query.
    pub(super) async fn list(&self, path: &[&str], filters: &[(&str, Option<String>)]) -> Result<ApiResponse, Failed> {
        let given: Vec<_> = filters
            .iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)))
            .collect();
        self.receive(self.request(Method::GET, path).query(&given)).await
    }

    /// Prints a list page by page, with these members of each object as columns. Only one page is in memory at a time.
    pub(super) async fn print_list(
        &self,
        path: &[&str],
        member: &str,
        columns: &[&str],
        filters: &[(&str, Option<String>)],
        part: Part,
    ) -> Result<(), Failed> {
        let (mut left, mut after) = (part.limit, part.after);
        let mut printed = Printed::new(self.json, member, columns);
        loop {
            let limit = left.map_or(PAGE, |left| left.min(PAGE));
            let mut filters = filters.to_vec();
            filters.extend([("limit", Some(limit.to_string())), ("after", after)]);
            let page = self.list(path, &filters).await?;
            left = left.map(|left| left - limit);
            print(&printed.page(page.member(member)))?;
            after = page.next();
            if after.is_none() || left == Some(0) {
                return printed.end(after);
            }
        }
    }

    pub(super) async fn post(&self, path: &[&str]) -> Result<ApiResponse, Failed> {
        self.receive(self.request(Method::POST, path)).await
    }

    pub(super) async fn delete(&self, path: &[&str]) -> Result<ApiResponse, Failed> {
        self.receive(self.request(Method::DELETE, path)).await
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<ApiResponse, Failed> {
        self.receive(self.request(method, path).json(body)).await
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let parts = path.iter();
        let path: String = parts
            .map(|part| format!("/{}", utf8_percent_encode(part, NON_ALPHANUMERIC)))
            .collect();
        self.http.request(method, format!("http://hallpass/admin/api/v1{path}"))
    }

    async fn receive(&self, request: RequestBuilder) -> Result<ApiResponse, Failed> {
        let response = request.send().await.map_err(|error| self.away(&error))?;
        let status = response.status();
        let text = response.text().await.map_err(|error| self.away(&error))?;
        let members: IndexMap<String, Value> = serde_json::from_str(&text)
            .map_err(|_| Failed::Server(format!("the server answers {status} with something that is no JSON")))?;
        if !status.is_success() {
            let message = members.get("message").and_then(Value::as_str);
            return Err(Failed::Server(message.unwrap_or(&text).to_owned()));
        }
        let json = self.json;
        Ok(ApiResponse { text, members, json })
    }

    fn away(&self, error: &reqwest::Error) -> Failed {
        if error.is_connect() {
            return nobody_at(&self.socket);
        }
        let socket = self.socket.display();
        Failed::Server(format!("the server at {socket} does not answer: {error}"))
    }
}

fn nobody_at(socket: &Path) -> Failed {
    let socket = socket.display();
    Failed::Server(format!(
        "no server answers at {socket}: is it running? --config or --data says where its data folder is"
    ))
}

/// Checks by the kernel's word that no other account listens: its program would receive passwords.
async fn check_listener(socket: &SocketPath) -> io::Result<()> {
    let account = UnixStream::connect(socket.as_path()).await?.peer_cred()?.uid();
    if !ownership::is_trusted(account) {
        let text = format!("another account (uid {account}) listens there");
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, text));
    }
    Ok(())
}

/// A list that is printed page by page: a table, or the JSON that the server would answer if one page held the whole list.
struct Printed<'a> {
    json: bool,
    table: Table<'a>,
    /// The text before the next object of the JSON.
    before: String,
}

impl<'a> Printed<'a> {
    fn new(json: bool, member: &str, columns: &[&'a str]) -> Self {
        Self {
            json,
            table: Table::new(columns),
            before: format!("{{\"{member}\":["),
        }
    }

    fn page(&mut self, objects: Option<&Value>) -> String {
        if !self.json {
            return self.table.page(objects.unwrap_or(&Value::Null));
        }
        let mut text = String::new();
        for object in objects.and_then(Value::as_array).into_iter().flatten() {
            text.push_str(&std::mem::replace(&mut self.before, ",".to_owned()));
            text.push_str(&object.to_string());
        }
        text
    }

    fn end(self, next: Option<String>) -> Result<(), Failed> {
        match next {
            next if self.json => {
                let begun = self.before == ",";
                let before = if begun { "" } else { &self.before };
                print(&format!("{before}],\"next\":{}}}\n", Value::from(next)))
            }
            Some(next) => Ok(writeln!(io::stderr(), "There are more: --after {next}")?),
            None => Ok(()),
        }
    }
}

impl ApiResponse {
    pub(super) fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Prints the objects in `member`, with these members of each as columns.
    pub(super) fn print_table(&self, member: &str, columns: &[&str]) -> Result<(), Failed> {
        if self.json {
            return self.print();
        }
        let objects = self.members.get(member).unwrap_or(&Value::Null);
        print(&Table::new(columns).page(objects))
    }

    /// The cursor of the next page of a list.
    pub(super) fn next(&self) -> Option<String> {
        self.member("next")?.as_str().map(str::to_owned)
    }

    /// Prints one object.
    pub(super) fn print(&self) -> Result<(), Failed> {
        if self.json {
            return print(&format!("{}\n", self.text));
        }
        print(&table::lines(&self.members))?;
        let told = ["client_secret", "password"];
        match told.iter().find(|name| self.members.contains_key(**name)) {
            Some(name) => print(&format!(
                "Keep the {}: it is not shown again.\n",
                name.replace('_', " ")
            )),
            None => Ok(()),
        }
    }
}
