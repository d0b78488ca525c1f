//! `[defaults]` and `[brand]`: what is written, and every line that the operator reads about it.

use super::check;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[defaults]
organization = "Acme Inc"
product = "Gold""#,
        r#"2: defaults.organization: expected 1 to 64 lower-case letters, digits and hyphens, found "Acme Inc"
3: defaults.product: there is no product "Gold" in [products]"#,
    ),
    (
        r#"[brand]
name = """#,
        "2: brand.name: expected one line of 1 to 200 characters",
    ),
];
