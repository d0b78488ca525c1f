//! Laravel Passport over league/oauth2-server 9: a `hint` beside the description, 401 `invalid_client` for a bad redirect
//! URI, and Laravel's own words at the API.

use super::json::{Object, Style};
use super::{Fatal, Scheme, TokenAnswer, challenge, no_cache, resource_code};
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::Refusal as R;
use hallpass_wire::ErrorCode;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use std::borrow::Cow;

/// `BearerTokenResponse`: HC-12's four members, never a `scope`.
#[must_use]
pub fn token(answer: &TokenAnswer<'_>) -> Response {
    let body = Object::new(Style::Php, 512)
        .text("token_type", "Bearer")
        .literal("expires_in", answer.expires_in)
        .text("access_token", answer.access_token)
        .text_if_any("refresh_token", answer.refresh.as_ref().map(|refresh| refresh.token))
        .close();
    let mut response = respond::json(200, body);
    respond::set(&mut response, CONTENT_TYPE, "application/json; charset=UTF-8");
    no_cache(response)
}

/// `OAuthServerException`: challenged is who sent an Authorization header, in its own scheme.
#[must_use]
pub fn token_refusal(refusal: &R, scheme: Scheme) -> Response {
    let row = row(refusal);
    let body = Object::new(Style::Php, 512)
        .text("error", row.error)
        .text("error_description", row.description)
        .text_if_any("hint", row.hint)
        .close();
    let mut response = respond::json(row.status, body);
    let challenge = match scheme {
        Scheme::None => None,
        Scheme::Basic | Scheme::Other => Some("Basic realm=\"OAuth\""),
        Scheme::Bearer => Some("Bearer realm=\"OAuth\""),
    };
    if let Some(challenge) = challenge.filter(|_| row.error == "invalid_client") {
        respond::set(&mut response, WWW_AUTHENTICATE, challenge);
    }
    response
}

