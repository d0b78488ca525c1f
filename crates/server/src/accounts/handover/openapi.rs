//! The site's calls in the document at `/openapi.json`, where `[handover]` is configured.

use serde_json::{Map, Value, json};

/// The paths, with their operations. `issuer` is the address at which the site calls, which may not be that of the API.
pub(crate) fn paths(issuer: &str) -> Map<String, Value> {
    let at = |path: &str| format!("/handover{path}");
    let person = at("/people/{subject}");
    let one = || vec![subject()];
    let grant = || vec![subject(), text("id", "path", "The grant")];
    let paths = [
        (at(""), json!({ "get": request(), "post": accept() })),
        (
            person.clone(),
            with(
                one(),
                json!({
                    "get": call("showPerson", "A person", vec![described_answer("200", "The person", "Person")]),
                    "put": put(),
                    "delete": call("deletePerson", "Deletes a person, and ends their grants", vec![done()]),
                }),
            ),
        ),
        (
            format!("{person}/suspend"),
            act("suspendPerson", "Signs a person out, and pauses their grants"),
        ),
        (
            format!("{person}/resume"),
            act("resumePerson", "Lifts the site's own suspension"),
        ),
        (
            format!("{person}/sign-out"),
            act("signPersonOut", "Signs a person out; their grants stay"),
        ),
        (
            format!("{person}/organizations/{{id}}"),
            with(
                vec![subject(), text("id", "path", "The site's own id of the organization")],
                json!({ "delete": call("removeMember", "Ends a membership, and pauses the grants there", vec![done()]) }),
            ),
        ),
        (format!("{person}/grants"), with(one(), json!({ "get": grants() }))),
        (
            format!("{person}/grants/{{id}}"),
            with(
                grant(),
                json!({
                    "patch": narrow(),
                    "delete": call("endGrant", "Ends a grant of the person", vec![done()]),
                }),
            ),
        ),
        (
            format!("{person}/export"),
            with(
                one(),
                json!({ "get": call("exportPerson", "Everything kept about a person", vec![described_answer("200", "Everything", "Export")]) }),
            ),
        ),
    ];
    let paths = paths.into_iter().map(|(path, mut item)| {
        item["servers"] = json!([{ "url": issuer }]);
        (path, item)
    });
    paths.collect()
}

/// How the site authenticates.
pub(crate) fn security() -> Value {
    json!({ "type": "http", "scheme": "bearer", "description": "A secret of [handover]" })
}

/// The bodies.
pub(crate) fn schemas() -> Map<String, Value> {
    let schemas = [
        ("SiteFailure", failure()),
        ("Described", object(&[], described())),
        ("Accept", accepted()),
        ("Person", person()),
        ("SiteGrant", grant()),
        ("Export", export()),
    ];
    schemas
        .map(|(name, schema)| (name.to_owned(), schema))
        .into_iter()
        .collect()
}

fn request() -> Value {
    let mut call = call(
        "showHandover",
        "The request for a sign-in",
        vec![answer_of("200", "The request", &json!({ "type": "object" }))],
    );
    call["parameters"] =
        json!([{ "name": "handover", "in": "query", "required": true, "schema": { "type": "string" } }]);
    call
}

fn accept() -> Value {
    let answer = object(
        &["redirect_to", "state"],
        json!({
            "redirect_to": { "type": "string", "format": "uri" },
            "state": { "type": "string", "enum": ["ok", "expired", "spent", "unknown"] },
        }),
    );
    let answer = answer_of("200", "Where the site sends the browser", &answer);
    with_body(
        call(
            "acceptHandover",
            "Says who is signed in at the site, or that nobody is",
            vec![answer],
        ),
        &component("Accept"),
    )
}

fn put() -> Value {
    let answers = vec![
        described_answer("200", "The person, changed", "Person"),
        described_answer("201", "The person, made", "Person"),
    ];
    with_body(
        call("putPerson", "Makes or changes a person", answers),
        &component("Described"),
    )
}

fn narrow() -> Value {
    let scopes = object(
        &["scopes"],
        json!({ "scopes": { "type": "array", "minItems": 1, "items": { "type": "string" } } }),
    );
    let answers = vec![described_answer("200", "The grant with fewer scopes", "SiteGrant")];
    with_body(call("narrowGrant", "Leaves a grant fewer scopes", answers), &scopes)
}

fn grants() -> Value {
    let page = object(
        &["grants", "next"],
        json!({
            "grants": { "type": "array", "items": component("SiteGrant") },
            "next": { "type": ["string", "null"] },
        }),
    );
    let mut call = call(
        "listGrants",
        "The apps that a person connected, the newest first",
        vec![answer_of("200", "A page", &page)],
    );
    call["parameters"] = json!([
        { "name": "limit", "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": 1000 } },
        { "name": "after", "in": "query", "schema": { "type": "string" } },
        { "name": "Accept-Language", "in": "header", "schema": { "type": "string" } },
    ]);
    call
}

fn act(id: &str, summary: &str) -> Value {
    with(vec![subject()], json!({ "post": call(id, summary, vec![done()]) }))
}

