//! Apigee's OAuthV2 policy: every number a string, `BearerToken`, the app's products and organization in the token answer.
//!
//! Lifetimes are reported one second shorter than they are, as in the original. Errors have two shapes: `ErrorCode` with
//! `Error` at the token endpoint, a `fault` at resources.

use crate::answer::{self, RenderedResponse};
use crate::json::{Object, Style};
use crate::{Fatal, RefreshAnswer, TokenAnswer, challenge, http_status, resource_code};
use hallpass_wire::public_error::{
    AccessFault, AuthorizeFault, ClientFault, CodeFault, GrantTypeFault, RefreshFault, RequestFault, Trouble,
};
use hallpass_wire::{ErrorCode, PublicError as E};
use std::borrow::Cow;

/// The default response of `GenerateAccessToken`, in the order of the client_credentials captures. `empty_member` is HOME-3's
/// variant: a member with an empty name instead of the developer, and no list as JSON. The members of a refresh token follow
/// its lifetime: captures of that answer agree on the members, not on their order.
pub(crate) fn token(answer: &TokenAnswer<'_>, empty_member: bool) -> RenderedResponse {
    let client = &answer.client;
    let body = Object::new(Style::Compact, 1024);
    let body = match &answer.refresh {
        Some(refresh) => refresh_members(body, refresh),
        None => body.text("refresh_token_expires_in", 0),
    };
    let body = body.text("api_product_list", format_args!("[{}]", client.products.join(", ")));
    let body = if empty_member {
        body.text("organization_name", client.organization).text("", "")
    } else {
        body.list("api_product_list_json", client.products)
            .text("organization_name", client.organization)
            .text("developer.email", client.developer_email)
    };
    let body = body
        .text("token_type", "BearerToken")
        .text("issued_at", answer.issued_at_ms)
        .text("client_id", client.client_id)
        .text("access_token", answer.access_token)
        .text("application_name", client.id)
        .text("scope", answer.scopes)
        .text("expires_in", begun(answer.expires_in))
        .text("refresh_count", answer.refresh_count)
        .text("status", "approved");
    answer::json(200, body.close())
}

/// Shape 2, `GenerateResponse enabled`.
pub(crate) fn token_refusal(refusal: &E) -> RenderedResponse {
    let row = row(refusal);
    let body = Object::new(Style::Compact, 128)
        .text("ErrorCode", row.error)
        .text("Error", &row.text)
        .close();
    answer::json(http_status(refusal), body)
}

/// `GenerateAuthorizationCode`, which has its own text for a missing parameter.
pub(crate) fn fatal(refusal: &E) -> Fatal {
    let row = authorize_row(refusal);
    Fatal {
        status: http_status(refusal),
        error: row.error,
        description: row.text.into_owned(),
    }
}

/// The original never redirects an error. Its texts are put into the members of RFC 6749 §4.1.2.1.
pub(crate) fn redirect_refusal(refusal: &E, state: Option<&str>) -> Vec<(&'static str, String)> {
    let row = authorize_row(refusal);
    let mut query = vec![
        ("error", row.error.to_owned()),
        ("error_description", row.text.into_owned()),
    ];
    query.extend(state.map(|state| ("state", state.to_owned())));
    query
}

/// Shape 1. The original sends no challenge.
pub(crate) fn resource_refusal(refusal: &E, refusal_message: bool) -> RenderedResponse {
    let (status, text, code) = fault(refusal);
    let body = Object::new(Style::Compact, 192)
        .object("fault", |fault| {
            fault
                .text("faultstring", &text)
                .object("detail", |detail| detail.text("errorcode", code))
        })
        .text_if_any("message", refusal_message.then_some(&text))
        .close();
    answer::json(status, body)
}

fn refresh_members(body: Object, refresh: &RefreshAnswer<'_>) -> Object {
    // 0 is the original's word for "does not expire" as well as for "there is none".
    body.text("refresh_token_expires_in", refresh.expires_in.map_or(0, begun))
        .text("refresh_token", refresh.token)
        .text("refresh_token_issued_at", refresh.issued_at_ms)
        .text("refresh_token_status", "approved")
}

