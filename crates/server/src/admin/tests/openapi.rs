//! The OpenAPI document, beside the router and beside the answers.

use super::*;
use std::collections::BTreeSet;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// Method and path of each call in the document.
fn documented(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    let calls = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().keys();
        methods.map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    calls.collect()
}

/// Method and path of each call that the router takes.
async fn routed(world: &World) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for route in include_str!("../api.rs").split(".route(").skip(1) {
        let path = route.split('"').nth(1).unwrap();
        let url = format!("http://hallpass/admin/api/v1{}", path.replace(['{', '}'], ""));
        let response = world.http.request(Method::OPTIONS, url).send().await.unwrap();
        let allowed = response.headers()["allow"].to_str().unwrap();
        let allowed: BTreeSet<&str> = allowed.split(',').map(str::trim).collect();
        let methods = METHODS.into_iter().filter(|method| allowed.contains(method));
        found.extend(methods.map(|method| format!("{method} {path}")));
    }
    found
}

#[tokio::test]
async fn the_document_has_the_calls_of_the_router() {
    let world = World::started().await;
    let document = world.get("/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    let calls = routed(&world).await;
    assert!(calls.len() > 35, "{calls:?}");
    assert_eq!(documented(&document), calls);
}

#[tokio::test]
async fn every_parameter_and_reference_of_the_document_is_there() {
    let world = World::started().await;
    let document = world.get("/openapi.json").await;
    let text = document.to_string();
    let references: BTreeSet<&str> = text
        .split("\"$ref\":\"#")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert!(references.len() > 20, "{references:?}");
    for reference in references {
        assert!(document.pointer(reference).is_some(), "{reference}");
    }
    let mut ids = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            assert!(
                ids.insert(operation["operationId"].as_str().unwrap()),
                "{path}: {operation}"
            );
            assert!(operation["summary"].is_string(), "{path}");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let named: BTreeSet<String> = parameters
                .iter()
                .filter(|one| one["in"] == "path")
                .map(|one| format!("{{{}}}", one["name"].as_str().unwrap()))
                .collect();
            let expected = path.split('/').filter(|part| part.starts_with('{')).map(str::to_owned);
            assert_eq!(named, expected.collect(), "{path}");
            let is_list = operation["operationId"].as_str().unwrap().starts_with("list_");
            let pages = ["limit", "after"].map(|name| parameters.iter().any(|one| one["name"] == name));
            assert_eq!(pages, [is_list; 2], "{path}");
        }
    }
}

/// The refusal of an unknown parameter names the known ones.
#[tokio::test]
async fn the_document_has_the_filters_of_each_list() {
    let world = World::started().await;
    let document = world.get("/openapi.json").await;
    for (path, item) in document["paths"].as_object().unwrap() {
        let parameters = item["get"]["parameters"].as_array().cloned().unwrap_or_default();
        let described = parameters.iter().filter(|one| one["in"] == "query");
        let described: BTreeSet<&str> = described.map(|one| one["name"].as_str().unwrap()).collect();
        if described.is_empty() {
            continue;
        }
        let address = format!("{}?unknown=1", path.replace(['{', '}'], ""));
        let (status, _, message) = world.refused(Method::GET, &address, None).await;
        let known = message
            .split_once("expected ")
            .unwrap_or_else(|| panic!("{path}: {message}"))
            .1;
        assert_eq!(
            (status, known.split('`').skip(1).step_by(2).collect()),
            (400, described),
            "{path}"
        );
    }
}

