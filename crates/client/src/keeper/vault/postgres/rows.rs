//! Rows of the tables as values.

use super::super::{Connection, NewEvent, Row, State, StoredEvent, Summary, VaultError};
use tokio_postgres::types::FromSql;

/// A column.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a tokio_postgres::Row, column: usize) -> Result<T, VaultError> {
    row.try_get(column)
        .map_err(|error| VaultError::Failed(error.to_string()))
}

/// A row with the columns of `statements::COLUMNS`.
pub(super) fn row_of(row: &tokio_postgres::Row) -> Result<Row, VaultError> {
    let state: &str = get(row, 3)?;
    Ok(Row {
        connection: name(row)?,
        sealed: get(row, 2)?,
        summary: Summary {
            state: State::of(state).ok_or_else(|| VaultError::UnknownState(state.to_owned()))?,
            reason: get(row, 4)?,
            since: get(row, 5)?,
            expires_at: get(row, 6)?,
        },
        due_at: get(row, 7)?,
        asked_at: get(row, 8)?,
        fence: get(row, 9)?,
    })
}

/// A row of the events.
pub(super) fn event_of(row: &tokio_postgres::Row) -> Result<StoredEvent, VaultError> {
    let id: &[u8] = get(row, 2)?;
    Ok(StoredEvent {
        connection: name(row)?,
        id: id.try_into().map_err(|_| unknown("an event's id"))?,
        event: NewEvent {
            kind: get(row, 3)?,
            reason: get(row, 4)?,
            at: get(row, 5)?,
            ends_at: get(row, 6)?,
        },
        tries: u32::try_from(get::<i64>(row, 7)?).unwrap_or(u32::MAX),
    })
}

fn name(row: &tokio_postgres::Row) -> Result<Connection, VaultError> {
    let (provider, reference): (&str, &str) = (get(row, 0)?, get(row, 1)?);
    Connection::new(provider, reference).map_err(|_| unknown(provider))
}

fn unknown(word: &str) -> VaultError {
    VaultError::Failed(format!("not a known word: {word}"))
}
