//! Logs of a made-up company: reading them, against what else reads logs, and a month of them end to end.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use casbah_model::Timestamp;

use super::company::{Company, Layout};
use super::parsing::{peak_memory, seconds_of};
use super::{Client, report};
use crate::{Failure, run as run_command, server};

/// Lines of each log that is read, and people who made them.
const LINES: u64 = 1_000_000;
const PEOPLE: usize = 10_000;
const DAY: u64 = 24 * 60 * 60;

/// Reading one day's log in four formats against `wc -l`; then in one of them against tools that do the
/// nearest job: bytes and lines by host.
pub fn run(binary: &Path) -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    for layout in Layout::ALL {
        let log = write(layout, folder.path(), LINES)?;
        let name = format!("reading_{}", layout.source().to_lowercase());
        let megabytes = std::fs::metadata(&log)?.len() as f64 / 1e6;
        let count = counting(&log);
        report(&name, "MB_per_processor_second", || {
            let parsed = seconds_of(&parsing(binary, layout, &log, "1"))?.processor;
            Ok((megabytes / parsed, Some(megabytes / seconds_of(&count)?.processor)))
        })?;
        report(&format!("{name}_by_2_threads"), "MB_per_second", || {
            let [one, two] = ["1", "2"].map(|threads| seconds_of(&parsing(binary, layout, &log, threads)));
            Ok((megabytes / two?.clock, Some(megabytes / one?.clock)))
        })?;
        if matches!(layout, Layout::SquidNative) {
            against_peers(binary, &log, megabytes)?;
        }
        std::fs::remove_file(log)?;
    }
    memory(binary, folder.path())
}

/// Prints the log of a day in one of the formats.
pub fn print_log(source: &str, lines: &str) -> Result<(), Failure> {
    let layout = Layout::ALL
        .into_iter()
        .find(|layout| layout.source() == source)
        .ok_or_else(|| format!("{source} is none of {}", Layout::ALL.map(Layout::source).join(", ")))?;
    let mut out = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    Company::new(PEOPLE)?.write_day(layout, yesterday()?, lines.parse()?, &mut out)?;
    Ok(out.flush()?)
}

/// A day of a company in a file.
fn write(layout: Layout, folder: &Path, lines: u64) -> Result<PathBuf, Failure> {
    let path = folder.join(format!("{}.log", layout.source()));
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
    Company::new(PEOPLE)?.write_day(layout, yesterday()?, lines, &mut out)?;
    out.flush()?;
    Ok(path)
}

/// The last midnight (UTC) but one.
fn yesterday() -> Result<Timestamp, Failure> {
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    Ok(Timestamp::from_seconds(((now / DAY - 1) * DAY) as i64))
}

fn parsing(binary: &Path, layout: Layout, log: &Path, threads: &str) -> Command {
    let mut parse = Command::new(binary);
    parse.args(["discovery", "parse", "--output", "json", "--source", layout.source(), "--threads", threads]);
    parse.arg(log);
    parse
}

fn counting(log: &Path) -> Command {
    let mut count = Command::new("wc");
    count.arg("-l").arg(log);
    count
}

/// Tools that people use on such a log. Each adds up lines and bytes by host; what else Casbah does meanwhile
/// (users, addresses, days, the catalogue, refused lines by reason) they do not. By the clock, with all
/// cores, since some of them have only that. One that is not installed is left out and named.
fn against_peers(binary: &Path, log: &Path, megabytes: f64) -> Result<(), Failure> {
    let file = log.to_str().ok_or("the folder's name is no text")?;
    let awk = "{ split($7, part, \"/\"); lines[part[3]]++; bytes[part[3]] += $5 } \
               END { for (host in lines) print host, lines[host], bytes[host] }";
    let query = format!(
        "import duckdb; duckdb.sql(\"select host, count(*), sum(try_cast(cells[5] as bigint)) from \
         (select string_split(cells[7], '/')[3] as host, cells from (select regexp_split_to_array(line, ' +') as \
         cells from read_csv('{file}', columns={{'line':'varchar'}}, delim='\\t', header=false, quote='', \
         escape=''))) group by host\").fetchall()"
    );
    let chain = "$host = splitax($7, \"/\")[3]; $bytes = int($5)";
    let peers: [(&str, &[&str]); 4] = [
        ("awk", &["awk", awk, file]),
        (
            "goaccess",
            &[
                "goaccess",
                file,
                "--no-global-config",
                "--no-progress",
                "-o",
                "json",
                "--log-format=%x.%^ %~%L %h %^/%s %b %m %U %e %^",
                "--date-format=%s",
                "--time-format=%s",
                "--datetime-format=%s",
            ],
        ),
        ("duckdb", &["python3", "-c", &query]),
        (
            "miller",
            &[
                "mlr",
                "--inidx",
                "--ifs",
                " ",
                "--repifs",
                "--ojson",
                "filter",
                "is_present($7)",
                "then",
                "put",
                chain,
                "then",
                "stats1",
                "-a",
                "count,sum",
                "-f",
                "bytes",
                "-g",
                "host",
                file,
            ],
        ),
    ];
    for (name, words) in peers {
        let mut peer = Command::new(words[0]);
        peer.args(&words[1..]);
        if seconds_of(&peer).is_err() {
            println!("reading_against_{name} - - - - not-installed");
            continue;
        }
        report(&format!("reading_against_{name}"), "MB_per_second", || {
            let parsed = seconds_of(&parsing(binary, Layout::SquidNative, log, "2"))?.clock;
            Ok((megabytes / parsed, Some(megabytes / seconds_of(&peer)?.clock)))
        })?;
    }
    Ok(())
}

