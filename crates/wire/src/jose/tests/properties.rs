//! Properties of any input.

use super::keys::signing;
use super::{claims, public, read};
use crate::jose::{Algorithm, Jwks, sign};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_refused_without_a_panic(text in "[A-Za-z0-9_.=+/ -]{0,200}") {
        prop_assert!(read(&text, &public(&signing(Algorithm::EdDsa))).is_err());
        prop_assert!(Jwks::parse(text.as_bytes()).is_err());
    }

    #[test]
    fn a_token_with_one_byte_changed_is_refused(at in any::<prop::sample::Index>(), with in 0_u8..128) {
        let key = signing(Algorithm::EdDsa);
        let token = sign(&key, "at+jwt", &claims()).unwrap();
        let mut bytes = token.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != with);
        bytes[at] = with;
        let changed = String::from_utf8(bytes).unwrap();
        prop_assert!(read(&changed, &public(&key)).is_err(), "{changed}");
        prop_assert!(read(&token, &public(&key)).is_ok());
    }

    #[test]
    fn what_is_signed_is_read_back(name in "[a-z]{3,9}_x", value in any::<String>(), subject in any::<String>()) {
        let key = signing(Algorithm::EdDsa);
        let mut signed = claims();
        signed["sub"] = subject.clone().into();
        signed[name.as_str()] = value.clone().into();
        let read = read(&sign(&key, "at+jwt", &signed).unwrap(), &public(&key)).unwrap();
        prop_assert_eq!(read.subject(), Some(subject.as_str()));
        prop_assert_eq!(read.text(&name), Some(value.as_str()));
    }
}
