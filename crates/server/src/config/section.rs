//! Declares each key of the configuration in one place: name, type, parser, and the printed form for `config show`.
//!
//! A section is a list of `name: Type = setting`. The macro generates the struct, its reader and its printed form. The setting
//! implements [`Setting`]: `required(parse)`, whose default is in `presets/default.toml`; `optional(parse)`;
//! `or(parse, default)`; `RequiredSecret(judge)` and `OptionalSecret(judge)`, which also read `NAME_file`; or a type of the
//! section itself, if several keys make one value.

use super::fields::{Fields, Parse};
use super::shown::Shown;
use indexmap::IndexMap;
use std::hash::Hash;
use toml::{Table, Value};

/// A table of the configuration. `section!` implements it.
pub(super) trait Section: Sized {
    /// Reads every key. `None` if a required key is missing or wrong; the problem is noted.
    fn read(fields: Fields<'_>) -> Option<Self>;

    /// The table as in a file, with secrets hidden.
    fn table(&self) -> Table;
}

/// Reads and shows the value of a key.
pub(super) trait Setting<T> {
    /// Reads the value. `None` if it is missing or wrong; the problem is noted.
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<T>;

    /// Adds the value to the table that is printed.
    fn show(&self, name: &'static str, value: &T, table: &mut Table);
}

/// Declares a section. A `check` compares keys of one table. It gets the fields, and the values that could be read.
macro_rules! section {
    (
        $(#[$doc:meta])*
        $section:ident {
            $($(#[$key_doc:meta])* $key:ident: $type:ty = $how:expr),+ $(,)?
        }
        $(check $check:ident($($judged:ident),*);)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $section {
            $($(#[$key_doc])* pub $key: $type),+
        }

        impl $crate::config::section::Section for $section {
            fn read(mut fields: $crate::config::fields::Fields<'_>) -> Option<Self> {
                use $crate::config::section::Setting as _;
                $(let $key: Option<$type> = $how.read(stringify!($key), &mut fields);)+
                $($check(&mut fields, $($judged.as_ref()),*);)*
                fields.finish();
                Some(Self { $($key: $key?),+ })
            }

            fn table(&self) -> toml::Table {
                use $crate::config::section::Setting as _;
                let mut table = toml::Table::new();
                $($how.show(stringify!($key), &self.$key, &mut table);)+
                table
            }
        }
    };
}
pub(super) use section;

/// A key that needs a value. A preset may give it.
pub(super) fn required<T>(parse: Parse<T>) -> Required<T> {
    Required(parse)
}

/// A key that may be left out.
pub(super) fn optional<T>(parse: Parse<T>) -> Optional<T> {
    Optional(parse)
}

/// A key that may be left out, with its default.
pub(super) fn or<T>(parse: Parse<T>, default: T) -> Or<T> {
    Or(parse, default)
}

pub(super) struct Required<T>(Parse<T>);

impl<T: Shown> Setting<T> for Required<T> {
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<T> {
        fields.required(name, self.0)
    }

    fn show(&self, name: &'static str, value: &T, table: &mut Table) {
        put(table, name, value);
    }
}

pub(super) struct Optional<T>(Parse<T>);

impl<T: Shown> Setting<Option<T>> for Optional<T> {
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<Option<T>> {
        Some(fields.optional(name, self.0))
    }

    fn show(&self, name: &'static str, value: &Option<T>, table: &mut Table) {
        if let Some(value) = value {
            put(table, name, value);
        }
    }
}

pub(super) struct Or<T>(Parse<T>, T);

impl<T: Shown + Clone> Setting<T> for Or<T> {
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<T> {
        Some(fields.optional(name, self.0).unwrap_or_else(|| self.1.clone()))
    }

    fn show(&self, name: &'static str, value: &T, table: &mut Table) {
        put(table, name, value);
    }
}

/// A key whose name is a keyword of Rust.
pub(super) struct Named<K>(pub(super) &'static str, pub(super) K);

impl<T, K: Setting<T>> Setting<T> for Named<K> {
    fn read(&self, _: &'static str, fields: &mut Fields<'_>) -> Option<T> {
        self.1.read(self.0, fields)
    }

    fn show(&self, _: &'static str, value: &T, table: &mut Table) {
        self.1.show(self.0, value, table);
    }
}

/// `[name]`.
pub(super) struct OneTable;

impl<S: Section> Setting<S> for OneTable {
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<S> {
        S::read(fields.section(name))
    }

    fn show(&self, name: &'static str, section: &S, table: &mut Table) {
        table.insert(name.to_owned(), Value::Table(section.table()));
    }
}

/// `[name]`, which may be left out.
pub(super) struct OptionalTable;

impl<S: Section> Setting<Option<S>> for OptionalTable {
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<Option<S>> {
        match fields.has_table(name) {
            true => S::read(fields.section(name)).map(Some),
            false => Some(None),
        }
    }

    fn show(&self, name: &'static str, section: &Option<S>, table: &mut Table) {
        if let Some(section) = section {
            OneTable.show(name, section, table);
        }
    }
}

/// `[[name]]` (repeatable).
pub(super) struct ListOfTables;

impl<S: Section> Setting<Vec<S>> for ListOfTables {
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<Vec<S>> {
        Some(fields.list(name, S::read))
    }

    fn show(&self, name: &'static str, sections: &Vec<S>, table: &mut Table) {
        let sections = sections.iter().map(|section| Value::Table(section.table()));
        table.insert(name.to_owned(), Value::Array(sections.collect()));
    }
}

/// `[name.NAME]`. The function parses each `NAME`.
pub(super) struct TablesByName<N>(pub(super) fn(&str) -> Result<N, String>);

impl<N: Hash + Eq + ToString, S: Section> Setting<IndexMap<N, S>> for TablesByName<N> {
    fn read(&self, name: &'static str, fields: &mut Fields<'_>) -> Option<IndexMap<N, S>> {
        Some(fields.entries(name, self.0, S::read))
    }

    fn show(&self, name: &'static str, sections: &IndexMap<N, S>, table: &mut Table) {
        let sections = sections.iter();
        let sections = sections.map(|(name, section)| (name.to_string(), Value::Table(section.table())));
        table.insert(name.to_owned(), Value::Table(sections.collect()));
    }
}

fn put(table: &mut Table, name: &str, value: &impl Shown) {
    table.insert(name.to_owned(), value.shown());
}
