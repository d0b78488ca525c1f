use crate::config::fields::Fields;
use crate::config::problems::Problems;
use crate::config::section::{Setting, required, section};
use crate::config::shown::Shown;
use crate::config::tree::Node;
use crate::config::{secrets, values};
use crate::store::Address;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

section! {
    /// `[store]`: the database.
    Store {
        /// Which database.
        url: StoreUrl = UrlAndPassword,
        /// The largest number of connections that this server opens to PostgreSQL.
        connections: u32 = required(connections),
        /// Whether statements are prepared in PostgreSQL under names, which a pooler of transactions may not keep apart.
        prepared_statements: bool = required(values::boolean),
    }
}

/// The address of a database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StoreUrl {
    /// An SQLite file, in the data folder unless its path is absolute.
    Sqlite(PathBuf),
    /// A PostgreSQL server.
    Postgres(Box<Address>),
}

impl Shown for StoreUrl {
    fn shown(&self) -> Value {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()).into(),
            Self::Postgres(address) => address.shown().into(),
        }
    }
}

/// Reads `url`, and the optional `password`.
struct UrlAndPassword;

impl Setting<StoreUrl> for UrlAndPassword {
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<StoreUrl> {
        let password = secrets::read_optional(fields, "password", secrets::password);
        let mut url = fields.required(name, store_url)?;
        if let (StoreUrl::Postgres(address), Some(password)) = (&mut url, password) {
            address.set_password(&password);
        }
        Some(url)
    }

    fn show(&self, name: &'static str, url: &StoreUrl, table: &mut Table) {
        table.insert(name.to_owned(), url.shown());
    }
}

/// The errors do not quote the URL, because it may contain a password.
fn store_url(node: &Node) -> Result<StoreUrl, String> {
    let url = values::text(node)?;
    if url.starts_with("postgres:") || url.starts_with("postgresql:") {
        return Address::parse(&url).map(|address| StoreUrl::Postgres(Box::new(address)));
    }
    match url.strip_prefix("sqlite:") {
        Some(file) if file.contains(char::is_control) => {
            Err("expected a file's name without line breaks and control characters".to_owned())
        }
        Some(file) if !file.is_empty() && !file.starts_with("//") && !file.contains([':', '?']) => {
            Ok(StoreUrl::Sqlite(file.into()))
        }
        _ => Err("expected a database such as \"sqlite:hallpass.db\", \"sqlite:/folder/hallpass.db\" or \"postgres://user@host/database\"".to_owned()),
    }
}

/// One connection for writes, one for reading grants, one for the feed, and one for everything else.
const FEWEST_CONNECTIONS: u32 = 4;

fn connections(node: &Node) -> Result<u32, String> {
    match values::count(node)? {
        connections if connections >= FEWEST_CONNECTIONS => Ok(connections),
        _ => Err(format!("expected {FEWEST_CONNECTIONS} or more")),
    }
}

/// The longest path that SQLite opens, in bytes: its 512 less a NUL and the endings of the files beside the database.
const LONGEST_DATABASE: usize = 503;

impl Store {
    /// Resolves SQLite's file against the data folder. Its path is judged here, because SQLite does not say what is wrong with
    /// it.
    pub(in crate::config) fn resolve(&mut self, data: &Path, problems: &mut Problems) {
        let StoreUrl::Sqlite(file) = &mut self.url else { return };
        let path = data.join(&file);
        let length = std::path::absolute(&path).map_or(0, |path| path.as_os_str().len());
        if length > LONGEST_DATABASE {
            let key = if file.is_absolute() { "store.url" } else { "server.data" };
            let text =
                format!("the path of the database has {length} bytes, and SQLite takes {LONGEST_DATABASE} at most");
            problems.add(key, text);
        }
        *file = path;
    }
}
