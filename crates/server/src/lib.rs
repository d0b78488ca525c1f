//! x
pub mod view;
