//! Hallpass does not close connections that nginx keeps, however long the gaps between requests are.

use crate::client::Client;
use crate::front::{Nginx, guide};
use crate::world::configured;
use hallpass::config::{Config, Source};
use hallpass::serve::{Patience, Running, start_with};
use hallpass::time::Clock;
use hallpass_cluster::free_port;
use std::path::Path;
use std::time::Duration;
use tokio::task::JoinSet;

/// All times are a thirtieth of the real ones, also those of nginx, so that the test need not wait 75 seconds.
const FASTER: u32 = 30;
/// How long nginx keeps an idle connection, by the guide's file.
const KEPT: &str = "keepalive_timeout 60s;";

async fn served(folder: &Path, front: &str) -> Running {
    let real = Patience::default();
    let patience = Patience {
        slowest: real.slowest / FASTER,
        idle: real.idle / FASTER,
    };
    let data = folder.join("data").display().to_string();
    let source = Source {
        file: Some(configured(folder, front, 1)),
        overrides: vec![
            ("server.listen".to_owned(), "127.0.0.1:0".to_owned()),
            ("server.data".to_owned(), data),
        ],
        ..Source::default()
    };
    let config = Config::load(&source).unwrap().config;
    start_with(config, Clock::System, patience).await.unwrap()
}

/// The number of open connections to a port.
fn connections(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let local = format!(":{port:04X}");
    let established = table.lines().filter(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let at_port = fields.next().is_some_and(|address| address.ends_with(&local));
        at_port && fields.nth(1) == Some("01")
    });
    established.count()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_gap_between_requests_behind_nginx_gives_502() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port().unwrap();
    let front = format!("http://127.0.0.1:{port}");
    let server = served(folder.path(), &front).await;
    let guide = guide(port, &[&server.address.to_string()]);
    assert_eq!(guide.matches(KEPT).count(), 1);
    let faster = guide.replace(KEPT, "keepalive_timeout 2s;");
    let _nginx = Nginx::with(folder.path(), port, &faster);
    // Around 15 seconds, after which an earlier version closed connections, and around nginx's 60.
    let gaps = [480, 490, 495, 500, 505, 510, 1980, 1990, 2000, 2010].map(Duration::from_millis);
    let mut clients = JoinSet::new();
    for _ in 0..16 {
        let front = front.clone();
        clients.spawn(async move {
            let client = Client::new();
            let mut statuses = Vec::new();
            for gap in gaps {
                let form = [("grant_type", "client_credentials")];
                statuses.push(client.token(&front, &form).await.status);
                tokio::time::sleep(gap).await;
            }
            statuses
        });
    }
    for statuses in clients.join_all().await {
        assert_eq!(statuses, [200; 10]);
    }
    let client = Client::new();
    client.own(&front).await;
    assert!(connections(server.address.port()) > 0, "nginx keeps connections");
    server.stop().await;
}
