//! The use cases: one function per thing a person or program can ask for.
//!
//! Each takes the caller (whose permission the edge has already checked against its table), runs
//! one transaction and writes an audit record in it. Knows no status codes, JSON names or markup.

pub mod about;
pub mod activities;
pub mod administrators;
pub mod alerts;
pub mod api_tokens;
pub mod app_permissions;
pub mod bootstrap;
pub mod catalogue;
pub mod credential_expiry;
pub mod detection;
pub mod directory;
pub mod discovery;
pub mod entities;
mod error;
pub mod exports;
pub mod files;
pub mod forwarders;
mod geoip;
pub mod ip_ranges;
pub mod permission_use;
pub mod policies;
mod report_health;
mod retention;
pub mod saved_queries;
pub mod sent_alerts;
mod signing_keys;
pub mod tasks;
mod throttle;
pub mod uploads;
pub mod user_groups;

use std::path::PathBuf;
use std::sync::Arc;

use casbah_authority::Authority;
use casbah_model::Clock;
use casbah_store::Store;
use tokio::sync::Notify;

pub use error::Error;
pub use throttle::ThrottleSettings;

/// What an operator can set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Public origin, scheme and host and port, without a final slash.
    pub public_url: String,
    /// Folder for uploaded logs until they are parsed.
    pub uploads: PathBuf,
    /// Largest uploaded file, in bytes.
    pub upload_limit: u64,
}

/// The use cases, ready to be called; cheap to clone.
#[derive(Clone)]
pub struct Service {
    store: Store,
    authority: Arc<Authority>,
    clock: Clock,
    settings: Arc<Settings>,
    /// Id or domain of the tenant whose administrators look after the installation.
    operator_tenant: Option<String>,
    /// Rung when a task was queued, so that the worker of this node need not wait for its next look.
    tasks: Arc<Notify>,
    /// Permissions that were seen in use this hour.
    used: Arc<permission_use::ThisHour>,
    catalogue: Arc<catalogue::Current>,
    tailored: Arc<discovery::Tailored>,
    geoip: Arc<geoip::Geoip>,
    throttle: throttle::Throttle,
    /// Bytes that a compressed log may hold.
    inflated_limit: u64,
}

/// Bytes that a compressed log may hold, unless it is said otherwise: 50 GiB.
pub const INFLATED_LIMIT: u64 = 50 << 30;

impl Service {
    /// Puts the parts together.
    pub fn new(store: Store, authority: Arc<Authority>, clock: Clock, settings: Settings) -> Service {
        Service {
            store,
            authority,
            clock,
            settings: Arc::new(settings),
            operator_tenant: None,
            tasks: Arc::default(),
            used: Arc::default(),
            catalogue: Arc::default(),
            tailored: Arc::default(),
            geoip: Arc::default(),
            throttle: throttle::Throttle::default(),
            inflated_limit: INFLATED_LIMIT,
        }
    }

    /// The same, with the apps of a file instead of the catalogue that ships with us.
    ///
    /// # Errors
    /// One line that says what is wrong with the file.
    pub fn with_catalogue(self, file: PathBuf) -> Result<Service, String> {
        Ok(Service { catalogue: Arc::new(catalogue::Current::open(file)?), ..self })
    }

    /// The same, for compressed logs that hold up to so many bytes.
    #[must_use]
    pub fn inflating_to(self, inflated_limit: u64) -> Service {
        Service { inflated_limit, ..self }
    }

    /// The same, with so many calls of a tenant in a minute.
    #[must_use]
    pub fn throttled(self, settings: ThrottleSettings) -> Service {
        Service { throttle: throttle::Throttle::new(settings), ..self }
    }

    /// How many calls of a tenant there may be in a minute.
    pub fn throttle_settings(&self) -> ThrottleSettings {
        self.throttle.settings()
    }

    /// Lets a call of the Cloud Apps API through.
    ///
    /// # Errors
    /// How long to wait, when the tenant has made too many in this minute.
    pub async fn pass(&self, tenant: casbah_model::TenantId) -> Result<(), std::time::Duration> {
        self.throttle.pass(tenant).await
    }

    /// The same, operated by the administrators of the tenant with that id or domain. Without it, only an
    /// installation with a single tenant is operated from within.
    #[must_use]
    pub fn operated_by(self, tenant: Option<String>) -> Service {
        Service { operator_tenant: tenant, ..self }
    }

    /// The authority that checks who calls.
    pub fn authority(&self) -> &Arc<Authority> {
        &self.authority
    }

    /// The one clock.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What the operator set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
