//! Exit codes and messages of command lines that fail.

use crate::harness::Folder;

#[test]
fn failures_are_told_on_standard_error_with_exit_code_1() {
    let folder = Folder::new();
    let away = folder.call(&["app", "list"]);
    assert_eq!((away.code, away.stdout.as_str()), (1, ""));
    assert!(away.stderr.starts_with("no server answers at "), "{}", away.stderr);
    let _server = folder.serve(&[]);
    for (arguments, told) in [
        (["app", "show", "none"], "there is no app \"none\"\n"),
        (
            ["user", "show", "no@example.com"],
            "there is no user \"no@example.com\"\n",
        ),
        (["org", "suspend", "none"], "there is no organization \"none\"\n"),
        (["grant", "end", "a/b?c"], "there is no grant \"a/b?c\"\n"),
    ] {
        let ended = folder.call(&arguments);
        assert_eq!(
            (ended.code, ended.stdout.as_str(), ended.stderr.as_str()),
            (1, "", told)
        );
    }
}

#[test]
fn a_key_is_revoked_only_by_who_says_so() {
    let folder = Folder::new();
    let _server = folder.serve(&[]);
    let unsaid = folder.call(&["key", "revoke", "1"]);
    assert_eq!((unsaid.code, unsaid.stdout.as_str()), (2, ""));
    assert_eq!(
        unsaid.stderr,
        "Everything made under key 1 ends at once.\nNothing was changed. Add --yes to confirm.\n"
    );
    for arguments in [&["key", "revoke", "99"][..], &["key", "revoke", "99", "--yes"]] {
        let unknown = folder.call(arguments);
        assert_eq!((unknown.code, unknown.stderr.as_str()), (1, "there is no key 99\n"));
    }
    let listed = folder.printed(&["key", "list"]);
    assert!(listed.starts_with("ID  PURPOSE  STATE    CREATED"), "{listed}");
    assert_eq!(listed.matches(" current ").count(), 3);
    assert!(folder.printed(&["key", "rotate"]).contains(" next "));
    assert!(folder.printed(&["key", "revoke", "1", "--yes"]).contains("revoked\n"));
}

#[test]
fn a_command_line_that_cannot_be_understood_has_exit_code_2() {
    let folder = Folder::new();
    for arguments in [
        &[][..],
        &["serv"],
        &["doctor"],
        &["backup"],
        &["key", "rotate", "--purpose", "declared"],
        &["key", "revoke", "first"],
        &["app"],
        &["app", "change", "a"],
        &["user", "change", "a"],
        &["user", "change", "a", "--admin=perhaps"],
        &["org", "change", "a"],
        &["audit", "list", "--follow", "--before", "a"],
        &["serve", "--port", "1"],
        &["org", "set-member", "a", "b", "king"],
    ] {
        let ended = folder.call(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ended.stderr.contains("--help"), "{arguments:?}: {}", ended.stderr);
    }
    assert!(folder.printed(&["--version"]).starts_with("hallpass "));
}

#[test]
fn demo_help_names_the_presets() {
    let folder = Folder::new();
    let help = folder.printed(&["demo", "--help"]);
    let names = "[possible values: default, common-controls-hub, connected-home, house-check, apicbase]";
    let line = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(line.contains(names), "{help}");
    let unknown = folder.call(&["demo", "--preset", "house"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.stderr.contains("house-check"), "{}", unknown.stderr);
}
