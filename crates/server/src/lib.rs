//! Hallpass: OAuth in front of an API.

pub mod accounts;
pub mod admin;
pub mod apps;
pub mod audit;
pub mod cli;
pub mod config;
pub mod data_folder;
#[cfg(test)]
#[path = "../tests/database/mod.rs"]
mod database;
pub mod declared;
pub mod demo;
pub mod directory;
pub mod http;
pub mod keys;
pub mod oauth;
pub mod organizations;
pub mod random;
pub mod serve;
pub mod store;
pub mod time;
pub mod tokens;
pub mod web;
