//! Sealed access tokens: `hp_at_` and the base64url of version ‖ key id ‖ nonce ‖ AES-256-GCM-SIV of the claims.
//!
//! Clients cannot read a token. Every node can check it with one decryption and without the database. Prefix, version, key
//! id and issuer are the associated data, so a token of another deployment or version does not open.
//!
//! Serial and nonce are a pseudo-random function of everything else in the token. The same claims give the same token on
//! any node, so a client whose answer was lost gets the same token again. Different claims never share a serial or a nonce.

use super::claims::{self, Claims, ClaimsError};
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, Tag, UnboundKey};
use aws_lc_rs::{hkdf, hmac};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hallpass_wire::parameters::LONGEST_VALUE;

/// The prefix of access tokens, by which secret scanners find them.
pub const PREFIX: &str = "hp_at_";
/// The longest token, in characters. Introspection and revocation take it as a parameter. As a header with `Bearer` it is
/// half of the 8 KiB that all headers of an HTTP/2 request may have.
pub const LONGEST: usize = LONGEST_VALUE;
/// The longest text of scopes that fits in a token, in bytes. No grant gets more scopes, so that every token can be used.
pub const LONGEST_SCOPES: usize = 2048;
const VERSION: u8 = 2;
const HEAD: usize = 1 + 4 + NONCE;
const NONCE: usize = 12;
const TAG: usize = 16;
/// Bytes reserved for future fields: an audience, a key, an actor.
const SPARE: usize = 512;

const _: () = assert!(token_length(claims::FIXED + 3 + LONGEST_SCOPES + SPARE) <= LONGEST);

/// The length of a token, in characters, with so many bytes of claims.
const fn token_length(claims: usize) -> usize {
    PREFIX.len() + ((HEAD + claims + TAG) * 4).div_ceil(3)
}

/// A key that seals and opens, with its id.
pub struct SealKey {
    /// The id of the key, which tokens carry.
    pub id: u32,
    key: LessSafeKey,
}

/// No key of this deployment sealed the text.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a sealed token of this server")]
pub struct NotSealed;

impl SealKey {
    /// Makes a key of 32 bytes.
    ///
    /// # Errors
    /// Never for 32 bytes. An error of the cipher is passed on.
    pub fn new(id: u32, bytes: &[u8; 32]) -> Result<Self, NotSealed> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, bytes).map_err(|_| NotSealed)?;
        Ok(Self {
            id,
            key: LessSafeKey::new(key),
        })
    }

    /// Seals `plain` with associated data and nonce, and appends the tag.
    ///
    /// # Errors
    /// If the cipher refuses (a text of gigabytes).
    pub fn seal(&self, nonce: [u8; 12], associated: &[u8], plain: &mut Vec<u8>) -> Result<(), NotSealed> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(associated), plain)
            .map_err(|_| NotSealed)
    }

    /// Seals `plain` in place and returns the tag.
    fn seal_in_place(&self, nonce: [u8; NONCE], associated: &[u8], plain: &mut [u8]) -> Result<Tag, NotSealed> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_separate_tag(nonce, Aad::from(associated), plain)
            .map_err(|_| NotSealed)
    }

    /// Opens a text that [`SealKey::seal`] sealed.
    ///
    /// # Errors
    /// If key, nonce, associated data or text differ from those of the sealing.
    pub fn open<'a>(&self, nonce: [u8; 12], associated: &[u8], sealed: &'a mut [u8]) -> Result<&'a [u8], NotSealed> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(associated), sealed)
            .map_err(|_| NotSealed)?;
        Ok(plain)
    }
}

/// A key for access tokens. It seals them, and gives each token its serial and nonce.
pub struct AccessKey {
    seal: SealKey,
    derive: hmac::Key,
}

/// Why claims could not be sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SealError {
    /// The token would be longer than [`LONGEST`], and every endpoint would refuse it.
    #[error("the access token would be too long to be used")]
    TooLong,
    /// The cipher refused.
    #[error("the cipher failed to seal the token")]
    Cipher,
}

