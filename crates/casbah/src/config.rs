//! The settings of the server, from `casbah.toml`, the environment and the command line.
//!
//! One table, [`SETTINGS`], names each setting once: its key in the file, its variable
//! (`CASBAH_` and the key in capitals) and its flag. Later sources win. Every error names the key
//! as it was written and says what is wanted.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use casbah_authority::Allowed;
use casbah_model::{Clock, ClockSetting};
use casbah_service::ThrottleSettings;
use casbah_store::Location;

/// One setting.
pub struct Setting {
    /// Its key in `casbah.toml`; with dashes it is the flag, in capitals the variable.
    pub key: &'static str,
    /// What it means, for `casbah serve --help`.
    pub help: &'static str,
    /// Example or form of the value; empty for a switch.
    pub value: &'static str,
}

const fn setting(key: &'static str, value: &'static str, help: &'static str) -> Setting {
    Setting { key, help, value }
}

/// Every setting of the server.
pub const SETTINGS: &[Setting] = &[
    setting("listen", "ADDRESS:PORT", "Where to listen [default: 127.0.0.1:8443]"),
    setting("public_url", "URL", "Origin under which clients reach Casbah [default: https://localhost:PORT]"),
    setting(
        "data_dir",
        "DIR",
        "Folder for the database, keys, certificates and uploads [default: casbah-data]",
    ),
    setting("database_url", "URL", "PostgreSQL instead of SQLite in the data directory: postgres://…"),
    setting(
        "master_key_file",
        "FILE",
        "The key that seals secrets at rest [default: DIR/master.key, made on first start]",
    ),
    setting(
        "tls_certificate",
        "FILE",
        "PEM certificate chain of your own, instead of Casbah's own authority",
    ),
    setting("tls_key", "FILE", "PEM private key that belongs to --tls-certificate"),
    setting("behind_proxy", "", "Plain HTTP, for a proxy on this machine that terminates TLS"),
    setting(
        "metrics_listen",
        "ADDRESS:PORT",
        "Where /metrics answers, loopback only, or `off` [default: 127.0.0.1:9464]",
    ),
    setting("upload_limit", "BYTES", "Largest uploaded log [default: 5368709120, 5 GiB]"),
    setting(
        "inflated_limit",
        "BYTES",
        "Most bytes that a compressed log may hold [default: 53687091200, 50 GiB]",
    ),
    setting(
        "catalogue",
        "FILE",
        "Catalogue of apps instead of the one that ships with Casbah; read again when it changes",
    ),
    setting("log_format", "json|text", "Form of the log [default: text on a terminal, else json]"),
    setting("log", "FILTER", "What is logged, for example info or casbah=debug [default: info]"),
    setting(
        "shutdown_grace",
        "SECONDS",
        "How long requests in hand may take after a stop was asked for [default: 30]",
    ),
    setting(
        "geoip",
        "FILE[,FILE]",
        "Databases of addresses in MaxMind's format: countries or cities, and networks [default: none]",
    ),
    setting(
        "outbound_allow",
        "LIST",
        "Private hosts and address ranges that Casbah may call, with commas: idp.corp.example,10.1.0.0/16",
    ),
    setting("outbound_ca", "FILE", "PEM certificates that Casbah's own calls trust besides the system's"),
    setting(
        "throttle",
        "CALLS",
        "Calls of the Cloud Apps API that a tenant may make in a minute on this node, `microsoft` for 30, or `off` \
         [default: 600000]",
    ),
    setting(
        "throttle_held",
        "",
        "Hold calls beyond that back until the minute is over, instead of refusing them",
    ),
    setting(
        "operator_tenant",
        "TENANT",
        "Id or domain of the tenant whose administrators look after the signing keys [default: the only tenant]",
    ),
    setting("bootstrap", "FILE", "TOML file of tenants, people and applications to apply at start"),
    setting("test_mode", "", "Allow what only tests need, such as CASBAH_CLOCK"),
    setting("clock", "TIME", "Test mode only: freeze the clock (2026-11-23T12:00:00Z) or shift it (+90m)"),
];

