//! Properties of every dialect and every error.

mod published;

use super::{
    ClientFacts, Dialect, DialectName, Introspection, RefreshAnswer, RefreshLife, RenderedResponse, Scheme, Tenant,
    TokenAnswer,
};
use hallpass_wire::public_error::{
    AccessFault, AuthorizeFault, ClientFault, CodeFault, GrantTypeFault, RefreshFault, RequestFault, ScopeFault,
    Trouble,
};
use hallpass_wire::{ErrorCode, ParameterError, Pause, PublicError as E, Scope, Scopes};

const SCHEMES: [Scheme; 4] = [Scheme::None, Scheme::Basic, Scheme::Bearer, Scheme::Other];
/// A text that a client may get us to repeat, chosen to break out of anything.
const HOSTILE: &str = "\"}\\\r\nSet-Cookie: a=b; é\u{0}";

/// Makes the list of all errors, and a match that stops compiling when one is missing from it.
macro_rules! errors {
    ($($pattern:pat => $value:expr),* $(,)?) => {
        fn every_error() -> Vec<E> {
            let list = vec![$($value),*];
            for error in &list {
                match error { $($pattern => ()),* }
            }
            list
        }
    };
}

errors! {
    E::Request(RequestFault::Method { .. }) => E::Request(RequestFault::Method { sent: HOSTILE.to_owned(), allowed: "POST" }),
    E::Request(RequestFault::MediaType(_)) => E::Request(RequestFault::MediaType(HOSTILE.to_owned())),
    E::Request(RequestFault::TooLarge) => E::Request(RequestFault::TooLarge),
    E::Request(RequestFault::Parameter(ParameterError::Repeated(_))) => E::Request(RequestFault::Parameter(ParameterError::Repeated("code"))),
    E::Request(RequestFault::Parameter(ParameterError::TooLong(_))) => E::Request(RequestFault::Parameter(ParameterError::TooLong("code"))),
    E::Request(RequestFault::Parameter(ParameterError::NotText(_))) => E::Request(RequestFault::Parameter(ParameterError::NotText("code"))),
    E::Request(RequestFault::Malformed(_)) => E::Request(RequestFault::Malformed("the body did not arrive whole")),
    E::Request(RequestFault::Missing(_)) => E::Request(RequestFault::Missing("code")),
    E::Trouble(Trouble::Busy) => E::Trouble(Trouble::Busy),
    E::Trouble(Trouble::Failed) => E::Trouble(Trouble::Failed),
    E::Trouble(Trouble::Wait(_)) => E::Trouble(Trouble::Wait(90)),
    E::Client(ClientFault::NotNamed) => E::Client(ClientFault::NotNamed),
    E::Client(ClientFault::Malformed) => E::Client(ClientFault::Malformed),
    E::Client(ClientFault::Twice) => E::Client(ClientFault::Twice),
    E::Client(ClientFault::Unknown) => E::Client(ClientFault::Unknown),
    E::Client(ClientFault::WrongSecret) => E::Client(ClientFault::WrongSecret),
    E::Client(ClientFault::SecretMissing) => E::Client(ClientFault::SecretMissing),
    E::GrantType(GrantTypeFault::NotOffered(_)) => E::GrantType(GrantTypeFault::NotOffered(HOSTILE.to_owned())),
    E::GrantType(GrantTypeFault::NotAllowed(_)) => E::GrantType(GrantTypeFault::NotAllowed("client_credentials")),
    E::Code(CodeFault::Unknown) => E::Code(CodeFault::Unknown),
    E::Code(CodeFault::Foreign) => E::Code(CodeFault::Foreign),
    E::Code(CodeFault::Expired) => E::Code(CodeFault::Expired),
    E::Code(CodeFault::Spent(_)) => E::Code(CodeFault::Spent("It is spent")),
    E::Code(CodeFault::RedirectUri) => E::Code(CodeFault::RedirectUri),
    E::Code(CodeFault::VerifierMissing) => E::Code(CodeFault::VerifierMissing),
    E::Code(CodeFault::VerifierMalformed) => E::Code(CodeFault::VerifierMalformed),
    E::Code(CodeFault::VerifierMismatch) => E::Code(CodeFault::VerifierMismatch),
    E::Code(CodeFault::VerifierUnexpected) => E::Code(CodeFault::VerifierUnexpected),
    E::Refresh(RefreshFault::Unknown) => E::Refresh(RefreshFault::Unknown),
    E::Refresh(RefreshFault::Foreign) => E::Refresh(RefreshFault::Foreign),
    E::Refresh(RefreshFault::Expired) => E::Refresh(RefreshFault::Expired),
    E::Refresh(RefreshFault::Spent(_)) => E::Refresh(RefreshFault::Spent("It is spent")),
    E::Scope(ScopeFault::Malformed) => E::Scope(ScopeFault::Malformed),
    E::Scope(ScopeFault::Unknown(_)) => E::Scope(ScopeFault::Unknown(scope("x/y"))),
    E::Scope(ScopeFault::BeyondClient(_)) => E::Scope(ScopeFault::BeyondClient(scope("x/y"))),
    E::Scope(ScopeFault::BeyondGrant(_)) => E::Scope(ScopeFault::BeyondGrant(scope("x/y"))),
    E::Scope(ScopeFault::Missing) => E::Scope(ScopeFault::Missing),
    E::Scope(ScopeFault::TooLong { .. }) => E::Scope(ScopeFault::TooLong { length: 3000, longest: 2048 }),
    E::Authorize(AuthorizeFault::UriUnregistered) => E::Authorize(AuthorizeFault::UriUnregistered),
    E::Authorize(AuthorizeFault::UriAmbiguous) => E::Authorize(AuthorizeFault::UriAmbiguous),
    E::Authorize(AuthorizeFault::UriAbsent) => E::Authorize(AuthorizeFault::UriAbsent),
    E::Authorize(AuthorizeFault::ResponseTypeMissing) => E::Authorize(AuthorizeFault::ResponseTypeMissing),
    E::Authorize(AuthorizeFault::ResponseType(_)) => E::Authorize(AuthorizeFault::ResponseType(HOSTILE.to_owned())),
    E::Authorize(AuthorizeFault::ChallengeMissing) => E::Authorize(AuthorizeFault::ChallengeMissing),
    E::Authorize(AuthorizeFault::ChallengeMalformed) => E::Authorize(AuthorizeFault::ChallengeMalformed),
    E::Authorize(AuthorizeFault::ChallengeMethod) => E::Authorize(AuthorizeFault::ChallengeMethod),
    E::Authorize(AuthorizeFault::Denied) => E::Authorize(AuthorizeFault::Denied),
    E::Access(AccessFault::Absent) => E::Access(AccessFault::Absent),
    E::Access(AccessFault::Malformed) => E::Access(AccessFault::Malformed),
    E::Access(AccessFault::Invalid) => E::Access(AccessFault::Invalid),
    E::Access(AccessFault::Expired) => E::Access(AccessFault::Expired),
    E::Access(AccessFault::Revoked) => E::Access(AccessFault::Revoked),
    E::Access(AccessFault::Scopes(_)) => E::Access(AccessFault::Scopes(scopes("a b"))),
    E::Access(AccessFault::NoPerson) => E::Access(AccessFault::NoPerson),
    E::Paused(Pause::AppSuspended) => E::Paused(Pause::AppSuspended),
    E::Paused(Pause::PersonSuspended) => E::Paused(Pause::PersonSuspended),
    E::Paused(Pause::NotAMember) => E::Paused(Pause::NotAMember),
    E::Paused(Pause::OrganizationPolicy) => E::Paused(Pause::OrganizationPolicy),
    E::Plain(..) => E::Plain(ErrorCode::InvalidGrant, "A sentence"),
}