/// Why a token could not be opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpenError {
    /// No key of this deployment sealed it.
    #[error(transparent)]
    NotSealed(#[from] NotSealed),
    /// The token is from this deployment, but this version cannot read or enforce its claims: a newer version sealed it.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
}

impl AccessKey {
    /// Makes a key of 32 bytes. Serials are derived with a second key (RFC 5869), so that no key serves two algorithms.
    ///
    /// # Errors
    /// Never for 32 bytes. An error of the cipher is passed on.
    pub fn new(id: u32, bytes: &[u8; 32]) -> Result<Self, NotSealed> {
        let secret = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, bytes);
        let derived = secret.expand(&[b"hallpass access token serial"], hkdf::HKDF_SHA256.hmac_algorithm());
        Ok(Self {
            seal: SealKey::new(id, bytes)?,
            derive: derived.map_err(|_| NotSealed)?.into(),
        })
    }

    /// The id of the key, which tokens carry.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.seal.id
    }

    /// Serial and nonce for these associated data and fields. The length comes first and separates the two parts.
    fn numbers(&self, associated: &[u8], fields: &[u8], draw: Option<[u8; 16]>) -> ([u8; 16], [u8; NONCE]) {
        let mut context = hmac::Context::with_key(&self.derive);
        context.update(&associated.len().to_be_bytes());
        context.update(associated);
        context.update(&draw.unwrap_or_default());
        context.update(fields);
        let derived = context.sign();
        let (mut serial, mut nonce) = ([0; 16], [0; NONCE]);
        serial.copy_from_slice(&derived.as_ref()[..16]);
        nonce.copy_from_slice(&derived.as_ref()[16..16 + NONCE]);
        (serial, nonce)
    }
}

/// Seals `claims` for the wire, and sets their serial. Tokens without a grant could have equal claims: `draw`, random
/// bytes, then makes their serials differ.
///
/// # Errors
/// If the token would be too long to be used, or the cipher refuses.
pub fn seal(claims: &mut Claims, key: &AccessKey, issuer: &str, draw: Option<[u8; 16]>) -> Result<String, SealError> {
    let most = claims::FIXED + 3 + claims.scopes.text_length();
    if token_length(most) > LONGEST {
        return Err(SealError::TooLong);
    }
    let associated = associated(key.id(), issuer);
    let mut bytes = Vec::with_capacity(HEAD + most + TAG);
    bytes.push(VERSION);
    bytes.extend_from_slice(&key.id().to_be_bytes());
    bytes.extend_from_slice(&[0; NONCE]);
    claims.encode(&mut bytes).map_err(|_| SealError::TooLong)?;
    let (head, plain) = bytes.split_at_mut(HEAD);
    let (serial, nonce) = key.numbers(&associated, &plain[claims::SERIAL.end..], draw);
    claims.serial = serial;
    plain[claims::SERIAL].copy_from_slice(&serial);
    head[HEAD - NONCE..].copy_from_slice(&nonce);
    let tag = key
        .seal
        .seal_in_place(nonce, &associated, plain)
        .map_err(|_| SealError::Cipher)?;
    bytes.extend_from_slice(tag.as_ref());
    let mut token = String::with_capacity(token_length(most));
    token.push_str(PREFIX);
    URL_SAFE_NO_PAD.encode_string(&bytes, &mut token);
    Ok(token)
}

/// The id of the key that a token names. `None` if the text does not have the form of an access token.
#[must_use]
pub fn key_of(token: &str) -> Option<u32> {
    let encoded = token.strip_prefix(PREFIX)?.get(..8)?;
    let head = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let id = head.get(1..5).filter(|_| head[0] == VERSION)?;
    id.try_into().ok().map(u32::from_be_bytes)
}

