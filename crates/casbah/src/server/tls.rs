//! TLS: Casbah's own certificate authority, or the operator's certificate, reloaded when it changes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::RustlsConfig;
use casbah_model::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::StartError;
use super::folder::write_private;

/// How often the operator's files are looked at; a change is served this much later at the most.
const LOOK: Duration = Duration::from_secs(2);

/// Where the certificate and its key stand, and whom clients must trust.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    pub(super) authority: PathBuf,
}

/// The operator's files, or Casbah's own authority and a certificate for `host`.
pub(super) fn files(
    data_dir: &Path,
    operator: Option<&(PathBuf, PathBuf)>,
    host: &str,
    now: Timestamp,
) -> Result<Files, StartError> {
    if let Some((certificate, key)) = operator {
        let files =
            Files { certificate: certificate.clone(), key: key.clone(), authority: certificate.clone() };
        return Ok(files);
    }
    let folder = data_dir.join("tls");
    own(&folder, host, now).map_err(|e| {
        StartError(format!(
            "cannot make certificates in {}: {e}; choose another folder with --data-dir",
            folder.display()
        ))
    })
}

/// Reads certificate and key.
pub(super) fn load(files: &Files) -> Result<Arc<rustls::ServerConfig>, StartError> {
    let wrong = |path: &Path, why: String| StartError(format!("the TLS file {}: {why}", path.display()));
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| wrong(&files.certificate, e.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(&files.certificate, "it holds no PEM certificate".into()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|e| wrong(&files.key, e.to_string()))?;
    let mut config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).map_err(|e| {
            wrong(&files.certificate, format!("it does not go with {}: {e}", files.key.display()))
        })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Serves new files soon after they change; files that do not fit leave the old ones in use.
pub(super) async fn reload_when_changed(files: Files, live: RustlsConfig) {
    let mut seen = stamp(&files);
    let mut tick = tokio::time::interval(LOOK);
    loop {
        tick.tick().await;
        let now = stamp(&files);
        if now == seen {
            continue;
        }
        match load(&files) {
            Ok(config) => {
                live.reload_from_config(config);
                tracing::info!(certificate = %files.certificate.display(), "the TLS certificate was reloaded");
            }
            Err(e) => {
                tracing::error!(error = %e, "the new TLS certificate cannot be used; the old one stays")
            }
        }
        seen = now;
    }
}

type Stamp = [Option<(std::time::SystemTime, u64)>; 2];

fn stamp(files: &Files) -> Stamp {
    [&files.certificate, &files.key].map(|path| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

/// Names and addresses that a certificate of ours always covers, and the one in `--public-url`.
fn names(host: &str) -> Vec<String> {
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let mut names = vec!["localhost".to_string()];
    names.extend(loopback.map(|a| a.to_string()));
    let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
    if !names.contains(&host) {
        names.push(host);
    }
    names
}

fn own(folder: &Path, host: &str, now: Timestamp) -> Result<Files, Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let files = Files {
        certificate: folder.join("server.pem"),
        key: folder.join("server.key"),
        authority: folder.join("ca.pem"),
    };
    let names = names(host);
    // What the certificate was made for and when it ends, so that it need not be parsed back.
    let note = folder.join("server.names");
    if is_current(&note, &names, now) && files.authority.exists() && load(&files).is_ok() {
        return Ok(files);
    }
    let authority_key_file = folder.join("ca.key");
    let authority_key = match std::fs::read_to_string(&authority_key_file) {
        Ok(pem) => KeyPair::from_pem(&pem)?,
        Err(_) => {
            let key = KeyPair::generate()?;
            write_private(&authority_key_file, key.serialize_pem().as_bytes())?;
            key
        }
    };
    let authority = authority_params(now)?;
    if !files.authority.exists() {
        let certificate = authority.self_signed(&authority_key)?;
        write_private(&files.authority, certificate.pem().as_bytes())?;
        // Clients of other users on this machine have to read it; it is public.
        std::fs::set_permissions(&files.authority, std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    }
    let authority_pem = std::fs::read_to_string(&files.authority)?;
    // Name and key are all that a certificate takes from its issuer, and these never change.
    let issuer = Issuer::new(authority, authority_key);
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names.clone())?;
    params.distinguished_name.push(DnType::CommonName, names.last().map_or("localhost", String::as_str));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    // 397 days: the longest that browsers accept; it is made anew a month before its end.
    let end = validity(&mut params, now, 397);
    let certificate = params.signed_by(&key, &issuer)?;
    write_private(&files.key, key.serialize_pem().as_bytes())?;
    write_private(&files.certificate, format!("{}{authority_pem}", certificate.pem()).as_bytes())?;
    write_private(&note, format!("{}\n{}\n", end.0, names.join(" ")).as_bytes())?;
    Ok(files)
}

fn authority_params(now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name.push(DnType::CommonName, "Casbah local certificate authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    validity(&mut params, now, 3650);
    Ok(params)
}

/// Valid from a day ago (clocks differ) for `days`; answers the end.
fn validity(params: &mut CertificateParams, now: Timestamp, days: u64) -> Timestamp {
    let day = Duration::from_secs(86_400);
    let end = now.plus(day * u32::try_from(days).unwrap_or(u32::MAX));
    let date = |at: Timestamp| {
        let text = at.iso();
        let part = |range| text.get(range).and_then(|t: &str| t.parse::<i32>().ok()).unwrap_or(1);
        let month = u8::try_from(part(5..7)).unwrap_or(1);
        rcgen::date_time_ymd(part(0..4), month, u8::try_from(part(8..10)).unwrap_or(1))
    };
    params.not_before = date(now.minus(day));
    params.not_after = date(end);
    end
}

fn is_current(note: &Path, names: &[String], now: Timestamp) -> bool {
    let text = std::fs::read_to_string(note).unwrap_or_default();
    let mut lines = text.lines();
    let end: i64 = lines.next().and_then(|l| l.parse().ok()).unwrap_or(0);
    let month = Duration::from_secs(30 * 86_400);
    Timestamp(end) > now.plus(month) && lines.next() == Some(names.join(" ").as_str())
}
