//! `hallpass-keeper check`: what `serve` and the commands would find wrong, without starting anything.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use hallpass_client::keeper::{SqliteVault, VaultKey};

use crate::config::{ConfigError, Faults, Parts, Place, Store, key_file};
use crate::listener::draft_of;
use crate::metrics::Metrics;
use crate::serve::Guard;
use crate::trust;
use crate::webhook::Sender;

/// Finds all faults at once. Returns how many providers there are.
pub(crate) fn check(path: &Path) -> Result<usize, ConfigError> {
    let parts = Parts::read(path)?;
    let count = parts.providers.as_ref().map_or(0, BTreeMap::len);
    faults(parts).end().map_err(|error| error.of(path))?;
    Ok(count)
}

/// The faults of the file itself, and those of what it names.
fn faults(parts: Parts) -> Faults {
    let mut faults = parts.faults;
    if parts.providers.is_some_and(|providers| providers.is_empty()) {
        let fault = "there is no [providers.NAME], so there is nothing to keep";
        faults.check::<()>(Err(ConfigError::new(fault)));
    }
    if let Some(serve) = &parts.serve {
        if let Some(programs) = &parts.programs {
            let is_socket = !matches!(serve.place, Some(Place::Tcp { .. }));
            faults.check(Guard::new(serve, programs, is_socket));
        }
        if let Some(Place::Socket { path, .. }) = &serve.place {
            faults.check_at("serve: `socket`", socket(path));
        }
    }
    if let Some(vault) = &parts.vault {
        faults.check_at("vault: `key_file`", key(&vault.key_file));
        match &vault.store {
            Store::Memory => {}
            Store::Sqlite(path) => drop(faults.check_at("vault: `url`", database(path))),
            Store::Postgres { ca_file, .. } => {
                if let Some(path) = ca_file {
                    let read = fs::read(path).map_err(|error| ConfigError::unreadable(path, &error));
                    faults.check_at("vault: `ca_file`", read);
                }
            }
        }
    }
    if let (Some(Some(webhook)), Some(http)) = (&parts.webhook, parts.http) {
        faults.check(Sender::new(webhook, http, Metrics::default()));
    }
    faults
}

fn socket(path: &Path) -> Result<(), ConfigError> {
    for bound in [path, &draft_of(path)] {
        SocketAddr::from_pathname(bound).map_err(|error| wrong(path, &error))?;
    }
    check_folder(path)?;
    match fs::symlink_metadata(path) {
        Ok(known) if !known.file_type().is_socket() => {
            let path = path.display();
            Err(ConfigError::new(format!("there is a file, not a socket, at {path}")))
        }
        _ => Ok(()),
    }
}

fn key(path: &Path) -> Result<(), ConfigError> {
    key_file(path)?;
    let read = VaultKey::from_file(path).map(drop);
    read.map_err(|error| ConfigError::new(format!("{}: {error}", path.display())))
}

/// A file that is there must be usable; one that is not is made by the first start, and so is its folder.
fn database(path: &Path) -> Result<(), ConfigError> {
    let folder = trust::folder_of(path);
    if fs::symlink_metadata(folder).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return check_folder(folder);
    }
    check_folder(path)?;
    trust::check_database(path)?;
    SqliteVault::check_names(path).map_err(|error| ConfigError::new(error.to_string()))?;
    match fs::OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(wrong(path, &error)),
        _ => Ok(()),
    }
}

fn check_folder(path: &Path) -> Result<(), ConfigError> {
    let parent = trust::folder_of(path);
    let known = fs::metadata(parent).map_err(|error| wrong(parent, &error))?;
    match known.is_dir() {
        true => Ok(()),
        false => Err(ConfigError::new(format!("{} is no folder", parent.display()))),
    }
}

