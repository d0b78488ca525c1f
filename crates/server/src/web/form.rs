//! The fields of a form.

use hyper::body::Bytes;

/// The fields of a form.
pub(crate) struct Form {
    fields: Vec<(String, String)>,
    /// What arrived: the memory that it takes is counted as long as it lives, and the fields take as much.
    _body: Bytes,
}

impl Form {
    /// `None` where a field is not UTF-8: to replace what cannot be read would store another text than was typed.
    pub(super) fn parse(body: Bytes) -> Option<Self> {
        let pairs = hallpass_wire::parameters::pairs(&body)?.into_iter();
        let fields = pairs.map(|(name, value)| (name.into_owned(), value.into_owned()));
        Some(Self {
            fields: fields.collect(),
            _body: body,
        })
    }

    /// The value of a field; `None` where it is absent or empty.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    /// Whether a field, such as a button, was sent at all.
    #[must_use]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Whether one of the fields holds text that a person typed: the others are choices.
    #[must_use]
    pub(crate) fn has_typed(&self) -> bool {
        ["name", "redirect_uris"].iter().any(|name| self.get(name).is_some())
    }

    /// The fields of these names alone, as one text.
    #[must_use]
    pub(crate) fn encode(&self, names: &[&str]) -> String {
        let fields = self.fields.iter().filter(|(name, _)| names.contains(&name.as_str()));
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish()
    }

    /// Reads what [`Form::encode`] wrote.
    #[must_use]
    pub(crate) fn decode(fields: &str) -> Self {
        Self {
            fields: form_urlencoded::parse(fields.as_bytes()).into_owned().collect(),
            // It came in the sealed state of another form, which is counted.
            _body: Bytes::new(),
        }
    }

    /// Every value of a field (checkboxes).
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> + use<'_> {
        let name = name.to_owned();
        self.fields
            .iter()
            .filter(move |(other, _)| *other == name)
            .map(|(_, value)| value.as_str())
    }
}
