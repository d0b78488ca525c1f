//! The query, the body and the answer of a call as types: the handlers and the OpenAPI document use the same ones.

use super::described::{Responses, described};
use super::failure::Failure;
use crate::apps::names;
use crate::apps::registration::DisplayName;
use crate::http::body;
use crate::http::body::Unread;
use crate::http::query;
use crate::http::respond;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoResponses, ToSchema};

/// The result of a handler whose answer has status 200.
pub(super) type AdminResult<T> = Result<Json<T>, Failure>;

/// A body of JSON, in a request or in an answer with status 200. In a request, no body counts as `{}`.
pub(super) struct Json<T>(pub(super) T);

/// An answer with status 201.
pub(super) struct Created<T>(pub(super) T);

/// The query of a request, each parameter at most once.
pub(super) struct Query<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let bytes = body::read(request.into_body(), None)
            .await
            .map_err(|unread| match unread {
                Unread::TooLarge => Failure::too_large(),
                Unread::Broken | Unread::NoRoom => Failure::invalid(unread.to_string()),
            })?;
        let bytes = if bytes.is_empty() { b"{}" } else { bytes.as_ref() };
        serde_json::from_slice(bytes).map(Self).map_err(|error| {
            let expected = if error.is_data() { "as expected" } else { "JSON" };
            Failure::invalid(format!("the body is not {expected}: {error}"))
        })
    }
}

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let read = query::read(parts.uri.query());
        read.map(Self).map_err(|fault| Failure::invalid(fault.to_string()))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        json(200, &self.0)
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        json(201, &self.0)
    }
}

fn json(status: u16, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => respond::json(status, body).into_response(),
        Err(error) => Failure::internal(format!("the answer cannot be written: {error}")).into_response(),
    }
}

impl<T: ToSchema> IntoResponses for Json<T> {
    fn responses() -> Responses {
        described::<T>("200", "The answer")
    }
}

impl<T: ToSchema> IntoResponses for Created<T> {
    fn responses() -> Responses {
        described::<T>("201", "The new object")
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use serde_json::{Map, Value};

    #[tokio::test]
    async fn a_body_that_is_no_json_is_told_from_one_with_other_members() {
        for (sent, message) in [
            ("name=Planner", "the body is not JSON: "),
            ("{\"name\":", "the body is not JSON: "),
            ("[1]", "the body is not as expected: "),
        ] {
            let request = Request::new(Body::from(sent));
            let read = Json::<Map<String, Value>>::from_request(request, &()).await;
            let failure = read.map(|_| ()).unwrap_err();
            assert!(format!("{failure:?}").contains(message), "{failure:?}");
        }
    }
}
