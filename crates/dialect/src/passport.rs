//! Laravel Passport over league/oauth2-server 9: a `hint` beside the description, 401 `invalid_client` for a bad redirect
//! URI, and Laravel's own words at the API.

use crate::answer::{self, RenderedResponse};
use crate::json::{Object, Style};
use crate::{Fatal, Scheme, TokenAnswer, challenge, resource_code};
use hallpass_wire::public_error::{
    AccessFault, AuthorizeFault, ClientFault, CodeFault, RefreshFault, RequestFault, ScopeFault, Trouble,
};
use hallpass_wire::{ErrorCode, PublicError as E};
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use std::borrow::Cow;

/// `BearerTokenResponse`: HC-12's four members, never a `scope`.
pub(crate) fn token(answer: &TokenAnswer<'_>) -> RenderedResponse {
    let body = Object::new(Style::Php, 512)
        .text("token_type", "Bearer")
        .literal("expires_in", answer.expires_in)
        .text("access_token", answer.access_token)
        .text_if_any("refresh_token", answer.refresh.as_ref().map(|refresh| refresh.token))
        .close();
    let mut response = answer::json(200, body);
    answer::set(&mut response, CONTENT_TYPE, "application/json; charset=UTF-8");
    answer::no_cache(response)
}

/// `OAuthServerException`: a client that sent an Authorization header is challenged in the same scheme.
pub(crate) fn token_refusal(refusal: &E, scheme: Scheme) -> RenderedResponse {
    let row = row(refusal);
    let body = Object::new(Style::Php, 512)
        .text("error", row.error)
        .text("error_description", row.description)
        .text_if_any("hint", row.hint)
        .close();
    let mut response = answer::json(row.status, body);
    let challenge = match scheme {
        Scheme::None => None,
        Scheme::Basic | Scheme::Other => Some("Basic realm=\"OAuth\""),
        Scheme::Bearer => Some("Bearer realm=\"OAuth\""),
    };
    if let Some(challenge) = challenge.filter(|_| row.error == "invalid_client") {
        answer::set(&mut response, WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Before the redirect URI is known to be the client's; a bad one is `invalid_client` too.
pub(crate) fn fatal(refusal: &E) -> Fatal {
    let row = row(refusal);
    Fatal {
        status: row.status,
        error: row.error,
        description: match row.hint {
            Some(hint) => format!("{} {hint}", row.description),
            None => row.description.to_owned(),
        },
    }
}

/// `makeRedirectUri` puts the state before the error.
pub(crate) fn redirect_refusal(refusal: &E, state: Option<&str>) -> Vec<(&'static str, String)> {
    let row = row(refusal);
    let mut query = Vec::with_capacity(4);
    query.extend(state.map(|state| ("state", state.to_owned())));
    query.push(("error", row.error.to_owned()));
    query.push(("error_description", row.description.to_owned()));
    query.extend(row.hint.map(|hint| ("hint", hint.into_owned())));
    query
}

/// Laravel's handler: a message and nothing else. Its guard accepts only people, so a token of the app itself counts as
/// unauthenticated.
pub(crate) fn resource_refusal(refusal: &E) -> RenderedResponse {
    let (status, message) = match (refusal, resource_code(refusal)) {
        (E::Access(AccessFault::NoPerson | AccessFault::Malformed), _) | (_, ErrorCode::InvalidToken) => {
            (401, "Unauthenticated.")
        }
        (_, ErrorCode::InsufficientScope) => (403, "Invalid scope(s) provided."),
        (E::Request(RequestFault::Method { .. }), _) => (405, "Method Not Allowed"),
        (E::Request(RequestFault::TooLarge), _) => (413, "The POST data is too large."),
        (_, ErrorCode::TemporarilyUnavailable) => (503, "Service Unavailable"),
        (_, ErrorCode::ServerError) => (500, "Server Error"),
        _ => (400, "Bad Request"),
    };
    answer::json(status, Object::new(Style::Php, 64).text("message", message).close())
}

/// Status, `error`, `error_description` and `hint`.
struct Row {
    status: u16,
    error: &'static str,
    description: &'static str,
    hint: Option<Cow<'static, str>>,
}

const BAD_REQUEST: &str = "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed.";
const BAD_GRANT: &str = "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.";
const BAD_REFRESH_TOKEN: &str = "The refresh token is invalid.";

#[rustfmt::skip] // one row per line, to compare with the original
fn row(refusal: &E) -> Row {
    match refusal {
        E::Request(RequestFault::Method { sent, allowed }) => Row { status: 405, ..request(format!("The request method must be {allowed}, not {sent}")) },
        E::Request(RequestFault::MediaType(sent)) => request(challenge::printable(&format!("The content type must be `application/x-www-form-urlencoded`, not `{sent}`")).into_owned()),
        E::Request(RequestFault::TooLarge) => Row { status: 413, ..request("The request is too large") },
        E::Request(RequestFault::Parameter(fault)) => request(fault.to_string()),
        E::Request(RequestFault::Malformed(detail)) => request(*detail),
        E::Request(RequestFault::Missing(name)) => request(format!("Check the `{name}` parameter")),
        E::Client(ClientFault::Twice) => request("Only one way of client authentication may be used"),
        E::Trouble(Trouble::Wait(_)) => Row { status: 429, description: "Too Many Attempts.", ..by_code(refusal.code()) },

        E::Code(CodeFault::Unknown) => request("Issue decrypting the authorization code"),
        E::Code(CodeFault::Foreign) => request("Authorization code was not issued to this client"),
        E::Code(CodeFault::Expired) => grant(BAD_GRANT, "Authorization code has expired"),
        E::Code(CodeFault::Spent(_)) => grant(BAD_GRANT, "Authorization code has been revoked"),
        E::Code(CodeFault::RedirectUri) => request("Invalid redirect URI"),
        E::Code(CodeFault::VerifierMissing) => request("Check the `code_verifier` parameter"),
        E::Code(CodeFault::VerifierMalformed) => request("Code Verifier must follow the specifications of RFC-7636."),
        E::Code(CodeFault::VerifierMismatch) => grant(BAD_GRANT, "Failed to verify `code_verifier`."),
        E::Code(CodeFault::VerifierUnexpected) => request("code_verifier received when no code_challenge is present"),
        E::Refresh(RefreshFault::Unknown) => grant(BAD_REFRESH_TOKEN, "Cannot decrypt the refresh token"),
        E::Refresh(RefreshFault::Foreign) => grant(BAD_REFRESH_TOKEN, "Token is not linked to client"),
        E::Refresh(RefreshFault::Expired) => grant(BAD_REFRESH_TOKEN, "Token has expired"),
        E::Refresh(RefreshFault::Spent(_)) => grant(BAD_REFRESH_TOKEN, "Token has been revoked"),
        E::Scope(ScopeFault::Unknown(name) | ScopeFault::BeyondClient(name) | ScopeFault::BeyondGrant(name)) => scope(format!("Check the `{name}` scope")),
        E::Scope(ScopeFault::Missing) => scope("Specify a scope in the request or set a default scope"),

        E::Authorize(AuthorizeFault::UriUnregistered | AuthorizeFault::UriAmbiguous | AuthorizeFault::UriAbsent) => by_code(ErrorCode::InvalidClient),
        E::Authorize(AuthorizeFault::ResponseTypeMissing) => request("Check the `response_type` parameter"),
        E::Authorize(AuthorizeFault::ChallengeMissing) => request("Code challenge must be provided for public clients"),
        E::Authorize(AuthorizeFault::ChallengeMalformed) => request("Code challenge must follow the specifications of RFC-7636."),
        E::Authorize(AuthorizeFault::ChallengeMethod) => request("Code challenge method must be one of `S256`"),
        E::Paused(pause) => Row { status: 400, description: pause.description(), ..by_code(ErrorCode::AccessDenied) },
        E::Authorize(AuthorizeFault::Denied) => by_code(ErrorCode::AccessDenied).with_hint("The user denied the request"),
        other => by_code(other.code()),
    }
}

#[rustfmt::skip] // one row per line, to compare with the original
fn by_code(code: ErrorCode) -> Row {
    let (status, description) = match code {
        ErrorCode::InvalidRequest => (400, BAD_REQUEST),
        ErrorCode::InvalidClient => (401, "Client authentication failed"),
        ErrorCode::InvalidGrant => (400, BAD_GRANT),
        ErrorCode::UnauthorizedClient => (400, "The authenticated client is not authorized to use this authorization grant type."),
        ErrorCode::UnsupportedGrantType => (400, "The authorization grant type is not supported by the authorization server."),
        ErrorCode::UnsupportedResponseType => (400, "The authorization server does not support obtaining an authorization code using this method."),
        ErrorCode::RequestNotSupported => (400, "The authorization server does not support the request parameter."),
        ErrorCode::RequestUriNotSupported => (400, "The authorization server does not support the request_uri parameter."),
        ErrorCode::InvalidScope => (400, "The requested scope is invalid, unknown, or malformed"),
        ErrorCode::AccessDenied => (401, "The resource owner or authorization server denied the request."),
        ErrorCode::LoginRequired => (401, "The authorization server requires end-user authentication."),
        ErrorCode::ConsentRequired => (401, "The authorization server requires end-user consent."),
        ErrorCode::ServerError => (500, "The authorization server encountered an unexpected condition which prevented it from fulfilling the request: internal error"),
        ErrorCode::TemporarilyUnavailable => (503, "The authorization server is currently unable to handle the request."),
        ErrorCode::InvalidToken => (401, "The access token is invalid."),
        ErrorCode::InsufficientScope => (403, "The access token does not have the scope that this needs."),
    };
    let row = Row { status, error: code.as_str(), description, hint: None };
    match code {
        ErrorCode::UnsupportedGrantType => row.with_hint("Check that all required parameters have been provided"),
        _ => row,
    }
}

impl Row {
    fn with_hint(self, hint: impl Into<Cow<'static, str>>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

fn request(hint: impl Into<Cow<'static, str>>) -> Row {
    by_code(ErrorCode::InvalidRequest).with_hint(hint)
}

fn grant(description: &'static str, hint: &'static str) -> Row {
    Row {
        description,
        ..by_code(ErrorCode::InvalidGrant).with_hint(hint)
    }
}

fn scope(hint: impl Into<Cow<'static, str>>) -> Row {
    by_code(ErrorCode::InvalidScope).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{scope, scopes, seen};
    use hallpass_wire::public_error::GrantTypeFault;

    #[test]
    #[rustfmt::skip] // one row per line
    fn the_token_endpoint_refuses_as_league_9() {
        let client = "Client authentication failed";
        let bad_scope = "The requested scope is invalid, unknown, or malformed";
        let rows = [
            (E::GrantType(GrantTypeFault::NotOffered("x".into())), 400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server.", Some("Check that all required parameters have been provided")),
            (E::Request(RequestFault::Missing("code")), 400, "invalid_request", BAD_REQUEST, Some("Check the `code` parameter")),
            (E::Client(ClientFault::WrongSecret), 401, "invalid_client", client, None),
            (E::Client(ClientFault::Unknown), 401, "invalid_client", client, None),
            (E::Client(ClientFault::SecretMissing), 401, "invalid_client", client, None),
            (E::Scope(ScopeFault::Unknown(scope("x"))), 400, "invalid_scope", bad_scope, Some("Check the `x` scope")),
            (E::Scope(ScopeFault::Missing), 400, "invalid_scope", bad_scope, Some("Specify a scope in the request or set a default scope")),
            (E::Code(CodeFault::Expired), 400, "invalid_grant", BAD_GRANT, Some("Authorization code has expired")),
            (E::Code(CodeFault::Spent("It is spent")), 400, "invalid_grant", BAD_GRANT, Some("Authorization code has been revoked")),
            (E::Code(CodeFault::VerifierMismatch), 400, "invalid_grant", BAD_GRANT, Some("Failed to verify `code_verifier`.")),
            (E::Code(CodeFault::Unknown), 400, "invalid_request", BAD_REQUEST, Some("Issue decrypting the authorization code")),
            (E::Code(CodeFault::Foreign), 400, "invalid_request", BAD_REQUEST, Some("Authorization code was not issued to this client")),
            (E::Code(CodeFault::RedirectUri), 400, "invalid_request", BAD_REQUEST, Some("Invalid redirect URI")),
            (E::Code(CodeFault::VerifierUnexpected), 400, "invalid_request", BAD_REQUEST, Some("code_verifier received when no code_challenge is present")),
            (E::Refresh(RefreshFault::Unknown), 400, "invalid_grant", BAD_REFRESH_TOKEN, Some("Cannot decrypt the refresh token")),
            (E::Refresh(RefreshFault::Foreign), 400, "invalid_grant", BAD_REFRESH_TOKEN, Some("Token is not linked to client")),
            (E::Refresh(RefreshFault::Expired), 400, "invalid_grant", BAD_REFRESH_TOKEN, Some("Token has expired")),
            (E::Refresh(RefreshFault::Spent("It is spent")), 400, "invalid_grant", BAD_REFRESH_TOKEN, Some("Token has been revoked")),
            (E::GrantType(GrantTypeFault::NotAllowed("password")), 400, "unauthorized_client", "The authenticated client is not authorized to use this authorization grant type.", None),
            (E::Authorize(AuthorizeFault::Denied), 401, "access_denied", "The resource owner or authorization server denied the request.", Some("The user denied the request")),
        ];
        for (refusal, status, error, description, hint) in rows {
            let given = seen(token_refusal(&refusal, Scheme::None));
            let hint = hint.map(|hint| format!(r#","hint":"{hint}""#)).unwrap_or_default();
            let expected = format!(r#"{{"error":"{error}","error_description":"{description}"{hint}}}"#);
            assert_eq!((given.status, given.body.as_str()), (status, expected.as_str()), "{refusal:?}");
            assert_eq!(given.header("www-authenticate"), None);
        }
        let internal = seen(token_refusal(&E::Trouble(Trouble::Failed), Scheme::None));
        assert!(internal.body.contains("prevented it from fulfilling the request: "), "{}", internal.body);
    }

    #[test]
    fn a_failed_client_is_challenged_in_its_own_scheme() {
        let challenged = |refusal: &E, scheme| {
            let given = seen(token_refusal(refusal, scheme));
            given.header("www-authenticate").map(str::to_owned)
        };
        assert_eq!(
            challenged(&E::Client(ClientFault::WrongSecret), Scheme::Basic).unwrap(),
            "Basic realm=\"OAuth\""
        );
        assert_eq!(
            challenged(&E::Client(ClientFault::WrongSecret), Scheme::Other).unwrap(),
            "Basic realm=\"OAuth\""
        );
        assert_eq!(
            challenged(&E::Client(ClientFault::WrongSecret), Scheme::Bearer).unwrap(),
            "Bearer realm=\"OAuth\""
        );
        assert_eq!(challenged(&E::Client(ClientFault::WrongSecret), Scheme::None), None);
        assert_eq!(challenged(&E::Code(CodeFault::Expired), Scheme::Basic), None);
    }

    #[test]
    fn hc_9_a_denial_carries_the_state_first() {
        let given = redirect_refusal(&E::Authorize(AuthorizeFault::Denied), Some("s"));
        let expected = [
            ("state", "s"),
            ("error", "access_denied"),
            (
                "error_description",
                "The resource owner or authorization server denied the request.",
            ),
            ("hint", "The user denied the request"),
        ];
        assert_eq!(given, expected.map(|(name, value)| (name, value.to_owned())));
        assert_eq!(
            redirect_refusal(&E::Authorize(AuthorizeFault::Denied), None),
            given[1..]
        );
    }

    #[test]
    fn a_bad_redirect_uri_is_a_failed_client() {
        for refusal in [
            E::Authorize(AuthorizeFault::UriUnregistered),
            E::Authorize(AuthorizeFault::UriAmbiguous),
            E::Authorize(AuthorizeFault::UriAbsent),
            E::Client(ClientFault::Unknown),
        ] {
            let given = fatal(&refusal);
            assert_eq!((given.status, given.error), (401, "invalid_client"));
            assert_eq!(given.description, "Client authentication failed");
        }
    }

    #[test]
    fn the_api_answers_in_laravels_words() {
        for refusal in [
            E::Access(AccessFault::Absent),
            E::Access(AccessFault::Invalid),
            E::Access(AccessFault::Expired),
            E::Access(AccessFault::Revoked),
            E::Access(AccessFault::Malformed),
            E::Access(AccessFault::NoPerson),
        ] {
            let given = seen(resource_refusal(&refusal));
            assert_eq!(
                (given.status, given.body.as_str()),
                (401, r#"{"message":"Unauthenticated."}"#)
            );
        }
        let given = seen(resource_refusal(&E::Access(AccessFault::Scopes(scopes("a")))));
        assert_eq!(
            (given.status, given.body.as_str()),
            (403, r#"{"message":"Invalid scope(s) provided."}"#)
        );
    }
}
