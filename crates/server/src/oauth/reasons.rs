//! `docs/reasons.md` against the reasons themselves: each is in the document, with its word, its error code and the sentence of
//! the dialect `standard`, and nothing else is.

use crate::accounts::limits::TooManyFailures;
use crate::oauth::access::AccessReason;
use crate::oauth::authorize::reason::AuthorizeReason;
use crate::oauth::clients::ClientReason;
use crate::oauth::clients::secret::SecretReason;
use crate::oauth::endpoints::revocation::RevocationReason;
use crate::oauth::endpoints::token::TokenReason;
use crate::oauth::forward_auth::{ForwardReason, NoRoute, TargetFault};
use crate::oauth::grants::authorization_code::CodeReason;
use crate::oauth::grants::copied_device::DeviceCopied;
use crate::oauth::grants::refresh_token::RefreshReason;
use crate::oauth::refusal::{Reason as _, Refusal, RequestReason, ServerReason};
use crate::oauth::scopes::ScopeReason;
use crate::oauth::standing::StandingReason;
use hallpass_dialect::{Dialect, Scheme};
use hallpass_wire::{ParameterError, Pause, PublicError, Scope, Scopes};
use std::collections::{BTreeMap, BTreeSet};

const DOCUMENT: &str = include_str!("../../../../docs/reasons.md");
/// A text that a client may get us to repeat.
const HOSTILE: &str = "\"}\\\r\nSet-Cookie: a=b; é\u{0}";

/// Adds every value of an enum to a list, with a match that stops compiling when one is missing.
macro_rules! every {
    ($list:ident: $($reason:ident { $($pattern:pat => $value:expr),* $(,)? })*) => {$({
        use $reason as R;
        for reason in [$($value),*] {
            match reason { $($pattern => ()),* }
        }
        $list.extend([$(Refusal::from($value)),*]);
    })*};
}

