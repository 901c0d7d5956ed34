//! The server: puts store, authority, service and pages together, and serves them over TLS.
//!
//! `casbah serve`, `casbah dev` and `casbah demo` all start it through [`start`].

mod folder;
mod layers;
mod logs;
mod metrics;
mod operations;
mod origin;
mod tls;

pub use folder::{DEVELOPMENT_MARK, read_master_key, write_private};

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::RustlsConfig;
use casbah_authority::{Authority, Outbound, OutboundSettings};
use casbah_model::{Clock, ClockSetting};
use casbah_service::Service;
use casbah_store::{Location, Store};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::forwarding;

/// Why the server did not start: one line that says what to do.
#[derive(Debug)]
pub struct StartError(pub String);

impl std::fmt::Display for StartError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// A server that is up.
pub struct Running {
    /// Its public origin, without a final slash.
    pub url: String,
    /// Folder with everything that it keeps.
    pub data_dir: PathBuf,
    /// The certificate that clients must trust, PEM.
    pub ca_certificate: PathBuf,
    /// The use cases, for what is done in this process.
    pub service: Service,
    handle: Handle<SocketAddr>,
    draining: Arc<AtomicBool>,
    grace: Duration,
    stop_work: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    serving: JoinHandle<std::io::Result<()>>,
    _lock: File,
}

/// Starts the server; when it returns, requests are answered.
///
/// # Errors
/// One line that names the setting to change.
pub async fn start(config: Config) -> Result<Running, StartError> {
    logs::start(config.log_format, &config.log)?;
    // Several crates ask rustls for "the" provider; they all get this one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    refuse_unsafe(&config)?;
    let listener = bind(config.listen)?;
    let listen = listener.local_addr().map_err(|e| StartError(format!("the listening socket: {e}")))?;
    let url = config.public_url.clone().unwrap_or_else(|| match listen.port() {
        443 => "https://localhost".to_string(),
        port => format!("https://localhost:{port}"),
    });
    let lock = folder::open(&config.data_dir, config.development)?;
    if config.clock.setting() != ClockSetting::System {
        tracing::warn!(now = %config.clock.now(), "test mode: the clock is not the machine's");
    }

    let store = open_store(&config.database).await?;
    let key_file = config.master_key_file.clone().unwrap_or_else(|| config.data_dir.join("master.key"));
    let settings =
        casbah_authority::Settings { public_url: url.clone(), master_key: folder::master_key(&key_file)? };
    let authority = Authority::open(store.clone(), config.clock, settings).await.map_err(|e| {
        StartError(format!("the signing keys cannot be read with {}: {e}", key_file.display()))
    })?;
    let authority = authority.with_outbound(outbound(&config)?);
    let uploads = config.data_dir.join("uploads");
    let settings =
        casbah_service::Settings { public_url: url.clone(), uploads, upload_limit: config.upload_limit };
    let mut service = Service::new(store, Arc::new(authority), config.clock, settings)
        .operated_by(config.operator_tenant.clone())
        .inflating_to(config.inflated_limit)
        .throttled(config.throttle);
    if let Some(file) = &config.catalogue {
        service = service.with_catalogue(file.clone()).map_err(StartError)?;
    }
    if !config.geoip.is_empty() {
        service = service.with_geoip(config.geoip.clone()).map_err(StartError)?;
    }
    let completed = service.complete_tenants().await;
    completed.map_err(|e| StartError(format!("the tenants cannot be completed: {e}")))?;
    if let Some(path) = &config.bootstrap {
        apply_bootstrap(&service, path).await?;
    }

    if !config.development && service.list_tenants().await.is_ok_and(|tenants| tenants.is_empty()) {
        tracing::warn!(
            "there is no tenant yet, so nobody can sign in: start with --bootstrap FILE (docs/bootstrap.md)"
        );
    }
    // What this node worked on when it died can be taken up at once, by any node.
    let released = service.release_leases_of_this_node().await;
    released.map_err(|e| StartError(format!("the upload folder cannot be used: {e}")))?;

    let draining = Arc::new(AtomicBool::new(false));
    let metrics = metrics::Metrics::new();
    let app = layers::wrap(router(&service, &draining), metrics.clone(), config.behind_proxy);
    let (stop_work, stopped) = watch::channel(false);
    let mut workers = start_workers(&service, &stopped);
    if let Some(address) = config.metrics_listen {
        workers.push(serve_metrics(address, metrics, stopped.clone())?);
    }

    let handle = Handle::new();
    let make = app.into_make_service_with_connect_info::<SocketAddr>();
    let socket = |e: std::io::Error| StartError(format!("the listening socket: {e}"));
    let ca_certificate;
    // Otherwise the first answer of a connection waits for the client to acknowledge what ends the handshake.
    let at_once = NoDelayAcceptor::new();
    let serving = if config.behind_proxy {
        ca_certificate = PathBuf::new();
        let server = axum_server::from_tcp(listener).map_err(socket)?;
        let mut server = server.acceptor(at_once).handle(handle.clone());
        layers::limit_slow_clients(server.http_builder());
        tokio::spawn(server.serve(make))
    } else {
        let host =
            url::Url::parse(&url).ok().and_then(|u| u.host_str().map(str::to_string)).unwrap_or_default();
        // Clients check certificates against the machine's time, whatever a test sets ours to.
        let files = tls::files(&config.data_dir, config.tls.as_ref(), &host, Clock::system().now())?;
        let live = RustlsConfig::from_config(tls::load(&files)?);
        ca_certificate = files.authority.clone();
        workers.push(until_stopped(stopped, tls::reload_when_changed(files, live.clone())));
        let server = axum_server::tls_rustls::from_tcp_rustls(listener, live).map_err(socket)?;
        let mut server = server.map(|tls| tls.acceptor(at_once)).handle(handle.clone());
        layers::limit_slow_clients(server.http_builder());
        tokio::spawn(server.serve(make))
    };
    handle.listening().await;
    tracing::info!(%url, %listen, version = env!("CARGO_PKG_VERSION"), "ready");
    let data_dir = config.data_dir;
    let grace = config.shutdown_grace;
    Ok(Running {
        url,
        data_dir,
        ca_certificate,
        service,
        handle,
        draining,
        grace,
        stop_work,
        workers,
        serving,
        _lock: lock,
    })
}

