//! The log on standard error, with a bound: each refusal is a line, and a refused client can ask without end.

use std::collections::HashMap;
use std::fmt::Debug;
use std::io::{self, IsTerminal as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata};
use tracing_subscriber::layer::{Context, Filter, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

/// The largest number of lines of one kind that are written in one span.
const LINES: u64 = 100;
/// The length of a span. At its end, one line counts the lines that were left out.
const SPAN: Duration = Duration::from_secs(10);

/// The counts of lines in this span. Lines of one kind come from the same place in the code and have the same `reason`.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<HashMap<(Identifier, String), Tally>>>);

struct Tally {
    lines: u64,
    target: &'static str,
}

impl Log {
    /// Logs to standard error from now on; `RUST_LOG` selects the lines. If a line cannot be written, the error is not reported
    /// to the same stream: on a full disk that would be a panic in the middle of a request, or in the thread that writes.
    pub(super) fn to_stderr() -> Self {
        let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| "info,refinery_core=warn".into());
        let log = Self::default();
        let lines = fmt::layer()
            .with_writer(io::stderr)
            .log_internal_errors(false)
            .with_ansi(io::stderr().is_terminal())
            .with_filter(log.clone());
        tracing_subscriber::registry().with(lines).with(filter).init();
        let of_spans = log.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SPAN).await;
                of_spans.summarize();
            }
        });
        log
    }

    /// Ends the span: logs how many lines of each kind were left out.
    pub(super) fn summarize(&self) {
        let tallies = std::mem::take(&mut *self.tallies());
        for ((_, reason), tally) in tallies {
            if let Some(left_out @ 1..) = tally.lines.checked_sub(LINES) {
                tracing::warn!(left_out, target = tally.target, reason, "too many lines of one kind");
            }
        }
    }

    fn admits(&self, place: Identifier, reason: String, target: &'static str) -> bool {
        let mut tallies = self.tallies();
        let tally = tallies.entry((place, reason)).or_insert(Tally { lines: 0, target });
        tally.lines += 1;
        tally.lines <= LINES
    }

    fn tallies(&self) -> MutexGuard<'_, HashMap<(Identifier, String), Tally>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Filter<S> for Log {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    /// Lines below `info` appear only if `RUST_LOG` asks for them, so none of them is left out.
    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        let metadata = event.metadata();
        if *metadata.level() > Level::INFO || metadata.target() == module_path!() {
            return true;
        }
        let mut reason = Reason::default();
        event.record(&mut reason);
        self.admits(metadata.callsite(), reason.0, metadata.target())
    }
}

/// The value of the field `reason`, a word of `docs/reasons.md`.
#[derive(Default)]
struct Reason(String);

impl Visit for Reason {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "reason" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
