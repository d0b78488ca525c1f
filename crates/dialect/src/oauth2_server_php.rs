//! bshaffer/oauth2-server-php: PHP's JSON, 400 for failed client authentication, integers, and `scope` is null if there is none.
//!
//! The original deletes spent codes and tokens, so it has one text for "never existed" and "no longer valid".

use crate::answer::{self, RenderedResponse};
use crate::json::{Object, Style};
use crate::{Fatal, TokenAnswer, challenge, http_status, resource_code};
use hallpass_wire::public_error::{
    AccessFault, AuthorizeFault, ClientFault, CodeFault, GrantTypeFault, RefreshFault, RequestFault, ScopeFault,
    Trouble,
};
use hallpass_wire::{ErrorCode, PublicError as E};
use http::header::{ALLOW, WWW_AUTHENTICATE};
use std::borrow::Cow;

/// `ResponseType\AccessToken`.
pub(crate) fn token(answer: &TokenAnswer<'_>) -> RenderedResponse {
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
    answer::no_cache(answer::json(200, body.close()))
}

/// `Controller\TokenController`: `Cache-Control` only, and never a challenge.
pub(crate) fn token_refusal(refusal: &E) -> RenderedResponse {
    render_row(refusal, &row(refusal))
}

/// The original has no introspection, so the text for a missing `token` is that of revocation.
pub(crate) fn introspection_refusal(refusal: &E) -> RenderedResponse {
    match refusal {
        E::Request(RequestFault::Missing("token")) => render_row(refusal, &missing("token")),
        other => token_refusal(other),
    }
}

