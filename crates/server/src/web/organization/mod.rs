//! The pages of an organization.

pub mod settings;
