//! Two servers on one PostgreSQL through PgBouncer 1.18, in transaction mode: it does not support prepared statements, and
//! has fewer connections than the servers.

use crate::harness::{APPS, JOHN, REDIRECT_URI, Server};
use hallpass_cluster::{Bouncer, Cluster, folder_of_test};
use std::array;
use tokio::task::JoinSet;

/// The number of its connections to the database.
const POOL: usize = 2;

struct World {
    servers: [Server; 2],
    _bouncer: Bouncer,
    _cluster: Cluster,
}

impl World {
    async fn new(name: &str, prepared_statements: bool) -> Self {
        let cluster = Cluster::start(&folder_of_test(name), &["fsync=off"]).unwrap();
        let bouncer = Bouncer::start(&cluster, &cluster.folder().join("bouncer"), POOL).unwrap();
        let declared = format!(
            "[server]\npublic_url = \"http://id.example\"\n[store]\nprepared_statements = {prepared_statements}\n\
             [keys]\nmaster = \"QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE=\"\n{APPS}"
        );
        let url = bouncer.url("postgres");
        let first = Server::library_at(&url, "default", &declared).await;
        let second = Server::library_at(&url, "default", &declared).await;
        Self {
            servers: [first, second],
            _bouncer: bouncer,
            _cluster: cluster,
        }
    }

    /// A grant's life, with each request to the other server.
    async fn hops(&self) {
        let john = self.servers[0].browser_of(JOHN).await;
        let [here, there] = array::from_fn(|n| self.servers[n].client("sample", REDIRECT_URI));
        let code = here.code(&john, &[]).await;
        let mut tokens = there.redeem(&code).await.tokens();
        for turn in [&here, &there, &here, &there] {
            assert_eq!(turn.introspect(&tokens.access).await.json()["active"], true);
            tokens = turn.refresh(&tokens.refresh).await.tokens();
        }
        let again = here.refresh(&tokens.refresh).await;
        assert_eq!(there.refresh(&tokens.refresh).await.body, again.body);
        assert_eq!(here.revoke(&again.tokens().refresh).await.status, 200);
        let ended = there.refresh(&again.tokens().refresh).await;
        assert_eq!(ended.refusal(), "400 invalid_grant");
        let page = john.open("/account/apps").await;
        assert_eq!(page.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn everything_works_through_a_pooler_without_prepared_statements() {
    let world = World::new("unprepared", false).await;
    world.hops().await;
    many_at_once(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: cargo xtask test --only postgres"]
async fn a_pooler_is_detected_without_configuration() {
    let world = World::new("noticed", true).await;
    world.hops().await;
    many_at_once(&world).await;
}

/// Sends more requests of different kinds than there are connections.
async fn many_at_once(world: &World) {
    let mut requests = JoinSet::new();
    for n in 0..64 {
        let server = &world.servers[n % 2];
        let (path, form) = match n % 4 {
            0 => ("/oauth/token", "grant_type=client_credentials"),
            1 => ("/oauth/introspect", "token=hp_at_none"),
            2 => ("/oauth/revoke", "token=hp_rt_none"),
            _ => ("/oauth/token", "grant_type=refresh_token&refresh_token=hp_rt_none"),
        };
        let url = server.at(path);
        let request = server.request(reqwest::Method::POST, &url);
        let request = request
            .basic_auth("sample", Some(crate::harness::SECRET))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        requests.spawn(async move { (n, request.send().await.expect("an answer").status().as_u16()) });
    }
    for (n, status) in requests.join_all().await {
        assert_eq!(status, if n % 4 == 3 { 400 } else { 200 }, "request {n}");
    }
}