/// One operation of the site.
fn call(id: &str, summary: &str, answers: Vec<(&'static str, Value)>) -> Value {
    let refused = json!({ "description": "Refused", "content": content(&component("SiteFailure")) });
    let refusals = ["4XX", "5XX"].map(|status| (status, refused.clone()));
    let responses: Map<String, Value> = answers
        .into_iter()
        .chain(refusals)
        .map(|(status, answer)| (status.to_owned(), answer))
        .collect();
    json!({ "operationId": id, "summary": summary, "security": [{ "site": [] }], "responses": responses })
}

fn with(parameters: Vec<Value>, mut item: Value) -> Value {
    item["parameters"] = parameters.into();
    item
}

fn with_body(mut call: Value, schema: &Value) -> Value {
    call["requestBody"] = json!({ "required": true, "content": content(schema) });
    call
}

fn described_answer(status: &'static str, description: &str, schema: &str) -> (&'static str, Value) {
    answer_of(status, description, &component(schema))
}

fn answer_of(status: &'static str, description: &str, schema: &Value) -> (&'static str, Value) {
    (
        status,
        json!({ "description": description, "content": content(schema) }),
    )
}

fn done() -> (&'static str, Value) {
    ("204", json!({ "description": "Done" }))
}

fn subject() -> Value {
    let mut subject = text("subject", "path", "The site's own id of the person");
    subject["schema"] = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$" });
    subject
}

fn text(name: &str, place: &str, description: &str) -> Value {
    json!({ "name": name, "in": place, "required": true, "description": description, "schema": { "type": "string", "minLength": 1 } })
}

fn failure() -> Value {
    object(
        &["error", "error_description"],
        json!({
            "error": { "type": "string" },
            "error_description": { "type": "string" },
            "field": { "type": ["string", "null"] },
        }),
    )
}

/// The members of a message about a person.
fn described() -> Value {
    let organization = json!({
        "type": ["object", "null"],
        "required": ["id"],
        "properties": {
            "id": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$" },
            "name": { "type": ["string", "null"], "maxLength": 200 },
            "role": { "type": ["string", "null"], "maxLength": 255 },
        },
        "additionalProperties": false,
    });
    json!({
        "subject": { "type": ["string", "null"], "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$" },
        "email": { "type": ["string", "null"], "format": "email" },
        "email_verified": { "type": ["boolean", "null"] },
        "name": { "type": ["string", "null"], "maxLength": 200 },
        "locale": { "type": ["string", "null"] },
        "auth_time": { "type": ["number", "null"], "description": "Unix seconds" },
        "acr": { "type": ["string", "null"], "maxLength": 255 },
        "amr": { "type": ["string", "array", "null"], "items": { "type": "string" } },
        "as_of": { "type": ["number", "null"], "description": "Unix milliseconds" },
        "organization": organization,
        "organizations": { "type": ["array", "null"], "maxItems": 1000, "items": organization },
    })
}

fn accepted() -> Value {
    let mut members = described();
    members["handover"] = json!({ "type": "string" });
    members["error"] = json!({ "type": ["string", "null"], "enum": ["access_denied", "login_required", null] });
    members["message"] = json!({ "type": ["string", "null"], "maxLength": 1000 });
    object(&["handover"], members)
}

fn person() -> Value {
    let organization = object(
        &["id", "name", "role"],
        json!({
            "id": { "type": "string" },
            "name": { "type": "string" },
            "role": { "type": "string" },
        }),
    );
    object(
        &["subject", "name", "organizations", "status"],
        json!({
            "subject": { "type": "string" },
            "email": { "type": ["string", "null"] },
            "email_verified": { "type": "boolean" },
            "name": { "type": "string" },
            "locale": { "type": ["string", "null"] },
            "organizations": { "type": "array", "items": organization },
            "status": { "type": "string", "enum": ["active", "suspended"] },
            "suspended_by": { "type": ["string", "null"], "enum": ["site", "operator", "both", null] },
            "created": moment(&json!("string")),
            "as_of": { "type": ["integer", "null"], "description": "Unix milliseconds" },
        }),
    )
}

fn grant() -> Value {
    let or_null = json!(["string", "null"]);
    let app = object(
        &["client_id", "name", "publisher", "reviewed"],
        json!({
            "client_id": { "type": "string" },
            "name": { "type": "string" },
            "uri": { "type": or_null },
            "logo_uri": { "type": or_null },
            "publisher": { "type": or_null },
            "reviewed": { "type": "boolean" },
        }),
    );
    let scope = object(
        &["name", "title", "description"],
        json!({
            "name": { "type": "string" },
            "title": { "type": "string" },
            "description": { "type": or_null },
        }),
    );
    let organization = json!({
        "type": ["object", "null"],
        "required": ["id", "name"],
        "properties": { "id": { "type": "string" }, "name": { "type": "string" } },
    });
    object(
        &[
            "id",
            "app",
            "organization",
            "scopes",
            "state",
            "since",
            "last_used",
            "ends_at",
        ],
        json!({
            "id": { "type": "string", "format": "uuid" },
            "app": app,
            "organization": organization,
            "scopes": { "type": "array", "items": scope },
            "state": { "type": "string", "enum": ["active", "paused", "pending"] },
            "since": moment(&json!("string")),
            "last_used": moment(&or_null),
            "ends_at": moment(&or_null),
        }),
    )
}

fn export() -> Value {
    let list = || json!({ "type": "array", "items": { "type": "object" } });
    object(
        &[
            "exported", "person", "sessions", "sign_ins", "grants", "apps", "events", "complete",
        ],
        json!({
            "exported": moment(&json!("string")),
            "person": { "type": "object" },
            "sessions": list(),
            "sign_ins": list(),
            "grants": list(),
            "apps": list(),
            "events": list(),
            "complete": { "type": "boolean" },
        }),
    )
}

fn moment(kind: &Value) -> Value {
    json!({ "type": kind, "format": "date-time" })
}

/// An object of these members and no others.
fn object(required: &[&str], properties: Value) -> Value {
    let mut schema = json!({ "type": "object", "required": required, "additionalProperties": false });
    schema["properties"] = properties;
    schema
}

fn component(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn content(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}