#[expect(clippy::too_many_lines, reason = "one line a reason, to be read as a table")]
fn every_refusal() -> Vec<Refusal> {
    let mut list = vec![Refusal::from(DeviceCopied)];
    every! { list:
        RequestReason {
            R::MethodNotAllowed { .. } => R::MethodNotAllowed { sent: HOSTILE.to_owned(), allowed: "POST" },
            R::MediaType(_) => R::MediaType(HOSTILE.to_owned()),
            R::TooLarge => R::TooLarge,
            R::Parameter(ParameterError::Repeated(_)) => R::Parameter(ParameterError::Repeated("code")),
            R::Parameter(ParameterError::TooLong(_)) => R::Parameter(ParameterError::TooLong("code")),
            R::Parameter(ParameterError::NotText(_)) => R::Parameter(ParameterError::NotText("code")),
            R::Malformed(_) => R::Malformed("the body did not arrive whole"),
            R::MissingParameter(_) => R::MissingParameter("code"),
        }
        ServerReason {
            R::Busy => R::Busy,
            R::NoRoom => R::NoRoom,
            R::Unavailable => R::Unavailable,
            R::Internal => R::Internal,
        }
        ClientReason {
            R::NoClientCredentials => R::NoClientCredentials,
            R::MalformedBasic => R::MalformedBasic,
            R::TwoAuthentications => R::TwoAuthentications,
        }
        SecretReason {
            R::UnknownClient => R::UnknownClient,
            R::WrongSecret => R::WrongSecret,
            R::SecretMissing => R::SecretMissing,
            R::SecretOfPublicClient => R::SecretOfPublicClient,
            R::TooManyFailures(_) => R::TooManyFailures(TooManyFailures { seconds: 90 }),
            R::Server(_) => R::Server(ServerReason::Busy),
        }
        TokenReason {
            R::UnsupportedGrantType(_) => R::UnsupportedGrantType(HOSTILE.to_owned()),
            R::GrantTypeNotAllowed(_) => R::GrantTypeNotAllowed("client_credentials"),
        }
        CodeReason {
            R::Unknown => R::Unknown,
            R::Foreign => R::Foreign,
            R::Expired => R::Expired,
            R::Replayed => R::Replayed,
            R::Revoked => R::Revoked,
            R::RedirectUriMismatch => R::RedirectUriMismatch,
            R::VerifierMissing => R::VerifierMissing,
            R::VerifierMalformed => R::VerifierMalformed,
            R::VerifierMismatch => R::VerifierMismatch,
            R::VerifierUnexpected => R::VerifierUnexpected,
        }
        RefreshReason {
            R::Unknown => R::Unknown,
            R::Foreign => R::Foreign,
            R::Expired => R::Expired,
            R::Reused => R::Reused,
            R::Revoked => R::Revoked,
            R::FromTheFuture => R::FromTheFuture,
        }
        RevocationReason {
            R::ForeignRefreshToken => R::ForeignRefreshToken,
            R::ForeignAccessToken => R::ForeignAccessToken,
        }
        StandingReason {
            R::Paused(Pause::AppSuspended) => R::Paused(Pause::AppSuspended),
            R::Paused(Pause::PersonSuspended) => R::Paused(Pause::PersonSuspended),
            R::Paused(Pause::NotAMember) => R::Paused(Pause::NotAMember),
            R::Paused(Pause::OrganizationPolicy) => R::Paused(Pause::OrganizationPolicy),
            R::ResourceOwnerGone => R::ResourceOwnerGone,
        }
        ScopeReason {
            R::Malformed => R::Malformed,
            R::Unknown(_) => R::Unknown(scope("x/y")),
            R::BeyondClient(_) => R::BeyondClient(scope("x/y")),
            R::ClientWithoutScopes => R::ClientWithoutScopes,
            R::BeyondGrant(_) => R::BeyondGrant(scope("x/y")),
            R::Missing => R::Missing,
            R::Lost => R::Lost,
            R::TooLong(_) => R::TooLong(3000),
        }
        AuthorizeReason {
            R::UnknownClient => R::UnknownClient,
            R::GrantTypeNotAllowed(_) => R::GrantTypeNotAllowed("authorization_code"),
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
            R::PromptNoneWithOthers => R::PromptNoneWithOthers,
            R::MaxAgeMalformed => R::MaxAgeMalformed,
            R::LoginRequired => R::LoginRequired,
            R::ConsentRequired => R::ConsentRequired,
            R::TooLongForHandover => R::TooLongForHandover,
            R::RefusedBySite => R::RefusedBySite,
            R::PersonSuspended => R::PersonSuspended,
            R::Denied => R::Denied,
            R::NoOrganization => R::NoOrganization,
            R::NotAnOwner => R::NotAnOwner,
        }
        AccessReason {
            R::NoToken => R::NoToken,
            R::MalformedBearer => R::MalformedBearer,
            R::InvalidToken => R::InvalidToken,
            R::TokenExpired => R::TokenExpired,
            R::TokenRevoked => R::TokenRevoked,
            R::InsufficientScope(_) => R::InsufficientScope(scopes("a b")),
            R::NoResourceOwner => R::NoResourceOwner,
            R::Server(_) => R::Server(ServerReason::Unavailable),
        }
        ForwardReason {
            R::UntrustedProxy => R::UntrustedProxy,
            R::MethodUnclear => R::MethodUnclear,
            R::UriUnclear => R::UriUnclear,
            R::Header(_) => R::Header("hallpass_subject".to_owned()),
            R::Target(_) => R::Target(TargetFault::DotSegment),
            R::NoRoute(_) => R::NoRoute(NoRoute::Unlisted),
        }
    }
    list
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
    let answer = match error {
        PublicError::Access(_) => standard.resource_refusal(&error),
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
    let rows = rows();
    let refusals = every_refusal();
    for refusal in &refusals {
        let word = refusal.word();
        let Some((code, sentence)) = rows.get(word) else {
            panic!("docs/reasons.md has no row for `{word}`")
        };
        assert_eq!(*code, refusal.public().code().as_str(), "{word}");
        let said = said(refusal);
        assert!(fits(sentence, &said), "{word}: {sentence:?} is not {said:?}");
    }
    let words: BTreeSet<&str> = refusals.iter().map(Refusal::word).collect();
    assert_eq!(words, rows.into_keys().collect(), "no such reason");
}

/// Two endpoints may have the same reason. Then it has one text, so that a search finds both.
#[test]
fn a_word_stands_for_one_reason() {
    let mut texts = BTreeMap::new();
    for refusal in every_refusal() {
        let text = (refusal.public().code(), shape(&refusal));
        let known = texts.entry(refusal.word()).or_insert(text.clone());
        assert_eq!(*known, text, "{}", refusal.word());
    }
}

/// The text of a reason without the name of a grant type.
fn shape(refusal: &Refusal) -> String {
    let text = refusal.to_string();
    text.replace("client_credentials", "…")
        .replace("authorization_code", "…")
}

#[test]
fn a_word_is_of_lower_case_letters_and_underscores() {
    for refusal in every_refusal() {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(refusal.word().bytes().all(fits), "{}", refusal.word());
    }
}

#[test]
fn whose_secret_is_wrong_is_never_told() {
    assert_eq!(
        SecretReason::SecretOfPublicClient.public(),
        SecretReason::WrongSecret.public()
    );
}
