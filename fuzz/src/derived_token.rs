//! Codes and refresh tokens have one form each, and only the derived text is authentic.

use super::take;
use aws_lc_rs::hmac;
use hallpass::tokens::proofs::{Proof, ProofKind};
use std::sync::LazyLock;
use uuid::Uuid;

const KINDS: [ProofKind; 2] = [ProofKind::Code, ProofKind::RefreshToken];
static KEY: LazyLock<hmac::Key> = LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, &[5; 32]));

/// Reads the input as a token. Then derives a token from it.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for kind in KINDS {
        received(kind, &text);
        received(kind, &format!("{}{text}", kind.prefix()));
    }
    derived(data);
}

fn received(kind: ProofKind, text: &str) {
    let Some(proof) = Proof::parse(kind, text) else { return };
    assert_eq!(proof.token(), text, "a token has one form");
    assert!(!proof.is_authentic(&KEY, &[9; 16]), "only the key can derive a token");
}

fn derived(mut data: &[u8]) {
    let [which, at, bit] = take(&mut data);
    let (salt, grant) = (take::<16>(&mut data), Uuid::from_bytes(take(&mut data)));
    let generation = u32::from_le_bytes(take(&mut data));
    let kind = KINDS[usize::from(which % 2)];
    let other = KINDS[usize::from(1 - which % 2)];

    let token = Proof::derive(kind, &KEY, &salt, grant, generation).token();
    let proof = Proof::parse(kind, &token).expect("a derived token");
    assert_eq!((proof.grant, proof.generation), (grant, generation));
    assert!(proof.is_authentic(&KEY, &salt));
    let wrong = hmac::Key::new(hmac::HMAC_SHA256, &[6; 32]);
    assert!(!proof.is_authentic(&wrong, &salt));
    let mut salted = salt;
    salted[usize::from(at % 16)] ^= 1 << (bit % 8);
    assert!(!proof.is_authentic(&KEY, &salted));

    assert!(Proof::parse(other, &token).is_none());
    // A code is not a refresh token, even with the prefix of one.
    let renamed = token.replacen(kind.prefix(), other.prefix(), 1);
    let renamed = Proof::parse(other, &renamed).expect("the form is the same");
    assert!(!renamed.is_authentic(&KEY, &salt));

    let mut changed = token.clone().into_bytes();
    let at = kind.prefix().len() + usize::from(at) % (token.len() - kind.prefix().len());
    changed[at] ^= 1 << (bit % 7);
    if let Some(proof) = std::str::from_utf8(&changed)
        .ok()
        .and_then(|text| Proof::parse(kind, text))
    {
        assert!(!proof.is_authentic(&KEY, &salt), "byte {at}");
    }
    assert!(Proof::parse(kind, &token[..at]).is_none());
}
