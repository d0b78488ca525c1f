//! What the operator does to a running server: JSON over a socket in the data folder.
//!
//! The socket is its owner's only, so that no password or token is needed: who may open it may read the database as well.
//! Each change goes through the store, whose feed makes every cache forget before the answer is given, and leaves an event in
//! the audit log, in the same commit. One file a noun.

pub mod api;
mod app_view;
mod apps;
mod audit;
mod deletion;
mod failure;
mod find;
mod grants;
mod keys;
mod moment;
mod organizations;
mod request;
mod secrets;
mod suspension;
mod users;

#[cfg(test)]
mod tests;

pub use api::{bind, listen};
