//! The log collector: what comes in over UDP, TCP, TLS and a folder is in the reports, also after the server was away.

mod certificates;
mod following;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::harness::{CLIENT, CLIENT_SECRET, Casbah, NOW, Session, TENANT, casbah};

/// A running collector.
struct Collector {
    process: Child,
    lines: Receiver<String>,
    /// Addresses in the order of the inputs.
    addresses: Vec<String>,
}

impl Collector {
    fn start(casbah_at: &Casbah, config: &Path) -> Collector {
        let mut process: Child = command(casbah_at, config).stderr(Stdio::piped()).spawn().unwrap();
        let (send, lines) = channel();
        let stderr = process.stderr.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let mut collector = Collector { process, lines, addresses: Vec::new() };
        loop {
            let line = collector.line();
            if let Some((_, rest)) = line.split_once("://") {
                collector.addresses.push(rest.split(' ').next().unwrap().to_string());
            }
            if line.ends_with("is ready") {
                return collector;
            }
        }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(Duration::from_secs(30)).expect("the collector says something")
    }

    fn stop(mut self) {
        assert!(
            Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap().success()
        );
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn command(at: &Casbah, config: &Path) -> Command {
    let mut command = casbah();
    command.args(["collector", "--config"]).arg(config);
    command.env("CASBAH_URL", &at.url).env("CASBAH_CA", at.data_dir().join("tls/ca.pem"));
    command
        .env("CASBAH_TENANT", TENANT)
        .env("CASBAH_CLIENT_ID", CLIENT)
        .env("CASBAH_CLIENT_SECRET", CLIENT_SECRET);
    command.env("CASBAH_TEST_MODE", "1").env("CASBAH_CLOCK", NOW);
    command
}

fn squid(n: u64, user: &str) -> String {
    format!(
        "1795431600.{n:03} 120 10.0.0.1 TCP_MISS/200 100 GET https://www.dropbox.com/{n} {user} HIER_DIRECT/192.0.2.1 text/html"
    )
}

/// Waits until the users of Dropbox are these.
fn wait_for_users(caller: &Session, expected: &[(&str, i64)]) {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let body = json!({"appId": 11627, "sortField": "name", "sortDirection": "asc"});
        let answer = caller.post("/api/v1/discovery/app_users/", &body).ok();
        let found: Vec<(&str, i64)> = answer["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["userName"].as_str().unwrap(), one["trafficTotalEvents"].as_i64().unwrap()))
            .collect();
        if found == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{found:?}, not {expected:?}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn source(caller: &Session, name: &str, log_type: &str) {
    caller
        .post(
            "/api/v1/discovery/data_sources/",
            &json!({"displayName": name, "logType": log_type, "receiverType": "syslog", "protocol": "udp"}),
        )
        .ok();
}

both! {
    fn what_devices_send_is_in_the_reports(casbah: &Casbah) {
        let caller = casbah.application();
        for (name, log_type) in [("Udp", "SQUID_NATIVE_SYSLOG"), ("Tcp", "SQUID_NATIVE_SYSLOG"), ("Tls", "SQUID_NATIVE_SYSLOG"), ("Ftp", "SQUID_NATIVE")] {
            source(&caller, name, log_type);
        }
        let folder = tempfile::tempdir().unwrap();
        let (incoming, tls) = (folder.path().join("incoming"), casbah.data_dir().join("tls"));
        std::fs::create_dir(&incoming).unwrap();
        let config = folder.path().join("collector.toml");
        let text = format!(
            "name = \"branch\"\nspool = {spool:?}\nrotate_seconds = 1\n\
             [[input]]\nstream = \"Udp\"\nsource = \"SQUID_NATIVE_SYSLOG\"\nlisten = \"udp://127.0.0.1:0\"\n\
             [[input]]\nstream = \"Tcp\"\nsource = \"SQUID_NATIVE_SYSLOG\"\nlisten = \"tcp://127.0.0.1:0\"\n\
             [[input]]\nstream = \"Tls\"\nsource = \"SQUID_NATIVE_SYSLOG\"\nlisten = \"tls://127.0.0.1:0\"\ncertificate = {certificate:?}\nkey = {key:?}\n\
             [[input]]\nstream = \"Ftp\"\nsource = \"SQUID_NATIVE\"\nfolder = {incoming:?}\n",
            spool = folder.path().join("spool"),
            certificate = tls.join("server.pem"),
            key = tls.join("server.key"),
        );
        std::fs::write(&config, text).unwrap();
        let collector = Collector::start(casbah, &config);
        let [udp, tcp, tls_address] = collector.addresses.as_slice() else { panic!("{:?}", collector.addresses) };
        // RFC 3164 and 5424, one a datagram.
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.send_to(format!("<134>Nov 23 11:00:00 proxy squid[7]: {}", squid(1, "udp")).as_bytes(), udp).unwrap();
        socket.send_to(format!("<134>1 2026-11-23T11:00:00Z proxy squid 7 - - {}\n", squid(2, "udp")).as_bytes(), udp).unwrap();
        // Ended by LF and counted, in one connection; the last without an end.
        let message = format!("<134>Nov 23 11:00:00 proxy squid[7]: {}", squid(3, "tcp"));
        let mut stream = TcpStream::connect(tcp).unwrap();
        write!(stream, "{message}\n{} {message}4{message}5", message.len() + 1).unwrap();
        drop(stream);
        let mut stream = tls_stream(tls_address, &tls.join("ca.pem"));
        writeln!(stream, "<134>Nov 23 11:00:00 proxy squid[7]: {}", squid(6, "tls")).unwrap();
        stream.flush().unwrap();
        std::fs::write(incoming.join("access.log"), format!("{}\n{}\n", squid(7, "ftp"), squid(8, "ftp"))).unwrap();
        wait_for_users(&caller, &[("ftp", 2), ("tcp", 3), ("tls", 1), ("udp", 2)]);
        assert!(incoming.join(".sent/access.log").exists() && !incoming.join("access.log").exists());
        // The server knows the collector, and how it is.
        let deadline = Instant::now() + Duration::from_secs(30);
        let known = loop {
            let known = caller.get("/api/v1/discovery/log_collectors/").ok()["data"][0].clone();
            if known["health"]["sent"].as_i64() == Some(4) {
                break known;
            }
            assert!(Instant::now() < deadline, "{known}");
            std::thread::sleep(Duration::from_millis(100));
        };
        assert_eq!((&known["name"], &known["health"]["error"], &known["health"]["inputs"][1]["received"]), (&json!("branch"), &Value::Null, &json!(3)), "{known}");
        collector.stop();
    }
}

#[test]
fn what_came_while_the_server_was_away_is_sent_later() {
    let server = Casbah::start(crate::harness::Database::sqlite());
    source(&server.application(), "Udp", "SQUID_NATIVE");
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("collector.toml");
    let spool = folder.path().join("spool");
    let text = format!(
        "name = \"branch\"\nspool = {spool:?}\nrotate_seconds = 1\n[[input]]\nstream = \"Udp\"\nsource = \"SQUID_NATIVE\"\nlisten = \"udp://127.0.0.1:0\"\n"
    );
    std::fs::write(&config, text).unwrap();
    let collector = Collector::start(&server, &config);
    let send = |collector: &Collector, line: String| {
        UdpSocket::bind("127.0.0.1:0").unwrap().send_to(line.as_bytes(), &collector.addresses[0]).unwrap();
    };
    send(&collector, squid(1, "before"));
    wait_for_users(&server.application(), &[("before", 1)]);
    // A server that stands still: as good as one that is away, and the port stays its own.
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &server.id().to_string()]).status().unwrap().success())
    };
    signal("-STOP");
    send(&collector, squid(2, "meanwhile"));
    let deadline = Instant::now() + Duration::from_secs(30);
    let packed = || {
        std::fs::read_dir(&spool)
            .unwrap()
            .flatten()
            .flat_map(|e| std::fs::read_dir(e.path()).into_iter().flatten().flatten())
            .any(|e| e.file_name().to_string_lossy().ends_with("log.gz"))
    };
    while !packed() {
        assert!(Instant::now() < deadline, "the log is not packed");
        std::thread::sleep(Duration::from_millis(50));
    }
    // The collector dies, too, in the middle of its attempt.
    drop(collector);
    signal("-CONT");
    let collector = Collector::start(&server, &config);
    wait_for_users(&server.application(), &[("before", 1), ("meanwhile", 1)]);
    collector.stop();
}

