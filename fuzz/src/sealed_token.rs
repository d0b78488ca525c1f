//! Sealed access tokens: what this server did not seal never opens, and what it sealed opens to the same claims, unless a
//! single bit of it, of the key, of its id or of the issuer is another.

use super::take;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hallpass::store::model::{AppId, GrantId, OrganizationId, UserId};
use hallpass::time::Instant;
use hallpass::tokens::sealed::{Claims, NotSealed, PREFIX, PersonGrant, SealKey, open, seal};
use hallpass_wire::Scopes;
use std::sync::LazyLock;
use uuid::Uuid;

const ISSUER: &str = "https://id.example";
static KEY: LazyLock<SealKey> = LazyLock::new(|| SealKey::new(7, &[3; 32]).expect("32 bytes are a key"));

/// The bytes as a token, as what a token encodes, and as claims.
pub fn check(data: &[u8]) {
    assert!(opened(&String::from_utf8_lossy(data)).is_err(), "nobody else can seal");
    assert!(opened(&format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(data))).is_err());
    let mut head = vec![1, 0, 0, 0, 7];
    head.extend_from_slice(data);
    assert!(opened(&format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(head))).is_err());
    sealed(data);
}

fn sealed(mut data: &[u8]) {
    let nonce = take::<12>(&mut data);
    let bit = usize::from(u16::from_le_bytes(take(&mut data)));
    let Some(claims) = claims(&mut data) else { return };
    let token = seal(&claims, &KEY, nonce, ISSUER).expect("the cipher seals");
    if token.len() > 8192 {
        assert!(opened(&token).is_err());
        return;
    }
    assert_eq!(opened(&token).as_ref(), Ok(&claims));

    let mut bytes = URL_SAFE_NO_PAD.decode(&token[PREFIX.len()..]).expect("base64url");
    let bit = bit % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    let changed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
    assert!(opened(&changed).is_err(), "bit {bit}");
    // Under any id that the token might claim, only the key that made it counts.
    let wrong = SealKey::new(7, &[4; 32]).expect("32 bytes are a key");
    assert!(open(&token, |_| Some(&wrong), ISSUER).is_err());
    assert!(open(&changed, |_| Some(&KEY), ISSUER).is_err());
    assert!(open(&token, |_| Some(&KEY), "https://id.example.org").is_err());
    for (at, _) in token.char_indices().skip(bit % 16).step_by(16) {
        assert!(opened(&token[..at]).is_err(), "cut at {at}");
    }
    assert!(opened(&format!("{token}A")).is_err());
}

fn claims(data: &mut &[u8]) -> Option<Claims> {
    let [kind] = take(data);
    let mut id = || Uuid::from_bytes(take(data));
    let grant = PersonGrant {
        id: GrantId(id()),
        user: UserId(id()),
        generation: 0,
        key: 0,
    };
    let (app, organization, serial) = (AppId(id()), OrganizationId(id()), id().into_bytes());
    let generation = u32::from_le_bytes(take(data));
    let key = u32::from_le_bytes(take(data));
    let (issued_at, expires) = (i64::from_le_bytes(take(data)), i64::from_le_bytes(take(data)));
    Some(Claims {
        grant: (kind % 2 == 0).then_some(PersonGrant {
            generation,
            key,
            ..grant
        }),
        app,
        organization,
        scopes: Scopes::parse(std::str::from_utf8(data).ok()?).ok()?,
        issued_at: Instant(issued_at),
        expires: Instant(expires),
        serial,
    })
}

fn opened(token: &str) -> Result<Claims, NotSealed> {
    open(token, |id| (id == KEY.id).then_some(&*KEY), ISSUER)
}
