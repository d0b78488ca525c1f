//! Detects devices that were copied together with their tokens (decision 44).
//!
//! Two holders of one refresh token who both refresh within the grace get the same successor each time. Neither is ever
//! late, so no reuse is detected. Their addresses give them away. If a refresh is repeated from another source than the one
//! that rotated, memory notes it. The next rotation writes to the row how many rotations in a row were repeated this way.

use aws_lc_rs::hmac;
use quick_cache::sync::Cache;
use std::net::IpAddr;
use uuid::Uuid;

/// The number of rotations in a row that were each repeated from another source. A single repeat may be a phone that
/// changes networks.
pub(crate) const COPIED: u32 = 3;

/// The number of grants for which memory keeps a repeat until the next rotation.
const GRANTS: usize = 65_536;

/// A tag that separates this use of the key from the proofs, which have their kind at this position.
const TAG: u8 = 16;

/// A source address as the row keeps it. It reveals neither the address nor whether two grants share one.
pub(crate) type KeyedSource = [u8; 8];

/// The keyed hash of an address. An IPv6 network (/64) is one source, as for the tallies of failures.
#[must_use]
pub(crate) fn source(key: &hmac::Key, salt: &[u8; 16], grant: Uuid, address: IpAddr) -> KeyedSource {
    let mut message = Vec::with_capacity(49);
    message.extend(salt);
    message.push(TAG);
    message.extend(grant.as_bytes());
    match address.to_canonical() {
        IpAddr::V4(address) => message.extend(address.octets()),
        IpAddr::V6(address) => message.extend(&address.octets()[..8]),
    }
    let mut source = [0; 8];
    source.copy_from_slice(&hmac::sign(key, &message).as_ref()[..8]);
    source
}

/// The count to write with a rotation. `repeats` is the count in the row; `repeated` says whether the rotation before was
/// repeated from another source. The count stays at [`COPIED`] until the grant ends.
#[must_use]
pub(crate) fn counted(repeats: u32, repeated: bool) -> u32 {
    match (repeats, repeated) {
        (COPIED.., _) => repeats,
        (_, true) => (repeats + 1).min(COPIED - 1),
        (_, false) => 0,
    }
}

/// The generations that were repeated from another source. A restart clears them, and the count begins anew.
pub struct Repeats(Cache<Uuid, u32>);

impl Default for Repeats {
    fn default() -> Self {
        Self(Cache::new(GRANTS))
    }
}

impl Repeats {
    /// Notes that the current generation of a grant was repeated from another source.
    pub fn note(&self, grant: Uuid, generation: u32) {
        self.0.insert(grant, generation);
    }

    /// Whether this generation was repeated from another source.
    #[must_use]
    pub fn has(&self, grant: Uuid, generation: u32) -> bool {
        self.0.get(&grant) == Some(generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(salt: u8, grant: u128, address: &str) -> KeyedSource {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[1; 32]);
        source(&key, &[salt; 16], Uuid::from_u128(grant), address.parse().unwrap())
    }

    #[test]
    fn an_address_and_an_ipv6_network_are_one_source_of_one_grant() {
        let here = of(2, 3, "203.0.113.9");
        assert_eq!(here, of(2, 3, "::ffff:203.0.113.9"));
        assert_eq!(of(2, 3, "2001:db8::1"), of(2, 3, "2001:db8::ffff:2"));
        assert_ne!(of(2, 3, "2001:db8::1"), of(2, 3, "2001:db8:0:1::1"));
        for elsewhere in [
            of(2, 3, "203.0.113.10"),
            of(9, 3, "203.0.113.9"),
            of(2, 9, "203.0.113.9"),
        ] {
            assert_ne!(here, elsewhere);
        }
    }

    #[test]
    fn three_repeated_rotations_in_a_row_mark_a_copied_device_for_good() {
        assert_eq!([counted(0, true), counted(1, true), counted(2, true)], [1, 2, 2]);
        assert_eq!([counted(0, false), counted(1, false), counted(2, false)], [0, 0, 0]);
        assert_eq!([counted(3, false), counted(3, true)], [3, 3]);
    }

    #[test]
    fn a_repeat_counts_for_its_generation_only() {
        let (repeats, grant) = (Repeats::default(), Uuid::from_u128(1));
        assert!(!repeats.has(grant, 2));
        repeats.note(grant, 2);
        assert!(repeats.has(grant, 2) && !repeats.has(grant, 3));
    }
}
