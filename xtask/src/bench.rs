//! Measurements, each as a ratio against a baseline that runs beside it on the same machine.
//!
//! Work of the server is measured in processor time of its process, not in wall time: the clients
//! that make the load run on the same two cores and would otherwise be measured too.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use serde_json::Value;

use crate::server::Server;
use crate::{Failure, root, run, server, step};

/// How long each rate is measured, after a warm-up of a fifth of it.
const MEASURE: Duration = Duration::from_secs(5);
/// Lines of the log that is parsed.
const LINES: usize = 2_000_000;
/// Runs of what is measured in wall time; the best counts, since noise only ever adds.
const RUNS: usize = 5;

/// Runs every benchmark and prints `name value unit baseline ratio`.
pub fn all() -> Result<(), Failure> {
    step("Building with optimisation");
    run(Command::new("cargo").args(["build", "--release", "--bin", "casbah", "--locked"]))?;
    let binary = root().join("target/release/casbah");
    step("name value unit baseline ratio");
    start_up(&binary)?;
    let server = server::start(&binary)?;
    idle_memory(&server)?;
    let client = Client::new(&server)?;
    tokens(&client)?;
    alerts(&client, &binary, &server)?;
    drop(server);
    parsing(&binary)
}

fn report(name: &str, value: f64, unit: &str, baseline: Option<f64>) {
    match baseline {
        Some(baseline) => println!("{name} {value:.1} {unit} {baseline:.1} {:.3}", value / baseline),
        None => println!("{name} {value:.1} {unit} - -"),
    }
}

fn start_up(binary: &Path) -> Result<(), Failure> {
    let mut best = f64::MAX;
    for _ in 0..RUNS {
        let began = Instant::now();
        let server = server::start(binary)?;
        let client = Client::new(&server)?;
        client.get("/readyz")?;
        best = best.min(began.elapsed().as_secs_f64() * 1000.0);
    }
    report("start_up", best, "ms", None);
    Ok(())
}

fn idle_memory(server: &Server) -> Result<(), Failure> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id()))?;
    let line = status.lines().find(|l| l.starts_with("VmRSS:")).ok_or("no VmRSS in /proc")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no VmRSS in /proc")?.parse()?;
    report("idle_memory", kib / 1024.0, "MiB", None);
    Ok(())
}

fn tokens(client: &Client) -> Result<(), Failure> {
    let issued = client.per_processor_second(|client| client.token().map(drop))?;
    report("token_issuance", issued, "per_processor_second", Some(signatures_per_second()?));
    Ok(())
}

/// Raw RSA-2048 signatures on one core: one thread that does nothing else.
fn signatures_per_second() -> Result<f64, Failure> {
    let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| "no RSA key")?;
    let pkcs8 = key.as_der().map_err(|_| "no RSA key")?;
    let key = KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| "no RSA key")?;
    let random = SystemRandom::new();
    let mut signature = vec![0; key.public_modulus_len()];
    let began = Instant::now();
    let mut count = 0u32;
    while began.elapsed() < MEASURE {
        key.sign(&RSA_PKCS1_SHA256, &random, b"message", &mut signature).map_err(|_| "no signature")?;
        count += 1;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}

fn alerts(client: &Client, binary: &Path, server: &Server) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let log = folder.path().join("access.log");
    std::fs::write(&log, many_apps()?)?;
    let mut upload = Command::new(binary);
    upload.args(["discovery", "upload"]).arg(&log);
    upload.args(["--source", "SQUID_NATIVE", "--stream", "Benchmark", "--create-stream"]);
    run(upload.envs(&server.environment).stdout(Stdio::null()))?;
    let token = client.token()?;
    let listed = client.per_processor_second(|client| client.alerts(&token).map(drop))?;
    let health = client.per_processor_second(|client| client.get("/healthz").map(drop))?;
    let total = client.alerts(&token)?["total"].as_i64().unwrap_or(0);
    report(&format!("alert_list_100_of_{total}"), listed, "per_processor_second", Some(health));
    Ok(())
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

