//! Passwords of people, and limits on guessing them.

pub mod limits;
pub mod passwords;
pub mod spelling;
