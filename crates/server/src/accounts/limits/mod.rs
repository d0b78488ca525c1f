//! Failed authentication is slowed down, and nobody is locked out from where they signed in before (DESIGN §6, §8).
//!
//! A guess at a password, or at a client secret, counts for three things: its *account* (what was typed, whether it exists or
//! not), its *source* (an IPv4 address, the /64 of an IPv6 address), and the *pair* of both. Because a /48 is cheap to have,
//! it counts as a source too, with more room. The rule:
//!
//! 1. Each has a tally of failures, and forgets one of them for every `longest` without a failure. Below `free` nobody waits,
//!    but no more guesses are under way than may fail. From there on one attempt at a time is let through: `first` after the
//!    last failure, twice as long with each further one, at most `longest`. In the long run that is one guess in every
//!    `longest`, whatever the attacker's timing. A request that is several guesses counts as several.
//! 2. A refused attempt is not verified and not counted: hammering gains nothing, and makes nobody else wait longer. The same
//!    guess by the same pair at the same moment is one guess.
//! 3. Success costs nothing. It forgets the pair's failures, never those of account or source: whoever has an account of his
//!    own would wash himself clean with it. And it makes the source one of the account's *places*, of which eight are kept.
//! 4. From one of the account's places only the pair is asked, and the account is told nothing: others may fail as they like,
//!    there or elsewhere.
//! 5. An account has two tallies: one for sources that did not fail for a day, one for those that did. So a few sources that go
//!    on guessing keep nobody out who comes from a new place; and a crowd of new sources has a budget that it cannot exceed. As
//!    long as such a crowd goes on, people get in from their places only.
//! 6. A made client secret has 256 bits, which nobody guesses. It is compared first: the right one always gets in, and the
//!    limits decide only what a wrong one hears. Clients and resource servers share the accounts by identifier.
//!
//! Who shares the source of an attacker who guesses at that very account waits with him: there is nothing to tell them apart
//! by. That is why the proxies in front have to be named (`source.rs`).
//!
//! Memory is bounded ([`tallies`]), people and clients have tables of their own, and no failure pushes an account's tally out:
//! it passes to the next account in its place. A restart forgets the tallies. The places of people are in the database
//! ([`places`]), those of clients in memory.

pub mod consents;
pub mod places;
mod tallies;

use crate::accounts::spelling;
use crate::http::source::networks;
use crate::time::Instant;
use quick_cache::sync::Cache;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tallies::{Evicted, Meter, Tallies};

/// Someone who mistypes gets five tries, then a pause that grows: some hundred guesses a day from one source.
const PERSON: Meter = Meter {
    free: 5,
    first: Duration::from_secs(10),
    longest: Duration::from_secs(15 * 60),
    at_once: 0,
};
/// A program that was given a wrong secret tries again by itself, in several threads, until somebody mends it.
const CLIENT: Meter = Meter {
    free: 10,
    first: Duration::from_secs(10),
    longest: Duration::from_secs(5 * 60),
    at_once: 0,
};
/// All new sources together, and all others together: some three hundred guesses a day each.
const ACCOUNT: Meter = Meter {
    free: 20,
    first: Duration::from_secs(10),
    longest: Duration::from_secs(5 * 60),
    at_once: 0,
};
/// Hundreds of people may sit behind one address and come at once, so no pause is longer than a minute.
const SOURCE: Meter = Meter {
    free: 50,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
    at_once: 256,
};
/// The /48 of an IPv6 address: a site, or a part of a mobile network.
const SITE: Meter = Meter { free: 200, ..SOURCE };

/// How many clients have their places remembered.
const CLIENTS: usize = 20_000;
/// How many sets of eight tallies each of the tables has.
const SETS: usize = 4096;

/// Who somebody says they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Account<'a> {
    /// A person.
    Person {
        /// What was typed as the login name.
        name: &'a str,
        /// Whether the person signed in before from where the request comes from ([`places`]).
        from_a_place: bool,
    },
    /// An app or a resource server, by its identifier.
    Client(&'a str),
}

