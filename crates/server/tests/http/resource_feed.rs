//! The feed for APIs (docs/guide/resource-feed.md): what ends or changes is named to the APIs that keep an answer about it.

use crate::harness::{APPS, Answer, Client, JOHN, MARY, REDIRECT_URI, RESOURCE, SECRET, Server, TENANTS};
use reqwest::Method;
use serde_json::Value;
use std::time::Duration;

const FEED: &str = "/resource/feed";

/// An API that follows the feed.
struct Reader<'s> {
    server: &'s Server,
    api: Client<'s>,
    position: String,
}

/// An answer of introspection that the API keeps.
struct Kept {
    active: bool,
    tags: Vec<String>,
    position: String,
}

impl<'s> Reader<'s> {
    /// Takes a snapshot.
    async fn of(server: &'s Server, resource: &'s str) -> Self {
        let api = server.client(resource, "").by_basic();
        let mut reader = Self {
            server,
            api,
            position: String::new(),
        };
        let snapshot = reader.ask("").await.json();
        reader.position = snapshot["position"].as_str().unwrap().to_owned();
        reader
    }

    async fn ask(&self, query: &str) -> Answer {
        let url = self.server.at(&format!("{FEED}{query}"));
        let request = self.server.request(Method::GET, &url);
        self.server
            .send(&url, request.header("authorization", self.api.basic()))
            .await
    }

    /// The tags of all events until the next answer that has some.
    async fn next(&mut self) -> Vec<Vec<String>> {
        loop {
            let (position, events) = self.poll().await;
            self.position = position;
            if !events.is_empty() {
                return events.iter().map(tags).collect();
            }
        }
    }

