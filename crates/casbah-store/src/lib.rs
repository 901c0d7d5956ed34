//! The only SQL: transactions, migrations, one file per noun, two databases.
//!
//! Every statement is written once, in the dialect that SQLite and PostgreSQL share, with
//! parameters `?1`, `?2`. A transaction is a plain function that runs on a blocking thread:
//!
//! ```text
//! store.write(move |tx| { alerts::save(tx, tenant, &alert) }).await
//! ```
//!
//! Both databases give serialisable transactions; a conflict is retried, so the function may run
//! twice: it must not draw ids, read the clock, or act outside the database. The tenant is the
//! first argument of every query that touches a tenant's rows. Outside this crate nobody can tell
//! which database is running.

pub mod activities;
pub mod activity_matches;
pub mod administrators;
pub mod alerts;
pub mod api_tokens;
pub mod app_permissions;
pub mod app_role_assignments;
pub mod app_tags;
pub mod application_certificates;
pub mod application_secrets;
pub mod applications;
pub mod apps_in_use;
pub mod arrivals;
pub mod audit;
pub mod authorization_codes;
pub mod backup;
pub mod block_lists;
pub mod browser_sessions;
pub mod credential_warnings;
pub mod credentials;
pub mod custom_apps;
pub mod custom_parsers;
pub mod device_codes;
pub mod discovery_destinations;
pub mod discovery_exclusions;
pub mod discovery_settings;
pub mod discovery_tasks;
pub mod entities;
pub mod federated_credentials;
pub mod files;
pub mod forwarders;
pub mod groups;
pub mod identity_providers;
pub mod ip_ranges;
pub mod ip_tags;
pub mod log_collectors;
pub mod owners;
pub mod pending_sign_ins;
pub mod permission_grants;
pub mod permission_use;
pub mod places;
pub mod policies;
pub mod portal_sessions;
pub mod pushed_requests;
pub mod recovery_codes;
pub mod revoked_tokens;
pub mod saved_queries;
pub mod search;
pub mod second_factors;
pub mod sent_alerts;
pub mod service_principals;
pub mod session_applications;
pub mod sign_in_attempts;
pub mod signing_keys;
pub mod streams;
pub mod tenant_settings;
pub mod tenants;
pub mod token_families;
pub mod uploads;
pub mod upstream_sign_ins;
pub mod usage;
pub mod used_assertions;
pub mod used_challenges;
pub mod used_proofs;
pub mod user_identities;
pub mod user_tags;
pub mod users;

mod batches;
mod conditions;
mod full_text;
mod interrupt;
mod migrations;
mod postgres;
mod reach;
mod sqlite;
#[cfg(test)]
mod tests;
mod value;
mod versions;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use interrupt::{Waiting, Watch};
use tokio::sync::Notify;

pub use migrations::{latest_version, migrate_plan};
pub use places::Places;
pub use search::{Condition, Order, Property, Search};
pub use value::{FromValue, Reader, Row, Value};

/// What can go wrong with the database.
#[derive(Debug)]
pub enum Error {
    /// Another transaction got in the way; running it again may succeed.
    Conflict,
    /// A row with that key exists.
    Duplicate,
    /// The database was written by a newer Casbah.
    TooNew {
        /// Schema version of the database.
        found: i64,
        /// Newest schema version that this binary knows.
        known: i64,
    },
    /// The database refused or cannot be reached. Never shown to callers.
    Database(String),
    /// The query was stopped: nobody waits for it, or its time was over.
    Interrupted,
    /// A row does not hold what its reader expects.
    Shape(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::Conflict => f.write_str("the transaction met another one and must be run again"),
            Error::Interrupted => f.write_str("the query was stopped before its end"),
            Error::Duplicate => f.write_str("a row with that key exists"),
            Error::TooNew { found, known } => write!(
                f,
                "it was written by a newer casbah (schema version {found}, this one knows up to {known}): \
                 start one that is at least as new"
            ),
            Error::Database(text) => write!(f, "database: {text}"),
            Error::Shape(text) => write!(f, "unexpected row: {text}"),
        }
    }
}

