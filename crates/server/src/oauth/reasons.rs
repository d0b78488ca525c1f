//! `docs/reasons.md` against the reasons themselves: each is in the document, with its word, its error code and the sentence of
//! the dialect `standard`, and nothing else is.

use crate::accounts::limits::TooManyFailures;
use crate::oauth::Refusal;
use hallpass_dialect::{Dialect, Scheme};
use hallpass_wire::{ErrorCode, ParameterError, Pause, Scope, Scopes};
use std::collections::BTreeMap;

const DOCUMENT: &str = include_str!("../../../../docs/reasons.md");
/// A text that a client may get us to repeat.
const HOSTILE: &str = "\"}\\\r\nSet-Cookie: a=b; é\u{0}";

/// Makes the list of all reasons, and a match that stops compiling when one is missing from it.
macro_rules! reasons {
    ($($pattern:pat => $value:expr),* $(,)?) => {
        fn every_refusal() -> Vec<Refusal> {
            use Refusal as R;
            let list = vec![$($value),*];
            for refusal in &list {
                match refusal { $($pattern => ()),* }
            }
            list
        }
    };
}

reasons! {
    R::MethodNotAllowed { .. } => R::MethodNotAllowed { sent: HOSTILE.to_owned(), allowed: "POST" },
    R::MediaType(_) => R::MediaType(HOSTILE.to_owned()),
    R::TooLarge => R::TooLarge,
    R::Parameter(ParameterError::Repeated(_)) => R::Parameter(ParameterError::Repeated("code")),
    R::Parameter(ParameterError::TooLong(_)) => R::Parameter(ParameterError::TooLong("code")),
    R::Parameter(ParameterError::NotText(_)) => R::Parameter(ParameterError::NotText("code")),
    R::Malformed(_) => R::Malformed("the body did not arrive whole"),
    R::MissingParameter(_) => R::MissingParameter("code"),
    R::Busy => R::Busy,
    R::NoRoom => R::NoRoom,
    R::Unavailable => R::Unavailable,
    R::Internal => R::Internal,
    R::NoClientCredentials => R::NoClientCredentials,
    R::MalformedBasic => R::MalformedBasic,
    R::TwoAuthentications => R::TwoAuthentications,
    R::UnknownClient => R::UnknownClient,
    R::WrongSecret => R::WrongSecret,
    R::SecretMissing => R::SecretMissing,
    R::SecretOfPublicClient => R::SecretOfPublicClient,
    R::TooManyFailures(_) => R::TooManyFailures(TooManyFailures { seconds: 90 }),
    R::UnsupportedGrantType(_) => R::UnsupportedGrantType(HOSTILE.to_owned()),
    R::GrantTypeNotAllowed(_) => R::GrantTypeNotAllowed("client_credentials"),
    R::UnknownCode => R::UnknownCode,
    R::ForeignCode => R::ForeignCode,
    R::CodeExpired => R::CodeExpired,
    R::CodeReplayed => R::CodeReplayed,
    R::CodeRevoked => R::CodeRevoked,
    R::RedirectUriMismatch => R::RedirectUriMismatch,
    R::VerifierMissing => R::VerifierMissing,
    R::VerifierMalformed => R::VerifierMalformed,
    R::VerifierMismatch => R::VerifierMismatch,
    R::VerifierUnexpected => R::VerifierUnexpected,
    R::UnknownRefreshToken => R::UnknownRefreshToken,
    R::ForeignRefreshToken => R::ForeignRefreshToken,
    R::ForeignAccessToken => R::ForeignAccessToken,
    R::RefreshTokenExpired => R::RefreshTokenExpired,
    R::RefreshTokenReused => R::RefreshTokenReused,
    R::DeviceCopied => R::DeviceCopied,
    R::RefreshTokenRevoked => R::RefreshTokenRevoked,
    R::RefreshTokenFromTheFuture => R::RefreshTokenFromTheFuture,
    R::ResourceOwnerGone => R::ResourceOwnerGone,
    R::Paused(Pause::AppSuspended) => R::Paused(Pause::AppSuspended),
    R::Paused(Pause::PersonSuspended) => R::Paused(Pause::PersonSuspended),
    R::Paused(Pause::NotAMember) => R::Paused(Pause::NotAMember),
    R::Paused(Pause::OrganizationPolicy) => R::Paused(Pause::OrganizationPolicy),
    R::ScopeMalformed => R::ScopeMalformed,
    R::UnknownScope(_) => R::UnknownScope(scope("x/y")),
    R::ScopeBeyondClient(_) => R::ScopeBeyondClient(scope("x/y")),
    R::ClientWithoutScopes => R::ClientWithoutScopes,
    R::ScopeBeyondGrant(_) => R::ScopeBeyondGrant(scope("x/y")),
    R::ScopeMissing => R::ScopeMissing,
    R::ScopesLost => R::ScopesLost,
    R::ScopesTooLong(_) => R::ScopesTooLong(3000),
    R::RedirectUriUnregistered => R::RedirectUriUnregistered,
    R::RedirectUriAmbiguous => R::RedirectUriAmbiguous,
    R::RedirectUriAbsent => R::RedirectUriAbsent,
    R::ResponseTypeMissing => R::ResponseTypeMissing,
    R::UnsupportedResponseType(_) => R::UnsupportedResponseType(HOSTILE.to_owned()),
    R::UnsupportedResponseMode(_) => R::UnsupportedResponseMode(HOSTILE.to_owned()),
    R::RequestObject => R::RequestObject,
    R::RequestObjectUri => R::RequestObjectUri,
    R::ChallengeMissing => R::ChallengeMissing,
    R::ChallengeMalformed => R::ChallengeMalformed,
    R::ChallengeMethod => R::ChallengeMethod,
    R::Denied => R::Denied,
    R::NoOrganization => R::NoOrganization,
    R::NoToken => R::NoToken,
    R::MalformedBearer => R::MalformedBearer,
    R::InvalidToken => R::InvalidToken,
    R::TokenExpired => R::TokenExpired,
    R::TokenRevoked => R::TokenRevoked,
    R::InsufficientScope(_) => R::InsufficientScope(scopes("a b")),
    R::NoResourceOwner => R::NoResourceOwner,
}

fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).unwrap()
}

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
    let (standard, error) = (Dialect::STANDARD, refusal.public());
    let answer = match error.code() {
        ErrorCode::InvalidToken | ErrorCode::InsufficientScope => standard.resource_refusal(&error),
        _ if *refusal == Refusal::MalformedBearer => standard.resource_refusal(&error),
        _ => standard.token_refusal(&error, Scheme::None),
    };
    let body: serde_json::Value = serde_json::from_str(answer.body()).unwrap();
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
        assert_eq!(code, refusal.public().code().as_str(), "{word}");
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
