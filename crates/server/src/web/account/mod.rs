//! The pages of a person's own account.

pub(crate) mod connected_apps;
pub(crate) mod overview;
