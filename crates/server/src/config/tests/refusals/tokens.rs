//! `[tokens]`: what is written, and every line that the operator reads about it.

use super::check;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[tokens]
access = "0s"
refresh = "forever"
refresh_idle = "-1h"
refresh_absolute = "1y"
code = "1 m"
grace = "m"
retry = "99999999999w""#,
        r#"2: tokens.access: expected a time longer than zero, found "0s"
3: tokens.refresh: expected a time such as "30s", "5m", "1h", "14d" or "2w", found "forever"; "never" is possible too
4: tokens.refresh_idle: expected a time such as "30s", "5m", "1h", "14d" or "2w", found "-1h"
5: tokens.refresh_absolute: expected a time such as "30s", "5m", "1h", "14d" or "2w", found "1y"
6: tokens.code: expected a time such as "30s", "5m", "1h", "14d" or "2w", found "1 m"
7: tokens.grace: expected a time such as "30s", "5m", "1h", "14d" or "2w", found "m"
8: tokens.retry: "99999999999w" is longer than a thousand years"#,
    ),
    (
        r#"[tokens]
format = "jwt""#,
        r#"2: tokens.format: "jwt" is not available yet; use "sealed""#,
    ),
];
