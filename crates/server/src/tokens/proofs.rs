//! Codes and refresh tokens: a prefix, and the base64url of grant id ‖ generation ‖ HMAC.
//!
//! The HMAC covers a salt, which is only in the grant's row, under a key that only the server has. So neither the database
//! alone nor the key alone is enough to forge a token. The token itself is not stored: the row holds only the generation.
//! So the server can derive the token again for a client whose answer was lost.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

const LENGTH: usize = 16 + 4 + 32;

/// The kind of token that a proof is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProofKind {
    /// An authorization code (RFC 6749 §4.1.2); its generation is 0.
    Code,
    /// A refresh token (RFC 6749 §1.5).
    RefreshToken,
}

impl ProofKind {
    /// The prefix of tokens of this kind, by which secret scanners find them.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Code => "hp_ac_",
            Self::RefreshToken => "hp_rt_",
        }
    }
}

/// A token that has the form of a proof. The salt in the grant's row is needed to check whether it is authentic.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    kind: ProofKind,
    /// The grant that the proof belongs to.
    pub grant: Uuid,
    /// The generation of the grant that the proof stands for.
    pub generation: u32,
    mac: [u8; 32],
}

impl Proof {
    /// Derives the proof of `generation` for the grant with this salt.
    #[must_use]
    pub fn derive(kind: ProofKind, key: &hmac::Key, salt: &[u8; 16], grant: Uuid, generation: u32) -> Self {
        let mut mac = [0; 32];
        mac.copy_from_slice(hmac::sign(key, &message(kind, salt, grant, generation)).as_ref());
        Self {
            kind,
            grant,
            generation,
            mac,
        }
    }

    /// Parses a token of this kind. `None` if it has another form.
    #[must_use]
    pub fn parse(kind: ProofKind, token: &str) -> Option<Self> {
        let encoded = token.strip_prefix(kind.prefix())?;
        let mut bytes = [0; LENGTH];
        let length = URL_SAFE_NO_PAD.decode_slice(encoded, &mut bytes).ok()?;
        if length != LENGTH {
            return None;
        }
        let (grant, rest) = bytes.split_first_chunk::<16>()?;
        let (generation, mac) = rest.split_first_chunk::<4>()?;
        Some(Self {
            kind,
            grant: Uuid::from_bytes(*grant),
            generation: u32::from_be_bytes(*generation),
            mac: mac.try_into().ok()?,
        })
    }

    /// Whether this server made the proof for the grant with this salt. Constant in time.
    #[must_use]
    pub fn is_authentic(&self, key: &hmac::Key, salt: &[u8; 16]) -> bool {
        hmac::verify(key, &message(self.kind, salt, self.grant, self.generation), &self.mac).is_ok()
    }

    /// The proof as the text that clients send.
    #[must_use]
    pub fn token(&self) -> String {
        let mut bytes = [0; LENGTH];
        bytes[..16].copy_from_slice(self.grant.as_bytes());
        bytes[16..20].copy_from_slice(&self.generation.to_be_bytes());
        bytes[20..].copy_from_slice(&self.mac);
        let mut token = String::with_capacity(76);
        token.push_str(self.kind.prefix());
        URL_SAFE_NO_PAD.encode_string(bytes, &mut token);
        token
    }
}

fn message(kind: ProofKind, salt: &[u8; 16], grant: Uuid, generation: u32) -> [u8; 37] {
    let tag = match kind {
        ProofKind::Code => 1,
        ProofKind::RefreshToken => 2,
    };
    let mut message = [0; 37];
    message[..16].copy_from_slice(salt);
    message[16] = tag;
    message[17..33].copy_from_slice(grant.as_bytes());
    message[33..].copy_from_slice(&generation.to_be_bytes());
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32])
    }

    #[test]
    fn a_proof_is_authentic_only_with_its_key_salt_kind_grant_and_generation() {
        let proof = Proof::derive(ProofKind::RefreshToken, &key(1), &[2; 16], Uuid::from_u128(3), 4);
        let read = Proof::parse(ProofKind::RefreshToken, &proof.token()).unwrap();
        assert!(read.is_authentic(&key(1), &[2; 16]));
        assert!(!read.is_authentic(&key(9), &[2; 16]));
        assert!(!read.is_authentic(&key(1), &[9; 16]));
        assert!(!Proof { generation: 5, ..read }.is_authentic(&key(1), &[2; 16]));
        assert!(
            !Proof {
                grant: Uuid::from_u128(9),
                ..read
            }
            .is_authentic(&key(1), &[2; 16])
        );
        assert!(
            !Proof {
                kind: ProofKind::Code,
                ..read
            }
            .is_authentic(&key(1), &[2; 16])
        );
    }

    #[test]
    fn a_token_of_another_form_is_refused() {
        let token = Proof::derive(ProofKind::Code, &key(1), &[2; 16], Uuid::from_u128(3), 0).token();
        assert!(Proof::parse(ProofKind::RefreshToken, &token).is_none());
        let longer = format!("{token}A");
        for text in [
            "",
            "hp_ac_",
            &token[..token.len() - 1],
            &longer,
            &token.replace('_', "+"),
        ] {
            assert!(Proof::parse(ProofKind::Code, text).is_none(), "{text}");
        }
    }
}
