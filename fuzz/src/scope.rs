//! Scopes (RFC 6749 §3.3): a list is printed in its order, each scope once, and lists behave as sets.

use hallpass_wire::{Scope, Scopes};

/// The input: two lists, one on each line.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (first, second) = text.split_once('\n').unwrap_or((text, ""));
    let Some(first) = parsed(first) else { return };
    assert!(first.is_subset_of(&first));
    assert_eq!(first.intersection(&first), first);
    let Some(second) = parsed(second) else { return };
    let both = first.intersection(&second);
    assert!(both.is_subset_of(&first) && both.is_subset_of(&second));
    for scope in first.iter() {
        assert_eq!(both.contains(scope), second.contains(scope));
    }
    assert_eq!(first.is_subset_of(&second), both == first);
}

fn parsed(text: &str) -> Option<Scopes> {
    // The alphabet of RFC 6749 appendix A.4.
    let fits = |token: &str| {
        token.len() <= 128
            && token
                .chars()
                .all(|c| matches!(c, '\x21' | '\x23'..='\x5B' | '\x5D'..='\x7E'))
    };
    let tokens: Vec<&str> = text.split(' ').filter(|token| !token.is_empty()).collect();
    let scopes = Scopes::parse(text);
    assert_eq!(scopes.is_ok(), tokens.iter().all(|token| fits(token)), "{text:?}");
    let scopes = scopes.ok()?;
    let mut once: Vec<&str> = Vec::new();
    for token in tokens {
        if !once.contains(&token) {
            once.push(token);
        }
    }
    assert_eq!(scopes.iter().map(Scope::as_str).collect::<Vec<_>>(), once);
    assert_eq!(Scopes::parse(&scopes.to_string()).as_ref(), Ok(&scopes));
    Some(scopes)
}
