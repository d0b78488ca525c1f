//! bshaffer/oauth2-server-php: PHP's JSON, 400 for failed client authentication, integers, `scope` null where none.
//!
//! An original that deletes what it refuses has one text for "never existed" and "no longer valid"; so do we.

use super::json::{Object, Style};
use super::{Fatal, TokenAnswer, challenge, http_status, no_cache, resource_code};
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::Refusal as R;
use hallpass_wire::ErrorCode;
use http::header::{ALLOW, WWW_AUTHENTICATE};
use std::borrow::Cow;

/// `ResponseType\AccessToken`.
#[must_use]
pub fn token(answer: &TokenAnswer<'_>) -> Response {
    let body = Object::new(Style::Php, 512)
        .text("access_token", answer.access_token)
        .literal("expires_in", answer.expires_in)
        .text("token_type", "Bearer");
    let body = if answer.scopes.is_empty() {
        body.literal("scope", "null")
    } else {
        body.text("scope", answer.scopes)
    };
    let body = body.text_if_any("refresh_token", answer.refresh.as_ref().map(|refresh| refresh.token));
    no_cache(respond::json(200, body.close()))
}

/// `Controller\TokenController`: `Cache-Control` only, and never a challenge.
#[must_use]
pub fn token_refusal(refusal: &R) -> Response {
    answer(refusal, &row(refusal))
}

/// The original has no introspection; its word for a missing `token` is about revocation.
#[must_use]
pub fn introspection_refusal(refusal: &R) -> Response {
    match refusal {
        R::MissingParameter("token") => answer(refusal, &missing("token")),
        other => token_refusal(other),
    }
}

