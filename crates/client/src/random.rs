//! The only source of random values.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// 256 bits as 43 characters of base64url: a `state`, or a code verifier as RFC 7636 §4.1 recommends it.
pub(crate) fn text() -> String {
    let mut bytes = [0_u8; 32];
    #[expect(
        clippy::disallowed_methods,
        clippy::expect_used,
        reason = "the one place; without randomness nothing is safe"
    )]
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(bytes)
}