/// The settings of the server, read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Public origin without a final slash; none means `https://localhost:PORT`.
    pub public_url: Option<String>,
    /// Folder for everything that is kept.
    pub data_dir: PathBuf,
    /// Where the data lives.
    pub database: Location,
    /// File with the master key; none means `DIR/master.key`.
    pub master_key_file: Option<PathBuf>,
    /// Certificate chain and private key of the operator.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Plain HTTP behind a proxy.
    pub behind_proxy: bool,
    /// Where `/metrics` answers; none is off.
    pub metrics_listen: Option<SocketAddr>,
    /// Largest upload in bytes.
    pub upload_limit: u64,
    /// Most bytes that a compressed log may hold.
    pub inflated_limit: u64,
    /// File with a catalogue of apps instead of ours.
    pub catalogue: Option<PathBuf>,
    /// Databases of addresses.
    pub geoip: Vec<PathBuf>,
    /// Form of the log.
    pub log_format: LogFormat,
    /// Filter for the log.
    pub log: String,
    /// Time for requests in hand after a stop.
    pub shutdown_grace: Duration,
    /// Private places that Casbah may call.
    pub outbound_allow: Vec<Allowed>,
    /// File with authorities that its calls trust besides the system's.
    pub outbound_ca: Option<PathBuf>,
    /// Calls of a tenant in a minute.
    pub throttle: ThrottleSettings,
    /// Id or domain of the tenant whose administrators look after the signing keys.
    pub operator_tenant: Option<String>,
    /// Bootstrap file to apply.
    pub bootstrap: Option<PathBuf>,
    /// Whether test-only settings are allowed.
    pub test_mode: bool,
    /// The one clock.
    pub clock: Clock,
    /// Whether this is `dev` or `demo`, whose well-known secrets must not reach a real installation.
    pub development: bool,
}

/// Form of the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}

/// A setting that cannot be used; one line that names the key.
#[derive(Debug)]
pub struct ConfigError(pub String);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// A value and where it was written, so that an error can say so.
#[derive(Clone)]
struct Written {
    text: String,
    place: String,
}

impl Config {
    /// The defaults for `dev` and `demo`: loopback, quiet, everything in `data_dir`.
    pub fn development(listen: SocketAddr, data_dir: PathBuf, database: Location) -> Config {
        Config {
            listen,
            public_url: None,
            data_dir,
            database,
            master_key_file: None,
            tls: None,
            behind_proxy: false,
            metrics_listen: None,
            upload_limit: DEFAULT_UPLOAD_LIMIT,
            inflated_limit: casbah_service::INFLATED_LIMIT,
            catalogue: None,
            geoip: Vec::new(),
            log_format: LogFormat::Text,
            log: "warn".to_string(),
            shutdown_grace: Duration::from_secs(5),
            outbound_allow: Vec::new(),
            outbound_ca: None,
            throttle: ThrottleSettings::default(),
            operator_tenant: None,
            bootstrap: None,
            test_mode: false,
            clock: Clock::system(),
            development: true,
        }
    }

    /// Reads the file (if there is one), then the environment, then the flags; later ones win.
    ///
    /// # Errors
    /// One line that names the key, where it was written, and what is wanted.
    pub fn load(
        file: Option<&Path>,
        environment: impl Fn(&str) -> Option<String>,
        flags: &BTreeMap<&'static str, String>,
    ) -> Result<Config, ConfigError> {
        let mut values: BTreeMap<&'static str, Written> = BTreeMap::new();
        if let Some(path) = file {
            read_file(path, &mut values)?;
        }
        for setting in SETTINGS {
            let variable = format!("CASBAH_{}", setting.key.to_ascii_uppercase());
            if let Some(text) = environment(&variable).filter(|t| !t.is_empty()) {
                values.insert(setting.key, Written { text, place: variable });
            }
            if let Some(text) = flags.get(setting.key) {
                let place = format!("--{}", setting.key.replace('_', "-"));
                values.insert(setting.key, Written { text: text.clone(), place });
            }
        }
        Values(values).config()
    }
}

const DEFAULT_UPLOAD_LIMIT: u64 = 5 << 30;

fn read_file(path: &Path, values: &mut BTreeMap<&'static str, Written>) -> Result<(), ConfigError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|e| ConfigError(format!("the settings file {shown} cannot be read: {e}")))?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
        ConfigError(format!("the settings file {shown} is not TOML: {}", e.to_string().replace('\n', " ")))
    })?;
    for (key, value) in table {
        let Some(setting) = SETTINGS.iter().find(|s| s.key == key) else {
            let known: Vec<&str> = SETTINGS.iter().map(|s| s.key).collect();
            return Err(ConfigError(format!(
                "{key} in {shown} is not a setting; known are {}",
                known.join(", ")
            )));
        };
        let text = match value {
            toml::Value::String(text) => text,
            toml::Value::Integer(n) => n.to_string(),
            toml::Value::Boolean(yes) => yes.to_string(),
            _ => {
                return Err(ConfigError(format!(
                    "{key} in {shown} must be a text, a number or true or false"
                )));
            }
        };
        values.insert(setting.key, Written { text, place: format!("{key} in {shown}") });
    }
    Ok(())
}

