//! Events to the syslog receiver of a SIEM: over UDP one a datagram (RFC 5426), over TCP and TLS with counted octets
//! (RFC 6587, RFC 5425).
//!
//! Syslog has no answer that says that something arrived. Over TCP and TLS the end of a connection is one: Casbah
//! closes its direction when everything is written, and a receiver that has read to that end closes its own. Only
//! then are the records forgotten. A receiver that breaks off, or closes before it was asked to, is sent everything
//! again; one that just keeps its direction open for five seconds is believed.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use casbah_api::outgoing::syslog::{Subject, message};
use casbah_api::outgoing::{activity_records, alert_records, cef};
use casbah_authority::Outbound;
use casbah_model::{EventFormat, SyslogReceiver, SyslogTransport};
use casbah_service::forwarders::{Batch, Sending};
use casbah_service::{Error, Service};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use tokio::sync::watch;

/// Records of one look into the database, and looks for one connection.
const BATCH: i64 = 200;
const BATCHES: usize = 20;
/// For a connection to come about, and for each write.
const PATIENCE: Duration = Duration::from_secs(10);
/// For the receiver to close its direction.
const FAREWELL: Duration = Duration::from_secs(5);
/// What a datagram can carry, in bytes.
const LARGEST_DATAGRAM: usize = 65_000;

/// Sends what waits, until there is nothing more or the receiver cannot be reached.
///
/// # Errors
/// When the database fails.
pub(super) async fn send(
    service: &Service,
    sending: &mut Sending,
    receiver: SyslogReceiver,
    stopped: &watch::Receiver<bool>,
) -> Result<(), Error> {
    let mut connection: Option<Connection> = None;
    let mut written: Vec<(Batch, i64)> = Vec::new();
    let failure = loop {
        if written.len() >= BATCHES || *stopped.borrow() || !service.renew_forwarder(sending).await? {
            break None;
        }
        let batch = service.next_batch(sending, BATCH).await?;
        if batch.is_empty() {
            break None;
        }
        let messages = messages(service, sending, &receiver, &batch).await?;
        if messages.is_empty() {
            sending.took(batch, 0);
            continue;
        }
        let (outbound, receiver, open) =
            (service.authority().outbound().clone(), receiver.clone(), connection.take());
        let work = tokio::task::spawn_blocking(move || {
            let mut connection = match open {
                Some(open) => open,
                None => Connection::open(&outbound, &receiver)?,
            };
            let dropped = connection.write(&messages)?;
            Ok::<_, String>((connection, dropped))
        });
        match work.await.map_err(Error::internal)? {
            Ok((open, dropped)) => {
                connection = Some(open);
                written.push((batch, dropped));
            }
            Err(why) => break Some(why),
        }
    };
    let failure = match (failure, connection) {
        (None, Some(open)) => {
            tokio::task::spawn_blocking(move || open.confirm()).await.map_err(Error::internal)?.err()
        }
        (failure, _) => failure,
    };
    match failure {
        None => {
            for (batch, dropped) in written {
                sending.took(batch, dropped);
            }
        }
        Some(why) => sending.failed(why, service.clock().now()),
    }
    Ok(())
}

/// The messages of a batch.
async fn messages(
    service: &Service,
    sending: &Sending,
    receiver: &SyslogReceiver,
    batch: &Batch,
) -> Result<Vec<String>, Error> {
    let origin = service.settings().public_url.trim_end_matches('/');
    let host =
        url::Url::parse(origin).ok().and_then(|url| url.host_str().map(String::from)).unwrap_or_default();
    let caller = sending.caller();
    let alerts = alert_records(service, &caller, &batch.alerts).await?;
    let activities = activity_records(service, &caller, &batch.activities).await?;
    let event = |subject: Subject, record: &Value| match (receiver.format, subject) {
        (EventFormat::Json, _) => record.to_string(),
        (EventFormat::Cef, Subject::Alert) => cef::alert(record),
        (EventFormat::Cef, Subject::Activity) => cef::activity(record, origin),
    };
    let framed = |subject, record: &Value| message(subject, record, &host, &event(subject, record));
    let alerts = alerts.iter().map(|record| framed(Subject::Alert, record));
    Ok(alerts.chain(activities.iter().map(|record| framed(Subject::Activity, record))).collect())
}

