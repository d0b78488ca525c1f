//! A table of tallies of a fixed size: sets of eight, as processors' caches have them. A key belongs to one set; a new one
//! takes the place of the tally that is forgotten first.

use crate::time::Instant;
use std::time::Duration;

const WAYS: usize = 8;
/// A source that did not fail for so long counts as new again.
const CALM: Duration = Duration::from_secs(24 * 60 * 60);

/// How many failures are free, and how long to wait after more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Meter {
    /// So many failures make nobody wait.
    pub(super) free: u32,
    /// The wait after the last free failure; each further one doubles it.
    pub(super) first: Duration,
    /// The longest wait after one guess; so much time without a failure forgets one.
    pub(super) longest: Duration,
    /// So many attempts at the same moment while failures are free, also where more of them could fail than are free.
    pub(super) at_once: u32,
}

/// What a key finds whose tally had to make room for others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Evicted {
    /// It starts anew.
    Forgotten,
    /// It takes over the failures of the tally that makes room for it. That one is forgotten first of its set, and the key's own
    /// was when it went, so the table never says less of a key than the truth (Metwally, Agrawal, El Abbadi 2005).
    Inherited,
}

/// The table.
pub(super) struct Tallies {
    /// Empty until the first attempt.
    sets: Vec<[Tally; WAYS]>,
    size: usize,
    meter: Meter,
    evicted: Evicted,
}

/// What is known of a key. Key 0 is an empty place.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Tally {
    key: u64,
    /// Milliseconds since the epoch, of the last failure.
    last: i64,
    /// As many as there were at that moment.
    failures: u32,
    /// Guesses that were let through and are not judged.
    pending: u32,
}

impl Meter {
    fn level(&self, tally: &Tally, now: Instant) -> u32 {
        let forgotten = now.since(Instant(tally.last)).as_millis() / self.longest.as_millis();
        tally
            .failures
            .saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX))
    }

    /// When the last failure is forgotten. Of two tallies the one that is forgotten first never has the higher level.
    fn forgotten_at(&self, tally: &Tally) -> i128 {
        let longest = i128::try_from(self.longest.as_millis()).unwrap_or(i128::MAX);
        i128::from(tally.last).saturating_add(longest.saturating_mul(tally.failures.into()))
    }

    /// The level at which the wait after one guess is the longest.
    fn ceiling(&self) -> u32 {
        let doubled = |steps: u32| self.first.saturating_mul(1_u32.checked_shl(steps).unwrap_or(u32::MAX));
        let steps = (0..32).find(|steps| doubled(*steps) >= self.longest);
        self.free + steps.unwrap_or(32)
    }

    /// Above the ceiling, where one attempt was several guesses, there is as much to wait for each.
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

    /// How long an attempt of so many `guesses` has to wait by this tally.
    pub(super) fn wait(&self, key: u64, guesses: u32, now: Instant) -> Option<Duration> {
        let (meter, tally) = (&self.meter, self.seen(key, now));
        let level = meter.level(&tally, now);
        let all_fail = level.saturating_add(tally.pending).saturating_add(guesses);
        if level < meter.free {
            let admitted = all_fail <= meter.free || tally.pending == 0 || tally.pending < meter.at_once;
            return (!admitted).then_some(Duration::from_secs(1));
        }
        // By what there was at the last failure: what is forgotten since is the wait itself.
        let wait = meter.wait_after(tally.failures);
        if tally.pending > 0 {
            return Some(wait);
        }
        // A clock that was turned back makes nobody wait longer.
        let left = wait.saturating_sub(now.since(Instant(tally.last)));
        (!left.is_zero()).then_some(left)
    }

    /// Whether nothing failed here for a day, nor is about to.
    pub(super) fn is_calm(&self, key: u64, now: Instant) -> bool {
        let failed = |tally: &Tally| tally.failures > 0 && now.since(Instant(tally.last)) < CALM;
        self.get(key).is_none_or(|tally| tally.pending == 0 && !failed(tally))
    }

    /// An attempt of so many guesses begins.
    pub(super) fn begin(&mut self, key: u64, guesses: u32, now: Instant) {
        let tally = self.put(key, now);
        tally.pending = tally.pending.saturating_add(guesses);
    }

    /// An attempt ends, as a failure where it says when.
    pub(super) fn end(&mut self, key: u64, guesses: u32, failed: Option<Instant>) {
        let meter = self.meter;
        if let Some(now) = failed {
            let tally = self.put(key, now);
            let level = meter.level(tally, now);
            // Guesses at the same moment raise it no further than guesses one after the other do.
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

    /// Forgets the failures.
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

    /// The way of a set whose tally makes room. An empty one is the first to be forgotten.
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

    /// The tally of `key`, a new one if there is none.
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