/// The lifetime, minus the second that has begun.
fn begun(seconds: i64) -> i64 {
    seconds.saturating_sub(1).max(0)
}

/// `ErrorCode` and `Error`.
struct Row {
    error: &'static str,
    text: Cow<'static, str>,
}

#[rustfmt::skip] // one row per line, to compare with the original
fn row(refusal: &E) -> Row {
    let request = |text: &'static str| Row { error: "invalid_request", text: Cow::Borrowed(text) };
    // Text of the client is repeated only in the characters that RFC 6749 §5.2 allows in an error.
    let request_with = |text: String| Row { error: "invalid_request", text: Cow::Owned(challenge::printable(&text).into_owned()) };
    match refusal {
        E::Request(RequestFault::Method { sent, allowed }) => request_with(format!("The request method must be {allowed}, not {sent}")),
        E::Request(RequestFault::MediaType(sent)) => request_with(format!("The content type must be application/x-www-form-urlencoded, not {sent}")),
        E::Request(RequestFault::TooLarge) => request("The request is too large"),
        E::Request(RequestFault::Parameter(fault)) => request_with(fault.to_string()),
        E::Request(RequestFault::Malformed(detail)) => request(detail),
        E::Request(RequestFault::Missing(name)) => request_with(format!("Required param : {name}")),
        E::Client(ClientFault::Twice) => request("Client credentials were sent in more than one way"),
        E::Trouble(Trouble::Wait(_)) => Row { error: refusal.code().as_str(), text: Cow::Borrowed("Too many attempts with an invalid client") },
        E::GrantType(GrantTypeFault::NotOffered(name)) => request_with(format!("Unsupported grant type : {name}")),
        E::Code(CodeFault::Unknown | CodeFault::Foreign | CodeFault::Expired | CodeFault::Spent(_)) => request("Invalid Authorization Code"),
        E::Code(CodeFault::RedirectUri) => request("Invalid redirect_uri"),
        E::Code(CodeFault::VerifierMissing) => request("Required param : code_verifier"),
        E::Code(CodeFault::VerifierMalformed | CodeFault::VerifierMismatch | CodeFault::VerifierUnexpected) => request("Invalid code_verifier"),
        E::Refresh(RefreshFault::Unknown | RefreshFault::Foreign | RefreshFault::Spent(_)) => request("Invalid Refresh Token"),
        E::Refresh(RefreshFault::Expired) => request("Refresh Token expired"),
        E::Authorize(AuthorizeFault::UriUnregistered) => request("Invalid redirection uri"),
        E::Authorize(AuthorizeFault::UriAmbiguous | AuthorizeFault::UriAbsent) => request("Redirection URI is required"),
        E::Authorize(AuthorizeFault::ResponseTypeMissing) => request("The request is missing a required parameter : response_type"),
        E::Authorize(AuthorizeFault::ResponseType(_)) => request("Response type must be code"),
        E::Authorize(AuthorizeFault::ChallengeMissing) => request("The request is missing a required parameter : code_challenge"),
        E::Authorize(AuthorizeFault::ChallengeMalformed) => request("Invalid code_challenge"),
        E::Authorize(AuthorizeFault::ChallengeMethod) => request("code_challenge_method must be S256"),
        E::Paused(pause) => Row { error: "access_denied", text: Cow::Borrowed(pause.description()) },
        other => by_code(other.code()),
    }
}

fn authorize_row(refusal: &E) -> Row {
    match refusal {
        E::Request(RequestFault::Missing(name)) => Row {
            error: "invalid_request",
            text: format!("The request is missing a required parameter : {name}").into(),
        },
        other if other.code() == ErrorCode::InvalidClient => Row {
            error: "invalid_request",
            ..row(other)
        },
        other => row(other),
    }
}

