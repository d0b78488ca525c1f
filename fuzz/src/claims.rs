//! The claims of an access token have one encoding, apart from unknown optional fields at the end, which are skipped. Bytes with
//! one change decode to other claims or not at all.

use super::take;
use hallpass::tokens::claims::Claims;

/// The input: the position and kind of the change, the new byte, and then the encoded claims.
pub fn check(mut data: &[u8]) {
    let [at, how, byte] = take(&mut data);
    let Ok(claims) = Claims::decode(data) else { return };
    let mut canonical = Vec::new();
    claims.encode(&mut canonical).expect("claims that were decoded fit");
    // Fields are in the order of their tags, so the optional ones are at the end. Nothing else is left out.
    assert!(data.starts_with(&canonical), "{claims:?}");
    assert!(data.get(canonical.len()).is_none_or(|tag| *tag >= 128), "{claims:?}");
    assert_eq!(Claims::decode(&canonical).as_ref(), Ok(&claims));

    let mut changed = canonical.clone();
    let at = usize::from(at) % canonical.len();
    match how % 3 {
        0 => changed[at] = byte,
        1 => changed.insert(at, byte),
        _ => drop(changed.remove(at)),
    }
    if changed != canonical {
        assert_ne!(Claims::decode(&changed).as_ref(), Ok(&claims), "byte {at}");
    }
}
