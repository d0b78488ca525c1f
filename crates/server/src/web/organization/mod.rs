//! The pages of an organization.

pub(crate) mod grant_change;
mod grants;
pub(crate) mod settings;
