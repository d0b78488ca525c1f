//! `[scopes]` and `[products]`: what is written, and every line that the operator reads about it.

use super::check;
use crate::config::tests::World;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

/// The preset's `profile` takes 7 characters of the 2,048 that a token has room for.
#[test]
fn default_scopes_that_a_token_has_no_room_for_are_refused() {
    let scope = |name: String| format!("[scopes.{name}]\ntitle = \"A scope\"\ndefault = true\n");
    let fifteen: String = (10..25).map(|n| scope(format!("{}{n}", "a".repeat(126)))).collect();
    World::new(&format!("{fifteen}{}", scope("b".repeat(105)))).config();
    let one_too_long = World::new(&format!("{fifteen}{}", scope("b".repeat(106)))).refused();
    let expected = format!(
        "hallpass.toml:46: scopes.{}: the names of all scopes with `default = true` have 2049 characters, a space between two, \
         and an access token has room for 2048: leave `default` out for some, or shorten names",
        "b".repeat(106)
    );
    assert_eq!(one_too_long, expected);
    let not_default = scope("b".repeat(106)).replace("true", "false");
    World::new(&format!("{fifteen}{not_default}")).config();
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[scopes."a b"]
title = "A""#,
        r#"1: scopes."a b": "a b" is not a scope: one to 128 printable ASCII characters without space, quote and backslash"#,
    ),
    (
        r#"[scopes.a]
title = ""
description = { english = "A" }
endpoints = ["/a"]"#,
        r#"2: scopes.a.title: expected one line of 1 to 200 characters
3: scopes.a.description: expected a language tag such as "en" or "nl", found "english"
4: scopes.a.endpoints: expected "METHOD /path", found "/a""#,
    ),
    (
        r#"[scopes.profile]
default = false"#,
        "preset default:153: scopes: at least one scope needs `default = true`: it is what an app gets that asks for none",
    ),
    (
        r#"[products.Gold]
scopes = ["other"]
[products."a,b"]
scopes = ["profile"]
[products.None]
scopes = []"#,
        r#"2: products.Gold.scopes: there is no scope "other"; there are profile
3: products."a,b": a product's name is 1 to 200 characters without comma and brackets
6: products.None.scopes: expected at least one scope"#,
    ),
    (
        r#"[scopes.read]
title = "Read"
approval = true"#,
        "3: scopes.read.approval: approval of scopes is not available yet",
    ),
];
