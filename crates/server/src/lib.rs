//! Hallpass: OAuth in front of an API.

pub mod admin;
pub mod app;
pub mod body;
pub mod cli;
pub mod client_secrets;
pub mod config;
pub mod cors;
pub mod data_folder;
pub mod declared;
pub mod demo;
pub mod dialect;
pub mod directory;
pub mod feed;
pub mod keys;
mod listen;
pub mod oauth;
pub mod pages;
pub mod passwords;
pub mod portal;
pub mod random;
pub mod respond;
pub mod router;
pub mod server;
pub mod store;
pub mod time;
pub mod tokens;
pub mod view;
