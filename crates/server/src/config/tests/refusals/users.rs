//! `[[users]]`: what is written, and every line that the operator reads about it.

use super::check;

#[test]
fn each_mistake_is_told_with_its_line() {
    check(CASES);
}

const CASES: &[(&str, &str)] = &[
    (
        r#"[[users]]
email = "john"
name = "J"
locale = "dutch language"
password_hash = "$argon2i$v=19$m=65536,t=3,p=4$bm9ib2R5LW5vYm9keS0h$Gpn5""#,
        r#"2: users[0].email: expected an email address, found "john"
4: users[0].locale: expected a language tag such as "en" or "nl", found "dutch language"
5: users[0].password_hash: expected an argon2id hash such as "$argon2id$v=19$m=19456,t=2,p=1$…""#,
    ),
    (
        r#"[[users]]
email = "a@b"
name = "A"
password_hash = "$argon2id$v=19$m=1048576,t=3,p=4$bm9ib2R5LW5vYm9keS0h$Gpn5XCB6bV2sL0q5m3dQd1kVYv3Yx2u0m8yqfWl9b0E""#,
        "4: users[0].password_hash: this hash costs too much to verify (m=1048576, t=3, p=4): at most m=65536, t=4, p=4 (64 MiB of \
         memory, 4 passes, 4 lanes)",
    ),
    (
        r#"[[users]]
email = "a@b"
name = "A"
external_id = "7"
password = "p"
[[users]]
email = "b@b"
name = "B"
external_id = "7"
[[users]]
email = "c@b"
name = "C"
external_id = "org_7"
[[users]]
email = "d@b"
name = "D"
external_id = "é""#,
        r#"4: users[0].external_id: the site signs this person in: leave the password out
9: users[1].external_id: the same as users[0].external_id (4)
13: users[2].external_id: subjects that begin with "org_" are not for people, found "org_7"
17: users[3].external_id: expected 1 to 255 printable ASCII characters, found "é""#,
    ),
    (
        r#"[[users]]
email = "a@b"
name = "A"
password = ""
[[users]]
email = "A@b"
name = "A"
password = "p"
password_file = "p""#,
        r#"4: users[0].password: expected 1 to 1024 bytes
6: users[1].email: the same as users[0].email (2)
8: users[1].password: give either `password` or `password_file`
9: users[1].password_file: cannot read p: there is no such file"#,
    ),
    (
        r#"[[users]]
email = "a@b"
name = "A"
password_file = "none""#,
        "4: users[0].password_file: cannot read none: there is no such file",
    ),
];
