//! A small issuer of tokens, as a CI system has one: a discovery document and keys over TLS.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer as Authority, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value as Json, json};

use crate::outbound::{Outbound, OutboundSettings};

/// Serves until the test process ends.
pub(crate) struct Issuer {
    /// `https://localhost:PORT`
    pub(crate) url: String,
    authority: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Whole answers by path.
    answers: HashMap<String, String>,
    asked: Vec<String>,
    posted: Vec<String>,
}

impl Issuer {
    pub(crate) fn start() -> Issuer {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let authority = params.self_signed(&key).expect("a certificate").pem();
        let signer = Authority::new(params, key);
        let key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(["localhost".to_string()]).expect("parameters");
        let server = server.signed_by(&key, &signer).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder().with_no_client_auth();
        let config = Arc::new(config.with_single_cert(vec![server.der().clone()], key).expect("fits"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let url = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // A client that does not trust us hangs up; the next one may.
                let _ = answer(stream, &config, &shared);
            }
        });
        Issuer { url, authority, state }
    }

    /// How somebody calls who trusts this issuer's certificate and may call this machine.
    pub(crate) fn outbound(&self) -> Outbound {
        let allowed = vec!["localhost".parse().expect("a host")];
        let settings = OutboundSettings { allowed, authorities: self.authority.clone().into_bytes() };
        Outbound::new(&settings).expect("opens")
    }

    /// How somebody calls who trusts the certificate, but keeps to public addresses.
    pub(crate) fn fenced_outbound(&self) -> Outbound {
        let authorities = self.authority.clone().into_bytes();
        Outbound::new(&OutboundSettings { allowed: Vec::new(), authorities }).expect("opens")
    }

    /// Publishes keys.
    pub(crate) fn publish(&self, keys: &[Json]) {
        self.answer_json(
            "/.well-known/openid-configuration",
            &json!({
                "issuer": self.url, "jwks_uri": format!("{}/keys", self.url),
            }),
        );
        self.answer_json("/keys", &json!({ "keys": keys }));
    }

    pub(crate) fn answer_json(&self, path: &str, body: &Json) {
        let body = body.to_string();
        let length = body.len();
        self.answer(
            path,
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"),
        );
    }

    pub(crate) fn answer(&self, path: &str, whole: String) {
        self.state.lock().expect("not poisoned").answers.insert(path.to_string(), whole);
    }

    /// The forms that were posted since the last call.
    pub(crate) fn take_posted(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("not poisoned").posted)
    }

    /// The paths that were asked for since the last call.
    pub(crate) fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().expect("not poisoned").asked)
    }
}

fn answer(stream: TcpStream, config: &Arc<ServerConfig>, state: &Mutex<State>) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let mut request = Vec::new();
    let mut buffer = [0; 2048];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    let end = request.windows(4).position(|end| end == b"\r\n\r\n").unwrap_or(0) + 4;
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    while request.len() < end + length.unwrap_or(0) {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split_whitespace().nth(1).unwrap_or_default().to_string();
    let whole = {
        let mut state = state.lock().expect("not poisoned");
        state.asked.push(path.clone());
        if request.starts_with("POST") {
            state.posted.push(request[end..].to_string());
        }
        state.answers.get(&path).cloned()
    };
    let absent = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(whole.as_deref().unwrap_or(absent).as_bytes())?;
    stream.conn.send_close_notify();
    stream.flush()
}
