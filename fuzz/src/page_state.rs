//! The sealed state of a page opens only for its purpose, and only with every bit unchanged. It fits only the browser and person
//! that it was sealed for, during its lifetime.

use super::take;
use super::world::with_keys;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hallpass::keys::Keys;
use hallpass::store::model::UserId;
use hallpass::time::Instant;
use hallpass::web::state;
use hallpass::web::state::{Binding, Fit, LIFETIME, Opened, Purpose, seal};
use uuid::Uuid;

const PURPOSES: [Purpose; 7] = [
    Purpose::Login,
    Purpose::Consent,
    Purpose::End,
    Purpose::Developer,
    Purpose::Logout,
    Purpose::Secret,
    Purpose::Switch,
];

/// Reads the input as a sealed state. Then seals a state with it.
pub fn check(data: &[u8]) {
    with_keys(|keys| {
        received(keys, data);
        sealed(keys, data);
    });
}

fn open(keys: &Keys, purpose: Purpose, binding: Binding, now: Instant, text: &str) -> Option<Opened> {
    let fit = |bound: &Binding| Fit {
        browser: bound.browser == binding.browser,
        person: bound.person == binding.person,
    };
    state::open(keys, purpose, fit, now, text)
}

fn received(keys: &Keys, data: &[u8]) {
    let anybody = Binding {
        browser: [0; 32],
        person: None,
    };
    for purpose in PURPOSES {
        let text = String::from_utf8_lossy(data);
        assert!(open(keys, purpose, anybody, Instant(0), &text).is_none());
        let encoded = URL_SAFE_NO_PAD.encode(data);
        assert!(open(keys, purpose, anybody, Instant(0), &encoded).is_none());
    }
}

fn sealed(keys: &Keys, mut data: &[u8]) {
    let [which, bit, person] = take(&mut data);
    let purpose = PURPOSES[usize::from(which) % PURPOSES.len()];
    let other = PURPOSES[(usize::from(which) + 1) % PURPOSES.len()];
    let id = Uuid::from_bytes(take(&mut data));
    let binding = Binding {
        browser: take(&mut data),
        // The nil id stands for nobody. No person has it.
        person: (person % 2 == 0 && !id.is_nil()).then_some(UserId(id)),
    };
    let now = Instant(i64::from_le_bytes(take(&mut data)));
    let state = seal(keys, purpose, binding, now, data);

    let opened = open(keys, purpose, binding, now, &state).expect("a state sealed for this purpose");
    assert_eq!(opened.payload, data);
    assert!(opened.own && opened.fits == (now.0 < i64::MAX));
    let late = open(keys, purpose, binding, now.after(LIFETIME), &state).expect("a state sealed for this purpose");
    assert!(late.own && !late.fits);
    assert!(open(keys, other, binding, now, &state).is_none());
    let mut elsewhere = binding;
    elsewhere.browser[usize::from(bit) % 32] ^= 1 << (bit % 8);
    let foreign = open(keys, purpose, elsewhere, now, &state).expect("a state sealed for this purpose");
    assert!(!foreign.own && !foreign.fits);

    let mut bytes = URL_SAFE_NO_PAD.decode(&state).expect("base64url");
    let at = (usize::from(bit) << 3 | usize::from(which) & 7) % (bytes.len() * 8);
    bytes[at / 8] ^= 1 << (at % 8);
    let changed = URL_SAFE_NO_PAD.encode(bytes);
    assert!(open(keys, purpose, binding, now, &changed).is_none(), "bit {at}");
}
