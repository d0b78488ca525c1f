//! The RFCs and nothing else: RFC 6749 §5.1 and §5.2, RFC 6750 §3, RFC 7009 §2.2, RFC 7662 §2.2.
//!
//! A client that has not authenticated is told only what is wrong with the request itself, not whether an app exists. A client
//! that has authenticated is told the exact reason, in one sentence.

use crate::answer::{self, RenderedResponse};
use crate::json::{Object, Style};
use crate::{Fatal, Introspection, Scheme, TokenAnswer, challenge, http_status, resource_code};
use hallpass_wire::public_error::{
    AccessFault, AuthorizeFault, ClientFault, CodeFault, GrantTypeFault, RefreshFault, RequestFault, ScopeFault,
    Trouble,
};
use hallpass_wire::{ErrorCode, PublicError as E};
use http::header::WWW_AUTHENTICATE;
use std::borrow::Cow;

/// RFC 6749 §5.1. An empty `scope` is left out: a scope is at least one token (§3.3). If a refresh token or its grant has an
/// end, the answer says when (draft-ietf-oauth-refresh-token-expiration-03 §6.1).
pub(crate) fn token(answer: &TokenAnswer<'_>) -> RenderedResponse {
    let life = answer.refresh.as_ref().map(|refresh| refresh.life).unwrap_or_default();
    let body = Object::new(Style::Compact, 512)
        .text("access_token", answer.access_token)
        .text("token_type", "Bearer")
        .literal("expires_in", answer.expires_in)
        .text_if_any("scope", (!answer.scopes.is_empty()).then_some(answer.scopes))
        .text_if_any("refresh_token", answer.refresh.as_ref().map(|refresh| refresh.token))
        .literal_if_any("refresh_token_timeout", life.token)
        .literal_if_any("authorization_expires_in", life.grant)
        .close();
    answer::no_cache(answer::json(200, body))
}

/// RFC 6749 §5.2. Only a client that used the Authorization header is challenged: otherwise a browser asks for a password.
pub(crate) fn token_refusal(refusal: &E, scheme: Scheme) -> RenderedResponse {
    let body = error_body(refusal.code(), &token_description(refusal));
    let mut response = answer::json(http_status(refusal), body);
    if refusal.code() == ErrorCode::InvalidClient && scheme != Scheme::None {
        answer::set(&mut response, WWW_AUTHENTICATE, "Basic realm=\"OAuth\"");
    }
    answer::no_cache(response)
}

