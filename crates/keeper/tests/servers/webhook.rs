//! Events arrive once each, signed, and again after a failure.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hallpass_ends::{Hallpass, Person};
use serde_json::Value;

use crate::commands::import;
use crate::keeper::{Keeper, declared_for, provider};

/// A request that was received.
struct Received {
    headers: Vec<(String, String)>,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        &found.expect(name).1
    }

    /// Verifies as the libraries of Standard Webhooks do.
    fn is_signed(&self) -> bool {
        let secret = STANDARD
            .decode("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
            .expect("base64");
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let signed = format!(
            "{}.{}.{}",
            self.header("webhook-id"),
            self.header("webhook-timestamp"),
            self.body
        );
        let signature = self.header("webhook-signature").strip_prefix("v1,").expect("version 1");
        let signature = STANDARD.decode(signature).expect("base64");
        hmac::verify(&key, signed.as_bytes(), &signature).is_ok()
    }
}

/// A receiver that answers with these statuses, one after the other.
fn receiver(statuses: &'static [u16]) -> (String, Receiver<Received>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let (sender, received) = channel();
    std::thread::spawn(move || {
        for (stream, status) in listener.incoming().zip(statuses) {
            let mut stream = BufReader::new(stream.expect("a connection"));
            let mut headers = Vec::new();
            let mut line = String::new();
            while stream.read_line(&mut line).expect("a line") > 2 {
                if let Some((name, value)) = line.trim_end().split_once(": ") {
                    headers.push((name.to_owned(), value.to_owned()));
                }
                line.clear();
            }
            let mut received = Received {
                headers,
                body: String::new(),
            };
            let length = received.header("content-length").parse().expect("a length");
            let mut body = vec![0; length];
            stream.read_exact(&mut body).expect("the body");
            received.body = String::from_utf8(body).expect("text");
            let answer = format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
            // First, so that a command that had its answer is known to have sent it.
            sender.send(received).expect("the test listens");
            stream.get_mut().write_all(answer.as_bytes()).expect("it listens");
        }
    });
    (url, received)
}

#[test]
fn an_event_is_signed_and_sent_again_until_it_is_taken() {
    let (url, received) = receiver(&[500, 204]);
    let server = Hallpass::start("default", &declared_for("api"));
    let mut sections = provider("api", &server, "profile read");
    sections.push_str(&format!("[webhook]\nurl = {url:?}\nsecret_file = \"webhook.secret\"\n"));
    let keeper = Keeper::start(&sections);
    let mut person = Person::new();
    keeper.connect(&mut person, "api", "17");
    let token = keeper.token("api/17");
    person.end_access(server.url());
    assert_eq!(
        keeper
            .get(&format!("/token/api/17?refused={}", &token[token.len() - 8..]))
            .0,
        409
    );
    let next = || received.recv_timeout(Duration::from_secs(60)).expect("an event");
    let (first, second) = (next(), next());
    assert!(first.is_signed() && second.is_signed());
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    assert_eq!(first.body, second.body);
    let body: Value = serde_json::from_str(&first.body).expect("JSON");
    assert_eq!(body["type"], "connection.needs_user");
    assert_eq!(
        (&body["data"]["connection"], &body["data"]["reason"]),
        (&"api/17".into(), &"invalid_grant".into())
    );
}

#[test]
fn keep_tries_one_event_at_each_run_until_it_is_taken_and_then_the_next() {
    let (url, received) = receiver(&[500, 204, 204]);
    let section = "[providers.api]\nclient_id = \"app\"\ntoken = \"http://127.0.0.1:9/token\"\n";
    let webhook = format!("[webhook]\nurl = {url:?}\nsecret_file = \"webhook.secret\"\n");
    let keeper = Keeper::prepare(&format!("{section}{webhook}"), "");
    let over = |name: &str| format!("{{\"connection\":\"api/{name}\",\"access_token\":\"a\",\"expires_at\":1}}\n");
    let taken = import(&keeper, (over("1") + &over("2")).as_bytes());
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    let keep = || assert!(keeper.command(&["keep"]).status.success());
    keep();
    let first = received.try_recv().expect("an event");
    assert!(received.try_recv().is_err(), "the next one waits behind it");
    keep();
    let again = received.try_recv().expect("an event");
    assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
    let second = received.try_recv().expect("an event");
    assert!(second.header("webhook-id") != first.header("webhook-id"));
    keep();
    assert!(received.try_recv().is_err(), "both were taken");
}
