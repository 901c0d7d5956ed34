//! Issuing tokens to applications, against raw signatures of the same library.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use casbah_model::{Clock, Guid};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};

use super::client::{API, Client, at_once, clients, per_processor_second};
use super::{MEASURE, processor_seconds, report};
use crate::server::Server;
use crate::{Failure, run as run_command, server};

/// Clients that ask at the same time.
const CLIENTS: usize = 8;
/// Requests of each client in one round.
const REQUESTS: usize = 500;

pub fn run(binary: &Path) -> Result<(), Failure> {
    let server = server::start(binary)?;
    issuance(&server, "token_issuance")?;
    one_at_a_time(&server)?;
    with_certificate(&server, binary)?;
    under_load(&server)
}

/// App-only tokens against raw signatures, while many clients ask.
pub fn issuance(server: &Server, name: &str) -> Result<(), Failure> {
    let clients = clients(server, CLIENTS)?;
    let key = signing_key()?;
    report(name, "per_processor_second", || {
        let issued = per_processor_second(&clients, |client| client.token().map(drop))?;
        Ok((issued, Some(signatures_per_second(&key)?)))
    })
}

/// The same with a client that waits for each answer: the server falls asleep in between, and is woken.
fn one_at_a_time(server: &Server) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let key = signing_key()?;
    report("token_issuance_one_at_a_time", "per_processor_second", || {
        let issued = client.per_processor_second(|client| client.token().map(drop))?;
        Ok((issued, Some(signatures_per_second(&key)?)))
    })
}

/// Tokens for an application that signs an assertion for each, against one raw signature and one check
/// of a raw signature.
fn with_certificate(server: &Server, binary: &Path) -> Result<(), Failure> {
    let certificate = Certificate::register(server, binary)?;
    let clients = clients(server, CLIENTS)?;
    let key = signing_key()?;
    report("token_issuance_with_certificate", "per_processor_second", || {
        let issued = per_processor_second(&clients, |client| {
            let assertion = certificate.assertion(client)?;
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", client.application.0.as_str()),
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", &assertion),
                ("scope", API),
            ];
            client.post("token", &fields).map(drop)
        })?;
        Ok((issued, Some(1.0 / (1.0 / signatures_per_second(&key)? + 1.0 / checks_per_second(&key)?))))
    })
}

/// How long the slowest hundredth of the requests takes when many clients ask at once, against
/// `/healthz` under the same load. This one is in time of the clock, so it wants a quiet machine.
fn under_load(server: &Server) -> Result<(), Failure> {
    let clients = clients(server, CLIENTS)?;
    report(&format!("token_p99_of_{CLIENTS}_clients"), "ms", || {
        let token = slowest(&clients, |client| client.token().map(drop))?;
        Ok((token, Some(slowest(&clients, |client| client.get("/healthz").map(drop))?)))
    })
}

/// The 99th percentile in milliseconds.
fn slowest(clients: &[Client], work: impl Fn(&Client) -> Result<(), Failure> + Sync) -> Result<f64, Failure> {
    let times = at_once(clients, |client| {
        work(client)?;
        (0..REQUESTS)
            .map(|_| {
                let began = Instant::now();
                work(client)?;
                Ok(began.elapsed().as_secs_f64() * 1000.0)
            })
            .collect::<Result<Vec<f64>, Failure>>()
    })?;
    let mut times = times.concat();
    times.sort_by(f64::total_cmp);
    Ok(times.get(times.len() * 99 / 100).copied().unwrap_or_default())
}

/// The certificate of an application, with its private key.
struct Certificate {
    key: KeyPair,
    /// SHA-256 of the certificate, by which a header names it.
    thumbprint: String,
}

impl Certificate {
    /// Makes one and adds it to the application.
    fn register(server: &Server, binary: &Path) -> Result<Certificate, Failure> {
        let folder = tempfile::tempdir()?;
        let (both, alone) = (folder.path().join("client.pem"), folder.path().join("client.crt"));
        let certificate = |arguments: &[&str], file: &Path| {
            let mut command = Command::new(binary);
            command.arg("certificate").args(arguments).arg(file).envs(&server.environment);
            run_command(command.stdout(Stdio::null()).stderr(Stdio::null()))
        };
        certificate(&["new"], &both)?;
        certificate(&["add", &Client::new(server)?.application.0], &alone)?;
        let key = PrivatePkcs8KeyDer::from_pem_file(&both)?;
        let key = KeyPair::from_pkcs8(key.secret_pkcs8_der()).map_err(|_| "no RSA key")?;
        let hash = digest::digest(&digest::SHA256, &CertificateDer::from_pem_file(&alone)?);
        Ok(Certificate { key, thumbprint: URL_SAFE_NO_PAD.encode(hash) })
    }

    /// An assertion that nobody has seen before.
    fn assertion(&self, client: &Client) -> Result<String, Failure> {
        let (now, id) = (Clock::system().now().seconds(), &client.application.0);
        let header = format!(r#"{{"alg":"RS256","typ":"JWT","x5t#S256":"{}"}}"#, self.thumbprint);
        let claims = format!(
            r#"{{"aud":"{}","iss":"{id}","sub":"{id}","jti":"{}","nbf":{now},"exp":{}}}"#,
            client.address("token"),
            Guid::random(),
            now + 600
        );
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = sign(&self.key, signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

pub fn signing_key() -> Result<KeyPair, Failure> {
    let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| "no RSA key")?;
    let pkcs8 = key.as_der().map_err(|_| "no RSA key")?;
    Ok(KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| "no RSA key")?)
}

/// Raw RSA-2048 signatures of one thread that does nothing else, by its own processor time.
pub fn signatures_per_second(key: &KeyPair) -> Result<f64, Failure> {
    alone(MEASURE, || sign(key, b"message").map(drop))
}

fn checks_per_second(key: &KeyPair) -> Result<f64, Failure> {
    let signature = sign(key, b"message")?;
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    // It takes a small part of the time of a signature, so it need not be known as exactly.
    alone(MEASURE / 5, || public.verify(b"message", &signature).map_err(|_| "no signature".into()))
}

fn sign(key: &KeyPair, message: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).map_err(|_| "no signature")?;
    Ok(signature)
}

/// How often this process does it in a second of its own processor time, doing nothing else.
pub fn alone(time: Duration, work: impl Fn() -> Result<(), Failure>) -> Result<f64, Failure> {
    let (began, before) = (Instant::now(), processor_seconds(std::process::id())?);
    let mut count = 0u32;
    while began.elapsed() < time {
        work()?;
        count += 1;
    }
    Ok(f64::from(count) / (processor_seconds(std::process::id())? - before))
}