/// RFC 7662 §2.2, with the tenant for a resource.
pub(crate) fn introspection(token: Option<&Introspection<'_>>) -> RenderedResponse {
    let Some(token) = token else {
        return answer::json(200, r#"{"active":false}"#);
    };
    let mut body = Object::new(Style::Compact, 512)
        .literal("active", true)
        .text_if_any("scope", (!token.scopes.is_empty()).then_some(token.scopes))
        .text("client_id", token.client_id)
        .text_if_any("username", token.username.as_deref())
        .text_if_any("token_type", token.token_type);
    if let Some(expires) = token.expires {
        body = body.literal("exp", expires);
    }
    body = body
        .literal("iat", token.issued_at)
        .text_if_any("sub", token.subject.as_deref())
        .text_if_any("set_up_by", token.set_up_by.as_ref().map(|person| &person.subject))
        .text("iss", token.issuer);
    if let Some(tenant) = &token.tenant {
        body = body
            .text("aud", tenant.audience)
            .text("organization", tenant.organization)
            .text("environment", tenant.environment);
    }
    answer::json(200, body.close())
}

/// RFC 7009 §2.2: 200, and clients ignore the body. simple-oauth2 does not: it parses every answer as JSON, takes an empty body
/// for a failure, and does not revoke the other token.
pub(crate) fn revocation() -> RenderedResponse {
    answer::json(200, "{}")
}

/// A page for a person asks for no credentials, so it has 400 instead of 401.
pub(crate) fn fatal(refusal: &E) -> Fatal {
    let description = match refusal {
        E::Client(ClientFault::Unknown) => Cow::Borrowed("The client_id is not one of a known app"),
        other => description(other),
    };
    Fatal {
        status: match http_status(refusal) {
            401 => 400,
            status => status,
        },
        error: refusal.code().as_str(),
        description: description.into_owned(),
    }
}

/// RFC 6749 §4.1.2.1.
pub(crate) fn redirect_refusal(refusal: &E, state: Option<&str>) -> Vec<(&'static str, String)> {
    let mut query = vec![
        ("error", refusal.code().as_str().to_owned()),
        ("error_description", description(refusal).into_owned()),
    ];
    query.extend(state.map(|state| ("state", state.to_owned())));
    query
}

/// RFC 6750 §3. A request without a token gets no error code (§3.1).
pub(crate) fn resource_refusal(refusal: &E, refusal_message: bool) -> RenderedResponse {
    let code = resource_code(refusal);
    let description = resource_description(refusal, code);
    let error = (*refusal != E::Access(AccessFault::Absent)).then_some(code.as_str());
    let body = Object::new(Style::Compact, 192)
        .text_if_any("error", error)
        .text("error_description", &description)
        .text_if_any("message", refusal_message.then_some(&description))
        .close();
    let status = match code {
        ErrorCode::InvalidRequest => http_status(refusal),
        code => code.status(),
    };
    let mut response = answer::json(status, body);
    if status < 500 {
        let value = bearer_challenge(refusal, code, &description);
        answer::set(&mut response, WWW_AUTHENTICATE, &value);
    }
    response
}

fn bearer_challenge(refusal: &E, code: ErrorCode, description: &str) -> String {
    let asked;
    let mut parameters = vec![("realm", "api")];
    if *refusal != E::Access(AccessFault::Absent) {
        parameters.extend([("error", code.as_str()), ("error_description", description)]);
    }
    if let E::Access(AccessFault::Scopes(scopes)) = refusal {
        asked = scopes.to_string();
        parameters.push(("scope", &asked));
    }
    challenge::bearer(", ", &parameters)
}

fn error_body(code: ErrorCode, description: &str) -> String {
    Object::new(Style::Compact, 192)
        .text("error", code)
        .text("error_description", description)
        .close()
}

/// The exact reason of a refusal of the token, introspection or revocation endpoint. Reasons of the grant and of its scopes
/// come after client authentication only.
fn token_description(refusal: &E) -> Cow<'static, str> {
    let text = match refusal {
        E::GrantType(GrantTypeFault::NotOffered(name)) => return said(format!("The grant type {name} is not offered")),
        E::GrantType(GrantTypeFault::NotAllowed(name)) => {
            return said(format!("This app may not use the grant type {name}"));
        }
        // Does not say whether the token belongs to another app: a person who found a token would learn that it is real.
        E::Code(CodeFault::Unknown | CodeFault::Foreign)
        | E::Refresh(RefreshFault::Unknown | RefreshFault::Foreign) => "The code or token is not one of this app's",
        E::Code(CodeFault::Expired) => "The code has expired",
        E::Code(CodeFault::Spent(sentence)) | E::Refresh(RefreshFault::Spent(sentence)) | E::Plain(_, sentence) => {
            sentence
        }
        E::Code(CodeFault::RedirectUri) => "The redirect_uri is not the one of the authorization request",
        E::Code(CodeFault::VerifierMismatch) => "The code_verifier does not match the code_challenge",
        E::Refresh(RefreshFault::Expired) => "The refresh token has expired",
        E::Scope(ScopeFault::Malformed) => "The scope parameter is not a list of scopes",
        E::Scope(ScopeFault::Unknown(scope)) => return said(format!("There is no scope {scope}")),
        E::Scope(ScopeFault::BeyondClient(scope)) => {
            return said(format!("This app may not ask for the scope {scope}"));
        }
        E::Scope(ScopeFault::BeyondGrant(scope)) => return said(format!("The grant does not have the scope {scope}")),
        E::Scope(ScopeFault::Missing) => "No scope was asked for, and this app has no default",
        other => return description(other),
    };
    Cow::Borrowed(text)
}

/// A sentence that repeats a text of the client.
fn said(text: String) -> Cow<'static, str> {
    match challenge::printable(&text) {
        Cow::Borrowed(_) => Cow::Owned(text),
        Cow::Owned(printable) => Cow::Owned(printable),
    }
}

