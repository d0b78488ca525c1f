//! A JSON object whose repeated names are noticed: two readers of such an object could see different values.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// The members of an object, and whether a name is repeated.
#[derive(Clone, Debug)]
pub(super) struct Members {
    map: Map<String, Value>,
    repeated: bool,
}

/// A member has another type than the caller needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct WrongType(pub(super) &'static str);

impl Members {
    /// Parses an object. `None` if the text is not one, or repeats a name.
    pub(super) fn parse(json: &[u8]) -> Option<Self> {
        let members: Self = serde_json::from_slice(json).ok()?;
        (!members.repeated).then_some(members)
    }

    pub(super) fn has_repeated_names(&self) -> bool {
        self.repeated
    }

    pub(super) fn into_map(self) -> Map<String, Value> {
        self.map
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.map.get(name)
    }

    /// A member that is a text, if it is present.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, WrongType> {
        match self.map.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(WrongType(name)),
        }
    }

    /// A member that is a list of texts, if it is present.
    pub(super) fn texts(&self, name: &'static str) -> Result<Option<Vec<&str>>, WrongType> {
        let Some(value) = self.map.get(name) else {
            return Ok(None);
        };
        let list = value.as_array().ok_or(WrongType(name))?;
        list.iter()
            .map(|value| value.as_str().ok_or(WrongType(name)))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// A member that is base64url without padding, decoded.
    pub(super) fn bytes(&self, name: &'static str) -> Result<Option<Vec<u8>>, WrongType> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        decode(text).map(Some).ok_or(WrongType(name))
    }
}

/// Decodes base64url without padding (RFC 7515 §2). Only one text stands for each value: bits that would be dropped are refused.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
        let mut map = Map::new();
        let mut repeated = false;
        while let Some((name, value)) = access.next_entry::<String, Value>()? {
            repeated |= map.insert(name, value).is_some();
        }
        Ok(Members { map, repeated })
    }
}
