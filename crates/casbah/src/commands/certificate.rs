//! `casbah certificate`: the certificates of an application, and new ones.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casbah_authority::Certificate;
use casbah_model::Timestamp;
use clap::Subcommand;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use serde_json::{Value, json};

use super::{clock, moment};
use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, items, text};
use crate::client::failure::Failure;
use crate::output::{Cell, Column, Output, note};

/// What can be done with certificates.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// Register a certificate; the others go on working, so clients can change over without a gap
    Add {
        /// Client id, object id or name of the application
        app: String,
        /// The certificate, PEM or DER; a private key in the same file is not sent
        file: PathBuf,
        /// Name of the certificate [default: its subject]
        #[arg(long)]
        name: Option<String>,
        /// When it ends, if before its own date: 90d, 1y, or a date
        #[arg(long, value_name = "WHEN")]
        expires: Option<String>,
    },
    /// List the certificates of an application
    List {
        /// Client id, object id or name of the application
        app: String,
    },
    /// Remove a certificate; it stops working at once
    Delete {
        /// Client id, object id or name of the application
        app: String,
        /// Key id of the certificate, as `casbah certificate list` shows it
        key: String,
    },
    /// Make a private key and a self-signed certificate, here and without a server
    New {
        /// File for both, PEM: what `AZURE_CLIENT_CERTIFICATE_PATH` wants. The certificate alone goes
        /// beside it, with the ending .crt
        file: PathBuf,
        /// Common name in the certificate
        #[arg(long, default_value = "casbah client")]
        name: String,
        /// How long it lives: 90d, 1y, or a date
        #[arg(long, value_name = "WHEN", default_value = "1y")]
        expires: String,
    },
}

const COLUMNS: &[Column] = &[
    Column::text("Certificate", "displayName", "/displayName"),
    Column::text("Thumbprint", "thumbprint", "/thumbprint"),
    Column::text("Key id", "keyId", "/keyId"),
    Column::new("Begins", "startDateTime", "/startDateTime", Cell::Time),
    Column::new("Ends", "endDateTime", "/endDateTime", Cell::Time),
    Column::new("Last used", "lastUsed", "/casbah.lastUsedDateTime", Cell::Time),
    Column::text("From", "lastAddress", "/casbah.lastUsedAddress"),
];

const MADE: &[Column] = &[
    Column::text("Key and certificate", "file", "/file"),
    Column::text("Certificate", "certificate", "/certificate"),
    Column::text("Thumbprint", "thumbprint", "/thumbprint"),
    Column::text("SHA-256", "thumbprintSha256", "/thumbprintSha256"),
    Column::new("Ends", "ends", "/ends", Cell::Time),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    if let Action::New { file, name, expires } = &area.action {
        let now = clock()?.now();
        return new(file, name, moment(expires, now)?, now, &Output::new(area.output.output, now));
    }
    let (session, output) = area.open()?;
    match &area.action {
        Action::Add { app, file, name, expires } => {
            let ends = expires.as_deref().map(|text| moment(text, session.clock.now())).transpose()?;
            let certificate = read(file)?;
            let application = fetch(&session, app)?;
            let mut entry = json!({ "type": "AsymmetricX509Cert", "usage": "Verify",
                "key": STANDARD.encode(&certificate.der) });
            if let Some(name) = name {
                entry["displayName"] = name.as_str().into();
            }
            if let Some(ends) = ends {
                entry["endDateTime"] = ends.iso().into();
            }
            let kept = kept(&application, |_| true);
            write(&session, &application, kept.into_iter().chain([entry]).collect())?;
            let application = fetch(&session, app)?;
            let added = shown(&application)
                .into_iter()
                .find(|c| text(c, "thumbprint") == hex(&certificate.thumbprint));
            output.record(COLUMNS, &added.ok_or_else(|| Failure::shape("certificate"))?)
        }
        Action::List { app } => output.list(COLUMNS, &shown(&fetch(&session, app)?)),
        Action::Delete { app, key } => {
            let application = fetch(&session, app)?;
            let is_other = |one: &Value| !text(one, "keyId").eq_ignore_ascii_case(key);
            let kept = kept(&application, is_other);
            if kept.len() == items(&application, "keyCredentials").len() {
                return Err(Failure::not_found(format!(
                    "{app} has no certificate with the key id {key}; see `casbah certificate list {app}`"
                )));
            }
            write(&session, &application, kept)?;
            output.done(&format!("the certificate {key} is removed"), &json!({ "removed": key }))
        }
        Action::New { .. } => Ok(()),
    }
}