fn wrong(path: &Path, error: &io::Error) -> ConfigError {
    ConfigError::new(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    /// The faults of a configuration in a folder with usable secrets.
    fn faults(text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("keeper.key", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=");
        write("short.key", "MDEy");
        write("program.secret", "0123456789abcdef0123456789abcdef");
        for key in ["keeper.key", "short.key"] {
            fs::set_permissions(folder.path().join(key), fs::Permissions::from_mode(0o600)).unwrap();
        }
        write("keeper.toml", text);
        let Err(faults) = check(&folder.path().join("keeper.toml")) else {
            return Vec::new();
        };
        let path = format!("{}/", folder.path().display());
        let faults = faults.to_string().replace(&path, "");
        let name = |fault: &str| fault.strip_prefix("keeper.toml: ").unwrap().to_owned();
        faults.lines().map(name).collect()
    }

    const PROVIDER: &str = "[providers.shop]\nissuer = \"https://id.example\"\nclient_id = \"x\"\n";
    const PROGRAM: &str = "[[programs]]\nname = \"NAME\"\nsecret_file = \"program.secret\"\nproviders = [\"shop\"]\n";

    #[test]
    fn a_configuration_that_can_be_used_has_no_fault() {
        let vault = "[vault]\nurl = \"sqlite:keeper.db\"\nkey_file = \"keeper.key\"\n";
        let socket = "[serve]\nsocket = \"s\"\n";
        assert_eq!(faults(&format!("{socket}{vault}{PROVIDER}")), [""; 0]);
        let below = vault.replace("keeper.db", "data/keeper.db");
        assert_eq!(
            faults(&format!("{socket}{below}{PROVIDER}")),
            [""; 0],
            "a start makes the folder"
        );
    }

    #[test]
    fn files_and_folders_that_cannot_be_used_are_told_all_at_once() {
        let vault = "[vault]\nurl = \"sqlite:none/none/keeper.db\"\nkey_file = \"short.key\"\n";
        let socket = "[serve]\nsocket = \"program.secret\"\n";
        let found = faults(&format!("{socket}{vault}"));
        let beginnings = [
            "there is no [providers.NAME]",
            "serve: `socket`: there is a file, not a socket, at program.secret",
            "vault: `key_file`: short.key: ",
            "vault: `url`: ",
        ];
        assert_eq!(found.len(), beginnings.len(), "{found:?}");
        for (fault, beginning) in found.iter().zip(beginnings) {
            assert!(fault.starts_with(beginning), "{fault}");
        }
        let webhook = "[webhook]\nurl = \"https://w.example\"\nsecret_file = \"program.secret\"\n";
        let memory = "[vault]\nurl = \"memory:\"\nkey_file = \"keeper.key\"\n";
        let found = faults(&format!("{memory}{webhook}{PROVIDER}"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("webhook: the secret is not `whsec_`"), "{found:?}");
        let postgres = "[vault]\nurl = \"postgres://db.example/k\"\nca_file = \"none.pem\"\nkey_file = \"none.key\"\n";
        let long = "a".repeat(120);
        let found = faults(&format!("[serve]\nsocket = \"{long}\"\n{postgres}{PROVIDER}"));
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[1].contains("make one with"), "{found:?}");
        assert!(
            found[2].starts_with("vault: `ca_file`: failed to read none.pem"),
            "{found:?}"
        );
    }

    /// It is created in a folder of its own, and moved from there.
    #[test]
    fn a_socket_that_is_created_under_too_long_a_path_is_a_fault() {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let room = 98 - folder.path().as_os_str().len() - 1;
        let deep = folder.path().join("d".repeat(room));
        fs::create_dir(&deep).unwrap();
        let told = socket(&deep.join("s")).unwrap_err().to_string();
        assert!(told.contains("path must be shorter"), "{told}");
        assert!(socket(&folder.path().join("s")).is_ok());
    }

    #[test]
    fn a_fault_hides_no_other() {
        let found = faults(
            r#"[serve]
listen = "127.0.0.1:0"
[vault]
url = "memory:"
key_file = "short.key"
[providers.shop]
issuer = "ftp://id.example"
client_id = ""
[providers.crm]
issuer = "ftp://crm.example"
scopes = "orders"
pkce = "no"
[providers.books]
issuer = "https://books.example"
"#,
        );
        let beginnings = [
            "line 11: `scopes`: invalid type: string \"orders\", expected a list",
            "line 12: `pkce`: invalid type: string \"no\", expected true or false",
            "line 9: missing field `client_id`",
            "line 13: missing field `client_id`",
            "providers.shop: `issuer` is no https URL",
            "providers.shop: `client_id` is empty",
            "`listen` needs [[programs]]",
            "vault: `key_file`: short.key: ",
        ];
        assert_eq!(found.len(), beginnings.len(), "{found:#?}");
        for (fault, beginning) in found.iter().zip(beginnings) {
            assert!(fault.starts_with(beginning), "{fault}\n{beginning}");
        }
    }

    #[test]
    fn programs_that_cannot_be_told_apart_are_refused() {
        let vault = "[serve]\nlisten = \"127.0.0.1:0\"\n[vault]\nurl = \"memory:\"\nkey_file = \"keeper.key\"\n";
        let programs = |names: &[&str]| {
            let programs = names.iter().map(|name| PROGRAM.replace("NAME", name));
            faults(&format!("{vault}{}{PROVIDER}", programs.collect::<String>()))
        };
        assert_eq!(programs(&["a"]), [""; 0]);
        assert_eq!(programs(&["a", "b"]), ["programs: `a` and `b` have one secret"]);
        assert_eq!(programs(&["a", "a"]), ["programs: two of them have one name"]);
        assert_eq!(
            programs(&[]),
            ["`listen` needs [[programs]]: nobody else may ask over TCP"]
        );
    }
}
