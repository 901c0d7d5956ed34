//! PostgreSQL: a small pool of connections, serialisable transactions, retries.

use std::error::Error as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut};
use tokio_postgres::{Client, NoTls, Statement};

use crate::interrupt::Watch;
use crate::{Error, Result, Row, Tx, TxInner, Value};

/// Connections that one node opens at the most.
const CONNECTIONS: usize = 8;
/// How often a transaction that met another one is run again.
const ATTEMPTS: u32 = 12;

pub(crate) struct Postgres {
    config: tokio_postgres::Config,
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

struct Connection {
    client: Client,
    /// Statements already prepared on this connection, by their text.
    prepared: std::collections::HashMap<String, Statement>,
}

impl Postgres {
    pub(crate) async fn connect(url: &str) -> Result<Postgres> {
        let mut config: tokio_postgres::Config =
            url.parse().map_err(|_| Error::Database("the database URL cannot be read".into()))?;
        config.application_name("casbah");
        let postgres = Postgres { config, idle: Mutex::default(), permits: Semaphore::new(CONNECTIONS) };
        let first = postgres.open().await?;
        postgres.give_back(first);
        Ok(postgres)
    }

    async fn open(&self) -> Result<Connection> {
        let (client, driver) = self.config.connect(NoTls).await.map_err(error)?;
        tokio::spawn(async move {
            if let Err(e) = driver.await {
                tracing::warn!(error = %e, "a database connection ended");
            }
        });
        Ok(Connection { client, prepared: std::collections::HashMap::new() })
    }

    fn give_back(&self, connection: Connection) {
        if !connection.client.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    pub(crate) fn transaction<T, E, F>(
        &self,
        handle: &Handle,
        write: bool,
        watch: &Watch,
        work: &F,
    ) -> Result<T, E>
    where
        E: From<Error>,
        F: Fn(&mut Tx<'_>) -> Result<T, E>,
    {
        let permit = handle.block_on(self.permits.acquire());
        let _permit = permit.map_err(|_| Error::Database("the connection pool is closed".into()))?;
        if watch.is_gone() {
            return Err(Error::Interrupted.into());
        }
        let mut attempt = 1;
        loop {
            match self.attempt(handle, write, watch, work) {
                Attempt::Done(result) => return result,
                Attempt::Conflict if attempt < ATTEMPTS => {
                    let most = 2u64.saturating_pow(attempt).min(200);
                    std::thread::sleep(Duration::from_millis(1 + casbah_model::random::below(most)));
                    attempt += 1;
                }
                Attempt::Conflict => return Err(Error::Conflict.into()),
            }
        }
    }

    fn attempt<T, E, F>(&self, handle: &Handle, write: bool, watch: &Watch, work: &F) -> Attempt<T, E>
    where
        E: From<Error>,
        F: Fn(&mut Tx<'_>) -> Result<T, E>,
    {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut connection = match idle.filter(|c| !c.client.is_closed()) {
            Some(connection) => connection,
            None => match handle.block_on(self.open()) {
                Ok(connection) => connection,
                Err(e) => return Attempt::Done(Err(e.into())),
            },
        };
        let begin = if write {
            "begin isolation level serializable"
        } else {
            // A snapshot is serialisable for a reader that need not see the latest of two writers.
            "begin isolation level repeatable read read only"
        };
        if let Err(e) = handle.block_on(connection.client.batch_execute(begin)) {
            return Attempt::Done(Err(error(e).into()));
        }
        let session = Session { handle, watch, connection: &mut connection, conflict: false };
        let mut tx =
            Tx { inner: TxInner::Postgres(session), watch, changed: false, arrived: false, outgoing: false };
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&mut tx)));
        let conflict = matches!(&tx.inner, TxInner::Postgres(session) if session.conflict);
        let outcome = match worked {
            Err(_) => Attempt::Done(Err(Error::Database("a transaction panicked".into()).into())),
            Ok(_) if conflict => Attempt::Conflict,
            Ok(Err(e)) => Attempt::Done(Err(e)),
            Ok(Ok(value)) => {
                match handle.block_on(connection.client.batch_execute("commit")).map_err(error) {
                    Ok(()) => {
                        self.give_back(connection);
                        return Attempt::Done(Ok(value));
                    }
                    Err(Error::Conflict) => Attempt::Conflict,
                    Err(e) => Attempt::Done(Err(e.into())),
                }
            }
        };
        if handle.block_on(connection.client.batch_execute("rollback")).is_ok() {
            self.give_back(connection);
        }
        outcome
    }
}

enum Attempt<T, E> {
    Done(Result<T, E>),
    Conflict,
}

/// A transaction under way on one connection.
pub(crate) struct Session<'a> {
    handle: &'a Handle,
    watch: &'a Watch,
    connection: &'a mut Connection,
    /// Whether a statement met another transaction: then all is run again, whatever the work made of it.
    conflict: bool,
}

