//! The members of a JSON object, read by name. A fault names its member. Unknown and repeated members are faults: a typing
//! error must not quietly put a person into another organization.

use super::failure::Failure;
use super::json::Json;

/// The members of an object.
pub(super) struct Members {
    /// How messages name the object, such as `organizations[2].`. Empty for the body itself.
    path: String,
    members: Vec<(String, Json)>,
    known: Vec<&'static str>,
}

impl Members {
    /// Reads a body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Failure> {
        let read = serde_json::from_slice(body)
            .map_err(|error| Failure::body(&format!("the body must be a JSON object: {error}")))?;
        match read {
            Json::Object(members) => Self::of(String::new(), members),
            other => Err(Failure::body(&format!(
                "the body must be a JSON object, found {}",
                other.kind()
            ))),
        }
    }

    /// The members of an object inside the body.
    pub(super) fn inside(path: &str, value: Json) -> Result<Self, Failure> {
        match value {
            Json::Object(members) => Self::of(format!("{path}."), members),
            other => Err(Failure::member(
                path,
                format!("expected an object, found {}", other.kind()),
            )),
        }
    }

    fn of(path: String, members: Vec<(String, Json)>) -> Result<Self, Failure> {
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
    pub(super) fn take(&mut self, name: &'static str) -> Option<Option<Json>> {
        self.known.push(name);
        let position = self.members.iter().position(|(member, _)| member == name)?;
        let (_, value) = self.members.swap_remove(position);
        Some(Some(value).filter(|value| !matches!(value, Json::Null)))
    }

    /// A text.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<Option<String>>, Failure> {
        match self.take(name) {
            Some(Some(Json::Text(text))) => Ok(Some(Some(text))),
            Some(Some(Json::Number(_))) => Err(self.wrong(name, "expected a text, found a number: put it in quotes")),
            Some(Some(other)) => Err(self.wrong(name, format!("expected a text, found {}", other.kind()))),
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
            Some(Json::Boolean(value)) => Ok(Some(value)),
            Some(other) => Err(self.wrong(name, format!("expected true or false, found {}", other.kind()))),
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
        let Json::Number(number) = &value else {
            return Err(self.wrong(name, format!("expected a number, found {}", value.kind())));
        };
        let whole = number.as_i64().or_else(|| {
            let float = number.as_f64().filter(|float| float.abs() <= EXACT)?;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the fraction is cut off, and the bound was checked"
            )]
            let whole = float as i64;
            Some(whole)
        });
        match whole {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong(name, "expected a smaller number")),
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
