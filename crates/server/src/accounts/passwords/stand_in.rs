//! Hashes for accounts without one of their own: no such account, no password, or a hash that is not accepted.
//!
//! A wrong password must cost the same for every account. Imported hashes cost more or less than ours, so one cost for all
//! stand-ins would reveal which accounts exist. A stand-in takes the cost of a real person's hash, the *lender*, chosen by
//! a keyed hash of the account (decision 64). The choice is a jump consistent hash (Lamping and Veach 2014): each person is
//! equally likely, the same account gets the same person, and of n accounts about one changes its person when the n-th
//! person is added.

use super::{COST, cost_of};
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use std::fmt;

/// The number of candidates for the lender, the latest first. People who are deleted or have no password are skipped.
pub const LENDERS: usize = 20;

/// Makes stand-ins under a key that all servers on a database share.
pub struct StandIns {
    key: hmac::Key,
}

impl StandIns {
    /// Makes stand-ins with `key`.
    #[must_use]
    pub fn new(key: hmac::Key) -> Self {
        Self { key }
    }

    /// The numeric ids of the candidates for the lender of `account`, of which the highest existing one is taken. Unused
    /// entries are 0.
    #[must_use]
    pub fn lenders(&self, account: &str) -> [i64; LENDERS] {
        let [mut state, ..] = self.words("lender", account);
        let (mut lenders, mut bucket) = ([0; LENDERS], 0_u64);
        for lender in &mut lenders {
            let Ok(number) = i32::try_from(bucket + 1) else { break };
            *lender = i64::from(number);
            // Generator and step are from the paper. Buckets are below 2^31, so nothing overflows.
            state = state.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
            bucket = ((bucket + 1) << 31) / ((state >> 33) + 1);
        }
        lenders
    }

    /// The hash for an `account` without a known password. It is always the same, and costs as much as that of the
    /// `lender`. So equal guesses at the same moment share one computation, as for a real account.
    #[must_use]
    pub fn hash(&self, account: &str, lender: Option<&str>) -> String {
        let (memory, passes, lanes) = COST;
        let usual = format!("$argon2id$v=19$m={memory},t={passes},p={lanes}");
        let cost = lender.and_then(cost_of).unwrap_or(&usual);
        let salt = self.words("salt", account).map(u64::to_be_bytes).concat();
        let output = self.words("output", account).map(u64::to_be_bytes).concat();
        let [salt, output] = [&salt[..16], &output].map(|bytes| STANDARD_NO_PAD.encode(bytes));
        format!("{cost}${salt}${output}")
    }

    fn words(&self, purpose: &str, account: &str) -> [u64; 4] {
        let mut context = hmac::Context::with_key(&self.key);
        for part in ["hallpass stand-in", purpose, account] {
            context.update(&part.len().to_be_bytes());
            context.update(part.as_bytes());
        }
        let tag = context.sign();
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(tag.as_ref().chunks_exact(8)) {
            *word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        words
    }
}

impl fmt::Debug for StandIns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StandIns").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::passwords::{hash, is_hash};

    fn stand_ins() -> StandIns {
        StandIns::new(hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]))
    }

    /// The lender if there are `people`, all with a password.
    fn lender(account: &str, people: i64) -> i64 {
        let lenders = stand_ins().lenders(account);
        lenders.into_iter().filter(|number| *number <= people).max().unwrap()
    }

    #[test]
    fn a_stand_in_costs_as_much_as_the_hash_of_its_lender() {
        let cost = |phc: &str| phc.split('$').take(4).collect::<Vec<_>>().join("$");
        let own = hash("a", [1; 16]);
        let stand_in = stand_ins().hash("jane@example.com", None);
        assert!(is_hash(&stand_in), "{stand_in}");
        assert_eq!((cost(&stand_in), stand_in.len()), (cost(&own), own.len()));

        let imported = own.replace("m=19456,t=2,p=1", "m=65536,t=3,p=4");
        let stand_in = stand_ins().hash("jane@example.com", Some(&imported));
        assert!(is_hash(&stand_in), "{stand_in}");
        assert_eq!(cost(&stand_in), cost(&imported));
        // A hash that is not accepted lends no cost.
        let dear = own.replace("t=2", "t=100");
        assert_eq!(cost(&stand_ins().hash("jane@example.com", Some(&dear))), cost(&own));
    }

    #[test]
    fn an_account_always_has_the_same_stand_in_and_no_other_has_it() {
        let jane = stand_ins().hash("jane@example.com", None);
        assert_eq!(stand_ins().hash("jane@example.com", None), jane);
        assert_ne!(stand_ins().hash("john@example.com", None), jane);
        let other = StandIns::new(hmac::Key::new(hmac::HMAC_SHA256, &[8; 32]));
        assert_ne!(other.hash("jane@example.com", None), jane);
    }

    #[test]
    fn every_person_is_the_lender_of_about_as_many_accounts() {
        let mut lent = [0; 10];
        for account in 0..10_000 {
            lent[usize::try_from(lender(&account.to_string(), 10)).unwrap() - 1] += 1;
        }
        assert!(lent.iter().all(|lent| (850..1150).contains(lent)), "{lent:?}");
        assert_eq!(lender("jane@example.com", 1), 1, "the only one lends to all");
    }

    #[test]
    fn a_new_person_becomes_the_lender_of_few_accounts_and_changes_no_others() {
        for people in [1, 9, 99, 9_999] {
            let accounts = (0..10_000).map(|account| account.to_string());
            let changed: Vec<String> = accounts
                .filter(|account| lender(account, people) != lender(account, people + 1))
                .collect();
            assert!(changed.iter().all(|account| lender(account, people + 1) == people + 1));
            let expected = 10_000 / (usize::try_from(people).unwrap() + 1);
            assert!(changed.len() <= expected * 2 + 5, "{people}: {}", changed.len());
        }
    }
}
