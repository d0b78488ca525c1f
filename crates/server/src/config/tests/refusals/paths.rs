//! `[paths]`: what is written, and every line that the operator reads about it.

use super::check;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[paths]
token = "oauth/token"
authorize = "/o//a"
revoke = "/o/{id}"
introspect = "/"
identity = "/../x""#,
        r#"2: paths.token: expected a path that starts with a slash, found "oauth/token"
3: paths.authorize: expected a path of letters, digits, "-", ".", "_" and "~" such as "/oauth/token", found "/o//a"
4: paths.revoke: expected a path of letters, digits, "-", ".", "_" and "~" such as "/oauth/token", found "/o/{id}"
5: paths.introspect: expected a path of letters, digits, "-", ".", "_" and "~" such as "/oauth/token", found "/"
6: paths.identity: expected a path of letters, digits, "-", ".", "_" and "~" such as "/oauth/token", found "/../x""#,
    ),
    (
        r#"[paths]
token = "/oauth/authorize/"
revoke = "/login"
identity = "/account/me""#,
        r#"2: paths.token: the same path as `authorize`
3: paths.revoke: /login is taken by Hallpass's own pages
4: paths.identity: /account is taken by Hallpass's own pages"#,
    ),
];
