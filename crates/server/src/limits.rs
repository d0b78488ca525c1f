//! Failed authentication is slowed down, and nobody is locked out (DESIGN §6, §8).
//!
//! A guess at a password, or at a client secret that somebody chose, counts for three things: its *account* (what was typed,
//! whether it exists or not), its *source* (an IPv4 address, the /64 of an IPv6 address), and the *pair* of both. Because
//! a /48 is cheap to have, it counts as a source too, with more room. The rule:
//!
//! 1. Each has a tally of failures, and forgets one of them for every `longest` of calm. Below `free` nobody waits. From
//!    there on one attempt at a time is let through: `first` after the last failure, twice as long with each further one,
//!    at most `longest`. In the long run that is one guess in every `longest`, whatever the attacker's timing.
//! 2. A refused attempt is not verified and not counted: hammering gains nothing, and makes nobody else wait longer.
//! 3. Success costs nothing. It forgets the pair's failures, never those of account or source: whoever has an account of his
//!    own would wash himself clean with it. And it makes the source one of the account's *places*, of which eight are kept.
//! 4. From one of the account's places only the pair is asked: others may fail as they like, there or elsewhere.
//! 5. A source that has not failed for a day is not asked about the account. So the first try from a new place counts as
//!    well, however many guess at that account meanwhile; to a crowd of sources this gives one guess a day each, as long as
//!    the table holds them all.
//! 6. A made client secret has 256 bits, which nobody guesses. It is compared first: the right one always gets in, and the
//!    limits decide only what a wrong one hears. Clients and resource servers share the accounts by identifier.
//!
//! Who shares the source of an attacker who guesses at that very account waits with him: there is nothing to tell them apart
//! by. That is why the proxies in front have to be named (`source.rs`).
//!
//! Memory is bounded ([`tallies`]), and a restart forgets everything. To push out the tally of an account under attack takes
//! others with more failures, and each failure costs its source.

mod tallies;

use crate::store::folded;
use crate::time::Instant;
use quick_cache::sync::Cache;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tallies::{Meter, Tallies};

/// Someone who mistypes gets five tries, then a pause that grows: some hundred guesses a day from one source.
const PERSON: Meter = Meter {
    free: 5,
    first: Duration::from_secs(10),
    longest: Duration::from_secs(15 * 60),
    at_once: 16,
};
/// A program that was given a wrong secret tries again by itself, in several threads, until somebody mends it.
const CLIENT: Meter = Meter {
    free: 10,
    first: Duration::from_secs(10),
    longest: Duration::from_secs(5 * 60),
    at_once: u32::MAX,
};
/// All sources together, those of rules 4 and 5 excepted: some three hundred guesses a day.
const ACCOUNT: Meter = Meter {
    free: 20,
    first: Duration::from_secs(10),
    longest: Duration::from_secs(5 * 60),
    at_once: u32::MAX,
};
/// Hundreds of people may sit behind one address, so no pause is longer than a minute.
const SOURCE: Meter = Meter {
    free: 50,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
    at_once: u32::MAX,
};
/// The /48 of an IPv6 address: a site, or a part of a mobile network.
const SITE: Meter = Meter { free: 200, ..SOURCE };

/// How many accounts have their places remembered.
const ACCOUNTS: usize = 20_000;
/// How many sets of eight tallies each of the three tables has.
const SETS: usize = 4096;

/// Who somebody says they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Account<'a> {
    /// A person, by what was typed as the login name.
    Person(&'a str),
    /// An app or a resource server, by its identifier.
    Client(&'a str),
}

/// Too many failures before: the attempt is not looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many failed attempts: {seconds} s to wait")]
pub struct TooManyFailures {
    /// After so many seconds it will be.
    pub seconds: u64,
}

/// The tallies of all accounts and sources.
pub struct Limits {
    hasher: RandomState,
    tables: Mutex<Tables>,
    /// By account, the sources from which somebody got in, the latest first.
    places: Cache<u64, [u64; 8]>,
}

/// An attempt that was let through. One that is dropped without a judgement counts for nothing.
#[derive(Debug)]
#[must_use]
pub struct Attempt<'l> {
    limits: &'l Limits,
    keys: Keys,
    judged: bool,
}

impl Default for Limits {
    fn default() -> Self {
        let tables = Tables {
            pairs: Tallies::new(SETS),
            accounts: Tallies::new(SETS),
            sources: Tallies::new(SETS),
        };
        Self {
            hasher: RandomState::new(),
            tables: Mutex::new(tables),
            places: Cache::new(ACCOUNTS),
        }
    }
}

