//! SQLite: one connection that writes, a few that read beside it (WAL mode).

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql, ffi};

use crate::interrupt::Watch;
use crate::{Error, Result, Row, Tx, TxInner, Value};

/// Readers kept open. More would only wait for the two cores.
const READERS: usize = 4;

pub(crate) struct Sqlite {
    writer: Mutex<Connection>,
    /// `None` for a database in memory, which only its own connection sees.
    readers: Option<Readers>,
    /// Changes since the start. No other process writes: the data folder is locked.
    version: AtomicU64,
}

struct Readers {
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Sqlite {
    pub(crate) fn memory() -> Result<Sqlite> {
        let writer = Connection::open_in_memory().map_err(error)?;
        prepare(&writer)?;
        Ok(Sqlite { writer: Mutex::new(writer), readers: None, version: AtomicU64::new(0) })
    }

    pub(crate) fn file(path: &Path) -> Result<Sqlite> {
        let writer = Connection::open(path).map_err(error)?;
        writer.pragma_update(None, "journal_mode", "wal").map_err(error)?;
        // FULL: an acknowledged write survives a loss of power, not only of the process.
        writer.pragma_update(None, "synchronous", "full").map_err(error)?;
        prepare(&writer)?;
        let mut idle = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let reader = Connection::open_with_flags(path, flags).map_err(error)?;
            prepare(&reader)?;
            idle.push(reader);
        }
        let readers = Readers { idle: Mutex::new(idle), returned: Condvar::new() };
        Ok(Sqlite { writer: Mutex::new(writer), readers: Some(readers), version: AtomicU64::new(0) })
    }

    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::SeqCst)
    }

    pub(crate) fn transaction<T, E, F>(&self, write: bool, watch: &Arc<Watch>, work: &F) -> Result<T, E>
    where
        E: From<Error>,
        F: Fn(&mut Tx<'_>) -> Result<T, E>,
    {
        match &self.readers {
            Some(readers) if !write => {
                let mut reader = readers.take();
                watched(&mut reader, Some(watch))?;
                let result = run(&reader, "begin", watch, work, &self.version);
                watched(&mut reader, None)?;
                readers.give_back(reader);
                result
            }
            _ => {
                // A panic inside a transaction was rolled back by `run`'s guard; the connection is sound.
                let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
                watched(&mut writer, Some(watch))?;
                let result = run(&writer, "begin immediate", watch, work, &self.version);
                watched(&mut writer, None)?;
                result
            }
        }
    }
}

impl Readers {
    fn take(&self) -> Connection {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match idle.pop() {
                Some(connection) => return connection,
                None => idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn give_back(&self, connection: Connection) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        self.returned.notify_one();
    }
}

/// Steps of SQLite's machine after which a query asks whether it is to go on: about a millisecond.
const STEPS: i32 = 20_000;

/// Has a query asked whether it is to go on; none takes the question away.
fn watched(connection: &mut Connection, watch: Option<&Arc<Watch>>) -> Result<()> {
    let asked = watch.map(Arc::clone).map(|watch| move || watch.is_over());
    connection.progress_handler(if asked.is_some() { STEPS } else { 0 }, asked).map_err(error)
}

/// Rolls back unless told that all went well, also when the work panics.
struct Rollback<'a>(Option<&'a Connection>);

impl Drop for Rollback<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.0 {
            let _ = connection.execute_batch("rollback");
        }
    }
}

fn run<T, E, F>(
    connection: &Connection,
    begin: &str,
    watch: &Arc<Watch>,
    work: &F,
    version: &AtomicU64,
) -> Result<T, E>
where
    E: From<Error>,
    F: Fn(&mut Tx<'_>) -> Result<T, E>,
{
    connection.execute_batch(begin).map_err(error)?;
    let mut guard = Rollback(Some(connection));
    let mut tx =
        Tx { inner: TxInner::Sqlite(connection), watch, changed: false, arrived: false, outgoing: false };
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&mut tx)));
    match result {
        Ok(Ok(value)) => {
            connection.execute_batch("commit").map_err(error)?;
            guard.0 = None;
            if tx.changed {
                // Before whoever made the change hears that it was made.
                version.fetch_add(1, Ordering::SeqCst);
            }
            Ok(value)
        }
        Ok(Err(e)) => Err(e),
        Err(_) => Err(Error::Database("a transaction panicked".into()).into()),
    }
}

fn prepare(connection: &Connection) -> Result<()> {
    connection.busy_timeout(Duration::from_secs(30)).map_err(error)?;
    connection.set_prepared_statement_cache_capacity(256);
    // Otherwise a statement that looks up part of a key is compiled again each time it is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(error)?;
    connection.pragma_update(None, "foreign_keys", "on").map_err(error)
}

pub(crate) fn execute(connection: &Connection, sql: &str, values: &[Value]) -> Result<u64> {
    let mut statement = connection.prepare_cached(sql).map_err(error)?;
    let changed = statement.execute(rusqlite::params_from_iter(values)).map_err(error)?;
    Ok(changed as u64)
}

pub(crate) fn rows(connection: &Connection, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(sql).map_err(error)?;
    let columns = statement.column_count();
    let mut found = statement.query(rusqlite::params_from_iter(values)).map_err(error)?;
    let mut out = Vec::new();
    while let Some(row) = found.next().map_err(error)? {
        let mut values = Vec::with_capacity(columns);
        for column in 0..columns {
            values.push(match row.get_ref(column).map_err(error)? {
                ValueRef::Null => Value::Null,
                ValueRef::Integer(n) => Value::Int(n),
                ValueRef::Real(x) => Value::Real(x),
                ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
            });
        }
        out.push(Row(values));
    }
    Ok(out)
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(n) => ValueRef::Integer(*n),
            Value::Real(x) => ValueRef::Real(*x),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

pub(crate) fn error(e: rusqlite::Error) -> Error {
    if let rusqlite::Error::SqliteFailure(failure, _) = &e {
        if matches!(failure.extended_code, ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE)
        {
            return Error::Duplicate;
        }
        if failure.code == ffi::ErrorCode::OperationInterrupted {
            return Error::Interrupted;
        }
        if matches!(failure.code, ffi::ErrorCode::DatabaseBusy | ffi::ErrorCode::DatabaseLocked) {
            return Error::Conflict;
        }
    }
    Error::Database(e.to_string())
}

#[cfg(test)]
mod tests {
    use rusqlite::{Connection, StatementStatus};

    /// Compiling a statement costs several times as much as running it.
    #[test]
    fn a_cached_statement_is_compiled_once() {
        let connection = Connection::open_in_memory().unwrap();
        super::prepare(&connection).unwrap();
        connection.execute_batch("create table t (a text, b int, primary key (a, b)) without rowid").unwrap();
        let sql = "select b from t where a = ?1 order by b";
        for word in ["x", "y", "z"] {
            super::rows(&connection, sql, &[word.into()]).unwrap();
        }
        let statement = connection.prepare_cached(sql).unwrap();
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
