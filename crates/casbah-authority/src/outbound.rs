//! Calls that Casbah makes itself: to issuers whose tokens somebody registered, to webhooks, and to the syslog
//! receivers of SIEMs.
//!
//! Whoever registers an address decides where this machine connects to, so every call is fenced in:
//! https only, no redirects, no proxy, the resolved addresses are checked and only they are connected to,
//! five seconds and 256 KiB at most. Addresses that only this machine or its network can reach are refused
//! unless the operator lists them.

mod addresses;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use casbah_model::Secret;
use tokio::sync::Semaphore;
use ureq::Agent;
use ureq::http::Uri;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use url::{Host, Url};

pub use addresses::{Allowed, InvalidAllowed};

/// For a whole call, from the name to the last byte.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The largest answer, in bytes.
const LARGEST: u64 = 256 * 1024;
/// Calls under way at once on this node.
const AT_ONCE: usize = 16;
/// Where systems keep the authorities that they trust.
const SYSTEM_AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// What an operator can set.
#[derive(Clone, Debug, Default)]
pub struct OutboundSettings {
    /// Hosts and address ranges that may be called although they are private.
    pub allowed: Vec<Allowed>,
    /// PEM text of authorities to trust besides the system's.
    pub authorities: Vec<u8>,
}

/// Why a call brought nothing. None of it says what the other side answered.
#[derive(Debug)]
pub enum OutboundError {
    /// The address may not be called: not https, or a private address that is not allowed.
    Refused(String),
    /// The other side did not answer as it should: the connection, TLS, time, size or status.
    Failed(String),
}

impl std::fmt::Display for OutboundError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OutboundError::Refused(why) | OutboundError::Failed(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for OutboundError {}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Fetched {
    /// HTTP status.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// Makes calls; cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    agent: Agent,
    turns: Arc<Semaphore>,
    allowed: Arc<[Allowed]>,
    /// Certificates of the authorities that are trusted, in DER.
    authorities: Arc<[Vec<u8>]>,
}

impl Outbound {
    /// Reads the system's authorities and those of the settings.
    ///
    /// # Errors
    /// One sentence when the authorities of the settings hold no certificate.
    pub fn new(settings: &OutboundSettings) -> Result<Outbound, String> {
        let mut authorities = certificates(&settings.authorities);
        if authorities.is_empty() && !settings.authorities.is_empty() {
            return Err("it holds no certificate in PEM".to_string());
        }
        let system = SYSTEM_AUTHORITIES.iter().find_map(|path| std::fs::read(path).ok());
        authorities.extend(system.iter().flat_map(|pem| certificates(pem)));
        let in_der = authorities.iter().map(|one| one.der().to_vec()).collect();
        let tls = TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(authorities))).build();
        let config = Agent::config_builder()
            .https_only(true)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // A proxy of the environment would resolve names itself, past the check.
            .proxy(None)
            .timeout_global(Some(TIMEOUT))
            .user_agent("casbah")
            .tls_config(tls)
            .build();
        let resolver = Fenced { allowed: settings.allowed.clone(), inner: DefaultResolver::default() };
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        let allowed = settings.allowed.clone().into();
        Ok(Outbound { agent, turns: Arc::new(Semaphore::new(AT_ONCE)), allowed, authorities: in_der })
    }

    /// Certificates of the authorities that are trusted, the system's and the operator's, in DER.
    pub fn authorities(&self) -> &[Vec<u8>] {
        &self.authorities
    }

    /// The addresses of a host that may be connected to. Blocks while the name is resolved.
    ///
    /// # Errors
    /// [`OutboundError`]
    pub fn addresses(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, OutboundError> {
        let found = (host, port).to_socket_addrs().map_err(|e| OutboundError::Failed(e.to_string()))?;
        let may = |at: &SocketAddr| addresses::may_be_called(&self.allowed, host, at.ip());
        let kept: Vec<SocketAddr> = found.filter(may).collect();
        if kept.is_empty() {
            return Err(OutboundError::Refused(RefusedAddress { host: host.to_string() }.to_string()));
        }
        Ok(kept)
    }

    /// Fetches an address.
    ///
    /// # Errors
    /// [`OutboundError`]
    pub async fn get(&self, url: &str) -> Result<Fetched, OutboundError> {
        let url = checked(url)?;
        self.run(move |agent| agent.get(url.as_str()).header("accept", "application/json").call()).await
    }

    /// Posts a form; `authorization` is the value of that header.
    ///
    /// # Errors
    /// [`OutboundError`]
    pub async fn post_form(
        &self,
        url: &str,
        form: &[(&str, Secret)],
        authorization: Option<Secret>,
    ) -> Result<Fetched, OutboundError> {
        let url = checked(url)?;
        let form: Vec<(String, Secret)> =
            form.iter().map(|(name, value)| ((*name).to_string(), value.clone())).collect();
        self.run(move |agent| {
            let mut request = agent.post(url.as_str()).header("accept", "application/json");
            if let Some(authorization) = &authorization {
                request = request.header("authorization", authorization.expose());
            }
            request.send_form(form.iter().map(|(name, value)| (name.as_str(), value.expose())))
        })
        .await
    }

    /// Posts JSON; answers the status. What the other side says is not read.
    ///
    /// # Errors
    /// [`OutboundError`]
    pub async fn post_json(
        &self,
        url: &Secret,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<u16, OutboundError> {
        let url = checked(url.expose())?;
        self.call(move |agent| {
            let mut request = agent.post(url.as_str()).header("content-type", "application/json");
            for (name, value) in &headers {
                request = request.header(*name, value);
            }
            Ok(request.send(body.as_slice())?.status().as_u16())
        })
        .await
    }

    async fn run<F>(&self, call: F) -> Result<Fetched, OutboundError>
    where
        F: FnOnce(&Agent) -> Result<ureq::http::Response<ureq::Body>, ureq::Error> + Send + 'static,
    {
        self.call(move |agent| {
            let mut answer = call(agent)?;
            let status = answer.status().as_u16();
            let body = answer.body_mut().with_config().limit(LARGEST).read_to_vec()?;
            Ok(Fetched { status, body })
        })
        .await
    }

    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Agent) -> Result<T, ureq::Error> + Send + 'static,
    ) -> Result<T, OutboundError> {
        let _turn = self.turns.acquire().await.map_err(|e| OutboundError::Failed(e.to_string()))?;
        let agent = self.agent.clone();
        let work = tokio::task::spawn_blocking(move || call(&agent));
        let done = work.await.map_err(|e| OutboundError::Failed(e.to_string()))?;
        done.map_err(|e| match e {
            ureq::Error::Other(why) if why.is::<RefusedAddress>() => OutboundError::Refused(why.to_string()),
            other => OutboundError::Failed(other.to_string()),
        })
    }
}

