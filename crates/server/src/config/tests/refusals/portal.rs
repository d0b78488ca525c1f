//! `[portal]`: what is written, and every line that the operator reads about it.

use super::check;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(&[(
        r#"[portal]
register = "all""#,
        r#"2: portal.register: expected "everyone", "developers", "nobody", found "all""#,
    )]);
}