fn description(refusal: &E) -> Cow<'static, str> {
    let text = match refusal {
        E::Request(RequestFault::Method { sent, allowed }) => {
            return said(format!("The request method {sent} is not served here; use {allowed}"));
        }
        E::Request(RequestFault::MediaType(sent)) => {
            return said(format!(
                "The body must be application/x-www-form-urlencoded, and was sent as {sent}"
            ));
        }
        E::Request(RequestFault::TooLarge) => "The request is too large",
        E::Request(RequestFault::Parameter(fault)) => return Cow::Owned(fault.to_string()),
        E::Request(RequestFault::Malformed(detail)) => detail,
        E::Request(RequestFault::Missing(name)) => return Cow::Owned(format!("The parameter {name} is missing")),
        E::Client(ClientFault::Twice) => "Client credentials were sent in more than one way",
        E::Client(ClientFault::NotNamed) => "No client credentials were sent",
        E::Trouble(Trouble::Wait(_)) => "Too many attempts with a wrong client secret; wait and try again",
        E::Client(ClientFault::Malformed) => "The Authorization header is not a Basic pair of client id and secret",
        E::Code(CodeFault::VerifierMissing) => "The code_verifier is missing",
        E::Code(CodeFault::VerifierMalformed) => "The code_verifier is malformed",
        E::Code(CodeFault::VerifierUnexpected) => "A code_verifier was sent, but no code_challenge before",
        E::Scope(ScopeFault::Missing) => "The scope is missing",
        E::Scope(ScopeFault::TooLong { length, longest }) => {
            return Cow::Owned(format!(
                "The scopes have {length} characters, and an access token has room for {longest}"
            ));
        }
        E::Authorize(AuthorizeFault::UriUnregistered) => {
            "The redirect_uri is not registered for this app: compare every character"
        }
        E::Authorize(AuthorizeFault::UriAmbiguous) => "The app has several redirect URIs and the request names none",
        E::Authorize(AuthorizeFault::UriAbsent) => "The app has no redirect URI",
        E::Authorize(AuthorizeFault::ResponseTypeMissing) => "The parameter response_type is missing",
        // A fault of the request itself, so anybody may be told.
        E::Plain(ErrorCode::InvalidRequest, sentence) => sentence,
        E::Authorize(AuthorizeFault::ChallengeMissing) => "The code_challenge is missing",
        E::Authorize(AuthorizeFault::ChallengeMalformed) => "The code_challenge is malformed",
        E::Authorize(AuthorizeFault::ChallengeMethod) => "The code_challenge_method must be S256",
        E::Paused(pause) => pause.description(),
        other => by_code(other.code()),
    };
    Cow::Borrowed(text)
}

/// The sentence of an error without words of its own: it says no more than the code.
fn by_code(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::InvalidRequest => "The request is malformed",
        ErrorCode::InvalidClient => "Client authentication failed",
        ErrorCode::InvalidGrant => {
            "The authorization code or refresh token is invalid, expired, revoked, or was issued to another app or redirect URI"
        }
        ErrorCode::UnauthorizedClient => "This app may not use this grant type",
        ErrorCode::UnsupportedGrantType => "The grant type is not offered",
        ErrorCode::UnsupportedResponseType => "The response type is not offered",
        ErrorCode::RequestNotSupported => "The parameter request is not supported",
        ErrorCode::RequestUriNotSupported => "The parameter request_uri is not supported",
        ErrorCode::InvalidScope => "The scope is unknown, malformed, or more than may be asked for",
        ErrorCode::AccessDenied => "The request was denied",
        ErrorCode::LoginRequired => "The person must sign in",
        ErrorCode::ConsentRequired => "The person must be asked",
        ErrorCode::ServerError => "An error occurred on our side",
        ErrorCode::TemporarilyUnavailable => "The server is busy or in maintenance; try again",
        ErrorCode::InvalidToken => "The access token is invalid",
        ErrorCode::InsufficientScope => "The access token does not have the scope that this needs",
    }
}

