//! How far a server, and a reader of the feed over HTTP, knows what happened (docs/guide/resource-feed.md).

use crate::time::Instant;
use std::fmt;

/// The most runs in a position. A server whose runs are left out only repeats events.
pub(super) const RUNS: usize = 64;

/// The longest position as text.
const LONGEST: usize = 4_000;

/// The name of a run of a server, or of a server: the last eight bytes of a random name. A renamed run differs in them.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct ShortName(u64);

/// An entry of the feed in its run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct EventId {
    /// The run of the server that wrote it.
    pub(crate) run: ShortName,
    /// Its number in the run.
    pub(crate) number: u64,
}

/// A position in the feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Position {
    /// The deployment, its configuration and the reader. Positions of different epochs cannot be compared.
    pub(crate) epoch: ShortName,
    /// The server that gave the position.
    pub(crate) server: ShortName,
    /// The number of events that this server had seen.
    pub(crate) count: u64,
    /// When, by the clock that the servers share.
    pub(crate) at: Instant,
    /// The last event of each run that wrote one in the last minute.
    pub(crate) runs: Vec<EventId>,
}

impl ShortName {
    /// The short form of a name of 16 bytes.
    #[must_use]
    pub(crate) fn of([.., a, b, c, d, e, f, g, h]: [u8; 16]) -> Self {
        Self(u64::from_be_bytes([a, b, c, d, e, f, g, h]))
    }

    fn parse(text: &str) -> Option<Self> {
        let is_hex = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_hex.then(|| u64::from_str_radix(text, 16).ok().map(Self))?
    }
}

impl fmt::Display for ShortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.run, self.number)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}-{}.{}", self.epoch, self.server, self.count, self.at.0)?;
        self.runs.iter().try_for_each(|id| write!(f, ".{id}"))
    }
}

impl Position {
    /// Reads a position that [`fmt::Display`] wrote. `None` if no server wrote it.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        let mut parts = text.split('.');
        let epoch = ShortName::parse(parts.next()?)?;
        let EventId { run, number } = event_id(parts.next()?)?;
        let at = Instant(i64::try_from(count(parts.next()?)?).ok()?);
        let runs: Vec<EventId> = parts.map(event_id).collect::<Option<_>>()?;
        (runs.len() <= RUNS).then_some(Self {
            epoch,
            server: run,
            count: number,
            at,
            runs,
        })
    }

    /// Whether the event happened before this position. `None` if the position does not name its run.
    #[must_use]
    pub(crate) fn covers(&self, event: EventId) -> Option<bool> {
        let known = self.runs.iter().find(|id| id.run == event.run)?;
        Some(known.number >= event.number)
    }
}

fn event_id(text: &str) -> Option<EventId> {
    let (run, number) = text.split_once('-')?;
    Some(EventId {
        run: ShortName::parse(run)?,
        number: count(number)?,
    })
}

fn count(text: &str) -> Option<u64> {
    let is_number = text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(runs: u64) -> Position {
        Position {
            epoch: ShortName(1),
            server: ShortName(u64::MAX),
            count: 52,
            at: Instant(1_795_000_000_000),
            runs: (0..runs)
                .map(|run| EventId {
                    run: ShortName(run),
                    number: u64::from(u32::MAX),
                })
                .collect(),
        }
    }

    #[test]
    fn a_position_is_read_back() {
        let text = position(2).to_string();
        assert_eq!(
            text,
            "0000000000000001.ffffffffffffffff-52.1795000000000.0000000000000000-4294967295.0000000000000001-4294967295"
        );
        for runs in [0, 1, 2, RUNS as u64] {
            let given = position(runs);
            let text = given.to_string();
            assert!(text.len() <= LONGEST, "{}", text.len());
            assert_eq!(Position::parse(&text), Some(given));
        }
    }

    #[test]
    fn anything_else_is_no_position() {
        let good = position(1).to_string();
        for bad in [
            "",
            "1",
            "0000000000000001",
            "0000000000000001.ffffffffffffffff-52",
            "0000000000000001.ffffffffffffffff-52.",
            "0000000000000001.ffffffffffffffff.1795000000000",
            "000000000000001.ffffffffffffffff-52.1795000000000",
            "000000000000000A.ffffffffffffffff-52.1795000000000",
            "0000000000000001.ffffffffffffffff-+2.1795000000000",
            "0000000000000001.ffffffffffffffff-52.-1795000000000",
            "0000000000000001.ffffffffffffffff-52.99999999999999999999",
            &format!("{good}."),
            &format!("{good} "),
            &position(RUNS as u64 + 1).to_string(),
            &"0".repeat(LONGEST + 1),
        ] {
            assert_eq!(Position::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_position_covers_the_events_up_to_its_number_of_each_run() {
        let event = |run, number| EventId {
            run: ShortName(run),
            number,
        };
        let given = position(2);
        assert_eq!(given.covers(event(1, u64::from(u32::MAX))), Some(true));
        assert_eq!(given.covers(event(1, u64::from(u32::MAX) + 1)), Some(false));
        assert_eq!(given.covers(event(7, 1)), None);
    }

    #[test]
    fn a_renamed_run_has_another_short_name() {
        let name = 0x1234_u128 << 64 | u128::from(u64::MAX);
        let renamed = name.wrapping_add(1);
        assert_ne!(ShortName::of(name.to_be_bytes()), ShortName::of(renamed.to_be_bytes()));
    }
}
