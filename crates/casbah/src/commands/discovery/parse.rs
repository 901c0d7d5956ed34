//! `casbah discovery parse`: a log read here, offline, by the same engine that reads uploads.

use std::path::PathBuf;

use casbah_discovery::{
    Catalogue, Failure as Failed, FileError, Notice, Options, Refused, Report, Skipped, Summary, analyse,
    analyse_file,
};
use clap::Args;
use serde::Serialize;
use serde_json::{Value, json};

use super::log::{FormatArgs, Log, tell};
use crate::cli::OutputArgs;
use crate::client::failure::Failure;
use crate::output::progress::Progress;
use crate::output::{Cell, Column, Format, Output, write};

/// Arguments of `casbah discovery parse`.
#[derive(Args, Clone, Debug)]
pub struct ParseArgs {
    /// The log, plain or compressed; - for standard input
    file: PathBuf,
    #[command(flatten)]
    format: FormatArgs,
    /// One row a destination instead of the figures of the file
    #[arg(long)]
    destinations: bool,
    /// How many threads read the file [default: one for each core, up to 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const SUMMARY: &[Column] = &[
    Column::text("Source", "source", "/source"),
    Column::new("Lines", "lines", "/lines", Cell::Count),
    Column::new("Parsed", "parsed", "/parsed", Cell::Count),
    Column::new("Skipped", "skipped", "/skipped", Cell::Count),
    Column::new("Ignored", "ignored", "/ignored", Cell::Count),
    Column::new("Too old", "tooOld", "/tooOld", Cell::Count),
    Column::new("Users", "users", "/users", Cell::Count),
    Column::new("Client addresses", "clientIps", "/clientIps", Cell::Count),
    Column::new("Destinations", "destHosts", "/destHosts", Cell::Count),
    Column::new("Uploaded", "bytesUp", "/bytesUp", Cell::Bytes),
    Column::new("Downloaded", "bytesDown", "/bytesDown", Cell::Bytes),
    Column::new("Traffic", "bytesTotal", "/bytesTotal", Cell::Bytes),
    Column::new("Blocked", "blocked", "/blocked", Cell::Count),
    Column::text("First seen", "firstSeen", "/firstSeen"),
    Column::text("Last seen", "lastSeen", "/lastSeen"),
];

const DESTINATIONS: &[Column] = &[
    Column::text("Destination", "dest", "/dest"),
    Column::new("Transactions", "transactions", "/transactions", Cell::Count),
    Column::new("Users", "users", "/users", Cell::Count),
    Column::new("Client addresses", "clientIps", "/clientIps", Cell::Count),
    Column::new("Uploaded", "bytesUp", "/bytesUp", Cell::Bytes),
    Column::new("Downloaded", "bytesDown", "/bytesDown", Cell::Bytes),
    Column::new("Traffic", "bytesTotal", "/bytesTotal", Cell::Bytes),
    Column::new("Blocked", "blocked", "/blocked", Cell::Count),
];

/// Reads the file and prints what it says.
pub fn run(arguments: &ParseArgs) -> Result<(), Failure> {
    let clock = crate::commands::clock()?;
    let output = Output::new(arguments.output.output, clock.now());
    let catalogue = Catalogue::built_in();
    let mut options = Options::at(clock.now().0).on_all_cores();
    let plan = arguments.format.plan(&arguments.file, &options)?;
    let (log, size) = Log::open(&arguments.file)?;
    let mut progress = Progress::bytes("reading", size, arguments.quiet);
    let mut read = 0;
    let mut told = |bytes: u64, _| {
        progress.advance(bytes.saturating_sub(read));
        read = bytes;
    };
    if let Some(threads) = arguments.threads {
        options.threads = threads.into();
    }
    let report = match log {
        Log::File(file) => analyse_file(file, &plan, catalogue, &options, &mut told),
        Log::Stream(stream) => analyse(stream, &plan, catalogue, &options, &mut told),
    };
    progress.finish();
    let name = arguments.file.display().to_string();
    let report = report.map_err(|error| explain(&name, &error))?;
    if arguments.destinations {
        return destinations(&output, &report);
    }
    summary(&output, &report)?;
    if output.for_people() && !arguments.quiet {
        let accounting = Accounting {
            skipped: &report.accounting.skipped,
            refused: &report.refused,
            notices: &report.notices,
        };
        tell(&name, &serde_json::to_value(accounting).unwrap_or_default());
    }
    Ok(())
}

/// Beside the figures of the file, in the names of the governance log.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Accounting<'r> {
    #[serde(rename = "skippedByReason")]
    skipped: &'r Skipped,
    refused: &'r [Refused],
    notices: &'r [Notice],
}

/// All that is printed for programs.
#[derive(Serialize)]
struct Whole<'r> {
    #[serde(flatten)]
    summary: &'r Summary,
    #[serde(flatten)]
    accounting: Accounting<'r>,
}

fn summary(output: &Output, report: &Report) -> Result<(), Failure> {
    let (summary, skipped) = (&report.summary, &report.accounting.skipped);
    let accounting = Accounting { skipped, refused: &report.refused, notices: &report.notices };
    let whole = Whole { summary, accounting };
    let failed = |e: serde_json::Error| Failure::failed(e.to_string());
    match output.format() {
        // Straight from the structure: a JSON value would put the fields in alphabetical order.
        Some(Format::Json) => write(&format!("{}\n", serde_json::to_string_pretty(&whole).map_err(failed)?)),
        Some(Format::Jsonl) => write(&format!("{}\n", serde_json::to_string(&whole).map_err(failed)?)),
        _ => output.record(SUMMARY, &serde_json::to_value(summary).map_err(failed)?),
    }
}

fn destinations(output: &Output, report: &Report) -> Result<(), Failure> {
    let rows = report.destinations.iter().map(|row| {
        json!({
            "dest": row.dest,
            "transactions": row.transactions,
            "users": row.users,
            "clientIps": row.client_ips,
            "bytesUp": row.bytes_up,
            "bytesDown": row.bytes_down,
            "bytesTotal": row.bytes_total,
            "blocked": row.blocked,
        })
    });
    output.list(DESTINATIONS, &rows.collect::<Vec<Value>>())
}

/// The sentence of a file that gave no report; what its lines came to is told before.
fn explain(name: &str, error: &FileError) -> Failure {
    let mut message = format!("{name}: {error}");
    if let Some(failure) = error.failure() {
        let Failed { accounting, refused, notices } = failure;
        message.push_str(&format!(
            " ({} lines: {} parsed, {} skipped, {} ignored, {} too old)",
            accounting.lines,
            accounting.parsed,
            accounting.skipped.total(),
            accounting.ignored,
            accounting.too_old
        ));
        let told = Accounting { skipped: &accounting.skipped, refused, notices };
        tell(name, &serde_json::to_value(told).unwrap_or_default());
    }
    Failure::failed(message)
}
