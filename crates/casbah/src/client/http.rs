//! One HTTPS exchange: what goes out, what comes back, and why it may not.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::SendBody;
use ureq::tls::{PemItem, RootCerts, TlsConfig};

use super::failure::{Exit, Failure};

/// Where Debian, Fedora, SUSE, Alpine and the BSDs keep the authorities that the machine trusts.
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/share/certs/ca-root-nss.crt",
];

/// Answers larger than this are not read: no list page comes near.
const ANSWER_LIMIT: u64 = 256 * 1024 * 1024;

/// Connections to one server.
#[derive(Clone)]
pub struct Http {
    agent: ureq::Agent,
}

/// What to send.
pub enum Body<'a> {
    /// Nothing.
    Empty,
    /// JSON.
    Json(&'a Value),
    /// Form fields.
    Form(&'a [(&'a str, &'a str)]),
    /// Bytes of a stated type.
    Bytes(&'a str, &'a [u8]),
    /// Exactly this many bytes from a reader; for uploads.
    Reader(&'a mut dyn Read, u64),
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Headers in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The id under which the server logged the request.
    pub fn request_id(&self) -> Option<&str> {
        ["x-ms-request-id", "request-id", "x-request-id"].iter().find_map(|name| self.header(name))
    }

    /// Whether the status is a success.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The answer as a failure, in the words of the server.
    pub fn failure(&self) -> Failure {
        Failure::from_answer(self.status, &self.body, self.request_id(), self.header("retry-after"))
    }

    /// The answer itself, unless it is an error.
    pub fn checked(self) -> Result<Answer, Failure> {
        if self.ok() { Ok(self) } else { Err(self.failure()) }
    }

    /// The JSON of a successful answer; an empty body is null.
    pub fn json(self) -> Result<Value, Failure> {
        let answer = self.checked()?;
        if answer.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&answer.body).map_err(|_| Failure::shape("JSON"))
    }
}

impl Http {
    /// Trusts exactly the authorities in the file `ca`, or those of the machine when none is given.
    pub fn new(ca: Option<&Path>) -> Result<Http, Failure> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(authorities(ca)?)))
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            // A redirect would carry the token to wherever the answer says.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("casbah/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_recv_response(Some(Duration::from_secs(300)))
            .build()
            .new_agent();
        Ok(Http { agent })
    }

    /// Sends one request and reads the whole answer.
    pub fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: Body<'_>,
    ) -> Result<Answer, Failure> {
        check_scheme(url)?;
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let bad = |_| Failure::usage(format!("{method} {url} is not a request that can be sent"));
        let sent = match body {
            Body::Empty => self.agent.run(request.body(()).map_err(bad)?),
            Body::Json(value) => {
                let request = request.header("content-type", "application/json");
                self.agent.run(request.body(value.to_string()).map_err(bad)?)
            }
            Body::Form(fields) => {
                let text = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                let request = request.header("content-type", "application/x-www-form-urlencoded");
                self.agent.run(request.body(text).map_err(bad)?)
            }
            Body::Bytes(kind, bytes) => {
                let request = request.header("content-type", kind);
                self.agent.run(request.body(bytes).map_err(bad)?)
            }
            Body::Reader(mut reader, length) => {
                let request = request.header("content-length", length);
                self.agent.run(request.body(SendBody::from_reader(&mut reader)).map_err(bad)?)
            }
        };
        let mut response = sent.map_err(|error| unreachable(url, &error))?;
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let body = response.body_mut().with_config().limit(ANSWER_LIMIT).read_to_vec();
        Ok(Answer {
            status: response.status().as_u16(),
            headers,
            body: body.map_err(|error| unreachable(url, &error))?,
        })
    }
}

/// Tokens travel over TLS; only a proxy on this very machine may be spoken to without.
fn check_scheme(url: &str) -> Result<(), Failure> {
    let parsed = url::Url::parse(url).map_err(|_| Failure::usage(format!("{url} is not a URL")))?;
    let loopback = match parsed.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match parsed.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        _ => Err(Failure::usage(format!("{url} is not https; credentials are not sent in the clear"))),
    }
}

fn authorities(ca: Option<&Path>) -> Result<Vec<ureq::tls::Certificate<'static>>, Failure> {
    let pem = match ca {
        Some(path) => std::fs::read(path).map_err(|e| Failure::file(path, &e))?,
        None => {
            let named = std::env::var_os("SSL_CERT_FILE").map(std::path::PathBuf::from);
            let bundles = named.into_iter().chain(SYSTEM_BUNDLES.iter().map(Into::into));
            bundles.filter_map(|path| std::fs::read(path).ok()).next().unwrap_or_default()
        }
    };
    // A bundle may hold an entry that this library cannot read; the others still count.
    let found: Vec<_> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    match (found.is_empty(), ca) {
        (true, Some(path)) => {
            Err(Failure::usage(format!("{} holds no certificate in PEM form", path.display())))
        }
        _ => Ok(found),
    }
}

fn unreachable(url: &str, error: &ureq::Error) -> Failure {
    let origin = url::Url::parse(url).map_or_else(|_| url.to_string(), |u| u.origin().ascii_serialization());
    let why = match error {
        ureq::Error::Io(io) => match io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(tls) => distrust(tls),
            None if io.kind() == std::io::ErrorKind::ConnectionRefused => {
                "nothing listens there; is `casbah serve` or `casbah dev` running?".to_string()
            }
            None => io.to_string(),
        },
        ureq::Error::Rustls(tls) => distrust(tls),
        ureq::Error::HostNotFound => "there is no such host; check --url".to_string(),
        other => other.to_string(),
    };
    Failure::new(Exit::Unreachable, format!("cannot reach {origin}: {why}"))
}

fn distrust(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer) => {
            "its certificate comes from an authority that is not trusted here; name it with --ca FILE or CASBAH_CA \
             (`casbah ca` on the server prints the path)"
                .to_string()
        }
        other => format!("TLS: {other}"),
    }
}