fn by_code(code: ErrorCode) -> Row {
    let text = match code {
        ErrorCode::InvalidRequest => "Invalid request",
        ErrorCode::InvalidClient => "ClientId is Invalid",
        ErrorCode::InvalidGrant => "Invalid grant",
        ErrorCode::UnauthorizedClient => "Client is not authorized to use this grant type",
        ErrorCode::UnsupportedGrantType => "Unsupported grant type",
        ErrorCode::UnsupportedResponseType => "Response type must be code",
        ErrorCode::RequestNotSupported => "The parameter request is not supported",
        ErrorCode::RequestUriNotSupported => "The parameter request_uri is not supported",
        ErrorCode::InvalidScope => "Invalid Scope",
        ErrorCode::AccessDenied => "Access denied",
        ErrorCode::LoginRequired => "Login required",
        ErrorCode::ConsentRequired => "Consent required",
        ErrorCode::ServerError => "Internal Server Error",
        ErrorCode::TemporarilyUnavailable => "Service Unavailable",
        ErrorCode::InvalidToken => "Invalid Access Token",
        ErrorCode::InsufficientScope => "Insufficient scope",
    };
    Row {
        error: code.as_str(),
        text: Cow::Borrowed(text),
    }
}

/// Status, `faultstring` and `errorcode`.
fn fault(refusal: &E) -> (u16, Cow<'static, str>, &'static str) {
    let (status, text, code) = match (refusal, resource_code(refusal)) {
        (E::Access(AccessFault::Absent | AccessFault::Malformed), _) => {
            (401, "Invalid access token", "oauth.v2.InvalidAccessToken")
        }
        (E::Access(AccessFault::Expired), _) => (
            401,
            "Access Token expired",
            "keymanagement.service.access_token_expired",
        ),
        (E::Access(AccessFault::Revoked), _) => (
            401,
            "Access Token not approved",
            "keymanagement.service.access_token_not_approved",
        ),
        (E::Access(AccessFault::Scopes(scopes)), _) => {
            let text = format!("Required scope(s): {scopes}");
            return (403, Cow::Owned(text), "steps.oauth.v2.InsufficientScope");
        }
        (_, ErrorCode::InsufficientScope) => (403, "Insufficient scope", "steps.oauth.v2.InsufficientScope"),
        (_, ErrorCode::TemporarilyUnavailable) => (
            503,
            "The Service is temporarily unavailable",
            "messaging.adaptors.http.flow.ServiceUnavailable",
        ),
        (_, ErrorCode::ServerError) => (500, "Internal Server Error", "oauth.v2.InternalServerError"),
        (_, ErrorCode::InvalidRequest) => (http_status(refusal), "Invalid request", "oauth.v2.InvalidRequest"),
        _ => (
            401,
            "Invalid Access Token",
            "keymanagement.service.invalid_access_token",
        ),
    };
    (status, Cow::Borrowed(text), code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{scopes, seen, token_answer};

    #[test]
    fn an_apps_own_token_is_answered_in_the_order_of_the_captures() {
        let (none, products) = (scopes(""), ["a".to_owned(), "b".to_owned()]);
        let mut answer = token_answer(&none, &products);
        answer.refresh = None;
        assert_eq!(
            seen(token(&answer, false)).body,
            r#"{"refresh_token_expires_in":"0","api_product_list":"[a, b]","api_product_list_json":["a","b"],"organization_name":"connectedhome","developer.email":"dev@example.com","token_type":"BearerToken","issued_at":"1487281223451","client_id":"123abc","access_token":"ACCESS_TOKEN","application_name":"b1bd4907-924a-4470-a641-0effeb279834","scope":"","expires_in":"3599","refresh_count":"0","status":"approved"}"#
        );
    }

    #[test]
    fn a_refresh_token_comes_right_behind_its_lifetime() {
        let scopes = scopes("user");
        let mut answer = token_answer(&scopes, &[]);
        answer.refresh_count = 2;
        let body = seen(token(&answer, true)).body;
        assert!(
            body.starts_with(r#"{"refresh_token_expires_in":"1209599","refresh_token":"REFRESH_TOKEN","refresh_token_issued_at":"1487281223452","refresh_token_status":"approved","api_product_list":"[]","#),
            "{body}"
        );
        assert!(body.ends_with(r#""refresh_count":"2","status":"approved"}"#), "{body}");
    }

    #[test]
    fn a_refresh_token_for_ever_says_0_and_no_lifetime_is_negative() {
        let scopes = scopes("user");
        let mut answer = token_answer(&scopes, &[]);
        answer.expires_in = 0;
        answer.refresh.as_mut().unwrap().expires_in = None;
        let body = seen(token(&answer, true)).body;
        assert!(
            body.starts_with(r#"{"refresh_token_expires_in":"0","refresh_token":"#),
            "{body}"
        );
        assert!(body.contains(r#""expires_in":"0","refresh_count""#), "{body}");
    }

    #[test]
    fn the_token_endpoint_refuses_in_shape_2() {
        let rows = [
            (
                E::Code(CodeFault::Unknown),
                400,
                "invalid_request",
                "Invalid Authorization Code",
            ),
            (
                E::Request(RequestFault::Missing("redirect_uri")),
                400,
                "invalid_request",
                "Required param : redirect_uri",
            ),
            (
                E::Refresh(RefreshFault::Expired),
                400,
                "invalid_request",
                "Refresh Token expired",
            ),
            (
                E::Refresh(RefreshFault::Spent("It is spent")),
                400,
                "invalid_request",
                "Invalid Refresh Token",
            ),
            (
                E::Client(ClientFault::WrongSecret),
                401,
                "invalid_client",
                "ClientId is Invalid",
            ),
            (
                E::Client(ClientFault::Unknown),
                401,
                "invalid_client",
                "ClientId is Invalid",
            ),
        ];
        for (refusal, status, code, text) in rows {
            let given = seen(token_refusal(&refusal));
            let expected = format!(r#"{{"ErrorCode":"{code}","Error":"{text}"}}"#);
            assert_eq!((given.status, given.body), (status, expected), "{refusal:?}");
        }
    }

    #[test]
    #[rustfmt::skip] // one row per line
    fn the_authorization_endpoint_stops_with_its_own_words() {
        let rows = [
            (E::Authorize(AuthorizeFault::UriUnregistered), 400, "Invalid redirection uri"),
            (E::Authorize(AuthorizeFault::UriAbsent), 400, "Redirection URI is required"),
            (E::Client(ClientFault::Unknown), 401, "ClientId is Invalid"),
            (E::Request(RequestFault::Missing("client_id")), 400, "The request is missing a required parameter : client_id"),
            (E::Authorize(AuthorizeFault::ResponseType("token".into())), 400, "Response type must be code"),
        ];
        for (refusal, status, text) in rows {
            let given = fatal(&refusal);
            assert_eq!((given.status, given.error, given.description.as_str()), (status, "invalid_request", text));
        }
    }

    #[test]
    fn resources_refuse_in_shape_1() {
        let rows = [
            (
                E::Access(AccessFault::Absent),
                401,
                "Invalid access token",
                "oauth.v2.InvalidAccessToken",
            ),
            (
                E::Access(AccessFault::Malformed),
                401,
                "Invalid access token",
                "oauth.v2.InvalidAccessToken",
            ),
            (
                E::Access(AccessFault::Invalid),
                401,
                "Invalid Access Token",
                "keymanagement.service.invalid_access_token",
            ),
            (
                E::Access(AccessFault::Expired),
                401,
                "Access Token expired",
                "keymanagement.service.access_token_expired",
            ),
            (
                E::Access(AccessFault::Revoked),
                401,
                "Access Token not approved",
                "keymanagement.service.access_token_not_approved",
            ),
            (
                E::Access(AccessFault::Scopes(scopes("a"))),
                403,
                "Required scope(s): a",
                "steps.oauth.v2.InsufficientScope",
            ),
        ];
        for (refusal, status, text, code) in rows {
            let given = seen(resource_refusal(&refusal, false));
            let expected = format!(r#"{{"fault":{{"faultstring":"{text}","detail":{{"errorcode":"{code}"}}}}}}"#);
            assert_eq!((given.status, given.body), (status, expected), "{refusal:?}");
        }
    }
}
