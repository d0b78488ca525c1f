//! What excuses a loss, what forbids a life, and for how long a node may not know.

use crate::faults::history::Event;
use std::time::Duration;

/// What holds where a history was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// How long what was acknowledged at one node may be unknown to the memory of another.
    pub(crate) memory: Duration,
    /// How long to the database of another: not at all, unless that may be one which was cut off.
    pub(crate) database: Duration,
    /// Whether a request that got no answer may be carried out later, until all is calm.
    pub(crate) lingers: bool,
}

/// The design's `staleness`.
const STALENESS: Duration = Duration::from_secs(2);

impl Rules {
    /// One server with a database of its own: what it acknowledged holds at once, and what died with it is over.
    pub(crate) const ONE: Self = Self {
        memory: Duration::ZERO,
        database: Duration::ZERO,
        lingers: false,
    };
    /// Several nodes on one database.
    pub(crate) const NODES: Self = Self {
        memory: STALENESS,
        database: Duration::ZERO,
        lingers: true,
    };
    /// Several nodes, of which one may have a database that was cut off and does not know it.
    pub(crate) const SPLIT: Self = Self {
        memory: STALENESS,
        database: STALENESS,
        lingers: true,
    };
}

/// That something is over: since when, and which node remembers it.
#[derive(Clone, Copy)]
pub(super) struct Over {
    tick: u64,
    at: Duration,
    node: Option<usize>,
}

impl Over {
    /// The node that said so has it in memory.
    pub(super) fn known_to(event: &Event) -> Self {
        Self {
            node: Some(event.node),
            ..Self::in_the_database(event)
        }
    }

    /// The database said so.
    pub(super) fn in_the_database(event: &Event) -> Self {
        Self {
            tick: event.received,
            at: event.received_at,
            node: None,
        }
    }

    /// Whether an answer that shows life is one too many: the node knew, or had had the time that is allowed.
    pub(super) fn forbids(&self, event: &Event, allowed: Duration) -> bool {
        let knew = allowed.is_zero() || self.node == Some(event.node);
        self.tick < event.sent && (knew || self.age(event) > allowed)
    }

    /// How long it had been over when this was asked.
    pub(super) fn age(&self, event: &Event) -> Duration {
        event.sent_at.saturating_sub(self.at)
    }
}

/// Requests that may have ended something.
#[derive(Default)]
pub(super) struct Doubts {
    open: Vec<Doubt>,
    /// When each was sent and its outcome known, the disproved ones too.
    all: Vec<(u64, u64)>,
}

struct Doubt {
    sent: u64,
    received: u64,
    certain: bool,
}

impl Doubts {
    pub(super) fn add(&mut self, event: &Event, certain: bool) {
        let (sent, received) = (event.sent, event.received);
        self.all.push((sent, received));
        self.open.push(Doubt {
            sent,
            received,
            certain,
        });
    }

    /// Life was shown: what got no answer and was settled `before` was not done.
    pub(super) fn disprove(&mut self, before: u64) {
        self.open.retain(|doubt| doubt.certain || doubt.received >= before);
    }

    /// Whether one of them explains what was heard at `received`.
    pub(super) fn explain(&self, received: u64) -> bool {
        self.open.iter().any(|doubt| doubt.sent < received)
    }

    /// Whether one of them had been sent by then, and was answered only later.
    pub(super) fn was_under_way(&self, at: u64) -> bool {
        self.all.iter().any(|(sent, received)| *sent < at && *received > at)
    }
}

/// The moment by which everything that got no answer had happened or would not, as seen by one who asks now.
pub(super) fn settled(calms: &[u64], rules: Rules, event: &Event) -> u64 {
    if !rules.lingers {
        return event.sent;
    }
    let earlier = calms.partition_point(|calm| *calm <= event.sent);
    earlier
        .checked_sub(1)
        .and_then(|last| calms.get(last))
        .copied()
        .unwrap_or(0)
}
