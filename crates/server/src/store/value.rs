//! The values of statements and rows, the same for every engine.

use super::model::{
    ActsAs, AppId, AppStatus, AuditEventId, ChangeKind, ClientType, EndReason, GrantId, GrantState, GrantType,
    OrganizationId, OrganizationKind, Reach, Role, SecretId, SessionId, SessionKind, SiteRefusal, Status, SuspendedBy,
    Unknown, UnknownWord, UserId,
};
use super::{Result, StoreError};
use crate::time::Instant;
use hallpass_wire::{RedirectUri, Scopes};
use std::fmt;
use uuid::Uuid;

/// A value in a column: the types that both engines have. `Debug` does not print texts and bytes: hashes and sealed keys are
/// among them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// NULL.
    Null,
    /// BIGINT; moments are milliseconds since the epoch, truth is 0 or 1.
    Int(i64),
    /// TEXT.
    Text(String),
    /// BYTEA.
    Bytes(Vec<u8>),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "a text of {} bytes", text.len()),
            Self::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

/// A statement that changes rows.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    /// `$1…$n`, numbered by first appearance.
    pub sql: &'static str,
    /// The values of `$1…$n`.
    pub params: Vec<Value>,
    /// The number of rows that it must change. If it changes another number, the whole write is undone with
    /// [`StoreError::Conflict`].
    pub expect: Option<u64>,
}

impl Statement {
    /// A statement that may change any number of rows.
    #[must_use]
    pub(crate) fn new(sql: &'static str, params: Vec<Value>) -> Self {
        let expect = None;
        Self { sql, params, expect }
    }

    /// A statement that must change exactly one row.
    #[must_use]
    pub(crate) fn expect_one(self) -> Self {
        Self {
            expect: Some(1),
            ..self
        }
    }
}

/// A statement for many changes at once, on PostgreSQL. Its parameters are arrays.
pub(crate) struct ArrayStatement {
    pub(crate) sql: &'static str,
    /// The types of the arrays, one letter each: `b`ytes, `i`ntegers, `t`exts.
    pub(crate) columns: &'static str,
    /// The index of the array with the ids of the grants that it changes. The statement waits for the locks of these rows.
    pub(crate) grant: Option<usize>,
}

/// A row, read from its first column to its last.
#[derive(Debug)]
pub(crate) struct Row(std::vec::IntoIter<Value>);

impl Row {
    /// A row of these values.
    #[must_use]
    pub(crate) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// The next column. The position does not move.
    pub(crate) fn first<T: FromValue>(&self) -> Result<T> {
        match self.0.as_slice().first() {
            Some(value) => T::from_value(value.clone()),
            None => Err(StoreError::Corrupt("a row has too few columns".to_owned())),
        }
    }

    /// The next column, converted to `T`.
    pub(crate) fn take<T: FromValue>(&mut self) -> Result<T> {
        match self.0.next() {
            Some(value) => T::from_value(value),
            None => Err(StoreError::Corrupt("a row has too few columns".to_owned())),
        }
    }
}

/// The largest number of characters of an unknown word that are shown.
const SHOWN: usize = 64;

impl Row {
    /// The next column. A value that this version does not know is noted in `unknown` and replaced by `otherwise`.
    pub(crate) fn take_known<T: FromValue>(
        &mut self,
        column: &'static str,
        otherwise: T,
        unknown: &mut Unknown,
    ) -> Result<T> {
        let value: Value = self.take()?;
        T::from_value(value.clone()).or_else(|_| {
            note(column, value, unknown);
            Ok(otherwise)
        })
    }

    /// The next column, for which this version knows only one word (`None`: NULL). Any other word is noted in `unknown`.
    pub(crate) fn take_only(&mut self, column: &'static str, known: Option<&str>, unknown: &mut Unknown) -> Result<()> {
        let value: Value = self.take()?;
        if value != Value::from(known) {
            note(column, value, unknown);
        }
        Ok(())
    }
}

fn note(column: &'static str, value: Value, unknown: &mut Unknown) {
    let word = match value {
        Value::Null => "NULL".to_owned(),
        Value::Int(number) => number.to_string(),
        Value::Text(text) => text.chars().take(SHOWN).collect(),
        Value::Bytes(bytes) => format!("{} bytes", bytes.len()),
    };
    unknown.get_or_insert_with(|| Box::new(UnknownWord { column, word }));
}

/// A type that a column can be converted to. Every conversion may fail, because a database can be edited by hand.
pub(crate) trait FromValue: Sized {
    /// Converts the value. The error says why it is impossible.
    fn from_value(value: Value) -> Result<Self>;
}

/// The error for a column with an impossible value.
fn corrupt<T>(wanted: &str, value: &Value) -> Result<T> {
    Err(StoreError::Corrupt(format!("wanted {wanted}, found {value:?}")))
}

/// Any value.
impl FromValue for Value {
    fn from_value(value: Value) -> Result<Self> {
        Ok(value)
    }
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Int(number) => Ok(number),
            value => corrupt("a number", &value),
        }
    }
}

