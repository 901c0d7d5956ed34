//! `casbah serve`: settings, TLS, stopping, and what a wrong start is told.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::harness::{Casbah, Database, Options, agent, casbah, serve};

/// Starts what must not start; its exit code and its one line.
#[track_caller]
fn refusal(command: &mut Command) -> (i32, String) {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "it started: {text}");
    assert_eq!(text.trim_end().lines().count(), 1, "more than one line: {text}");
    (output.status.code().unwrap(), text)
}

#[track_caller]
fn check(command: &mut Command, expected: &[&str]) {
    let (_, text) = refusal(command);
    for part in expected {
        assert!(text.contains(part), "{text:?} does not say {part:?}");
    }
}

#[test]
fn a_port_in_use_is_named_with_the_remedy() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = tempfile::tempdir().unwrap();
    check(serve(folder.path(), &Database::Sqlite).args(["--listen", &address]), &[&address, "--listen"]);
    assert!(!folder.path().join("data").exists(), "nothing was made");
}

#[test]
fn an_unwritable_data_directory_is_named_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    // A file where the folder should be: this refuses root, too.
    std::fs::write(folder.path().join("data"), "in the way").unwrap();
    check(serve(folder.path(), &Database::Sqlite).args(["--listen", "127.0.0.1:0"]), &["data", "--data-dir"]);
}

#[test]
fn a_database_of_a_newer_casbah_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let file = data.join("casbah.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database
        .execute_batch(
            "create table schema_version (version bigint not null); insert into schema_version values (999)",
        )
        .unwrap();
    drop(database);
    check(
        serve(folder.path(), &Database::Sqlite).args(["--listen", "127.0.0.1:0"]),
        &["casbah.db", "999", "newer"],
    );
    let database = rusqlite::Connection::open(&file).unwrap();
    let tables: i64 = database
        .query_row("select count(*) from sqlite_master where type = 'table'", [], |r| r.get(0))
        .unwrap();
    assert_eq!(tables, 1, "nothing was added");
}

#[test]
fn unsafe_settings_are_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let start = || serve(folder.path(), &Database::Sqlite);
    check(start().args(["--listen", "0.0.0.0:0"]), &["--public-url"]);
    check(start().args(["--behind-proxy"]), &["--public-url"]);
    check(
        start().args(["--behind-proxy", "--public-url", "https://c.example", "--listen", "0.0.0.0:0"]),
        &["loopback"],
    );
    check(start().env("CASBAH_CLOCK", "+90m"), &["CASBAH_CLOCK", "--test-mode"]);
    check(start().env("CASBAH_LISTEN", "here"), &["CASBAH_LISTEN", "here"]);
    std::fs::write(folder.path().join("casbah.toml"), "lisen = '127.0.0.1:1'").unwrap();
    check(&mut start(), &["lisen", "casbah.toml"]);
}

#[test]
fn a_master_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "k".repeat(43)).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut start = serve(folder.path(), &Database::Sqlite);
    check(start.args(["--listen", "127.0.0.1:0", "--master-key-file"]).arg(&key), &["chmod 600"]);
}

#[test]
fn an_unknown_option_is_a_usage_error() {
    let output = casbah().args(["serve", "--no-such-option"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--no-such-option"));
}

both! {
    fn health_readiness_and_unknown_paths(casbah: &Casbah) {
        assert_eq!(casbah.anonymous().get("/healthz").status, 200);
        assert_eq!(casbah.anonymous().get("/readyz").status, 200);
        let unknown = casbah.anonymous().get("/api/v1/no_such_thing/");
        assert_eq!(unknown.status, 404, "{}", unknown.text());
        assert!(unknown.json().is_object());
        assert_eq!(casbah.anonymous().get("/no/such/page").status, 404);
        assert_eq!(casbah.anonymous().get("/healthz").header("x-content-type-options"), "nosniff");
    }

    fn a_second_process_on_the_same_data_directory_is_refused(casbah: &Casbah) {
        let folder = casbah.data_dir();
        let mut second = crate::harness::casbah();
        second.args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "off", "--data-dir"]).arg(&folder);
        let output = second.output().unwrap();
        assert!(!output.status.success());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("another casbah"), "{text}");
    }
}

#[test]
fn metrics_answer_on_a_listener_of_their_own() {
    let arguments = vec!["--metrics-listen".to_string(), "127.0.0.1:0".to_string()];
    let casbah = Casbah::start_with(Database::Sqlite, &Options { arguments, ..Options::default() });
    casbah.application().get("/api/v1/alerts/").ok();
    assert_eq!(casbah.anonymous().get("/metrics").status, 404, "never beside the API");
    let log = casbah.log();
    let events = log.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap_or_default());
    let event = events.into_iter().find(|e| e["message"] == "metrics").expect("the log names the address");
    let url = format!("http://{}/metrics", event["listen"].as_str().unwrap());
    let page = casbah.anonymous().get(&url);
    assert_eq!(page.status, 200);
    let text = page.text();
    let counted =
        |area: &str| text.lines().any(|l| l.starts_with("casbah_http_requests_total") && l.contains(area));
    assert!(counted("area=\"api\"") && counted("area=\"token\""), "{text}");
}