fn parsing(binary: &Path) -> Result<(), Failure> {
    let mut log = tempfile::NamedTempFile::new()?;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs() - 86_400;
    let hosts =
        ["www.dropbox.com", "app.slack.com", "teams.microsoft.com", "intranet.example", "cdn.ads.example"];
    {
        let mut out = std::io::BufWriter::new(log.as_file_mut());
        for line in 0..LINES {
            let (host, user) = (hosts[line % hosts.len()], line % 997);
            writeln!(
                out,
                "{}.{:03} {:>6} 10.1.{}.{} TCP_MISS/200 {} GET https://{host}/a/{line}?q={user} user{user}@contoso.example HIER_DIRECT/192.0.2.{} text/html",
                now + line as u64 / 50,
                line % 1000,
                line % 9000,
                user / 250,
                user % 250,
                500 + line % 90_000,
                line % 250
            )?;
        }
        out.flush()?;
    }
    let path = log.path();
    let megabytes = std::fs::metadata(path)?.len() as f64 / 1e6;
    let seconds = |program: &Path, arguments: &[&str]| -> Result<f64, Failure> {
        let mut best = f64::MAX;
        for _ in 0..RUNS {
            let began = Instant::now();
            let status = Command::new(program).args(arguments).arg(path).stdout(Stdio::null()).status()?;
            if !status.success() {
                return Err(format!("{} ended with {status}", program.display()).into());
            }
            best = best.min(began.elapsed().as_secs_f64());
        }
        Ok(best)
    };
    let parsed = seconds(binary, &["discovery", "parse", "--source", "SQUID_NATIVE", "--output", "json"])?;
    let counted = seconds(Path::new("wc"), &["-l"])?;
    report("log_parsing", megabytes / parsed, "MB_per_second", Some(megabytes / counted));
    Ok(())
}

/// A client of the server under test, with its connections kept open.
struct Client {
    agent: ureq::Agent,
    process: u32,
    url: String,
    form: Vec<(&'static str, String)>,
    token_url: String,
}

impl Client {
    fn new(server: &Server) -> Result<Client, Failure> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let value =
            |name: &str| server.environment.get(name).cloned().ok_or(format!("casbah.env lacks {name}"));
        let pem = std::fs::read(value("CASBAH_CA")?)?;
        let authority = ureq::tls::Certificate::from_pem(&pem)?;
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::Specific(std::sync::Arc::new(vec![authority])))
            .build();
        let agent = ureq::Agent::config_builder().tls_config(tls).build().new_agent();
        let url = value("CASBAH_URL")?;
        let resource = "05a65629-4c1b-48c1-a78b-804c4abdd4af/.default".to_string();
        Ok(Client {
            agent,
            process: server.id(),
            token_url: format!("{url}/{}/oauth2/v2.0/token", value("CASBAH_TENANT")?),
            url,
            form: vec![
                ("grant_type", "client_credentials".into()),
                ("client_id", value("CASBAH_CLIENT_ID")?),
                ("client_secret", value("CASBAH_CLIENT_SECRET")?),
                ("scope", resource),
            ],
        })
    }

    fn get(&self, path: &str) -> Result<String, Failure> {
        Ok(self.agent.get(format!("{}{path}", self.url)).call()?.body_mut().read_to_string()?)
    }

    fn token(&self) -> Result<String, Failure> {
        let form = self.form.iter().map(|(name, value)| (*name, value.as_str()));
        let text = self.agent.post(&self.token_url).send_form(form)?.body_mut().read_to_string()?;
        let answer: Value = serde_json::from_str(&text)?;
        Ok(answer["access_token"].as_str().ok_or("no token")?.to_string())
    }

    fn alerts(&self, token: &str) -> Result<Value, Failure> {
        let request = self.agent.get(format!("{}/api/v1/alerts/?limit=100", self.url));
        let text =
            request.header("Authorization", format!("Bearer {token}")).call()?.body_mut().read_to_string()?;
        Ok(serde_json::from_str(&text)?)
    }

    /// How often the server does it in a second of its own processor time, under one client at a time.
    fn per_processor_second(
        &self,
        mut work: impl FnMut(&Client) -> Result<(), Failure>,
    ) -> Result<f64, Failure> {
        let mut repeat = |time: Duration| -> Result<u32, Failure> {
            let began = Instant::now();
            let mut count = 0;
            while began.elapsed() < time {
                work(self)?;
                count += 1;
            }
            Ok(count)
        };
        repeat(MEASURE / 5)?;
        let before = processor_seconds(self.process)?;
        let count = repeat(MEASURE)?;
        Ok(f64::from(count) / (processor_seconds(self.process)? - before))
    }
}

/// User and system time of a process; Linux counts it in hundredths of a second.
fn processor_seconds(process: u32) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |index: usize| -> Result<f64, Failure> { Ok(fields.get(index).ok_or("no times in /proc")?.parse()?) };
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}
