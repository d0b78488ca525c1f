//! Formats answers for people.

use indexmap::IndexMap;
use serde_json::{Map, Value};

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
    aligned(&rows)
}

/// Several objects: one line each, with these members as columns. If any object has a word that the server does not know, the
/// column `unknown` is added.
pub(super) fn table(objects: &Value, columns: &[&str]) -> String {
    let mut columns = columns.to_vec();
    let rows = || objects.as_array().into_iter().flatten();
    columns.extend(
        rows()
            .any(|object| object.get("unknown").is_some())
            .then_some("unknown"),
    );
    let header = columns.iter().map(|name| name.to_uppercase().replace('_', " "));
    let row = |object: &Value| columns.iter().map(|name| texts(&object[*name]).join("; ")).collect();
    let rows: Vec<Vec<String>> = std::iter::once(header.collect()).chain(rows().map(row)).collect();
    aligned(&rows)
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

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
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
            table(&objects, &["client_id", "name", "on"]),
            "CLIENT ID  NAME     ON\nplanner    Planner  yes\né          x\u{fffd}[31m   -\n"
        );
        assert_eq!(table(&json!([]), &["name"]), "NAME\n");
        let odd = json!([{"name": "Planner"}, {"name": "Sync", "unknown": "status \"archived\""}]);
        assert_eq!(
            table(&odd, &["name"]),
            "NAME     UNKNOWN\nPlanner  -\nSync     status \"archived\"\n"
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
