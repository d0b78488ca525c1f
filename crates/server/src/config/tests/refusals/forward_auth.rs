//! `[forward_auth]`: what is written, and every line that the operator reads about it.

use super::check;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[forward_auth]
method_header = "X-Method""#,
        r#"1: forward_auth.trusted_proxies: nobody may ask: name the proxies here, or give a `secret_file`"#,
    ),
    (
        r#"[forward_auth]
trusted_proxies = ["0.0.0.0/0"]
secret = "short"
method_header = "X_Method"
uri_header = "Authorization""#,
        r#"2: forward_auth.trusted_proxies: "0.0.0.0/0" is every address: name a smaller network
3: forward_auth.secret: expected at least 32 bytes without a space, as `openssl rand -hex 32` gives
4: forward_auth.method_header: expected the name of a header such as "X-Forwarded-Uri", with letters, digits and hyphens alone, found "X_Method"
5: forward_auth.uri_header: expected the name of a header such as "X-Forwarded-Uri", which has another purpose, found "Authorization""#,
    ),
    (
        r#"[forward_auth]
trusted_proxies = ["127.0.0.1"]
method_header = "X-Original"
uri_header = "x-original""#,
        r#"4: forward_auth.uri_header: the same header as `method_header`"#,
    ),
    (
        r#"[forward_auth]
trusted_proxies = ["127.0.0.1"]
headers = ["Hallpass-Subject"]
uri_header = "Hallpass-Uri""#,
        r#"3: forward_auth.headers: unknown key; the known keys are trusted_proxies, secret, secret_file, method_header, uri_header
4: forward_auth.uri_header: expected the name of a header such as "X-Forwarded-Uri", which has another purpose, found "Hallpass-Uri""#,
    ),
    (
        r#"[forward_auth]
trusted_proxies = ["127.0.0.1"]
[scopes.export]
title = "Export"
endpoints = ["GET /orders/../export"]"#,
        r#"5: scopes.export.endpoints: "GET /orders/../export": the path has a segment of dots or blanks alone; a path here is written decoded, and {name} stands for one segment"#,
    ),
];