/// An https address without anything hidden in it.
fn checked(url: &str) -> Result<Url, OutboundError> {
    let refused = |why: &str| OutboundError::Refused(why.to_string());
    let url = Url::parse(url).map_err(|_| refused("the address is not a URL"))?;
    if url.scheme() != "https" {
        return Err(refused("the address is not https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("the address holds a user name"));
    }
    Ok(url)
}

/// Whether a PEM text holds a certificate.
pub fn has_certificate(pem: &[u8]) -> bool {
    !certificates(pem).is_empty()
}

fn certificates(pem: &[u8]) -> Vec<Certificate<'static>> {
    let items = parse_pem(pem).filter_map(Result::ok);
    items.filter_map(|item| if let PemItem::Certificate(one) = item { Some(one) } else { None }).collect()
}

/// Resolves names, and lets through only addresses that may be called. What comes out of here is what the
/// connection goes to, so a name that changes its address between two looks gains nothing.
#[derive(Debug)]
struct Fenced {
    allowed: Vec<Allowed>,
    inner: DefaultResolver,
}

impl Resolver for Fenced {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let mut kept = self.empty();
        for address in found.iter() {
            if addresses::may_be_called(&self.allowed, host, address.ip()) {
                kept.push(*address);
            }
        }
        if kept.is_empty() {
            let refused = RefusedAddress { host: host.to_string() };
            return Err(ureq::Error::Other(Box::new(refused)));
        }
        Ok(kept)
    }
}

#[derive(Debug)]
struct RefusedAddress {
    host: String,
}

impl std::fmt::Display for RefusedAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} has only private addresses; outbound_allow can list it", self.host)
    }
}

impl std::error::Error for RefusedAddress {}

/// Whether a text is an https address that could be called, wherever it leads.
///
/// # Errors
/// One sentence.
pub fn check_https_url(text: &str) -> Result<(), &'static str> {
    let url = checked(text).map_err(|_| "must be an https URL without a user name.")?;
    if url.fragment().is_some() || url.query().is_some() {
        return Err("must be an https URL without a query and a fragment.");
    }
    match url.host() {
        Some(Host::Domain(name)) if !name.is_empty() => Ok(()),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => Ok(()),
        _ => Err("must be an https URL with a host."),
    }
}

/// Whether alerts could be posted to an address, wherever it leads. Its query may hold what lets callers in.
///
/// # Errors
/// One sentence.
pub fn check_callback_url(text: &str) -> Result<Url, &'static str> {
    const WRONG: &str = "must be an https URL without a user name and a fragment.";
    let url = checked(text).map_err(|_| WRONG)?;
    if url.fragment().is_some() || url.host_str().is_none_or(str::is_empty) {
        return Err(WRONG);
    }
    let literal = match url.host() {
        Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    match literal {
        Some(address) if !self::addresses::may_be_called(&[], "", address) => {
            Err("must not be a private address; a name that outbound_allow lists can lead to one.")
        }
        _ => Ok(url),
    }
}