/// Every error, and one without words of its own for each code.
fn every_refusal() -> Vec<E> {
    let codes = [
        ErrorCode::InvalidRequest,
        ErrorCode::InvalidClient,
        ErrorCode::UnauthorizedClient,
        ErrorCode::UnsupportedGrantType,
        ErrorCode::UnsupportedResponseType,
        ErrorCode::RequestNotSupported,
        ErrorCode::RequestUriNotSupported,
        ErrorCode::InvalidScope,
        ErrorCode::AccessDenied,
        ErrorCode::LoginRequired,
        ErrorCode::ConsentRequired,
        ErrorCode::ServerError,
        ErrorCode::TemporarilyUnavailable,
        ErrorCode::InvalidToken,
        ErrorCode::InsufficientScope,
    ];
    let plain = codes.map(|code| E::Plain(code, "A sentence"));
    every_error().into_iter().chain(plain).collect()
}

pub(super) fn scope(text: &str) -> Scope {
    Scope::parse(text).unwrap()
}

pub(super) fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).unwrap()
}

fn every_dialect() -> impl Iterator<Item = Dialect> {
    DialectName::ALL
        .iter()
        .copied()
        .flat_map(|name| [false, true].map(|on| dialect(name, on)))
}

pub(super) fn dialect(name: DialectName, options: bool) -> Dialect {
    Dialect {
        name,
        refusal_message: options,
        empty_member: options,
    }
}

