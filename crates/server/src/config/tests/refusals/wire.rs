//! `[wire]`: what is written, and every line that the operator reads about it.

use super::check;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(&[(
        r#"[wire]
dialect = "php"
identity = ["sub", "sub"]"#,
        r#"2: wire.dialect: expected "standard", "oauth2-server-php", "passport", "django", "apigee", found "php"
3: wire.identity: item 2 of the list repeats item 1"#,
    )]);
}
