//! The tables of the report, in Markdown, to be copied into the documentation as they are.

use crate::Outcome;
use crate::load::Figures;
use std::fs;
use std::path::Path;

/// The lines of the report. Each is printed at once, and all again at the end.
pub(super) struct Report {
    lines: Vec<String>,
}

/// A figure of one turn.
pub(super) type Of = fn(&Figures) -> f64;

impl Report {
    /// Begins with the version and the machine.
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
            "machine: {cores} cores, {model}; the load and PostgreSQL are on the same machine"
        ));
        report.line(&format!("binary: {size:.1} MB"));
        Ok(report)
    }

    /// Prints one line, and keeps it for the end.
    pub(super) fn line(&mut self, text: &str) {
        println!("{text}");
        self.lines.push(text.to_owned());
    }

    /// The table of a hot path: a bare server and a node, two of each, and so on.
    pub(super) fn beside_bare(&mut self, durable: bool, figures: &[Vec<Figures>]) {
        let beside = if durable { "requests per CPU second" } else { "CPU" };
        self.line(&format!(
            "| | server µs CPU | PostgreSQL µs CPU | {beside} beside bare: server | with PostgreSQL | CPU beside one: server | \
             with PostgreSQL | requests/s | p50 ms | p99 ms |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        ));
        let mut single = None;
        for (count, pair) in figures.chunks(2).enumerate() {
            let [bare, ours] = pair else { continue };
            let (single_bare, single_ours) = *single.get_or_insert((bare, ours));
            let against_bare = |what: Of| match (ratio(ours, bare, what), durable) {
                (ratio, true) => format!("{:.0} %", 100.0 / ratio),
                (ratio, false) => format!("{ratio:.2} ×"),
            };
            let none = || "– | –".to_owned();
            let both =
                |what: &dyn Fn(Of) -> String| format!("{} | {}", what(Figures::cpu_each), what(Figures::both_each));
            let alone = |of: &[Figures], single: &[Figures]| match count {
                0 => none(),
                _ => both(&|what| format!("{:.2} ×", ratio(of, single, what))),
            };
            let (named_bare, named_ours) = match count {
                0 => ("bare".to_owned(), "Hallpass".to_owned()),
                _ => (format!("{} bare", count + 1), format!("Hallpass, {} nodes", count + 1)),
            };
            self.row(&named_bare, &none(), &alone(bare, single_bare), bare);
            self.row(&named_ours, &both(&against_bare), &alone(ours, single_ours), ours);
        }
    }

    /// The row of an older version, and the ratio of one node to it.
    pub(super) fn beside_before(&mut self, ours: &[Figures], older: &[Figures]) {
        self.row("the older version", "– | –", "– | –", older);
        self.line(&format!(
            "\nCPU beside the older version: {:.2} ×, with PostgreSQL {:.2} ×",
            ratio(ours, older, Figures::cpu_each),
            ratio(ours, older, Figures::both_each)
        ));
    }

    fn row(&mut self, name: &str, against_bare: &str, against_one: &str, of: &[Figures]) {
        let middle = |what: Of| median(of.iter().map(what).collect());
        self.line(&format!(
            "| {name} | {:.1} | {:.1} | {against_bare} | {against_one} | {:.0} | {:.2} | {:.2} |",
            middle(Figures::cpu_each),
            middle(Figures::database_each),
            middle(Figures::rate),
            middle(|figures| figures.millis(0.5)),
            middle(|figures| figures.millis(0.99))
        ));
    }

    /// The figures of one side.
    pub(super) fn side(&mut self, name: &str, figures: &[Figures]) {
        let of = |what: Of| median(figures.iter().map(what).collect());
        self.line(&format!(
            "  {name}: {:.1} µs CPU a request, PostgreSQL {:.1} µs, {:.0} requests/s, p50 {:.2} ms, p99 {:.2} ms",
            of(Figures::cpu_each),
            of(Figures::database_each),
            of(Figures::rate),
            of(|figures| figures.millis(0.5)),
            of(|figures| figures.millis(0.99))
        ));
    }

    /// Prints all lines again.
    pub(super) fn print(&self) {
        println!("\n{}", self.lines.join("\n"));
    }
}

/// The median over the rounds of a figure's ratio to the same figure of another side.
pub(super) fn ratio(ours: &[Figures], theirs: &[Figures], what: Of) -> f64 {
    median(
        ours.iter()
            .zip(theirs)
            .map(|(ours, theirs)| what(ours) / what(theirs))
            .collect(),
    )
}

/// The median.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