/// The parts of an answer that a client can see.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) body: String,
    headers: Vec<(String, String)>,
}

impl Seen {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name);
        let found = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} twice");
        found
    }
}

pub(super) fn seen(answer: RenderedResponse) -> Seen {
    let (parts, body) = answer.into_parts();
    let headers = parts.headers.iter();
    Seen {
        status: parts.status.as_u16(),
        body: body.into_owned(),
        // to_str refuses what is not visible ASCII.
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
    }
}

fn refusals_of(dialect: &Dialect, refusal: &E) -> Vec<RenderedResponse> {
    let mut answers = vec![dialect.resource_refusal(refusal)];
    for scheme in SCHEMES {
        answers.push(dialect.token_refusal(refusal, scheme));
        answers.push(dialect.introspection_refusal(refusal, scheme));
    }
    answers
}

#[test]
fn every_refusal_is_an_error_with_json_or_nothing_that_no_cache_keeps() {
    for dialect in every_dialect() {
        for refusal in every_refusal() {
            for answer in refusals_of(&dialect, &refusal).into_iter().map(seen) {
                let context = format!("{:?} {refusal:?} {answer:?}", dialect.name);
                assert!((400..600).contains(&answer.status), "{context}");
                assert_eq!(answer.header("cache-control"), Some("no-store"), "{context}");
                assert_eq!(
                    answer.body.is_empty(),
                    answer.header("content-type").is_none(),
                    "{context}"
                );
                if !answer.body.is_empty() {
                    assert_eq!(answer.header("content-type"), Some("application/json"), "{context}");
                    let read: serde_json::Value = serde_json::from_str(&answer.body).expect(&context);
                    assert!(read.is_object(), "{context}");
                }
                let challenge = answer.header("www-authenticate").unwrap_or_default();
                assert_eq!(challenge.matches('"').count() % 2, 0, "{context}");
                assert!(!challenge.contains('\\'), "{context}");
            }
        }
    }
}

