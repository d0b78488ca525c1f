//! Reads a query into a type that refuses unknown parameters.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Why a query was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum QueryFault {
    /// RFC 3629.
    #[error("the query is not UTF-8 text")]
    NotText,
    /// The same parameter comes more than once.
    #[error("the parameter {0:?} comes twice")]
    Repeated(String),
    /// An unknown parameter, or a value that the type refuses.
    #[error("the query is not as expected: {0}")]
    Unexpected(#[from] serde_json::Error),
}

/// Reads a query, each parameter at most once. Every value is text.
pub(crate) fn read<T: DeserializeOwned>(query: Option<&str>) -> Result<T, QueryFault> {
    let mut members = Map::new();
    let pairs = hallpass_wire::parameters::pairs(query.unwrap_or_default().as_bytes());
    for (name, value) in pairs.ok_or(QueryFault::NotText)? {
        let value = Value::String(value.into_owned());
        if members.insert(name.clone().into_owned(), value).is_some() {
            return Err(QueryFault::Repeated(name.into_owned()));
        }
    }
    Ok(serde_json::from_value(Value::Object(members))?)
}
