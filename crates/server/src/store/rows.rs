//! Rows to values: one, all, those that can be read, or a page of them.

use super::error::Result;
use super::model::ListPage;
use super::value::{FromValue, Row, Value};

/// The first row's value, if there is a row.
pub(crate) fn first<T>(rows: Vec<Row>, convert: impl FnOnce(&mut Row) -> Result<T>) -> Result<Option<T>> {
    rows.into_iter().next().map(|mut row| convert(&mut row)).transpose()
}

/// The values of the rows that can be read: one that cannot must not hide a whole list.
pub(crate) fn readable<T>(rows: Vec<Row>, convert: impl Fn(&mut Row) -> Result<T>) -> Vec<T> {
    let read = rows.into_iter().filter_map(|mut row| match convert(&mut row) {
        Ok(value) => Some(value),
        Err(error) => {
            tracing::warn!(%error, "a row cannot be read and is left out of a list");
            None
        }
    });
    read.collect()
}

/// Every row's value.
pub(crate) fn all<T>(rows: Vec<Row>, convert: impl Fn(&mut Row) -> Result<T>) -> Result<Vec<T>> {
    rows.into_iter().map(|mut row| convert(&mut row)).collect()
}

/// One row more than a page has, to see whether there is a next one.
pub(crate) fn more_than(limit: u32) -> Value {
    limit.saturating_add(1).into()
}

/// The page of these rows, whose first column is the key. A row that cannot be read is left out, and the next page begins
/// after it all the same.
pub(crate) fn page<T, K: FromValue>(
    mut rows: Vec<Row>,
    limit: u32,
    convert: impl Fn(&mut Row) -> Result<T>,
) -> Result<ListPage<T, K>> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = match limit.checked_sub(1).and_then(|last| rows.get(last)) {
        Some(last) if rows.len() > limit => Some(last.first()?),
        _ => None,
    };
    rows.truncate(limit);
    let items = readable(rows, |row| {
        row.take::<Value>()?;
        convert(row)
    });
    Ok(ListPage { items, next })
}