#[test]
fn an_unknown_client_and_a_wrong_secret_cannot_be_told_apart() {
    let alike = [E::Client(ClientFault::WrongSecret), E::Client(ClientFault::WrongSecret)];
    for dialect in every_dialect() {
        for scheme in SCHEMES {
            let token = |refusal: &E| seen(dialect.token_refusal(refusal, scheme));
            let introspection = |refusal: &E| seen(dialect.introspection_refusal(refusal, scheme));
            for refusal in &alike {
                assert_eq!(
                    token(refusal),
                    token(&E::Client(ClientFault::Unknown)),
                    "{:?}",
                    dialect.name
                );
                assert_eq!(introspection(refusal), introspection(&E::Client(ClientFault::Unknown)));
            }
            // The one original with a text of its own for an absent secret keeps it.
            if dialect.name != DialectName::Oauth2ServerPhp {
                assert_eq!(
                    token(&E::Client(ClientFault::SecretMissing)),
                    token(&E::Client(ClientFault::Unknown))
                );
            }
        }
    }
}

/// Decision 42: each dialect's own members, and the same code and words in all of them.
#[test]
fn a_pause_is_400_access_denied_with_its_reason_in_every_dialect() {
    for dialect in every_dialect() {
        let (code, text) = match dialect.name {
            DialectName::Apigee => ("ErrorCode", "Error"),
            _ => ("error", "error_description"),
        };
        for pause in Pause::ALL {
            for scheme in SCHEMES {
                let answer = seen(dialect.token_refusal(&E::Paused(pause), scheme));
                let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
                assert_eq!((answer.status, &body[code]), (400, &"access_denied".into()));
                assert_eq!(body[text], pause.description());
                assert_eq!(body.as_object().unwrap().len(), 2, "{body}");
                assert_eq!(answer.header("www-authenticate"), None);
            }
        }
    }
}

#[test]
fn http_itself_is_kept_in_every_dialect() {
    for dialect in every_dialect() {
        for answer in refusals_of(&dialect, &E::Trouble(Trouble::Busy)).into_iter().map(seen) {
            assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
            assert!(!answer.body.is_empty());
            assert_eq!(answer.header("www-authenticate"), None);
        }
        let failures = E::Trouble(Trouble::Wait(90));
        for scheme in SCHEMES {
            let token = seen(dialect.token_refusal(&failures, scheme));
            for answer in [token, seen(dialect.introspection_refusal(&failures, scheme))] {
                assert_eq!((answer.status, answer.header("retry-after")), (429, Some("90")));
                assert!(answer.body.contains("\"temporarily_unavailable\""), "{}", answer.body);
                assert_eq!(answer.header("www-authenticate"), None);
            }
        }
        let get = E::Request(RequestFault::Method {
            sent: "GET".to_owned(),
            allowed: "POST",
        });
        for answer in refusals_of(&dialect, &get).into_iter().map(seen) {
            assert_eq!(answer.status, 405);
            assert!(answer.header("allow").unwrap().starts_with("POST"));
        }
        for answer in refusals_of(&dialect, &E::Request(RequestFault::TooLarge))
            .into_iter()
            .map(seen)
        {
            assert_eq!(answer.status, 413, "{:?}", dialect.name);
        }
        for answer in refusals_of(&dialect, &E::Trouble(Trouble::Failed))
            .into_iter()
            .map(seen)
        {
            assert_eq!(answer.status, 500, "{:?}", dialect.name);
        }
    }
}

#[test]
fn a_resource_answers_only_what_rfc_6750_allows() {
    for dialect in every_dialect() {
        for refusal in every_refusal() {
            let status = seen(dialect.resource_refusal(&refusal)).status;
            assert!(
                matches!(status, 400 | 401 | 403 | 405 | 413 | 500 | 503),
                "{:?} {refusal:?} {status}",
                dialect.name
            );
        }
        for refusal in [
            E::Access(AccessFault::Invalid),
            E::Access(AccessFault::Expired),
            E::Access(AccessFault::Revoked),
            E::Access(AccessFault::Absent),
        ] {
            assert_eq!(seen(dialect.resource_refusal(&refusal)).status, 401);
        }
        let lacking = E::Access(AccessFault::Scopes(scopes("a")));
        assert_eq!(seen(dialect.resource_refusal(&lacking)).status, 403);
    }
}

