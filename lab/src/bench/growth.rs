//! The bytes of a grant, the growth by many refreshes, and the bytes of PostgreSQL's write-ahead log.

use super::report::Report;
use super::{Bench, SMALL, asked, prepared};
use crate::Outcome;
use crate::deployment::{Deployment, Engine, Running};
use crate::load::{Asks, load};
use crate::postgres::Postgres;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The length of one turn of refreshes.
const TURN: Duration = Duration::from_secs(5);
/// How late PostgreSQL's statistics may be.
const LAG: Duration = Duration::from_secs(2);

/// On SQLite the bytes of the whole file; on PostgreSQL the bytes of the grants and their indexes.
pub(super) fn bytes(deployment: &Deployment) -> Outcome<f64> {
    match &deployment.postgres {
        Some(postgres) => postgres.number("SELECT pg_total_relation_size('grants')"),
        None => Ok(fs::metadata(deployment.world()?.database())?.len() as f64),
    }
}

/// Refreshes every grant several times over HTTP, and reports the growth.
pub(super) async fn bytes_per_grant(options: &Bench, engine: Engine, folder: &Path, report: &mut Report) -> Outcome {
    let (running, generated) = prepared(&options.hallpass, folder, engine, 1, (SMALL, 0)).await?;
    let made = bytes(&running.deployment)?;
    let mut asks = asked::refreshes(options.connections, &generated, 0..SMALL);
    let all = SMALL * options.refreshes;
    let done = match &running.deployment.postgres {
        Some(postgres) => logged(&running, postgres, (&mut asks, all), report).await?,
        None => refreshed(&running, &mut asks, all).await?,
    };
    let deployment = running.stop()?;
    let grown = (bytes(&deployment)? / made - 1.0) * 100.0;
    let people = if engine == Engine::Sqlite {
        ", people included"
    } else {
        ""
    };
    report.line(&format!(
        "{:.0} bytes a grant with {SMALL} grants{people}; {done} refreshes add {grown:.1} % (bar 20 %)",
        made / SMALL as f64
    ));
    Ok(())
}

async fn refreshed(running: &Running, asks: &mut [Asks], times: u64) -> Outcome<u64> {
    let mut done = 0;
    while done < times {
        done += load(running.side(1), asks, TURN).await?.requests;
    }
    Ok(done)
}

/// Statistics of PostgreSQL.
struct Counts {
    /// The bytes of its write-ahead log so far.
    log: f64,
    /// The pages that were written to the log as a whole, as each page is at its first change after a checkpoint.
    pages: f64,
    updated: f64,
    /// The updates that changed no index.
    hot: f64,
    checkpoints: f64,
}

impl Counts {
    async fn read(postgres: &Postgres) -> Outcome<Self> {
        // Backends report their statistics about once a second.
        tokio::time::sleep(LAG).await;
        let table = |column: &str| format!("SELECT {column} FROM pg_stat_user_tables WHERE relname = 'grants'");
        Ok(Self {
            log: postgres.number("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")?,
            pages: postgres.number("SELECT wal_fpi FROM pg_stat_wal")?,
            updated: postgres.number(&table("n_tup_upd"))?,
            hot: postgres.number(&table("n_tup_hot_upd"))?,
            checkpoints: postgres.number("SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter")?,
        })
    }
}

/// Refreshes all grants, and reports the bytes of log per rotation. A tenth of the refreshes run before the count begins,
/// so that every page was changed since the last checkpoint. A stretch with a checkpoint in it does not count.
async fn logged(
    running: &Running,
    postgres: &Postgres,
    (asks, all): (&mut [Asks], u64),
    report: &mut Report,
) -> Outcome<u64> {
    postgres.run("CHECKPOINT")?;

    let mut done = refreshed(running, asks, all / 10).await?;
    let (mut bytes, mut pages, mut counted) = (0.0, 0.0, 0.0);
    let first = Counts::read(postgres).await?;
    let mut before = Counts::read(postgres).await?;
    while done < all {
        let rotations = refreshed(running, asks, all / 20).await?;
        done += rotations;
        let after = Counts::read(postgres).await?;
        if after.checkpoints == before.checkpoints {
            bytes += after.log - before.log;
            pages += after.pages - before.pages;
            counted += rotations as f64;
        }
        before = after;
    }
    let share = (before.hot - first.hot) / (before.updated - first.updated) * 100.0;
    report.line(&format!(
        "{:.0} bytes of WAL a rotation between checkpoints, over {counted:.0} of them ({pages:.0} whole pages in it; bar 300); \
         {share:.1} % of updates HOT",
        bytes / counted
    ));
    Ok(done)
}
