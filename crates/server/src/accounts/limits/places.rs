//! The sources from which a person signed in before. They are kept in the person's row, so that neither a restart nor
//! another server locks the person out.
//!
//! A place is an IPv4 address or the /64 of an IPv6 address, as a keyed hash that depends on the person. The database alone
//! reveals neither where somebody was nor whether two people were at the same place.

use crate::http::source::{Network, networks};
use crate::store::model::UserId;
use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::net::IpAddr;
use uuid::Uuid;

/// A place of one person, as a text: a space and eleven characters.
#[must_use]
pub(crate) fn place(key: &hmac::Key, user: UserId, source: IpAddr) -> String {
    let network = match networks(source).0 {
        Network::Address(address) => u128::from(address),
        // No IPv4 address has any of these bits set.
        Network::Slash64(bits) | Network::Slash48(bits) => u128::from(bits) | 1 << 64,
    };
    let mut context = hmac::Context::with_key(key);
    context.update(b"hallpass place");
    context.update(user.0.as_bytes());
    context.update(&network.to_be_bytes());
    format!(" {}", URL_SAFE_NO_PAD.encode(&context.sign().as_ref()[..8]))
}

/// Whether `source` is among the places of a person, as `kept` holds them. For an unknown person the answer is `false`,
/// after the same work.
#[must_use]
pub(crate) fn is_known(key: &hmac::Key, kept: Option<&(UserId, String)>, source: IpAddr) -> bool {
    let nobody = (UserId(Uuid::nil()), String::new());
    let (user, places) = kept.unwrap_or(&nobody);
    places.contains(&place(key, *user, source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_depends_on_the_person_and_covers_a_whole_network() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let (jane, john) = (UserId(Uuid::from_u128(1)), UserId(Uuid::from_u128(2)));
        let at = |user, source: &str| place(&key, user, source.parse().unwrap());
        assert_eq!(at(jane, "192.0.2.1").len(), 12);
        assert_eq!(at(jane, "192.0.2.1"), at(jane, "::ffff:192.0.2.1"));
        assert_eq!(at(jane, "2001:db8::1"), at(jane, "2001:db8::ffff:1"));
        assert_ne!(at(jane, "2001:db8::1"), at(jane, "2001:db8:0:1::1"));
        assert_ne!(at(jane, "192.0.2.1"), at(jane, "192.0.2.2"));
        assert_ne!(at(jane, "192.0.2.1"), at(jane, "0:0:c000:201::"));
        assert_ne!(at(jane, "192.0.2.1"), at(john, "192.0.2.1"));

        let kept = (jane, at(jane, "192.0.2.1") + at(jane, "192.0.2.2").as_str());
        let known = |kept, source: &str| is_known(&key, kept, source.parse().unwrap());
        assert!(known(Some(&kept), "192.0.2.2"));
        assert!(!known(Some(&kept), "192.0.2.3"));
        assert!(!known(None, "192.0.2.1"));
    }
}
