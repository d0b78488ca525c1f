//! `docs/reasons.md` against the reasons themselves: each is in the document, with its word, its error code and the sentence of
//! the dialect `standard`, and nothing else is.

use super::{dialect, every_refusal, seen};
use crate::config::DialectName;
use crate::dialect::Scheme;
use crate::oauth::Refusal;
use hallpass_wire::ErrorCode;
use std::collections::BTreeMap;

const DOCUMENT: &str = include_str!("../../../../../docs/reasons.md");

/// Error code and sentence by word, from the rows `| \`word\` | \`code\` | sentence | … |`.
fn rows() -> BTreeMap<&'static str, (&'static str, &'static str)> {
    let mut rows = BTreeMap::new();
    for line in DOCUMENT.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [word, code, sentence, ended] = cells[..] else {
            panic!("four cells: {line}")
        };
        assert!(!ended.is_empty(), "what to do: {line}");
        let known = rows.insert(word.trim_matches('`'), (code.trim_matches('`'), sentence));
        assert_eq!(known, None, "twice: {line}");
    }
    rows
}

/// What the dialect `standard` says, at the endpoint that has the reason.
fn said(refusal: &Refusal) -> String {
    let standard = dialect(DialectName::Standard, false);
    let response = match refusal.code() {
        ErrorCode::InvalidToken | ErrorCode::InsufficientScope => standard.resource_refusal(refusal),
        _ if *refusal == Refusal::MalformedBearer => standard.resource_refusal(refusal),
        _ => standard.token_refusal(refusal, Scheme::None),
    };
    let body: serde_json::Value = serde_json::from_str(&seen(response).body).unwrap();
    body["error_description"].as_str().unwrap().to_owned()
}

/// `…` in the document stands for what the client sent, or for a name.
fn fits(sentence: &str, said: &str) -> bool {
    let mut rest = Some(said);
    let mut pieces = sentence.split('…');
    rest = rest.and_then(|rest| rest.strip_prefix(pieces.next().unwrap_or_default()));
    for piece in pieces {
        rest = rest.and_then(|rest| rest.find(piece).map(|at| &rest[at + piece.len()..]));
    }
    rest.is_some_and(|rest| rest.is_empty() || sentence.ends_with('…'))
}

#[test]
fn the_document_lists_every_reason_with_its_word_code_and_sentence() {
    let mut rows = rows();
    for refusal in every_refusal() {
        let word = refusal.word();
        let Some((code, sentence)) = rows.remove(word) else {
            panic!("docs/reasons.md has no row for `{word}`")
        };
        assert_eq!(code, refusal.code().as_str(), "{word}");
        let said = said(&refusal);
        assert!(fits(sentence, &said), "{word}: {sentence:?} is not {said:?}");
    }
    assert!(rows.is_empty(), "no such reason: {rows:?}");
}

#[test]
fn a_word_is_of_lower_case_letters_and_underscores() {
    for refusal in every_refusal() {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(refusal.word().bytes().all(fits), "{}", refusal.word());
    }
}
