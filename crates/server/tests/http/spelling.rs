//! Different spellings of the same text are treated as one: letters with accents as one character or two, and spaces other
//! than ASCII's (RFC 8265 §4.2, decision 57). macOS types and copies letters as two characters, browsers elsewhere as one.

use crate::harness::{Browser, Person, Server};
use hallpass::accounts::passwords::hash;
use reqwest::Method;
use serde_json::json;

const COMPOSED: Person = Person {
    email: "jos\u{e9}@example.com",
    password: "cr\u{e8}me br\u{fb}l\u{e9}e \u{c5}",
};
const TAKEN_APART: Person = Person {
    email: "JOSE\u{301}@example.com",
    password: "cre\u{300}me\u{a0}bru\u{302}le\u{301}e\u{3000}\u{212b}",
};

fn declared(email: &str, more: &str) -> String {
    format!("[[users]]\nemail = \"{email}\"\nname = \"Jos\u{e9}\"\n{more}\n")
}

async fn gets_in(browser: &Browser<'_>, person: Person) -> bool {
    let answer = browser.log_in(person).await;
    assert!(matches!(answer.status, 200 | 401), "{answer:?}");
    answer.status == 200
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_with_any_composition_of_address_and_password() {
    for person in [COMPOSED, TAKEN_APART] {
        let password = format!("password = \"{}\"", person.password);
        let server = Server::library("default", &declared(person.email, &password)).await;
        for typed in [COMPOSED, TAKEN_APART] {
            assert!(gets_in(&server.browser(), typed).await, "{person:?} {typed:?}");
        }
        let other_case = COMPOSED.password.replace('c', "C");
        assert_ne!(other_case, COMPOSED.password);
        let password = Box::leak(other_case.into_boxed_str());
        assert!(!gets_in(&server.browser(), Person { password, ..COMPOSED }).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_set_by_the_operator_works_in_every_spelling() {
    let server = Server::library("default", "").await;
    let user = json!({"email": TAKEN_APART.email, "name": "Jos\u{e9}", "password": TAKEN_APART.password});
    assert_eq!(
        server.operator(Method::POST, "/users", Some(user.clone())).await.status,
        201
    );
    assert!(gets_in(&server.browser(), COMPOSED).await);
    // The other spelling of the address counts as taken, and finds the same person.
    let twin = json!({"email": COMPOSED.email, "name": "Twin", "password": "another password"});
    assert_eq!(server.operator(Method::POST, "/users", Some(twin)).await.status, 409);
    let shown = server.command(&["user", "show", "jose\u{301}@example.com"]);
    assert_eq!(shown["email"], COMPOSED.email);

    let password = json!({"password": "le\u{301}opards\u{2003}de nuit"});
    let set = server
        .operator(Method::PUT, "/users/JOSE%CC%81@example.com/password", Some(password))
        .await;
    assert_eq!(set.status, 200, "{}", set.body);
    let password = "l\u{e9}opards de nuit";
    assert!(gets_in(&server.browser(), Person { password, ..COMPOSED }).await);
    assert!(!gets_in(&server.browser(), COMPOSED).await);
}

/// A hash made elsewhere is of the password as typed there.
#[tokio::test(flavor = "multi_thread")]
async fn an_imported_hash_of_another_spelling_still_works() {
    for person in [COMPOSED, TAKEN_APART] {
        let phc = hash(person.password, [7; 16]);
        let server = Server::library(
            "default",
            &declared(person.email, &format!("password_hash = \"{phc}\"")),
        )
        .await;
        assert!(gets_in(&server.browser(), person).await, "{person:?}");
        let password = "cre\u{300}me\u{a0}bru\u{302}le\u{301}e";
        assert!(!gets_in(&server.browser(), Person { password, ..person }).await);
    }
}

/// Stored before addresses were normalized.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_stored_in_another_spelling_is_found_by_it() {
    let server = Server::library(
        "default",
        &declared(COMPOSED.email, "password = \"correct horse battery\""),
    )
    .await;
    server.sql("UPDATE users SET email = 'jose\u{301}@example.com' WHERE email = 'jos\u{e9}@example.com'");
    let password = "correct horse battery";
    assert!(
        gets_in(
            &server.browser(),
            Person {
                password,
                ..TAKEN_APART
            }
        )
        .await
    );
}

/// One account has one budget of failures, in any spelling.
#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_of_an_address_gives_no_new_guesses() {
    let password = format!("password = \"{}\"", COMPOSED.password);
    let server = Server::library("default", &declared(COMPOSED.email, &password)).await;
    let alone = Server::library("default", &declared(COMPOSED.email, &password)).await;
    let spellings = [
        COMPOSED.email,
        TAKEN_APART.email,
        "Jos\u{e9}@EXAMPLE.com",
        " jose\u{301}@example.com ",
    ];
    let in_all = guesses(&server, &spellings).await;
    assert!(
        in_all < MOST_GUESSES && in_all == guesses(&alone, &spellings[..1]).await,
        "{in_all}"
    );
}

const MOST_GUESSES: usize = 60;

/// The number of wrong passwords that are verified before a wait.
async fn guesses(server: &Server, spellings: &[&'static str]) -> usize {
    for (attempt, email) in spellings.iter().cycle().take(MOST_GUESSES).enumerate() {
        let password: &str = Box::leak(format!("wrong horse {attempt}").into_boxed_str());
        if server.browser().log_in(Person { email, password }).await.status == 429 {
            return attempt;
        }
    }
    MOST_GUESSES
}

/// Members and owners are also named by addresses.
#[tokio::test(flavor = "multi_thread")]
async fn a_declaration_may_spell_the_same_address_in_two_ways() {
    let password = format!("password = \"{}\"", COMPOSED.password);
    let more = "[[organizations]]\nslug = \"acme\"\nname = \"Acme\"\nmembers = [\"JOSE\u{301}@example.com:owner\"]\n\
         [[apps]]\nname = \"Reports\"\nclient_id = \"reports\"\nclient_secret = \"a-secret-of-43-characters-as-hallpass-makes\"\n\
         organization = \"acme\"\nowner = \"jose\u{301}@example.com\"\nredirect_uris = [\"https://app.example/callback\"]\n";
    let server = Server::library("default", &format!("{}{more}", declared(COMPOSED.email, &password))).await;
    let browser = server.browser_of(COMPOSED).await;
    assert!(browser.open("/developer").await.text().contains("Reports"));
    assert!(
        browser
            .open("/organizations/acme")
            .await
            .text()
            .contains("Settings of Acme")
    );
}
