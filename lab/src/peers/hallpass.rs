//! Hallpass itself, as one of the servers, also on PostgreSQL.

use super::Peers;
use super::peer::{CodeSource, Codes, Endpoints, Peer, first_token};
use crate::Outcome;
use crate::deployment::{Deployment, Engine};
use crate::generate::{Generated, generate};
use crate::world::{api, app};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

/// More codes than it can redeem in a second.
const CODES_A_SECOND: u64 = 10_000;
/// Codes for the preparation of other workloads.
const MORE_CODES: u64 = 4_096;
/// The number of grants in its database before the run.
const GRANTS: u64 = 10_000;

/// The pending codes in its database.
struct Waiting {
    generated: Generated,
    taken: u64,
}

impl CodeSource for Waiting {
    fn enough_for_a_second(&self) -> u64 {
        CODES_A_SECOND
    }

    fn take(&mut self, _: SocketAddr, n: u64) -> Codes<'_> {
        let last = (self.taken + n).min(self.generated.pending);
        let codes = (self.taken..last).map(|code| self.generated.code(code)).collect();
        self.taken = last;
        Box::pin(async { Ok(codes) })
    }
}

/// Starts it with codes for `seconds` seconds of load.
pub(super) async fn start(options: &Peers, folder: &Path, seconds: u64) -> Outcome<Peer> {
    let deployment = Deployment::make(&options.hallpass, folder, Engine::Postgres, 1)?;
    let generated = generate(&deployment, GRANTS, CODES_A_SECOND * seconds + MORE_CODES).await?;
    let endpoints = Endpoints {
        token: "/oauth/token",
        introspect: "/oauth/introspect",
        introspect_at: None,
        app: app(),
        itself: app(),
        api: api(),
    };
    let begun = Instant::now();
    let (program, _) = first_token(deployment.world()?.serve()?, &endpoints).await?;
    Ok(Peer {
        name: "Hallpass",
        about: format!(
            "{}, preset `default`, one node. PostgreSQL {} with its defaults (fsync on), every change on the disk before the \
             answer. The app's secret is random and kept as SHA-256. Every refresh rotates.",
            env!("CARGO_PKG_VERSION"),
            hallpass_cluster::version(),
        ),
        program,
        database: deployment.postgres,
        start: begun.elapsed(),
        endpoints,
        codes: Box::new(Waiting { generated, taken: 0 }),
        connections: None,
    })
}
