//! django-oauth-toolkit over oauthlib: Python's JSON, few descriptions, `Bearer` challenges even for clients, five members at
//! introspection.

use super::json::{Object, Style};
use super::{Fatal, Introspection, TokenAnswer, challenge, http_status, no_cache, resource_code};
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::Refusal as R;
use hallpass_wire::{ErrorCode, ParameterError};
use http::header::WWW_AUTHENTICATE;
use std::borrow::Cow;

/// oauthlib's `BearerToken`.
#[must_use]
pub fn token(answer: &TokenAnswer<'_>) -> Response {
    let body = Object::new(Style::Python, 512)
        .text("access_token", answer.access_token)
        .literal("expires_in", answer.expires_in)
        .text("token_type", "Bearer")
        .text("scope", answer.scopes)
        .text_if_any("refresh_token", answer.refresh.as_ref().map(|refresh| refresh.token))
        .close();
    no_cache(respond::json(200, body))
}

/// oauthlib's `OAuth2Error`: the description only where the original has one.
#[must_use]
pub fn token_refusal(refusal: &R) -> Response {
    let row = row(refusal);
    let mut response = respond::json(http_status(refusal), row.body());
    if row.error == "invalid_client" {
        respond::set(&mut response, WWW_AUTHENTICATE, "Bearer error=\"invalid_client\"");
    }
    no_cache(response)
}

/// API-11 and API-12. The original finds access tokens only: a refresh token is inactive to it.
#[must_use]
pub fn introspection(token: Option<&Introspection<'_>>) -> Response {
    let Some(token) = token.filter(|token| token.token_type.is_some()) else {
        return respond::json(200, r#"{"active": false}"#);
    };
    let body = Object::new(Style::Python, 256)
        .literal("active", true)
        .text("scope", token.scopes);
    let body = match token.expires {
        Some(expires) => body.literal("exp", expires.seconds()),
        None => body,
    };
    let body = body
        .text("client_id", token.client_id)
        .text_if_any("username", token.username.as_deref());
    respond::json(200, body.close())
}

/// Nothing at all.
#[must_use]
pub fn revocation() -> Response {
    let mut response = respond::empty(200);
    respond::no_store(&mut response);
    response
}

/// Whoever may not ask gets an empty 403.
#[must_use]
pub fn introspection_refusal(refusal: &R) -> Response {
    if let R::MissingParameter("token") = refusal {
        return respond::json(400, Row::new("invalid_request", "Token parameter is missing.").body());
    }
    if let ErrorCode::InvalidClient | ErrorCode::InvalidToken | ErrorCode::InsufficientScope = refusal.code() {
        let mut response = respond::empty(403);
        respond::no_store(&mut response);
        return response;
    }
    token_refusal(refusal)
}

/// oauthlib's `FatalClientError`, all of it 400 and `invalid_request`.
#[must_use]
pub fn fatal(refusal: &R) -> Fatal {
    let row = match refusal {
        other if other.code() == ErrorCode::InvalidClient => {
            Row::new("invalid_request", "Invalid client_id parameter value.")
        }
        other => row(other),
    };
    Fatal {
        status: match http_status(refusal) {
            401 | 403 => 400,
            status => status,
        },
        error: row.error,
        description: row.description.unwrap_or_default().into_owned(),
    }
}

/// oauthlib's `OAuth2Error.twotuples`.
#[must_use]
pub fn redirect_refusal(refusal: &R, state: Option<&str>) -> Vec<(&'static str, String)> {
    let row = row(refusal);
    let mut query = vec![("error", row.error.to_owned())];
    query.extend(row.description.map(|text| ("error_description", text.into_owned())));
    query.extend(state.map(|state| ("state", state.to_owned())));
    query
}

/// Django REST framework's answer; the challenge has no space after its commas.
#[must_use]
pub fn resource_refusal(refusal: &R, refusal_message: bool) -> Response {
    let code = resource_code(refusal);
    let (status, detail) = match code {
        ErrorCode::InvalidToken => (401, "Authentication credentials were not provided."),
        ErrorCode::InsufficientScope => (403, "You do not have permission to perform this action."),
        ErrorCode::TemporarilyUnavailable => (503, "Service temporarily unavailable, try again later."),
        ErrorCode::ServerError => (500, "A server error occurred."),
        _ => (http_status(refusal), "Malformed request."),
    };
    let description = resource_description(refusal, code);
    let body = Object::new(Style::Python, 192)
        .text("detail", detail)
        .text_if_any("message", refusal_message.then_some(description))
        .close();
    let mut response = respond::json(status, body);
    if status < 500 {
        let mut parameters = vec![("realm", "api")];
        if *refusal != R::NoToken {
            parameters.extend([("error", code.as_str()), ("error_description", description)]);
        }
        respond::set(&mut response, WWW_AUTHENTICATE, &challenge::bearer(",", &parameters));
    }
    response
}

/// `error` and, where the original has one, `error_description`.
struct Row {
    error: &'static str,
    description: Option<Cow<'static, str>>,
}

impl Row {
    fn new(error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            error,
            description: Some(description.into()),
        }
    }

    fn body(&self) -> String {
        Object::new(Style::Python, 128)
            .text("error", self.error)
            .text_if_any("error_description", self.description.as_deref())
            .close()
    }
}