/// What a request tries.
#[derive(Clone, Copy, Debug)]
pub struct Guess<'a> {
    /// The password or secret, as it was sent.
    pub secret: &'a str,
    /// In how many ways it is read: each is a guess of its own.
    pub readings: u32,
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
    people: Mutex<Tables>,
    clients: Mutex<Tables>,
    /// By client, the sources from which it got in, the latest first.
    places: Cache<u64, [u64; 8]>,
}

/// An attempt that was let through. One that is dropped without a judgement counts for nothing.
#[derive(Debug)]
#[must_use]
pub struct Attempt<'l> {
    limits: &'l Limits,
    keys: Keys,
    flight: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            people: Mutex::new(Tables::new(PERSON)),
            clients: Mutex::new(Tables::new(CLIENT)),
            places: Cache::new(CLIENTS),
        }
    }
}

impl Limits {
    /// Asks for an attempt to authenticate, before anything is verified or looked up.
    ///
    /// # Errors
    /// Where it has to wait; it is not counted then.
    pub fn attempt(
        &self,
        account: Account<'_>,
        source: IpAddr,
        guess: Guess<'_>,
        now: Instant,
    ) -> Result<Attempt<'_>, TooManyFailures> {
        let mut keys = self.keys(account, source, guess);
        let mut tables = self.tables(&keys);
        if let Some(flight) = tables.flights.get_mut(&keys.guess) {
            flight.attempts += 1;
            return Ok(Attempt {
                limits: self,
                keys: flight.keys,
                flight: flight.number,
            });
        }
        if let Some(wait) = tables.wait(&mut keys, now) {
            let seconds = wait.as_millis().div_ceil(1000).max(1);
            return Err(TooManyFailures {
                seconds: u64::try_from(seconds).unwrap_or(u64::MAX),
            });
        }
        Ok(Attempt {
            limits: self,
            keys,
            flight: tables.begin(&keys, now),
        })
    }

    fn keys(&self, account: Account<'_>, source: IpAddr, guess: Guess<'_>) -> Keys {
        let (network, site) = networks(source);
        let source = self.hasher.hash_one(("source", network));
        let (kind, account, from_a_place) = match account {
            Account::Person { name, from_a_place } => {
                (Kind::Person, self.hasher.hash_one(spelling::email(name)), from_a_place)
            }
            Account::Client(id) => {
                let account = self.hasher.hash_one(id);
                let places = self.places.get(&account).unwrap_or_default();
                (Kind::Client, account, places.contains(&source))
            }
        };
        let pair = self.hasher.hash_one((account, source));
        Keys {
            kind,
            guess: self.hasher.hash_one((pair, guess.secret)),
            pair,
            account: (!from_a_place).then_some(account),
            source,
            site: site.map(|site| self.hasher.hash_one(("site", site))),
            client: account,
            guesses: guess.readings.max(1),
        }
    }

    /// Keeps where a client got in; where people did is in the database.
    fn remember_place(&self, keys: &Keys) {
        if keys.kind == Kind::Person {
            return;
        }
        let mut places = self.places.get(&keys.client).unwrap_or_default();
        if places[0] == keys.source {
            return;
        }
        // What stands before it moves down; without it, the last one goes.
        let found = places.iter().position(|place| *place == keys.source);
        places[..=found.unwrap_or(7)].rotate_right(1);
        places[0] = keys.source;
        self.places.insert(keys.client, places);
    }

    /// The tables; that a thread panicked while it held the lock leaves nothing half done.
    fn tables(&self, keys: &Keys) -> MutexGuard<'_, Tables> {
        let tables = match keys.kind {
            Kind::Person => &self.people,
            Kind::Client => &self.clients,
        };
        tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}

