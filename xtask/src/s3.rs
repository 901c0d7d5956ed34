//! An S3-compatible server for the tests of the connector: moto, in memory, on a free loopback port.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Failure, environment, step};

/// A server that runs until this is dropped.
pub struct S3 {
    process: Child,
    /// Its address.
    pub url: String,
}

/// Starts it; the Python clients must be installed.
pub fn start() -> Result<S3, Failure> {
    step("Starting an S3-compatible server");
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = Command::new(environment::folder().join("python/bin/moto_server"));
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut server = S3 { process, url: format!("http://127.0.0.1:{port}") };
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Some(status) = server.process.try_wait()? {
            return Err(format!("moto_server ended with {status}").into());
        }
        if began.elapsed() > Duration::from_secs(60) {
            return Err("moto_server does not listen after a minute".into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    println!("   {}", server.url);
    Ok(server)
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
