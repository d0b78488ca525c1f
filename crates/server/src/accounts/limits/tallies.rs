//! A table of tallies of a fixed size, in sets of eight, like the cache of a processor. A key belongs to one set. A new key
//! takes the slot of the tally that would be forgotten first.

use crate::time::Instant;
use std::time::Duration;

const WAYS: usize = 8;
/// A source without a failure for this long counts as new again.
const CALM: Duration = Duration::from_secs(24 * 60 * 60);

/// How many failures are free, and how long to wait after more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    /// The number of failures after which nobody has to wait.
    pub(super) free: u32,
    /// The wait after the last free failure. Each further failure doubles it.
    pub(super) first: Duration,
    /// The longest wait after one guess. After so much time without a failure, one failure is forgotten.
    pub(super) longest: Duration,
    /// The number of attempts allowed at the same moment while failures are free, even if fewer failures are left.
    pub(super) at_once: u32,
}

/// What a key inherits if its tally was evicted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Evicted {
    /// Nothing: the key starts anew.
    Forgotten,
    /// The failures of the tally that it evicts. That tally is the first of its set to be forgotten, and so was the key's
    /// own when it was evicted. So the table never underestimates the failures of a key (Metwally, Agrawal, El Abbadi
    /// 2005).
    Inherited,
}

/// A table of tallies.
pub(super) struct Tallies {
    /// Empty until the first attempt.
    sets: Vec<[Tally; WAYS]>,
    size: usize,
    meter: Meter,
    evicted: Evicted,
}

/// The failures of one key. Key 0 marks an empty slot.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Tally {
    key: u64,
    /// The moment of the last failure, in milliseconds since the epoch.
    last: i64,
    /// The number of failures at that moment.
    failures: u32,
    /// The guesses that were let through and are not judged yet.
    pending: u32,
}

impl Meter {
    fn level(&self, tally: &Tally, now: Instant) -> u32 {
        let forgotten = now.since(Instant(tally.last)).as_millis() / self.longest.as_millis();
        tally
            .failures
            .saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    /// When the last failure will be forgotten. The tally that is forgotten first never has the higher level of the two.
    fn forgotten_at(&self, tally: &Tally) -> i128 {
        let longest = i128::try_from(self.longest.as_millis()).unwrap_or(i128::MAX);
        i128::from(tally.last).saturating_add(longest.saturating_mul(tally.failures.into()))
    }

    /// The level from which on the wait after one guess is the longest.
    fn ceiling(&self) -> u32 {
        let doubled = |steps: u32| self.first.saturating_mul(1_u32.checked_shl(steps).unwrap_or(u32::MAX));
        let steps = (0..32).find(|steps| doubled(*steps) >= self.longest);
        self.free + steps.unwrap_or(32)
    }

    /// Above the ceiling, where one attempt was several guesses, each guess adds a longest wait.
    fn wait_after(&self, level: u32) -> Duration {
        let doubled = 1_u32.checked_shl(level.saturating_sub(self.free)).unwrap_or(u32::MAX);
        let above = level.saturating_sub(self.ceiling());
        self.first.saturating_mul(doubled).min(self.longest) + self.longest * above
    }
}

impl Tallies {
    /// A table of `size` sets.
    pub(super) fn new(size: usize, meter: Meter, evicted: Evicted) -> Self {
        Self {
            sets: Vec::new(),
            size,
            meter,
            evicted,
        }
    }

    /// How long an attempt with this number of `guesses` has to wait by this tally.
    pub(super) fn wait(&self, key: u64, guesses: u32, now: Instant) -> Option<Duration> {
        let (meter, tally) = (&self.meter, self.seen(key, now));
        let level = meter.level(&tally, now);
        let all_fail = level.saturating_add(tally.pending).saturating_add(guesses);
        if level < meter.free {
            let admitted = all_fail <= meter.free || tally.pending == 0 || tally.pending < meter.at_once;
            return (!admitted).then_some(Duration::from_secs(1));
        }
        // Counts from the failures at the last failure: the failures forgotten since then are the wait itself.
        let wait = meter.wait_after(tally.failures);
        if tally.pending > 0 {
            return Some(wait);
        }
        // If the clock was turned back, nobody waits longer.
        let left = wait.saturating_sub(now.since(Instant(tally.last)));
        (!left.is_zero()).then_some(left)
    }

    /// Whether no attempt failed here for a day, and none is in progress.
    pub(super) fn is_calm(&self, key: u64, now: Instant) -> bool {
        let failed = |tally: &Tally| tally.failures > 0 && now.since(Instant(tally.last)) < CALM;
        self.get(key).is_none_or(|tally| tally.pending == 0 && !failed(tally))
    }

    /// Notes that an attempt with this number of guesses begins.
    pub(super) fn begin(&mut self, key: u64, guesses: u32, now: Instant) {
        let tally = self.put(key, now);
        tally.pending = tally.pending.saturating_add(guesses);
    }

    /// Notes that an attempt ends. It failed if `failed` gives a moment.
    pub(super) fn end(&mut self, key: u64, guesses: u32, failed: Option<Instant>) {
        let meter = self.meter;
        if let Some(now) = failed {
            let tally = self.put(key, now);
            let level = meter.level(tally, now);
            // Guesses at the same moment raise the level no further than guesses one after the other.
            let highest = (meter.ceiling() + guesses).saturating_sub(1).max(level);
            tally.failures = level.saturating_add(guesses).min(highest);
            tally.last = now.0;
        }
        let Some(tally) = self.get_mut(key) else { return };
        tally.pending = tally.pending.saturating_sub(guesses);
        if tally.pending == 0 && tally.failures == 0 {
            *tally = Tally::default();
        }
    }

    /// Clears the failures of a key.
    pub(super) fn forgive(&mut self, key: u64) {
        if let Some(tally) = self.get_mut(key) {
            tally.failures = 0;
        }
    }

    /// The tally of `key`, or the one that it would get.
    fn seen(&self, key: u64, now: Instant) -> Tally {
        let found = self.get(key).copied();
        let heir = || {
            let set = self.sets.get(self.set_of(key))?;
            Some(self.heir(key, &set[self.least(set)], now))
        };
        found.or_else(heir).unwrap_or_default()
    }

    fn heir(&self, key: u64, before: &Tally, now: Instant) -> Tally {
        let inherits = self.evicted == Evicted::Inherited && self.meter.level(before, now) > 0;
        Tally {
            key,
            pending: 0,
            ..if inherits { *before } else { Tally::default() }
        }
    }

    /// The index of the tally in a set that will be evicted. An empty slot comes first.
    fn least(&self, set: &[Tally; WAYS]) -> usize {
        let weight = |way: &usize| (set[*way].pending > 0, self.meter.forgotten_at(&set[*way]));
        (0..WAYS).min_by_key(weight).unwrap_or_default()
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

    /// The tally of `key`. Creates it if there is none.
    fn put(&mut self, key: u64, now: Instant) -> &mut Tally {
        if self.sets.is_empty() {
            self.sets = vec![[Tally::default(); WAYS]; self.size];
        }
        let place = self.set_of(key);
        let set = self.sets[place];
        let way = set.iter().position(|tally| tally.key == key).unwrap_or_else(|| {
            let least = self.least(&set);
            self.sets[place][least] = self.heir(key, &set[least], now);
            least
        });
        &mut self.sets[place][way]
    }
}

#[cfg(test)]
mod tests;
