//! Apps: their names, their secrets, and who manages them.

pub mod names;
pub mod permission;
pub mod secrets;
