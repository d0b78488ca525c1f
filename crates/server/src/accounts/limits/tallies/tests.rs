use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

impl Tallies {
    /// The number of tallies in the table.
    pub(in super::super) fn held(&self) -> usize {
        self.sets.iter().flatten().filter(|tally| tally.key != 0).count()
    }
}

const METER: Meter = Meter {
    free: 3,
    first: Duration::from_secs(10),
    longest: Duration::from_secs(60),
    at_once: 0,
};

/// Attempts: the key, the number of guesses, and the seconds since the attempt before.
fn attempts() -> impl Strategy<Value = Vec<(u64, u32, u32)>> {
    prop::collection::vec((1_u64..40, 1_u32..4, 0_u32..40), 1..400)
}

proptest! {
    /// Compares a table that is far too small for all keys with one that has room for all.
    #[test]
    fn a_full_table_never_underestimates_the_failures_of_a_key(attempts in attempts()) {
        let mut small = Tallies::new(2, METER, Evicted::Inherited);
        let mut whole: HashMap<u64, Tally> = HashMap::new();
        let mut now = Instant(1_767_225_600_000);
        for (key, guesses, pause) in attempts {
            now = now.after(Duration::from_secs(pause.into()));
            let own = whole.entry(key).or_default();
            let (known, truth) = (METER.level(&small.seen(key, now), now), METER.level(own, now));
            prop_assert!(known >= truth, "{known} {truth}");
            if small.wait(key, guesses, now).is_none() {
                small.begin(key, guesses, now);
                small.end(key, guesses, Some(now));
                own.failures = truth + guesses;
                own.last = now.0;
            }
        }
        prop_assert!(small.held() <= 16);
    }

    /// For any timing of an attacker's guesses, and with other keys beside them: the table lets through the free guesses,
    /// those until the longest wait, and then one for each longest wait. Forgotten failures are included.
    #[test]
    fn a_key_never_exceeds_its_budget_of_guesses(attempts in attempts()) {
        let mut table = Tallies::new(2, METER, Evicted::Inherited);
        let begin = Instant(1_767_225_600_000);
        let (mut now, mut looked_at) = (begin, 0_u128);
        for (key, guesses, pause) in attempts {
            now = now.after(Duration::from_secs(pause.into()));
            if table.wait(key, guesses, now).is_none() {
                table.begin(key, guesses, now);
                table.end(key, guesses, Some(now));
                looked_at += if key == 1 { u128::from(guesses) } else { 0 };
            }
        }
        let slots = now.since(begin).as_millis() / METER.longest.as_millis();
        // An attempt is let through as a whole, so it may exceed the budget by two guesses.
        prop_assert!(looked_at <= u128::from(METER.ceiling()) + slots + 3, "{looked_at} {slots}");
    }

    #[test]
    fn attempts_at_the_same_moment_have_no_more_guesses_than_are_free(guesses in prop::collection::vec(1_u32..4, 1..50)) {
        let mut table = Tallies::new(2, METER, Evicted::Inherited);
        let now = Instant(1_767_225_600_000);
        let mut pending = 0;
        for guesses in guesses {
            if table.wait(1, guesses, now).is_none() {
                table.begin(1, guesses, now);
                pending += guesses;
            }
        }
        prop_assert!(pending <= METER.free, "{pending}");
    }
}

#[test]
fn an_attempt_of_several_guesses_waits_as_long_as_that_many() {
    let mut table = Tallies::new(1, METER, Evicted::Forgotten);
    let now = Instant(1_767_225_600_000);
    let mut failed = |guesses, now| {
        table.begin(1, guesses, now);
        table.end(1, guesses, Some(now));
        table.wait(1, 1, now).map(|wait| wait.as_secs())
    };
    let waits = [1, 1, 1, 1, 1, 1, 1].map(|guesses| failed(guesses, now));
    let expected = [None, None, Some(10), Some(20), Some(40), Some(60), Some(60)];
    assert_eq!(waits, expected);
    assert_eq!(failed(3, now.after(Duration::from_secs(60))), Some(180));
}

#[test]
fn the_tally_forgotten_first_is_evicted_and_never_one_in_progress() {
    let mut table = Tallies::new(1, METER, Evicted::Forgotten);
    let now = Instant(1_767_225_600_000);
    for key in 1..=8 {
        table.begin(key, 1, now);
        let failed = (key > 1).then(|| now.after(Duration::from_secs(key)));
        if key > 1 {
            table.end(key, 1, failed);
        }
    }
    for key in 9..=30 {
        table.begin(key, 1, now);
        table.end(key, 1, Some(now));
    }
    assert!(table.get(1).is_some(), "under way");
    assert!(table.get(2).is_none());
    assert!(table.get(8).is_some(), "those that failed before made room");
}
