//! Slows down guessing, and locks nobody out of a place where they signed in before (decision 17).
//!
//! A guess at a password or a client secret counts for three keys: its *account* (the name as typed, whether it exists or
//! not), its *source* (an IPv4 address, or the /64 of an IPv6 address), and the *pair* of both. A /48 is cheap to get, so
//! it counts as a source too, with a higher limit. The rules:
//!
//! 1. Each key has a tally of failures. The tally forgets one failure for every `longest` without a failure. Below `free`
//!    failures nobody waits, but no more guesses may be in progress than failures are left. From `free` on, one attempt at
//!    a time is let through: `first` after the last failure, twice as long after each further failure, at most `longest`.
//!    In the long run that is one guess in every `longest`, whatever the attacker's timing. A request with several guesses
//!    counts as several.
//! 2. A refused attempt is not verified and not counted. So hammering gains nothing, and makes nobody else wait longer. The
//!    same guess by the same pair at the same moment is one guess.
//! 3. Success clears the pair's failures, and never those of account or source: an attacker with an account of their own
//!    could otherwise clear their source with it. Success also makes the source one of the account's *places*, of which
//!    eight are kept.
//! 4. From a place of the account, only the pair decides, and the account's tallies do not change. So failures of others,
//!    there or elsewhere, delay nobody.
//! 5. An account has two tallies: one for sources without a failure in the last day, one for the others. So a few sources
//!    that keep on guessing do not lock out a person at a new place, and a crowd of new sources has one budget that it
//!    cannot exceed. While such a crowd goes on, people get in from their places only.
//! 6. A generated client secret has 256 bits and cannot be guessed. It is compared first: the right one always gets in, and
//!    the limits only decide the answer to a wrong one. Clients and resource servers share accounts by identifier.
//!
//! People who share the source of an attacker, while the attacker guesses at their account, wait with the attacker: nothing
//! tells them apart. This is why the proxies in front must be configured (`source.rs`).
//!
//! Memory is bounded ([`tallies`]), and people and clients have separate tables. No failure pushes out an account's tally:
//! the next account in its slot inherits it. A restart clears the tallies. The places of people are in the database
//! ([`places`]); those of clients are in memory.

pub(crate) mod hourly;
pub(crate) mod places;
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

/// A person who mistypes has five tries, then a growing pause: about a hundred guesses a day from one source.
const PERSON: Meter = Meter {
    free: 5,
    first: Duration::from_secs(10),
    longest: Duration::from_secs(15 * 60),
    at_once: 0,
};
/// A program with a wrong secret repeats it by itself, in several threads, until somebody corrects the secret.
const CLIENT: Meter = Meter {
    free: 10,
    first: Duration::from_secs(10),
    longest: Duration::from_secs(5 * 60),
    at_once: 0,
};
/// One tally for all new sources together, one for all others together: about three hundred guesses a day each.
const ACCOUNT: Meter = Meter {
    free: 20,
    first: Duration::from_secs(10),
    longest: Duration::from_secs(5 * 60),
    at_once: 0,
};
/// Hundreds of people may share one address and sign in at the same time, so no pause is longer than a minute.
const SOURCE: Meter = Meter {
    free: 50,
    first: Duration::from_secs(1),
    longest: Duration::from_secs(60),
    at_once: 256,
};
/// The /48 of an IPv6 address: a site, or a part of a mobile network.
const SITE: Meter = Meter { free: 200, ..SOURCE };

/// The number of clients whose places are remembered.
const CLIENTS: usize = 20_000;
/// The number of sets in each table. A set has eight tallies.
const SETS: usize = 4096;

/// The account that a request claims to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Account<'a> {
    /// A person.
    Person {
        /// The login name as typed.
        name: &'a str,
        /// Whether the person signed in before from the source of the request ([`places`]).
        from_a_place: bool,
    },
    /// An app or a resource server, by its identifier.
    Client(&'a str),
}

