//! Certificates for a cluster that speaks TLS, made by the `openssl` command for a day.

use crate::{Outcome, hand_over, text};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A certification authority of a test's own, and what it certified.
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes an authority, and a key and certificate for a server of these names (`DNS:localhost`), in a folder that is not
    /// there yet.
    ///
    /// # Errors
    /// Where `openssl` is not installed.
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

    /// The authority's certificate: whom a client trusts.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.join("authority.pem")
    }

    /// What makes a cluster speak TLS by them.
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
