//! One connection to PostgreSQL: statements on it, prepared or not, each within a bounded time.
//!
//! If no answer arrives in time, or the waiter is cancelled, the connection is dropped: the statement may still run.

use super::address::Address;
use super::host::CurrentHost;
use crate::store::value::{Row, Value};
use crate::store::{Result as Stored, StoreError};
use futures_util::StreamExt as _;
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio_postgres::error::{Severity, SqlState};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut};
use tokio_postgres::{AsyncMessage, Client, Error, NoTls, RowStream, Socket};

/// How long a statement may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long connecting may take if there is one host.
const CONNECT: Duration = Duration::from_secs(5);
/// How long connecting to one of several hosts may take.
const CONNECT_TO_ONE: Duration = Duration::from_secs(2);

pub(super) type QueryResult<T> = std::result::Result<T, QueryFailed>;

/// Why a statement failed.
#[derive(Debug)]
pub(super) struct QueryFailed {
    pub(super) error: StoreError,
    /// Set if the database rolled back the whole transaction because of another: tried again, it may work.
    pub(super) undone: Option<Undone>,
}

/// Why a transaction was rolled back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Undone {
    /// It collided with another transaction. It may work at once.
    Collided,
    /// Another transaction kept a lock for too long. It may work when that transaction has ended.
    Locked,
}

/// A parameter, and its type for a statement that is not prepared.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// The prepared statements of a connection, by text.
type Statements = Mutex<HashMap<&'static str, tokio_postgres::Statement>>;

/// A connection and whether it can still be used.
pub(super) struct PostgresConnection {
    client: Client,
    prepared: Option<Statements>,
    warnings: Arc<AtomicU64>,
    broken: AtomicBool,
    driver: AbortHandle,
    current_host: Arc<CurrentHost>,
    /// The index of its host, and how many hosts there are.
    host: usize,
    hosts: usize,
}

