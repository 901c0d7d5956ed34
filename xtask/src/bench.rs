//! Measurements, each as a ratio against a baseline that runs beside it on the same machine.
//!
//! Everything is measured in processor time of the process under test, except start-up: other work on
//! the machine, the client that makes the load included, then changes little. Each figure is the median of
//! several rounds, in each of which the baseline ran right beside it; how far the rounds lie apart is
//! printed behind the ratio.

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

/// How long a rate is measured in one round.
const MEASURE: Duration = Duration::from_millis(1500);
/// Lines of the logs that are parsed.
const LINES: u64 = 1_000_000;
/// Rounds of each figure.
const ROUNDS: usize = 5;

/// Runs every benchmark and prints `name value unit baseline ratio`, and the spread of the value.
pub fn all() -> Result<(), Failure> {
    step("Building with optimisation");
    run(Command::new("cargo").args(["build", "--release", "--bin", "casbah", "--locked"]))?;
    let binary = root().join("target/release/casbah");
    step("name value unit baseline ratio spread");
    start_up(&binary)?;
    let server = server::start(&binary)?;
    idle_memory(&server)?;
    let client = Client::new(&server)?;
    tokens(&client)?;
    alerts(&client, &binary, &server)?;
    drop(server);
    parsing(&binary, "log_parsing", browsing)?;
    parsing(&binary, "log_parsing_of_strangers", strangers)
}

/// A figure and its baseline, measured one right after the other.
type Round = (f64, Option<f64>);

/// Measures in rounds and prints the medians, the ratio among them, and the distance of the values.
fn report(name: &str, unit: &str, mut round: impl FnMut() -> Result<Round, Failure>) -> Result<(), Failure> {
    let rounds = (0..ROUNDS).map(|_| round()).collect::<Result<Vec<_>, _>>()?;
    let values: Vec<f64> = rounds.iter().map(|(value, _)| *value).collect();
    let baselines: Vec<f64> = rounds.iter().filter_map(|(_, baseline)| *baseline).collect();
    // Of each round, so that a core that slows down slows both.
    let ratios: Vec<f64> = rounds.iter().filter_map(|(value, baseline)| Some(value / (*baseline)?)).collect();
    let value = median(&values);
    let (least, most) = values.iter().fold((f64::MAX, 0.0_f64), |(a, b), v| (a.min(*v), b.max(*v)));
    let spread = format!("{least:.1}..{most:.1}");
    if baselines.is_empty() {
        println!("{name} {value:.1} {unit} - - {spread}");
    } else {
        println!("{name} {value:.1} {unit} {:.1} {:.3} {spread}", median(&baselines), median(&ratios));
    }
    Ok(())
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// From the start of the process until `/readyz` answers, with a new data folder: schema, certificates,
/// keys and the seeded tenant are made in it.
fn start_up(binary: &Path) -> Result<(), Failure> {
    report("start_up", "ms", || {
        let began = Instant::now();
        let server = server::start(binary)?;
        Client::new(&server)?.get("/readyz")?;
        Ok((began.elapsed().as_secs_f64() * 1000.0, None))
    })
}

fn idle_memory(server: &Server) -> Result<(), Failure> {
    // What start-up still has in hand ends.
    std::thread::sleep(Duration::from_secs(2));
    report("idle_memory", "MiB", || Ok((resident(server.id(), "VmRSS:")?, None)))
}

/// Memory of a process in MiB.
fn resident(process: u32, which: &str) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find(|l| l.starts_with(which)).ok_or("no memory in /proc")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no memory in /proc")?.parse()?;
    Ok(kib / 1024.0)
}

fn tokens(client: &Client) -> Result<(), Failure> {
    let key = signing_key()?;
    report("token_issuance", "per_processor_second", || {
        let issued = client.per_processor_second(|client| client.token().map(drop))?;
        Ok((issued, Some(signatures_per_second(&key)?)))
    })
}

fn signing_key() -> Result<KeyPair, Failure> {
    let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| "no RSA key")?;
    let pkcs8 = key.as_der().map_err(|_| "no RSA key")?;
    Ok(KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(|_| "no RSA key")?)
}