struct Values(BTreeMap<&'static str, Written>);

impl Values {
    fn config(self) -> Result<Config, ConfigError> {
        let data_dir = self.path("data_dir").unwrap_or_else(|| PathBuf::from("casbah-data"));
        let test_mode = self.switch("test_mode")?;
        let clock = match self.parse("clock", "a time like 2026-11-23T12:00:00Z or an offset like +90m")? {
            None => Clock::system(),
            Some(_) if !test_mode => {
                let place = &self.0["clock"].place;
                return Err(ConfigError(format!(
                    "{place} sets the clock, which is for tests only: start with --test-mode as well, or remove it"
                )));
            }
            Some(setting) => Clock::with(setting),
        };
        let tls = match (self.path("tls_certificate"), self.path("tls_key")) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            _ => {
                return Err(ConfigError(
                    "tls_certificate and tls_key belong together: set both or neither".into(),
                ));
            }
        };
        Ok(Config {
            listen: self
                .parse("listen", "an address and port such as 127.0.0.1:8443")?
                .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8443))),
            public_url: self.public_url()?,
            database: self.database(&data_dir)?,
            data_dir,
            master_key_file: self.path("master_key_file"),
            tls,
            behind_proxy: self.switch("behind_proxy")?,
            metrics_listen: self.metrics_listen()?,
            upload_limit: self.parse("upload_limit", "a number of bytes")?.unwrap_or(DEFAULT_UPLOAD_LIMIT),
            inflated_limit: self
                .parse("inflated_limit", "a number of bytes")?
                .unwrap_or(casbah_service::INFLATED_LIMIT),
            catalogue: self.path("catalogue"),
            geoip: self.paths("geoip"),
            log_format: self.log_format()?,
            log: self.0.get("log").map_or_else(|| "info".to_string(), |w| w.text.clone()),
            shutdown_grace: Duration::from_secs(
                self.parse("shutdown_grace", "a number of seconds")?.unwrap_or(30),
            ),
            outbound_allow: self.outbound_allow()?,
            outbound_ca: self.path("outbound_ca"),
            throttle: ThrottleSettings { calls: self.throttle()?, held: self.switch("throttle_held")? },
            operator_tenant: self.0.get("operator_tenant").map(|w| w.text.clone()),
            bootstrap: self.path("bootstrap"),
            test_mode,
            clock,
            development: false,
        })
    }

    fn path(&self, key: &str) -> Option<PathBuf> {
        self.0.get(key).map(|w| PathBuf::from(&w.text))
    }

    /// Files with commas between.
    fn paths(&self, key: &str) -> Vec<PathBuf> {
        let text = self.0.get(key).map(|w| w.text.as_str()).unwrap_or_default();
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(PathBuf::from).collect()
    }

    fn parse<T: std::str::FromStr>(&self, key: &str, wanted: &str) -> Result<Option<T>, ConfigError> {
        self.0.get(key).map(|w| w.text.parse().map_err(|_| w.wrong(wanted))).transpose()
    }

    fn switch(&self, key: &str) -> Result<bool, ConfigError> {
        match self.0.get(key) {
            None => Ok(false),
            Some(w) => match w.text.as_str() {
                "1" | "true" | "yes" | "on" => Ok(true),
                "0" | "false" | "no" | "off" => Ok(false),
                _ => Err(w.wrong("true or false")),
            },
        }
    }

    fn throttle(&self) -> Result<Option<u32>, ConfigError> {
        let Some(written) = self.0.get("throttle") else { return Ok(ThrottleSettings::default().calls) };
        match written.text.as_str() {
            "off" => Ok(None),
            "microsoft" => Ok(Some(ThrottleSettings::MICROSOFT)),
            number => match number.parse() {
                Ok(calls @ 1..) => Ok(Some(calls)),
                _ => Err(written.wrong("a number of calls from 1 on, microsoft, or off")),
            },
        }
    }

    fn public_url(&self) -> Result<Option<String>, ConfigError> {
        let Some(written) = self.0.get("public_url") else { return Ok(None) };
        let wanted = "an https origin such as https://casbah.example:8443, without a path";
        let url: url::Url = written.text.parse().map_err(|_| written.wrong(wanted))?;
        let bare = matches!(url.path(), "" | "/") && url.query().is_none() && url.fragment().is_none();
        if url.scheme() != "https" || url.host_str().is_none() || !bare || !url.username().is_empty() {
            return Err(written.wrong(wanted));
        }
        Ok(Some(url.as_str().trim_end_matches('/').to_string()))
    }

    fn database(&self, data_dir: &Path) -> Result<Location, ConfigError> {
        match self.0.get("database_url") {
            None => Ok(Location::File(data_dir.join("casbah.db"))),
            Some(w) if w.text.starts_with("postgres://") || w.text.starts_with("postgresql://") => {
                Ok(Location::Postgres(w.text.clone()))
            }
            // The value may hold a password, so it is not repeated.
            Some(w) => Err(ConfigError(format!("{} must begin with postgres://", w.place))),
        }
    }

    fn metrics_listen(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let Some(written) = self.0.get("metrics_listen") else {
            return Ok(Some(SocketAddr::from(([127, 0, 0, 1], 9464))));
        };
        if written.text == "off" {
            return Ok(None);
        }
        let wanted = "a loopback address and port such as 127.0.0.1:9464, or off";
        let address: SocketAddr = written.text.parse().map_err(|_| written.wrong(wanted))?;
        if address.ip().is_loopback() { Ok(Some(address)) } else { Err(written.wrong(wanted)) }
    }

    fn outbound_allow(&self) -> Result<Vec<Allowed>, ConfigError> {
        let Some(written) = self.0.get("outbound_allow") else { return Ok(Vec::new()) };
        allowed(&written.text).ok_or_else(|| written.wrong(ALLOWED))
    }

    fn log_format(&self) -> Result<LogFormat, ConfigError> {
        match self.0.get("log_format") {
            None if std::io::IsTerminal::is_terminal(&std::io::stderr()) => Ok(LogFormat::Text),
            None => Ok(LogFormat::Json),
            Some(w) => match w.text.as_str() {
                "json" => Ok(LogFormat::Json),
                "text" => Ok(LogFormat::Text),
                _ => Err(w.wrong("json or text")),
            },
        }
    }
}