impl Attempt<'_> {
    /// Counts the attempt by what became of it.
    pub fn judged(self, fits: bool, now: Instant) {
        self.limits
            .tables(&self.keys)
            .judge(&self.keys, self.flight, (!fits).then_some(now));
        if fits {
            self.limits.remember_place(&self.keys);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.limits.tables(&self.keys).leave(&self.keys, self.flight);
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Person,
    Client,
}

/// What an attempt is counted for, as keyed hashes: no name is kept, and nobody outside can aim at a place in a table.
#[derive(Clone, Copy, Debug)]
struct Keys {
    kind: Kind,
    /// The pair with what it tries.
    guess: u64,
    pair: u64,
    /// Of the account's two tallies the one that is asked; none from one of its places.
    account: Option<u64>,
    source: u64,
    site: Option<u64>,
    /// The account itself.
    client: u64,
    guesses: u32,
}

/// A guess under way that is not judged, by all attempts that make it at this moment.
struct Flight {
    number: u64,
    keys: Keys,
    attempts: u32,
}

/// What is kept of people, or of clients.
struct Tables {
    pairs: Tallies,
    accounts: Tallies,
    sources: Tallies,
    sites: Tallies,
    /// As many as there are requests at most.
    flights: HashMap<u64, Flight>,
    last_flight: u64,
}

impl Tables {
    fn new(pair: Meter) -> Self {
        Self {
            pairs: Tallies::new(SETS, pair, Evicted::Forgotten),
            accounts: Tallies::new(SETS, ACCOUNT, Evicted::Inherited),
            sources: Tallies::new(SETS, SOURCE, Evicted::Forgotten),
            sites: Tallies::new(SETS / 4, SITE, Evicted::Forgotten),
            flights: HashMap::new(),
            last_flight: 0,
        }
    }

    /// How long the attempt has to wait. It names the account's tally that was asked, which is the one that it counts for.
    fn wait(&self, keys: &mut Keys, now: Instant) -> Option<Duration> {
        let pair = self.pairs.wait(keys.pair, keys.guesses, now);
        let Some(account) = &mut keys.account else { return pair };
        let is_new =
            self.sources.is_calm(keys.source, now) && keys.site.is_none_or(|site| self.sites.is_calm(site, now));
        *account ^= u64::from(is_new);
        let account = self.accounts.wait(*account, keys.guesses, now);
        let source = self.sources.wait(keys.source, keys.guesses, now);
        let site = keys.site.and_then(|site| self.sites.wait(site, keys.guesses, now));
        [pair, account, source, site].into_iter().flatten().max()
    }

    fn begin(&mut self, keys: &Keys, now: Instant) -> u64 {
        for (table, key) in self.counted(keys) {
            table.begin(key, keys.guesses, now);
        }
        self.last_flight += 1;
        let flight = Flight {
            number: self.last_flight,
            keys: *keys,
            attempts: 1,
        };
        self.flights.insert(keys.guess, flight);
        self.last_flight
    }

    /// Requests that made the same guess at the same moment are judged alike: the first judgement counts. The same guess made
    /// later is a new one.
    fn judge(&mut self, keys: &Keys, flight: u64, failed: Option<Instant>) {
        if self.flight(keys, flight).is_some() {
            self.flights.remove(&keys.guess);
            if failed.is_none() {
                self.pairs.forgive(keys.pair);
            }
            self.end(keys, failed);
        }
    }

    /// Forgets a guess that all gave up before it was judged.
    fn leave(&mut self, keys: &Keys, flight: u64) {
        let Some(left) = self.flight(keys, flight) else { return };
        left.attempts -= 1;
        if left.attempts == 0 {
            self.flights.remove(&keys.guess);
            self.end(keys, None);
        }
    }

    fn flight(&mut self, keys: &Keys, number: u64) -> Option<&mut Flight> {
        self.flights
            .get_mut(&keys.guess)
            .filter(|flight| flight.number == number)
    }

    fn end(&mut self, keys: &Keys, failed: Option<Instant>) {
        for (table, key) in self.counted(keys) {
            table.end(key, keys.guesses, failed);
        }
    }

    fn counted(&mut self, keys: &Keys) -> impl Iterator<Item = (&mut Tallies, u64)> {
        let counted = [
            Some((&mut self.pairs, keys.pair)),
            keys.account.map(|account| (&mut self.accounts, account)),
            Some((&mut self.sources, keys.source)),
            keys.site.map(|site| (&mut self.sites, site)),
        ];
        counted.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests;
