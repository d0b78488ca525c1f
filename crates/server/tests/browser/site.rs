//! Runs a sample site of `examples/handover` as a separate process, as its README says. It is ended by its process id.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use hallpass_cluster::free_port;
use tempfile::TempDir;

use crate::process::e2e;

/// The secret that a site and its server share.
pub(crate) const SITE_SECRET: &str = "a-secret-of-the-site-with-at-least-32-bytes";

/// The language and framework of a sample site.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Php,
    Django,
    Express,
    Flask,
}

/// The address of a site that is started later: its server needs it first.
pub(crate) struct Address {
    port: u16,
}

/// A running site. Its output is shown if the test fails.
pub(crate) struct Site {
    child: Child,
    printed: Arc<Mutex<String>>,
    _folder: TempDir,
}

impl Address {
    pub(crate) fn free() -> Self {
        Self {
            port: free_port().expect("a free port"),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }
}

impl Site {
    /// Starts a site with its declared people. Waits until it listens.
    pub(crate) fn start(kind: Kind, address: &Address, hallpass: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the site's data");
        let port = address.port.to_string();
        let script = match kind {
            Kind::Php => "exec php -d session.save_path=$SITE_DATA -S 127.0.0.1:$PORT -t public",
            Kind::Django => {
                "python manage.py migrate -v 0 && python manage.py loaddata -v 0 people && \
                 exec python manage.py runserver --noreload $PORT"
            }
            Kind::Express => "exec node site.js",
            Kind::Flask => "exec flask run --port $PORT",
        };
        let mut child = Command::new("sh")
            .args(["-euc", &format!("exec 2>&1; {script}")])
            .current_dir(sources(kind))
            .env("PATH", path())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUNBUFFERED", "1")
            .env("NO_PROXY", "localhost")
            .env("PORT", &port)
            .env(
                "SITE_SECRET",
                "a-secret-of-the-sessions-of-the-site-which-frameworks-want-to-be-long",
            )
            .env("SITE_DATA", folder.path())
            .env("SITE_DATABASE", folder.path().join("market.sqlite3"))
            .env("HALLPASS_URL", hallpass)
            .env("HALLPASS_HANDOVER_SECRET", SITE_SECRET)
            .stdout(Stdio::piped())
            .spawn()
            .expect("sh starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is a pipe"))
            .lines()
            .map_while(Result::ok);
        let mut begun = String::new();
        // Each framework prints its address once it listens.
        let listens = lines.by_ref().any(|line| {
            begun.push_str(&line);
            begun.push('\n');
            line.contains(&format!("127.0.0.1:{port}"))
        });
        let printed = Arc::new(Mutex::new(begun));
        let site = Self {
            child,
            printed: printed.clone(),
            _folder: folder,
        };
        assert!(listens, "the site ended");
        std::thread::spawn(move || {
            for line in lines {
                let mut printed = printed.lock().expect("nobody panics while writing");
                printed.push_str(&line);
                printed.push('\n');
            }
        });
        site
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            println!("{}", self.printed.lock().map(|text| text.clone()).unwrap_or_default());
        }
    }
}

fn sources(kind: Kind) -> PathBuf {
    let folder = match kind {
        Kind::Php => "php",
        Kind::Django => "django",
        Kind::Express => "express",
        Kind::Flask => "flask",
    };
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples/handover")
        .join(folder)
}

/// The programs of the frameworks come first.
fn path() -> std::ffi::OsString {
    let installed = e2e(".venv/bin");
    let others = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(installed).chain(std::env::split_paths(&others));
    std::env::join_paths(all).expect("a path has no colon")
}
