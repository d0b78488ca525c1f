//! An earlier version, built to run beside this one: `target/previous/COMMIT-PROFILE`.
//!
//! The version is the first of these that can run beside this one: the tags and commits in `xtask/upgrade-from`, the last
//! commit that touched the migrations, the commit before this one. A version can run beside this one if this one has that
//! version's migrations unchanged.
//!
//! It is built once for each commit, in a separate git working tree with the same target folder, so that shared
//! dependencies are compiled once. The next build of this version compiles the workspace's own crates again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::install::copy;
use crate::process::{Outcome, output, run};

/// Builds the version, unless it is built already. If it is not available, as in a copy without history, prints why and
/// continues.
pub(crate) fn build(root: &Path, profile: &str) {
    let Some((commit, binary)) = place(root, profile) else {
        eprintln!("no earlier version can run beside this one: upgrades are not tested");
        return;
    };
    if binary.exists() {
        return;
    }
    println!("building the version to upgrade from, once: {commit}");
    if let Err(reason) = compile(root, profile, &commit, &binary) {
        eprintln!("failed to build the version to upgrade from: upgrades are not tested: {reason}");
    }
}

/// The path of the binary, if it was built.
pub(crate) fn built(root: &Path, profile: &str) -> Option<String> {
    let (_, binary) = place(root, profile)?;
    binary.exists().then(|| binary.to_string_lossy().into_owned())
}

fn place(root: &Path, profile: &str) -> Option<(String, PathBuf)> {
    let commit = chosen(root)?;
    let binary = root.join("target/previous").join(format!("{commit}-{profile}"));
    Some((commit, binary))
}

/// The folder of the migrations.
const MIGRATIONS: &str = "crates/server/migrations";

/// The commit to upgrade from.
fn chosen(root: &Path) -> Option<String> {
    let named = fs::read_to_string(root.join("xtask/upgrade-from")).unwrap_or_default();
    let mut candidates = names(&named);
    candidates.extend(git(root, &["log", "-1", "--format=%H", "HEAD", "--", MIGRATIONS]));
    candidates.push("HEAD~1".to_owned());
    candidates.iter().find_map(|name| usable(root, name))
}

/// The tags and commits in a file, one per line. Text after `#` is a comment.
fn names(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim());
    lines.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

/// The commit with this name, if it is before this one and this one has its migrations unchanged.
fn usable(root: &Path, name: &str) -> Option<String> {
    let commit = git(
        root,
        &["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")],
    )?;
    let head = git(root, &["rev-parse", "HEAD"])?;
    git(root, &["merge-base", "--is-ancestor", &commit, "HEAD"])?;
    let changed = [
        "diff",
        "--quiet",
        "--diff-filter=MDR",
        &commit,
        "HEAD",
        "--",
        MIGRATIONS,
    ];
    git(root, &changed)?;
    (commit != head).then_some(commit)
}

/// The output of git. `None` if git fails.
fn git(root: &Path, words: &[&str]) -> Option<String> {
    output("git", &[&["-C", &root.to_string_lossy()], words].concat())
}

fn compile(root: &Path, profile: &str, commit: &str, binary: &Path) -> Outcome {
    let folder = root.join("target/previous");
    let source = folder.join("source");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let worktree = || {
        let mut command = Command::new("git");
        command.arg("-C").arg(root).args(["worktree"]);
        command
    };
    if source.exists() {
        run(worktree().args(["remove", "--force"]).arg(&source))?;
    }
    run(worktree().arg("prune"))?;
    run(worktree().args(["add", "--quiet", "--detach"]).arg(&source).arg(commit))?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--locked", "--package", "hallpass", "--bin", "hallpass"]);
    if profile == "release" {
        build.arg("--release");
    }
    build.arg("--target-dir").arg(root.join("target"));
    run(build.current_dir(&source))?;
    copy(&root.join("target").join(profile).join("hallpass"), binary)?;
    run(worktree().args(["remove", "--force"]).arg(&source))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Repository(tempfile::TempDir);

    impl Repository {
        fn new() -> Self {
            let repository = Self(tempfile::tempdir().expect("a folder"));
            repository.git(&["init", "--quiet"]);
            repository
        }

        fn git(&self, words: &[&str]) -> String {
            let who = [
                "-c",
                "user.name=A",
                "-c",
                "user.email=a@example.com",
                "-c",
                "commit.gpgsign=false",
            ];
            git(self.0.path(), &[&who, words].concat()).expect("git does it")
        }

        /// Commits these files with these texts.
        fn commit(&self, files: &[(&str, &str)]) -> String {
            for (name, text) in files {
                let path = self.0.path().join(name);
                fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
                fs::write(path, text).expect("a file");
            }
            self.git(&["add", "--all"]);
            self.git(&["commit", "--quiet", "--allow-empty", "--message", "A commit"]);
            self.git(&["rev-parse", "HEAD"])
        }

        fn chosen(&self) -> Option<String> {
            chosen(self.0.path())
        }
    }

    const V1: (&str, &str) = ("crates/server/migrations/V1__a.sql", "1");
    const V2: (&str, &str) = ("crates/server/migrations/V2__b.sql", "2");
    const FROM: &str = "xtask/upgrade-from";

    #[test]
    fn without_a_name_the_last_commit_of_the_migrations_is_chosen() {
        let repository = Repository::new();
        repository.commit(&[V1]);
        assert_eq!(repository.chosen(), None, "nothing came before");
        let second = repository.commit(&[]);
        let with_v2 = repository.commit(&[V2]);
        assert_eq!(
            repository.chosen(),
            Some(second),
            "a migration that is added leaves the earlier version usable"
        );
        repository.commit(&[("a", "a")]);
        repository.commit(&[("b", "b")]);
        assert_eq!(repository.chosen(), Some(with_v2));
        repository.commit(&[(V2.0, "another text")]);
        assert_eq!(repository.chosen(), None, "a changed migration leaves none");
    }

    #[test]
    fn the_first_named_version_that_can_run_beside_this_one_is_chosen() {
        let repository = Repository::new();
        repository.commit(&[V1]);
        repository.git(&["tag", "old"]);
        let tagged = repository.commit(&[V2, (FROM, "# The schema of round two.\nr2-schema\n")]);
        let last = repository.commit(&[]);
        repository.commit(&[]);
        assert_eq!(repository.chosen(), Some(tagged.clone()), "a clone without tags");
        repository.git(&["tag", "r2-schema", &last]);
        assert_eq!(repository.chosen(), Some(last));
        repository.commit(&[(FROM, &format!("missing\n{tagged} # as a commit\n"))]);
        assert_eq!(repository.chosen(), Some(tagged));
        repository.commit(&[(V1.0, "another text"), (FROM, "old\n")]);
        assert_eq!(repository.chosen(), None);
        let only_added = repository.commit(&[("crates/server/migrations/V3__c.sql", "3")]);
        repository.commit(&[]);
        assert_eq!(repository.chosen(), Some(only_added));
    }
}
