//! The protocol: one file per endpoint and per grant type, named by the RFC's word.

pub mod refusal;

pub use refusal::Refusal;
