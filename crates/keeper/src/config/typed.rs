//! Reads the file as tables. A fault of type does not hide the next one.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ConfigError, Faults};

/// What could be read.
pub(super) struct Typed<T> {
    /// Without the sections that have faults. `None` if nothing can be read.
    pub(super) file: Option<T>,
    pub(super) faults: Faults,
    /// The sections with faults; of the providers, those with faults.
    faulty: BTreeSet<String>,
}

impl<T> Typed<T> {
    /// Whether this section has a fault, so that it cannot be judged further.
    pub(super) fn is_faulty(&self, section: &str) -> bool {
        self.faulty.contains(section)
    }

    /// The providers with faults.
    pub(super) fn faulty_providers(&self) -> impl Iterator<Item = &str> {
        self.faulty
            .iter()
            .filter_map(|section| section.strip_prefix("providers."))
    }
}

/// Reads a text: takes out each key with a fault and reads again, and leaves out the sections where they were.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Typed<T> {
    let mut typed = Typed {
        file: None,
        faults: Faults::default(),
        faulty: BTreeSet::new(),
    };
    let parsed = DeTable::parse(text).map_err(|error| ConfigError::syntax(text, &error));
    let Some(mut table) = typed.faults.check(parsed) else {
        return typed;
    };
    let whole = table.clone();
    let mut gone = BTreeSet::new();
    while let Err(error) = T::deserialize(toml::Deserializer::from(table.clone())) {
        let taken = error.span().and_then(|span| take(table.get_mut(), span.start));
        // What is missing because it was taken out is no fault.
        let is_own =
            |at: &Taken| missing(&error).is_some_and(|name| gone.contains(&(at.section.clone(), name.to_owned())));
        if !taken.as_ref().is_some_and(is_own) {
            typed.faults.check::<()>(Err(ConfigError::shape(text, &error)));
        }
        let Some(at) = taken else { return typed };
        typed.faulty.insert(at.section.clone());
        gone.insert((at.section, at.key));
    }
    let mut table = whole;
    for section in &typed.faulty {
        remove(table.get_mut(), section);
    }
    typed.file = T::deserialize(toml::Deserializer::from(table)).ok();
    typed
}

/// The name in serde's message that a key is missing.
fn missing(error: &toml::de::Error) -> Option<&str> {
    error.message().strip_prefix("missing field `")?.split('`').next()
}

/// Where something was taken out.
struct Taken {
    /// `vault`, `providers.NAME`, …
    section: String,
    key: String,
}

/// Takes out the innermost entry at this place of the text.
fn take(table: &mut DeTable<'_>, at: usize) -> Option<Taken> {
    let mut own = None;
    for (key, value) in table.iter_mut() {
        let name = key.get_ref().to_string();
        let is_here = key.span().contains(&at) || value.span().contains(&at) || holds(value, at);
        if let Some(inner) = tables(value).find_map(|table| take(table, at)) {
            let section = match name.as_str() {
                "providers" => format!("{name}.{}", inner.section),
                _ => name,
            };
            return Some(Taken { section, ..inner });
        }
        own = own.or(is_here.then_some(name));
    }
    let key = own?;
    table.remove(key.as_str())?;
    Some(Taken {
        section: key.clone(),
        key,
    })
}

/// Whether an entry of a list is at this place. The list itself has the place of its first entry.
fn holds(value: &Spanned<DeValue<'_>>, at: usize) -> bool {
    match value.get_ref() {
        DeValue::Array(list) => list.iter().any(|entry| entry.span().contains(&at)),
        _ => false,
    }
}

/// The tables that a value is or holds.
fn tables<'a, 'i>(value: &'a mut Spanned<DeValue<'i>>) -> Box<dyn Iterator<Item = &'a mut DeTable<'i>> + 'a> {
    match value.get_mut() {
        DeValue::Table(table) => Box::new(std::iter::once(table)),
        DeValue::Array(list) => Box::new(list.iter_mut().flat_map(tables)),
        _ => Box::new(std::iter::empty()),
    }
}

/// Removes a section, or `providers.NAME`.
fn remove(table: &mut DeTable<'_>, section: &str) {
    if let Some(name) = section.strip_prefix("providers.") {
        let providers = table.iter_mut().find(|(key, _)| key.get_ref() == "providers");
        if let Some(DeValue::Table(providers)) = providers.map(|(_, value)| value.get_mut()) {
            providers.remove(name);
        }
        return;
    }
    table.remove(section);
}