impl Written {
    fn wrong(&self, wanted: &str) -> ConfigError {
        ConfigError(format!("{}: {:?} is not {wanted}", self.place, self.text))
    }
}

/// What `outbound_allow` wants.
const ALLOWED: &str = "a list of host names and address ranges such as idp.corp.example,10.1.0.0/16";

fn allowed(text: &str) -> Option<Vec<Allowed>> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(|entry| entry.parse().ok()).collect()
}

/// Which issuers a command that reads no settings file may ask for their keys: `CASBAH_OUTBOUND_ALLOW` and
/// `CASBAH_OUTBOUND_CA`, as the settings of the same names. A stand-in's issuer is on the same machine as a
/// rule, and loopback is refused unless it is listed.
///
/// # Errors
/// One line, when the list cannot be read.
pub fn outbound_from_environment() -> Result<(Vec<Allowed>, Option<PathBuf>), ConfigError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|t| !t.is_empty());
    let list = variable("CASBAH_OUTBOUND_ALLOW").unwrap_or_default();
    let list = allowed(&list)
        .ok_or_else(|| ConfigError(format!("CASBAH_OUTBOUND_ALLOW: {list:?} is not {ALLOWED}")))?;
    Ok((list, variable("CASBAH_OUTBOUND_CA").map(PathBuf::from)))
}

/// The clock that `CASBAH_CLOCK` asks for in commands that read no settings file; in test mode only,
/// by the flag or by `CASBAH_TEST_MODE`.
///
/// # Errors
/// One line, when it is set without `CASBAH_TEST_MODE` or cannot be read.
pub fn clock_from_environment(test_mode: bool) -> Result<Clock, ConfigError> {
    let variable = |name: &str| std::env::var(name).ok().filter(|t| !t.is_empty());
    let Some(text) = variable("CASBAH_CLOCK") else { return Ok(Clock::system()) };
    let set = matches!(variable("CASBAH_TEST_MODE").as_deref(), Some("1" | "true" | "yes" | "on"));
    if !test_mode && !set {
        return Err(ConfigError(
            "CASBAH_CLOCK sets the clock, which is for tests only: set CASBAH_TEST_MODE=1 as well, or unset it".into(),
        ));
    }
    let setting: ClockSetting = text.parse().map_err(|why| ConfigError(format!("CASBAH_CLOCK: {why}")))?;
    Ok(Clock::with(setting))
}

#[cfg(test)]
mod tests;
