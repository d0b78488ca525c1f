//! Prints the effective configuration as TOML, without its secrets.

use super::section::Section as _;
use super::shown::Shown as _;
use super::{Config, StoreUrl};
use toml::Value;

impl Config {
    /// The effective configuration in the form of a `hallpass.toml`. Each secret is printed as `…`.
    #[must_use]
    pub fn show(&self) -> String {
        let mut table = self.table();
        // A file may have `master` or `master_file`, not both.
        if self.keys.master.is_some()
            && let Some(Value::Table(keys)) = table.get_mut("keys")
        {
            keys.remove("master_file");
        }
        if let StoreUrl::Sqlite(file) = &self.store.url
            && let Ok(file) = file.strip_prefix(&self.server.data)
            && let Some(Value::Table(store)) = table.get_mut("store")
        {
            store.insert("url".to_owned(), StoreUrl::Sqlite(file.to_owned()).shown());
        }
        table.retain(|_, value| !is_empty(value));
        table.to_string()
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Table(table) => table.is_empty(),
        _ => false,
    }
}
