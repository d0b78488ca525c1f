//! The tables, in Markdown, so that they can be laid into the documentation as they are.

use crate::Outcome;
use crate::load::Figures;
use std::fs;
use std::path::Path;

/// What is printed at the end; what is known so far is also printed at once.
pub(super) struct Report {
    lines: Vec<String>,
}

impl Report {
    /// Says what is measured, and on what.
    pub(super) fn begin(hallpass: &Path) -> Outcome<Self> {
        let cpu = fs::read_to_string("/proc/cpuinfo")?;
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model
            .unwrap_or("unknown processor")
            .trim_start_matches(['\t', ' ', ':']);
        let cores = std::thread::available_parallelism()?;
        let size = fs::metadata(hallpass)?.len() as f64 / 1e6;
        let mut report = Self { lines: Vec::new() };
        report.line(&format!(
            "machine: {cores} cores, {model}; the load comes from the same machine"
        ));
        report.line(&format!("binary: {size:.1} MB"));
        Ok(report)
    }

    /// One line, at once and at the end.
    pub(super) fn line(&mut self, text: &str) {
        println!("{text}");
        self.lines.push(text.to_owned());
    }

    /// A hot path beside its bare server.
    pub(super) fn beside_bare(&mut self, name: &str, bytes: usize, durable: bool, ours: &[Figures], bare: &[Figures]) {
        let ratios = ours
            .iter()
            .zip(bare)
            .map(|(ours, bare)| ours.cpu_each() / bare.cpu_each());
        let ratio = median(ratios.collect());
        let bar = if durable {
            format!(
                "{:.0} % of the bare server's requests per CPU second (bar 60 %)",
                100.0 / ratio
            )
        } else {
            format!("{ratio:.2} × the bare server's CPU (bar 1.3)")
        };
        self.line(&format!("{name}: {bar}; {bytes} bytes an answer"));
        self.side("hallpass", ours);
        self.side("bare", bare);
    }

    /// One side's figures.
    pub(super) fn side(&mut self, name: &str, figures: &[Figures]) {
        let of = |what: fn(&Figures) -> f64| median(figures.iter().map(what).collect());
        let (cpu, rate) = (of(Figures::cpu_each), of(Figures::rate));
        let (p50, p99) = (of(|f| millis(f, 0.5)), of(|f| millis(f, 0.99)));
        self.line(&format!(
            "  {name}: {cpu:.1} µs CPU a request, {rate:.0} requests/s, p50 {p50:.2} ms, p99 {p99:.2} ms"
        ));
    }

    /// Everything once more.
    pub(super) fn print(&self) {
        println!("\n{}", self.lines.join("\n"));
    }
}

/// The middle one.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn millis(figures: &Figures, quantile: f64) -> f64 {
    figures.latency.value_at_quantile(quantile) as f64 / 1e3
}
