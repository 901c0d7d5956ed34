//! `casbah discovery explain`: line by line, which rule took or refused it and where; without a server.

use std::path::PathBuf;

use casbah_discovery::{Catalogue, Explained, Options, Taken, explain, explain_file};
use clap::Args;
use serde_json::Value;

use super::log::{FormatArgs, Log};
use crate::cli::OutputArgs;
use crate::client::failure::Failure;
use crate::output::{Column, Format, csv, paint, style, write};

/// Arguments of `casbah discovery explain`.
#[derive(Args, Clone, Debug)]
pub struct ExplainArgs {
    /// The log, plain or compressed; - for standard input
    file: PathBuf,
    #[command(flatten)]
    format: FormatArgs,
    /// This line only, counted from 1
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    line: Option<u64>,
    /// Refused lines only
    #[arg(long)]
    refused: bool,
    #[command(flatten)]
    output: OutputArgs,
}

const COLUMNS: &[Column] = &[
    Column::text("Line", "line", "/line"),
    Column::text("Outcome", "outcome", "/outcome"),
    Column::text("Reason", "reason", "/reason"),
    Column::text("Rule", "rule", "/rule"),
    Column::text("Field", "field", "/field"),
    Column::text("Column", "column", "/column"),
    Column::text("Text", "text", "/text"),
    Column::text("Time", "time", "/transaction/time"),
    Column::text("Client", "client", "/transaction/client"),
    Column::text("Destination", "destination", "/transaction/destination"),
    Column::text("App", "app", "/transaction/app"),
    Column::text("Bytes", "total", "/transaction/total"),
    Column::text("Blocked", "blocked", "/transaction/blocked"),
];

/// Lines that are written at a time.
const PAGE: usize = 1000;

/// Reads the file and explains it.
pub fn run(arguments: &ExplainArgs) -> Result<(), Failure> {
    let now = crate::commands::clock()?.now();
    let (options, catalogue) = (Options::at(now.0), Catalogue::built_in());
    let plan = arguments.format.plan(&arguments.file, &options)?;
    let (log, _) = Log::open(&arguments.file)?;
    let mut pages = Pages { format: arguments.output.output, page: Vec::new(), written: 0, failed: None };
    let mut lines = 0;
    let mut told = |line: Explained| {
        lines = line.line;
        let wanted = arguments.line.is_none_or(|number| number == line.line)
            && (!arguments.refused || line.outcome == Taken::Skipped);
        (!wanted || pages.add(line)) && arguments.line != Some(lines)
    };
    let read = match log {
        Log::File(file) => explain_file(file, &plan, catalogue, &options, &mut told),
        Log::Stream(stream) => explain(stream, &plan, catalogue, &options, &mut told),
    };
    read.map_err(|error| Failure::failed(format!("{}: {error}", arguments.file.display())))?;
    if let Some(line) = arguments.line.filter(|line| *line > lines) {
        return Err(Failure::not_found(format!("there is no line {line}; the file has {lines}")));
    }
    pages.finish()
}

/// Writes as it goes, so that a log of any size can be explained.
struct Pages {
    format: Option<Format>,
    page: Vec<Explained>,
    written: usize,
    /// Why writing ended; most often nobody reads any more.
    failed: Option<Failure>,
}

impl Pages {
    /// False where there is no point in going on.
    fn add(&mut self, line: Explained) -> bool {
        self.page.push(line);
        if self.page.len() >= PAGE {
            self.failed = self.write_page().err();
        }
        self.failed.is_none()
    }

    fn finish(mut self) -> Result<(), Failure> {
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        self.write_page()?;
        match (self.format, self.written) {
            (Some(Format::Json), 0) => write("[]\n"),
            (Some(Format::Json), _) => write("\n]\n"),
            _ => Ok(()),
        }
    }

    fn write_page(&mut self) -> Result<(), Failure> {
        let mut text = String::new();
        for line in self.page.drain(..) {
            let json = || serde_json::to_string(&line).map_err(|e| Failure::failed(e.to_string()));
            match self.format {
                Some(Format::Json) => text.push_str(if self.written == 0 { "[\n  " } else { ",\n  " }),
                Some(Format::Csv) => {
                    let record: Value = serde_json::to_value(&line).unwrap_or_default();
                    let table = csv(COLUMNS, std::slice::from_ref(&record));
                    let (_, row) = table.split_once('\n').unwrap_or_default();
                    text.push_str(if self.written == 0 { &table } else { row });
                }
                _ => {}
            }
            match self.format {
                Some(Format::Json) => text.push_str(&json()?),
                Some(Format::Jsonl) => text.push_str(&(json()? + "\n")),
                Some(Format::Csv) => {}
                Some(Format::Table) | None => text.push_str(&sentence(&line)),
            }
            self.written += 1;
        }
        write(&text)
    }
}

/// `     7  skipped      sourceIp: no valid client address; sourceIp at column 19: not-an-ip`
fn sentence(line: &Explained) -> String {
    let (word, style) = match line.outcome {
        Taken::Transaction => ("transaction", style::GOOD),
        Taken::Ignored => ("ignored", style::DIM),
        Taken::TooOld => ("too old", style::WARN),
        Taken::Skipped => ("skipped", style::BAD),
    };
    let mut text = format!("{:>6}  {}  ", line.line, paint(style, &format!("{word:11}")));
    text.push_str(&line.rule);
    if let Some(seen) = &line.transaction {
        let app = seen.app.and_then(|id| Catalogue::built_in().app(id));
        let app = app.map(|app| format!(" ({})", app.name)).unwrap_or_default();
        let blocked = if seen.blocked { ", blocked" } else { "" };
        let user = if seen.user { " with a user" } else { "" };
        let (time, client, to, total) = (&seen.time, &seen.client, &seen.destination, seen.total);
        text.push_str(&format!(": {time}, {client}{user} to {to}{app}, {total} bytes{blocked}"));
    }
    if let Some(shown) = &line.text {
        let field = line.field.as_deref().unwrap_or_default();
        text.push_str(&match (line.column, field) {
            (Some(column), field) => format!("; {field} at column {column}: {shown}"),
            (None, "") => format!(": {shown}"),
            (None, field) => format!("; {field} is missing in: {shown}"),
        });
    }
    text.push('\n');
    text
}