#[test]
fn the_same_authority_and_keys_serve_after_a_restart() {
    let casbah = Casbah::start(Database::Sqlite);
    let before = std::fs::read(casbah.data_dir().join("tls/ca.pem")).unwrap();
    let token = casbah.application_token(
        crate::harness::TENANT,
        crate::harness::CLIENT,
        crate::harness::CLIENT_SECRET,
    );
    let casbah = casbah.kill_and_restart();
    assert_eq!(std::fs::read(casbah.data_dir().join("tls/ca.pem")).unwrap(), before);
    casbah.bearer(&token).get("/api/v1/alerts/").ok();
    let keys = casbah.anonymous().get("/common/discovery/v2.0/keys").ok();
    let kid = jsonwebtoken_kid(&token);
    assert!(keys["keys"].as_array().unwrap().iter().any(|k| k["kid"] == kid.as_str()), "{keys}");
}

fn jsonwebtoken_kid(token: &str) -> String {
    use base64::Engine;
    let header =
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_string()
}

/// Makes a certificate authority and a certificate for localhost, PEM.
fn certificate() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["localhost".to_string()]).unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

#[test]
fn an_operators_certificate_is_served_and_reloaded() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate_file, key_file) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    let write = |(certificate, key): &(String, String)| {
        std::fs::write(&certificate_file, certificate).unwrap();
        std::fs::write(&key_file, key).unwrap();
    };
    let (first, second) = (certificate(), certificate());
    write(&first);
    let mut command = serve(folder.path(), &Database::Sqlite);
    command
        .args(["--listen", "127.0.0.1:0", "--log-format", "json", "--tls-certificate"])
        .arg(&certificate_file);
    command.arg("--tls-key").arg(&key_file).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(process.stderr.take().unwrap()));
    let mut wait_for = |message: &str| loop {
        let event: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        if event["message"] == message {
            break event;
        }
    };
    let url = wait_for("ready")["url"].as_str().unwrap().to_string();
    let trusts = |certificate: &str| {
        let file = folder.path().join("trusted.pem");
        std::fs::write(&file, certificate).unwrap();
        agent(&file).get(format!("{url}/healthz")).call().is_ok()
    };
    assert!(trusts(&first.0) && !trusts(&second.0));
    // A certificate without its key must not take the server down.
    std::fs::write(&certificate_file, &second.0).unwrap();
    wait_for("the new TLS certificate cannot be used; the old one stays");
    assert!(trusts(&first.0));
    write(&second);
    wait_for("the TLS certificate was reloaded");
    assert!(trusts(&second.0) && !trusts(&first.0));
    process.kill().unwrap();
    process.wait().unwrap();
}

#[test]
fn a_stop_finishes_the_request_in_hand() {
    use std::io::{Read, Write};
    let mut casbah = Casbah::start_with(Database::Sqlite, &Options::default());
    // A token request whose body is still on its way when the stop comes.
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}&scope={}/.default",
        crate::harness::CLIENT,
        crate::harness::CLIENT_SECRET,
        crate::harness::RESOURCE
    );
    let port = casbah.port();
    let mut roots = rustls::RootCertStore::empty();
    let pem = std::fs::read(casbah.data_dir().join("tls/ca.pem")).unwrap();
    for certificate in
        <rustls_pki_types::CertificateDer as rustls_pki_types::pem::PemObject>::pem_slice_iter(&pem)
    {
        roots.add(certificate.unwrap()).unwrap();
    }
    let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = rustls_pki_types::ServerName::try_from("localhost").unwrap();
    let mut tls = rustls::ClientConnection::new(std::sync::Arc::new(config), name).unwrap();
    let mut tcp = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut stream = rustls::Stream::new(&mut tls, &mut tcp);
    let head = format!(
        "POST /{}/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        crate::harness::TENANT,
        form.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut interim = [0; 1024];
    // "100 Continue" proves that the server is at work on this request.
    let count = stream.read(&mut interim).unwrap();
    assert!(interim[..count].starts_with(b"HTTP/1.1 100"), "{}", String::from_utf8_lossy(&interim[..count]));
    Command::new("kill").args(["-TERM", &casbah.id().to_string()]).status().unwrap();
    while !casbah.log().contains("\"stopping\"") {
        std::thread::yield_now();
    }
    stream.write_all(form.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("access_token"), "{answer}");
    assert_eq!(casbah.wait(), Some(0));
}