impl Limits {
    /// Asks for an attempt to authenticate, before anything is verified or looked up.
    ///
    /// # Errors
    /// Where it has to wait; it is not counted then.
    pub fn attempt(&self, account: Account<'_>, source: IpAddr, now: Instant) -> Result<Attempt<'_>, TooManyFailures> {
        let keys = self.keys(account, source);
        let places = self.places.get(&keys.account).unwrap_or_default();
        let mut tables = self.lock();
        if let Some(wait) = tables.wait(&keys, places.contains(&keys.source), now) {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            return Err(TooManyFailures {
                seconds: u64::try_from(seconds).unwrap_or(u64::MAX),
            });
        }
        tables.begin(&keys, now);
        Ok(Attempt {
            limits: self,
            keys,
            judged: false,
        })
    }

    fn keys(&self, account: Account<'_>, source: IpAddr) -> Keys {
        let (account, pair) = match account {
            Account::Person(name) => (self.hasher.hash_one(("person", folded(name))), PERSON),
            Account::Client(id) => (self.hasher.hash_one(("client", id)), CLIENT),
        };
        let (network, site) = match source.to_canonical() {
            IpAddr::V4(address) => (u128::from(address.to_bits()), None),
            IpAddr::V6(address) => (address.to_bits() >> 64, Some(address.to_bits() >> 80)),
        };
        let source = self.hasher.hash_one(("source", network, site.is_some()));
        Keys {
            pair: (self.hasher.hash_one((account, source)), pair),
            account,
            source,
            site: site.map(|site| self.hasher.hash_one(("site", site))),
        }
    }

    fn remember_place(&self, keys: &Keys) {
        let mut places = self.places.get(&keys.account).unwrap_or_default();
        if places[0] == keys.source {
            return;
        }
        // What stands before it moves down; without it, the last one goes.
        let found = places.iter().position(|place| *place == keys.source);
        places[..=found.unwrap_or(7)].rotate_right(1);
        places[0] = keys.source;
        self.places.insert(keys.account, places);
    }

    /// The tables; that a thread panicked while it held the lock leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}

impl Attempt<'_> {
    /// Counts the attempt by what became of it.
    pub fn judged(mut self, fits: bool, now: Instant) {
        self.judged = true;
        self.limits.lock().end(&self.keys, Some((fits, now)));
        if fits {
            self.limits.remember_place(&self.keys);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if !self.judged {
            self.limits.lock().end(&self.keys, None);
        }
    }
}

/// What an attempt is counted for, as keyed hashes: no name is kept, and nobody outside can aim at a place in a table.
#[derive(Clone, Copy, Debug)]
struct Keys {
    pair: (u64, Meter),
    account: u64,
    source: u64,
    site: Option<u64>,
}

struct Tables {
    pairs: Tallies,
    accounts: Tallies,
    /// Sites too.
    sources: Tallies,
}

impl Tables {
    /// How long the attempt has to wait.
    fn wait(&self, keys: &Keys, from_a_place: bool, now: Instant) -> Option<Duration> {
        let pair = self.pairs.wait(keys.pair.0, &keys.pair.1, now);
        if from_a_place {
            return pair;
        }
        let sources = &self.sources;
        let source = sources.wait(keys.source, &SOURCE, now);
        let site = keys.site.and_then(|site| sources.wait(site, &SITE, now));
        let calm = sources.is_calm(keys.source, now) && keys.site.is_none_or(|site| sources.is_calm(site, now));
        let account = if calm {
            None
        } else {
            self.accounts.wait(keys.account, &ACCOUNT, now)
        };
        [pair, source, site, account].into_iter().flatten().max()
    }

    fn begin(&mut self, keys: &Keys, now: Instant) {
        self.pairs.begin(keys.pair.0, now);
        self.accounts.begin(keys.account, now);
        self.sources.begin(keys.source, now);
        if let Some(site) = keys.site {
            self.sources.begin(site, now);
        }
    }

    fn end(&mut self, keys: &Keys, judgement: Option<(bool, Instant)>) {
        if matches!(judgement, Some((true, _))) {
            self.pairs.forgive(keys.pair.0);
        }
        let failed = match judgement {
            Some((false, now)) => Some(now),
            _ => None,
        };
        self.pairs.end(keys.pair.0, &keys.pair.1, failed);
        self.accounts.end(keys.account, &ACCOUNT, failed);
        self.sources.end(keys.source, &SOURCE, failed);
        if let Some(site) = keys.site {
            self.sources.end(site, &SITE, failed);
        }
    }
}

#[cfg(test)]
mod tests;