/// RFC 9110 §15.5.2, RFC 6749 §5.2, RFC 6750 §3: whatever the original does.
#[test]
fn a_401_says_in_every_dialect_how_to_authenticate() {
    for dialect in every_dialect() {
        for refusal in every_refusal() {
            let context = format!("{:?} {refusal:?}", dialect.name);
            let resource = seen(dialect.resource_refusal(&refusal));
            let challenge = resource.header("www-authenticate").unwrap_or_default();
            if matches!(resource.status, 401 | 403) {
                assert!(challenge.starts_with("Bearer realm="), "{context} {challenge}");
            }
            assert_eq!(
                resource.status == 401 && refusal == E::Access(AccessFault::Absent),
                challenge.starts_with("Bearer") && !challenge.contains("error="),
                "{context} {challenge}"
            );
            if refusal.code() != ErrorCode::InvalidClient {
                continue;
            }
            for answer in [
                dialect.token_refusal(&refusal, Scheme::Basic),
                dialect.introspection_refusal(&refusal, Scheme::Basic),
            ] {
                let answer = seen(answer);
                let challenged = answer.header("www-authenticate").is_some();
                assert_eq!(answer.status == 401, challenged, "{context} {answer:?}");
            }
        }
    }
}

#[test]
fn fatal_errors_have_a_status_and_words() {
    for dialect in every_dialect() {
        for refusal in every_refusal() {
            let fatal = dialect.fatal(&refusal);
            assert!((400..600).contains(&fatal.status) && !fatal.error.is_empty());
        }
    }
}

#[test]
fn redirects_carry_the_state_unchanged_once_and_only_where_it_was_sent() {
    for dialect in every_dialect() {
        for refusal in every_refusal() {
            let without = dialect.redirect_refusal(&refusal, None);
            let mut with = dialect.redirect_refusal(&refusal, Some(HOSTILE));
            let place = with.iter().position(|(name, _)| *name == "state").unwrap();
            assert_eq!(with.remove(place), ("state", HOSTILE.to_owned()));
            assert_eq!(with, without, "{:?} {refusal:?}", dialect.name);
            assert_eq!(without.iter().filter(|(name, _)| *name == "error").count(), 1);
        }
        for refusal in [
            E::Authorize(AuthorizeFault::Denied),
            E::Plain(ErrorCode::AccessDenied, "A sentence"),
        ] {
            let denied = dialect.redirect_refusal(&refusal, None);
            assert_eq!(denied[0], ("error", "access_denied".to_owned()));
        }
    }
}

/// An answer as the originals give it most often: a code was redeemed.
pub(super) fn token_answer<'a>(scopes: &'a Scopes, products: &'a [String]) -> TokenAnswer<'a> {
    TokenAnswer {
        access_token: "ACCESS_TOKEN",
        expires_in: 3600,
        scopes,
        refresh: Some(RefreshAnswer {
            token: "REFRESH_TOKEN",
            expires_in: Some(1_209_600),
            life: RefreshLife::default(),
            issued_at_ms: 1_487_281_223_452,
        }),
        issued_at_ms: 1_487_281_223_451,
        refresh_count: 0,
        client: ClientFacts {
            client_id: "123abc",
            id: &"b1bd4907-924a-4470-a641-0effeb279834",
            products,
            organization: "connectedhome",
            developer_email: "dev@example.com",
        },
    }
}

pub(super) fn introspection<'a>(scopes: &'a Scopes) -> Introspection<'a> {
    Introspection {
        scopes,
        client_id: "MY_CLIENT_ID",
        username: Some("[email protected]".into()),
        subject: Some("00000000-0000-0000-0000-00000000018f".to_owned()),
        set_up_by: None,
        issued_at: 1_613_117_353,
        expires: Some(1_613_120_953),
        token_type: Some("Bearer"),
        issuer: "https://id.example",
        tenant: None,
    }
}
