//! The target of a sign-in: a place, or a form whose session had ended when it was sent (decision 56).
//!
//! The page comes back with the text that was typed, or says that nothing was done. The form takes effect only if the person
//! sends it again.

use super::Form;
use super::state::{LONGEST_PAYLOAD, Opened};
use crate::store::model::{User, UserId};
use uuid::Uuid;

/// The target of a sign-in.
pub(super) struct Onward {
    /// Path and query, below the public address.
    pub(super) place: String,
    /// The form that was sent without a session.
    pub(super) kept: Option<Kept>,
}

/// A form that was sent without a session. The default has nothing to keep.
#[derive(Default)]
pub(crate) struct Kept {
    /// The person whose form it is. `None`: nobody gets it back.
    person: Option<UserId>,
    /// The typed text, as [`Form::encode`] writes it.
    fields: String,
}

impl Kept {
    /// The fields of these names, for the person whom the form was made for, in the browser that it was sent to. No secret and
    /// no password may be among them.
    #[must_use]
    pub(crate) fn of(opened: Option<&Opened>, form: &Form, names: &[&str]) -> Self {
        let person = opened.filter(|opened| opened.browser).and_then(|opened| opened.person);
        let fields = person.map(|_| form.encode(names));
        Self {
            person,
            fields: fields.unwrap_or_default(),
        }
    }

    /// Whether any typed text comes back.
    #[must_use]
    pub(crate) fn has_typed(&self) -> bool {
        Form::decode(&self.fields).has_typed()
    }

    pub(super) fn fields_of(&self, user: &User) -> Option<Form> {
        (self.person == Some(user.id)).then(|| Form::decode(&self.fields))
    }
}

impl Onward {
    /// To a place alone.
    #[must_use]
    pub(super) fn to(place: &str) -> Self {
        Self {
            place: place.to_owned(),
            kept: None,
        }
    }

    /// Back to the page of a form. Typed text that is too long to carry is dropped.
    #[must_use]
    pub(super) fn back(place: &str, kept: Kept) -> Self {
        let is_short = place.len() + kept.fields.len() + 64 <= LONGEST_PAYLOAD;
        let person = kept.person.filter(|_| is_short);
        let fields = if is_short { kept.fields } else { String::new() };
        Self {
            place: place.to_owned(),
            kept: Some(Kept { person, fields }),
        }
    }

    /// The place; behind it, in lines of their own, the person and the fields. An address has no line break.
    #[must_use]
    pub(super) fn encode(&self) -> String {
        match &self.kept {
            None => self.place.clone(),
            Some(Kept { person, fields }) => {
                let person = person.map_or(Uuid::nil(), |person| person.0);
                format!("{}\n{}\n{fields}", self.place, person.simple())
            }
        }
    }

    /// Reads a text of [`Onward::encode`]. Another browser gets only the place.
    #[must_use]
    pub(super) fn decode(opened: &Opened) -> Option<Self> {
        let text = std::str::from_utf8(&opened.payload).ok()?;
        let Some((place, rest)) = text.split_once('\n') else {
            return Some(Self::to(text));
        };
        let (person, fields) = rest.split_once('\n')?;
        let person = UserId(Uuid::parse_str(person).ok()?);
        let kept = Kept {
            person: Some(person).filter(|person| !person.0.is_nil()),
            fields: fields.to_owned(),
        };
        Some(Self {
            place: place.to_owned(),
            kept: opened.browser.then_some(kept),
        })
    }
}
