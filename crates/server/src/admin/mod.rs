//! The operator's commands for a running server: JSON over a socket in the data folder.
//!
//! Only its owner can open the socket, so no password or token is needed: that account can read the database anyway. Each
//! change goes through the store. Its feed evicts changed objects from every cache before the answer is sent. The same commit
//! has an event of the audit log. There is one file per noun.

pub(crate) mod api;
mod app_view;
mod apps;
mod audit;
mod deletion;
mod described;
mod failure;
mod find;
mod grants;
mod keys;
mod moment;
mod openapi;
mod organizations;
mod request;
mod secrets;
mod suspension;
mod users;

#[cfg(test)]
mod tests;

pub(crate) use api::{bind, listen};