fn resource_description(refusal: &E, code: ErrorCode) -> Cow<'static, str> {
    let text = match refusal {
        E::Access(AccessFault::Absent) => "An access token is required",
        E::Access(AccessFault::Malformed) => "The Authorization header must be Bearer with one access token",
        E::Access(AccessFault::Expired) => "The access token has expired",
        E::Access(AccessFault::Revoked) => "The access token was revoked",
        // Valid, so not invalid_token: another of its kind would fail as well (RFC 6750 §3.1). It lacks the privilege of
        // speaking for a person, hence insufficient_scope.
        E::Access(AccessFault::NoPerson) => "This needs an access token that acts for a person",
        E::Plain(named, sentence) if *named == code => sentence,
        other if other.code() == code => return description(other),
        _ => by_code(code),
    };
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DialectName;
    use crate::RefreshLife;
    use crate::tests::{dialect, introspection, scope, scopes, seen, token_answer};

    #[test]
    fn a_token_answer_is_rfc_6749_5_1() {
        let scopes = scopes("read write");
        let given = seen(token(&token_answer(&scopes, &[])));
        assert_eq!(
            given.body,
            r#"{"access_token":"ACCESS_TOKEN","token_type":"Bearer","expires_in":3600,"scope":"read write","refresh_token":"REFRESH_TOKEN"}"#
        );
        assert_eq!((given.status, given.header("pragma")), (200, Some("no-cache")));
    }

    /// draft-ietf-oauth-refresh-token-expiration-03 §6.1: an answer must say when the token ends, if it has an end, and not
    /// otherwise.
    #[test]
    fn a_token_answer_says_when_refresh_token_and_grant_end() {
        let scopes = scopes("read");
        let ends = |token, grant| {
            let mut answer = token_answer(&scopes, &[]);
            if let Some(refresh) = &mut answer.refresh {
                refresh.life = RefreshLife { token, grant };
            }
            let body: serde_json::Value = serde_json::from_str(&seen(super::token(&answer)).body).unwrap();
            (
                body.get("refresh_token_timeout").cloned(),
                body.get("authorization_expires_in").cloned(),
            )
        };
        assert_eq!(ends(Some(60), Some(90)), (Some(60.into()), Some(90.into())));
        assert_eq!(ends(Some(60), None), (Some(60.into()), None));
        assert_eq!(ends(None, None), (None, None));
    }

    #[test]
    fn an_answer_without_scope_and_refresh_token_has_neither_member() {
        let none = scopes("");
        let mut answer = token_answer(&none, &[]);
        answer.refresh = None;
        assert_eq!(
            seen(token(&answer)).body,
            r#"{"access_token":"ACCESS_TOKEN","token_type":"Bearer","expires_in":3600}"#
        );
    }

    #[test]
    fn a_failed_client_is_challenged_where_it_used_the_header() {
        let body = r#"{"error":"invalid_client","error_description":"Client authentication failed"}"#;
        let basic = seen(token_refusal(&E::Client(ClientFault::WrongSecret), Scheme::Basic));
        assert_eq!((basic.status, basic.body.as_str()), (401, body));
        assert_eq!(basic.header("www-authenticate"), Some("Basic realm=\"OAuth\""));
        let posted = seen(token_refusal(&E::Client(ClientFault::WrongSecret), Scheme::None));
        assert_eq!((posted.status, posted.body.as_str()), (401, body));
        assert_eq!(posted.header("www-authenticate"), None);
    }

    /// RFC 6749 §5.2: at the token endpoint the client has authenticated when its grant or its scopes are judged; in a
    /// redirect it has not.
    #[test]
    fn the_reason_of_a_scope_is_told_at_the_token_endpoint_and_not_in_a_redirect() {
        let told = |refusal: &E| seen(token_refusal(refusal, Scheme::None)).body;
        let unknown = E::Scope(ScopeFault::Unknown(scope("x")));
        let beyond = E::Scope(ScopeFault::BeyondClient(scope("x")));
        assert!(told(&unknown).contains("There is no scope x"));
        assert_ne!(told(&unknown), told(&beyond));
        assert_eq!(redirect_refusal(&unknown, None), redirect_refusal(&beyond, None));
    }

    #[test]
    fn a_request_without_a_token_is_told_the_realm_only() {
        let given = seen(resource_refusal(&E::Access(AccessFault::Absent), false));
        assert_eq!(given.header("www-authenticate"), Some("Bearer realm=\"api\""));
        assert_eq!(given.body, r#"{"error_description":"An access token is required"}"#);
    }

    #[test]
    fn resource_refusals_are_rfc_6750_3_1() {
        let cases = [
            (
                E::Access(AccessFault::Expired),
                401,
                r#"error="invalid_token", error_description="The access token has expired""#,
            ),
            (
                E::Access(AccessFault::Malformed),
                400,
                r#"error="invalid_request", error_description="The Authorization header must be Bearer with one access token""#,
            ),
            (
                E::Access(AccessFault::Scopes(scopes("a b"))),
                403,
                r#"error="insufficient_scope", error_description="The access token does not have the scope that this needs", scope="a b""#,
            ),
            (
                E::Access(AccessFault::NoPerson),
                403,
                r#"error="insufficient_scope", error_description="This needs an access token that acts for a person""#,
            ),
        ];
        for (refusal, status, challenge) in cases {
            let given = seen(resource_refusal(&refusal, false));
            assert_eq!(given.status, status);
            let expected = format!("Bearer realm=\"api\", {challenge}");
            assert_eq!(given.header("www-authenticate"), Some(expected.as_str()));
        }
    }

    #[test]
    fn introspection_is_rfc_7662_2_2() {
        let scopes = scopes("a b");
        let standard = dialect(DialectName::Standard, false);
        assert_eq!(
            seen(standard.introspection(Some(&introspection(&scopes)))).body,
            r#"{"active":true,"scope":"a b","client_id":"MY_CLIENT_ID","username":"[email protected]","token_type":"Bearer","exp":1613120953,"iat":1613117353,"sub":"00000000-0000-0000-0000-00000000018f","iss":"https://id.example"}"#
        );
        assert_eq!(seen(standard.introspection(None)).body, r#"{"active":false}"#);
    }

    #[test]
    fn a_revocation_is_answered_with_an_empty_object() {
        let given = seen(revocation());
        assert_eq!((given.status, given.body.as_str()), (200, "{}"));
    }

    #[test]
    fn error_redirects_name_error_description_and_state() {
        let query = redirect_refusal(&E::Authorize(AuthorizeFault::Denied), Some("xyz"));
        let names: Vec<_> = query.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["error", "error_description", "state"]);
    }
}
