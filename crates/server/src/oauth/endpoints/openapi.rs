//! The OpenAPI 3.1 document at `/openapi.json`. It describes the endpoints that machines call: the paths, grant types, scopes and
//! answers of this server's configuration. Pages for people are not in it, so the authorization endpoint is not either. Nor is the
//! check for proxies, which only the proxies that the configuration names may call (docs/decisions/0085).

use crate::accounts::handover::openapi as handover;
use crate::config::{DialectName, IdentityMember};
use crate::http::endpoints::{Endpoint, TABLE};
use crate::http::respond;
use crate::http::respond::Response;
use crate::oauth::grants;
use crate::serve::hallpass::Hallpass;
use hallpass_wire::parameters::LONGEST_VALUE;
use http::{HeaderValue, header};
use serde_json::{Map, Value, json};

/// Answers with the document.
#[must_use]
pub fn openapi(hallpass: &Hallpass) -> Response {
    let mut response = respond::bytes(200, "application/json", document(hallpass).to_string());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

fn document(hallpass: &Hallpass) -> Value {
    let mut listed = Map::new();
    for row in &TABLE {
        if let Some(item) = described(hallpass, row.endpoint) {
            listed.insert(row.location.documented_path(&hallpass.config.paths), item);
        }
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("{}: OAuth", hallpass.config.brand.name),
            "version": env!("CARGO_PKG_VERSION"),
        },
        "servers": [{ "url": hallpass.api_url }],
        "paths": listed,
        "components": {
            "securitySchemes": {
                "client": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Client ID and secret (RFC 6749 §2.3.1); they may stand in the body instead",
                },
                "token": { "type": "http", "scheme": "bearer", "description": "An access token (RFC 6750 §2.1)" },
            },
            "schemas": {
                "Error": error(hallpass.dialect.name),
                "Refusal": refusal(hallpass),
                "Token": token_answer(hallpass),
            },
        },
    });
    if hallpass.config.handover.is_some() {
        add_handover(&mut document, &hallpass.issuer);
    }
    document
}

/// Adds the calls of the site that signs people in.
fn add_handover(document: &mut Value, issuer: &str) {
    let all = [
        ("/paths", handover::paths(issuer)),
        ("/components/schemas", handover::schemas()),
        (
            "/components/securitySchemes",
            Map::from_iter([("site".to_owned(), handover::security())]),
        ),
    ];
    for (place, members) in all {
        if let Some(Value::Object(there)) = document.pointer_mut(place) {
            there.extend(members);
        }
    }
}

/// The path item of an endpoint; `None` where the document does not have it.
fn described(hallpass: &Hallpass, endpoint: Endpoint) -> Option<Value> {
    Some(match endpoint {
        Endpoint::Token => json!({ "post": token(hallpass) }),
        Endpoint::Introspect => json!({ "post": introspection(hallpass) }),
        Endpoint::Revoke => json!({ "post": revocation(hallpass) }),
        Endpoint::ResourceFeed => json!({ "get": feed() }),
        Endpoint::Identity => {
            json!({ "get": identity(hallpass, "identity"), "post": identity(hallpass, "identityByPost") })
        }
        Endpoint::Metadata => metadata(),
        Endpoint::Live => health("live", "Whether the process lives"),
        Endpoint::Ready => health("ready", "Whether it can serve"),
        Endpoint::Authorize
        | Endpoint::ForwardAuth
        | Endpoint::OpenIdConfiguration
        | Endpoint::OpenApi
        | Endpoint::Page => return None,
    })
}

fn token(hallpass: &Hallpass) -> Value {
    let offered: Vec<&str> = hallpass
        .config
        .wire
        .grant_types
        .iter()
        .map(|kind| kind.as_str())
        .collect();
    let mut fields = Map::from_iter([("grant_type".to_owned(), json!({ "type": "string", "enum": offered }))]);
    let mut add = |names: &[&str]| {
        for name in names {
            fields.entry(*name).or_insert_with(value);
        }
    };
    for kind in &hallpass.config.wire.grant_types {
        add(grants::parameters(*kind));
    }
    let answer = json!({ "description": "Tokens", "content": content(&component("Token")) });
    let form = form(fields, "grant_type");
    operation("token", "A token (RFC 6749 §3.2)", &form, &answer)
}

