//! Reads the query and the body of a request into types that refuse unknown members.

use super::failure::Failure;
use crate::apps::names;
use crate::apps::registration::DisplayName;
use crate::http::body;
use crate::http::body::Unread;
use crate::http::respond;
use crate::http::respond::Response;
use axum::body::Body;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};
use std::str::FromStr;

/// The result of every handler.
pub(super) type Answer = Result<Response, Failure>;

/// Reads a body of JSON. An empty body counts as `{}`.
pub(super) async fn body<T: DeserializeOwned>(body: Body) -> Result<T, Failure> {
    let bytes = body::read(body, None).await.map_err(|unread| match unread {
        Unread::TooLarge => Failure::too_large(),
        Unread::Broken | Unread::NoRoom => Failure::invalid(unread.to_string()),
    })?;
    let bytes = if bytes.is_empty() { b"{}" } else { bytes.as_ref() };
    serde_json::from_slice(bytes).map_err(|error| {
        let expected = if error.is_data() { "as expected" } else { "JSON" };
        Failure::invalid(format!("the body is not {expected}: {error}"))
    })
}

/// Reads a query, each parameter at most once.
pub(super) fn query<T: DeserializeOwned>(query: Option<&str>) -> Result<T, Failure> {
    let mut members = Map::new();
    let pairs = hallpass_wire::parameters::pairs(query.unwrap_or_default().as_bytes());
    for (name, value) in pairs.ok_or_else(|| Failure::invalid("the query is not UTF-8 text"))? {
        let value = Value::String(value.into_owned());
        if members.insert(name.clone().into_owned(), value).is_some() {
            return Err(Failure::invalid(format!("the parameter {name:?} comes twice")));
        }
    }
    serde_json::from_value(Value::Object(members))
        .map_err(|error| Failure::invalid(format!("the query is not as expected: {error}")))
}

/// The default and the largest number of objects in a list.
const USUAL: u32 = 100;
const MOST: u32 = 1_000;

/// Reads `limit`.
pub(super) fn limit(text: Option<&str>) -> Result<u32, Failure> {
    let Some(text) = text else { return Ok(USUAL) };
    let number = text.parse().ok().filter(|number| (1..=MOST).contains(number));
    number.ok_or_else(|| Failure::invalid(format!("limit: expected a number from 1 to {MOST}")))
}

/// Reads a key of a list, such as `after`: the `next` of the previous page.
pub(super) fn key<T: FromStr>(name: &str, text: Option<&str>) -> Result<Option<T>, Failure> {
    let wrong = || Failure::invalid(format!("{name}: expected the `next` of a page of this list"));
    text.map(|text| text.parse().map_err(|_| wrong())).transpose()
}

/// A page of a list: its objects, and the key of the next page, which is null on the last page.
pub(super) fn page(name: &str, objects: &impl Serialize, next: Option<impl Into<Value>>) -> Answer {
    json(200, &json!({ name: objects, "next": next.map(Into::into) }))
}

/// Reads a name that people see on pages.
pub(super) fn name(text: &str) -> Result<String, Failure> {
    let name = text.trim();
    names::check(name).map_err(|error| Failure::invalid(format!("name: {error}")))?;
    DisplayName::parse(name).map_err(|error| Failure::invalid(format!("name: {error}")))?;
    Ok(name.to_owned())
}

/// A member that may be null. It is `None` if absent.
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// An answer in JSON.
pub(super) fn json(status: u16, value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(body) => Ok(respond::json(status, body)),
        Err(error) => Err(Failure::invalid(format!("the answer cannot be written: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_that_is_no_json_is_told_from_one_with_other_members() {
        for (sent, message) in [
            ("name=Planner", "the body is not JSON: "),
            ("{\"name\":", "the body is not JSON: "),
            ("[1]", "the body is not as expected: "),
        ] {
            let failure = body::<Map<String, Value>>(Body::from(sent)).await.unwrap_err();
            assert!(format!("{failure:?}").contains(message), "{failure:?}");
        }
    }
}
