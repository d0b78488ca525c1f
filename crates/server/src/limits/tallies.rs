//! A table of tallies, bounded whatever comes: sets of eight, as processors' caches have them. A key belongs to one set; a new
//! one takes the place of the tally that says least: forgotten, then with the fewest failures, then the oldest.

use crate::time::Instant;
use std::time::Duration;

const WAYS: usize = 8;
/// After so long without a failure nothing is held against anybody.
const FORGOTTEN: Duration = Duration::from_secs(24 * 60 * 60);

/// How many failures are free, and how long to wait after more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    /// So many failures make nobody wait.
    pub(super) free: u32,
    /// The wait after the last free failure; each further one doubles it.
    pub(super) first: Duration,
    /// The longest wait; so much calm forgets one failure.
    pub(super) longest: Duration,
    /// So many attempts at the same moment, as long as nobody has to wait.
    pub(super) at_once: u32,
}

/// The table.
pub(super) struct Tallies {
    /// Empty until the first attempt.
    sets: Vec<[Tally; WAYS]>,
    size: usize,
}

/// What is known of a key. Key 0 is an empty place.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Tally {
    key: u64,
    /// Milliseconds since the epoch, of the last failure.
    last: i64,
    /// As many as there were at that moment.
    failures: u32,
    /// Attempts that were let through and are not judged.
    pending: u32,
}

impl Meter {
    fn level(&self, tally: &Tally, now: Instant) -> u32 {
        let forgotten = now.since(Instant(tally.last)).as_millis() / self.longest.as_millis();
        tally
            .failures
            .saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    fn wait_after(&self, level: u32) -> Duration {
        let doubled = 1_u32.checked_shl(level.saturating_sub(self.free)).unwrap_or(u32::MAX);
        self.first.saturating_mul(doubled).min(self.longest)
    }
}

impl Tallies {
    /// A table of `size` sets.
    pub(super) fn new(size: usize) -> Self {
        Self { sets: Vec::new(), size }
    }

    /// How long an attempt has to wait by this tally.
    pub(super) fn wait(&self, key: u64, meter: &Meter, now: Instant) -> Option<Duration> {
        let tally = self.get(key)?;
        let level = meter.level(tally, now);
        if level < meter.free {
            return (tally.pending >= meter.at_once).then_some(Duration::from_secs(1));
        }
        let wait = meter.wait_after(level);
        if tally.pending > 0 {
            return Some(wait);
        }
        // A clock that was turned back makes nobody wait longer than `longest`.
        let left = wait.saturating_sub(now.since(Instant(tally.last)));
        (!left.is_zero()).then_some(left)
    }

    /// Whether nothing failed here for so long that it is forgotten, nor is about to.
    pub(super) fn is_calm(&self, key: u64, now: Instant) -> bool {
        self.get(key)
            .is_none_or(|tally| tally.pending == 0 && !tally.matters(now))
    }

    /// An attempt begins.
    pub(super) fn begin(&mut self, key: u64, now: Instant) {
        self.put(key, now).pending += 1;
    }

    /// An attempt ends, as a failure where it says when.
    pub(super) fn end(&mut self, key: u64, meter: &Meter, failed: Option<Instant>) {
        if let Some(now) = failed {
            let tally = self.put(key, now);
            tally.failures = meter.level(tally, now).saturating_add(1);
            tally.last = now.0;
        }
        let Some(tally) = self.get_mut(key) else { return };
        tally.pending = tally.pending.saturating_sub(1);
        if tally.pending == 0 && tally.failures == 0 {
            *tally = Tally::default();
        }
    }

    /// Forgets the failures.
    pub(super) fn forgive(&mut self, key: u64) {
        if let Some(tally) = self.get_mut(key) {
            tally.failures = 0;
        }
    }

    fn set_of(&self, key: u64) -> usize {
        // The remainder is smaller than `size`, which is a usize.
        usize::try_from(key % (self.size as u64)).unwrap_or_default()
    }

    fn get(&self, key: u64) -> Option<&Tally> {
        let set = self.sets.get(self.set_of(key))?;
        set.iter().find(|tally| tally.key == key)
    }

    fn get_mut(&mut self, key: u64) -> Option<&mut Tally> {
        let place = self.set_of(key);
        let set = self.sets.get_mut(place)?;
        set.iter_mut().find(|tally| tally.key == key)
    }

    /// The tally of `key`, a new one if there is none.
    fn put(&mut self, key: u64, now: Instant) -> &mut Tally {
        if self.sets.is_empty() {
            self.sets = vec![[Tally::default(); WAYS]; self.size];
        }
        let place = self.set_of(key);
        let set = &mut self.sets[place];
        let found = set.iter().position(|tally| tally.key == key);
        let way = found.unwrap_or_else(|| {
            let least = (0..WAYS).min_by_key(|way| set[*way].weight(now)).unwrap_or_default();
            set[least] = Tally {
                key,
                ..Tally::default()
            };
            least
        });
        &mut set[way]
    }
}

impl Tally {
    fn matters(&self, now: Instant) -> bool {
        self.failures > 0 && now.since(Instant(self.last)) < FORGOTTEN
    }

    fn weight(&self, now: Instant) -> (bool, u32, i64) {
        (
            self.matters(now) || self.pending > 0,
            self.failures.saturating_add(self.pending),
            self.last,
        )
    }
}

#[cfg(test)]
impl Tallies {
    /// How many tallies the table holds.
    pub(super) fn held(&self) -> usize {
        self.sets.iter().flatten().filter(|tally| tally.key != 0).count()
    }
}