fn introspection(hallpass: &Hallpass) -> Value {
    let text = || json!({ "type": "string" });
    let answer = json!({
        "type": "object",
        "required": ["active"],
        "properties": {
            "active": { "type": "boolean" },
            "scope": text(),
            "client_id": text(),
            "username": text(),
            "token_type": text(),
            "exp": { "type": "integer" },
            "iat": { "type": "integer" },
            "sub": text(),
            "iss": text(),
            "aud": text(),
            "organization": text(),
            "environment": { "type": "string", "enum": ["live", "sandbox"] },
        },
    });
    let header = |description: &str| json!({ "description": description, "schema": text() });
    let answer = json!({
        "description": "What the token says",
        "headers": {
            "Hallpass-Tags": header("To an API that follows the feed: what the answer depends on"),
            "Hallpass-Position": header("To an API that follows the feed: the position that the answer includes"),
            "Hallpass-Inactive": header("To an API that asks for it: `expired` if the token was meant for the API"),
        },
        "content": content(&answer),
    });
    let mut operation = operation("introspect", "What a token says (RFC 7662)", &of_a_token(), &answer);
    let asks = |name: &str, description: &str| json!({ "name": name, "in": "header", "description": description, "schema": text() });
    operation["parameters"] = json!([
        asks(
            "Hallpass-Feed",
            "`1`: an API that follows the feed asks what the answer depends on"
        ),
        asks("Hallpass-Inactive", "`1`: an API asks why a token is not active"),
    ]);
    if hallpass.dialect.name == DialectName::Django {
        operation["responses"]["403"] = json!({ "description": "The caller may not ask" });
    }
    operation
}

fn revocation(hallpass: &Hallpass) -> Value {
    let mut answer = json!({ "description": "It is revoked" });
    if hallpass.dialect.name != DialectName::Django {
        answer["content"] = content(&json!({ "type": "object" }));
    }
    operation("revoke", "Gives a token back (RFC 7009)", &of_a_token(), &answer)
}

/// The feed (docs/guide/resource-feed.md). It belongs to no dialect.
fn feed() -> Value {
    let text = || json!({ "type": "string" });
    let tags = || json!({ "type": "array", "items": { "type": "string" } });
    let event = json!({ "type": "object", "required": ["tags"], "properties": { "id": text(), "tags": tags() } });
    let answer = json!({
        "type": "object",
        "required": ["position", "events"],
        "properties": {
            "position": text(),
            "events": { "type": "array", "items": event },
            "ended": tags(),
            "whole": { "type": "boolean" },
        },
    });
    let refused = texts(&["error", "error_description"], &[]);
    json!({
        "operationId": "feed",
        "summary": "What ended or changed, for a resource that keeps answers of introspection",
        "description": "With the identifier and the secret of a resource. Without `after` a snapshot; else it waits for a second at most",
        "security": [{ "client": [] }],
        "parameters": [{
            "name": "after",
            "in": "query",
            "description": "The position of the last answer",
            "schema": { "type": "string", "pattern": "^[0-9a-f.-]+$" },
        }],
        "responses": {
            "200": { "description": "What happened", "content": content(&answer) },
            "4XX": { "description": "Refused", "content": content(&refused) },
            "5XX": { "description": "The newest state is not known" },
        },
    })
}

fn identity(hallpass: &Hallpass, id: &str) -> Value {
    let members = hallpass.config.wire.identity.iter();
    let members: Map<String, Value> = members
        .map(|member| {
            let kind = match member {
                IdentityMember::Id => "integer",
                _ => "string",
            };
            (member.as_str().to_owned(), json!({ "type": kind }))
        })
        .collect();
    let person = json!({ "type": "object", "required": members.keys().collect::<Vec<_>>(), "properties": members });
    let refused = json!({ "description": "Refused", "content": content(&component("Refusal")) });
    json!({
        "operationId": id,
        "summary": "Whom the token speaks of",
        "security": [{ "token": [] }],
        "responses": {
            "200": { "description": "The person", "content": content(&person) },
            "4XX": refused,
            "5XX": refused,
        },
    })
}

fn metadata() -> Value {
    let metadata = json!({
        "type": "object",
        "required": ["issuer", "authorization_endpoint", "token_endpoint", "response_types_supported"],
        "properties": { "issuer": { "type": "string", "format": "uri" } },
    });
    read(
        "metadata",
        "What the server offers (RFC 8414)",
        "The document",
        &metadata,
    )
}

fn health(status: &str, summary: &str) -> Value {
    let answer = json!({ "type": "object", "required": ["status"], "properties": { "status": { "type": "string" } } });
    let mut item = read(status, summary, "Yes", &answer);
    item["get"]["responses"]["503"] = json!({ "description": "No", "content": content(&answer) });
    item
}