impl std::error::Error for Error {}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Where the data lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// In memory, gone with the process.
    Memory,
    /// An SQLite file.
    File(std::path::PathBuf),
    /// A PostgreSQL database; a connection URL, which may hold a password and so is never shown.
    Postgres(String),
}

/// How often a start tries to bring the schema up to date beside other nodes.
const MIGRATION_ATTEMPTS: u32 = 50;

/// A database, open and ready; cheap to clone.
#[derive(Clone)]
pub struct Store {
    backend: Arc<Backend>,
    /// Rung when a transaction of this process stored something that still has to be looked at.
    arrived: Arc<Notify>,
    /// Rung when a transaction of this process stored something that is to be sent elsewhere.
    outgoing: Arc<Notify>,
    /// What is known of addresses.
    places: Arc<OnceLock<Arc<dyn Places>>>,
}

enum Backend {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl Store {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::TooNew`] when a newer Casbah wrote it; [`Error::Database`] when it cannot be opened.
    pub async fn open(location: &Location) -> Result<Store> {
        let backend = match location {
            Location::Memory => Backend::Sqlite(sqlite::Sqlite::memory()?),
            Location::File(path) => Backend::Sqlite(sqlite::Sqlite::file(path)?),
            Location::Postgres(url) => Backend::Postgres(postgres::Postgres::connect(url).await?),
        };
        let store = Store {
            backend: Arc::new(backend),
            arrived: Arc::default(),
            outgoing: Arc::default(),
            places: Arc::default(),
        };
        // Nodes that start at the same moment all try; one wins, the others find it done.
        let mut attempt = 1;
        loop {
            match store.write(migrations::run).await {
                Err(Error::Conflict | Error::Duplicate) if attempt < MIGRATION_ATTEMPTS => {
                    let wait = 20 + casbah_model::random::below(80);
                    tokio::time::sleep(std::time::Duration::from_millis(wait)).await;
                    attempt += 1;
                }
                result => return result.map(|()| store),
            }
        }
    }

    /// From now on activities are completed by what `places` knows of their addresses. The first call counts.
    pub fn set_places(&self, places: Arc<dyn Places>) {
        let _ = self.places.set(places);
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.read(|tx| tx.number("select 1", &[]).map(drop)).await
    }

    /// The version of everything but bulk records: what was read at a version holds as long as this
    /// answers the same. None when other processes write too, so that only a look at the database tells.
    pub fn version(&self) -> Option<u64> {
        match &*self.backend {
            Backend::Sqlite(sqlite) => Some(sqlite.version()),
            Backend::Postgres(_) => None,
        }
    }

    /// Waits until a transaction of this process has stored something that still has to be looked at; what
    /// other processes store is found by looking.
    pub async fn arrival(&self) {
        self.arrived.notified().await;
    }

    /// Waits until a transaction of this process has stored something that is to be sent elsewhere; what other
    /// processes store is found by looking.
    pub async fn outgoing(&self) {
        self.outgoing.notified().await;
    }

    /// Runs a transaction that only reads.
    pub async fn read<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.run(false, work).await
    }

    /// Runs a transaction that writes. When it returns `Ok`, the change is on disk; when it
    /// returns `Err`, nothing was changed.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.run(true, work).await
    }

    async fn run<T, E, F>(&self, write: bool, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let backend = self.backend.clone();
        let arrived = AtomicBool::new(false);
        let bell = self.arrived.clone();
        let leaves = AtomicBool::new(false);
        let door = self.outgoing.clone();
        let handle = tokio::runtime::Handle::current();
        let origin = audit::origin();
        let places = self.places.get().cloned();
        // A change is made whether or not somebody waits to hear of it; a look is not worth going on with.
        let watch = Arc::new(Watch::default());
        let _waiting = (!write).then(|| Waiting(watch.clone()));
        let transaction = move || {
            let work = |tx: &mut Tx<'_>| {
                let result = work(tx);
                arrived.fetch_or(tx.arrived, Ordering::Relaxed);
                leaves.fetch_or(tx.outgoing, Ordering::Relaxed);
                result
            };
            let result = match &*backend {
                Backend::Sqlite(sqlite) => sqlite.transaction(write, &watch, &work),
                Backend::Postgres(postgres) => postgres.transaction(&handle, write, &watch, &work),
            };
            // Too often is harmless: whoever listens looks and finds nothing.
            if arrived.into_inner() {
                bell.notify_one();
            }
            if leaves.into_inner() {
                door.notify_one();
            }
            result
        };
        let joined = tokio::task::spawn_blocking(move || {
            places::with(places, || audit::with_origin(origin, transaction))
        });
        match joined.await {
            Ok(result) => result,
            Err(_) => Err(Error::Database("the transaction did not come to its end".into()).into()),
        }
    }
}

/// A transaction under way.
pub struct Tx<'a> {
    inner: TxInner<'a>,
    watch: &'a Watch,
    /// Whether it changed what a cached answer may stand on.
    changed: bool,
    /// Whether it stored something that still has to be looked at.
    arrived: bool,
    /// Whether it stored something that is to be sent elsewhere.
    outgoing: bool,
}

enum TxInner<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(postgres::Session<'a>),
}

impl Tx<'_> {
    /// Runs a statement; answers how many rows it changed.
    pub fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        self.changed |= !versions::is_quiet(sql);
        self.execute_quietly(sql, values)
    }

    /// Runs a statement that changes nothing on which a cached answer stands, such as a note of use.
    fn execute_quietly(&mut self, sql: &str, values: &[Value]) -> Result<u64> {
        match &mut self.inner {
            TxInner::Sqlite(connection) => sqlite::execute(connection, sql, values),
            TxInner::Postgres(session) => session.execute(sql, values),
        }
    }

    /// Runs a query; answers its rows.
    pub fn rows(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>> {
        match &mut self.inner {
            TxInner::Sqlite(connection) => sqlite::rows(connection, sql, values),
            TxInner::Postgres(session) => session.rows(sql, values),
        }
    }

    /// Runs a query that gives at most one row.
    pub fn row(&mut self, sql: &str, values: &[Value]) -> Result<Option<Row>> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    /// Runs a query that gives one number, such as a count; no row or null is 0.
    pub fn number(&mut self, sql: &str, values: &[Value]) -> Result<i64> {
        match self.row(sql, values)? {
            Some(row) => Ok(row.read().take::<Option<i64>>()?.unwrap_or(0)),
            None => Ok(0),
        }
    }

    /// Runs a part of a transaction that reads, if it is done within that time; none if it is not.
    pub fn within_time<T>(
        &mut self,
        budget: Duration,
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Option<T>> {
        self.savepoint("savepoint budget")?;
        self.watch.set_budget(Some(budget));
        let result = work(self);
        self.watch.set_budget(None);
        match result {
            Err(Error::Interrupted) if !self.watch.is_gone() => {
                self.savepoint("rollback to savepoint budget")?;
                Ok(None)
            }
            other => other.map(Some),
        }
    }

    /// PostgreSQL gives up a transaction in which something failed, unless it can go back.
    fn savepoint(&mut self, statement: &str) -> Result<()> {
        match &mut self.inner {
            TxInner::Sqlite(_) => Ok(()),
            TxInner::Postgres(session) => session.batch(statement),
        }
    }

    /// Runs several statements without parameters; for migrations.
    fn batch(&mut self, sql: &str) -> Result<()> {
        self.changed = true;
        match &mut self.inner {
            TxInner::Sqlite(connection) => connection.execute_batch(sql).map_err(sqlite::error),
            TxInner::Postgres(session) => session.batch(sql),
        }
    }

    fn dialect(&self) -> migrations::Dialect {
        match self.inner {
            TxInner::Sqlite(_) => migrations::Dialect::Sqlite,
            TxInner::Postgres(_) => migrations::Dialect::Postgres,
        }
    }
}
