//! Installs the authorization servers for `cargo xtask bench --peers`, each at a pinned version, into a folder that git
//! ignores. Nothing is installed twice.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install::{self, copy, debian, same};
use crate::process::{Outcome, output, run};

const KEYCLOAK: &str = "26.7.3";

/// Installs what is missing. Returns the folder of all of it.
pub(crate) fn install(root: &Path) -> Result<PathBuf, String> {
    let folder = folder(root);
    install::postgres()?;
    install_small(root)?;
    keycloak(&folder)?;
    hydra(&root.join("lab/peers/hydra"), &folder.join("hydra"))?;
    Ok(folder)
}

/// Only oidc-provider and django-oauth-toolkit, against which clients and resource servers are tested too.
pub(crate) fn install_small(root: &Path) -> Outcome {
    let folder = folder(root);
    oidc_provider(&root.join("lab/peers/oidc-provider"), &folder.join("oidc-provider"))?;
    django(&root.join("lab/peers/django"), &folder.join("django"))
}

fn folder(root: &Path) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("peers")
}

/// Uses the Node of npm's package `node`, because Debian's is too old.
fn oidc_provider(ours: &Path, folder: &Path) -> Outcome {
    let (lock, stamp) = (
        ours.join("package-lock.json"),
        folder.join("installed-package-lock.json"),
    );
    if same(&lock, &stamp) {
        return Ok(());
    }
    if output("npm", &["--version"]).is_none() {
        debian(&["nodejs", "npm"])?;
    }
    make(folder)?;
    for name in ["package.json", "package-lock.json"] {
        copy(&ours.join(name), &folder.join(name))?;
    }
    let quiet = ["ci", "--no-audit", "--no-fund"];
    run(Command::new("npm").args(quiet).current_dir(folder))?;
    copy(&lock, &stamp)
}

fn django(ours: &Path, folder: &Path) -> Outcome {
    let requirements = ours.join("requirements.txt");
    let stamp = folder.join("installed-requirements.txt");
    if same(&requirements, &stamp) {
        return Ok(());
    }
    let environment = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    environment().or_else(|_| debian(&["python3", "python3-venv"]).and_then(|()| environment()))?;
    run(Command::new(folder.join("bin/python"))
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
        .arg("--requirement")
        .arg(&requirements))?;
    copy(&requirements, &stamp)
}

/// Its distribution, prepared for PostgreSQL as its documentation recommends for production (`kc.sh build`).
fn keycloak(folder: &Path) -> Outcome {
    let home = folder.join(format!("keycloak-{KEYCLOAK}"));
    let stamp = home.join("built-for-the-bench");
    if stamp.exists() {
        return Ok(());
    }
    if output("mvn", &["--version"]).is_none() {
        debian(&["maven", "default-jre-headless"])?;
    }
    println!("installing Keycloak {KEYCLOAK}: 160 MB, a minute or two, once");
    let artifact = format!("-Dartifact=org.keycloak:keycloak-quarkus-dist:{KEYCLOAK}:tar.gz");
    run(Command::new("mvn")
        .args(["-q", "-B", "dependency:copy", &artifact])
        .arg(format!("-DoutputDirectory={}", folder.display()))
        .current_dir(folder))?;
    let archive = folder.join(format!("keycloak-quarkus-dist-{KEYCLOAK}.tar.gz"));
    run(Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(folder))?;
    run(Command::new(home.join("bin/kc.sh")).args(["build", "--db=postgres"]))?;
    fs::remove_file(&archive)
        .and_then(|()| fs::write(&stamp, KEYCLOAK))
        .map_err(|error| format!("could not finish {}: {error}", home.display()))
}

/// Built by Go from its module, with pinned checksums, and with the build tags of its own build for databases without
/// SQLite's extensions.
fn hydra(ours: &Path, folder: &Path) -> Outcome {
    let (sums, stamp) = (ours.join("go.sum"), folder.join("installed-go.sum"));
    if same(&sums, &stamp) {
        return Ok(());
    }
    if output("go", &["version"]).is_none() {
        return Err("Hydra needs Go 1.24 or newer".to_owned());
    }
    println!("building Hydra: two minutes, once");
    make(folder)?;
    run(Command::new("go")
        .args(["build", "-mod=readonly", "-tags", "sqlite,json1", "-o"])
        .arg(folder.join("hydra"))
        .arg("github.com/ory/hydra/v2")
        .current_dir(ours))?;
    copy(&sums, &stamp)
}

fn make(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| format!("could not make {}: {error}", folder.display()))
}
