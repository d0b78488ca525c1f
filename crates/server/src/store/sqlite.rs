//! SQLite.

use super::batch::{Outcome, Work};
use super::model::{Change, GrantId, SecretId};
use super::value::{Row, Value};
use super::{Result, StoreError};
use crate::time::Instant;
use std::path::Path;
use std::time::Duration;

pub(super) struct Sqlite {}
pub(super) struct Seen;
impl Seen {
    pub(super) fn knows(&self, _: GrantId, _: u32) -> bool {
        false
    }
}

fn soon<T>() -> Result<T> {
    Err(StoreError::Unavailable("not yet".to_owned()))
}

impl Sqlite {
    pub(super) fn open(_path: &Path, _readers: usize) -> Result<Self> {
        soon()
    }
    pub(super) fn migrate(&self) -> Result<()> {
        soon()
    }
    pub(super) fn pending_migrations(&self) -> Result<Vec<String>> {
        soon()
    }
    pub(super) fn on_change(&self, _listener: Box<dyn Fn(&[Change]) + Send + Sync>) {}
    pub(super) fn seen(&self) -> &Seen {
        &Seen
    }
    pub(super) fn touch(&self, _id: GrantId, _generation: u32, _now: Instant) {}
    pub(super) fn touch_secret(&self, _id: SecretId, _now: Instant) {}
    pub(super) async fn flush(&self) -> Result<()> {
        soon()
    }
    pub(super) fn read(&self, _sql: &'static str, _params: &[Value]) -> Result<Vec<Row>> {
        soon()
    }
    pub(super) async fn scan(&self, _sql: &'static str, _params: Vec<Value>) -> Result<Vec<Row>> {
        soon()
    }
    pub(super) async fn change(&self, _work: Work) -> Result<Outcome> {
        soon()
    }
    pub(super) fn use_longest_access(&self, _longest: Duration) {}
}
