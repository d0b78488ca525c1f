//! `[[resources]]`: what is written, and every line that the operator reads about it.

use super::check;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[[resources]]
identifier = "a b"
name = "A""#,
        r#"1: resources[0].secret: this key, or `secret_file`, is missing
2: resources[0].identifier: expected 1 to 256 printable ASCII characters without space, found "a b""#,
    ),
    (
        r#"[[resources]]
identifier = "a"
name = "A"
secret = "s"
scopes = ["other"]
[[apps]]
name = "A"
client_id = "a"
client_secret = "s""#,
        r#"2: resources[0].identifier: an app has this as its client_id; introspection could not distinguish the two
5: resources[0].scopes: there is no scope "other"; there are profile"#,
    ),
];
