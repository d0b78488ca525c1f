//! TOML as a tree. Every value has its file and line, so that a problem can name them.

use indexmap::IndexMap;
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Keys and values, in the order written.
pub(super) type Table = IndexMap<String, Node>;

/// A value, with the place where it was written.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: WrittenAt,
}

/// A value as written. It has no `Debug`: passwords and keys may be in it.
#[derive(Clone)]
pub(super) enum Value {
    Table(Table),
    List(Vec<Node>),
    Text(String),
    Integer(i64),
    Boolean(bool),
    /// Text from the environment or the command line. The key that reads it decides its type.
    Untyped(String),
    /// A type that no key has.
    Other(&'static str),
}

impl Value {
    /// The kind of the value, for messages that expected another kind.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Table(_) => "a table",
            Self::List(_) => "a list",
            Self::Text(_) | Self::Untyped(_) => "text",
            Self::Integer(_) => "a number",
            Self::Boolean(_) => "true or false",
            Self::Other(kind) => kind,
        }
    }
}

/// The place where a value was written.
#[derive(Clone, Debug)]
pub(super) struct WrittenAt {
    pub(super) layer: Rc<Layer>,
    /// The line, counted from 1. 0 for a source without lines.
    line: usize,
}

/// One source of values.
#[derive(Debug)]
pub(super) struct Layer {
    /// The path of a file, the name of a variable, or an option.
    pub(super) name: String,
    /// The folder from which its relative paths start. `None`: the working folder.
    pub(super) folder: Option<PathBuf>,
    /// Whether it ships with Hallpass. Other sources are the operator's.
    pub(super) embedded: bool,
}

impl WrittenAt {
    /// The place of a value from a source without lines.
    pub(super) fn without_line(layer: Layer) -> Self {
        Self {
            layer: Rc::new(layer),
            line: 0,
        }
    }

    /// The key by which problems are sorted.
    pub(super) fn place(&self) -> (&str, usize) {
        (&self.layer.name, self.line)
    }
}

impl fmt::Display for WrittenAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.layer.name)?;
        match self.line {
            0 => Ok(()),
            line => write!(f, ":{line}"),
        }
    }
}

/// Parses the text of a file. The error does not quote the line, which may contain a secret.
pub(super) fn parse(text: &str, layer: Layer) -> Result<Table, (WrittenAt, String)> {
    let source = LayerText::new(text, Rc::new(layer));
    match DeTable::parse(text) {
        Ok(table) => Ok(source.table(table.into_inner())),
        Err(error) => {
            let span = error.span().unwrap_or_default();
            // A key is not secret. Other text at the span of the error may be.
            let key = text.get(span.clone()).filter(|_| error.message() == "duplicate key");
            let key = key.map(|key| format!(" `{}`", key.escape_debug()));
            let message = format!("{}{}", error.message(), key.unwrap_or_default());
            Err((source.origin(span.start), message))
        }
    }
}

/// Parses one value, such as the list in `HALLPASS_WIRE__IDENTITY`.
pub(super) fn parse_value(text: &str, origin: &WrittenAt) -> Option<Value> {
    let source = LayerText::new(text, origin.layer.clone());
    let value = DeValue::parse(text).ok()?;
    Some(source.value(value.into_inner()))
}

/// Merges `over` into `base`: tables key by key; any other value is replaced.
pub(super) fn merge(base: &mut Table, over: Table) {
    for (key, node) in over {
        match (base.get_mut(&key).map(|node| &mut node.value), node) {
            (
                Some(Value::Table(below)),
                Node {
                    value: Value::Table(above),
                    ..
                },
            ) => merge(below, above),
            (_, node) => {
                base.insert(key, node);
            }
        }
    }
}

/// Where the lines of a text end. To count them for each value took 15 s with 20,000 people.
struct LayerText {
    line_ends: Vec<usize>,
    layer: Rc<Layer>,
}

impl LayerText {
    fn new(text: &str, layer: Rc<Layer>) -> Self {
        let line_ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Self { line_ends, layer }
    }

    fn table(&self, table: DeTable<'_>) -> Table {
        let entry = |(key, value): (Spanned<_>, Spanned<DeValue<'_>>)| {
            let origin = self.origin(key.span().start);
            let key: std::borrow::Cow<'_, str> = key.into_inner();
            let value = self.value(value.into_inner());
            (key.into_owned(), Node { value, origin })
        };
        table.into_iter().map(entry).collect()
    }

    fn value(&self, value: DeValue<'_>) -> Value {
        match value {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::Other("a number beyond 64 bits"), Value::Integer),
            DeValue::Float(_) => Value::Other("a fraction"),
            DeValue::Boolean(value) => Value::Boolean(value),
            DeValue::Datetime(_) => Value::Other("a date"),
            DeValue::Array(items) => {
                let node = |item: Spanned<DeValue<'_>>| Node {
                    origin: self.origin(item.span().start),
                    value: self.value(item.into_inner()),
                };
                Value::List(items.into_iter().map(node).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table)),
        }
    }

    fn origin(&self, at: usize) -> WrittenAt {
        WrittenAt {
            layer: self.layer.clone(),
            line: 1 + self.line_ends.partition_point(|end| *end < at),
        }
    }
}
