//! Apps: what they may be like, their names, their secrets, and who manages them.

pub(crate) mod names;
pub(crate) mod permission;
pub(crate) mod registration;
pub(crate) mod secrets;
