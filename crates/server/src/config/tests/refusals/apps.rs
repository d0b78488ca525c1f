//! `[[apps]]`: what is written, and every line that the operator reads about it.

use super::check;
use crate::config::tests::World;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

#[test]
fn a_declared_app_with_too_many_redirect_uris_is_refused() {
    let declared = |number: usize| {
        let uris: Vec<_> = (0..number).map(|n| format!("https://a{n}.example/cb")).collect();
        format!("[[apps]]\nname = \"A\"\nclient_id = \"a\"\ntype = \"public\"\nredirect_uris = {uris:?}\n")
    };
    World::new(&declared(50)).config();
    assert_eq!(
        World::new(&declared(51)).refused(),
        "hallpass.toml:5: apps[0].redirect_uris: an app has at most 50 redirect URIs"
    );
}

#[test]
fn a_client_id_whose_page_no_browser_opens_is_refused() {
    for id in ["new", ".", ".."] {
        let file = format!("[[apps]]\nname = \"A\"\nclient_id = {id:?}\nclient_secret = \"s\"");
        assert_eq!(
            World::new(&file).refused(),
            format!(
                "hallpass.toml:3: apps[0].client_id: {id:?} cannot be a client ID: the page of such an app could not be opened"
            )
        );
    }
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[[apps]]
name = "A"
client_id = "a"
"#,
        "1: apps[0].client_secret: this key, or `client_secret_file`, is missing",
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
type = "public"
client_secret = "s""#,
        r#"5: apps[0].client_secret: a public app has no secret; leave it out, or write type = "confidential""#,
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
type = "public"
grant_types = ["client_credentials"]"#,
        "5: apps[0].grant_types: client_credentials needs a secret, which a public app does not have (RFC 6749 §4.4)",
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
scopes = ["other"]
products = ["Gold"]
organization = "other"
redirect_uris = ["http://a.example/cb"]"#,
        r#"5: apps[0].scopes: there is no scope "other"; there are profile
6: apps[0].products: there is no product "Gold" in [products]
7: apps[0].organization: there is no organization "other" among [[organizations]]
8: apps[0].redirect_uris: "http://a.example/cb": plain http is only for localhost; use https"#,
    ),
    (
        r#"[[users]]
email = "dev@example.com"
name = "Dev"
[[organizations]]
slug = "acme"
name = "Acme"
members = ["dev@example.com:member"]
[[apps]]
name = "A"
client_id = "a"
type = "public"
owner = "nobody@example.com"
[[apps]]
name = "B"
client_id = "b"
type = "public"
organization = "acme"
owner = "Dev@example.com"
[[apps]]
name = "C"
client_id = "c"
type = "public"
owner = "Dev@example.com""#,
        r#"12: apps[0].owner: there is no user "nobody@example.com" among [[users]]
18: apps[1].owner: "Dev@example.com" could not manage the app: add "Dev@example.com:developer" to the members of "acme""#,
    ),
    (
        r#"[portal]
schemes = ["cursor", "JavaScript", "com.example.app"]
[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
localhost_any_port = true"#,
        r#"2: portal.schemes: expected the scheme of an app such as "cursor", in lower case, without dot and colon, found "JavaScript"; expected the scheme of an app such as "cursor", in lower case, without dot and colon, found "com.example.app"
7: apps[0].localhost_any_port: a free port is for native apps, which are public (RFC 8252 §8.4)"#,
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
scopes = []
products = ["Gold"]
organization = "other""#,
        r#"6: apps[0].products: there is no product "Gold" in [products]
7: apps[0].organization: there is no organization "other" among [[organizations]]"#,
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "é"
reach = "all"
type = "secret""#,
        r#"4: apps[0].client_secret: expected 1 to 1024 printable ASCII characters
5: apps[0].reach: expected "own", "partner", found "all"
6: apps[0].type: expected "confidential", "public", found "secret""#,
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a:b"
client_secret = "s"
[[apps]]
name = "A"
client_id = "01890a5d-ac96-774b-bcce-b302099a8057"
client_secret = "s""#,
        r#"3: apps[0].client_id: expected 1 to 128 printable ASCII characters without space and colon, found "a:b"
7: apps[1].client_id: "01890a5d-ac96-774b-bcce-b302099a8057" has the form of a user's subject (a UUID of version 7)"#,
    ),
    (
        r#"[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
[[apps]]
name = "A"
client_id = "a"
client_secret = "s""#,
        "7: apps[1].client_id: the same as apps[0].client_id (3)",
    ),
    (
        r#"preset = "house-check"
[[apps]]
name = "A"
client_id = "a"
client_secret = "s"
grant_types = ["client_credentials"]"#,
        r#"6: apps[0].grant_types: "client_credentials" is not offered: it is not in [wire] grant_types"#,
    ),
];
