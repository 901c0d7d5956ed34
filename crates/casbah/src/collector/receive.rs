//! Syslog over UDP, TCP and TLS, in any of its forms: messages are kept as they come, one a line.

use std::io::{self, Read};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Stop;
use super::framing::{Frames, LONGEST, line};
use super::spool::Spool;
use crate::client::failure::Failure;
use crate::output::note;

/// How often a thread that waits looks whether it shall stop.
const LOOK: Duration = Duration::from_millis(200);
/// Connections of one listener.
const MOST_CONNECTIONS: usize = 256;
/// A connection that says nothing for so long is closed: its device has gone.
const SILENCE: Duration = Duration::from_secs(60 * 60);

fn listening(address: &str, error: &io::Error) -> Failure {
    Failure::failed(format!("cannot listen on {address}: {error}"))
}

/// One message a datagram. Where there is no room, messages are dropped and counted: nobody can be asked to wait.
pub(super) fn udp(address: &str, spool: Arc<Spool>, stop: Stop) -> Result<JoinHandle<()>, Failure> {
    let socket = UdpSocket::bind(address).map_err(|e| listening(address, &e))?;
    socket.set_read_timeout(Some(LOOK))?;
    note(&format!("listening on udp://{} for {}", socket.local_addr()?, spool.stream));
    Ok(std::thread::spawn(move || {
        let mut buffer = vec![0; LONGEST];
        while !stop.load(Ordering::Relaxed) {
            let Ok((size, _)) = socket.recv_from(&mut buffer) else { continue };
            if buffer[..size].trim_ascii().is_empty() {
                continue;
            }
            match spool.append(&line(&buffer[..size])) {
                Ok(true) => {}
                Ok(false) => {
                    spool.dropped.fetch_add(1, Ordering::Relaxed);
                }
                Err(e) => {
                    spool.dropped.fetch_add(1, Ordering::Relaxed);
                    note(&format!("{}: the spool cannot be written: {e}", spool.stream));
                    std::thread::sleep(LOOK);
                }
            }
        }
    }))
}

/// Messages counted or ended by LF. Where there is no room, the sender waits.
pub(super) fn tcp(
    address: &str,
    tls: Option<Arc<rustls::ServerConfig>>,
    spool: Arc<Spool>,
    stop: Stop,
) -> Result<JoinHandle<()>, Failure> {
    let listener = TcpListener::bind(address).map_err(|e| listening(address, &e))?;
    listener.set_nonblocking(true)?;
    let kind = if tls.is_some() { "tls" } else { "tcp" };
    note(&format!("listening on {kind}://{} for {}", listener.local_addr()?, spool.stream));
    Ok(std::thread::spawn(move || {
        let connections = Arc::new(AtomicUsize::new(0));
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            threads.retain(|thread| !thread.is_finished());
            let Ok((stream, _)) = listener.accept() else {
                std::thread::sleep(LOOK);
                continue;
            };
            if connections.load(Ordering::Relaxed) >= MOST_CONNECTIONS {
                continue;
            }
            connections.fetch_add(1, Ordering::Relaxed);
            let (spool, stop, tls, count) = (spool.clone(), stop.clone(), tls.clone(), connections.clone());
            threads.push(std::thread::spawn(move || {
                if let Err(e) = converse(stream, tls, &spool, &stop) {
                    note(&format!("{}: a connection broke off: {e}", spool.stream));
                }
                count.fetch_sub(1, Ordering::Relaxed);
            }));
        }
        for thread in threads {
            let _ = thread.join();
        }
    }))
}

fn converse(
    stream: TcpStream,
    tls: Option<Arc<rustls::ServerConfig>>,
    spool: &Spool,
    stop: &Stop,
) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(LOOK))?;
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    match tls {
        None => read_all(stream, spool, stop),
        Some(config) => {
            let connection = rustls::ServerConnection::new(config).map_err(io::Error::other)?;
            read_all(rustls::StreamOwned::new(connection, stream), spool, stop)
        }
    }
}

fn read_all(mut stream: impl Read, spool: &Spool, stop: &Stop) -> io::Result<()> {
    let (mut frames, mut buffer) = (Frames::default(), vec![0; 64 * 1024]);
    let mut heard = std::time::Instant::now();
    while !stop.load(Ordering::Relaxed) && heard.elapsed() < SILENCE {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(size) => {
                heard = std::time::Instant::now();
                frames.push(&buffer[..size]);
                while let Some(message) = frames.next() {
                    keep(spool, &message, stop)?;
                }
            }
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(e) if matches!(e.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => {
                break;
            }
            Err(e) => return Err(e),
        }
    }
    match frames.rest() {
        Some(message) => keep(spool, &message, stop),
        None => Ok(()),
    }
}

/// Keeps a message, when there is room for it; until then nothing is read, and the sender waits.
fn keep(spool: &Spool, message: &[u8], stop: &Stop) -> io::Result<()> {
    let line = line(message);
    while !spool.append(&line)? {
        if stop.load(Ordering::Relaxed) {
            spool.dropped.fetch_add(1, Ordering::Relaxed);
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::SocketAddr;
    use std::time::Instant;

    use casbah_model::Clock;

    use super::*;
    use crate::collector::settings::{Input, Intake, Settings};

    fn free_address() -> SocketAddr {
        TcpListener::bind("127.0.0.1:0").expect("bound").local_addr().expect("an address")
    }

    #[track_caller]
    fn wait_until(done: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !done() {
            assert!(Instant::now() < deadline, "it does not happen");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// What a full spool means: datagrams are dropped and counted, and whoever is connected waits.
    #[test]
    fn a_full_spool_drops_datagrams_and_keeps_connections_waiting() {
        let folder = tempfile::tempdir().expect("a folder");
        let address = free_address().to_string();
        let input =
            Input { stream: "a".into(), source: "SQUID".into(), intake: Intake::Tcp(address.clone()) };
        let settings = Settings {
            name: "test".into(),
            spool: folder.path().to_path_buf(),
            spool_limit: 1000,
            rotate_size: 1,
            rotate_after: Duration::from_secs(300),
            inputs: Vec::new(),
        };
        let spool = Arc::new(Spool::open(&settings, &input, Clock::system()).expect("a spool"));
        let stop = Stop::default();
        let counts = || (spool.received.load(Ordering::Relaxed), spool.dropped.load(Ordering::Relaxed));
        let threads = [
            tcp(&address, None, spool.clone(), stop.clone()).expect("it listens"),
            udp(&address, spool.clone(), stop.clone()).expect("it listens"),
        ];
        // One hundred bytes each, the end of the line included.
        let line = "x".repeat(99);
        let mut device = TcpStream::connect(&address).expect("connected");
        for _ in 0..15 {
            writeln!(device, "{line}").expect("sent");
        }
        wait_until(|| counts() == (10, 0));
        let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
        for _ in 0..5 {
            socket.send_to(line.as_bytes(), &address).expect("sent");
        }
        wait_until(|| counts() == (10, 5));
        // When the server has what waits, the device goes on.
        spool.tend().expect("packed");
        for path in spool.waiting().expect("a list") {
            spool.sent(&path).expect("removed");
        }
        wait_until(|| counts() == (15, 5));
        stop.store(true, Ordering::Relaxed);
        for thread in threads {
            thread.join().expect("it ends");
        }
    }
}
