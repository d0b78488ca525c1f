//! `GET /connections`: what expires when, as a page or as JSON.

use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::response::{IntoResponse as _, Response};
use hallpass_client::keeper::{Connection, Row};
use http::header::{ACCEPT, CONTENT_SECURITY_POLICY, HeaderValue};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::answers::{Json, fault, later, text};
use super::{Rights, Service};
use crate::output::expiry;

/// Connections of one answer, unless asked for fewer.
const PAGE: usize = 100;
const LONGEST_PAGE: usize = 1_000;

#[derive(Template)]
#[template(path = "connections.html")]
struct Page {
    rows: Vec<Line>,
    next: Option<String>,
}

/// A row of the page.
struct Line {
    connection: String,
    state: &'static str,
    reason: String,
    since: String,
    expires: String,
    due: String,
}

pub(super) async fn connections(
    State(service): State<Service>,
    Extension(rights): Extension<Rights>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let answer = answer(&service, &rights, &query.unwrap_or_default(), wants_page(&headers)).await;
    service.metrics.request("connections", answer.status().as_u16());
    answer
}

async fn answer(service: &Service, rights: &Rights, query: &str, page: bool) -> Response {
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let one = |name: &str| pairs.iter().find(|(found, _)| found == name).map(|(_, value)| &**value);
    let after: Option<Connection> = match one("after").map(str::parse).transpose() {
        Ok(after) => after,
        Err(_) => return fault(StatusCode::UNPROCESSABLE_ENTITY, "after", "`after` is no connection").into_response(),
    };
    let limit = one("limit").and_then(|limit| limit.parse().ok()).unwrap_or(PAGE);
    let limit = limit.clamp(1, LONGEST_PAGE);
    let listed = match rights {
        Rights::All => service.keeper.list(after.as_ref(), limit).await,
        // The vault chooses: pages and `next` say nothing of other programs' connections.
        Rights::Only(providers) => service.keeper.list_of(providers, after.as_ref(), limit).await,
    };
    let Ok(rows) = listed else {
        return later("unavailable", Some("vault"), std::time::Duration::from_secs(1));
    };
    let next = rows
        .last()
        .filter(|_| rows.len() == limit)
        .map(|row| row.connection.to_string());
    if !page {
        let rows: Vec<Value> = rows.iter().map(member).collect();
        return Json(StatusCode::OK, json!({"connections": rows, "next": next})).into_response();
    }
    let next = next.map(|next| form_urlencoded::byte_serialize(next.as_bytes()).collect());
    let rendered = Page {
        rows: rows.iter().map(line).collect(),
        next,
    };
    match rendered.render() {
        Ok(html) => {
            let mut answer = text(StatusCode::OK, "text/html; charset=utf-8", html);
            let policy =
                "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
            let headers = answer.headers_mut();
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
            headers.insert("referrer-policy", HeaderValue::from_static("no-referrer"));
            answer
        }
        Err(_) => fault(StatusCode::INTERNAL_SERVER_ERROR, "page", "failed to render the page").into_response(),
    }
}

pub(super) async fn style() -> Response {
    text(
        StatusCode::OK,
        "text/css; charset=utf-8",
        include_str!("../../templates/style.css").to_owned(),
    )
}

/// Browsers name HTML in `Accept`; programs mostly name nothing or JSON.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accept.contains("text/html")
}

fn member(row: &Row) -> Value {
    let summary = &row.summary;
    json!({
        "connection": row.connection.to_string(),
        "state": summary.state.word(),
        "reason": summary.reason,
        "since": summary.since / 1000,
        "expires_at": expiry(summary).map(|at| at / 1000),
        "due_at": due(row).map(|at| at / 1000),
    })
}

fn line(row: &Row) -> Line {
    let summary = &row.summary;
    Line {
        connection: row.connection.to_string(),
        state: summary.state.word(),
        reason: summary.reason.clone().unwrap_or_default(),
        since: date(Some(summary.since)),
        expires: date(expiry(summary)),
        due: date(due(row)),
    }
}

/// When the keeper has something to do, if ever.
fn due(row: &Row) -> Option<i64> {
    (row.due_at < i64::MAX).then_some(row.due_at)
}

fn date(millis: Option<i64>) -> String {
    let date = millis.and_then(|millis| jiff::Timestamp::from_millisecond(millis / 1000 * 1000).ok());
    date.map(|date| date.to_string().replace('T', " ").replace('Z', " UTC"))
        .unwrap_or_default()
}
