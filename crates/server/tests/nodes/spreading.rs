//! How soon a change at one server takes effect at all others: measured from the acknowledgement to the first answer that shows
//! the change.

use crate::client::{Answer, SECRET};
use crate::world::World;
use hallpass_cluster::Schema;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Memory may be two seconds old, and answers take longer on a busy machine.
const BOUND: Duration = Duration::from_secs(2);

/// The longest wait so far.
#[derive(Default)]
pub(crate) struct Seen(Duration);

impl Seen {
    /// Asks a server until its answer shows the change.
    pub(crate) async fn wait<F: Future<Output = Answer>>(
        &mut self,
        acknowledged: Instant,
        ask: impl Fn() -> F,
        known: impl Fn(&Answer) -> bool,
    ) {
        loop {
            let asked = acknowledged.elapsed();
            let answer = ask().await;
            if known(&answer) {
                self.0 = self.0.max(asked);
                return;
            }
            assert!(asked < BOUND, "still unknown after {asked:?}: {answer:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn told(&self, what: &str) {
        println!("{what}: seen by all within {} ms", self.0.as_millis());
    }
}

fn is_inactive(answer: &Answer) -> bool {
    answer.status == 200 && answer.json["active"] == false
}

pub(crate) fn is_refused(answer: &Answer) -> bool {
    answer.status == 401
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_at_one_is_seen_by_all() {
    let world = World::of(3);
    let client = &world.client;
    let mut seen = Seen::default();
    for round in 0..30 {
        let token = client.own(world.address(round % 3)).await;
        let by = world.address((round + 1) % 3);
        client.revoke(by, &token).await;
        let acknowledged = Instant::now();
        assert!(
            is_inactive(&client.introspect(by, &token).await),
            "at once where it was revoked"
        );
        for server in &world.servers {
            seen.wait(acknowledged, || client.introspect(&server.address, &token), is_inactive)
                .await;
        }
    }
    seen.told("30 revoked access tokens");
    let mut seen = Seen::default();
    for round in 0..10 {
        let tokens = world.tokens().await;
        client.revoke(world.address(round % 3), &tokens.refresh).await;
        let acknowledged = Instant::now();
        for server in &world.servers {
            seen.wait(
                acknowledged,
                || client.identity(&server.address, &tokens.access),
                is_refused,
            )
            .await;
            assert_eq!(client.refresh(&server.address, &tokens.refresh).await.status, 400);
        }
    }
    seen.told("10 ended grants");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_and_its_end_are_seen_by_all() {
    let world = World::of(3);
    let client = &world.client;
    let tokens = world.tokens().await;
    let mut seen = Seen::default();
    for (noun, name) in [("app", "sample"), ("user", crate::person::EMAIL)] {
        for round in 0..3 {
            for (verb, known) in [
                ("suspend", is_refused as fn(&Answer) -> bool),
                ("resume", |a| a.status == 200),
            ] {
                world.servers[round].command(&[noun, verb, name]);
                let acknowledged = Instant::now();
                for server in &world.servers {
                    seen.wait(acknowledged, || client.identity(&server.address, &tokens.access), known)
                        .await;
                }
            }
        }
    }
    seen.told("12 suspensions and resumptions");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_another_server_made_is_known_when_it_is_acknowledged_again() {
    let world = World::of(2);
    let client = &world.client;
    let tokens = world.tokens().await;
    for (noun, name) in [("app", "sample"), ("user", crate::person::EMAIL)] {
        for round in 0..4 {
            let (first, second) = (&world.servers[round % 2], &world.servers[(round + 1) % 2]);
            first.command(&[noun, "suspend", name]);
            second.command(&[noun, "suspend", name]);
            let answer = client.identity(&second.address, &tokens.access).await;
            assert!(is_refused(&answer), "{noun}, round {round}: {}", answer.status);
            second.command(&[noun, "resume", name]);
            first.command(&[noun, "resume", name]);
            let answer = client.identity(&first.address, &tokens.access).await;
            assert_eq!(answer.status, 200, "{noun}, round {round}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_origin_comes_and_goes_at_all() {
    let world = World::of(2);
    let client = &world.client;
    let mut seen = Seen::default();
    let mut before: Option<String> = None;
    for round in 0..5 {
        let origin = format!("https://app{round}.example");
        for server in &world.servers {
            assert_eq!(client.preflight(&server.address, &origin).await.status, 405);
        }
        let uri = format!("{origin}/callback");
        world.servers[round % 2].command(&["app", "change", "sample", "--redirect-uri", &uri]);
        let acknowledged = Instant::now();
        for server in &world.servers {
            let ask = || client.preflight(&server.address, &origin);
            seen.wait(acknowledged, ask, |answer| answer.status == 204).await;
            // Each server has the previous origin in memory.
            if let Some(before) = &before {
                let ask = || client.preflight(&server.address, before);
                seen.wait(acknowledged, ask, |answer| answer.status == 405).await;
            }
        }
        before = Some(origin);
    }
    seen.told("5 changes of an origin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_ended_is_refused_by_all() {
    let world = World::of(2);
    let client = &world.client;
    let second = world.servers[0].command(&["app", "secret", "add", "sample"]);
    let second = second["client_secret"]
        .as_str()
        .unwrap_or_else(|| panic!("{second}"))
        .to_owned();
    let own = [("grant_type", "client_credentials")];
    let mut seen = Seen::default();
    let acknowledged = Instant::now();
    for server in &world.servers {
        let ask = || client.post_with(&second, &server.address, "/oauth/token", &own);
        seen.wait(acknowledged, ask, |answer| answer.status == 200).await;
    }
    let secrets = world.servers[1].command(&["app", "secret", "list", "sample"]);
    let listed = secrets["secrets"]
        .as_array()
        .or(secrets.as_array())
        .unwrap_or_else(|| panic!("{secrets}"));
    let first = listed
        .iter()
        .find(|one| SECRET.ends_with(one["hint"].as_str().unwrap_or("?")));
    let first = first.unwrap_or(&listed[0])["id"].as_str().unwrap().to_owned();
    world.servers[1].command(&["app", "secret", "end", "sample", &first]);
    let acknowledged = Instant::now();
    for server in &world.servers {
        let ask = || client.post_with(SECRET, &server.address, "/oauth/token", &own);
        seen.wait(acknowledged, ask, is_refused).await;
    }
    seen.told("a secret added and one ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_were_rotated_and_revoked_are_so_everywhere() {
    let world = World::of(3);
    let client = &world.client;
    let states = |n: usize| world.servers[n].command(&["key", "list"]);
    let mut seen = Seen::default();
    world.servers[0].command(&["key", "rotate"]);
    let acknowledged = Instant::now();
    let published = states(0);
    while states(1) != published || states(2) != published {
        assert!(
            acknowledged.elapsed() < 2 * BOUND,
            "{} {} {published}",
            states(1),
            states(2)
        );
    }
    // The key that replaces a revoked one is used at once. No server refuses its tokens, even before it has read of the key.
    for round in 0..6 {
        let by = round % 3;
        let (before, keys) = (client.own(world.address(by)).await, states(by));
        let all = keys["keys"].as_array().or(keys.as_array()).unwrap();
        let current = all
            .iter()
            .find(|key| key["purpose"] == "access" && key["state"] == "current");
        let id = current.unwrap_or_else(|| panic!("{keys}"))["id"].to_string();
        world.servers[by].command(&["key", "revoke", "--yes", &id]);
        let acknowledged = Instant::now();
        let after = client.own(world.address(by)).await;
        for server in &world.servers {
            let first = client.introspect(&server.address, &after).await;
            assert!(first.is_active(), "round {round}: {first:?}");
        }
        for server in &world.servers {
            seen.wait(
                acknowledged,
                || client.introspect(&server.address, &before),
                is_inactive,
            )
            .await;
        }
    }
    seen.told("6 revoked keys");
}

/// The test changes a row directly in the database. The answers then show which servers read the row again, and when.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_at_one_has_all_read_that_object_anew_and_no_other() {
    let schema = Schema::new().unwrap();
    let world = World::on(schema.url(), 2);
    let client = &world.client;
    let own = async |address: &str, id: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            ("client_secret", SECRET),
        ];
        client.form(address, "/oauth/token", &form).await
    };
    let is_paused = |answer: &Answer| answer.status == 400;
    let set = |status: &str| {
        let update = format!("UPDATE apps SET status = '{status}' WHERE client_id = 'other'");
        schema.sql(&update).unwrap();
    };
    let mut seen = Seen::default();
    for round in 0..2 {
        for server in &world.servers {
            assert_eq!(own(&server.address, "other").await.status, 200);
        }
        set("suspended");
        world.servers[round].command(&["app", "suspend", "sample"]);
        let acknowledged = Instant::now();
        for server in &world.servers {
            seen.wait(acknowledged, || own(&server.address, "sample"), is_paused)
                .await;
        }
        // A server that did not read the feed for two seconds may have read everything again.
        let remember = [
            own(world.address(0), "other").await.status,
            own(world.address(1), "other").await.status,
        ];
        println!("round {round}: the other app is {remember:?} from memory");
        world.servers[round].command(&["app", "resume", "sample"]);
        let name = format!("Other App {round}");
        world.servers[round].command(&["app", "change", "other", "--name", &name]);
        let acknowledged = Instant::now();
        for server in &world.servers {
            seen.wait(acknowledged, || own(&server.address, "other"), is_paused)
                .await;
        }
        // A newer server may write an entry with a word that this version does not know.
        set("live");
        let unknown = format!(
            "INSERT INTO changes VALUES (decode(repeat('e{round}', 16), 'hex'), 1, 0, 9000000000000, 'of_tomorrow', '', 0)"
        );
        schema.sql(&unknown).unwrap();
        let written = Instant::now();
        for server in &world.servers {
            seen.wait(written, || own(&server.address, "other"), |answer| answer.status == 200)
                .await;
        }
        if remember == [200, 200] {
            return seen.told("changes of one app, and an unknown word");
        }
    }
    panic!("a change of one app has the other read anew");
}

/// The commit is two seconds late. That is longer than any window in time, and later entries have higher numbers by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_becomes_visible_late_is_seen() {
    let schema = Schema::new().unwrap();
    let world = World::on(schema.url(), 2);
    let client = &world.client;
    let tokens = world.tokens().await;
    let grant = schema.sql("SELECT encode(id, 'hex') FROM grants").unwrap();
    let url = schema.url().to_owned();
    let late = format!(
        "BEGIN; INSERT INTO changes (node, number, happened, expires, kind, subject, value) VALUES \
         (decode(repeat('ee', 16), 'hex'), 1, 0, 9000000000000, 'grant', decode('{grant}', 'hex'), 0); \
         SELECT pg_sleep(3); COMMIT;"
    );
    let psql = hallpass_cluster::programs().unwrap().join("psql");
    let mut writing = Command::new(psql)
        .args(["--no-psqlrc", "--quiet", "--dbname", &url, "--command", &late])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut revoked = 0;
    while writing.try_wait().unwrap().is_none() {
        let token = client.own(&world.front).await;
        client.revoke(&world.front, &token).await;
        revoked += 1;
    }
    assert!(revoked > 2, "others wrote meanwhile");
    let committed = Instant::now();
    let mut seen = Seen::default();
    for server in &world.servers {
        seen.wait(
            committed,
            || client.identity(&server.address, &tokens.access),
            is_refused,
        )
        .await;
    }
    seen.told("a commit that others overtook");
    // An unknown entry of a newer server stops no server.
    schema
        .sql("INSERT INTO changes VALUES (decode(repeat('ef', 16), 'hex'), 1, 0, 9000000000000, 'of_tomorrow', '', 0)")
        .unwrap();
    let token = client.own(&world.front).await;
    client.revoke(&world.front, &token).await;
    let acknowledged = Instant::now();
    for server in &world.servers {
        seen.wait(acknowledged, || client.introspect(&server.address, &token), is_inactive)
            .await;
        assert_eq!(client.get(&server.address, "/health/ready").await.status, 200);
    }
}