enum Connection {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Connection {
    fn open(outbound: &Outbound, receiver: &SyslogReceiver) -> Result<Connection, String> {
        let addresses = outbound.addresses(&receiver.host, receiver.port).map_err(|e| e.to_string())?;
        if receiver.transport == SyslogTransport::Udp {
            return udp(&addresses).map(Connection::Udp).map_err(|e| format!("no datagram can be sent: {e}"));
        }
        let stream = tcp(&addresses).map_err(|e| format!("the connection failed: {e}"))?;
        if receiver.transport == SyslogTransport::Tcp {
            return Ok(Connection::Tcp(stream));
        }
        let config = tls(outbound, receiver)?;
        let name = ServerName::try_from(receiver.host.clone())
            .map_err(|_| "the host is no name for TLS".to_string())?;
        let connection = ClientConnection::new(Arc::new(config), name).map_err(|e| format!("TLS: {e}"))?;
        let mut stream = StreamOwned::new(connection, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|e| format!("TLS: {e}"))?;
        }
        Ok(Connection::Tls(Box::new(stream)))
    }

    /// Writes messages; answers how many could not be sent, however often it were tried.
    fn write(&mut self, messages: &[String]) -> Result<i64, String> {
        let broken = |e: io::Error| format!("the connection broke off: {e}");
        let stream: &mut dyn Write = match self {
            Connection::Udp(socket) => {
                let mut dropped = 0;
                for message in messages {
                    if message.len() > LARGEST_DATAGRAM {
                        dropped += 1;
                    } else {
                        socket
                            .send(message.as_bytes())
                            .map_err(|e| format!("a datagram was refused: {e}"))?;
                    }
                }
                return Ok(dropped);
            }
            Connection::Tcp(stream) => stream,
            Connection::Tls(stream) => stream,
        };
        let mut bytes = Vec::new();
        for message in messages {
            bytes.extend_from_slice(format!("{} ", message.len()).as_bytes());
            bytes.extend_from_slice(message.as_bytes());
        }
        stream.write_all(&bytes).and_then(|()| stream.flush()).map_err(broken)?;
        Ok(0)
    }

    /// Waits until the receiver has read everything.
    fn confirm(self) -> Result<(), String> {
        match self {
            Connection::Udp(_) => Ok(()),
            Connection::Tcp(mut stream) => {
                still_open(&mut stream)?;
                stream.shutdown(Shutdown::Write).map_err(|e| format!("the connection broke off: {e}"))?;
                until_closed(&mut stream)
            }
            Connection::Tls(mut stream) => {
                still_open(&mut stream.sock)?;
                stream.conn.send_close_notify();
                stream.flush().map_err(|e| format!("the connection broke off: {e}"))?;
                stream
                    .sock
                    .shutdown(Shutdown::Write)
                    .map_err(|e| format!("the connection broke off: {e}"))?;
                // What TLS says from here on is of no interest, only how the connection ends.
                until_closed(&mut stream.sock)
            }
        }
    }
}

/// A receiver that has closed already has not read to our end.
fn still_open(stream: &mut TcpStream) -> Result<(), String> {
    stream.set_nonblocking(true).map_err(|e| e.to_string())?;
    let seen = stream.peek(&mut [0]);
    stream.set_nonblocking(false).map_err(|e| e.to_string())?;
    match seen {
        Ok(0) => Err("the receiver closed the connection".to_string()),
        Err(e) if e.kind() != io::ErrorKind::WouldBlock => Err(format!("the connection broke off: {e}")),
        _ => Ok(()),
    }
}

/// Reads to the end of the other direction; whatever stands there says nothing.
fn until_closed(stream: &mut TcpStream) -> Result<(), String> {
    stream.set_read_timeout(Some(FAREWELL)).map_err(|e| e.to_string())?;
    let mut buffer = [0; 4096];
    // A receiver that talks on is as good as one that keeps still.
    for _ in 0..64 {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                return Ok(());
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(format!("the receiver broke off: {e}")),
        }
    }
    Ok(())
}

fn udp(addresses: &[SocketAddr]) -> io::Result<UdpSocket> {
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        let local = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        match UdpSocket::bind(local).and_then(|socket| socket.connect(address).map(|()| socket)) {
            Ok(socket) => return Ok(socket),
            Err(e) => failed = e,
        }
    }
    Err(failed)
}

fn tcp(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect_timeout(address, PATIENCE) {
            Ok(stream) => {
                stream.set_write_timeout(Some(PATIENCE))?;
                stream.set_read_timeout(Some(PATIENCE))?;
                return Ok(stream);
            }
            Err(e) => failed = e,
        }
    }
    Err(failed)
}

fn tls(outbound: &Outbound, receiver: &SyslogReceiver) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    match &receiver.authority {
        Some(pem) => {
            let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).filter_map(Result::ok);
            roots.add_parsable_certificates(certificates);
        }
        None => {
            let certificates = outbound.authorities().iter().map(|der| CertificateDer::from(der.as_slice()));
            roots.add_parsable_certificates(certificates);
        }
    }
    if roots.is_empty() {
        return Err("there is no authority to check its certificate against: give caCertificate".to_string());
    }
    Ok(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
}
