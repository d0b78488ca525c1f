//! django-oauth-toolkit over oauthlib: Python's JSON, few descriptions, `Bearer` challenges even for clients, five members at
//! introspection.

use crate::answer::{self, RenderedResponse};
use crate::json::{Object, Style};
use crate::{Fatal, Introspection, TokenAnswer, challenge, http_status, resource_code};
use hallpass_wire::public_error::{AccessFault, AuthorizeFault, ClientFault, CodeFault, RequestFault, Trouble};
use hallpass_wire::{ErrorCode, ParameterError, PublicError as E};
use http::header::WWW_AUTHENTICATE;
use std::borrow::Cow;

/// oauthlib's `BearerToken`.
pub(crate) fn token(answer: &TokenAnswer<'_>) -> RenderedResponse {
    let body = Object::new(Style::Python, 512)
        .text("access_token", answer.access_token)
        .literal("expires_in", answer.expires_in)
        .text("token_type", "Bearer")
        .text("scope", answer.scopes)
        .text_if_any("refresh_token", answer.refresh.as_ref().map(|refresh| refresh.token))
        .close();
    answer::no_cache(answer::json(200, body))
}

/// oauthlib's `OAuth2Error`, with a description only where the original has one.
pub(crate) fn token_refusal(refusal: &E) -> RenderedResponse {
    let row = row(refusal);
    let mut response = answer::json(http_status(refusal), row.body());
    if row.error == "invalid_client" {
        answer::set(&mut response, WWW_AUTHENTICATE, "Bearer error=\"invalid_client\"");
    }
    answer::no_cache(response)
}