impl FromValue for u32 {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Int(number) => u32::try_from(number).or_else(|_| corrupt("a small number", &Value::Int(number))),
            value => corrupt("a small number", &value),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            value => corrupt("0 or 1", &value),
        }
    }
}

impl FromValue for Instant {
    fn from_value(value: Value) -> Result<Self> {
        i64::from_value(value).map(Instant)
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Text(text) => Ok(text),
            value => corrupt("a text", &value),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            value => corrupt("bytes", &value),
        }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Bytes(bytes) => bytes
                .try_into()
                .or_else(|bytes| corrupt(&format!("{N} bytes"), &Value::Bytes(bytes))),
            value => corrupt(&format!("{N} bytes"), &value),
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl FromValue for Scopes {
    fn from_value(value: Value) -> Result<Self> {
        let text = String::from_value(value)?;
        Self::parse(&text).or_else(|_| corrupt("scopes", &Value::Text(text)))
    }
}

/// Lists are JSON, because the engines do not have the same arrays.
impl FromValue for Vec<String> {
    fn from_value(value: Value) -> Result<Self> {
        let text = String::from_value(value)?;
        serde_json::from_str(&text).or_else(|_| corrupt("a list of texts", &Value::Text(text)))
    }
}

impl FromValue for Vec<RedirectUri> {
    fn from_value(value: Value) -> Result<Self> {
        let texts = Vec::<String>::from_value(value)?;
        Ok(texts.into_iter().map(RedirectUri::registered).collect())
    }
}

impl FromValue for Vec<GrantType> {
    fn from_value(value: Value) -> Result<Self> {
        let text = String::from_value(value)?;
        serde_json::from_str(&text).or_else(|_| corrupt("a list of grant types", &Value::Text(text)))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(number.into())
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Int(truth.into())
    }
}

impl From<Instant> for Value {
    fn from(moment: Instant) -> Self {
        Self::Int(moment.0)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<&Scopes> for Value {
    fn from(scopes: &Scopes) -> Self {
        Self::Text(scopes.to_string())
    }
}

impl From<&[String]> for Value {
    fn from(list: &[String]) -> Self {
        Self::Text(serde_json::Value::from(list).to_string())
    }
}

impl From<&[RedirectUri]> for Value {
    fn from(list: &[RedirectUri]) -> Self {
        let texts: Vec<String> = list.iter().map(|uri| uri.as_str().to_owned()).collect();
        Self::from(&texts[..])
    }
}

impl From<&[GrantType]> for Value {
    fn from(list: &[GrantType]) -> Self {
        let texts: Vec<String> = list.iter().map(|one| one.as_str().to_owned()).collect();
        Self::from(&texts[..])
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! ids {
    ($($name:ident),+) => {$(
        impl FromValue for $name {
            fn from_value(value: Value) -> Result<Self> {
                <[u8; 16]>::from_value(value).map(|bytes| Self(Uuid::from_bytes(bytes)))
            }
        }

        impl From<$name> for Value {
            fn from(id: $name) -> Self {
                Self::Bytes(id.0.as_bytes().to_vec())
            }
        }
    )+};
}

ids!(AppId, AuditEventId, GrantId, OrganizationId, SecretId, UserId);

impl From<SessionId> for Value {
    fn from(id: SessionId) -> Self {
        id.0.into()
    }
}

impl FromValue for SessionId {
    fn from_value(value: Value) -> Result<Self> {
        FromValue::from_value(value).map(Self)
    }
}

macro_rules! texts {
    ($($name:ident),+ $(,)?) => {$(
        impl FromValue for $name {
            fn from_value(value: Value) -> Result<Self> {
                let text = String::from_value(value)?;
                Self::from_text(&text).map_or_else(|| corrupt(concat!("one of ", stringify!($name)), &Value::Text(text)), Ok)
            }
        }

        impl From<$name> for Value {
            fn from(value: $name) -> Self {
                Self::from(value.as_str())
            }
        }
    )+};
}

texts!(
    AppStatus,
    ChangeKind,
    ClientType,
    EndReason,
    OrganizationKind,
    ActsAs,
    Reach,
    Role,
    SessionKind,
    SiteRefusal,
    Status,
    SuspendedBy
);

impl FromValue for GrantState {
    fn from_value(value: Value) -> Result<Self> {
        match value {
            Value::Int(0) => Ok(Self::Pending),
            Value::Int(1) => Ok(Self::Active),
            Value::Int(2) => Ok(Self::Ended),
            value => corrupt("a grant's state", &value),
        }
    }
}

impl From<GrantState> for Value {
    fn from(state: GrantState) -> Self {
        Self::Int(state as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_text_and_no_bytes() {
        let params = vec![
            "$argon2id$hash".into(),
            Value::from([115; 3]),
            Value::Int(7),
            Value::Null,
        ];
        let (row, statement) = (Row::new(params.clone()), Statement::new("UPDATE users", params));
        let (row, statement) = (format!("{row:?}"), format!("{statement:?}"));
        for text in [row, statement] {
            assert!(text.contains("[a text of 14 bytes, 3 bytes, 7, NULL]"), "{text}");
        }
    }
}