/// The guess of a request. It has no `Debug`: a log must not show the guess.
#[derive(Clone, Copy)]
pub struct Guess<'a> {
    /// The password or secret, as sent.
    pub secret: &'a str,
    /// The number of ways in which the guess is read. Each way counts as a guess.
    pub readings: u32,
}

/// Too many attempts failed before: this attempt is not verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("too many failed attempts: wait {seconds} s")]
pub struct TooManyFailures {
    /// After so many seconds an attempt is verified again.
    pub seconds: u64,
}

/// The tallies of all accounts and sources.
pub struct Limits {
    hasher: RandomState,
    people: Mutex<Tables>,
    clients: Mutex<Tables>,
    /// For each client, the sources from which it got in, the latest first.
    places: Cache<u64, [u64; 8]>,
}

/// An attempt that was let through. If it is dropped without [`Attempt::judged`], it does not count.
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
    /// Asks whether an attempt to authenticate may proceed. To be called before any look-up or verification.
    ///
    /// # Errors
    /// If the attempt has to wait. It is not counted then.
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
            Account::Person { name, from_a_place } => (
                AccountKind::Person,
                self.hasher.hash_one(spelling::email(name)),
                from_a_place,
            ),
            Account::Client(id) => {
                let account = self.hasher.hash_one(id);
                let places = self.places.get(&account).unwrap_or_default();
                (AccountKind::Client, account, places.contains(&source))
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

    /// Remembers the source of a successful client. Those of people are in the database.
    fn remember_place(&self, keys: &Keys) {
        if keys.kind == AccountKind::Person {
            return;
        }
        let mut places = self.places.get(&keys.client).unwrap_or_default();
        if places[0] == keys.source {
            return;
        }
        // The entries before it move down by one. If the source is new, the last entry is dropped.
        let found = places.iter().position(|place| *place == keys.source);
        places[..=found.unwrap_or(7)].rotate_right(1);
        places[0] = keys.source;
        self.places.insert(keys.client, places);
    }

    /// Locks the tables. A panic of another thread leaves no half-done change, so a poisoned lock is used as it is.
    fn tables(&self, keys: &Keys) -> MutexGuard<'_, Tables> {
        let tables = match keys.kind {
            AccountKind::Person => &self.people,
            AccountKind::Client => &self.clients,
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
    /// Counts the attempt as a success or a failure.
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
enum AccountKind {
    Person,
    Client,
}

/// The keys that an attempt counts for, as keyed hashes. No name is kept, and no attacker can choose a slot of a table.
#[derive(Clone, Copy, Debug)]
struct Keys {
    kind: AccountKind,
    /// The pair together with the guess.
    guess: u64,
    pair: u64,
    /// The tally of the account that decides. `None` at one of the account's places.
    account: Option<u64>,
    source: u64,
    site: Option<u64>,
    /// The account itself, without a source.
    client: u64,
    guesses: u32,
}

/// A guess in progress that is not judged yet, shared by all attempts that make it at this moment.
struct Flight {
    number: u64,
    keys: Keys,
    attempts: u32,
}

/// The tables of people, or of clients.
struct Tables {
    pairs: Tallies,
    accounts: Tallies,
    sources: Tallies,
    sites: Tallies,
    /// At most as many as there are open requests.
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

    /// How long the attempt has to wait. Sets in `keys` the tally of the account that decided: the attempt counts for that
    /// one.
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

    /// Requests with the same guess at the same moment share one judgement: the first one counts. The same guess at a later
    /// moment is a new guess.
    fn judge(&mut self, keys: &Keys, flight: u64, failed: Option<Instant>) {
        if self.flight(keys, flight).is_some() {
            self.flights.remove(&keys.guess);
            if failed.is_none() {
                self.pairs.forgive(keys.pair);
            }
            self.end(keys, failed);
        }
    }

    /// Drops a guess if all requests that made it were cancelled before it was judged.
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