/// Memory of a log that is a hundred times as large, with the same people and hosts.
fn memory(binary: &Path, folder: &Path) -> Result<(), Failure> {
    let large = std::env::var("CASBAH_BENCH_LARGE_LINES").map_or(Ok(10_000_000), |text| text.parse())?;
    let mut least = None;
    for lines in [large / 100, large] {
        let log = write(Layout::SquidNative, folder, lines)?;
        let megabytes = std::fs::metadata(&log)?.len() / 1_000_000;
        let held = peak_memory(&mut parsing(binary, Layout::SquidNative, &log, "1"))?;
        report(&format!("memory_of_reading_{megabytes}_MB"), "MiB", || Ok((held, least)))?;
        least = Some(held);
        std::fs::remove_file(log)?;
    }
    Ok(())
}

/// Thirty days of a company's traffic, uploaded day by day, until the report can be read: the time of each
/// stage. `CASBAH_BENCH_LINES` sets the lines of a working day.
pub fn run_month(binary: &Path) -> Result<(), Failure> {
    let lines: u64 = std::env::var("CASBAH_BENCH_LINES").map_or(Ok(1_000_000), |text| text.parse())?;
    let server = server::start(binary)?;
    let client = Client::new(&server)?;
    let folder = tempfile::tempdir()?;
    let mut company = Company::new(PEOPLE)?;
    let (mut uploading, mut reading) = (Duration::ZERO, Duration::ZERO);
    let (mut bytes, mut packed, mut written) = (0, 0, 0);
    let last = yesterday()?;
    for age in (0..30u64).rev() {
        let midnight = last.minus(Duration::from_secs(age * DAY));
        let is_weekend = matches!(midnight.http_date().get(..3), Some("Sat" | "Sun"));
        let log = folder.path().join(format!("day-{age}.log"));
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&log)?);
        let of_day = if is_weekend { lines / 10 } else { lines };
        company.write_day(Layout::SquidNative, midnight, of_day, &mut out)?;
        out.flush()?;
        written += of_day;
        bytes += std::fs::metadata(&log)?.len();
        run_command(Command::new("gzip").arg("-1").arg(&log))?;
        let log = log.with_extension("log.gz");
        packed += std::fs::metadata(&log)?.len();
        let mut upload = Command::new(binary);
        upload.args(["discovery", "upload", "--no-wait", "--create-stream", "--stream", "Month"]);
        upload.args(["--source", "SQUID_NATIVE"]).arg(&log).envs(&server.environment);
        let began = Instant::now();
        run_command(upload.stdout(Stdio::null()))?;
        uploading += began.elapsed();
        let began = Instant::now();
        wait(&client)?;
        reading += began.elapsed();
        std::fs::remove_file(log)?;
    }
    let token = client.token()?;
    let streams = client.call_at("/api/discovery/streams/", &token)?.ok_or("the token was refused")?;
    let is_ours = |stream: &&serde_json::Value| stream["displayName"] == "Month";
    let stream = streams["streams"].as_array().and_then(|all| all.iter().find(is_ours));
    let stream = stream.and_then(|stream| stream["_id"].as_str()).ok_or("the stream is not there")?;
    let began = Instant::now();
    let apps = client
        .call(
            &format!(
                "discovery/discovered_apps/?streamId={stream}&timeframe=30&limit=100&sortField=trafficTotalBytes"
            ),
            &token,
        )?
        .ok_or("the token was refused")?;
    let listing = began.elapsed();
    println!("month_lines {written} lines - - -");
    println!("month_plain {} MB - - -", bytes / 1_000_000);
    println!("month_uploaded {} MB - - -", packed / 1_000_000);
    println!("month_uploading {:.1} s - - -", uploading.as_secs_f64());
    println!("month_reading_and_counting {:.1} s - - -", reading.as_secs_f64());
    println!("month_list_of_{} {:.1} ms - - -", apps["total"], listing.as_secs_f64() * 1000.0);
    println!("month_memory {:.1} MiB - - -", super::resident(server.id(), "VmHWM:")?);
    Ok(())
}

/// Until no log waits any more.
fn wait(client: &Client) -> Result<(), Failure> {
    let token = client.token()?;
    loop {
        let pending = "governance/?limit=1&filters=%7B%22status%22%3A%7B%22eq%22%3A%5Bnull%5D%7D%7D";
        let list = client.call(pending, &token)?.ok_or("the token was refused")?;
        if list["total"] == 0 {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
