//! A copy of an SQLite database that was taken at one moment, also while a server writes to it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::{Error, Result, sqlite};

/// Copies the database at `from` to the new file `to` as it is at this moment, and checks the copy;
/// answers its schema version. Whoever writes meanwhile is not held up.
///
/// # Errors
/// [`Error::Database`] when there is no database, when `to` exists, or when the copy is not sound.
pub fn copy(from: &Path, to: &Path) -> Result<i64> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags).map_err(sqlite::error)?;
    source.busy_timeout(std::time::Duration::from_secs(30)).map_err(sqlite::error)?;
    let target = to.to_str().ok_or_else(|| Error::Database("the copy's path is not text".into()))?;
    source.execute("vacuum into ?1", [target]).map_err(sqlite::error)?;
    std::fs::File::open(to).and_then(|file| file.sync_all()).map_err(|e| Error::Database(e.to_string()))?;
    check(to)
}

/// Checks that a file is a sound database; answers its schema version.
///
/// # Errors
/// [`Error::Database`] when it is not.
pub fn check(path: &Path) -> Result<i64> {
    let copy = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(sqlite::error)?;
    let verdict: String =
        copy.query_row("pragma quick_check", [], |row| row.get(0)).map_err(sqlite::error)?;
    if verdict != "ok" {
        return Err(Error::Database(format!("the copy is damaged: {verdict}")));
    }
    copy.query_row("select max(version) from schema_version", [], |row| row.get(0)).map_err(sqlite::error)
}
