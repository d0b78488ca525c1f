//! `[server]`: what is written, and every line that the operator reads about it.

use super::check;
use crate::config::tests::World;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

#[test]
fn an_address_that_a_request_has_no_room_for_is_refused() {
    let url = |length: usize| format!("https://id.example/{}", "a".repeat(length - 19));
    let path = |length: usize| format!("/{}", "a".repeat(length - 1));
    let file = |url: String, path: String| format!("[server]\npublic_url = {url:?}\n[paths]\ntoken = {path:?}");
    World::new(&file(url(512), path(256))).config();
    assert_eq!(
        World::new(&file(url(513), path(257))).refused(),
        "hallpass.toml:2: server.public_url: expected a URL of at most 512 characters\n\
         hallpass.toml:4: paths.token: expected a path of at most 256 characters"
    );
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[server]
listen = "localhost"
public_url = "https://a.example/"
api_url = "ftp://a.example""#,
        r#"2: server.listen: expected an address such as "127.0.0.1:8080", found "localhost"
3: server.public_url: expected a URL without slash at its end, found "https://a.example/"
4: server.api_url: expected a URL such as "https://id.example.com", found "ftp://a.example""#,
    ),
    (
        "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"10.0.0.0/33\"]",
        r#"2: server.trusted_proxies: expected an address or a network such as "10.0.0.0/8" or "fd00::/8", found "10.0.0.0/33""#,
    ),
    (
        "[server]\ntrusted_proxies = [\"proxy.internal\"]",
        r#"2: server.trusted_proxies: expected an address or a network such as "10.0.0.0/8" or "fd00::/8", found "proxy.internal""#,
    ),
    (
        "[server]\ntrusted_proxies = [\"10.1.2.3/8\"]",
        r#"2: server.trusted_proxies: "10.1.2.3/8" is in the network "10.0.0.0/8": write that, or the address alone"#,
    ),
    (
        "[server]\ntrusted_proxies = [\"::/0\"]",
        r#"2: server.trusted_proxies: "::/0" is every address: name a smaller network"#,
    ),
    (
        "[server]\ntrusted_proxies = \"10.0.0.0/8\"",
        r#"2: server.trusted_proxies: expected a list such as ["a", "b"], found text"#,
    ),
    (
        r#"[server]
public_url = "https://a.example?x"
api_url = "https://u:p@a.example""#,
        r#"2: server.public_url: expected a URL without query and fragment, found "https://a.example?x"
3: server.api_url: a URL here has no user name and no password"#,
    ),
    (
        r#"[server]
public_url = "https://A.example:443"
api_url = """#,
        r#"2: server.public_url: write it as "https://a.example"
3: server.api_url: expected a URL such as "https://id.example.com", found """#,
    ),
    (
        r#"[server]
tls_cert = "a"
tls_key = "b""#,
        r#"2: server.tls_cert: not available yet
3: server.tls_key: not available yet"#,
    ),
];
