//! Errors of the store.

/// What the store answers.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why the store could not do something. Nothing of it was written, except where hundreds of grants end: then some may have.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// Disk full, locked, away or too busy: callers answer 503, and later it may work. Where an answer was waited for in vain,
    /// what was asked for may be written all the same.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// What a write expected to find was not so.
    #[error("the database holds something else than was expected")]
    Conflict,
    /// What must be unique is already there, such as a client id or an e-mail address.
    #[error("there is one already: {0}")]
    Taken(String),
    /// A row that Hallpass cannot have written.
    #[error("the database holds an impossible row: {0}")]
    Corrupt(String),
    /// This database, or this build of the engine, is not one to start on.
    #[error("this database cannot be used: {0}")]
    Unfit(String),
}

/// What a row of a list points at: absent too where it cannot be read, so that the others are listed.
///
/// # Errors
/// Where the database is away.
pub fn if_readable<T>(found: Result<Option<T>>) -> Result<Option<T>> {
    match found {
        Err(StoreError::Corrupt(detail)) => {
            tracing::warn!(%detail, "a list leaves out a row that cannot be read");
            Ok(None)
        }
        found => found,
    }
}

/// What keeps the database from answering; the engine's words, which hold no values.
pub(crate) fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// Whether an error is the work's own, and not the database's.
pub(crate) fn is_own(error: &StoreError) -> bool {
    match error {
        StoreError::Conflict | StoreError::Taken(_) | StoreError::Corrupt(_) => true,
        StoreError::Unavailable(_) | StoreError::Unfit(_) => false,
    }
}

/// A work's own error is its answer; the database's is everybody's.
pub(crate) fn own<T>(result: Result<T>) -> Result<Result<T>> {
    match result {
        Err(error) if !is_own(&error) => Err(error),
        result => Ok(result),
    }
}
