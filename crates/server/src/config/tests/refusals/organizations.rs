//! `[[organizations]]`: what is written, and every line that the operator reads about it.

use super::check;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[[organizations]]
slug = "a"
name = "A"
kind = "test"
members = ["a@b"]"#,
        r#"4: organizations[0].kind: expected "live", "sandbox", found "test"
5: organizations[0].members: expected "email:owner", "email:developer" or "email:member", found "a@b""#,
    ),
    (
        r#"[[organizations]]
slug = "a"
name = "A"
members = ["a@b:owner"]
[[organizations]]
slug = "a"
name = "A""#,
        r#"4: organizations[0].members: there is no user "a@b" among [[users]]
6: organizations[1].slug: the same as organizations[0].slug (2)"#,
    ),
    (
        r#"[defaults]
organization = "a"
organization_name = "A"
[[organizations]]
slug = "a"
name = "A""#,
        "3: defaults.organization_name: the default organization is declared in [[organizations]]: set its `name` there",
    ),
];