/// API-11 and API-12. The original finds access tokens only: a refresh token is inactive to it.
pub(crate) fn introspection(token: Option<&Introspection<'_>>) -> RenderedResponse {
    let Some(token) = token.filter(|token| token.token_type.is_some()) else {
        return answer::json(200, r#"{"active": false}"#);
    };
    let body = Object::new(Style::Python, 256)
        .literal("active", true)
        .text("scope", token.scopes);
    let body = match token.expires {
        Some(expires) => body.literal("exp", expires),
        None => body,
    };
    // Django servers name the person who allowed the access, also where it acts for an organization.
    let set_up_by = token.set_up_by.as_ref().map(|person| person.username.as_ref());
    let body = body
        .text("client_id", token.client_id)
        .text_if_any("username", token.username.as_deref().or(set_up_by));
    answer::json(200, body.close())
}

/// An empty body, like the original.
pub(crate) fn revocation() -> RenderedResponse {
    answer::no_store(answer::empty(200))
}

/// A caller that may not ask gets an empty 403.
pub(crate) fn introspection_refusal(refusal: &E) -> RenderedResponse {
    if let E::Request(RequestFault::Missing("token")) = refusal {
        return answer::json(400, Row::new("invalid_request", "Token parameter is missing.").body());
    }
    if let ErrorCode::InvalidClient | ErrorCode::InvalidToken | ErrorCode::InsufficientScope = refusal.code() {
        return answer::no_store(answer::empty(403));
    }
    token_refusal(refusal)
}

/// oauthlib's `FatalClientError`, all of it 400 and `invalid_request`.
pub(crate) fn fatal(refusal: &E) -> Fatal {
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
pub(crate) fn redirect_refusal(refusal: &E, state: Option<&str>) -> Vec<(&'static str, String)> {
    let row = row(refusal);
    let mut query = vec![("error", row.error.to_owned())];
    query.extend(row.description.map(|text| ("error_description", text.into_owned())));
    query.extend(state.map(|state| ("state", state.to_owned())));
    query
}

/// Django REST framework's answer; the challenge has no space after its commas.
pub(crate) fn resource_refusal(refusal: &E, refusal_message: bool) -> RenderedResponse {
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
    let mut response = answer::json(status, body);
    if status < 500 {
        let mut parameters = vec![("realm", "api")];
        if *refusal != E::Access(AccessFault::Absent) {
            parameters.extend([("error", code.as_str()), ("error_description", description)]);
        }
        answer::set(&mut response, WWW_AUTHENTICATE, &challenge::bearer(",", &parameters));
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

#[rustfmt::skip] // one row per line, to compare with the original
fn row(refusal: &E) -> Row {
    let request = |description: &'static str| Row::new("invalid_request", description);
    match refusal {
        E::Request(RequestFault::Method { sent, .. }) => Row::new("invalid_request", printable(&format!("Unsupported request method {sent}"))),
        E::Request(RequestFault::MediaType(sent)) => Row::new("invalid_request", printable(&format!("Unsupported content type {sent}"))),
        E::Request(RequestFault::TooLarge) => request("The request is too large."),
        E::Request(RequestFault::Parameter(ParameterError::Repeated(name))) => Row::new("invalid_request", format!("Duplicate {name} parameter.")),
        E::Request(RequestFault::Parameter(fault)) => Row::new("invalid_request", fault.to_string()),
        E::Request(RequestFault::Malformed(detail)) => request(detail),
        E::Request(RequestFault::Missing("refresh_token")) => request("Missing refresh token parameter."),
        E::Request(RequestFault::Missing(name)) => Row::new("invalid_request", format!("Missing {name} parameter.")),
        E::Client(ClientFault::Twice) => request("Multiple client authentication methods."),
        E::Trouble(Trouble::Wait(_)) => Row::new(refusal.code().as_str(), "Too many attempts with invalid client credentials."),
        E::Code(CodeFault::RedirectUri) | E::Authorize(AuthorizeFault::UriUnregistered) => request("Mismatching redirect URI."),
        E::Authorize(AuthorizeFault::UriAmbiguous | AuthorizeFault::UriAbsent) => request("Missing redirect URI."),
        E::Code(CodeFault::VerifierMissing) => request("Code verifier required."),
        E::Authorize(AuthorizeFault::ResponseTypeMissing) => request("Missing response_type parameter."),
        E::Authorize(AuthorizeFault::ChallengeMissing) => request("Code challenge required."),
        E::Authorize(AuthorizeFault::ChallengeMalformed) => request("Invalid code_challenge parameter."),
        E::Authorize(AuthorizeFault::ChallengeMethod) => request("Transform algorithm not supported."),
        E::Paused(pause) => Row::new("access_denied", pause.description()),
        other => by_code(other.code()),
    }
}

/// Only the code, for every error without a text of its own.
fn by_code(code: ErrorCode) -> Row {
    Row {
        error: code.as_str(),
        description: None,
    }
}

fn printable(text: &str) -> String {
    challenge::printable(text).into_owned()
}

fn resource_description(refusal: &E, code: ErrorCode) -> &'static str {
    match (refusal, code) {
        (E::Access(AccessFault::Absent), _) => "Authentication credentials were not provided.",
        (E::Access(AccessFault::Expired), _) => "The access token has expired.",
        (_, ErrorCode::InsufficientScope) => "The access token is valid but does not have enough scope.",
        (_, ErrorCode::InvalidToken) => "The access token is invalid.",
        (_, ErrorCode::TemporarilyUnavailable) => "Service temporarily unavailable, try again later.",
        (_, ErrorCode::ServerError) => "A server error occurred.",
        _ => "Malformed request.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{introspection as inspected, scope, scopes, seen, token_answer};
    use hallpass_wire::public_error::{GrantTypeFault, RefreshFault, ScopeFault};

    #[test]
    fn a_token_answer_is_as_json_dumps_writes_it() {
        let scopes = scopes("read write");
        let given = seen(token(&token_answer(&scopes, &[])));
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
            (E::Code(CodeFault::Expired), "invalid_grant"),
            (E::Code(CodeFault::Unknown), "invalid_grant"),
            (E::Code(CodeFault::Foreign), "invalid_grant"),
            (E::Code(CodeFault::Spent("It is spent")), "invalid_grant"),
            (E::Code(CodeFault::VerifierMismatch), "invalid_grant"),
            (E::Refresh(RefreshFault::Unknown), "invalid_grant"),
            (E::Refresh(RefreshFault::Spent("It is spent")), "invalid_grant"),
            (
                E::GrantType(GrantTypeFault::NotOffered("password".into())),
                "unsupported_grant_type",
            ),
            (
                E::GrantType(GrantTypeFault::NotAllowed("password")),
                "unauthorized_client",
            ),
            (E::Scope(ScopeFault::Unknown(scope("a"))), "invalid_scope"),
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
        let given = seen(token_refusal(&E::Client(ClientFault::WrongSecret)));
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
        let repeated = E::Request(RequestFault::Parameter(ParameterError::Repeated("client_id")));
        let rows = [
            (E::Request(RequestFault::Missing("code")), "Missing code parameter."),
            (
                E::Request(RequestFault::Missing("refresh_token")),
                "Missing refresh token parameter.",
            ),
            (E::Code(CodeFault::VerifierMissing), "Code verifier required."),
            (E::Code(CodeFault::RedirectUri), "Mismatching redirect URI."),
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
            (E::Client(ClientFault::Unknown), "Invalid client_id parameter value."),
            (
                E::Authorize(AuthorizeFault::UriUnregistered),
                "Mismatching redirect URI.",
            ),
            (
                E::Request(RequestFault::Missing("client_id")),
                "Missing client_id parameter.",
            ),
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
        assert_eq!(
            redirect_refusal(&E::Authorize(AuthorizeFault::Denied), Some("s")),
            expected
        );
        let unchallenged = redirect_refusal(&E::Authorize(AuthorizeFault::ChallengeMissing), None);
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
    fn introspection_of_a_grant_of_an_organization_names_who_set_it_up() {
        let scopes = scopes("read");
        let mut token = inspected(&scopes);
        token.username = None;
        token.set_up_by = Some(crate::SetUpBy {
            username: "ada@example.com".into(),
            subject: "7".to_owned(),
        });
        assert_eq!(
            seen(introspection(Some(&token))).body,
            r#"{"active": true, "scope": "read", "exp": 1613120953, "client_id": "MY_CLIENT_ID", "username": "ada@example.com"}"#
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
        for refusal in [
            E::Client(ClientFault::NotNamed),
            E::Client(ClientFault::Unknown),
            E::Client(ClientFault::WrongSecret),
        ] {
            let given = seen(introspection_refusal(&refusal));
            assert_eq!((given.status, given.body.as_str()), (403, ""));
        }
        let given = seen(introspection_refusal(&E::Request(RequestFault::Missing("token"))));
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
        let given = seen(resource_refusal(&E::Access(AccessFault::Expired), false));
        assert_eq!(given.status, 401);
        assert_eq!(
            given.header("www-authenticate"),
            Some(r#"Bearer realm="api",error="invalid_token",error_description="The access token has expired.""#)
        );
        let given = seen(resource_refusal(&E::Access(AccessFault::Scopes(scopes("a"))), false));
        assert_eq!(given.status, 403);
        assert_eq!(
            given.header("www-authenticate"),
            Some(
                r#"Bearer realm="api",error="insufficient_scope",error_description="The access token is valid but does not have enough scope.""#
            )
        );
        let given = seen(resource_refusal(&E::Access(AccessFault::Absent), false));
        assert_eq!(given.header("www-authenticate"), Some("Bearer realm=\"api\""));
    }
}