/// Raw RSA-2048 signatures of one thread that does nothing else, by its own processor time.
fn signatures_per_second(key: &KeyPair) -> Result<f64, Failure> {
    let random = SystemRandom::new();
    let mut signature = vec![0; key.public_modulus_len()];
    let (began, before) = (Instant::now(), processor_seconds(std::process::id())?);
    let mut count = 0u32;
    while began.elapsed() < MEASURE {
        key.sign(&RSA_PKCS1_SHA256, &random, b"message", &mut signature).map_err(|_| "no signature")?;
        count += 1;
    }
    Ok(f64::from(count) / (processor_seconds(std::process::id())? - before))
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

/// One line of Squid's log, as far as it differs from line to line.
struct Visit {
    user: u64,
    host: String,
}

/// Writes a log and measures reading it by megabytes per second of processor time.
fn parsing(binary: &Path, name: &str, visit: fn(u64) -> Visit) -> Result<(), Failure> {
    let mut log = tempfile::NamedTempFile::new()?;
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs() - 86_400;
    {
        let mut out = std::io::BufWriter::new(log.as_file_mut());
        for line in 0..LINES {
            let Visit { user, host } = visit(line);
            let (second, ms, took) = (now + line / 50, line % 1000, spread(line) % 9000);
            let (size, peer) = (500 + spread(line) % 90_000, line % 250);
            writeln!(
                out,
                "{second}.{ms:03} {took:>6} 10.{}.{}.{} TCP_MISS/200 {size} GET https://{host}/a/{line}?q={user} \
                 user{user}@contoso.example HIER_DIRECT/192.0.2.{peer} text/html",
                user >> 16,
                user >> 8 & 255,
                user & 255,
            )?;
        }
        out.flush()?;
    }
    let path = log.path();
    let megabytes = std::fs::metadata(path)?.len() as f64 / 1e6;
    let mut parse = Command::new(binary);
    parse.args(["discovery", "parse", "--source", "SQUID_NATIVE", "--output", "json"]).arg(path);
    let mut count = Command::new("wc");
    count.arg("-l").arg(path);
    report(name, "MB_per_processor_second", || {
        let (parsed, counted) = (processor_seconds_of(&parse)?, processor_seconds_of(&count)?);
        Ok((megabytes / parsed, Some(megabytes / counted)))
    })?;
    report(&format!("{name}_memory"), "MiB", || Ok((peak_memory(&mut parse)?, None)))
}

/// People who stay with a host for some lines: 5,000 users, 3,000 hosts, a third of them known apps.
fn browsing(line: u64) -> Visit {
    const KNOWN: [&str; 4] = ["dropbox.com", "slack.com", "box.com", "salesforce.com"];
    // 300 people at a time, each twenty lines long.
    let session = spread(line % 300 + line / 6000 * 300);
    let host = session % 3000;
    let known = KNOWN[(host % 4) as usize];
    let host = if host < 1000 { format!("a{host}.{known}") } else { format!("www.h{host}.example") };
    Visit { user: spread(session) % 5000, host }
}

/// The hardest case: nobody comes back, so that nearly each line is a new row of the report.
fn strangers(line: u64) -> Visit {
    let known = format!("a{}.dropbox.com", spread(line) % 100_000);
    Visit { user: spread(line + 1) % 100_000, host: known }
}

/// A number that looks random and is the same in every run (SplitMix64).
fn spread(number: u64) -> u64 {
    let mut z = number.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Processor seconds of a command that must succeed. Bash tells them in thousandths, `/proc` in hundredths.
fn processor_seconds_of(command: &Command) -> Result<f64, Failure> {
    let mut timed = Command::new("bash");
    timed.args(["-c", "TIMEFORMAT='%3U %3S'; time \"$@\" > /dev/null 2>&1", "bash"]);
    let output = timed.arg(command.get_program()).args(command.get_args()).output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let times: Option<Vec<f64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    match times.as_deref() {
        Some([user, system]) if output.status.success() => Ok(user + system),
        _ => Err(format!("{command:?} failed: {text}").into()),
    }
}

/// The most memory that a command ever held, in MiB, as last seen before it ended.
fn peak_memory(command: &mut Command) -> Result<f64, Failure> {
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut most = 0.0_f64;
    loop {
        // Absent once it has ended.
        most = most.max(resident(process.id(), "VmHWM:").unwrap_or(0.0));
        if let Some(status) = process.try_wait()? {
            return if status.success() {
                Ok(most)
            } else {
                Err(format!("{command:?} ended with {status}").into())
            };
        }
        std::thread::sleep(Duration::from_millis(2));
    }
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
        // Connections and caches.
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
