//! Many rows that expire at the same time: do requests become slower, and how long does the sweep take?

use super::report::Report;
use super::{Bench, SMALL, asked, prepared};
use crate::Outcome;
use crate::deployment::Engine;
use crate::load::{Figures, load};
use std::path::Path;
use std::time::{Duration, Instant};

/// Makes all pending codes expire long ago.
const DUE: &str = "UPDATE grants SET code_expires = 1, check_at = 1 WHERE state = 0";
const ANY_LEFT: &str = "SELECT CASE WHEN EXISTS (SELECT 1 FROM grants WHERE check_at = 1) THEN 1.0 ELSE 0.0 END";
/// The longest time that the sweep may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Measures refreshes before, during and after the sweep.
pub(super) async fn expiry(options: &Bench, engine: Engine, folder: &Path, report: &mut Report) -> Outcome {
    let (running, generated) = prepared(&options.hallpass, folder, engine, 1, (SMALL, options.due)).await?;
    let mut asks = asked::refreshes(options.connections, &generated, 0..SMALL);
    let turn = Duration::from_secs(options.seconds);
    let side = running.side(1);
    load(side, &mut asks, turn).await?;
    let mut before = Vec::new();
    for _ in 0..options.rounds {
        before.push(load(side, &mut asks, turn).await?);
    }
    running.deployment.run(DUE)?;
    let begun = Instant::now();
    let mut meanwhile = Vec::new();
    let mut refreshed = 0;
    while running.deployment.number(ANY_LEFT)? > 0.0 {
        if begun.elapsed() > PATIENCE {
            return Err("the sweep did not finish in time".into());
        }
        meanwhile.push(load(side, &mut asks, Duration::from_secs(1)).await?);
        refreshed += meanwhile.last().map_or(0, |figures: &Figures| figures.requests);
    }
    let taken = begun.elapsed();
    let mut after = Vec::new();
    for _ in 0..options.rounds {
        after.push(load(side, &mut asks, turn).await?);
    }
    report.line(&format!(
        "{} rows due at once: treated in {:.0} s beside {refreshed} refreshes",
        options.due,
        taken.as_secs_f64()
    ));
    report.side("before", &before);
    report.side("meanwhile", &meanwhile);
    report.side("after", &after);
    Ok(())
}
