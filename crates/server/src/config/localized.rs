//! Texts in several languages.

use super::shown::Shown;
use indexmap::IndexMap;
use toml::Value;

/// A text in one or more languages.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Localized {
    /// One text for all languages.
    Plain(String),
    /// Texts by language tag, in the order written. Never empty.
    ByLanguage(IndexMap<String, String>),
}

impl Localized {
    /// The text for `language` (`nl`, `nl-BE`): of that tag, else of its language, else in English, else the first.
    #[must_use]
    pub fn get(&self, language: &str) -> &str {
        let texts = match self {
            Self::Plain(text) => return text,
            Self::ByLanguage(texts) => texts,
        };
        let wanted = |tag: &str| texts.iter().find(|(key, _)| key.eq_ignore_ascii_case(tag));
        let primary = language.split('-').next().unwrap_or(language);
        wanted(language)
            .or_else(|| wanted(primary))
            .or_else(|| wanted("en"))
            .or_else(|| texts.first())
            .map_or("", |(_, text)| text)
    }
}

impl Shown for Localized {
    fn shown(&self) -> Value {
        match self {
            Self::Plain(text) => text.as_str().into(),
            Self::ByLanguage(texts) => {
                let entry = |(tag, text): (&String, &String)| (tag.clone(), text.as_str().into());
                Value::Table(texts.iter().map(entry).collect())
            }
        }
    }
}
