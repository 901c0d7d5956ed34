//! Lists of alerts.

use std::path::Path;
use std::process::{Command, Stdio};

use super::{Client, report};
use crate::{Failure, root, server};

pub fn run(binary: &Path) -> Result<(), Failure> {
    let server = server::start(binary)?;
    let client = Client::new(&server)?;
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("access.log");
    std::fs::write(&log, many_apps()?)?;
    let mut upload = Command::new(binary);
    upload.args(["discovery", "upload"]).arg(&log);
    upload.args(["--source", "SQUID_NATIVE", "--stream", "Benchmark", "--create-stream"]);
    crate::run(upload.envs(&server.environment).stdout(Stdio::null()))?;
    let token = client.token()?;
    let total = client.alerts(&token)?["total"].as_i64().ok_or("the list of alerts has no total")?;
    report(&format!("alert_list_100_of_{total}"), "per_processor_second", || {
        let listed = client.per_processor_second(|client| client.alerts(&token).map(drop))?;
        Ok((listed, Some(client.per_processor_second(|client| client.get("/healthz").map(drop))?)))
    })
}

/// A log with one visit to each app of the catalogue's first columns, so that many alerts are raised.
fn many_apps() -> Result<String, Failure> {
    let seed = std::fs::read_to_string(root().join("crates/casbah-discovery/catalogue/seed.csv"))?;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs() - 3600;
    let hosts = seed
        .split([',', '|', '\n'])
        .filter(|cell| cell.contains('.') && !cell.contains(['*', '/', '=', ' ']));
    Ok(hosts
        .map(|host| format!("{now}.000 120 10.0.0.7 TCP_MISS/200 4096 GET https://{host}/ ann@contoso.example HIER_DIRECT/192.0.2.1 text/html\n"))
        .collect())
}
