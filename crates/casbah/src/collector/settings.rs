//! What a collector is told: a TOML file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde::Deserialize;

use crate::client::failure::Failure;

/// Everything a collector is told.
pub(super) struct Settings {
    /// Under which the server lists it.
    pub(super) name: String,
    pub(super) spool: PathBuf,
    /// Bytes that wait on disk at the most.
    pub(super) spool_limit: u64,
    /// Bytes after which a log is closed and sent, and time after which it is.
    pub(super) rotate_size: u64,
    pub(super) rotate_after: Duration,
    pub(super) inputs: Vec<Input>,
}

/// One place where logs come in.
pub(super) struct Input {
    /// Name of the data source.
    pub(super) stream: String,
    /// Source of its logs.
    pub(super) source: String,
    pub(super) intake: Intake,
}

#[derive(Clone)]
pub(super) enum Intake {
    Udp(String),
    Tcp(String),
    Tls { address: String, tls: Arc<rustls::ServerConfig> },
    Folder(PathBuf),
    Follow(PathBuf),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    spool: PathBuf,
    spool_limit_mib: Option<u64>,
    rotate_kib: Option<u64>,
    rotate_seconds: Option<u64>,
    #[serde(default, rename = "input")]
    inputs: Vec<FileInput>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileInput {
    stream: String,
    source: String,
    listen: Option<String>,
    folder: Option<PathBuf>,
    follow: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    client_ca: Option<PathBuf>,
}

impl Settings {
    pub(super) fn read(path: &Path) -> Result<Settings, Failure> {
        let text = std::fs::read_to_string(path).map_err(|e| Failure::file(path, &e))?;
        let wrong = |why: String| Failure::usage(format!("{}: {why}", path.display()));
        let file: File = toml::from_str(&text).map_err(|e| wrong(e.to_string().trim_end().to_string()))?;
        if file.inputs.is_empty() {
            return Err(wrong("there is no [[input]]".into()));
        }
        let at_least = |name: &str, value: Option<u64>, usual: u64| match value {
            Some(0) => Err(wrong(format!("{name} must be at least 1"))),
            value => Ok(value.unwrap_or(usual)),
        };
        Ok(Settings {
            spool_limit: at_least("spool_limit_mib", file.spool_limit_mib, 2048)? << 20,
            rotate_size: at_least("rotate_kib", file.rotate_kib, 32 * 1024)? << 10,
            rotate_after: Duration::from_secs(at_least("rotate_seconds", file.rotate_seconds, 300)?),
            name: file.name,
            spool: file.spool,
            inputs: file
                .inputs
                .into_iter()
                .map(|input| input.read().map_err(wrong))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl FileInput {
    fn read(self) -> Result<Input, String> {
        let is_tls = self.listen.as_ref().is_some_and(|address| address.starts_with("tls://"));
        if !is_tls && (self.certificate.is_some() || self.key.is_some() || self.client_ca.is_some()) {
            return Err("certificate, key and client_ca belong to an input that listens on tls://".into());
        }
        let intake = match (self.listen, self.folder, self.follow) {
            (Some(address), None, None) => match address.split_once("://") {
                Some(("udp", address)) => Intake::Udp(address.to_string()),
                Some(("tcp", address)) => Intake::Tcp(address.to_string()),
                Some(("tls", address)) => match (self.certificate, self.key) {
                    (Some(certificate), Some(key)) => Intake::Tls {
                        address: address.to_string(),
                        tls: tls(&certificate, &key, self.client_ca.as_deref())?,
                    },
                    _ => return Err("a tls input needs certificate and key, two PEM files".into()),
                },
                _ => {
                    return Err(format!("listen = {address:?} must be udp://, tcp:// or tls://ADDRESS:PORT"));
                }
            },
            (None, Some(folder), None) => Intake::Folder(folder),
            (None, None, Some(file)) => Intake::Follow(file),
            _ => return Err(format!("the input for {} needs one of listen, folder and follow", self.stream)),
        };
        Ok(Input { stream: self.stream, source: self.source, intake })
    }
}

impl std::fmt::Display for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Intake::Udp(address) => write!(f, "udp://{address}"),
            Intake::Tcp(address) => write!(f, "tcp://{address}"),
            Intake::Tls { address, .. } => write!(f, "tls://{address}"),
            Intake::Folder(path) | Intake::Follow(path) => write!(f, "{}", path.display()),
        }
    }
}

/// `client_ca` has the authorities one of which must have signed a device's certificate; without it, none is asked for.
fn tls(
    certificate: &Path,
    key: &Path,
    client_ca: Option<&Path>,
) -> Result<Arc<rustls::ServerConfig>, String> {
    let read = |path: &Path| std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()));
    let certificates = |path: &Path| -> Result<Vec<CertificateDer<'static>>, String> {
        let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
        let all = all.map_err(|e| format!("{}: {e}", path.display()))?;
        if all.is_empty() {
            Err(format!("{}: there is no certificate in it", path.display()))
        } else {
            Ok(all)
        }
    };
    let chain = certificates(certificate)?;
    let private =
        PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|e| format!("{}: {e}", key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    let config = match client_ca {
        None => config.with_no_client_auth(),
        Some(path) => {
            let wrong = |e: &dyn std::fmt::Display| format!("{}: {e}", path.display());
            let mut roots = RootCertStore::empty();
            for authority in certificates(path)? {
                roots.add(authority).map_err(|e| wrong(&e))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            config.with_client_cert_verifier(verifier.build().map_err(|e| wrong(&e))?)
        }
    };
    let config =
        config.with_single_cert(chain, private).map_err(|e| format!("{}: {e}", certificate.display()))?;
    Ok(Arc::new(config))
}