impl PostgresConnection {
    /// Connects to the host that takes writes. The driver of the connection runs on the current runtime.
    pub(super) async fn open(address: &Address, prepared: bool) -> Stored<Self> {
        let hosts = address.hosts().len();
        let mut error = StoreError::Unavailable("PostgreSQL has no host".to_owned());
        let search = address.current_host().search();
        for host in (0..hosts).map(|step| (search.first + step) % hosts) {
            match Self::to(address, prepared, host).await {
                Ok(connection) if address.current_host().arrive(search, host) => return Ok(connection),
                Ok(_) => error = StoreError::Unavailable("another PostgreSQL has taken over".to_owned()),
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    async fn to(address: &Address, prepared: bool, host: usize) -> Stored<Self> {
        let connecting = async {
            match address.verifier()? {
                Some(verifier) => Self::connect(address, prepared, host, verifier).await,
                None => Self::connect(address, prepared, host, NoTls).await,
            }
        };
        let patience = if address.hosts().len() > 1 {
            CONNECT_TO_ONE
        } else {
            CONNECT
        };
        let late = |_| StoreError::Unavailable("PostgreSQL does not answer".to_owned());
        tokio::time::timeout(patience, connecting).await.map_err(late)?
    }

    async fn connect<T>(address: &Address, prepared: bool, host: usize, tls: T) -> Stored<Self>
    where
        T: MakeTlsConnect<Socket>,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let hosts = address.hosts();
        let config = hosts
            .get(host)
            .ok_or_else(|| StoreError::Unavailable("there is no such host".to_owned()))?;
        let (client, mut connection) = config.connect(tls).await.map_err(|error| failed(&error).error)?;
        let warnings = Arc::<AtomicU64>::default();
        let counted = warnings.clone();
        let driver = tokio::spawn(async move {
            // The error that ends the connection is returned to those who wait for an answer.
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                let AsyncMessage::Notice(notice) = message else {
                    continue;
                };
                if notice.parsed_severity() == Some(Severity::Warning) {
                    tracing::warn!(code = notice.code().code(), "PostgreSQL: {}", notice.message());
                    counted.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        let driver = driver.abort_handle();
        let connection = Self {
            client,
            prepared: prepared.then(Mutex::default),
            warnings,
            broken: AtomicBool::new(false),
            driver,
            current_host: address.current_host().clone(),
            host,
            hosts: hosts.len(),
        };
        // A warning at login, such as one about the version of a collation, comes with the first answer. It must not
        // count as a warning about a commit.
        connection.batch("SELECT 1").await?;
        Ok(connection)
    }

    /// From now on statements have no names on this connection.
    pub(super) fn name_no_statements(&mut self) {
        self.prepared = None;
    }

    /// Whether it must not be used any more: it failed, or the other connections have moved to another host.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst) || self.client.is_closed() || !self.current_host.is(self.host)
    }

    /// How many warnings PostgreSQL has sent.
    pub(super) fn warnings(&self) -> u64 {
        self.warnings.load(Ordering::SeqCst)
    }

    /// Marks it as unusable: it is closed when it is dropped.
    pub(super) fn give_up(&self) {
        self.broken.store(true, Ordering::SeqCst);
    }

    /// Marks it as unusable and its host as one that does not answer: another primary may have taken over.
    pub(super) fn doubt_host(&self) {
        self.give_up();
        self.current_host.doubt(self.host, self.hosts);
    }

    /// Runs a statement; its rows.
    pub(super) async fn query(&self, sql: &'static str, params: &[Value]) -> QueryResult<Vec<Row>> {
        self.rows(sql, &typed(params)).await.map(|(rows, _)| rows)
    }

    /// Runs a statement; how many rows it changed.
    pub(super) async fn execute(&self, sql: &'static str, params: &[Value]) -> QueryResult<u64> {
        self.rows(sql, &typed(params)).await.map(|(_, changed)| changed)
    }

    /// Runs a statement with these parameters; its rows, and how many it changed. Statements that are polled together
    /// are sent together, in the order in which they are first polled.
    pub(super) async fn rows(&self, sql: &'static str, params: &[Param<'_>]) -> QueryResult<(Vec<Row>, u64)> {
        self.in_time(self.read(sql, params)).await
    }

    /// Prepares a statement, so that it is sent at once when it runs.
    pub(super) async fn prepare(&self, sql: &'static str) -> QueryResult<()> {
        let Some(prepared) = &self.prepared else { return Ok(()) };
        self.in_time(self.statement(prepared, sql)).await.map(drop)
    }

    /// Runs statements without parameters, as one message.
    pub(super) async fn batch(&self, sql: &str) -> QueryResult<()> {
        self.in_time(self.client.batch_execute(sql)).await
    }

    /// Runs one statement without parameters; its rows as texts.
    pub(super) async fn texts(&self, sql: &str) -> QueryResult<Vec<Vec<Option<String>>>> {
        let messages = self.in_time(self.client.simple_query(sql)).await?;
        let rows = messages.into_iter().filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|n| row.get(n).map(str::to_owned)).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }

    async fn in_time<T>(&self, asked: impl Future<Output = Result<T, Error>>) -> QueryResult<T> {
        let mut waiting = Waiting {
            connection: self,
            answered: false,
        };
        let answer = tokio::time::timeout(PATIENCE, asked).await;
        waiting.answered = answer.is_ok();
        match answer {
            Ok(answer) => answer.map_err(|error| self.judge(&error)),
            Err(_) => {
                self.doubt_host();
                Err(StoreError::Unavailable("PostgreSQL did not answer in time".to_owned()).into())
            }
        }
    }

    async fn read(&self, sql: &'static str, params: &[Param<'_>]) -> Result<(Vec<Row>, u64), Error> {
        let stream = self.stream(sql, params).await?;
        let mut stream = pin!(stream);
        let mut rows = Vec::new();
        while let Some(row) = stream.next().await {
            let row = row?;
            let values: Result<Vec<Value>, Error> =
                (0..row.len()).map(|column| row.try_get::<_, Value>(column)).collect();
            rows.push(Row::new(values?));
        }
        Ok((rows, stream.rows_affected().unwrap_or(0)))
    }

    async fn stream(&self, sql: &'static str, params: &[Param<'_>]) -> Result<RowStream, Error> {
        let Some(prepared) = &self.prepared else {
            return self.client.query_typed_raw(sql, params.iter().cloned()).await;
        };
        let statement = self.statement(prepared, sql).await?;
        self.client
            .query_raw(&statement, params.iter().map(|(value, _)| *value))
            .await
    }

    async fn statement(&self, prepared: &Statements, sql: &'static str) -> Result<tokio_postgres::Statement, Error> {
        let known = prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(sql)
            .cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        let mut prepared = prepared.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(prepared.entry(sql).or_insert(statement).clone())
    }

