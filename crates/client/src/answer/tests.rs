use http::header::{DATE, RETRY_AFTER};
use proptest::prelude::*;

use super::*;
use crate::error::Refusal;
use crate::provider::ClientAuth;

const NOW: i64 = 1_800_000_000_000;
const MOMENT: Moment = Moment {
    sent_at: NOW,
    answered_at: NOW + 50,
};

fn answer(status: u16, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .body(Bytes::from(body.to_owned()))
        .unwrap()
}

fn provider() -> Provider {
    Provider::new("app", ClientAuth::None)
}

fn read(status: u16, body: &str) -> Result<Tokens, TokenError> {
    read_tokens(&answer(status, body), &provider(), MOMENT, &["hp_rt_presented"])
}

fn good(body: &str) -> Tokens {
    read(200, body).unwrap()
}

fn refused(status: u16, body: &str) -> OAuthErrorText {
    match read(status, body) {
        Err(TokenError::Refused(error)) => (error.code, error.description.unwrap_or_default()),
        other => panic!("{body}: {other:?}"),
    }
}

type OAuthErrorText = (String, String);

fn seconds_left(tokens: &Tokens) -> Option<i64> {
    tokens.expires_at.map(|at| (at - NOW) / 1000)
}

#[test]
fn the_answers_of_the_five_dialects_are_read() {
    let standard = r#"{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","refresh_token_timeout":86400,"authorization_expires_in":172800,"scope":"read"}"#;
    let php = r#"{"access_token":"a","expires_in":3600,"token_type":"Bearer","scope":null,"refresh_token":"r"}"#;
    let passport = r#"{"token_type":"Bearer","expires_in":31536000,"access_token":"a","refresh_token":"r"}"#;
    let django = r#"{"access_token": "a", "expires_in": 36000, "token_type": "Bearer", "scope": "read write", "refresh_token": "r"}"#;
    let apigee = r#"{"refresh_token_expires_in":"0","api_product_list":"[Basic Plan]","organization_name":"connectedhome","":"","token_type":"BearerToken","issued_at":"1487281223451","client_id":"123abc","access_token":"a","application_name":"b1bd4907-924a-4470-a641-0effeb279834","scope":"user","expires_in":"3599","refresh_count":"0","status":"approved"}"#;
    for (body, life, scope, refreshes) in [
        (standard, 3600, Some("read"), true),
        (php, 3600, None, true),
        (passport, 31_536_000, None, true),
        (django, 36_000, Some("read write"), true),
        (apigee, 3599, Some("user"), false),
    ] {
        let tokens = good(body);
        assert_eq!(tokens.access.secret(), "a");
        assert_eq!(tokens.token_type, TokenType::Bearer);
        assert_eq!(seconds_left(&tokens), Some(life), "{body}");
        assert_eq!(tokens.scope.as_deref(), scope);
        assert_eq!(tokens.refresh.is_some(), refreshes, "{body}");
    }
    let tokens = good(standard);
    assert_eq!(tokens.refresh_expires_at, Some(NOW + 86_400_000));
    assert_eq!(tokens.grant_expires_at, Some(NOW + 172_800_000));
    assert_eq!(good(apigee).refresh_expires_at, None);
}

