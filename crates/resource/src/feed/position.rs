//! Positions, and which events they cover.

/// The longest position (docs/guide/resource-feed.md).
const LONGEST: usize = 4000;

/// `EPOCH.SERVER-COUNT.TIME`, then any number of `.RUN-NUMBER`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Position(String);

impl Position {
    /// Parses a position. `None` if it is too long or has other characters.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'.' | b'-');
        let whole = !text.is_empty() && text.len() <= LONGEST && text.bytes().all(fits);
        whole.then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the server knew the event when it was here.
    pub(crate) fn covers(&self, event: &EventId) -> bool {
        self.0
            .split('.')
            .skip(3)
            .filter_map(EventId::parse)
            .any(|own| own.run == event.run && own.number >= event.number)
    }
}

/// The place of an event in its run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct EventId {
    run: String,
    number: u64,
}

impl EventId {
    /// Parses `RUN-NUMBER`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (run, number) = text.rsplit_once('-')?;
        Some(Self {
            run: run.to_owned(),
            number: number.parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_covers_what_came_before_it_in_its_run() {
        let position = Position::parse("9c1f.41d0-52.1795000000000.5b0e-18.77aa-3").unwrap();
        let covers = |id: &str| position.covers(&EventId::parse(id).unwrap());
        assert!(covers("5b0e-18") && covers("5b0e-1") && covers("77aa-3"));
        assert!(!covers("5b0e-19") && !covers("77aa-4") && !covers("other-1"));
        // The server and its count stand before the runs.
        assert!(!covers("41d0-52"));
    }

    #[test]
    fn a_position_has_only_its_characters() {
        assert!(Position::parse("9c1f.41d0-52.1").is_some());
        for text in ["", "9C1F", "9c1f&x=1", "9c1f 1", &"1".repeat(LONGEST + 1)] {
            assert!(Position::parse(text).is_none(), "{text}");
        }
        assert!(EventId::parse("run").is_none() && EventId::parse("run-x").is_none());
    }
}