    fn judge(&self, error: &Error) -> QueryFailed {
        // Another server takes the writes now, or this one is shutting down: the next connection looks for it.
        let elsewhere = [
            SqlState::READ_ONLY_SQL_TRANSACTION,
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::CANNOT_CONNECT_NOW,
        ];
        let usable = error
            .as_db_error()
            .is_some_and(|refused| !elsewhere.contains(refused.code()) && !is_fatal(refused.parsed_severity()));
        if !usable {
            self.give_up();
        }
        failed(error)
    }
}

/// Closes an unusable connection at once: its driver would wait for the answer, and PostgreSQL would keep the transaction
/// and its locks.
impl Drop for PostgresConnection {
    fn drop(&mut self) {
        if self.broken.load(Ordering::SeqCst) {
            self.driver.abort();
        }
    }
}

/// A wait for an answer. If it is cancelled, the connection is marked as unusable: the next statement would wait for the
/// old answer.
struct Waiting<'a> {
    connection: &'a PostgresConnection,
    answered: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.answered {
            self.connection.give_up();
        }
    }
}

fn is_fatal(severity: Option<Severity>) -> bool {
    matches!(severity, Some(Severity::Fatal | Severity::Panic))
}

/// The error for the caller.
fn failed(error: &Error) -> QueryFailed {
    let Some(refused) = error.as_db_error() else {
        // Without its source it says only "error connecting to server".
        let reason = std::error::Error::source(error).map(|source| format!("{error}: {source}"));
        return StoreError::Unavailable(reason.unwrap_or_else(|| error.to_string())).into();
    };
    let (code, text) = (
        refused.code(),
        format!("{} ({})", refused.message(), refused.code().code()),
    );
    let error = match code.code() {
        "23505" => StoreError::Taken(refused.constraint().unwrap_or(refused.message()).to_owned()),
        "28000" | "28P01" | "3D000" | "42501" | "42P01" | "42703" => StoreError::Unfit(text),
        // A value that no column or index takes is an error of its own work, not of the others in the commit.
        data if ["22", "23", "54"].iter().any(|class| data.starts_with(class)) => StoreError::Corrupt(text),
        _ => StoreError::Unavailable(text),
    };
    let undone = match *code {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Some(Undone::Collided),
        SqlState::LOCK_NOT_AVAILABLE => Some(Undone::Locked),
        _ => None,
    };
    QueryFailed { error, undone }
}

impl From<StoreError> for QueryFailed {
    fn from(error: StoreError) -> Self {
        let undone = None;
        Self { error, undone }
    }
}

impl From<QueryFailed> for StoreError {
    fn from(failed: QueryFailed) -> Self {
        failed.error
    }
}

/// Values as parameters.
pub(super) fn typed(params: &[Value]) -> Vec<Param<'_>> {
    let kind = |value: &Value| match value {
        Value::Null => Type::UNKNOWN,
        Value::Int(_) => Type::INT8,
        Value::Text(_) => Type::TEXT,
        Value::Bytes(_) => Type::BYTEA,
    };
    params
        .iter()
        .map(|value| (value as &(dyn ToSql + Sync), kind(value)))
        .collect()
}

type Conversion<T> = Result<T, Box<dyn std::error::Error + Sync + Send>>;

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Conversion<IsNull> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            // PostgreSQL takes a number beside a literal for a short one.
            Self::Int(number) if *kind == Type::INT4 => i32::try_from(*number)?.to_sql(kind, out),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::TEXT,
            Type::VARCHAR,
            Type::BYTEA,
            Type::UNKNOWN,
        ]
        .contains(kind)
    }

    tokio_postgres::types::to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Conversion<Self> {
        match *kind {
            Type::INT8 => i64::from_sql(kind, raw).map(Self::Int),
            Type::INT4 => i32::from_sql(kind, raw).map(|number| Self::Int(number.into())),
            Type::BOOL => bool::from_sql(kind, raw).map(|truth| Self::Int(truth.into())),
            Type::BYTEA => Vec::from_sql(kind, raw).map(Self::Bytes),
            _ => String::from_sql(kind, raw).map(Self::Text),
        }
    }

    fn from_sql_null(_: &Type) -> Conversion<Self> {
        Ok(Self::Null)
    }

    fn accepts(kind: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::BOOL,
            Type::TEXT,
            Type::VARCHAR,
            Type::BYTEA,
        ]
        .contains(kind)
    }
}
