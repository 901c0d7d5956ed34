//! A Casbah for the tests that come from outside: `casbah dev` on a free port.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::Failure;

/// A server that runs until this is dropped.
pub struct Server {
    process: Child,
    folder: Option<TempDir>,
    /// What `casbah.env` says, and the variables that make clients trust it.
    pub environment: BTreeMap<String, String>,
}

impl Server {
    /// Process id, for measuring.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Stops it as an operator does, and answers its data folder.
    pub fn into_folder(mut self) -> Result<TempDir, Failure> {
        Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        self.process.wait()?;
        self.folder.take().ok_or_else(|| "the server has no folder".into())
    }
}

/// Starts `casbah dev` and waits for its `casbah.env`, which is complete when it appears.
pub fn start(binary: &Path) -> Result<Server, Failure> {
    start_on(binary, new_folder()?)
}

/// Starts `casbah dev` on a data folder, which may be that of an earlier one.
pub fn start_on(binary: &Path, folder: TempDir) -> Result<Server, Failure> {
    begin(Command::new(binary), folder, usual_port())
}

/// Two of them: the second takes the first one's tokens as those of workloads, and people whom it vouches for.
pub fn start_pair(binary: &Path) -> Result<(Server, Server), Failure> {
    let issuer = begin(Command::new(binary), new_folder()?, 0)?;
    let mut trusting = Command::new(binary);
    trusting.env("CASBAH_OUTBOUND_ALLOW", "localhost");
    trusting.env("CASBAH_OUTBOUND_CA", issuer.environment.get("CASBAH_CA").cloned().unwrap_or_default());
    Ok((issuer, begin(trusting, new_folder()?, usual_port())?))
}

fn new_folder() -> Result<TempDir, Failure> {
    Ok(tempfile::Builder::new().prefix("casbah-dev-").tempdir_in("/tmp")?)
}

/// MSAL for Python asks for the user realm on port 443 only, so that is where we listen if we may.
fn usual_port() -> u16 {
    if TcpListener::bind("127.0.0.1:443").is_ok() { 443 } else { 0 }
}

fn begin(mut command: Command, folder: TempDir, port: u16) -> Result<Server, Failure> {
    command.args(["dev", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]).arg(folder.path());
    // What an earlier server wrote would look ready.
    let file = folder.path().join("casbah.env");
    let _ = std::fs::remove_file(&file);
    let mut process = command.stdout(Stdio::piped()).spawn()?;
    let output = process.stdout.take().ok_or("no output")?;
    // The screen is printed after the file is in place; from then on nobody reads it.
    let mut lines = BufReader::new(output).lines();
    while !file.exists() {
        match lines.next() {
            Some(line) => drop(line?),
            None => return Err("casbah dev ended before it was ready".into()),
        }
    }
    std::thread::spawn(move || lines.for_each(drop));
    let mut environment = BTreeMap::new();
    for line in std::fs::read_to_string(&file)?.lines() {
        let line = line.strip_prefix("export ").unwrap_or(line);
        if let Some((name, value)) = line.split_once('=') {
            environment.insert(name.to_string(), value.trim_matches(['\'', '"']).to_string());
        }
    }
    let authority = environment.get("CASBAH_CA").cloned().ok_or("casbah.env lacks CASBAH_CA")?;
    for variable in ["REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "CURL_CA_BUNDLE"] {
        environment.insert(variable.to_string(), authority.clone());
    }
    Ok(Server { process, folder: Some(folder), environment })
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