/// Opens a token with the key that it names; `keys` finds the key. Does not check expiry or revocation.
///
/// # Errors
/// If this deployment did not seal it, or this version does not know one of its fields.
pub fn open<'k>(token: &str, keys: impl Fn(u32) -> Option<&'k AccessKey>, issuer: &str) -> Result<Claims, OpenError> {
    if token.len() > LONGEST {
        return Err(NotSealed.into());
    }
    let encoded = token.strip_prefix(PREFIX).ok_or(NotSealed)?;
    let mut bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| NotSealed)?;
    let (head, sealed) = bytes.split_first_chunk_mut::<HEAD>().ok_or(NotSealed)?;
    if head[0] != VERSION {
        return Err(NotSealed.into());
    }
    let id = u32::from_be_bytes(head[1..5].try_into().map_err(|_| NotSealed)?);
    let nonce = head[5..].try_into().map_err(|_| NotSealed)?;
    let key = keys(id).ok_or(NotSealed)?;
    let plain = key.seal.open(nonce, &associated(id, issuer), sealed)?;
    Ok(Claims::decode(plain)?)
}

fn associated(key: u32, issuer: &str) -> Vec<u8> {
    let mut data = Vec::with_capacity(PREFIX.len() + 5 + issuer.len());
    data.extend_from_slice(PREFIX.as_bytes());
    data.push(VERSION);
    data.extend_from_slice(&key.to_be_bytes());
    data.extend_from_slice(issuer.as_bytes());
    data
}

#[cfg(test)]
mod tests {
    use super::super::claims::PersonGrant;
    use super::*;
    use crate::store::model::ActsAs;
    use crate::store::model::{AppId, GrantId, OrganizationId, UserId};
    use crate::time::Instant;
    use hallpass_wire::{Scope, Scopes};
    use std::collections::HashSet;
    use uuid::Uuid;

    const ISSUER: &str = "https://a.example";

    fn claims() -> Claims {
        Claims {
            serial: [0; 16],
            grant: Some(PersonGrant {
                acts_as: ActsAs::Person,
                id: GrantId(Uuid::from_u128(1)),
                generation: 7,
                user: UserId(Uuid::from_u128(2)),
                key: 8,
            }),
            app: AppId(Uuid::from_u128(3)),
            organization: OrganizationId(Uuid::from_u128(4)),
            scopes: Scopes::parse("library sales").unwrap(),
            issued_at: Instant(1_000),
            expires: Instant(2_000),
        }
    }

    fn key(id: u32, byte: u8) -> AccessKey {
        AccessKey::new(id, &[byte; 32]).unwrap()
    }

    fn opened(token: &str, key: &AccessKey, issuer: &str) -> Result<Claims, OpenError> {
        open(token, |id| (id == key.id()).then_some(key), issuer)
    }

    fn nonce(token: &str) -> Vec<u8> {
        let bytes = URL_SAFE_NO_PAD.decode(&token[PREFIX.len()..]).unwrap();
        bytes[HEAD - NONCE..HEAD].to_vec()
    }

    #[test]
    fn a_sealed_token_opens_to_the_same_claims() {
        let key = key(9, 7);
        let alone = Claims {
            grant: None,
            scopes: Scopes::default(),
            ..claims()
        };
        for mut claims in [claims(), alone] {
            let token = seal(&mut claims, &key, ISSUER, None).unwrap();
            assert_ne!(claims.serial, [0; 16]);
            assert_eq!(opened(&token, &key, ISSUER), Ok(claims));
        }
    }

    #[test]
    fn a_token_does_not_open_with_another_key_or_issuer_or_if_changed() {
        let sealing = key(9, 7);
        let token = seal(&mut claims(), &sealing, ISSUER, None).unwrap();
        assert!(opened(&token, &sealing, "https://b.example").is_err());
        assert!(opened(&token, &key(9, 8), ISSUER).is_err());
        assert!(opened(&token, &key(8, 7), ISSUER).is_err());
        for position in PREFIX.len()..token.len() - 1 {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(opened(&changed, &sealing, ISSUER).is_err(), "{position}");
            assert!(opened(&token[..position], &sealing, ISSUER).is_err());
        }
    }

    /// The same grant in the same state: a lost answer is given again. The value of the serial before sealing does not
    /// matter.
    #[test]
    fn the_same_claims_give_the_same_token() {
        let mut again = Claims {
            serial: [9; 16],
            ..claims()
        };
        let first = seal(&mut claims(), &key(9, 7), ISSUER, None).unwrap();
        assert_eq!(seal(&mut again, &key(9, 7), ISSUER, None).unwrap(), first);
    }