impl Session<'_> {
    pub(crate) fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        let statement = self.prepare(sql)?;
        let done = self.handle.block_on(self.connection.client.execute(&statement, &parameters(values)));
        done.map_err(|e| self.failed(e))
    }

    pub(crate) fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        let client = &self.connection.client;
        let found = self.handle.block_on(async {
            let parameters = parameters(values);
            let mut query = std::pin::pin!(client.query(&statement, &parameters));
            tokio::select! {
                found = &mut query => found,
                () = self.watch.over() => {
                    // The server ends the query, and says so where its rows would be.
                    let _ = client.cancel_token().cancel_query(NoTls).await;
                    query.await
                }
            }
        });
        let rows = found.map_err(|e| self.failed(e))?;
        rows.iter()
            .map(|row| {
                let values = (0..row.len()).map(|i| row.try_get(i).map_err(|e| Error::Shape(e.to_string())));
                values.collect::<Result<Vec<Value>>>().map(Row)
            })
            .collect()
    }

    pub(crate) fn batch(&mut self, sql: &str) -> Result<()> {
        let done = self.handle.block_on(self.connection.client.batch_execute(sql));
        done.map_err(|e| self.failed(e))
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.connection.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let prepared = self.handle.block_on(self.connection.client.prepare(&numbered(sql)));
        let statement = prepared.map_err(|e| self.failed(e))?;
        self.connection.prepared.insert(sql.to_string(), statement.clone());
        Ok(statement)
    }

    fn failed(&mut self, e: tokio_postgres::Error) -> Error {
        let e = error(e);
        self.conflict |= matches!(e, Error::Conflict);
        e
    }
}

/// `?1` becomes `$1`; a question mark inside a quoted text stays.
fn numbered(sql: &str) -> String {
    let mut quoted = false;
    sql.chars()
        .map(|c| {
            quoted ^= c == '\'';
            if c == '?' && !quoted { '$' } else { c }
        })
        .collect()
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values.iter().map(|v| v as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(n) if *ty == Type::INT4 => i32::try_from(*n)?.to_sql(ty, out),
            Value::Int(n) if *ty == Type::FLOAT8 => (*n as f64).to_sql(ty, out),
            Value::Int(n) => n.to_sql(ty, out),
            Value::Real(x) => x.to_sql(ty, out),
            Value::Text(text) => text.to_sql(ty, out),
            Value::Bytes(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT4 | Type::INT8 | Type::FLOAT8 | Type::TEXT | Type::VARCHAR | Type::BYTEA)
    }

    tokio_postgres::types::to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> std::result::Result<Value, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *ty {
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::FLOAT8 => Value::Real(f64::from_sql(ty, raw)?),
            Type::BOOL => Value::Int(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Value::Bytes(Vec::from_sql(ty, raw)?),
            _ => Value::Text(String::from_sql(ty, raw)?),
        })
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Value, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Value::Null)
    }

    fn accepts(ty: &Type) -> bool {
        <Value as ToSql>::accepts(ty) || *ty == Type::BOOL
    }
}

fn error(e: tokio_postgres::Error) -> Error {
    match e.code() {
        Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED) => Error::Conflict,
        Some(&SqlState::QUERY_CANCELED) => Error::Interrupted,
        Some(&SqlState::UNIQUE_VIOLATION) => Error::Duplicate,
        _ => Error::Database(match e.source() {
            Some(cause) => format!("{e}: {cause}"),
            None => e.to_string(),
        }),
    }
}