impl Running {
    /// Serves until the process is asked to stop (Ctrl-C or SIGTERM), then finishes the work in hand.
    pub async fn until_stopped(self) {
        let interrupt = tokio::signal::ctrl_c();
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => {
                tokio::select! { _ = interrupt => {}, _ = terminate.recv() => {} }
            }
            Err(_) => {
                let _ = interrupt.await;
            }
        }
        self.stop().await;
    }

    /// Stops taking requests, finishes those in hand (within the grace time) and the jobs.
    pub async fn stop(self) {
        tracing::info!(in_hand = self.handle.connection_count(), "stopping");
        self.draining.store(true, Ordering::SeqCst);
        self.handle.graceful_shutdown(Some(self.grace));
        let _ = self.serving.await;
        if let Err(e) = self.service.authority().flush_sign_ins().await {
            tracing::error!(error = %e, "sign-ins were not written to the audit trail");
        }
        let _ = self.stop_work.send(true);
        // A large log takes longer than anyone wants to wait: its task stays queued, and is done later.
        let workers = async {
            for worker in self.workers {
                let _ = worker.await;
            }
        };
        if tokio::time::timeout(self.grace, workers).await.is_err() {
            tracing::warn!("work was left unfinished; it goes on at the next start");
        }
        tracing::info!("stopped");
    }
}

/// `serve` refuses what would be unsafe, and names the remedy.
fn refuse_unsafe(config: &Config) -> Result<(), StartError> {
    let local = config.listen.ip().is_loopback();
    if config.behind_proxy && !local {
        return Err(StartError(format!(
            "behind_proxy serves plain HTTP, so it listens on loopback only: set --listen 127.0.0.1:{}",
            config.listen.port()
        )));
    }
    if config.behind_proxy && config.public_url.is_none() {
        return Err(StartError(
            "behind_proxy needs the origin that the proxy serves: set --public-url https://…".into(),
        ));
    }
    if config.behind_proxy && config.tls.is_some() {
        return Err(StartError(
            "behind_proxy serves plain HTTP: remove tls_certificate and tls_key, or the flag".into(),
        ));
    }
    if !local && config.public_url.is_none() {
        return Err(StartError(format!(
            "listening on {} lets other machines in, so tokens need the name that they use: set --public-url https://…",
            config.listen
        )));
    }
    if config.development && !local {
        return Err(StartError(format!(
            "dev and demo have secrets that everybody knows, so they listen on loopback only, not on {}",
            config.listen
        )));
    }
    Ok(())
}

fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    let listener = TcpListener::bind(address).map_err(|e| {
        let remedy = match e.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program uses that port: stop it, or choose another with --listen"
            }
            std::io::ErrorKind::PermissionDenied => {
                "ports below 1024 need a privilege: choose another with --listen"
            }
            _ => "choose another with --listen",
        };
        StartError(format!("cannot listen on {address}: {e}; {remedy}"))
    })?;
    listener.set_nonblocking(true).map_err(|e| StartError(format!("the listening socket: {e}")))?;
    Ok(listener)
}

