//! The pages of a person's own account.

pub mod connected_apps;
pub mod overview;
