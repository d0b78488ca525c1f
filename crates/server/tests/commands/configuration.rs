//! `hallpass config`, `hallpass migrate` and options over the configuration.

use crate::harness::{Ended, Folder};
use std::fs;

#[test]
fn a_configuration_is_checked_and_shown() {
    let folder = Folder::new();
    assert_eq!(
        folder.printed(&["config", "check"]),
        "ok: preset default, then hallpass.toml\n"
    );
    let shown = folder.printed(&["config", "show", "--preset", "house-check"]);
    assert!(
        shown.contains("preset = \"house-check\"") && shown.contains("ada@example.com"),
        "{shown}"
    );
    assert_eq!(folder.printed(&["config", "presets"]).lines().count(), 5);
    assert!(folder.printed(&["config", "presets", "apicbase"]).contains("django"));
    assert_eq!(folder.call(&["config", "presets", "apic"]).code, 1);
}

#[test]
fn without_any_configuration_a_check_is_no_success() {
    let folder = Folder::new();
    fs::remove_file(folder.folder.path().join("hallpass.toml")).unwrap();
    let checked = folder.call(&["config", "check"]);
    assert_eq!((checked.code, checked.stdout.as_str()), (1, ""));
    assert!(
        checked.stderr.contains("no hallpass.toml in this folder"),
        "{}",
        checked.stderr
    );
    assert_eq!(
        folder.printed(&["config", "check", "--preset", "apicbase"]),
        "ok: preset default, then preset apicbase\n"
    );
}

#[test]
fn what_is_hardly_meant_is_warned_of_and_works() {
    let folder = Folder::new();
    let text = r#"
        [server]
        public_url = "http://id.example"
        [tokens]
        access = "2h"
        refresh = "1h"
        refresh_idle = "30m"
        refresh_absolute = "90m"
        code = "1d"
        grace = "2d"
        [[resources]]
        identifier = "api"
        name = "API"
        secret = "abc"
        [scopes.orders]
        title = "Read your orders"
        endpoints = ["GE /orders", "PATCH /orders"]
    "#;
    folder.write("odd.toml", text);
    let checked = folder.call(&["config", "check", "--config", "odd.toml"]);
    assert_eq!(
        (checked.code, checked.stdout.as_str()),
        (0, "ok: preset default, then odd.toml\n")
    );
    let keys = [
        "server.public_url",
        "tokens.refresh",
        "tokens.refresh_idle",
        "tokens.refresh_absolute",
        "tokens.code",
        "tokens.grace",
        "resources[0].secret",
        "scopes.orders.endpoints",
    ];
    assert_eq!(checked.stderr.lines().count(), keys.len(), "{}", checked.stderr);
    for (line, key) in checked.stderr.lines().zip(keys) {
        assert!(line.starts_with(&format!("warning: {key}: ")), "{line}");
    }
}

#[test]
fn calls_that_only_the_preset_opens_are_warned_of_where_a_proxy_asks() {
    let folder = Folder::new();
    let asked = "[forward_auth]\ntrusted_proxies = [\"127.0.0.1\"]\n";
    let own = "[scopes.profile]\nendpoints = [\"GET /\"]\n";
    let warning = "warning: scopes.profile.endpoints: the preset lets this scope open GET / of your API: write your own list, or endpoints = []\n";
    for (text, told) in [
        (asked.to_owned(), warning),
        (format!("{asked}[scopes.profile]\ntitle = \"You\"\n"), warning),
        (format!("{asked}{own}"), ""),
        (String::new(), ""),
    ] {
        folder.write("asked.toml", &text);
        let checked = folder.call(&["config", "check", "--config", "asked.toml"]);
        assert_eq!((checked.code, checked.stderr.as_str()), (0, told), "{text}");
    }
    folder.write("asked.toml", &format!("preset = \"house-check\"\n{asked}"));
    let checked = folder.call(&["config", "check", "--config", "asked.toml"]);
    assert_eq!(
        (checked.code, checked.stderr.lines().count()),
        (0, 3),
        "{}",
        checked.stderr
    );
}

