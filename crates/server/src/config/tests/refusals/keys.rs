//! `[keys]`: what is written, and every line that the operator reads about it.

use super::check;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[keys]
master = "c2hvcnQ=""#,
        "2: keys.master: expected 32 bytes in base64, as `head -c 32 /dev/urandom | base64` gives",
    ),
    (
        r#"[keys]
master = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
master_file = "m""#,
        "2: keys.master: give either `master` or `master_file`",
    ),
];
