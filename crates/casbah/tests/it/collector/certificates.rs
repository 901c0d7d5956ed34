//! Syslog over TLS from devices that prove who they are.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Collector, source, squid, wait_for_users};
use crate::harness::{Casbah, Database};

/// An authority and a certificate that it signed: authority, certificate, key, in PEM.
fn certificate(name: &str) -> [String; 3] {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, name);
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let signed = authority.self_signed(&authority_key).unwrap();
    let device = CertificateParams::new(vec!["firewall.example".to_string()]).unwrap();
    let device = device.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    [signed.pem(), device.pem(), key.serialize_pem()]
}

/// Sends a line; whether the other side took it.
fn send(address: &str, trust: &Path, device: Option<&[String; 3]>, line: &str) -> bool {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trust).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match device {
        None => config.with_no_client_auth(),
        Some([_, certificate, key]) => {
            let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let connection =
        rustls::ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(address).unwrap());
    let sent = writeln!(stream, "{line}").and_then(|()| stream.flush()).is_ok();
    stream.conn.send_close_notify();
    let _ = stream.flush();
    // Whoever is refused learns it when the other side has looked at the certificate.
    sent && stream.read(&mut [0; 1]).is_ok_and(|read| read == 0)
}

#[test]
fn only_devices_with_a_certificate_of_the_right_authority_are_heard() {
    let server = Casbah::start(Database::sqlite());
    let caller = server.application();
    source(&caller, "Tls", "SQUID_NATIVE_SYSLOG");
    let folder = tempfile::tempdir().unwrap();
    let (ours, others) = (certificate("our devices"), certificate("other devices"));
    let authority = folder.path().join("devices.pem");
    std::fs::write(&authority, &ours[0]).unwrap();
    let tls = server.data_dir().join("tls");
    let config = folder.path().join("collector.toml");
    let text = format!(
        "name = \"branch\"\nspool = {:?}\nrotate_seconds = 1\n[[input]]\nstream = \"Tls\"\nsource = \"SQUID_NATIVE_SYSLOG\"\n\
         listen = \"tls://127.0.0.1:0\"\ncertificate = {:?}\nkey = {:?}\nclient_ca = {authority:?}\n",
        folder.path().join("spool"),
        tls.join("server.pem"),
        tls.join("server.key"),
    );
    std::fs::write(&config, &text).unwrap();
    let collector = Collector::start(&server, &config);
    let address = &collector.addresses[0];
    let message = |number, user| format!("<134>Nov 23 11:00:00 proxy squid[7]: {}", squid(number, user));
    assert!(!send(address, &tls.join("ca.pem"), None, &message(1, "nobody")));
    assert!(!send(address, &tls.join("ca.pem"), Some(&others), &message(2, "stranger")));
    // The collector ends a connection without a word of TLS, so that the report tells.
    send(address, &tls.join("ca.pem"), Some(&ours), &message(3, "ours"));
    wait_for_users(&caller, &[("ours", 1)]);
    collector.stop();
    // What cannot be meant is told.
    for (from, to, why) in [
        ("tls://", "tcp://", "tls://"),
        (&*format!("client_ca = {authority:?}"), "client_ca = \"/nowhere.pem\"", "/nowhere.pem"),
        (
            &*format!("client_ca = {authority:?}"),
            &*format!("client_ca = {:?}", tls.join("server.key")),
            "no certificate",
        ),
    ] {
        std::fs::write(&config, text.replace(from, to)).unwrap();
        let answer = super::command(&server, &config).output().unwrap();
        let told = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(answer.status.code() == Some(2) && told.contains(why), "{why}: {told}");
    }
}