/// `TokenController::handleRevokeRequest`.
pub(crate) fn revocation() -> RenderedResponse {
    answer::json(200, r#"{"revoked":true}"#)
}

/// `Controller\AuthorizeController` before the redirect URI is known to be the client's.
pub(crate) fn fatal(refusal: &E) -> Fatal {
    let row = match refusal {
        E::Request(RequestFault::Missing("client_id")) => Row::new(400, "invalid_client", "No client id supplied"),
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

/// The same controller afterwards. It calls a scope beyond the client's unknown, and a missing scope `invalid_client`.
pub(crate) fn redirect_refusal(refusal: &E, state: Option<&str>) -> Vec<(&'static str, String)> {
    let row = match refusal {
        E::Scope(ScopeFault::Missing) => Row {
            error: "invalid_client",
            ..row(refusal)
        },
        E::Scope(ScopeFault::BeyondClient(scope)) => row(&E::Scope(ScopeFault::Unknown(scope.clone()))),
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

/// `Controller\ResourceController`. Without a token the body is empty, unless `refusal_message` is set.
pub(crate) fn resource_refusal(refusal: &E, refusal_message: bool) -> RenderedResponse {
    if *refusal == E::Access(AccessFault::Absent) {
        return no_token(refusal_message);
    }
    let row = resource_row(refusal);
    let body = Object::new(Style::Php, 256)
        .text("error", row.error)
        .text("error_description", &row.description)
        .text_if_any("message", refusal_message.then_some(&row.description))
        .close();
    let mut response = answer::json(row.status, body);
    if row.status < 500 {
        answer::set(&mut response, WWW_AUTHENTICATE, &bearer_challenge(refusal, &row));
    }
    response
}

fn no_token(refusal_message: bool) -> RenderedResponse {
    let mut response = if refusal_message {
        answer::json(401, r#"{"message":"An access token is required"}"#)
    } else {
        answer::empty(401)
    };
    answer::set(&mut response, WWW_AUTHENTICATE, "Bearer realm=\"Service\"");
    answer::no_store(response)
}

fn bearer_challenge(refusal: &E, row: &Row) -> String {
    let asked;
    let mut parameters = vec![("realm", "Service")];
    if let E::Access(AccessFault::Scopes(scopes)) = refusal {
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

fn render_row(refusal: &E, row: &Row) -> RenderedResponse {
    let body = Object::new(Style::Php, 256)
        .text("error", row.error)
        .text("error_description", &row.description)
        .text_if_any("error_uri", row.section.map(error_uri))
        .close();
    let mut response = answer::json(row.status, body);
    if matches!(refusal, E::Request(RequestFault::Method { .. })) {
        answer::set(&mut response, ALLOW, "POST, OPTIONS");
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

#[rustfmt::skip] // one row per line, to compare with the original
fn row(refusal: &E) -> Row {
    match refusal {
        E::Request(RequestFault::Method { .. }) => Row::new(405, "invalid_request", "The request method must be POST when requesting an access token").with_section("section-3.2"),
        E::Request(RequestFault::MediaType(_)) => Row::new(400, "invalid_request", "The content type for POST requests must be \"application/x-www-form-urlencoded\""),
        E::Request(RequestFault::TooLarge) => Row::new(413, "invalid_request", "The request is too large"),
        E::Request(RequestFault::Parameter(fault)) => Row::new(400, "invalid_request", fault.to_string()),
        E::Request(RequestFault::Malformed(detail)) => Row::new(400, "invalid_request", *detail),
        E::Request(RequestFault::Missing("grant_type")) => Row::new(400, "invalid_request", "The grant type was not specified in the request"),
        E::Request(RequestFault::Missing("token")) => Row::new(400, "invalid_request", "Missing token parameter to revoke"),
        E::Request(RequestFault::Missing("state")) => Row::new(400, "invalid_request", "The state parameter is required"),
        E::Request(RequestFault::Missing("client_id")) | E::Client(ClientFault::NotNamed | ClientFault::Malformed) => Row::new(400, "invalid_client", "Client credentials were not found in the headers or body"),
        E::Request(RequestFault::Missing(name)) => missing(name),
        E::Client(ClientFault::SecretMissing) => Row::new(400, "invalid_client", "This client is invalid or must authenticate using a client secret"),
        E::Trouble(Trouble::Wait(_)) => Row::new(429, "temporarily_unavailable", "Too many attempts with invalid client credentials"),
        E::Client(ClientFault::Twice) => Row::new(400, "invalid_request", "Only one method may be used to authenticate at a time (Auth header, GET or POST)"),

        E::GrantType(GrantTypeFault::NotOffered(name)) => Row::new(400, "unsupported_grant_type", format!("Grant type \"{name}\" not supported")),
        E::Code(CodeFault::Expired) => Row::new(400, "invalid_grant", "The authorization code has expired"),
        E::Code(CodeFault::Foreign) => Row::new(400, "invalid_grant", "authorization_code doesn't exist or is invalid for the client"),
        E::Code(CodeFault::Unknown | CodeFault::Spent(_)) => Row::new(400, "invalid_grant", "Authorization code doesn't exist or is invalid for the client"),
        E::Code(CodeFault::RedirectUri) => Row::new(400, "redirect_uri_mismatch", "The redirect URI is missing or do not match").with_section("section-4.1.3"),
        E::Code(CodeFault::VerifierMissing) => Row::new(400, "code_verifier_missing", "The PKCE code verifier parameter is required."),
        E::Code(CodeFault::VerifierMalformed) => Row::new(400, "code_verifier_invalid", "The PKCE code verifier parameter is invalid."),
        E::Code(CodeFault::VerifierMismatch | CodeFault::VerifierUnexpected) => Row::new(400, "code_verifier_mismatch", "The PKCE code verifier parameter does not match the code challenge."),
        E::Refresh(RefreshFault::Expired) => Row::new(400, "invalid_grant", "Refresh token has expired"),
        E::Scope(ScopeFault::Unknown(_) | ScopeFault::Malformed) => Row::new(400, "invalid_scope", "An unsupported scope was requested"),
        E::Scope(ScopeFault::BeyondClient(_)) => Row::new(400, "invalid_scope", "The scope requested is invalid for this client"),
        E::Scope(ScopeFault::Missing) => Row::new(400, "invalid_scope", "This application requires you specify a scope parameter"),

        E::Authorize(AuthorizeFault::UriUnregistered) => Row::new(400, "redirect_uri_mismatch", "The redirect URI provided is missing or does not match").with_section("section-3.1.2"),
        E::Authorize(AuthorizeFault::UriAmbiguous) => Row::new(400, "invalid_uri", "A redirect URI must be supplied when multiple redirect URIs are registered"),
        E::Authorize(AuthorizeFault::UriAbsent) => Row::new(400, "invalid_uri", "No redirect URI was supplied or stored"),
        E::Authorize(AuthorizeFault::ChallengeMissing) => Row::new(400, "invalid_request", "This application requires you provide a PKCE code challenge"),
        E::Authorize(AuthorizeFault::ChallengeMalformed) => Row::new(400, "invalid_request", "The PKCE code challenge supplied is invalid"),
        E::Authorize(AuthorizeFault::ChallengeMethod) => Row::new(400, "code_challenge_method_invalid", "Unknown PKCE code challenge method."),
        E::Authorize(AuthorizeFault::ResponseType(name)) if name == "token" => Row::new(400, "unsupported_response_type", "implicit grant type not supported"),
        E::Authorize(AuthorizeFault::ResponseTypeMissing | AuthorizeFault::ResponseType(_)) => Row::new(400, "invalid_request", "Invalid or missing response type"),
        E::Paused(pause) => Row::new(400, "access_denied", pause.description()),
        E::Authorize(AuthorizeFault::Denied) => Row::new(400, "access_denied", "The user denied access to your application"),
        other => by_code(other.code()),
    }
}

#[rustfmt::skip] // one row per line, to compare with the original
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
        ErrorCode::LoginRequired => Row::new(400, error, "The user must log in"),
        ErrorCode::ConsentRequired => Row::new(400, error, "The user must grant access to your application"),
        ErrorCode::ServerError => Row::new(500, error, "The server met an error"),
        ErrorCode::TemporarilyUnavailable => Row::new(503, error, "The server is busy or in maintenance"),
        ErrorCode::InvalidToken => Row::new(401, error, "The access token provided is invalid"),
        ErrorCode::InsufficientScope => Row::new(403, error, "The request requires higher privileges than provided by the access token"),
    }
}

fn resource_row(refusal: &E) -> Row {
    let code = resource_code(refusal);
    match refusal {
        E::Access(AccessFault::Expired) => Row::new(401, "invalid_token", "The access token provided has expired"),
        E::Access(AccessFault::Malformed) => Row::new(400, "invalid_request", "Malformed auth header"),
        E::Request(RequestFault::Method { .. }) => Row::new(
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
    use super::*;
    use crate::DialectName;
    use crate::tests::{dialect, scope, scopes, seen, token_answer};

    #[test]
    fn a_token_answer_is_in_the_originals_order() {
        let scopes = scopes("basic a/b");
        let given = seen(token(&token_answer(&scopes, &[])));
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
        let mut answer = token_answer(&none, &[]);
        answer.refresh = None;
        assert_eq!(
            seen(token(&answer)).body,
            r#"{"access_token":"ACCESS_TOKEN","expires_in":3600,"token_type":"Bearer","scope":null}"#
        );
    }

    #[test]
    #[rustfmt::skip] // one row per line
    fn the_token_endpoint_refuses_as_the_original() {
        let rows = [
            (E::Request(RequestFault::Missing("grant_type")), "invalid_request", "The grant type was not specified in the request"),
            (E::GrantType(GrantTypeFault::NotOffered("x".into())), "unsupported_grant_type", "Grant type \"x\" not supported"),
            (E::Client(ClientFault::NotNamed), "invalid_client", "Client credentials were not found in the headers or body"),
            (E::Client(ClientFault::WrongSecret), "invalid_client", "The client credentials are invalid"),
            (E::Client(ClientFault::Unknown), "invalid_client", "The client credentials are invalid"),
            (E::Client(ClientFault::SecretMissing), "invalid_client", "This client is invalid or must authenticate using a client secret"),
            (E::Request(RequestFault::Missing("code")), "invalid_request", "Missing parameter: \"code\" is required"),
            (E::Code(CodeFault::Unknown), "invalid_grant", "Authorization code doesn't exist or is invalid for the client"),
            (E::Code(CodeFault::Expired), "invalid_grant", "The authorization code has expired"),
            (E::Code(CodeFault::Foreign), "invalid_grant", "authorization_code doesn't exist or is invalid for the client"),
            (E::Code(CodeFault::VerifierMissing), "code_verifier_missing", "The PKCE code verifier parameter is required."),
            (E::Code(CodeFault::VerifierMalformed), "code_verifier_invalid", "The PKCE code verifier parameter is invalid."),
            (E::Authorize(AuthorizeFault::ChallengeMethod), "code_challenge_method_invalid", "Unknown PKCE code challenge method."),
            (E::Code(CodeFault::VerifierMismatch), "code_verifier_mismatch", "The PKCE code verifier parameter does not match the code challenge."),
            (E::Request(RequestFault::Missing("refresh_token")), "invalid_request", "Missing parameter: \"refresh_token\" is required"),
            (E::Refresh(RefreshFault::Unknown), "invalid_grant", "Invalid refresh token"),
            (E::Refresh(RefreshFault::Spent("It is spent")), "invalid_grant", "Invalid refresh token"),
            (E::Refresh(RefreshFault::Expired), "invalid_grant", "Refresh token has expired"),
            (E::GrantType(GrantTypeFault::NotAllowed("password")), "unauthorized_client", "The grant type is unauthorized for this client_id"),
            (E::Scope(ScopeFault::BeyondGrant(scope("a"))), "invalid_scope", "The scope requested is invalid for this request"),
            (E::Scope(ScopeFault::BeyondClient(scope("a"))), "invalid_scope", "The scope requested is invalid for this client"),
            (E::Scope(ScopeFault::Unknown(scope("a"))), "invalid_scope", "An unsupported scope was requested"),
            (E::Scope(ScopeFault::Missing), "invalid_scope", "This application requires you specify a scope parameter"),
            (E::Request(RequestFault::Missing("token")), "invalid_request", "Missing token parameter to revoke"),
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
        let get = E::Request(RequestFault::Method {
            sent: "GET".to_owned(),
            allowed: "POST",
        });
        let given = seen(dialect(DialectName::Oauth2ServerPhp, false).token_refusal(&get, crate::Scheme::None));
        assert_eq!((given.status, given.header("allow")), (405, Some("POST, OPTIONS")));
        assert_eq!(
            given.body,
            r#"{"error":"invalid_request","error_description":"The request method must be POST when requesting an access token","error_uri":"http:\/\/tools.ietf.org\/html\/rfc6749#section-3.2"}"#
        );
        assert_eq!(
            seen(token_refusal(&E::Code(CodeFault::RedirectUri))).body,
            r#"{"error":"redirect_uri_mismatch","error_description":"The redirect URI is missing or do not match","error_uri":"http:\/\/tools.ietf.org\/html\/rfc6749#section-4.1.3"}"#
        );
    }

    #[test]
    fn without_a_token_the_body_is_empty() {
        let given = seen(resource_refusal(&E::Access(AccessFault::Absent), false));
        assert_eq!((given.status, given.body.as_str()), (401, ""));
        assert_eq!(given.header("www-authenticate"), Some("Bearer realm=\"Service\""));
        let given = seen(resource_refusal(&E::Access(AccessFault::Absent), true));
        assert_eq!(given.body, r#"{"message":"An access token is required"}"#);
    }

    #[test]
    #[rustfmt::skip] // one row per line
    fn resources_refuse_as_the_original() {
        let rows = [
            (E::Access(AccessFault::Invalid), 401, "invalid_token", "The access token provided is invalid"),
            (E::Access(AccessFault::Revoked), 401, "invalid_token", "The access token provided is invalid"),
            (E::Access(AccessFault::Expired), 401, "invalid_token", "The access token provided has expired"),
            (E::Access(AccessFault::Malformed), 400, "invalid_request", "Malformed auth header"),
            (E::Client(ClientFault::Twice), 400, "invalid_request", "Only one method may be used to authenticate at a time (Auth header, GET or POST)"),
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
        let given = seen(resource_refusal(&E::Access(AccessFault::Scopes(scopes("a b"))), false));
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
            seen(resource_refusal(&E::Access(AccessFault::Expired), true)).body,
            r#"{"error":"invalid_token","error_description":"The access token provided has expired","message":"The access token provided has expired"}"#
        );
    }

    #[test]
    #[rustfmt::skip] // one row per line
    fn the_authorization_endpoint_stops_as_the_original() {
        let rows = [
            (E::Request(RequestFault::Missing("client_id")), "invalid_client", "No client id supplied"),
            (E::Client(ClientFault::Unknown), "invalid_client", "The client id supplied is invalid"),
            (E::Authorize(AuthorizeFault::UriUnregistered), "redirect_uri_mismatch", "The redirect URI provided is missing or does not match"),
            (E::Authorize(AuthorizeFault::UriAbsent), "invalid_uri", "No redirect URI was supplied or stored"),
            (E::Authorize(AuthorizeFault::UriAmbiguous), "invalid_uri", "A redirect URI must be supplied when multiple redirect URIs are registered"),
        ];
        for (refusal, error, description) in rows {
            let given = fatal(&refusal);
            assert_eq!((given.status, given.error, given.description.as_str()), (400, error, description));
        }
    }

    #[test]
    #[rustfmt::skip] // one row per line
    fn the_authorization_endpoint_redirects_as_the_original() {
        let rows = [
            (E::Authorize(AuthorizeFault::ResponseTypeMissing), "invalid_request", "Invalid or missing response type"),
            (E::Authorize(AuthorizeFault::ResponseType("x".into())), "invalid_request", "Invalid or missing response type"),
            (E::GrantType(GrantTypeFault::NotAllowed("authorization_code")), "unauthorized_client", "The grant type is unauthorized for this client_id"),
            (E::Scope(ScopeFault::Unknown(scope("a"))), "invalid_scope", "An unsupported scope was requested"),
            (E::Scope(ScopeFault::BeyondClient(scope("a"))), "invalid_scope", "An unsupported scope was requested"),
            (E::Scope(ScopeFault::Missing), "invalid_client", "This application requires you specify a scope parameter"),
            (E::Request(RequestFault::Missing("state")), "invalid_request", "The state parameter is required"),
            (E::Authorize(AuthorizeFault::Denied), "access_denied", "The user denied access to your application"),
        ];
        for (refusal, error, description) in rows {
            let expected = [("error", error), ("error_description", description), ("state", "s")];
            assert_eq!(redirect_refusal(&refusal, Some("s")), expected.map(|(name, value)| (name, value.to_owned())));
        }
        let implicit = redirect_refusal(&E::Authorize(AuthorizeFault::ResponseType("token".into())), None);
        assert_eq!(implicit[0], ("error", "unsupported_response_type".to_owned()));
    }

    #[test]
    fn revocation_says_so_and_introspection_misses_its_own_parameter() {
        assert_eq!(seen(revocation()).body, r#"{"revoked":true}"#);
        assert_eq!(
            seen(introspection_refusal(&E::Request(RequestFault::Missing("token")))).body,
            r#"{"error":"invalid_request","error_description":"Missing parameter: \"token\" is required"}"#
        );
    }
}
