//! Formats answers for people.

use indexmap::IndexMap;
use serde_json::{Map, Value};

/// The member with a word that the server does not know.
const UNKNOWN: &str = "unknown";

/// One object: one line per member, with the values in one column.
pub(super) fn lines(members: &IndexMap<String, Value>) -> String {
    let mut rows = Vec::new();
    for (name, value) in members {
        let mut name = name.as_str();
        for text in texts(value) {
            rows.push(vec![name.to_owned(), text]);
            name = "";
        }
    }
    aligned(&rows, &mut Vec::new())
}

/// Several objects: one line each, with these members as columns. The objects may come in several pages.
pub(super) struct Table<'a> {
    columns: Vec<&'a str>,
    widths: Vec<usize>,
    has_header: bool,
}

impl<'a> Table<'a> {
    pub(super) fn new(columns: &[&'a str]) -> Self {
        Self {
            columns: columns.to_vec(),
            widths: Vec::new(),
            has_header: false,
        }
    }

    /// The next objects. Columns get wider where these objects need it, and never narrower. From the first object on that
    /// has a word that the server does not know, there is a column `unknown`, and the header is repeated.
    pub(super) fn page(&mut self, objects: &Value) -> String {
        let objects = || objects.as_array().into_iter().flatten();
        let unknown = objects().any(|object| object.get(UNKNOWN).is_some());
        if unknown && !self.columns.contains(&UNKNOWN) {
            self.columns.push(UNKNOWN);
            self.has_header = false;
        }
        let mut rows = Vec::new();
        if !self.has_header {
            let header = self.columns.iter().map(|name| name.to_uppercase().replace('_', " "));
            rows.push(header.collect());
            self.has_header = true;
        }
        let cells = |object: &Value| {
            self.columns
                .iter()
                .map(|name| texts(&object[*name]).join("; "))
                .collect()
        };
        rows.extend(objects().map(cells));
        aligned(&rows, &mut self.widths)
    }
}

/// A value as one or more lines.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) if items.iter().any(Value::is_object) => {
            items.iter().filter_map(Value::as_object).map(one_line).collect()
        }
        Value::Array(items) if !items.is_empty() => vec![items.iter().map(text).collect::<Vec<_>>().join(" ")],
        other => vec![text(other)],
    }
}

fn one_line(object: &Map<String, Value>) -> String {
    let said = object.iter().filter(|(_, value)| !value.is_null());
    said.map(|(name, value)| format!("{name} {}", text(value)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A plain value. No control character reaches the terminal.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::String(text) => text.replace(char::is_control, "\u{fffd}"),
        other => other.to_string(),
    }
}

/// Lines of cells, each at least as wide as `widths` says.
fn aligned(rows: &[Vec<String>], widths: &mut Vec<usize>) -> String {
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut out = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(widths.iter())
            .map(|(cell, width)| format!("{cell:width$}"));
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn several_objects_are_a_table() {
        let objects = json!([
            {"client_id": "planner", "name": "Planner", "on": true},
            {"client_id": "é", "name": "x\u{1b}[31m", "on": null},
        ]);
        assert_eq!(
            Table::new(&["client_id", "name", "on"]).page(&objects),
            "CLIENT ID  NAME     ON\nplanner    Planner  yes\né          x\u{fffd}[31m   -\n"
        );
        assert_eq!(Table::new(&["name"]).page(&json!([])), "NAME\n");
        let odd = json!([{"name": "Planner"}, {"name": "Sync", "unknown": "status \"archived\""}]);
        assert_eq!(
            Table::new(&["name"]).page(&odd),
            "NAME     UNKNOWN\nPlanner  -\nSync     status \"archived\"\n"
        );
    }

    #[test]
    fn pages_of_a_table_have_one_header_and_the_same_columns() {
        let mut table = Table::new(&["name", "on"]);
        let first = json!([{"name": "Planner", "on": true}]);
        assert_eq!(table.page(&first), "NAME     ON\nPlanner  yes\n");
        let second = json!([{"name": "Sync", "on": true}, {"name": "Reporting", "on": null}]);
        assert_eq!(table.page(&second), "Sync       yes\nReporting  -\n");
        assert_eq!(table.page(&json!([])), "");
        let odd = json!([{"name": "Old", "on": true, "unknown": "status \"archived\""}]);
        assert_eq!(
            table.page(&odd),
            "NAME       ON   UNKNOWN\nOld        yes  status \"archived\"\n"
        );
    }

    #[test]
    fn one_object_is_lines() {
        let members = json!({
            "name": "Planner",
            "redirect_uris": ["https://a.example/", "https://b.example/"],
            "scopes": [],
            "owner": null,
            "secrets": [{"hint": "abcd", "expires": null}, {"hint": "efgh", "expires": "soon"}],
        });
        let members: IndexMap<_, _> = members.as_object().unwrap().clone().into_iter().collect();
        assert_eq!(
            lines(&members),
            "name           Planner\n\
             redirect_uris  https://a.example/ https://b.example/\n\
             scopes         none\n\
             owner          -\n\
             secrets        hint abcd\n               hint efgh, expires soon\n"
        );
    }
}