/// The application with its certificates' contents, which are shown only when asked for.
fn fetch(session: &Session, app: &str) -> Result<Value, Failure> {
    let application = session.application(app)?;
    let id = encode(text(&application, "id"));
    session.directory("GET", &format!("/v1.0/applications/{id}?$select=id,keyCredentials"), None)
}

/// The list of certificates, which is written as a whole: those that stay are named by their id.
fn kept(application: &Value, stays: impl Fn(&Value) -> bool) -> Vec<Value> {
    let entry =
        |one: &Value| json!({ "keyId": one["keyId"], "type": "AsymmetricX509Cert", "usage": "Verify" });
    items(application, "keyCredentials").iter().filter(|one| stays(one)).map(entry).collect()
}

fn write(session: &Session, application: &Value, all: Vec<Value>) -> Result<(), Failure> {
    let path = format!("/v1.0/applications/{}", encode(text(application, "id")));
    session.directory("PATCH", &path, Some(&json!({ "keyCredentials": all }))).map(|_| ())
}

/// The certificates with their thumbprints, as other tools show those.
fn shown(application: &Value) -> Vec<Value> {
    let entry = |one: &Value| {
        let mut one = one.clone();
        let der = STANDARD.decode(text(&one, "key")).ok();
        let thumbprint = der.and_then(|der| Certificate::read(&der).ok()).map(|c| hex(&c.thumbprint));
        one["thumbprint"] = thumbprint.into();
        if let Some(object) = one.as_object_mut() {
            object.remove("key");
        }
        one
    };
    items(application, "keyCredentials").iter().map(entry).collect()
}

fn read(file: &Path) -> Result<Certificate, Failure> {
    let bytes = std::fs::read(file).map_err(|e| Failure::file(file, &e))?;
    // A private key beside the certificate stays here.
    let begin = b"-----BEGIN CERTIFICATE-----";
    let start = bytes.windows(begin.len()).position(|part| part == begin).unwrap_or(0);
    let end = b"-----END CERTIFICATE-----";
    let rest = &bytes[start..];
    let stop = rest.windows(end.len()).position(|part| part == end).map_or(rest.len(), |at| at + end.len());
    Certificate::read(&rest[..stop]).map_err(|e| Failure::usage(format!("{} {e}", file.display())))
}

fn new(file: &Path, name: &str, ends: Timestamp, now: Timestamp, output: &Output) -> Result<(), Failure> {
    let failed = |e: rcgen::Error| Failure::failed(format!("the certificate could not be made: {e}"));
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(failed)?;
    let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    let at = |at: Timestamp| {
        let seconds = u64::try_from(at.seconds()).unwrap_or(0);
        rcgen::date_time_ymd(1970, 1, 1) + std::time::Duration::from_secs(seconds)
    };
    // A server whose clock is a little behind accepts it at once.
    params.not_before = at(now.minus(std::time::Duration::from_secs(5 * 60)));
    params.not_after = at(ends);
    let pem = params.self_signed(&key).map_err(failed)?.pem();
    let certificate = Certificate::read(pem.as_bytes()).map_err(|e| Failure::failed(e.to_string()))?;
    let beside = file.with_extension("crt");
    if beside == file {
        return Err(Failure::usage(
            "give the file another ending than .crt, which is for the certificate alone",
        ));
    }
    create(file, 0o600, format!("{}{pem}", key.serialize_pem()).as_bytes())?;
    create(&beside, 0o644, pem.as_bytes())?;
    let made = json!({
        "file": file.display().to_string(),
        "certificate": beside.display().to_string(),
        "thumbprint": hex(&certificate.thumbprint),
        "thumbprintSha256": hex(&certificate.thumbprint_sha256),
        "ends": certificate.ends.iso(),
    });
    output.record(MADE, &made)?;
    if output.for_people() {
        note(&format!("Register it: casbah certificate add APP {}", beside.display()));
    }
    Ok(())
}

/// Writes a file that is not there yet: a key that somebody uses is not overwritten.
fn create(file: &Path, mode: u32, content: &[u8]) -> Result<(), Failure> {
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(mode).open(file);
    let written = opened.and_then(|mut open| {
        std::io::Write::write_all(&mut open, content)?;
        open.sync_all()
    });
    written.map_err(|e| Failure::file(file, &e))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
