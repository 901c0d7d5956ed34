//! Reading logs.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::{report, resident, spread};
use crate::Failure;

/// Lines of the logs that are parsed.
const LINES: u64 = 1_000_000;

pub fn run(binary: &Path) -> Result<(), Failure> {
    parsing(binary, "log_parsing", browsing)?;
    parsing(binary, "log_parsing_of_strangers", strangers)
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
    let parse = |threads: &str| {
        let mut parse = Command::new(binary);
        parse.args([
            "discovery",
            "parse",
            "--source",
            "SQUID_NATIVE",
            "--output",
            "json",
            "--threads",
            threads,
        ]);
        parse.arg(path);
        parse
    };
    let mut count = Command::new("wc");
    count.arg("-l").arg(path);
    report(name, "MB_per_processor_second", || {
        let (parsed, counted) = (seconds_of(&parse("1"))?.processor, seconds_of(&count)?.processor);
        Ok((megabytes / parsed, Some(megabytes / counted)))
    })?;
    for threads in ["1", "2"] {
        report(&format!("{name}_by_{threads}_threads"), "MB_per_second", || {
            let (parsed, counted) = (seconds_of(&parse(threads))?.clock, seconds_of(&count)?.clock);
            Ok((megabytes / parsed, Some(megabytes / counted)))
        })?;
        let memory = format!("{name}_memory_of_{threads}_threads");
        report(&memory, "MiB", || Ok((peak_memory(&mut parse(threads))?, None)))?;
    }
    Ok(())
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

/// What a command took, in seconds.
pub(super) struct Seconds {
    pub(super) processor: f64,
    /// By the clock: only on a machine that does nothing else does it mean anything.
    pub(super) clock: f64,
}

/// Seconds of a command that must succeed. Bash tells them in thousandths, `/proc` in hundredths.
pub(super) fn seconds_of(command: &Command) -> Result<Seconds, Failure> {
    let mut timed = Command::new("bash");
    timed.args(["-c", "TIMEFORMAT='%3U %3S %3R'; time \"$@\" > /dev/null 2>&1", "bash"]);
    let output = timed.arg(command.get_program()).args(command.get_args()).output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let times: Option<Vec<f64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    match times.as_deref() {
        Some([user, system, clock]) if output.status.success() => {
            Ok(Seconds { processor: user + system, clock: *clock })
        }
        _ => Err(format!("{command:?} failed: {text}").into()),
    }
}

/// The most memory that a command ever held, in MiB, as last seen before it ended.
pub(super) fn peak_memory(command: &mut Command) -> Result<f64, Failure> {
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