#[test]
fn every_mistake_in_a_configuration_is_told_with_the_nearest_name() {
    let folder = Folder::new();
    folder.write("wrong.toml", "[server]\nlisten = \"here\"\n[tokens]\nacces = \"1h\"\n");
    for command in [
        &["config", "check"][..],
        &["config", "show"],
        &["serve"],
        &["app", "list"],
    ] {
        let ended = folder.call(&[command, &["--config", "wrong.toml"]].concat());
        assert_eq!(
            (ended.code, ended.stdout.as_str(), ended.stderr.lines().count()),
            (1, "", 2),
            "{}",
            ended.stderr
        );
        assert!(
            ended.stderr.contains("wrong.toml:2") && ended.stderr.contains("did you mean `access`?"),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn the_environment_sets_keys_and_nothing_else() {
    let folder = Folder::new();
    let mut show = folder.command(&["config", "show"]);
    let shown = Ended::of(&show.env("HALLPASS_TOKENS__ACCESS", "7m").output().unwrap());
    assert!(shown.stdout.contains("access = \"7m\""), "{}", shown.stdout);
    let mut check = folder.command(&["config", "check"]);
    let checked = Ended::of(&check.env("HALLPASS_TOKENS__ACCES", "7m").output().unwrap());
    assert_eq!(checked.code, 1);
    assert!(
        checked.stderr.starts_with("HALLPASS_TOKENS__ACCES: "),
        "{}",
        checked.stderr
    );
}

#[test]
fn variables_that_kubernetes_and_docker_set_are_ignored_with_a_warning() {
    let folder = Folder::new();
    for arguments in [&["config", "check"][..], &["migrate"]] {
        let mut command = folder.command(arguments);
        command.env("HALLPASS_PORT", "tcp://10.0.0.1:80");
        command.env("HALLPASS_DB_ENV_POSTGRES__PASSWORD", "s3cret");
        let ended = Ended::of(&command.output().unwrap());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let warning = "warning: ignored HALLPASS_DB_ENV_POSTGRES__PASSWORD, HALLPASS_PORT: ";
        assert!(ended.stderr.starts_with(warning), "{}", ended.stderr);
        assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    }
}

#[test]
fn a_dry_run_of_a_migration_prints_sql_and_changes_nothing() {
    let folder = Folder::new();
    let sql = folder.printed(&["migrate", "--dry-run"]);
    assert!(sql.contains("CREATE TABLE grants"), "{sql}");
    assert!(!folder.data("").exists());
    assert!(folder.printed(&["migrate"]).ends_with("applied\n"));
    assert_eq!(folder.printed(&["migrate"]), "nothing to do\n");
    assert_eq!(folder.printed(&["migrate", "--dry-run"]), "-- nothing to do\n");
    let _server = folder.serve(&[]);
    assert_eq!(folder.printed(&["migrate"]), "nothing to do\n");
}

/// The URL may contain a password. A reader of a log or a terminal must not see it.
#[test]
fn a_databases_password_is_shown_nowhere() {
    let folder = Folder::new();
    let url = "postgres://ada:s3cret@127.0.0.1:1/hallpass?pass%77ord=s3cret";
    folder.write("postgres.toml", &format!("[store]\nurl = {url:?}\n"));
    let shown = folder.printed(&["config", "show", "--config", "postgres.toml"]);
    assert!(shown.contains("postgres://ada@127.0.0.1:1/hallpass"), "{shown}");
    assert!(!shown.contains("s3cret"), "{shown}");
    for command in [&["serve"][..], &["migrate"], &["migrate", "--dry-run"]] {
        let ended = folder.call(&[command, &["--database", url]].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{command:?}");
        assert!(
            ended.stderr.contains("the database is not available"),
            "{}",
            ended.stderr
        );
        assert!(!ended.stderr.contains("s3cret"), "{}", ended.stderr);
    }
    let wrong = folder.call(&["serve", "--database", "postgres://ada:s3cret@127.0.0.1:port/hallpass"]);
    assert_eq!(wrong.code, 1);
    assert!(!wrong.stderr.contains("s3cret"), "{}", wrong.stderr);
}

#[test]
fn options_rule_over_the_configuration() {
    let folder = Folder::new();
    let _server = folder.serve(&["--preset", "apicbase", "--data", "other", "--database", "sqlite:x.db"]);
    assert!(folder.folder.path().join("other/x.db").exists());
    assert!(!folder.data("").exists());
    assert_eq!(folder.call(&["app", "list"]).code, 1);
    assert!(
        folder
            .printed(&["app", "list", "--data", "other"])
            .starts_with("CLIENT ID")
    );
}