/// How Casbah calls others: the issuers of federated credentials, webhooks, SIEMs.
fn outbound(config: &Config) -> Result<Outbound, StartError> {
    let shown = config.outbound_ca.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let unusable = |why: String| StartError(format!("outbound_ca {shown} cannot be used: {why}"));
    let authorities = match &config.outbound_ca {
        Some(path) => std::fs::read(path).map_err(|e| unusable(e.to_string()))?,
        None => Vec::new(),
    };
    if authorities.is_empty() && config.outbound_ca.is_some() {
        return Err(unusable("it is empty".to_string()));
    }
    Outbound::new(&OutboundSettings { allowed: config.outbound_allow.clone(), authorities }).map_err(unusable)
}

async fn open_store(location: &Location) -> Result<Store, StartError> {
    Store::open(location).await.map_err(|e| {
        let place = match location {
            Location::File(path) => format!("the database {}", path.display()),
            Location::Memory => "the database in memory".to_string(),
            // The URL may hold a password.
            Location::Postgres(_) => "the database of database_url".to_string(),
        };
        StartError(format!("{place} cannot be opened: {e}"))
    })
}

async fn apply_bootstrap(service: &Service, path: &std::path::Path) -> Result<(), StartError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| StartError(format!("the bootstrap file {shown} cannot be read: {e}")))?;
    let applied = service.apply_bootstrap(&text).await;
    applied.map_err(|e| StartError(format!("the bootstrap file {shown}: {e}")))?;
    tracing::info!(file = %shown, "the bootstrap file was applied");
    Ok(())
}

fn router(service: &Service, draining: &Arc<AtomicBool>) -> Router {
    Router::new()
        .merge(operations::router(service.clone(), draining.clone()))
        .merge(casbah_api::identity::router(service.authority().clone()))
        .merge(casbah_api::graph::router(service.clone()))
        .merge(casbah_api::resource_manager::router(service.clone()))
        .merge(casbah_api::router(service.clone()))
        .merge(casbah_portal::router(service.clone(), casbah_api::router(service.clone())))
}

/// The jobs of this node: the parser of uploaded logs, the policies on activities, what sends records elsewhere, the
/// rotation of signing keys, and forgetting what has ended.
fn start_workers(service: &Service, stopped: &watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
    let parser = tokio::spawn({
        let (service, stopped) = (service.clone(), stopped.clone());
        async move { service.work(stopped).await }
    });
    let detector = tokio::spawn({
        let (service, stopped) = (service.clone(), stopped.clone());
        async move { service.watch_arrivals(stopped).await }
    });
    let authority = service.authority().clone();
    let cases = service.clone();
    let rotation = until_stopped(stopped.clone(), async move {
        let mut tick = tokio::time::interval(Duration::from_secs(60));
        for minute in 0_u64.. {
            tick.tick().await;
            if let Err(e) = authority.rotate_if_due().await {
                tracing::error!(error = %e, "the signing keys could not be rotated");
            }
            if let Err(e) = authority.flush_sign_ins().await {
                tracing::error!(error = %e, "sign-ins were not written to the audit trail");
            }
            cases.refresh_geoip().await;
            if minute % 10 == 0
                && let Err(e) = cases.watch_credentials().await
            {
                tracing::error!(error = %e, "the ends of credentials could not be watched");
            }
            if minute % 30 == 0
                && let Err(e) = cases.watch_reports().await
            {
                tracing::error!(error = %e, "the reports could not be watched");
            }
            if minute % 60 == 0
                && let Err(e) = cases.forget_old_records().await
            {
                tracing::error!(error = %e, "old records could not be forgotten");
            }
            if minute % 10 == 0
                && let Err(e) = cases.refresh_scores().await
            {
                tracing::error!(error = %e, "the scores of people and accounts could not be computed");
            }
            if minute % 60 == 0
                && let Err(e) = authority.remove_ended().await
            {
                tracing::error!(error = %e, "codes, sessions and tokens that ended could not be removed");
            }
        }
    });
    let forwarders = tokio::spawn(forwarding::run(service.clone(), stopped.clone()));
    vec![parser, detector, forwarders, rotation]
}

fn until_stopped(
    mut stopped: watch::Receiver<bool>,
    work: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::select! { () = work => {}, _ = stopped.wait_for(|yes| *yes) => {} }
    })
}

fn serve_metrics(
    address: SocketAddr,
    metrics: metrics::Metrics,
    stopped: watch::Receiver<bool>,
) -> Result<JoinHandle<()>, StartError> {
    let refused = |e: std::io::Error| {
        StartError(format!(
            "cannot listen on {address} for metrics: {e}; choose another with --metrics-listen, or off"
        ))
    };
    let listener = TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    let listen = listener.local_addr().map_err(refused)?;
    tracing::info!(%listen, "metrics");
    let server = axum_server::from_tcp(listener).map_err(refused)?;
    Ok(until_stopped(stopped, async move {
        if let Err(e) = server.serve(metrics.router().into_make_service()).await {
            tracing::error!(error = %e, "the metrics listener ended");
        }
    }))
}
