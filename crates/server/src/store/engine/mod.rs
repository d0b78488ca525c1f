//! How the database is reached: the two engines, and the one thread that writes.

pub(super) mod postgres;
pub(super) mod sqlite;
pub(super) mod writer;