/// The JSON Schema type of a value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The faults of `value` beside `schema`: what is missing, of another type, or not described.
fn faults(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        return faults(document, schema, value, at, found);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = |choice: &Value| {
            let mut wrong = vec![];
            faults(document, choice, value, at, &mut wrong);
            wrong.is_empty()
        };
        if !choices.iter().any(fits) {
            found.push(format!("{at}: {value} is none of {schema}"));
        }
        return;
    }
    let kind = json!(kind(value));
    let fits = match &schema["type"] {
        Value::Array(kinds) => kinds.contains(&kind),
        Value::Null => true,
        one => *one == kind,
    };
    if !fits {
        found.push(format!("{at}: {value} is no {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
        faults(document, &schema["items"], item, &format!("{at}/{index}"), found);
    }
    let Some(members) = value.as_object() else { return };
    let (mut properties, mut required) = (serde_json::Map::new(), vec![]);
    let parts = schema["allOf"].as_array().cloned().unwrap_or_default();
    for part in parts.iter().chain([schema]) {
        let part = match part["$ref"].as_str() {
            Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
            None => part,
        };
        properties.extend(part["properties"].as_object().cloned().unwrap_or_default());
        required.extend(part["required"].as_array().cloned().unwrap_or_default());
    }
    if properties.is_empty() {
        return;
    }
    let missing = required
        .iter()
        .filter(|name| !members.contains_key(name.as_str().unwrap()));
    found.extend(missing.map(|name| format!("{at}: {name} is missing")));
    for (name, member) in members {
        match properties.get(name) {
            Some(schema) => faults(document, schema, member, &format!("{at}/{name}"), found),
            None => found.push(format!("{at}: {name} is not in the document")),
        }
    }
}

/// Calls: the operation of the document, the address, and the body.
const CALLS: [(&str, &str, &str); 29] = [
    ("GET /apps", "/apps?limit=1", ""),
    ("POST /apps", "/apps", r#"{"name": "Desk", "products": []}"#),
    ("GET /apps/{app}", "/apps/planner", ""),
    ("GET /apps/{app}", "/apps/none", ""),
    ("GET /apps/{app}/deletion", "/apps/planner/deletion", ""),
    ("POST /apps/{app}/suspend", "/apps/planner/suspend", ""),
    ("POST /apps/{app}/resume", "/apps/planner/resume", ""),
    ("POST /apps/{app}/secrets", "/apps/planner/secrets", ""),
    ("GET /apps/{app}/secrets", "/apps/planner/secrets?limit=1", ""),
    (
        "POST /apps/{app}/secret",
        "/apps/planner/secret",
        r#"{"reset": "overlap"}"#,
    ),
    (
        "POST /users",
        "/users",
        r#"{"email": "ben@example.com", "locale": "nl"}"#,
    ),
    ("GET /users", "/users?limit=1", ""),
    ("PATCH /users/{user}", "/users/ben@example.com", r#"{"locale": null}"#),
    ("POST /users/{user}/suspend", "/users/ben@example.com/suspend", ""),
    ("DELETE /users/{user}", "/users/ben@example.com", ""),
    ("GET /organizations", "/organizations", ""),
    ("POST /organizations", "/organizations", r#"{"slug": "library"}"#),
    ("POST /organizations", "/organizations", r#"{"slug": "museum"}"#),
    ("GET /organizations/{organization}", "/organizations/library", ""),
    (
        "GET /organizations/{organization}/members",
        "/organizations/library/members",
        "",
    ),
    ("GET /grants", "/grants", ""),
    ("GET /grants/{grant}", "/grants/GRANT", ""),
    ("POST /grants/{grant}/end", "/grants/GRANT/end", ""),
    ("GET /grants", "/grants?limit=0", ""),
    ("GET /audit", "/audit?limit=1000", ""),
    ("GET /audit/{event}", "/audit/EVENT", ""),
    ("GET /keys", "/keys?limit=2", ""),
    ("POST /keys/rotate", "/keys/rotate", r#"{"purpose": "page"}"#),
    ("POST /keys/{key}/revoke", "/keys/1/revoke", ""),
];

#[tokio::test]
async fn answers_are_as_the_document_says() {
    let world = World::started().await;
    let grant = world.granted().await.to_string();
    let document = world.get("/openapi.json").await;
    let events = world.get("/audit?limit=1").await;
    let event = events["events"][0]["id"].as_str().unwrap();
    for (operation, address, body) in CALLS {
        let (method, path) = operation.split_once(' ').unwrap();
        let address = address.replace("GRANT", &grant).replace("EVENT", event);
        let body = (!body.is_empty()).then(|| serde_json::from_str(body).unwrap());
        let (status, answer) = world.call(method.parse().unwrap(), &address, body).await;
        let answers = &document["paths"][path][method.to_lowercase()]["responses"];
        let described = match answers.get(status.to_string()) {
            None if (400..500).contains(&status) => &answers["4XX"],
            exact => exact.unwrap_or_else(|| panic!("{operation}: {status} is not in the document: {answer}")),
        };
        let schema = &described["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "{operation}: {status}");
        let mut wrong = vec![];
        faults(&document, schema, &answer, &address, &mut wrong);
        assert_eq!(wrong, [] as [String; 0], "{answer}");
    }
}
