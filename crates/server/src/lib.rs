//! Hallpass: OAuth in front of an API.

pub mod admin;
pub mod app;
pub mod audit;
pub mod body;
pub mod cli;
pub mod client_secrets;
pub mod config;
pub mod cookies;
pub mod cors;
pub mod data_folder;
#[cfg(test)]
#[path = "../tests/database/mod.rs"]
mod database;
pub mod declared;
pub mod demo;
mod descriptors;
pub mod dialect;
pub mod directory;
mod excerpt;
pub mod feed;
pub mod in_flight;
pub mod keys;
pub mod limits;
mod listen;
pub mod names;
pub mod oauth;
mod ownership;
pub mod pages;
pub mod passwords;
pub mod portal;
pub mod random;
pub mod respond;
pub mod router;
pub mod server;
pub mod source;
pub mod spelling;
pub mod store;
pub mod time;
pub mod tokens;
pub mod view;
