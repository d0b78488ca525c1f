//! The errors of verification, in the order of its checks.

/// Why a token is refused.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JoseError {
    /// Longer than [`super::MAX_TOKEN`].
    #[error("the token is too long")]
    TooLong,
    /// Not a token in the compact serialization. The text says what it should have.
    #[error("not a JWT in compact form: it must have {0}")]
    Malformed(&'static str),
    /// A header parameter that is refused, absent or of the wrong type.
    #[error("the header parameter `{0}` is refused, missing or malformed")]
    Header(&'static str),
    /// `typ` is absent, or that of another use.
    #[error("`typ` is not the one that is expected here")]
    Type,
    /// `alg` is `none`, unknown, not that of the key, or not on the caller's list.
    #[error("`alg` is not an algorithm of the key, or not allowed")]
    Algorithm,
    /// No key has the `kid`; or there is no `kid`, and no key made the signature. Newer keys of the issuer may help.
    #[error("no key of the issuer fits the token")]
    UnknownKey,
    /// The key that `kid` names did not make the signature.
    #[error("the signature is wrong")]
    Signature,
    /// A claim is absent, or has the wrong type.
    #[error("the claim `{0}` is missing or malformed")]
    Claim(&'static str),
    /// Another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// Meant for others.
    #[error("the token is meant for another audience")]
    Audience,
    /// `exp` has passed (RFC 7519 §4.1.4).
    #[error("the token has expired")]
    Expired,
    /// `nbf` is in the future (RFC 7519 §4.1.5).
    #[error("the token is not valid yet")]
    NotYetValid,
}