#[test]
fn a_wrong_configuration_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("collector.toml");
    for (text, why) in [
        ("name = \"x\"\nspool = \"s\"\n", "[[input]]"),
        (
            "name = \"x\"\nspool = \"s\"\n[[input]]\nstream = \"a\"\nsource = \"SQUID\"\nlisten = \"sctp://x\"\n",
            "udp://",
        ),
        (
            "name = \"x\"\nspool = \"s\"\n[[input]]\nstream = \"a\"\nsource = \"SQUID\"\nlisten = \"tls://127.0.0.1:0\"\n",
            "certificate",
        ),
        ("name = \"x\"\nspool = \"s\"\n[[input]]\nstream = \"a\"\nsource = \"SQUID\"\n", "folder"),
        ("name = \"x\"\nspool = \"s\"\ncolour = 1\n", "colour"),
        (
            "name = \"x\"\nspool = \"s\"\nrotate_seconds = 0\n[[input]]\nstream = \"a\"\nsource = \"SQUID\"\nfolder = \"f\"\n",
            "rotate_seconds",
        ),
    ] {
        std::fs::write(&config, text).unwrap();
        let answer = casbah().args(["collector", "--config"]).arg(&config).output().unwrap();
        let told = String::from_utf8_lossy(&answer.stderr).into_owned();
        assert!(answer.status.code() == Some(2) && told.contains(why), "{why}: {told}");
    }
}

fn tls_stream(address: &str, authority: &Path) -> rustls::StreamOwned<rustls::ClientConnection, TcpStream> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connection =
        rustls::ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
    rustls::StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}
