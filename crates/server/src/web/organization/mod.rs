//! The pages of an organization.

pub mod grant_change;
mod grants;
pub mod settings;
