//! The answers of a call, as the OpenAPI document describes them.

use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa::openapi::{ContentBuilder, RefOr, ResponseBuilder, response};

/// The answers of a call in the document, by status.
pub(super) type Responses = BTreeMap<String, RefOr<response::Response>>;

/// An answer of the document whose body is a `T`.
pub(super) fn described<T: ToSchema>(status: &str, description: &str) -> Responses {
    let schema = utoipa::openapi::Ref::from_schema_name(T::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let response = ResponseBuilder::new().description(description);
    let response = response.content("application/json", content).build();
    BTreeMap::from([(status.to_owned(), response.into())])
}
