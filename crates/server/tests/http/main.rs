//! The whole server, tested through HTTP: one module per endpoint, page or fact sheet. `harness` holds what they share.
//!
//! All tests are in one binary, so that it is linked once. Most tests run the library in this process with a manual clock;
//! the tests of the four texts run the released binary.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test ends where an expectation fails, and shows what it has"
)]

mod app_changes;
mod attacks;
mod audit;
mod authorization;
mod authorization_errors;
mod bad_input;
mod client_authentication;
mod client_secrets;
mod code;
mod connected_apps;
mod consent;
mod consent_page;
mod consent_shown;
mod cookies;
mod copied_devices;
mod cors;
#[path = "../database/mod.rs"]
mod database;
mod deletion;
mod denial;
mod empty_selection;
mod fact_apicbase;
mod fact_common_controls_hub;
mod fact_connected_home;
mod fact_house_check;
mod forward_auth;
mod forward_auth_subjects;
mod handover;
mod harness;
mod head;
mod health;
mod hosts;
mod identity;
mod interrupted;
mod introspection;
mod keys;
mod lists;
mod login;
mod memory;
mod metadata;
mod model;
mod names;
mod openapi;
mod organization_grants;
mod organization_ids;
mod outputs;
mod page_headers;
mod permissions;
mod pooler;
mod portal;
mod refresh;
mod resource_feed;
mod restart;
mod revocation;
mod rows;
mod serials;
mod spelling;
mod subjects;
mod suspension;
mod tenants;
mod throttling;
mod unknown_words;
