//! Hallpass: OAuth in front of an API.
//!
//! # The life of a request
//!
//! 1. [`serve`] accepts a connection and counts it against the limits on connections and memory
//!    ([`in_flight`](serve::in_flight)). hyper gets the socket once the first bytes of a request are there.
//! 2. `serve/dispatch.rs` looks the path up in the table of [`endpoints`](http::endpoints), which also says which other sites'
//!    pages may read the answer ([`cors`](http::cors)). Pages for people go on to [`routes`](web::routes).
//! 3. The token endpoint parses the form ([`oauth::endpoints::FormRequest`]) and authenticates the client
//!    ([`oauth::clients`]). [`directory`] has the app in memory; its [`feed`](directory::feed) knows how old that memory is.
//! 4. The grant type decides ([`oauth::grants`]): it reads the row of the grant, checks the proof
//!    ([`tokens::proofs`], [`keys`]) and asks a pure function what the token means ([`tokens::refresh`]).
//! 5. A change waits in the queue of the [`store`] and is committed with others in one batch, with its entries in the audit log
//!    and in the feed. The memory of this server takes them in after the commit and before the answer.
//! 6. The result or the refusal is rendered: for machines by `hallpass_dialect`, for people by [`view`](web::view).
//!
//! A page for people takes the same way from step 2: [`Visit`](web::Visit) knows who asks and from which browser,
//! [`Post`](web::Post) is a form from our own pages, and what a form carries is sealed ([`web::state`]).
//!
//! `docs/ARCHITECTURE.md` has the same as a picture, and a list of all folders.

pub mod accounts;
mod admin;
mod apps;
mod audit;
pub mod cli;
pub mod config;
pub mod data_folder;
#[cfg(test)]
#[path = "../tests/database/mod.rs"]
mod database;
mod declared;
mod demo;
mod directory;
pub mod http;
pub mod keys;
pub mod oauth;
mod organizations;
mod random;
pub mod serve;
pub mod store;
pub mod time;
pub mod tokens;
pub mod web;
