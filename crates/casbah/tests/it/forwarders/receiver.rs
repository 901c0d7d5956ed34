//! Receivers: an HTTPS server that takes webhooks, and syslog receivers over TCP, TLS and UDP.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// An authority of the test, the file that it stands in, and a certificate for this machine.
struct Own {
    file: PathBuf,
    server: Arc<ServerConfig>,
}

static OWN: LazyLock<Own> = LazyLock::new(|| {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (pem, issuer) = new_authority();
    let name = casbah_model::random::text(12, b"abcdefgh");
    let file = std::env::temp_dir().join(format!("casbah-it-ca-{name}.pem"));
    std::fs::write(&file, pem).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_string()]).unwrap().signed_by(&key, &issuer).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let server = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    Own { file, server: Arc::new(server) }
});

fn new_authority() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = params.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(params, key))
}

/// The file with the authority of the receivers here.
pub(crate) fn authority() -> PathBuf {
    OWN.file.clone()
}

/// An authority that has made none of their certificates.
pub(crate) fn other_authority() -> String {
    new_authority().0
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// An HTTPS server that keeps what is posted, and answers 200 or what it is told.
pub(crate) struct Hook {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    status: Arc<AtomicUsize>,
}

impl Hook {
    pub(crate) fn start() -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, status) = (Arc::<Mutex<Vec<Request>>>::default(), Arc::new(AtomicUsize::new(200)));
        let (kept, answer) = (requests.clone(), status.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kept, answer) = (kept.clone(), answer.clone());
                std::thread::spawn(move || {
                    let connection = ServerConnection::new(OWN.server.clone()).unwrap();
                    let mut stream = StreamOwned::new(connection, stream);
                    while let Some(request) = read_request(&mut stream) {
                        kept.lock().unwrap().push(request);
                        let status = answer.load(Ordering::SeqCst);
                        let place =
                            if status == 302 { "location: https://localhost/elsewhere\r\n" } else { "" };
                        let text = format!("HTTP/1.1 {status} x\r\n{place}content-length: 0\r\n\r\n");
                        if stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Hook { port, requests, status }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// From now on it answers this.
    pub(crate) fn answers(&self, status: usize) {
        self.status.store(status, Ordering::SeqCst);
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn read_request(stream: &mut impl Read) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let line = lines.next()?.to_string();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_string()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    stream.read_exact(&mut body).ok()?;
    Some(Request { line, headers, body })
}

/// How a receiver of events behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Manner {
    /// It reads to the end.
    Reads,
    /// It closes every connection after so many events.
    BreaksOff { after: usize },
    /// After so many events it reads on only when it is told to hurry.
    Slow { until: usize },
}

/// A syslog receiver with counted octets.
pub(crate) struct Events {
    pub(crate) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    events: Mutex<Vec<String>>,
    more: Condvar,
    hurry: AtomicBool,
    ended: AtomicBool,
}

impl Events {
    pub(crate) fn tcp(manner: Manner) -> Events {
        Events::tcp_at(0, manner)
    }

    /// At that port, which a receiver before it may just have left.
    pub(crate) fn tcp_at(port: u16, manner: Manner) -> Events {
        Events::start(port, manner, false)
    }

    pub(crate) fn tls(manner: Manner) -> Events {
        Events::start(0, manner, true)
    }

    fn start(port: u16, manner: Manner, tls: bool) -> Events {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", port)) {
                Ok(listener) => break listener,
                Err(e) => assert!(std::time::Instant::now() < deadline, "{e}"),
            }
        };
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::<Shared>::default();
        let theirs = shared.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if theirs.ended.load(Ordering::SeqCst) {
                    return;
                }
                let shared = theirs.clone();
                std::thread::spawn(move || {
                    if tls {
                        let connection = ServerConnection::new(OWN.server.clone()).unwrap();
                        shared.read(StreamOwned::new(connection, stream), manner);
                    } else {
                        shared.read(stream, manner);
                    }
                });
            }
        });
        Events { port, shared }
    }

    /// Waits until so many events have come.
    pub(crate) fn wait_for(&self, count: usize) {
        let mut events = self.shared.events.lock().unwrap();
        while events.len() < count {
            events = self.shared.more.wait(events).unwrap();
        }
    }

    /// The events, when they are what is wanted.
    #[track_caller]
    pub(crate) fn until(&self, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let events = self.all();
            if wanted(&events) {
                return events;
            }
            assert!(std::time::Instant::now() < deadline, "{} events came", events.len());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Reads on.
    pub(crate) fn hurry(&self) {
        self.shared.hurry.store(true, Ordering::SeqCst);
        self.shared.more.notify_all();
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.shared.events.lock().unwrap().clone()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is over.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn read(&self, mut stream: impl Read, manner: Manner) {
        let mut seen = 0;
        while let Some(event) = read_event(&mut stream) {
            let mut events = self.events.lock().unwrap();
            events.push(event);
            self.more.notify_all();
            seen += 1;
            match manner {
                Manner::BreaksOff { after } if seen == after => return,
                Manner::Slow { until } if seen == until => {
                    while !self.hurry.load(Ordering::SeqCst) {
                        events = self.more.wait(events).unwrap();
                    }
                }
                _ => {}
            }
        }
    }
}

fn read_event(stream: &mut impl Read) -> Option<String> {
    let (mut length, mut byte) = (0, [0]);
    loop {
        stream.read_exact(&mut byte).ok()?;
        match byte[0] {
            b' ' => break,
            digit @ b'0'..=b'9' => length = length * 10 + usize::from(digit - b'0'),
            other => panic!("{other} in a count of octets"),
        }
    }
    let mut event = vec![0; length];
    stream.read_exact(&mut event).ok()?;
    Some(String::from_utf8(event).unwrap())
}

/// A socket that takes datagrams.
pub(crate) fn datagrams() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    socket
}
