//! Apps: what they may be like, their names, their secrets, and who manages them.

pub mod names;
pub mod permission;
pub mod registration;
pub mod secrets;