#[rustfmt::skip] // one row a line, to be laid beside the original's
fn row(refusal: &R) -> Row {
    let request = |description: &'static str| Row::new("invalid_request", description);
    match refusal {
        R::MethodNotAllowed { sent, .. } => Row::new("invalid_request", printable(&format!("Unsupported request method {sent}"))),
        R::MediaType(sent) => Row::new("invalid_request", printable(&format!("Unsupported content type {sent}"))),
        R::TooLarge => request("The request is too large."),
        R::Parameter(ParameterError::Repeated(name)) => Row::new("invalid_request", format!("Duplicate {name} parameter.")),
        R::Parameter(fault) => Row::new("invalid_request", fault.to_string()),
        R::Malformed(detail) => request(detail),
        R::MissingParameter("refresh_token") => request("Missing refresh token parameter."),
        R::MissingParameter(name) => Row::new("invalid_request", format!("Missing {name} parameter.")),
        R::TwoAuthentications => request("Multiple client authentication methods."),
        R::TooManyFailures(_) => Row::new(refusal.code().as_str(), "Too many attempts with invalid client credentials."),
        R::RedirectUriMismatch | R::RedirectUriUnregistered => request("Mismatching redirect URI."),
        R::RedirectUriAmbiguous | R::RedirectUriAbsent => request("Missing redirect URI."),
        R::VerifierMissing => request("Code verifier required."),
        R::ResponseTypeMissing => request("Missing response_type parameter."),
        R::ChallengeMissing => request("Code challenge required."),
        R::ChallengeMalformed => request("Invalid code_challenge parameter."),
        R::ChallengeMethod => request("Transform algorithm not supported."),
        R::Paused(pause) => Row::new("access_denied", pause.description()),
        other => by_code(other.code()),
    }
}

/// Everything else is the bare code.
fn by_code(code: ErrorCode) -> Row {
    Row {
        error: code.as_str(),
        description: None,
    }
}

fn printable(text: &str) -> String {
    challenge::printable(text).into_owned()
}