#[test]
fn a_member_that_cannot_be_read_takes_no_other_away() {
    for member in [
        &b"\"M\xFCller\""[..],
        br#""\ud800""#,
        b"1e999",
        b"[{\"a\":\"\\udfff\"}]",
    ] {
        let body = [br#"{"access_token":"a","name":"#, member, br#","refresh_token":"r2"}"#].concat();
        let answer = Response::new(Bytes::from(body));
        let tokens = read_tokens(&answer, &provider(), MOMENT, &[]).unwrap();
        assert_eq!(tokens.refresh.unwrap().secret(), "r2", "{answer:?}");
    }
}

#[test]
fn a_token_with_a_byte_that_is_no_utf_8_is_none() {
    let body = b"{\"access_token\":\"a\xFC\",\"refresh_token\":\"r\"}";
    let read = read_tokens(&Response::new(Bytes::from_static(body)), &provider(), MOMENT, &[]);
    assert!(matches!(read, Err(TokenError::Incomplete { refresh, .. }) if refresh.secret() == "r"));
}

#[test]
fn a_lifetime_is_read_from_whole_and_broken_numbers_and_texts() {
    for (written, read) in [
        ("3600", Some(3600)),
        ("3600.9", Some(3600)),
        ("\"3600\"", Some(3600)),
        ("\" 3599.5 \"", Some(3599)),
        ("1e3", Some(1000)),
        ("0", None),
        ("-5", None),
        ("null", None),
        ("\"\"", None),
        ("\"soon\"", None),
        ("\"NaN\"", None),
        ("[3600]", None),
        ("1e300", Some(3_155_760_000)),
        ("\"inf\"", Some(3_155_760_000)),
    ] {
        let tokens = good(&format!(r#"{{"access_token":"a","expires_in":{written}}}"#));
        assert_eq!(seconds_left(&tokens), read, "{written}");
    }
}

#[test]
fn lifetimes_of_the_provider_count_where_the_answer_has_none() {
    let mut provider = provider();
    provider.access_lifetime = Some(Duration::from_secs(60));
    provider.refresh_lifetime = Some(Duration::from_secs(120));
    let read = |body| read_tokens(&answer(200, body), &provider, MOMENT, &[]).unwrap();
    let silent = read(r#"{"access_token":"a","refresh_token":"r"}"#);
    assert_eq!(
        (silent.expires_at, silent.refresh_expires_at),
        (Some(NOW + 60_000), Some(NOW + 120_000))
    );
    let clear = read(r#"{"access_token":"a","expires_in":5}"#);
    assert_eq!((clear.expires_at, clear.refresh_expires_at), (Some(NOW + 5_000), None));
}

#[test]
fn a_form_answer_and_a_byte_order_mark_are_read() {
    let form = good("access_token=gho_a&expires_in=28800&refresh_token=ghr_r&scope=repo%2Cgist&token_type=bearer");
    assert_eq!((form.access.secret(), seconds_left(&form)), ("gho_a", Some(28_800)));
    assert_eq!(good("\u{feff} {\"access_token\":\"a\"}\n").access.secret(), "a");
}

#[test]
fn scopes_may_be_a_list_or_have_the_provider_s_separator() {
    assert_eq!(
        good(r#"{"access_token":"a","scope":["read","write"]}"#)
            .scope
            .as_deref(),
        Some("read write")
    );
    let mut comma = provider();
    comma.scope_separator = ",".to_owned();
    comma.extra = vec!["shop".to_owned()];
    let body = r#"{"access_token":"a","scope":"read,write","shop":{"id":7},"id_token":"secret"}"#;
    let tokens = read_tokens(&answer(200, body), &comma, MOMENT, &[]).unwrap();
    assert_eq!(tokens.scope.as_deref(), Some("read write"));
    assert_eq!(Value::Object(tokens.extra), serde_json::json!({"shop": {"id": 7}}));
}

#[test]
fn errors_of_every_shape_are_read() {
    for (status, body, code, description) in [
        (400, r#"{"error":"invalid_grant"}"#, "invalid_grant", ""),
        (
            400,
            r#"{"error":"invalid_grant","error_description":"Refresh token has expired"}"#,
            "invalid_grant",
            "Refresh token has expired",
        ),
        (
            401,
            r#"{"error":"invalid_request","error_description":"The refresh token is invalid.","hint":"Token has been revoked","message":"The refresh token is invalid."}"#,
            "invalid_request",
            "The refresh token is invalid. Token has been revoked",
        ),
        (
            400,
            r#"{"error":{"code":"invalid_grant","message":"gone"}}"#,
            "invalid_grant",
            "gone",
        ),
        (
            400,
            r#"{"error":{"message":"Error validating","type":"OAuthException","code":190}}"#,
            "OAuthException",
            "Error validating",
        ),
        (401, r#"{"message":"Unauthenticated."}"#, "", "Unauthenticated."),
        (
            400,
            r#"{"ErrorCode" : "invalid_request", "Error" :"Invalid Authorization Code"}"#,
            "invalid_request",
            "Invalid Authorization Code",
        ),
        (
            401,
            r#"{"fault":{"faultstring":"Invalid Refresh Token","detail":{"errorcode":"keymanagement.service.invalid_refresh_token"}}}"#,
            "keymanagement.service.invalid_refresh_token",
            "Invalid Refresh Token",
        ),
        (
            200,
            r#"{"error":"bad_refresh_token","error_description":"The refresh token passed is incorrect or expired."}"#,
            "bad_refresh_token",
            "The refresh token passed is incorrect or expired.",
        ),
        (
            400,
            "error=invalid_grant&error_description=gone",
            "invalid_grant",
            "gone",
        ),
        (500, r#"{"error":"invalid_grant"}"#, "invalid_grant", ""),
    ] {
        assert_eq!(
            refused(status, body),
            (code.to_owned(), description.to_owned()),
            "{body}"
        );
    }
}

#[test]
fn a_refusal_says_whether_grant_client_or_request_is_meant() {
    let meant = |status, body| match read(status, body) {
        Err(TokenError::Refused(error)) => error.refusal(),
        other => panic!("{other:?}"),
    };
    for (status, body, expected) in [
        (400, r#"{"error":"invalid_grant"}"#, Refusal::Grant),
        (
            401,
            r#"{"error":"invalid_request","error_description":"The refresh token is invalid."}"#,
            Refusal::Grant,
        ),
        (
            401,
            r#"{"fault":{"faultstring":"Invalid Refresh Token","detail":{"errorcode":"x"}}}"#,
            Refusal::Unknown,
        ),
        (
            400,
            r#"{"error":"access_denied","error_description":"paused: person_suspended"}"#,
            Refusal::Paused,
        ),
        (401, r#"{"error":"access_denied"}"#, Refusal::Unknown),
        (401, r#"{"error":"invalid_client"}"#, Refusal::Client),
        (400, r#"{"error":"unauthorized_client"}"#, Refusal::Client),
        (400, r#"{"error":"invalid_scope"}"#, Refusal::Request),
        (403, r#"{"message":"Forbidden"}"#, Refusal::Unknown),
    ] {
        assert_eq!(meant(status, body), expected, "{body}");
    }
}

#[test]
fn what_is_no_refusal_is_told_apart_and_ends_nothing() {
    for (status, body) in [
        (200, ""),
        (200, "{}"),
        (200, "null"),
        (200, "[]"),
        (200, r#"{"access_token":null}"#),
        (200, r#"{"access_token":7}"#),
        (200, r#"{"access_token":"a\r\nb"}"#),
        (200, "<html>sign in</html>"),
        (403, "<html>error=blocked</html>"),
        (404, ""),
        (302, ""),
        (400, "{}"),
    ] {
        let error = read(status, body).unwrap_err();
        assert!(
            matches!(error, TokenError::Malformed { .. }),
            "{status} {body}: {error:?}"
        );
    }
    for (status, body, may_have_counted) in [
        (429, r#"{"error":"invalid_grant"}"#, false),
        (503, "", false),
        (500, "", true),
        (500, r#"{"error":"server_error"}"#, true),
        (500, r#"{"message":"Server Error"}"#, true),
        (502, "<html>", true),
        (504, "", true),
        (408, "", true),
        (400, r#"{"error":"temporarily_unavailable"}"#, false),
        (400, r#"{"error":"server_error"}"#, true),
    ] {
        let error = read(status, body).unwrap_err();
        assert!(
            matches!(error, TokenError::Unavailable { .. }),
            "{status} {body}: {error:?}"
        );
        assert_eq!(error.may_have_counted(), may_have_counted, "{status} {body}");
    }
}

#[test]
fn an_error_text_repeats_no_secret_of_the_request() {
    let (_, description) = refused(
        400,
        r#"{"error":"invalid_grant","error_description":"no such token hp_rt_presented here"}"#,
    );
    assert_eq!(description, "no such token … here");
    let padded = format!(
        r#"{{"error":"x","error_description":"{}hp_rt_presented"}}"#,
        "-".repeat(490)
    );
    assert!(!refused(400, &padded).1.contains("hp_rt"), "cut in the middle");
    let (code, description) = refused(400, "{\"error\":\"a\\nb\",\"error_description\":\"one\\u001b[31mtwo\"}");
    assert_eq!((code.as_str(), description.as_str()), ("a b", "one [31mtwo"));
}

#[test]
fn retry_after_is_seconds_or_a_date_by_the_server_s_own_clock() {
    let wait = |headers: &[(http::HeaderName, &str)]| {
        let mut answer = answer(503, "");
        for (name, value) in headers {
            answer.headers_mut().insert(name, value.parse().unwrap());
        }
        match read_tokens(&answer, &provider(), MOMENT, &[]) {
            Err(TokenError::Unavailable { retry_after, .. }) => retry_after.map(|wait| wait.as_secs()),
            other => panic!("{other:?}"),
        }
    };
    let now = (DATE, "Fri, 15 Jan 2027 08:00:00 GMT");
    assert_eq!(wait(&[]), None);
    assert_eq!(wait(&[(RETRY_AFTER, "120")]), Some(120));
    assert_eq!(wait(&[(RETRY_AFTER, "99999999999999999999999")]), Some(86_400));
    assert_eq!(wait(&[(RETRY_AFTER, "-1")]), None);
    assert_eq!(wait(&[(RETRY_AFTER, "soon")]), None);
    assert_eq!(
        wait(&[(RETRY_AFTER, "Fri, 15 Jan 2027 08:01:30 GMT"), now.clone()]),
        Some(90)
    );
    assert_eq!(wait(&[(RETRY_AFTER, "Fri, 15 Jan 2027 07:00:00 GMT"), now]), Some(0));
    // Without Date, our clock: NOW is 15 January 2027, 08:00:00.
    assert_eq!(wait(&[(RETRY_AFTER, "Fri, 15 Jan 2027 08:01:00 GMT")]), Some(59));
}

#[test]
fn the_skew_of_the_clocks_comes_from_date() {
    let skew = |date: &str| {
        let mut answer = answer(200, r#"{"access_token":"a"}"#);
        answer.headers_mut().insert(DATE, date.parse().unwrap());
        read_tokens(&answer, &provider(), MOMENT, &[]).unwrap().clock_skew
    };
    assert_eq!(skew("Fri, 15 Jan 2027 08:00:00 GMT"), Some(0));
    assert_eq!(skew("Fri, 15 Jan 2027 08:05:00 GMT"), Some(299_950));
    assert_eq!(skew("Fri, 15 Jan 2027 07:55:00 GMT"), Some(-299_001));
    assert_eq!(skew("yesterday"), None);
    assert_eq!(skew("Fri, 15 Jan 2027 08:59:00 GMT"), Some(3_539_950));
    for odd in [
        "Fri, 15 Jan 2027 09:02:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Thu, 01 Jan 1970 00:00:00 GMT",
    ] {
        assert_eq!(skew(odd), None, "{odd}");
    }
}

#[test]
fn a_refresh_token_is_not_lost_with_what_stands_beside_it() {
    let found = |body: &str| match read(200, body) {
        Err(TokenError::Incomplete { refresh, .. }) => refresh.secret().to_owned(),
        other => panic!("{body}: {other:?}"),
    };
    for access in [
        "",
        r#""access_token":7,"#,
        r#""access_token":"","#,
        r#""access_token":"a\nb","#,
    ] {
        assert_eq!(found(&format!(r#"{{{access}"refresh_token":"r2"}}"#)), "r2");
    }
    let odd = r#"{"access_token":"a","refresh_token":"r2","expires_in":{"a":1},"token_type":[],"scope":7,"refresh_expires_in":"soon"}"#;
    assert_eq!(
        good(odd).refresh.map(|token| token.secret().to_owned()).as_deref(),
        Some("r2")
    );
    let refused = read(400, r#"{"error":"invalid_grant","refresh_token":"r2"}"#);
    assert!(matches!(refused, Err(TokenError::Refused(_))), "{refused:?}");
}

#[test]
fn a_token_that_is_over_when_it_is_given_has_no_lifetime() {
    for life in ["0", "-1", "\"0\"", "-3600.5"] {
        let answer = answer(
            200,
            &format!(r#"{{"access_token":"a","expires_in":{life},"authorization_expires_in":{life}}}"#),
        );
        let tokens = read_tokens(&answer, &provider(), MOMENT, &[]).unwrap();
        assert_eq!((tokens.expires_at, tokens.grant_expires_at), (None, None), "{life}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,8}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

const MEMBERS: [&str; 16] = [
    "access_token",
    "token_type",
    "expires_in",
    "refresh_token",
    "scope",
    "error",
    "error_description",
    "message",
    "hint",
    "fault",
    "ErrorCode",
    "Error",
    "refresh_token_expires_in",
    "refresh_token_timeout",
    "authorization_expires_in",
    "x",
];

proptest! {
    /// Whatever a server sends: no panic, no unusable token, no secret in a text.
    #[test]
    fn a_hostile_answer_does_no_harm(status in 100_u16..600, body in prop::collection::vec(any::<u8>(), 0..300)) {
        let answer = Response::builder().status(status).body(Bytes::from(body)).unwrap();
        check(&answer)?;
    }

    #[test]
    fn hostile_members_do_no_harm(
        status in prop::sample::select(vec![200_u16, 201, 400, 401, 403, 429, 500, 503]),
        members in prop::collection::btree_map(prop::sample::select(MEMBERS.to_vec()), any_json(), 0..8),
    ) {
        let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
        let body = Value::Object(members.collect()).to_string();
        check(&answer(status, &body))?;
    }
}

fn check(answer: &Response<Bytes>) -> Result<(), TestCaseError> {
    let secret = "hp_rt_presented";
    match read_tokens(answer, &provider(), MOMENT, &[secret]) {
        Ok(tokens) => {
            prop_assert!(answer.status().is_success());
            prop_assert!(http::HeaderValue::try_from(tokens.access.secret()).is_ok());
            prop_assert!(tokens.expires_at.is_none_or(|at| at >= NOW));
        }
        Err(error) => prop_assert!(!error.to_string().contains(secret)),
    }
    Ok(())
}
