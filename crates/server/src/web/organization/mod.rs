//! The pages of an organization.

pub mod grants;
pub mod settings;