    async fn poll(&self) -> (String, Vec<Value>) {
        let answer = self.ask(&format!("?after={}", self.position)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let json = answer.json();
        let position = json["position"].as_str().unwrap().to_owned();
        (position, json["events"].as_array().unwrap().clone())
    }

    /// Introspects a token as an API that follows the feed.
    async fn introspect(&self, token: &str) -> Kept {
        let url = self.server.at("/oauth/introspect");
        let request = self.server.request(Method::POST, &url);
        let request = request.header("authorization", self.api.basic());
        let answer = self
            .server
            .send(&url, request.header("hallpass-feed", "1").form(&[("token", token)]))
            .await;
        Kept {
            active: answer.json()["active"] == true,
            tags: answer
                .header("hallpass-tags")
                .split(", ")
                .filter(|tag| !tag.is_empty())
                .map(str::to_owned)
                .collect(),
            position: answer.header("hallpass-position").to_owned(),
        }
    }
}

fn tags(event: &Value) -> Vec<String> {
    let tags = event["tags"].as_array().unwrap().iter();
    tags.map(|tag| tag.as_str().unwrap().to_owned()).collect()
}

/// The kinds of tags, in the order of the alphabet.
fn kinds(tags: &[String]) -> Vec<&str> {
    let mut kinds: Vec<&str> = tags.iter().map(|tag| tag.split(':').next().unwrap()).collect();
    kinds.sort_unstable();
    kinds
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_about_a_persons_token_names_everything_that_it_depends_on() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let tokens = sample.connect(&john).await;
    let reader = Reader::of(&server, RESOURCE).await;
    let kept = reader.introspect(&tokens.access).await;
    assert!(kept.active);
    assert_eq!(
        kinds(&kept.tags),
        [
            "app",
            "generation",
            "grant",
            "key",
            "key",
            "member",
            "organization",
            "person",
            "token"
        ]
    );
    let own = sample.client_credentials(&[]).await.tokens();
    let kept = reader.introspect(&own.access).await;
    assert_eq!(kinds(&kept.tags), ["app", "key", "organization", "token"]);
}

/// Every way in which an answer stops being true, with the kind of the tag that ends it.
#[tokio::test(flavor = "multi_thread")]
async fn whatever_makes_an_answer_untrue_is_named_by_one_of_its_tags() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let mut reader = Reader::of(&server, RESOURCE).await;
    for (end, kind) in [
        ("revoke access", "token"),
        ("revoke refresh", "grant"),
        ("user suspend", "person"),
        ("app suspend", "app"),
        ("app change", "app"),
        ("key revoke access", "key"),
        ("key revoke proof", "key"),
    ] {
        // A suspension signs people out, and a key's end too.
        let john = server.browser_of(JOHN).await;
        let tokens = sample.connect_with(&john, &[("scope", "read write")]).await;
        let kept = reader.introspect(&tokens.access).await;
        assert!(kept.active, "{end}");
        reader.position.clone_from(&kept.position);
        match end {
            "revoke access" => drop(sample.revoke(&tokens.access).await),
            "revoke refresh" => drop(sample.revoke(&tokens.refresh).await),
            "user suspend" => drop(server.command(&["user", "suspend", JOHN.email])),
            "app suspend" => drop(server.command(&["app", "suspend", "sample"])),
            "app change" => drop(server.command(&["app", "change", "sample", "--scope", "read"])),
            "key revoke access" => drop(server.command(&["key", "revoke", "1", "--yes"])),
            "key revoke proof" => drop(server.command(&["key", "revoke", "2", "--yes"])),
            other => panic!("{other}"),
        }
        let mut named = Vec::new();
        while named.is_empty() {
            let events = reader.next().await.concat();
            named = kept.tags.iter().filter(|tag| events.contains(tag)).cloned().collect();
        }
        assert!(kinds(&named).contains(&kind), "{end}: {named:?}");
        assert!(!reader.introspect(&tokens.access).await.active, "{end}");
        match end {
            "user suspend" => drop(server.command(&["user", "resume", JOHN.email])),
            "app suspend" => drop(server.command(&["app", "resume", "sample"])),
            "app change" => drop(server.command(&["app", "change", "sample", "--scope", "read", "--scope", "write"])),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_an_organization_and_what_is_suspended_there_is_named() {
    let api = "[[resources]]\nidentifier = \"https://api.example\"\nname = \"API\"\nsecret = \"a-secret-of-43-characters-as-hallpass-makes\"\n";
    let server = Server::library("default", &format!("{TENANTS}{api}")).await;
    let mary = server.browser_of(MARY).await;
    let trials = server.client("globex-trials", "https://globex.example/callback");
    let mut reader = Reader::of(&server, RESOURCE).await;
    for (command, kind) in [
        (["org", "suspend", "globex", ""], "organization"),
        (["org", "resume", "globex", ""], "organization"),
        (["org", "remove-member", "globex", MARY.email], "member"),
    ] {
        let tokens = match command[1] {
            "resume" => None,
            _ => Some(trials.connect(&mary).await),
        };
        let kept = match &tokens {
            Some(tokens) => reader.introspect(&tokens.access).await,
            None => Kept {
                active: true,
                tags: Vec::new(),
                position: reader.position.clone(),
            },
        };
        assert!(kept.active);
        reader.position.clone_from(&kept.position);
        let words: Vec<&str> = command.iter().copied().filter(|word| !word.is_empty()).collect();
        server.command(&words);
        let events = reader.next().await.concat();
        assert!(kinds(&events).contains(&kind), "{command:?}: {events:?}");
        if let Some(tokens) = tokens {
            assert!(kept.tags.iter().any(|tag| events.contains(tag)), "{command:?}");
            assert!(!reader.introspect(&tokens.access).await.active);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_request_is_answered_when_something_ends() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let token = sample.client_credentials(&[]).await.tokens().access;
    let reader = Reader::of(&server, RESOURCE).await;
    // Which of the two is first does not matter: both orders end in an answer with the event.
    let (revoked, (position, events)) = tokio::join!(sample.revoke(&token), reader.poll());
    assert_eq!(revoked.status, 200);
    let events = match events.is_empty() {
        true => Reader { position, ..reader }.poll().await.1,
        false => events,
    };
    assert_eq!(kinds(&events.iter().flat_map(tags).collect::<Vec<_>>()), ["token"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_answered_with_a_new_position_and_no_events() {
    let server = Server::library("default", APPS).await;
    let reader = Reader::of(&server, RESOURCE).await;
    let answer = reader.ask(&format!("?after={}", reader.position)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json()["events"], serde_json::json!([]));
    assert_eq!(
        answer.json()["position"],
        reader.position,
        "the test's clock stands still"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_names_what_ended_before() {
    let server = Server::library("default", APPS).await;
    let john = server.browser_of(JOHN).await;
    let sample = server.client("sample", REDIRECT_URI);
    let ended = sample.connect(&john).await;
    let reader = Reader::of(&server, RESOURCE).await;
    let kept = reader.introspect(&ended.access).await;
    let before = reader.ask("").await.json();
    assert_eq!(
        (&before["ended"], &before["whole"]),
        (&serde_json::json!([]), &Value::Bool(true))
    );
    sample.revoke(&ended.refresh).await;
    let snapshot = reader.ask("").await.json();
    let named = &snapshot["ended"][0];
    assert!(kept.tags.iter().any(|tag| named == tag), "{snapshot}");
    let last = snapshot["events"].as_array().unwrap().last().unwrap();
    assert_eq!(tags(last), [named.as_str().unwrap()], "it ended just now");
    server.advance(Duration::from_secs(11));
    let later = reader.ask("").await.json();
    assert_eq!((&later["events"], &later["ended"][0]), (&serde_json::json!([]), named));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_position_of_an_answer_covers_what_it_reflects() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI);
    let (one, other) = (
        sample.client_credentials(&[]).await.tokens(),
        sample.client_credentials(&[]).await.tokens(),
    );
    let reader = Reader::of(&server, RESOURCE).await;
    let before = reader.introspect(&other.access).await;
    sample.revoke(&one.access).await;
    let after = reader.introspect(&other.access).await;
    let (_, events) = reader.poll().await;
    let id = events[0]["id"].as_str().unwrap();
    let covers = |position: &str| position.split('.').skip(3).any(|known| known == id);
    assert!(!covers(&before.position), "{id} {}", before.position);
    assert!(covers(&after.position), "{id} {}", after.position);
}

#[tokio::test(flavor = "multi_thread")]
async fn introspection_is_as_before_for_everybody_else() {
    let server = Server::library("default", APPS).await;
    let sample = server.client("sample", REDIRECT_URI).by_basic();
    let token = sample.client_credentials(&[]).await.tokens().access;
    let api = server.client(RESOURCE, "").by_basic();
    let with = [("hallpass-feed", "1")];
    for (caller, headers, token, marked) in [
        (&api, &with[..], token.as_str(), true),
        (&api, &[], &token, false),
        (&api, &[("hallpass-feed", "0")], &token, false),
        (&api, &with, "hp_at_unknown", false),
        (&sample, &with, &token, false),
    ] {
        let basic = caller.basic();
        let mut headers = headers.to_vec();
        headers.extend([
            ("authorization", basic.as_str()),
            ("content-type", "application/x-www-form-urlencoded"),
        ]);
        let answer = server
            .post_raw("/oauth/introspect", &headers, format!("token={token}"))
            .await;
        assert_eq!(answer.status, 200);
        for name in ["hallpass-tags", "hallpass-position"] {
            assert_eq!(!answer.header(name).is_empty(), marked, "{name} {headers:?} {token}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_api_reads_the_feed() {
    let server = Server::library("default", APPS).await;
    let url = server.at(FEED);
    let nobody = server.get(FEED).await;
    assert_eq!(nobody.refusal(), "401 invalid_client");
    for (id, secret) in [("sample", SECRET), (RESOURCE, "guessed"), ("nobody", SECRET)] {
        let caller = server.client(id, "").with_secret(secret);
        let request = server
            .request(Method::GET, &url)
            .header("authorization", caller.basic());
        let answer = server.send(&url, request).await;
        assert_eq!(answer.refusal(), "401 invalid_client", "{id}");
        assert!(answer.header("www-authenticate").starts_with("Basic "), "{id}");
    }
    let posted = server.post(FEED, &[]).await;
    assert_eq!((posted.status, posted.header("allow")), (405, "GET, HEAD"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_that_no_server_gave_is_refused() {
    let server = Server::library("default", APPS).await;
    let reader = Reader::of(&server, RESOURCE).await;
    for query in ["?after=", "?after=x", "?after=1&after=2", "?before=1"] {
        assert_eq!(reader.ask(query).await.refusal(), "400 invalid_request", "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_position_of_another_resource_of_another_run_or_of_another_configuration_is_a_gap() {
    let other = "[[resources]]\nidentifier = \"other-api\"\nname = \"Other\"\nsecret = \"a-secret-of-43-characters-as-hallpass-makes\"\n";
    let declared = format!("[server]\npublic_url = \"http://id.example\"\n{APPS}{other}");
    let mut server = Server::library("default", &declared).await;
    let of_other = Reader::of(&server, "other-api").await.position;
    let reader = Reader::of(&server, RESOURCE).await;
    let own = reader.position.clone();
    let gap = |answer: Answer| assert_eq!(answer.refusal(), "409 gap");
    gap(reader.ask(&format!("?after={of_other}")).await);
    server.restart().await;
    let reader = Reader::of(&server, RESOURCE).await;
    gap(reader.ask(&format!("?after={own}")).await);
    let own = reader.position.clone();
    server.declare(&declared.replace("[scopes.write]", "[scopes.wrote]"));
    server.restart().await;
    // Later than any doubt about the time of the restart.
    server.advance(Duration::from_secs(60));
    let reader = Reader::of(&server, RESOURCE).await;
    gap(reader.ask(&format!("?after={own}")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resource_cannot_read_what_another_is_told() {
    let other = "[[resources]]\nidentifier = \"other-api\"\nname = \"Other\"\nsecret = \"a-secret-of-43-characters-as-hallpass-makes\"\n";
    let server = Server::library("default", &format!("{APPS}{other}")).await;
    let sample = server.client("sample", REDIRECT_URI);
    let token = sample.client_credentials(&[]).await.tokens().access;
    let (mut one, mut two) = (
        Reader::of(&server, RESOURCE).await,
        Reader::of(&server, "other-api").await,
    );
    let (by_one, by_two) = (one.introspect(&token).await, two.introspect(&token).await);
    assert!(by_one.tags.iter().all(|tag| !by_two.tags.contains(tag)));
    sample.revoke(&token).await;
    let (told_one, told_two) = (one.next().await.concat(), two.next().await.concat());
    assert!(by_one.tags.contains(&told_one[0]) && by_two.tags.contains(&told_two[0]));
    assert_ne!(told_one, told_two);
}
