//! The algorithms (RFC 7518 §3.1, RFC 8037 §3.1): all are asymmetric.

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};
use aws_lc_rs::signature as lc;
use std::fmt;

/// An algorithm of signatures.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519. Both names are read: `EdDSA` (RFC 8037) and `Ed25519` (RFC 9864).
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
}

/// How aws-lc-rs computes an algorithm.
#[derive(Clone, Copy)]
pub(super) enum Primitive {
    /// A curve of `coordinate` bytes, its name in a JWK, and its two directions.
    Ec {
        curve: &'static str,
        coordinate: usize,
        verify: &'static lc::EcdsaVerificationAlgorithm,
        sign: &'static lc::EcdsaSigningAlgorithm,
    },
    Ed25519,
    Rsa {
        verify: &'static lc::RsaParameters,
        sign: &'static lc::RsaSignatureEncoding,
    },
}

impl Algorithm {
    /// Every algorithm. Those of RSA stand in the order in which a key without `alg` prefers them.
    pub const ALL: [Self; 10] = [
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Rs256,
        Self::Ps256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps384,
        Self::Ps512,
    ];

    /// The name in `alg`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
        }
    }

    /// The algorithm that `alg` names; `None` for `none`, for algorithms with shared keys, and for unknown names. Names are
    /// compared with their case (RFC 7515 §4.1.1).
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "Ed25519" {
            return Some(Self::EdDsa);
        }
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    pub(super) fn primitive(self) -> Primitive {
        match self {
            Self::Es256 => Primitive::Ec {
                curve: "P-256",
                coordinate: 32,
                verify: &lc::ECDSA_P256_SHA256_FIXED,
                sign: &lc::ECDSA_P256_SHA256_FIXED_SIGNING,
            },
            Self::Es384 => Primitive::Ec {
                curve: "P-384",
                coordinate: 48,
                verify: &lc::ECDSA_P384_SHA384_FIXED,
                sign: &lc::ECDSA_P384_SHA384_FIXED_SIGNING,
            },
            Self::Es512 => Primitive::Ec {
                curve: "P-521",
                coordinate: 66,
                verify: &lc::ECDSA_P521_SHA512_FIXED,
                sign: &lc::ECDSA_P521_SHA512_FIXED_SIGNING,
            },
            Self::EdDsa => Primitive::Ed25519,
            Self::Rs256 => rsa(&lc::RSA_PKCS1_2048_8192_SHA256, &lc::RSA_PKCS1_SHA256),
            Self::Rs384 => rsa(&lc::RSA_PKCS1_2048_8192_SHA384, &lc::RSA_PKCS1_SHA384),
            Self::Rs512 => rsa(&lc::RSA_PKCS1_2048_8192_SHA512, &lc::RSA_PKCS1_SHA512),
            Self::Ps256 => rsa(&lc::RSA_PSS_2048_8192_SHA256, &lc::RSA_PSS_SHA256),
            Self::Ps384 => rsa(&lc::RSA_PSS_2048_8192_SHA384, &lc::RSA_PSS_SHA384),
            Self::Ps512 => rsa(&lc::RSA_PSS_2048_8192_SHA512, &lc::RSA_PSS_SHA512),
        }
    }

    pub(super) fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Es256 | Self::Rs256 | Self::Ps256 => &SHA256,
            Self::Es384 | Self::Rs384 | Self::Ps384 => &SHA384,
            // Ed25519 hashes by itself.
            Self::Es512 | Self::EdDsa | Self::Rs512 | Self::Ps512 => &SHA512,
        }
    }
}

fn rsa(verify: &'static lc::RsaParameters, sign: &'static lc::RsaSignatureEncoding) -> Primitive {
    Primitive::Rsa { verify, sign }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
