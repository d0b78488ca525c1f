//! The claims of an access token: what decodes is canonical but for optional fields that are skipped, and one changed byte says
//! something else or nothing.

use super::take;
use hallpass::tokens::claims::Claims;

/// Where and how the bytes are changed; then the bytes.
pub fn check(mut data: &[u8]) {
    let [at, how, byte] = take(&mut data);
    let Ok(claims) = Claims::decode(data) else { return };
    let mut canonical = Vec::new();
    claims.encode(&mut canonical).expect("what was decoded is short enough");
    // Fields come by their tags, so the optional ones are at the end, and nothing else is left out.
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
