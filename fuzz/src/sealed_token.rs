//! Sealed access tokens: only a token of this server opens, and it opens to the same claims. It does not open if one bit of the
//! token, the key or the issuer is different. A token that would be too long to be accepted is not sealed.

use super::take;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hallpass::store::model::{ActsAs, AppId, GrantId, OrganizationId, UserId};
use hallpass::time::Instant;
use hallpass::tokens::claims::{Claims, PersonGrant};
use hallpass::tokens::sealed::{AccessKey, LONGEST, OpenError, PREFIX, SealError, open, seal};
use hallpass_wire::Scopes;
use std::sync::LazyLock;
use uuid::Uuid;

const ISSUER: &str = "https://id.example";
static KEY: LazyLock<AccessKey> = LazyLock::new(|| AccessKey::new(7, &[3; 32]).expect("32 bytes are a key"));

/// Reads the input as a token and as the content of a token. Then seals claims that are made from it.
pub fn check(data: &[u8]) {
    assert!(
        opened(&String::from_utf8_lossy(data)).is_err(),
        "only the key can seal a token"
    );
    assert!(opened(&format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(data))).is_err());
    let mut head = vec![2, 0, 0, 0, 7];
    head.extend_from_slice(data);
    assert!(opened(&format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(head))).is_err());
    sealed(data);
}

fn sealed(mut data: &[u8]) {
    let draw = Some(take::<16>(&mut data)).filter(|draw| *draw != [0; 16]);
    let bit = usize::from(u16::from_le_bytes(take(&mut data)));
    let Some(mut claims) = claims(&mut data) else { return };
    let token = match seal(&mut claims, &KEY, ISSUER, draw) {
        Ok(token) => token,
        Err(error) => {
            assert!(error == SealError::TooLong && claims.scopes.text_length() > LONGEST / 2);
            return;
        }
    };
    assert!(token.len() <= LONGEST);
    assert_eq!(opened(&token).as_ref(), Ok(&claims));
    assert_eq!(seal(&mut claims.clone(), &KEY, ISSUER, draw).as_ref(), Ok(&token));
    other_claims_differ(&claims, &token, draw);

    let mut bytes = URL_SAFE_NO_PAD.decode(&token[PREFIX.len()..]).expect("base64url");
    let bit = bit % (bytes.len() * 8);
    bytes[bit / 8] ^= 1 << (bit % 8);
    let changed = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(&bytes));
    assert!(opened(&changed).is_err(), "bit {bit}");
    // The id of the key in the token does not matter: only the key that sealed the token opens it.
    let wrong = AccessKey::new(7, &[4; 32]).expect("32 bytes are a key");
    assert!(open(&token, |_| Some(&wrong), ISSUER).is_err());
    assert!(open(&changed, |_| Some(&KEY), ISSUER).is_err());
    assert!(open(&token, |_| Some(&KEY), "https://id.example.org").is_err());
    for (at, _) in token.char_indices().skip(bit % 16).step_by(16) {
        assert!(opened(&token[..at]).is_err(), "cut at {at}");
    }
    assert!(opened(&format!("{token}A")).is_err());
}

/// Checks that other claims get another serial and another nonce.
fn other_claims_differ(claims: &Claims, token: &str, draw: Option<[u8; 16]>) {
    let mut other = claims.clone();
    other.expires = Instant(claims.expires.0 ^ 1);
    let second = seal(&mut other, &KEY, ISSUER, draw).expect("as long as the first");
    assert_ne!(other.serial, claims.serial);
    let head = PREFIX.len() + 7..PREFIX.len() + 22;
    assert_ne!(token[head.clone()], second[head], "the nonce");
}

fn claims(data: &mut &[u8]) -> Option<Claims> {
    let [kind] = take(data);
    let mut id = || Uuid::from_bytes(take(data));
    let grant = PersonGrant {
        id: GrantId(id()),
        user: UserId(id()),
        acts_as: if kind & 2 == 0 {
            ActsAs::Person
        } else {
            ActsAs::Organization
        },
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

fn opened(token: &str) -> Result<Claims, OpenError> {
    open(token, |id| (id == KEY.id()).then_some(&*KEY), ISSUER)
}
