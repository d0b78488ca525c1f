//! Sealed access tokens: `hp_at_` and base64url of version ‖ key id ‖ nonce ‖ AES-256-GCM-SIV of the claims.
//!
//! Opaque to clients, complete to every node: checking one takes a decryption and no database. Prefix, version, key id and
//! issuer are the associated data, so a token of another deployment or version never opens. The cipher tolerates a repeated
//! nonce, which is used on purpose: the access token of a refresh is derived from the grant's state, so that a client whose
//! answer was lost gets the same pair again.

use crate::store::model::{AppId, GrantId, OrganizationId, UserId};
use crate::time::Instant;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hallpass_wire::Scopes;
use uuid::Uuid;

/// What access tokens begin with, so that secret scanners find them.
pub const PREFIX: &str = "hp_at_";
const VERSION: u8 = 1;
const HEAD: usize = 1 + 4 + 12;
const TAG: usize = 16;
/// Everything but the scopes.
const FIXED: usize = 1 + 16 * 5 + 4 + 4 + 8 + 8;
/// Longer texts are no token of ours; nothing is decoded for them.
const LONGEST: usize = 8192;

/// What an access token says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claims {
    /// The person's grant; `None` for client_credentials.
    pub grant: Option<PersonGrant>,
    /// The app that it was issued to.
    pub app: AppId,
    /// The organization that it acts in.
    pub organization: OrganizationId,
    /// What it opens.
    pub scopes: Scopes,
    /// When it was issued.
    pub issued_at: Instant,
    /// When it ends; never `None` on the wire: [`Instant`]'s last moment stands for a very long time.
    pub expires: Instant,
    /// Its own number, by which it alone can be revoked.
    pub serial: [u8; 16],
}

/// The part of the claims that a person's consent gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PersonGrant {
    /// The grant.
    pub id: GrantId,
    /// Which generation of it.
    pub generation: u32,
    /// The person.
    pub user: UserId,
    /// The key of the code or refresh token that it came with: revoked, it takes the access token along.
    pub key: u32,
}

/// A key that seals and opens, with its id.
pub struct SealKey {
    /// The id that tokens carry.
    pub id: u32,
    key: LessSafeKey,
}

/// A text that no key of ours sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a sealed token of this server")]
pub struct NotSealed;

impl SealKey {
    /// Takes 32 bytes as a key.
    ///
    /// # Errors
    /// Never for 32 bytes; the cipher's own refusal is passed on.
    pub fn new(id: u32, bytes: &[u8; 32]) -> Result<Self, NotSealed> {
        let key = UnboundKey::new(&AES_256_GCM_SIV, bytes).map_err(|_| NotSealed)?;
        Ok(Self {
            id,
            key: LessSafeKey::new(key),
        })
    }

    /// Seals `plain` with associated data and nonce; the tag is appended.
    ///
    /// # Errors
    /// Where the cipher refuses (a text of gigabytes).
    pub fn seal(&self, nonce: [u8; 12], associated: &[u8], plain: &mut Vec<u8>) -> Result<(), NotSealed> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(nonce, Aad::from(associated), plain)
            .map_err(|_| NotSealed)
    }

    /// Opens what [`SealKey::seal`] made.
    ///
    /// # Errors
    /// Where key, nonce, associated data or text are not the ones it was sealed with.
    pub fn open<'a>(&self, nonce: [u8; 12], associated: &[u8], sealed: &'a mut [u8]) -> Result<&'a [u8], NotSealed> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(associated), sealed)
            .map_err(|_| NotSealed)?;
        Ok(plain)
    }
}

/// Seals `claims` for the wire.
///
/// # Errors
/// Where the cipher refuses.
pub fn seal(claims: &Claims, key: &SealKey, nonce: [u8; 12], issuer: &str) -> Result<String, NotSealed> {
    let mut body = encode(claims);
    key.seal(nonce, &associated(key.id, issuer), &mut body)?;
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&key.id.to_be_bytes());
    bytes.extend_from_slice(&nonce);
    bytes.extend_from_slice(&body);
    let mut token = String::with_capacity(PREFIX.len() + bytes.len().div_ceil(3) * 4);
    token.push_str(PREFIX);
    URL_SAFE_NO_PAD.encode_string(&bytes, &mut token);
    Ok(token)
}

/// The id of the key that a token names, if it reads like one of ours at all.
#[must_use]
pub fn key_of(token: &str) -> Option<u32> {
    let encoded = token.strip_prefix(PREFIX)?.get(..8)?;
    let head = URL_SAFE_NO_PAD.decode(encoded).ok()?;
    let id = head.get(1..5).filter(|_| head[0] == VERSION)?;
    id.try_into().ok().map(u32::from_be_bytes)
}

