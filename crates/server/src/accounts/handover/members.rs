//! The members of a JSON object, read by name. A fault names its member. Unknown and repeated members are faults: a typing
//! error must not quietly put a person into another organization.

use super::failure::Failure;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use std::fmt;

/// The members of an object.
pub(super) struct Members {
    /// How messages name the object, such as `organizations[2].`. Empty for the body itself.
    path: String,
    members: Vec<(String, Value)>,
    known: Vec<&'static str>,
}

impl Members {
    /// Reads a body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Failure> {
        let read: Object = serde_json::from_slice(body)
            .map_err(|error| Failure::body(&format!("the body must be a JSON object: {error}")))?;
        Self::of(String::new(), read.0)
    }

    /// The members of an object inside the body.
    pub(super) fn inside(path: &str, value: Value) -> Result<Self, Failure> {
        match value {
            Value::Object(members) => Self::of(format!("{path}."), members.into_iter().collect()),
            other => Err(Failure::member(
                path,
                format!("expected an object, found {}", kind(&other)),
            )),
        }
    }

    fn of(path: String, members: Vec<(String, Value)>) -> Result<Self, Failure> {
        for (position, (name, _)) in members.iter().enumerate() {
            if members[..position].iter().any(|(earlier, _)| earlier == name) {
                return Err(Failure::member(&format!("{path}{name}"), "it comes twice"));
            }
        }
        Ok(Self {
            path,
            members,
            known: Vec::new(),
        })
    }

    /// The full name of a member, for messages.
    pub(super) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.path)
    }

    /// A member. `Some(None)` if it is null.
    pub(super) fn take(&mut self, name: &'static str) -> Option<Option<Value>> {
        self.known.push(name);
        let position = self.members.iter().position(|(member, _)| member == name)?;
        let (_, value) = self.members.swap_remove(position);
        Some(Some(value).filter(|value| !value.is_null()))
    }

    /// A text.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<Option<String>>, Failure> {
        match self.take(name) {
            Some(Some(Value::String(text))) => Ok(Some(Some(text))),
            Some(Some(Value::Number(_))) => Err(self.wrong(name, "expected a text, found a number: put it in quotes")),
            Some(Some(other)) => Err(self.wrong(name, format!("expected a text, found {}", kind(&other)))),
            Some(None) => Ok(Some(None)),
            None => Ok(None),
        }
    }

    /// A text that may be left out, and then holds nothing.
    pub(super) fn optional_text(&mut self, name: &'static str) -> Result<Option<String>, Failure> {
        self.text(name).map(Option::flatten)
    }

    /// True or false.
    pub(super) fn boolean(&mut self, name: &'static str) -> Result<Option<bool>, Failure> {
        match self.take(name).flatten() {
            Some(Value::Bool(value)) => Ok(Some(value)),
            Some(other) => Err(self.wrong(name, format!("expected true or false, found {}", kind(&other)))),
            None => Ok(None),
        }
    }

    /// A whole number. A fraction is cut off.
    pub(super) fn number(&mut self, name: &'static str) -> Result<Option<i64>, Failure> {
        /// The numbers that a JSON number holds exactly (RFC 8259 §6).
        const EXACT: f64 = 9_007_199_254_740_991.0;
        let Some(value) = self.take(name).flatten() else {
            return Ok(None);
        };
        let whole = value.as_i64().or_else(|| {
            let float = value.as_f64().filter(|float| float.abs() <= EXACT)?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the fraction is cut off, and the bound was checked"
            )]
            let whole = float as i64;
            Some(whole)
        });
        match whole {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong(name, format!("expected a number, found {}", kind(&value)))),
        }
    }

    /// The fault of a member.
    pub(super) fn wrong(&self, name: &str, text: impl Into<String>) -> Failure {
        Failure::member(&self.name(name), text)
    }

    /// Refuses members that were not read.
    pub(super) fn finish(self) -> Result<(), Failure> {
        match self.members.first() {
            Some((name, _)) => {
                let text = format!("there is no such member; known are {}", self.known.join(", "));
                Err(Failure::member(&self.name(name), text))
            }
            None => Ok(()),
        }
    }
}

/// The kind of a value, for messages. The value itself may be a person's.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// An object that keeps repeated members, which a map would drop.
struct Object(Vec<(String, Value)>);

/// The most members of the body.
const MOST: usize = 64;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    if members.len() == MOST {
                        return Err(A::Error::custom("too many members"));
                    }
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Read)
    }
}
