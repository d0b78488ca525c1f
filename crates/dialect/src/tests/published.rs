//! The published answers, byte for byte.

use super::*;

// The seeds' own JSON, as their texts have it.
const HOME_3: &str = r#"{ "refresh_token_expires_in": "0", "api_product_list": "[Basic Plan]", "organization_name": "connectedhome", "": "", "token_type": "BearerToken", "issued_at": "1487281223451", "client_id": "123abc", "access_token": "456def", "application_name": "b1bd4907-924a-4470-a641-0effeb279834", "scope": "user", "expires_in": "3599", "refresh_count": "0", "status": "approved" }"#;
const HC_12: &str = r#"{
"token_type":"Bearer",
"expires_in":86400,
"access_token":"ACCESS_TOKEN",
"refresh_token":"REFRESH_TOKEN"
}"#;
const API_11: &str = r#"{
    "active": true,
    "scope": "library sales accounts procurement",
    "exp": 1613120953,
    "client_id": "MY_CLIENT_ID",
    "username": "[email protected]"
}"#;
const API_12: &str = r#"{
    "active": false
}"#;
const CCH_11: &str = r#""message":"The access token provided has expired""#;

/// `json` without the white space outside its strings. None of the texts has an escape in a string.
fn squeezed(json: &str) -> String {
    let mut inside = false;
    json.chars()
        .filter(|character| {
            inside ^= *character == '"';
            inside || !character.is_whitespace()
        })
        .collect()
}

#[test]
fn home_3_token_answer_is_the_texts() {
    let (scopes, products) = (scopes("user"), ["Basic Plan".to_owned()]);
    let answer = TokenAnswer {
        access_token: "456def",
        refresh: None,
        ..token_answer(&scopes, &products)
    };
    let given = seen(dialect(DialectName::Apigee, true).token(&answer));
    assert_eq!(given.body, squeezed(HOME_3));
    assert_eq!(given.header("cache-control"), Some("no-store"));
}

#[test]
fn hc_12_token_answer_is_the_texts() {
    let scopes = scopes("read");
    let answer = TokenAnswer {
        expires_in: 86400,
        ..token_answer(&scopes, &[])
    };
    let given = seen(dialect(DialectName::Passport, false).token(&answer));
    assert_eq!(given.body, squeezed(HC_12));
    assert_eq!(given.header("content-type"), Some("application/json; charset=UTF-8"));
    assert_eq!(given.header("cache-control"), Some("no-store"));
    assert_eq!(given.header("pragma"), Some("no-cache"));
}

#[test]
fn api_11_and_api_12_introspection_is_the_texts() {
    let scopes = scopes("library sales accounts procurement");
    let dialect = dialect(DialectName::Django, false);
    let active = seen(dialect.introspection(Some(&introspection(&scopes))));
    assert_eq!((active.status, squeezed(&active.body)), (200, squeezed(API_11)));
    let inactive = seen(dialect.introspection(None));
    assert_eq!((inactive.status, squeezed(&inactive.body)), (200, squeezed(API_12)));
}

#[test]
fn cch_11_an_expired_token_gets_the_message_of_the_text() {
    let given = seen(dialect(DialectName::Oauth2ServerPhp, true).resource_refusal(&E::Access(AccessFault::Expired)));
    assert_eq!(given.status, 401);
    assert!(given.body.contains(CCH_11), "{}", given.body);
    assert_eq!(
        given.header("www-authenticate"),
        Some(
            r#"Bearer realm="Service", error="invalid_token", error_description="The access token provided has expired""#
        )
    );
}

#[test]
fn every_dialect_takes_the_message_with_it_where_it_is_asked_for() {
    for &name in DialectName::ALL {
        for refusal in every_refusal() {
            let given = seen(dialect(name, true).resource_refusal(&refusal));
            let read: serde_json::Value = serde_json::from_str(&given.body).unwrap();
            assert!(read["message"].is_string(), "{name:?} {refusal:?}");
        }
    }
}

#[test]
fn a_resource_hears_the_tenant_in_every_dialect() {
    let scopes = scopes("a");
    let token = Introspection {
        tenant: Some(Tenant {
            organization: "acme",
            environment: "sandbox",
            audience: "https://api.example",
        }),
        ..introspection(&scopes)
    };
    for dialect in every_dialect() {
        let given = seen(dialect.introspection(Some(&token)));
        let read: serde_json::Value = serde_json::from_str(&given.body).unwrap();
        assert_eq!(
            (&read["organization"], &read["environment"]),
            (&"acme".into(), &"sandbox".into())
        );
        assert_eq!(
            (&read["sub"], &read["aud"]),
            (
                &"00000000-0000-0000-0000-00000000018f".into(),
                &"https://api.example".into()
            )
        );
    }
}
