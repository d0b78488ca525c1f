//! The requests that may explain an end, the ends that forbid a later use, and how long a node may not know.

use crate::faults::history::Event;
use std::time::Duration;

/// The promises for the setup in which a history was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// How long the memory of a node may miss an end that another node acknowledged.
    pub(crate) memory: Duration,
    /// The same for the database of a node: zero, unless that database may be a cut-off primary.
    pub(crate) database: Duration,
    /// Whether a request without an answer may be carried out later, until all is settled.
    pub(crate) lingers: bool,
}

/// The design's `staleness`.
const STALENESS: Duration = Duration::from_secs(2);

impl Rules {
    /// One server with its own database: an acknowledged change holds at once, and open requests die with the server.
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
    /// Several nodes, one of which may use a primary that was cut off and does not know it.
    pub(crate) const SPLIT: Self = Self {
        memory: STALENESS,
        database: STALENESS,
        lingers: true,
    };
}

/// An end: since when it is known, and which node has it in memory.
#[derive(Clone, Copy)]
pub(super) struct Over {
    tick: u64,
    at: Duration,
    node: Option<usize>,
}

impl Over {
    /// The node that answered has the end in memory.
    pub(super) fn known_to(event: &Event) -> Self {
        Self {
            node: Some(event.node),
            ..Self::in_the_database(event)
        }
    }

    /// The database reported the end.
    pub(super) fn in_the_database(event: &Event) -> Self {
        Self {
            tick: event.received,
            at: event.received_at,
            node: None,
        }
    }

    /// Whether an answer that shows an active grant is a violation: the node knew the end, or should have known by then.
    pub(super) fn forbids(&self, event: &Event, allowed: Duration) -> bool {
        let knew = allowed.is_zero() || self.node == Some(event.node);
        self.tick < event.sent && (knew || self.age(event) > allowed)
    }

    /// How long before this request the end was known.
    pub(super) fn age(&self, event: &Event) -> Duration {
        event.sent_at.saturating_sub(self.at)
    }
}

/// Requests that may have ended a grant.
#[derive(Default)]
pub(super) struct Doubts {
    open: Vec<Doubt>,
    /// When each was sent and when its outcome was known, including those disproved later.
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

    /// The grant was seen active: requests without an answer that were settled `before` were not carried out.
    pub(super) fn disprove(&mut self, before: u64) {
        self.open.retain(|doubt| doubt.certain || doubt.received >= before);
    }

    /// Whether one of them explains an answer received at `received`.
    pub(super) fn explain(&self, received: u64) -> bool {
        self.open.iter().any(|doubt| doubt.sent < received)
    }

    /// Whether one of them had been sent by then, but not answered.
    pub(super) fn was_under_way(&self, at: u64) -> bool {
        self.all.iter().any(|(sent, received)| *sent < at && *received > at)
    }
}

/// The tick before which every request without an answer is settled, for a request sent now.
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
