//! The bytes of an upload on their way: broken off, too many, sent again.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::json;

use super::{done, put, sample, stream, upload_url, wait_for_task};
use crate::harness::{Casbah, Database};

/// The files that hold bytes of uploads, whole or not.
fn uploaded_files(casbah: &Casbah) -> Vec<std::ffi::OsString> {
    let Ok(folder) = std::fs::read_dir(casbah.data_dir().join("uploads")) else { return Vec::new() };
    folder.map(|entry| entry.unwrap().file_name()).filter(|name| name != "node-id").collect()
}

/// A connection on which a test writes what it likes.
fn raw(casbah: &Casbah) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let authority = CertificateDer::from_pem_file(casbah.data_dir().join("tls/ca.pem")).unwrap();
    roots.add(authority).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(("127.0.0.1", casbah.port())).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    StreamOwned::new(connection, socket)
}

#[track_caller]
fn until(done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "it does not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

both! {
    fn the_last_put_wins_and_the_others_go_away(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        let address = upload_url(&caller, "puts.log", "SQUID_NATIVE");
        put(&caller, &address, b"first\n");
        put(&caller, &address, &[b'x'; 100_000]);
        let block = casbah.anonymous().send("PUT", &format!("{address}&comp=block&blockid=QUE%3D"), &[], b"a block");
        assert_eq!(block.status, 201, "{}", block.text());
        // A browser's form, with the file in it.
        let head = b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.log\"\r\n\r\n";
        let form = [&head[..], &sample("SQUID_NATIVE.log"), b"\r\n--b--\r\n"].concat();
        let headers = [("content-type", "multipart/form-data; boundary=b"), ("x-ms-blob-type", "BlockBlob"), ("x-ms-client-request-id", "mine")];
        let answer = casbah.anonymous().send("PUT", &address, &headers, &form);
        assert_eq!((answer.status, answer.header("x-ms-client-request-id")), (201, "mine"), "{}", answer.text());
        assert_eq!(uploaded_files(casbah).len(), 1, "what was replaced is gone");
        // The address may come back encoded in another way, and the flag as text.
        let again = address.replace("%3A", ":");
        let body = json!({"uploadUrl": again, "inputStreamName": "office", "uploadAsSnapshot": "False"});
        caller.post("/cas/api/v1/discovery/done_upload", &body).ok();
        assert_eq!(wait_for_task(&caller, "puts.log")["figures"]["parsed"], 33);
    }

    fn a_sender_that_goes_away_leaves_nothing(casbah: &Casbah) {
        let caller = casbah.application();
        stream(&caller, "Office", 155);
        let address = upload_url(&caller, "cut.log", "SQUID_NATIVE");
        for framing in ["Content-Length: 100000\r\n", "Transfer-Encoding: chunked\r\n"] {
            let mut line = raw(casbah);
            let path = address.strip_prefix(&casbah.url).unwrap_or(&address);
            let path = path.find("/upload/").map_or(path, |at| &path[at..]);
            let head = format!("PUT {path} HTTP/1.1\r\nHost: localhost\r\nx-ms-blob-type: BlockBlob\r\n{framing}\r\n");
            line.write_all(head.as_bytes()).unwrap();
            line.write_all(b"5\r\nhello\r\n").unwrap();
            line.flush().unwrap();
            until(|| !uploaded_files(casbah).is_empty());
            drop(line);
            until(|| uploaded_files(casbah).is_empty());
            caller.post("/api/v1/discovery/done_upload/", &done(&address, "Office", false)).refused(400);
        }
        // A second try works.
        put(&caller, &address, &sample("SQUID_NATIVE.log"));
        caller.post("/api/v1/discovery/done_upload/", &done(&address, "Office", false)).ok();
        assert_eq!(wait_for_task(&caller, "cut.log")["figures"]["parsed"], 33);
    }
}

/// What the process has had in memory at the most, in KiB.
fn peak_memory(casbah: &Casbah) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", casbah.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// As Microsoft's module sends what is larger than 64 MiB: in chunks, without the type of the blob.
#[test]
fn more_than_64_mib_in_chunks_are_taken_in_constant_memory() {
    let casbah = Casbah::start(Database::Sqlite);
    let caller = casbah.application();
    stream(&caller, "Office", 155);
    let lines = sample("SQUID_NATIVE.log");
    let log = lines.repeat((65 << 20) / lines.len() + 1);
    let address = upload_url(&caller, "large.log", "SQUID_NATIVE");
    let before = peak_memory(&casbah);
    assert_eq!(casbah.anonymous().put_in_chunks(&address, &[], &log).status, 201);
    let more = peak_memory(&casbah) - before;
    assert!(more < 16 * 1024, "{more} KiB more");
    caller.post("/api/v1/discovery/done_upload/", &done(&address, "Office", false)).ok();
    let expected = 33 * (log.len() / lines.len());
    assert_eq!(wait_for_task(&caller, "large.log")["figures"]["parsed"], expected);
}

#[test]
fn an_upload_over_the_limit_is_refused_and_leaves_nothing() {
    let arguments = vec!["--upload-limit".to_string(), "1000".to_string()];
    let casbah =
        Casbah::start_with(Database::Sqlite, &crate::harness::Options { arguments, ..Default::default() });
    let caller = casbah.application();
    let address = upload_url(&caller, "big.log", "SQUID_NATIVE");
    let answer = caller.send("PUT", &address, &[("x-ms-blob-type", "BlockBlob")], &[b'x'; 1001]);
    assert_eq!(answer.status, 413, "{}", answer.text());
    let finish = caller.post("/api/v1/discovery/done_upload/", &done(&address, "Big", true));
    finish.refused(400);
    assert!(uploaded_files(&casbah).is_empty(), "nothing is kept");
    // Who sends everything before reading, as most do, is still told why; in chunks as well.
    let much = vec![b'x'; 20_000_000];
    for (address, expected) in [(address.clone(), 413), (address.replace("sig=", "sig=A"), 403)] {
        let answer = casbah.anonymous().send("PUT", &address, &[("x-ms-blob-type", "BlockBlob")], &much);
        assert_eq!(answer.status, expected, "{}", answer.text());
        let at = address.find("/upload/").unwrap();
        let mut line = raw(&casbah);
        let head = "HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
        line.write_all(format!("PUT {} {head}{:x}\r\n", &address[at..], much.len()).as_bytes()).unwrap();
        line.write_all(&much).unwrap();
        line.write_all(b"\r\n0\r\n\r\n").unwrap();
        let mut status = [0; 12];
        line.read_exact(&mut status).unwrap();
        assert_eq!(String::from_utf8_lossy(&status), format!("HTTP/1.1 {expected}"));
    }
    // Who asks first need not send.
    let mut line = raw(&casbah);
    let at = address.find("/upload/").unwrap();
    let head = "HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5000000000\r\n\r\n";
    line.write_all(format!("PUT {} {head}", &address[at..]).as_bytes()).unwrap();
    let mut status = [0; 12];
    line.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 413");
    assert!(uploaded_files(&casbah).is_empty(), "nothing is kept");
}