/// A GET that everybody may make.
fn read(id: &str, summary: &str, description: &str, answer: &Value) -> Value {
    json!({
        "get": {
            "operationId": id,
            "summary": summary,
            "responses": { "200": { "description": description, "content": content(answer) } },
        },
    })
}

/// A POST by a client.
fn operation(id: &str, summary: &str, form: &Value, good: &Value) -> Value {
    let refused = json!({ "description": "Refused", "content": content(&component("Error")) });
    json!({
        "operationId": id,
        "summary": summary,
        "security": [{ "client": [] }, {}],
        "requestBody": { "required": true, "content": { "application/x-www-form-urlencoded": { "schema": form } } },
        "responses": { "200": good, "4XX": refused, "5XX": refused },
    })
}

fn of_a_token() -> Value {
    let fields = ["token", "token_type_hint"].map(|name| (name.to_owned(), value()));
    let mut form = form(Map::from_iter(fields), "token");
    form["properties"]["token"]["minLength"] = json!(1);
    form
}

/// A form of these fields beside those by which a client may prove itself.
fn form(mut fields: Map<String, Value>, required: &str) -> Value {
    for name in ["client_id", "client_secret"] {
        fields.insert(name.to_owned(), value());
    }
    json!({ "type": "object", "required": [required], "properties": fields })
}

/// The value of any parameter. An empty one counts as absent (RFC 6749 §3.2), which is an error only where it is required.
fn value() -> Value {
    json!({ "type": "string", "maxLength": LONGEST_VALUE })
}

fn content(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

fn component(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn texts(required: &[&str], others: &[&str]) -> Value {
    let members = required.iter().chain(others);
    let members: Map<String, Value> = members
        .map(|name| ((*name).to_owned(), json!({ "type": "string" })))
        .collect();
    json!({ "type": "object", "required": required, "properties": members })
}

/// A token answer in the words of the dialect (RFC 6749 §5.1).
fn token_answer(hallpass: &Hallpass) -> Value {
    if hallpass.dialect.name == DialectName::Apigee {
        return texts(
            &[
                "access_token",
                "token_type",
                "expires_in",
                "issued_at",
                "client_id",
                "scope",
                "status",
            ],
            &[
                "refresh_token",
                "refresh_token_expires_in",
                "refresh_count",
                "organization_name",
            ],
        );
    }
    let mut answer = texts(&["access_token", "token_type"], &["refresh_token"]);
    answer["required"] = json!(["access_token", "token_type", "expires_in"]);
    answer["properties"]["expires_in"] = json!({ "type": "integer", "description": "Seconds" });
    match hallpass.dialect.name {
        DialectName::Passport => {}
        DialectName::Oauth2ServerPhp => answer["properties"]["scope"] = json!({ "type": ["string", "null"] }),
        _ => answer["properties"]["scope"] = json!({ "type": "string" }),
    }
    if hallpass.dialect.name == DialectName::Standard {
        for (name, description) in [
            (
                "refresh_token_timeout",
                "Seconds that the refresh token may be kept unused",
            ),
            ("authorization_expires_in", "Seconds until the access as a whole ends"),
        ] {
            answer["properties"][name] = json!({ "type": "integer", "description": description });
        }
    }
    answer
}

/// A refusal of a client (RFC 6749 §5.2).
fn error(dialect: DialectName) -> Value {
    match dialect {
        DialectName::Standard => texts(&["error", "error_description"], &[]),
        DialectName::Oauth2ServerPhp => texts(&["error", "error_description"], &["error_uri"]),
        DialectName::Passport => texts(&["error", "error_description"], &["hint"]),
        DialectName::Django => texts(&["error"], &["error_description"]),
        DialectName::Apigee => texts(&["ErrorCode", "Error"], &[]),
    }
}

/// A refusal of a token (RFC 6750 §3).
fn refusal(hallpass: &Hallpass) -> Value {
    match hallpass.dialect.name {
        DialectName::Standard => texts(&["error_description"], &["error", "message"]),
        DialectName::Oauth2ServerPhp => texts(&[], &["error", "error_description", "message"]),
        DialectName::Passport => texts(&["message"], &[]),
        DialectName::Django => texts(&["detail"], &["message"]),
        DialectName::Apigee => json!({
            "type": "object",
            "required": ["fault"],
            "properties": { "fault": texts(&["faultstring"], &[]), "message": { "type": "string" } },
        }),
    }
}