/// Opens a token with the key that it names, as `keys` finds it. Says nothing about time or revocation.
///
/// # Errors
/// Where it is not ours.
pub fn open<'k>(token: &str, keys: impl Fn(u32) -> Option<&'k SealKey>, issuer: &str) -> Result<Claims, NotSealed> {
    if token.len() > LONGEST {
        return Err(NotSealed);
    }
    let encoded = token.strip_prefix(PREFIX).ok_or(NotSealed)?;
    let mut bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| NotSealed)?;
    if bytes.len() < HEAD + FIXED + TAG || bytes[0] != VERSION {
        return Err(NotSealed);
    }
    let (head, sealed) = bytes.split_at_mut(HEAD);
    let id = u32::from_be_bytes(head[1..5].try_into().map_err(|_| NotSealed)?);
    let nonce = head[5..HEAD].try_into().map_err(|_| NotSealed)?;
    let key = keys(id).ok_or(NotSealed)?;
    let plain = key.open(nonce, &associated(id, issuer), sealed)?;
    decode(plain).ok_or(NotSealed)
}

fn associated(key: u32, issuer: &str) -> Vec<u8> {
    let mut data = Vec::with_capacity(PREFIX.len() + 5 + issuer.len());
    data.extend_from_slice(PREFIX.as_bytes());
    data.push(VERSION);
    data.extend_from_slice(&key.to_be_bytes());
    data.extend_from_slice(issuer.as_bytes());
    data
}

fn encode(claims: &Claims) -> Vec<u8> {
    let mut plain = Vec::with_capacity(FIXED + 48 + TAG);
    plain.push(u8::from(claims.grant.is_some()));
    let (grant, generation, user, key) = match claims.grant {
        Some(person) => (person.id.0, person.generation, person.user.0, person.key),
        None => (Uuid::nil(), 0, Uuid::nil(), 0),
    };
    plain.extend_from_slice(grant.as_bytes());
    plain.extend_from_slice(&generation.to_be_bytes());
    plain.extend_from_slice(user.as_bytes());
    plain.extend_from_slice(&key.to_be_bytes());
    plain.extend_from_slice(claims.app.0.as_bytes());
    plain.extend_from_slice(claims.organization.0.as_bytes());
    plain.extend_from_slice(&claims.serial);
    plain.extend_from_slice(&claims.issued_at.0.to_be_bytes());
    plain.extend_from_slice(&claims.expires.0.to_be_bytes());
    for (position, scope) in claims.scopes.iter().enumerate() {
        if position > 0 {
            plain.push(b' ');
        }
        plain.extend_from_slice(scope.as_str().as_bytes());
    }
    plain
}

fn decode(plain: &[u8]) -> Option<Claims> {
    let (kind, rest) = plain.split_first_chunk::<1>()?;
    let (grant, rest) = rest.split_first_chunk::<16>()?;
    let (generation, rest) = rest.split_first_chunk::<4>()?;
    let (user, rest) = rest.split_first_chunk::<16>()?;
    let (key, rest) = rest.split_first_chunk::<4>()?;
    let (app, rest) = rest.split_first_chunk::<16>()?;
    let (organization, rest) = rest.split_first_chunk::<16>()?;
    let (serial, rest) = rest.split_first_chunk::<16>()?;
    let (issued_at, rest) = rest.split_first_chunk::<8>()?;
    let (expires, scopes) = rest.split_first_chunk::<8>()?;
    Some(Claims {
        grant: (kind[0] == 1).then(|| PersonGrant {
            id: GrantId(Uuid::from_bytes(*grant)),
            generation: u32::from_be_bytes(*generation),
            user: UserId(Uuid::from_bytes(*user)),
            key: u32::from_be_bytes(*key),
        }),
        app: AppId(Uuid::from_bytes(*app)),
        organization: OrganizationId(Uuid::from_bytes(*organization)),
        scopes: Scopes::parse(std::str::from_utf8(scopes).ok()?).ok()?,
        issued_at: Instant(i64::from_be_bytes(*issued_at)),
        expires: Instant(i64::from_be_bytes(*expires)),
        serial: *serial,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims() -> Claims {
        Claims {
            grant: Some(PersonGrant {
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
            serial: [5; 16],
        }
    }

    fn opened(token: &str, key: &SealKey, issuer: &str) -> Result<Claims, NotSealed> {
        open(token, |id| (id == key.id).then_some(key), issuer)
    }

    #[test]
    fn what_is_sealed_opens_to_the_same_claims() {
        let key = SealKey::new(9, &[7; 32]).unwrap();
        let alone = Claims {
            grant: None,
            scopes: Scopes::default(),
            ..claims()
        };
        for claims in [claims(), alone] {
            let token = seal(&claims, &key, [1; 12], "https://a.example").unwrap();
            assert_eq!(opened(&token, &key, "https://a.example").unwrap(), claims);
        }
    }

    #[test]
    fn another_key_issuer_or_a_changed_character_does_not_open() {
        let key = SealKey::new(9, &[7; 32]).unwrap();
        let token = seal(&claims(), &key, [1; 12], "https://a.example").unwrap();
        assert!(opened(&token, &key, "https://b.example").is_err());
        assert!(opened(&token, &SealKey::new(9, &[8; 32]).unwrap(), "https://a.example").is_err());
        assert!(opened(&token, &SealKey::new(8, &[7; 32]).unwrap(), "https://a.example").is_err());
        for position in PREFIX.len()..token.len() - 1 {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(opened(&changed, &key, "https://a.example").is_err(), "{position}");
            assert!(opened(&token[..position], &key, "https://a.example").is_err());
        }
    }
}
