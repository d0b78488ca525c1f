//! `[handover]`: what is written, and every line that the operator reads about it.

use super::check;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[handover]
url = "http://www.example.com/connect"
secret = "too short""#,
        r#"2: handover.url: http would show the sign-in to everybody on the way: use https (http only for this computer), found "http://www.example.com/connect"
3: handover.secret: expected at least 32 bytes, as `openssl rand -hex 32` gives"#,
    ),
    (
        r#"[handover]
url = "https://www.example.com/connect?handover=1"
secret = ["a-secret-of-at-least-32-bytes-number-1", "a-secret-of-at-least-32-bytes-number-2", "a-secret-of-at-least-32-bytes-number-3"]"#,
        r#"2: handover.url: the parameter `handover` is added by Hallpass: leave it out
3: handover.secret: expected one secret, or two while it is changed"#,
    ),
    (
        r#"[handover]
url = "ftp://www.example.com"
secret = "a secret with spaces and 32 bytes of it all"
sign_out = "https://user:password@www.example.com/"
session = "13h"
sources = ["0.0.0.0/0"]
roles = ["boss"]"#,
        r#"2: handover.url: expected a URL such as "https://www.example.com/connect/sign-in", found "ftp://www.example.com"
3: handover.secret: expected no space: the secret is sent as a bearer token
4: handover.sign_out: a URL here has no fragment, no user name and no password
5: handover.session: expected at most "12h": the site is asked again after this time
6: handover.sources: "0.0.0.0/0" is every address: name a smaller network
7: handover.roles: expected "owner", "developer", "member", found "boss""#,
    ),
    (
        r#"[handover]
sessions = "1h""#,
        r#"1: handover.url: this key is missing
1: handover.secret: this key, or `secret_file`, is missing
2: handover.sessions: unknown key; did you mean `session`?"#,
    ),
];