    /// Each of two tokens can be revoked without the other, and no nonce seals two texts.
    #[test]
    fn different_tokens_have_different_serials_and_nonces() {
        let base = claims();
        let grant = base.grant.unwrap();
        let of = |grant| Claims {
            grant: Some(grant),
            ..base.clone()
        };
        let id = GrantId(Uuid::from_u128(9));
        let user = UserId(Uuid::from_u128(9));
        let scopes = |text| Scopes::parse(text).unwrap();
        #[rustfmt::skip]
        let mut different = vec![
            base.clone(),
            Claims { grant: None, ..base.clone() },
            of(PersonGrant { id, ..grant }),
            of(PersonGrant { generation: 8, ..grant }),
            of(PersonGrant { user, ..grant }),
            of(PersonGrant { key: 9, ..grant }),
            of(PersonGrant { acts_as: ActsAs::Organization, ..grant }),
            Claims { app: AppId(Uuid::from_u128(9)), ..base.clone() },
            Claims { organization: OrganizationId(Uuid::from_u128(9)), ..base.clone() },
            Claims { scopes: scopes("library"), ..base.clone() },
            Claims { scopes: scopes("sales library"), ..base.clone() },
            Claims { issued_at: Instant(1_001), ..base.clone() },
            Claims { expires: Instant(2_001), ..base.clone() },
        ];
        let (mut serials, mut nonces) = (HashSet::new(), HashSet::new());
        let mut seal = |claims: &mut Claims, key: AccessKey, issuer: &str, draw| {
            let token = seal(claims, &key, issuer, draw).unwrap();
            assert!(serials.insert(claims.serial), "{claims:?}");
            assert!(nonces.insert(nonce(&token)), "{claims:?}");
        };
        for claims in &mut different {
            seal(claims, key(9, 7), ISSUER, None);
        }
        seal(&mut claims(), key(9, 8), ISSUER, None);
        seal(&mut claims(), key(8, 7), ISSUER, None);
        seal(&mut claims(), key(9, 7), "https://a.example/", None);
        seal(&mut claims(), key(9, 7), ISSUER, Some([1; 16]));
        seal(&mut claims(), key(9, 7), ISSUER, Some([2; 16]));
    }

    /// Decision 33: a token with the most scopes can be used, even with the reserved fields.
    #[test]
    fn a_token_with_the_most_scopes_is_short_enough_to_be_used() {
        let key = key(9, 7);
        let scopes = |count| {
            (0..count)
                .map(|n| Scope::parse(&format!("{n:0>15}")).unwrap())
                .collect()
        };
        let most: Scopes = scopes(128);
        assert_eq!(most.text_length(), LONGEST_SCOPES - 1);
        let mut claims = Claims {
            scopes: most,
            ..claims()
        };
        let token = seal(&mut claims, &key, ISSUER, None).unwrap();
        assert!(token.len() + SPARE * 4 / 3 <= LONGEST, "{}", token.len());
        assert_eq!(opened(&token, &key, ISSUER), Ok(claims.clone()));
        // Above the limit there is room until the token itself is too long.
        claims.scopes = scopes(181);
        let token = seal(&mut claims, &key, ISSUER, None).unwrap();
        assert_eq!(opened(&token, &key, ISSUER), Ok(claims.clone()));
        claims.scopes = scopes(182);
        assert_eq!(seal(&mut claims, &key, ISSUER, None), Err(SealError::TooLong));
    }

    #[test]
    fn a_token_that_this_version_cannot_read_gives_a_claims_error() {
        let key = key(9, 7);
        let mut plain = Vec::new();
        claims().encode(&mut plain).unwrap();
        plain.extend_from_slice(&[15, 0]);
        let mut token = vec![VERSION];
        token.extend_from_slice(&key.id().to_be_bytes());
        token.extend_from_slice(&[1; NONCE]);
        key.seal
            .seal([1; NONCE], &associated(key.id(), ISSUER), &mut plain)
            .unwrap();
        token.extend_from_slice(&plain);
        let token = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(token));
        let refused = Err(OpenError::Claims(ClaimsError::UnknownCritical(15)));
        assert_eq!(opened(&token, &key, ISSUER), refused);
    }
}
