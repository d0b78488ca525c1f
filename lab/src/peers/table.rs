//! The tables of the report, in Markdown, to be copied into the documentation as they are.

use super::peer::Peer;
use crate::Outcome;
use crate::load::Figures;
use crate::tree;
use hdrhistogram::Histogram;
use std::fs;
use std::time::Duration;

/// The figures of a server in one workload: the sum of its turns.
pub(super) struct Row {
    name: &'static str,
    /// Why there are no figures.
    pub(super) failed: Option<String>,
    sum: Option<Sum>,
}

struct Sum {
    requests: u64,
    time: Duration,
    cpu: Duration,
    database: Duration,
    latency: Histogram<u64>,
}

impl Row {
    /// A row without figures.
    pub(super) fn new(name: &'static str, failed: Option<String>) -> Self {
        Self {
            name,
            failed,
            sum: None,
        }
    }

    /// Adds a turn.
    pub(super) fn add(&mut self, figures: &Figures) {
        let latency = &figures.latency;
        let sum = self.sum.get_or_insert_with(|| Sum {
            requests: 0,
            time: Duration::ZERO,
            cpu: Duration::ZERO,
            database: Duration::ZERO,
            latency: Histogram::new_from(latency),
        });
        sum.requests += figures.requests;
        sum.time += figures.time;
        sum.cpu += figures.cpu;
        sum.database += figures.database;
        if let Err(reason) = sum.latency.add(latency) {
            self.failed = Some(reason.to_string());
        }
    }

    fn shown(&self) -> String {
        let name = self.name;
        match (&self.failed, &self.sum) {
            (None, Some(sum)) => format!("| {name} | {} |", sum.shown()),
            (Some(reason), _) => format!("| {name} | failed: {} | | | | |", reason.replace(['\n', '|'], " ")),
            (None, None) => format!("| {name} | not measured | | | | |"),
        }
    }
}

impl Sum {
    fn shown(&self) -> String {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / self.requests.max(1) as f64;
        let millis = |quantile| self.latency.value_at_quantile(quantile) as f64 / 1e3;
        let database = if self.database.is_zero() {
            "–".to_owned()
        } else {
            format!("{:.0}", each(self.database))
        };
        format!(
            "{:.0} | {database} | {:.0} | {:.1} | {:.1}",
            each(self.cpu),
            self.requests as f64 / self.time.as_secs_f64(),
            millis(0.5),
            millis(0.99)
        )
    }
}

/// The machine of the run.
pub(super) fn machine() -> Outcome<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo")?;
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model
        .unwrap_or("unknown processor")
        .trim_start_matches(['\t', ' ', ':']);
    let cores = std::thread::available_parallelism()?;
    Ok(format!("{cores} cores, {model}; the load comes from the same machine"))
}

/// The table of one workload.
pub(super) fn workload(name: &str, rows: &[Row]) -> String {
    let head = format!(
        "| {name} | CPU µs a request | of its PostgreSQL, µs | requests/s | p50 ms | p99 ms |\n|---|--:|--:|--:|--:|--:|"
    );
    let rows: Vec<String> = rows.iter().map(Row::shown).collect();
    format!("{head}\n{}", rows.join("\n"))
}

/// The table of start times and memory, after all workloads.
pub(super) fn resources(peers: &[Peer]) -> Outcome<String> {
    let mut lines = vec![
        "| | start to first token, s | memory after the load, MiB | of its PostgreSQL, MiB |".to_owned(),
        "|---|--:|--:|--:|".to_owned(),
    ];
    for peer in peers {
        let memory = tree::memory(peer.program.id())?;
        let database = match &peer.database {
            Some(database) => format!("{:.0}", database.memory()?),
            None => "–".to_owned(),
        };
        let (name, start) = (peer.name, peer.start.as_secs_f64());
        lines.push(format!("| {name} | {start:.2} | {memory:.0} | {database} |"));
    }
    Ok(lines.join("\n"))
}
