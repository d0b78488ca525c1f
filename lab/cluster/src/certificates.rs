//! Certificates for a cluster with TLS, made by the `openssl` command and valid for one day.

use crate::{Outcome, hand_over, text};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The certification authority of a test, and the server's certificate.
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes an authority, and a key and a certificate for a server with these names (`DNS:localhost`), in a new folder.
    ///
    /// # Errors
    /// If `openssl` is not installed.
    pub fn make(folder: &Path, names: &str) -> Outcome<Self> {
        fs::create_dir_all(folder).map_err(text)?;
        let made = Self {
            folder: folder.to_owned(),
        };
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        made.openssl(&format!(
            "req -x509 {key} -keyout authority.key -out authority.pem -days 1 -subj /CN=authority"
        ))?;
        made.openssl(&format!(
            "req {key} -keyout server.key -out server.request -subj /CN=server"
        ))?;
        fs::write(folder.join("names"), format!("subjectAltName={names}\n")).map_err(text)?;
        made.openssl(
            "x509 -req -in server.request -CA authority.pem -CAkey authority.key -CAcreateserial -days 1 -out server.pem \
             -extfile names",
        )?;
        fs::set_permissions(folder.join("server.key"), Permissions::from_mode(0o600)).map_err(text)?;
        for handed in ["server.key", "server.pem", "."] {
            hand_over(&folder.join(handed))?;
        }
        Ok(made)
    }

    /// The authority's certificate, which clients trust.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// The settings that enable TLS in a cluster.
    #[must_use]
    pub fn settings(&self) -> [String; 3] {
        let at = |name: &str| self.folder.join(name).display().to_string();
        [
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", at("server.pem")),
            format!("ssl_key_file={}", at("server.key")),
        ]
    }

    fn openssl(&self, words: &str) -> Outcome {
        let mut command = Command::new("openssl");
        command.args(words.split_ascii_whitespace()).current_dir(&self.folder);
        let said = command.output().map_err(|error| format!("openssl: {error}"))?;
        match said.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&said.stderr).into_owned()),
        }
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}