fn resource_description(refusal: &R, code: ErrorCode) -> &'static str {
    match (refusal, code) {
        (R::NoToken, _) => "Authentication credentials were not provided.",
        (R::TokenExpired, _) => "The access token has expired.",
        (_, ErrorCode::InsufficientScope) => "The access token is valid but does not have enough scope.",
        (_, ErrorCode::InvalidToken) => "The access token is invalid.",
        (_, ErrorCode::TemporarilyUnavailable) => "Service temporarily unavailable, try again later.",
        (_, ErrorCode::ServerError) => "A server error occurred.",
        _ => "Malformed request.",
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer, introspection as inspected, scope, scopes, seen};
    use super::*;

    #[test]
    fn a_token_answer_is_as_json_dumps_writes_it() {
        let scopes = scopes("read write");
        let given = seen(token(&answer(&scopes, &[])));
        assert_eq!(
            given.body,
            r#"{"access_token": "ACCESS_TOKEN", "expires_in": 3600, "token_type": "Bearer", "scope": "read write", "refresh_token": "REFRESH_TOKEN"}"#
        );
        assert_eq!(given.header("cache-control"), Some("no-store"));
        assert_eq!(given.header("pragma"), Some("no-cache"));
    }

    #[test]
    fn api_6_and_the_other_bare_codes() {
        let rows = [
            (R::CodeExpired, "invalid_grant"),
            (R::UnknownCode, "invalid_grant"),
            (R::ForeignCode, "invalid_grant"),
            (R::CodeReplayed, "invalid_grant"),
            (R::VerifierMismatch, "invalid_grant"),
            (R::UnknownRefreshToken, "invalid_grant"),
            (R::RefreshTokenReused, "invalid_grant"),
            (R::UnsupportedGrantType("password".into()), "unsupported_grant_type"),
            (R::GrantTypeNotAllowed("password"), "unauthorized_client"),
            (R::UnknownScope(scope("a")), "invalid_scope"),
        ];
        for (refusal, error) in rows {
            let given = seen(token_refusal(&refusal));
            assert_eq!(
                (given.status, given.body),
                (400, format!(r#"{{"error": "{error}"}}"#)),
                "{refusal:?}"
            );
        }
    }

    #[test]
    fn a_failed_client_is_challenged_as_a_bearer() {
        let given = seen(token_refusal(&R::WrongSecret));
        assert_eq!(
            (given.status, given.body.as_str()),
            (401, r#"{"error": "invalid_client"}"#)
        );
        assert_eq!(
            given.header("www-authenticate"),
            Some("Bearer error=\"invalid_client\"")
        );
    }

    #[test]
    fn some_invalid_requests_are_described() {
        let repeated = R::Parameter(ParameterError::Repeated("client_id"));
        let rows = [
            (R::MissingParameter("code"), "Missing code parameter."),
            (R::MissingParameter("refresh_token"), "Missing refresh token parameter."),
            (R::VerifierMissing, "Code verifier required."),
            (R::RedirectUriMismatch, "Mismatching redirect URI."),
            (repeated, "Duplicate client_id parameter."),
        ];
        for (refusal, text) in rows {
            let given = seen(token_refusal(&refusal));
            let expected = format!(r#"{{"error": "invalid_request", "error_description": "{text}"}}"#);
            assert_eq!((given.status, given.body), (400, expected));
        }
    }

    #[test]
    fn fatal_errors_are_400() {
        let rows = [
            (R::UnknownClient, "Invalid client_id parameter value."),
            (R::RedirectUriUnregistered, "Mismatching redirect URI."),
            (R::MissingParameter("client_id"), "Missing client_id parameter."),
        ];
        for (refusal, text) in rows {
            let given = fatal(&refusal);
            assert_eq!(
                (given.status, given.error, given.description.as_str()),
                (400, "invalid_request", text)
            );
        }
    }

    #[test]
    fn a_denial_is_the_code_and_the_state() {
        let expected = [("error", "access_denied".to_owned()), ("state", "s".to_owned())];
        assert_eq!(redirect_refusal(&R::Denied, Some("s")), expected);
        let unchallenged = redirect_refusal(&R::ChallengeMissing, None);
        assert_eq!(
            unchallenged[1],
            ("error_description", "Code challenge required.".to_owned())
        );
    }

    #[test]
    fn introspection_has_no_username_without_a_person() {
        let scopes = scopes("read");
        let mut token = inspected(&scopes);
        token.username = None;
        assert_eq!(
            seen(introspection(Some(&token))).body,
            r#"{"active": true, "scope": "read", "exp": 1613120953, "client_id": "MY_CLIENT_ID"}"#
        );
    }

    #[test]
    fn introspection_finds_no_refresh_tokens() {
        let scopes = scopes("read");
        let mut token = inspected(&scopes);
        token.token_type = None;
        assert_eq!(seen(introspection(Some(&token))).body, r#"{"active": false}"#);
    }

    #[test]
    fn who_may_not_introspect_gets_an_empty_403() {
        for refusal in [R::NoClientCredentials, R::UnknownClient, R::WrongSecret] {
            let given = seen(introspection_refusal(&refusal));
            assert_eq!((given.status, given.body.as_str()), (403, ""));
        }
        let given = seen(introspection_refusal(&R::MissingParameter("token")));
        assert_eq!(given.status, 400);
        assert_eq!(
            given.body,
            r#"{"error": "invalid_request", "error_description": "Token parameter is missing."}"#
        );
    }

    #[test]
    fn a_revocation_is_answered_with_nothing() {
        let given = seen(revocation());
        assert_eq!((given.status, given.body.as_str()), (200, ""));
    }

    #[test]
    fn resources_challenge_without_a_space_after_the_comma() {
        let given = seen(resource_refusal(&R::TokenExpired, false));
        assert_eq!(given.status, 401);
        assert_eq!(
            given.header("www-authenticate"),
            Some(r#"Bearer realm="api",error="invalid_token",error_description="The access token has expired.""#)
        );
        let given = seen(resource_refusal(&R::InsufficientScope(scopes("a")), false));
        assert_eq!(given.status, 403);
        assert_eq!(
            given.header("www-authenticate"),
            Some(
                r#"Bearer realm="api",error="insufficient_scope",error_description="The access token is valid but does not have enough scope.""#
            )
        );
        let given = seen(resource_refusal(&R::NoToken, false));
        assert_eq!(given.header("www-authenticate"), Some("Bearer realm=\"api\""));
    }
}
