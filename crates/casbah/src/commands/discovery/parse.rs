//! `casbah discovery parse`: a log read here, offline, by the same engine that reads uploads.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use casbah_discovery::{Catalogue, FORMATS, FileError, Options, Report, SourceError, analyse, format};
use clap::Args;
use serde_json::{Value, json};

use crate::cli::OutputArgs;
use crate::client::failure::Failure;
use crate::output::progress::Progress;
use crate::output::{Cell, Column, Format, Output, write};

/// Arguments of `casbah discovery parse`.
#[derive(Args, Clone, Debug)]
pub struct ParseArgs {
    /// The log, plain or gzip; - for standard input
    file: PathBuf,
    /// Its format, for example SQUID_NATIVE
    #[arg(long, short, value_name = "SOURCE")]
    source: String,
    /// One row a destination instead of the figures of the file
    #[arg(long)]
    destinations: bool,
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
    let format = format(&arguments.source.to_ascii_uppercase()).map_err(|e| unknown(&arguments.source, e))?;
    let (content, size) = open(&arguments.file)?;
    let mut progress = Progress::bytes("reading", size, arguments.quiet);
    let mut read = 0;
    let report =
        analyse(content, format, Catalogue::built_in(), &Options::at(clock.now().0), &mut |bytes, _| {
            progress.advance(bytes.saturating_sub(read));
            read = bytes;
        });
    progress.finish();
    let report = report.map_err(|error| explain(&arguments.file, &error))?;
    if arguments.destinations { destinations(&output, &report) } else { summary(&output, &report) }
}

fn unknown(source: &str, error: SourceError) -> Failure {
    let known: Vec<_> = FORMATS.iter().map(|format| format.id).collect();
    Failure::usage(format!("{source}: {error}; there are {}", known.join(", ")))
}

fn open(path: &Path) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
    if path == Path::new("-") {
        return Ok((Box::new(std::io::stdin().lock()), None));
    }
    let file = File::open(path).map_err(|e| Failure::file(path, &e))?;
    let size = file.metadata().ok().filter(|m| m.is_file()).map(|m| m.len());
    Ok((Box::new(file), size))
}

fn summary(output: &Output, report: &Report) -> Result<(), Failure> {
    let summary = &report.summary;
    let failed = |e: serde_json::Error| Failure::failed(e.to_string());
    match output.format() {
        // Straight from the structure: a JSON value would put the fields in alphabetical order.
        Some(Format::Json) => write(&format!("{}\n", serde_json::to_string_pretty(summary).map_err(failed)?)),
        Some(Format::Jsonl) => write(&format!("{}\n", serde_json::to_string(summary).map_err(failed)?)),
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

fn explain(path: &Path, error: &FileError) -> Failure {
    let mut message = format!("{}: {error}", path.display());
    if let Some(failure) = error.failure() {
        let accounting = &failure.accounting;
        message.push_str(&format!(
            " ({} lines: {} parsed, {} skipped, {} ignored, {} too old)",
            accounting.lines,
            accounting.parsed,
            accounting.skipped.total(),
            accounting.ignored,
            accounting.too_old
        ));
        if let Some(first) = failure.refused.first() {
            message.push_str(&format!("; the first refused line is line {}", first.line));
        }
    }
    Failure::failed(message)
}