/// Before the redirect URI is known to be the client's; a bad one is `invalid_client` too.
#[must_use]
pub fn fatal(refusal: &R) -> Fatal {
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

/// `makeRedirectUri` is given the state before the error.
#[must_use]
pub fn redirect_refusal(refusal: &R, state: Option<&str>) -> Vec<(&'static str, String)> {
    let row = row(refusal);
    let mut query = Vec::with_capacity(4);
    query.extend(state.map(|state| ("state", state.to_owned())));
    query.push(("error", row.error.to_owned()));
    query.push(("error_description", row.description.to_owned()));
    query.extend(row.hint.map(|hint| ("hint", hint.into_owned())));
    query
}

/// Laravel's handler: a message and nothing else. The guard knows people only, so an app's own token is nobody.
#[must_use]
pub fn resource_refusal(refusal: &R) -> Response {
    let (status, message) = match (refusal, resource_code(refusal)) {
        (R::NoResourceOwner | R::MalformedBearer, _) | (_, ErrorCode::InvalidToken) => (401, "Unauthenticated."),
        (_, ErrorCode::InsufficientScope) => (403, "Invalid scope(s) provided."),
        (R::MethodNotAllowed { .. }, _) => (405, "Method Not Allowed"),
        (R::TooLarge, _) => (413, "The POST data is too large."),
        (_, ErrorCode::TemporarilyUnavailable) => (503, "Service Unavailable"),
        (_, ErrorCode::ServerError) => (500, "Server Error"),
        _ => (400, "Bad Request"),
    };
    respond::json(status, Object::new(Style::Php, 64).text("message", message).close())
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

#[rustfmt::skip] // one row a line, to be laid beside the original's
fn row(refusal: &R) -> Row {
    match refusal {
        R::MethodNotAllowed { sent, allowed } => Row { status: 405, ..request(format!("The request method must be {allowed}, not {sent}")) },
        R::MediaType(sent) => request(challenge::printable(&format!("The content type must be `application/x-www-form-urlencoded`, not `{sent}`")).into_owned()),
        R::TooLarge => Row { status: 413, ..request("The request is too large") },
        R::Parameter(fault) => request(fault.to_string()),
        R::Malformed(detail) => request(*detail),
        R::MissingParameter(name) => request(format!("Check the `{name}` parameter")),
        R::TwoAuthentications => request("Only one way of client authentication may be used"),
        R::TooManyFailures(_) => Row { status: 429, description: "Too Many Attempts.", ..by_code(refusal.code()) },

        R::UnknownCode => request("Issue decrypting the authorization code"),
        R::ForeignCode => request("Authorization code was not issued to this client"),
        R::CodeExpired => grant(BAD_GRANT, "Authorization code has expired"),
        R::CodeReplayed | R::CodeRevoked => grant(BAD_GRANT, "Authorization code has been revoked"),
        R::RedirectUriMismatch => request("Invalid redirect URI"),
        R::VerifierMissing => request("Check the `code_verifier` parameter"),
        R::VerifierMalformed => request("Code Verifier must follow the specifications of RFC-7636."),
        R::VerifierMismatch => grant(BAD_GRANT, "Failed to verify `code_verifier`."),
        R::VerifierUnexpected => request("code_verifier received when no code_challenge is present"),
        R::UnknownRefreshToken => grant(BAD_REFRESH_TOKEN, "Cannot decrypt the refresh token"),
        R::ForeignRefreshToken | R::ForeignAccessToken => grant(BAD_REFRESH_TOKEN, "Token is not linked to client"),
        R::RefreshTokenExpired => grant(BAD_REFRESH_TOKEN, "Token has expired"),
        R::RefreshTokenReused | R::DeviceCopied | R::RefreshTokenRevoked | R::RefreshTokenFromTheFuture => grant(BAD_REFRESH_TOKEN, "Token has been revoked"),
        R::UnknownScope(name) | R::ScopeBeyondClient(name) | R::ScopeBeyondGrant(name) => scope(format!("Check the `{name}` scope")),
        R::ScopeMissing => scope("Specify a scope in the request or set a default scope"),

        R::RedirectUriUnregistered | R::RedirectUriAmbiguous | R::RedirectUriAbsent => by_code(ErrorCode::InvalidClient),
        R::ResponseTypeMissing => request("Check the `response_type` parameter"),
        R::ChallengeMissing => request("Code challenge must be provided for public clients"),
        R::ChallengeMalformed => request("Code challenge must follow the specifications of RFC-7636."),
        R::ChallengeMethod => request("Code challenge method must be one of `S256`"),
        R::Paused(pause) => Row { status: 400, description: pause.description(), ..by_code(ErrorCode::AccessDenied) },
        R::Denied => by_code(ErrorCode::AccessDenied).with_hint("The user denied the request"),
        other => by_code(other.code()),
    }
}

#[rustfmt::skip] // one row a line, to be laid beside the original's
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
    use super::super::tests::{scope, scopes, seen};
    use super::*;

    #[test]
    #[rustfmt::skip] // the rows of DIALECTS.md, one a line
    fn the_token_endpoint_refuses_as_league_9() {
        let client = "Client authentication failed";
        let bad_scope = "The requested scope is invalid, unknown, or malformed";
        let rows = [
            (R::UnsupportedGrantType("x".into()), 400, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server.", Some("Check that all required parameters have been provided")),
            (R::MissingParameter("code"), 400, "invalid_request", BAD_REQUEST, Some("Check the `code` parameter")),
            (R::WrongSecret, 401, "invalid_client", client, None),
            (R::UnknownClient, 401, "invalid_client", client, None),
            (R::SecretMissing, 401, "invalid_client", client, None),
            (R::UnknownScope(scope("x")), 400, "invalid_scope", bad_scope, Some("Check the `x` scope")),
            (R::ScopeMissing, 400, "invalid_scope", bad_scope, Some("Specify a scope in the request or set a default scope")),
            (R::CodeExpired, 400, "invalid_grant", BAD_GRANT, Some("Authorization code has expired")),
            (R::CodeReplayed, 400, "invalid_grant", BAD_GRANT, Some("Authorization code has been revoked")),
            (R::VerifierMismatch, 400, "invalid_grant", BAD_GRANT, Some("Failed to verify `code_verifier`.")),
            (R::UnknownCode, 400, "invalid_request", BAD_REQUEST, Some("Issue decrypting the authorization code")),
            (R::ForeignCode, 400, "invalid_request", BAD_REQUEST, Some("Authorization code was not issued to this client")),
            (R::RedirectUriMismatch, 400, "invalid_request", BAD_REQUEST, Some("Invalid redirect URI")),
            (R::VerifierUnexpected, 400, "invalid_request", BAD_REQUEST, Some("code_verifier received when no code_challenge is present")),
            (R::UnknownRefreshToken, 400, "invalid_grant", BAD_REFRESH_TOKEN, Some("Cannot decrypt the refresh token")),
            (R::ForeignRefreshToken, 400, "invalid_grant", BAD_REFRESH_TOKEN, Some("Token is not linked to client")),
            (R::RefreshTokenExpired, 400, "invalid_grant", BAD_REFRESH_TOKEN, Some("Token has expired")),
            (R::RefreshTokenReused, 400, "invalid_grant", BAD_REFRESH_TOKEN, Some("Token has been revoked")),
            (R::GrantTypeNotAllowed("password"), 400, "unauthorized_client", "The authenticated client is not authorized to use this authorization grant type.", None),
            (R::Denied, 401, "access_denied", "The resource owner or authorization server denied the request.", Some("The user denied the request")),
        ];
        for (refusal, status, error, description, hint) in rows {
            let given = seen(token_refusal(&refusal, Scheme::None));
            let hint = hint.map(|hint| format!(r#","hint":"{hint}""#)).unwrap_or_default();
            let expected = format!(r#"{{"error":"{error}","error_description":"{description}"{hint}}}"#);
            assert_eq!((given.status, given.body.as_str()), (status, expected.as_str()), "{refusal:?}");
            assert_eq!(given.header("www-authenticate"), None);
        }
        let internal = seen(token_refusal(&R::Internal, Scheme::None));
        assert!(internal.body.contains("prevented it from fulfilling the request: "), "{}", internal.body);
    }

    #[test]
    fn a_failed_client_is_challenged_in_its_own_scheme() {
        let challenged = |refusal: &R, scheme| {
            let given = seen(token_refusal(refusal, scheme));
            given.header("www-authenticate").map(str::to_owned)
        };
        assert_eq!(
            challenged(&R::WrongSecret, Scheme::Basic).unwrap(),
            "Basic realm=\"OAuth\""
        );
        assert_eq!(
            challenged(&R::WrongSecret, Scheme::Other).unwrap(),
            "Basic realm=\"OAuth\""
        );
        assert_eq!(
            challenged(&R::WrongSecret, Scheme::Bearer).unwrap(),
            "Bearer realm=\"OAuth\""
        );
        assert_eq!(challenged(&R::WrongSecret, Scheme::None), None);
        assert_eq!(challenged(&R::CodeExpired, Scheme::Basic), None);
    }

    #[test]
    fn hc_9_a_denial_carries_the_state_first() {
        let given = redirect_refusal(&R::Denied, Some("s"));
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
        assert_eq!(redirect_refusal(&R::Denied, None), given[1..]);
    }

    #[test]
    fn a_bad_redirect_uri_is_a_failed_client() {
        for refusal in [
            R::RedirectUriUnregistered,
            R::RedirectUriAmbiguous,
            R::RedirectUriAbsent,
            R::UnknownClient,
        ] {
            let given = fatal(&refusal);
            assert_eq!((given.status, given.error), (401, "invalid_client"));
            assert_eq!(given.description, "Client authentication failed");
        }
    }

    #[test]
    fn the_api_answers_in_laravels_words() {
        for refusal in [
            R::NoToken,
            R::InvalidToken,
            R::TokenExpired,
            R::TokenRevoked,
            R::MalformedBearer,
            R::NoResourceOwner,
        ] {
            let given = seen(resource_refusal(&refusal));
            assert_eq!(
                (given.status, given.body.as_str()),
                (401, r#"{"message":"Unauthenticated."}"#)
            );
        }
        let given = seen(resource_refusal(&R::InsufficientScope(scopes("a"))));
        assert_eq!(
            (given.status, given.body.as_str()),
            (403, r#"{"message":"Invalid scope(s) provided."}"#)
        );
    }
}