/// `TokenController::handleRevokeRequest`.
#[must_use]
pub fn revocation() -> Response {
    respond::json(200, r#"{"revoked":true}"#)
}

/// `Controller\AuthorizeController` before the redirect URI is known to be the client's.
#[must_use]
pub fn fatal(refusal: &R) -> Fatal {
    let row = match refusal {
        R::MissingParameter("client_id") => Row::new(400, "invalid_client", "No client id supplied"),
        other if other.code() == ErrorCode::InvalidClient => {
            Row::new(400, "invalid_client", "The client id supplied is invalid")
        }
        other => row(other),
    };
    Fatal {
        status: row.status,
        error: row.error,
        description: row.description.into_owned(),
    }
}

/// The same controller afterwards. Here a scope beyond the client's is as unknown as any, and a missing one is the client's.
#[must_use]
pub fn redirect_refusal(refusal: &R, state: Option<&str>) -> Vec<(&'static str, String)> {
    let row = match refusal {
        R::ScopeMissing => Row {
            error: "invalid_client",
            ..row(refusal)
        },
        R::ScopeBeyondClient(scope) => row(&R::UnknownScope(scope.clone())),
        other => row(other),
    };
    let mut query = vec![
        ("error", row.error.to_owned()),
        ("error_description", row.description.into_owned()),
    ];
    query.extend(row.section.map(|section| ("error_uri", error_uri(section))));
    query.extend(state.map(|state| ("state", state.to_owned())));
    query
}

/// `Controller\ResourceController`. Without a token the body is empty, unless a `message` is asked for.
#[must_use]
pub fn resource_refusal(refusal: &R, refusal_message: bool) -> Response {
    if *refusal == R::NoToken {
        return no_token(refusal_message);
    }
    let row = resource_row(refusal);
    let body = Object::new(Style::Php, 256)
        .text("error", row.error)
        .text("error_description", &row.description)
        .text_if_any("message", refusal_message.then_some(&row.description))
        .close();
    let mut response = respond::json(row.status, body);
    if row.status < 500 {
        respond::set(&mut response, WWW_AUTHENTICATE, &bearer_challenge(refusal, &row));
    }
    response
}

fn no_token(refusal_message: bool) -> Response {
    let mut response = if refusal_message {
        respond::json(401, r#"{"message":"An access token is required"}"#)
    } else {
        respond::empty(401)
    };
    respond::set(&mut response, WWW_AUTHENTICATE, "Bearer realm=\"Service\"");
    respond::no_store(&mut response);
    response
}

fn bearer_challenge(refusal: &R, row: &Row) -> String {
    let asked;
    let mut parameters = vec![("realm", "Service")];
    if let R::InsufficientScope(scopes) = refusal {
        asked = scopes.to_string();
        parameters.push(("scope", &asked));
    }
    parameters.extend([("error", row.error), ("error_description", &*row.description)]);
    challenge::bearer(", ", &parameters)
}

/// Status, `error`, `error_description`, and the section of RFC 6749 that `error_uri` points to.
struct Row {
    status: u16,
    error: &'static str,
    description: Cow<'static, str>,
    section: Option<&'static str>,
}

impl Row {
    fn new(status: u16, error: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            error,
            description: description.into(),
            section: None,
        }
    }

    fn with_section(self, section: &'static str) -> Self {
        Self {
            section: Some(section),
            ..self
        }
    }
}

fn answer(refusal: &R, row: &Row) -> Response {
    let body = Object::new(Style::Php, 256)
        .text("error", row.error)
        .text("error_description", &row.description)
        .text_if_any("error_uri", row.section.map(error_uri))
        .close();
    let mut response = respond::json(row.status, body);
    if matches!(refusal, R::MethodNotAllowed { .. }) {
        respond::set(&mut response, ALLOW, "POST, OPTIONS");
    }
    response
}

fn error_uri(section: &'static str) -> String {
    format!("http://tools.ietf.org/html/rfc6749#{section}")
}

fn missing(name: &str) -> Row {
    Row::new(
        400,
        "invalid_request",
        format!("Missing parameter: \"{name}\" is required"),
    )
}

#[rustfmt::skip] // one row a line, to be laid beside the original's
fn row(refusal: &R) -> Row {
    match refusal {
        R::MethodNotAllowed { .. } => Row::new(405, "invalid_request", "The request method must be POST when requesting an access token").with_section("section-3.2"),
        R::MediaType(_) => Row::new(400, "invalid_request", "The content type for POST requests must be \"application/x-www-form-urlencoded\""),
        R::TooLarge => Row::new(413, "invalid_request", "The request is too large"),
        R::Parameter(fault) => Row::new(400, "invalid_request", fault.to_string()),
        R::Malformed(detail) => Row::new(400, "invalid_request", *detail),
        R::MissingParameter("grant_type") => Row::new(400, "invalid_request", "The grant type was not specified in the request"),
        R::MissingParameter("token") => Row::new(400, "invalid_request", "Missing token parameter to revoke"),
        R::MissingParameter("state") => Row::new(400, "invalid_request", "The state parameter is required"),
        R::MissingParameter("client_id") | R::NoClientCredentials | R::MalformedBasic => Row::new(400, "invalid_client", "Client credentials were not found in the headers or body"),
        R::MissingParameter(name) => missing(name),
        R::SecretMissing => Row::new(400, "invalid_client", "This client is invalid or must authenticate using a client secret"),
        R::TooManyFailures(_) => Row::new(429, "temporarily_unavailable", "Too many attempts with invalid client credentials"),
        R::TwoAuthentications => Row::new(400, "invalid_request", "Only one method may be used to authenticate at a time (Auth header, GET or POST)"),

        R::UnsupportedGrantType(name) => Row::new(400, "unsupported_grant_type", format!("Grant type \"{name}\" not supported")),
        R::CodeExpired => Row::new(400, "invalid_grant", "The authorization code has expired"),
        R::ForeignCode => Row::new(400, "invalid_grant", "authorization_code doesn't exist or is invalid for the client"),
        R::UnknownCode | R::CodeReplayed | R::CodeRevoked => Row::new(400, "invalid_grant", "Authorization code doesn't exist or is invalid for the client"),
        R::RedirectUriMismatch => Row::new(400, "redirect_uri_mismatch", "The redirect URI is missing or do not match").with_section("section-4.1.3"),
        R::VerifierMissing => Row::new(400, "code_verifier_missing", "The PKCE code verifier parameter is required."),
        R::VerifierMalformed => Row::new(400, "code_verifier_invalid", "The PKCE code verifier parameter is invalid."),
        R::VerifierMismatch | R::VerifierUnexpected => Row::new(400, "code_verifier_mismatch", "The PKCE code verifier parameter does not match the code challenge."),
        R::RefreshTokenExpired => Row::new(400, "invalid_grant", "Refresh token has expired"),
        R::UnknownScope(_) | R::ScopeMalformed => Row::new(400, "invalid_scope", "An unsupported scope was requested"),
        R::ScopeBeyondClient(_) => Row::new(400, "invalid_scope", "The scope requested is invalid for this client"),
        R::ScopeMissing => Row::new(400, "invalid_scope", "This application requires you specify a scope parameter"),

        R::RedirectUriUnregistered => Row::new(400, "redirect_uri_mismatch", "The redirect URI provided is missing or does not match").with_section("section-3.1.2"),
        R::RedirectUriAmbiguous => Row::new(400, "invalid_uri", "A redirect URI must be supplied when multiple redirect URIs are registered"),
        R::RedirectUriAbsent => Row::new(400, "invalid_uri", "No redirect URI was supplied or stored"),
        R::ChallengeMissing => Row::new(400, "invalid_request", "This application requires you provide a PKCE code challenge"),
        R::ChallengeMalformed => Row::new(400, "invalid_request", "The PKCE code challenge supplied is invalid"),
        R::ChallengeMethod => Row::new(400, "code_challenge_method_invalid", "Unknown PKCE code challenge method."),
        R::UnsupportedResponseType(name) if name == "token" => Row::new(400, "unsupported_response_type", "implicit grant type not supported"),
        R::ResponseTypeMissing | R::UnsupportedResponseType(_) => Row::new(400, "invalid_request", "Invalid or missing response type"),
        R::Paused(pause) => Row::new(400, "access_denied", pause.description()),
        R::Denied => Row::new(400, "access_denied", "The user denied access to your application"),
        other => by_code(other.code()),
    }
}

#[rustfmt::skip] // one row a line, to be laid beside the original's
fn by_code(code: ErrorCode) -> Row {
    let error = code.as_str();
    match code {
        ErrorCode::InvalidRequest => Row::new(400, error, "The request is malformed"),
        ErrorCode::UnsupportedResponseType => Row::new(400, error, "Invalid or missing response type"),
        ErrorCode::RequestNotSupported => Row::new(400, error, "The request parameter is not supported"),
        ErrorCode::RequestUriNotSupported => Row::new(400, error, "The request_uri parameter is not supported"),
        ErrorCode::InvalidClient => Row::new(400, error, "The client credentials are invalid"),
        ErrorCode::InvalidGrant => Row::new(400, error, "Invalid refresh token"),
        ErrorCode::UnauthorizedClient => Row::new(400, error, "The grant type is unauthorized for this client_id"),
        ErrorCode::UnsupportedGrantType => Row::new(400, error, "Grant type not supported"),
        ErrorCode::InvalidScope => Row::new(400, error, "The scope requested is invalid for this request"),
        ErrorCode::AccessDenied => Row::new(400, error, "The user may not give access to your application"),
        ErrorCode::ServerError => Row::new(500, error, "The server met an error"),
        ErrorCode::TemporarilyUnavailable => Row::new(503, error, "The server is busy or in maintenance"),
        ErrorCode::InvalidToken => Row::new(401, error, "The access token provided is invalid"),
        ErrorCode::InsufficientScope => Row::new(403, error, "The request requires higher privileges than provided by the access token"),
    }
}

fn resource_row(refusal: &R) -> Row {
    let code = resource_code(refusal);
    match refusal {
        R::TokenExpired => Row::new(401, "invalid_token", "The access token provided has expired"),
        R::MalformedBearer => Row::new(400, "invalid_request", "Malformed auth header"),
        R::MethodNotAllowed { .. } => Row::new(
            http_status(refusal),
            "invalid_request",
            "The request method is not allowed",
        ),
        other if code == ErrorCode::InvalidRequest => row(other),
        _ => by_code(code),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer, dialect, scope, scopes, seen};
    use super::*;
    use crate::config::DialectName;

    #[test]
    fn a_token_answer_is_in_the_originals_order() {
        let scopes = scopes("basic a/b");
        let given = seen(token(&answer(&scopes, &[])));
        assert_eq!(
            given.body,
            r#"{"access_token":"ACCESS_TOKEN","expires_in":3600,"token_type":"Bearer","scope":"basic a\/b","refresh_token":"REFRESH_TOKEN"}"#
        );
        assert_eq!(given.header("cache-control"), Some("no-store"));
        assert_eq!(given.header("pragma"), Some("no-cache"));
        assert_eq!(given.header("content-type"), Some("application/json"));
    }

    #[test]
    fn a_token_answer_without_scope_says_null() {
        let none = scopes("");
        let mut answer = answer(&none, &[]);
        answer.refresh = None;
        assert_eq!(
            seen(token(&answer)).body,
            r#"{"access_token":"ACCESS_TOKEN","expires_in":3600,"token_type":"Bearer","scope":null}"#
        );
    }

    #[test]
    #[rustfmt::skip] // the rows of DIALECTS.md, one a line
    fn the_token_endpoint_refuses_as_the_original() {
        let rows = [
            (R::MissingParameter("grant_type"), "invalid_request", "The grant type was not specified in the request"),
            (R::UnsupportedGrantType("x".into()), "unsupported_grant_type", "Grant type \"x\" not supported"),
            (R::NoClientCredentials, "invalid_client", "Client credentials were not found in the headers or body"),
            (R::WrongSecret, "invalid_client", "The client credentials are invalid"),
            (R::UnknownClient, "invalid_client", "The client credentials are invalid"),
            (R::SecretMissing, "invalid_client", "This client is invalid or must authenticate using a client secret"),
            (R::MissingParameter("code"), "invalid_request", "Missing parameter: \"code\" is required"),
            (R::UnknownCode, "invalid_grant", "Authorization code doesn't exist or is invalid for the client"),
            (R::CodeExpired, "invalid_grant", "The authorization code has expired"),
            (R::ForeignCode, "invalid_grant", "authorization_code doesn't exist or is invalid for the client"),
            (R::VerifierMissing, "code_verifier_missing", "The PKCE code verifier parameter is required."),
            (R::VerifierMalformed, "code_verifier_invalid", "The PKCE code verifier parameter is invalid."),
            (R::ChallengeMethod, "code_challenge_method_invalid", "Unknown PKCE code challenge method."),
            (R::VerifierMismatch, "code_verifier_mismatch", "The PKCE code verifier parameter does not match the code challenge."),
            (R::MissingParameter("refresh_token"), "invalid_request", "Missing parameter: \"refresh_token\" is required"),
            (R::UnknownRefreshToken, "invalid_grant", "Invalid refresh token"),
            (R::RefreshTokenReused, "invalid_grant", "Invalid refresh token"),
            (R::RefreshTokenExpired, "invalid_grant", "Refresh token has expired"),
            (R::GrantTypeNotAllowed("password"), "unauthorized_client", "The grant type is unauthorized for this client_id"),
            (R::ScopeBeyondGrant(scope("a")), "invalid_scope", "The scope requested is invalid for this request"),
            (R::ScopeBeyondClient(scope("a")), "invalid_scope", "The scope requested is invalid for this client"),
            (R::UnknownScope(scope("a")), "invalid_scope", "An unsupported scope was requested"),
            (R::ScopeMissing, "invalid_scope", "This application requires you specify a scope parameter"),
            (R::MissingParameter("token"), "invalid_request", "Missing token parameter to revoke"),
        ];
        for (refusal, error, description) in rows {
            let given = seen(token_refusal(&refusal));
            let expected = serde_json::json!({"error": error, "error_description": description});
            // serde_json writes these two in this order and escapes as PHP does, slashes apart.
            assert_eq!(given.body, expected.to_string(), "{refusal:?}");
            assert_eq!((given.status, given.header("www-authenticate")), (400, None));
            assert_eq!(given.header("pragma"), None);
        }
    }

    #[test]
    fn two_refusals_point_to_the_rfc() {
        let get = R::MethodNotAllowed {
            sent: "GET".to_owned(),
            allowed: "POST",
        };
        let given = seen(dialect(DialectName::Oauth2ServerPhp, false).token_refusal(&get, super::super::Scheme::None));
        assert_eq!((given.status, given.header("allow")), (405, Some("POST, OPTIONS")));
        assert_eq!(
            given.body,
            r#"{"error":"invalid_request","error_description":"The request method must be POST when requesting an access token","error_uri":"http:\/\/tools.ietf.org\/html\/rfc6749#section-3.2"}"#
        );
        assert_eq!(
            seen(token_refusal(&R::RedirectUriMismatch)).body,
            r#"{"error":"redirect_uri_mismatch","error_description":"The redirect URI is missing or do not match","error_uri":"http:\/\/tools.ietf.org\/html\/rfc6749#section-4.1.3"}"#
        );
    }

    #[test]
    fn without_a_token_the_body_is_empty() {
        let given = seen(resource_refusal(&R::NoToken, false));
        assert_eq!((given.status, given.body.as_str()), (401, ""));
        assert_eq!(given.header("www-authenticate"), Some("Bearer realm=\"Service\""));
        let given = seen(resource_refusal(&R::NoToken, true));
        assert_eq!(given.body, r#"{"message":"An access token is required"}"#);
    }

    #[test]
    #[rustfmt::skip] // the rows of DIALECTS.md, one a line
    fn resources_refuse_as_the_original() {
        let rows = [
            (R::InvalidToken, 401, "invalid_token", "The access token provided is invalid"),
            (R::TokenRevoked, 401, "invalid_token", "The access token provided is invalid"),
            (R::TokenExpired, 401, "invalid_token", "The access token provided has expired"),
            (R::MalformedBearer, 400, "invalid_request", "Malformed auth header"),
            (R::TwoAuthentications, 400, "invalid_request", "Only one method may be used to authenticate at a time (Auth header, GET or POST)"),
        ];
        for (refusal, status, error, description) in rows {
            let given = seen(resource_refusal(&refusal, false));
            assert_eq!(given.status, status);
            assert_eq!(given.body, format!(r#"{{"error":"{error}","error_description":"{description}"}}"#));
            let challenge = format!(r#"Bearer realm="Service", error="{error}", error_description="{description}""#);
            assert_eq!(given.header("www-authenticate"), Some(challenge.as_str()));
        }
    }

    #[test]
    fn a_missing_scope_is_named_before_the_error() {
        let given = seen(resource_refusal(&R::InsufficientScope(scopes("a b")), false));
        assert_eq!(given.status, 403);
        assert_eq!(
            given.header("www-authenticate"),
            Some(
                r#"Bearer realm="Service", scope="a b", error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token""#
            )
        );
    }

    #[test]
    fn a_message_stands_beside_the_originals_members() {
        assert_eq!(
            seen(resource_refusal(&R::TokenExpired, true)).body,
            r#"{"error":"invalid_token","error_description":"The access token provided has expired","message":"The access token provided has expired"}"#
        );
    }

    #[test]
    #[rustfmt::skip] // the rows of DIALECTS.md, one a line
    fn the_authorization_endpoint_stops_as_the_original() {
        let rows = [
            (R::MissingParameter("client_id"), "invalid_client", "No client id supplied"),
            (R::UnknownClient, "invalid_client", "The client id supplied is invalid"),
            (R::RedirectUriUnregistered, "redirect_uri_mismatch", "The redirect URI provided is missing or does not match"),
            (R::RedirectUriAbsent, "invalid_uri", "No redirect URI was supplied or stored"),
            (R::RedirectUriAmbiguous, "invalid_uri", "A redirect URI must be supplied when multiple redirect URIs are registered"),
        ];
        for (refusal, error, description) in rows {
            let given = fatal(&refusal);
            assert_eq!((given.status, given.error, given.description.as_str()), (400, error, description));
        }
    }

    #[test]
    #[rustfmt::skip] // the rows of DIALECTS.md, one a line
    fn the_authorization_endpoint_redirects_as_the_original() {
        let rows = [
            (R::ResponseTypeMissing, "invalid_request", "Invalid or missing response type"),
            (R::UnsupportedResponseType("x".into()), "invalid_request", "Invalid or missing response type"),
            (R::GrantTypeNotAllowed("authorization_code"), "unauthorized_client", "The grant type is unauthorized for this client_id"),
            (R::UnknownScope(scope("a")), "invalid_scope", "An unsupported scope was requested"),
            (R::ScopeBeyondClient(scope("a")), "invalid_scope", "An unsupported scope was requested"),
            (R::ScopeMissing, "invalid_client", "This application requires you specify a scope parameter"),
            (R::MissingParameter("state"), "invalid_request", "The state parameter is required"),
            (R::Denied, "access_denied", "The user denied access to your application"),
        ];
        for (refusal, error, description) in rows {
            let expected = [("error", error), ("error_description", description), ("state", "s")];
            assert_eq!(redirect_refusal(&refusal, Some("s")), expected.map(|(name, value)| (name, value.to_owned())));
        }
        let implicit = redirect_refusal(&R::UnsupportedResponseType("token".into()), None);
        assert_eq!(implicit[0], ("error", "unsupported_response_type".to_owned()));
    }

    #[test]
    fn revocation_says_so_and_introspection_misses_its_own_parameter() {
        assert_eq!(seen(revocation()).body, r#"{"revoked":true}"#);
        assert_eq!(
            seen(introspection_refusal(&R::MissingParameter("token"))).body,
            r#"{"error":"invalid_request","error_description":"Missing parameter: \"token\" is required"}"#
        );
    }
}
