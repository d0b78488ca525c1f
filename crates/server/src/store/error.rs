//! Errors of the store.

/// The result of a store operation.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// Why the store could not do something. Nothing was written, except if hundreds of grants end: then some may have ended.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, or the database is locked, away or too busy: callers answer 503, and a retry may work. If
    /// the caller waited for an answer in vain, the change may have been made all the same.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// A write did not find what it expected.
    #[error("the database does not hold what was expected")]
    Conflict,
    /// A unique value exists already, such as a client ID or an e-mail address.
    #[error("already exists: {0}")]
    Taken(String),
    /// A row that Hallpass cannot have written.
    #[error("the database holds an impossible row: {0}")]
    Corrupt(String),
    /// This database, or this build of the engine, must not be used.
    #[error("this database cannot be used: {0}")]
    Unfit(String),
}

/// The object that a row of a list names; `None` too if it cannot be read, so that the others are listed.
///
/// # Errors
/// If the database is away.
pub fn if_readable<T>(found: Result<Option<T>>) -> Result<Option<T>> {
    match found {
        Err(StoreError::Corrupt(detail)) => {
            tracing::warn!(%detail, "a row cannot be read and is left out of a list");
            Ok(None)
        }
        found => found,
    }
}

/// The error with the words of the engine, which contain no values.
pub(crate) fn unavailable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

/// Whether an error belongs to one work, and not to the database.
pub(crate) fn is_own(error: &StoreError) -> bool {
    match error {
        StoreError::Conflict | StoreError::Taken(_) | StoreError::Corrupt(_) => true,
        StoreError::Unavailable(_) | StoreError::Unfit(_) => false,
    }
}

/// The error of one work is its answer; an error of the database fails the whole batch.
pub(crate) fn own<T>(result: Result<T>) -> Result<Result<T>> {
    match result {
        Err(error) if !is_own(&error) => Err(error),
        result => Ok(result),
    }
}
