//! What people and programs see: tables, records, JSON, CSV, colours and progress.
//!
//! Everything here writes to standard output; notes for people go to standard error, so that a
//! pipe carries data only. Text from the server passes [`plain`]: a user name in a log must not be
//! able to move the cursor of whoever reads it.

mod column;
pub mod explain;
pub mod progress;
mod table;
mod units;

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use serde_json::Value;

use crate::client::failure::Failure;
pub use column::{Cell, Column};
pub use table::aligned;
pub use units::{bytes, count, relative};

/// How results are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// Aligned columns for people.
    Table,
    /// One JSON document.
    Json,
    /// One JSON object a line.
    Jsonl,
    /// Comma-separated, with a header line.
    Csv,
}

/// Where results go and how.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    format: Option<Format>,
    terminal: bool,
    /// The time to which "2 h ago" refers, in milliseconds since 1970.
    now: i64,
}

impl Output {
    /// Standard output, in a format that was asked for or else fits it.
    pub fn new(format: Option<Format>, now: casbah_model::Timestamp) -> Output {
        Output { format, terminal: std::io::stdout().is_terminal(), now: now.0 }
    }

    /// The format that was asked for.
    pub fn format(&self) -> Option<Format> {
        self.format
    }

    /// Whether the result is for a person: nothing but a table was asked for.
    pub fn for_people(&self) -> bool {
        matches!(self.format, None | Some(Format::Table))
    }

    /// Writes a list. JSON carries the records whole, the other formats the columns.
    pub fn list(&self, columns: &[Column], records: &[Value]) -> Result<(), Failure> {
        let text = self.list_text(columns, records)?;
        write(&text)?;
        if self.format.is_none() && self.terminal && records.is_empty() {
            note("nothing to show");
        }
        Ok(())
    }

    fn list_text(&self, columns: &[Column], records: &[Value]) -> Result<String, Failure> {
        Ok(match self.format {
            Some(Format::Json) => format!("{}\n", pretty(&Value::Array(records.to_vec()))),
            Some(Format::Jsonl) => records.iter().map(|record| line(record) + "\n").collect(),
            Some(Format::Csv) => csv(columns, records),
            Some(Format::Table) => aligned(columns, records, self.now, self.terminal),
            None if self.terminal => aligned(columns, records, self.now, true),
            None => separated(columns, records),
        })
    }

    /// Writes one record: a name and a value a line, or the record itself for programs.
    pub fn record(&self, columns: &[Column], record: &Value) -> Result<(), Failure> {
        write(&self.record_text(columns, record)?)
    }

    fn record_text(&self, columns: &[Column], record: &Value) -> Result<String, Failure> {
        Ok(match self.format {
            Some(Format::Json) => format!("{}\n", pretty(record)),
            Some(Format::Jsonl) => line(record) + "\n",
            Some(Format::Csv) => csv(columns, std::slice::from_ref(record)),
            None if !self.terminal => {
                columns.iter().map(|c| format!("{}\t{}\n", c.name, plain(&c.machine(record)))).collect()
            }
            _ => self.fields(columns, record),
        })
    }

    fn fields(&self, columns: &[Column], record: &Value) -> String {
        let width = columns.iter().map(|c| c.title.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for column in columns {
            let value = plain(&column.human(record, self.now));
            if !value.is_empty() {
                let title = paint(style::DIM, &format!("{:width$}", column.title));
                text.push_str(&format!("{title}  {value}\n"));
            }
        }
        text
    }

    /// Says that something was done: a sentence for people, the record for programs.
    pub fn done(&self, sentence: &str, record: &Value) -> Result<(), Failure> {
        match self.format {
            Some(Format::Json) => write(&format!("{}\n", pretty(record))),
            Some(Format::Jsonl) => write(&(line(record) + "\n")),
            _ => {
                note(sentence);
                Ok(())
            }
        }
    }
}

/// The few styles in use.
pub mod style {
    use anstyle::{AnsiColor, Style};

    /// Headings.
    pub const BOLD: Style = Style::new().bold();
    /// Labels and asides.
    pub const DIM: Style = Style::new().dimmed();
    /// Success.
    pub const GOOD: Style = AnsiColor::Green.on_default();
    /// Warnings.
    pub const WARN: Style = AnsiColor::Yellow.on_default();
    /// Failure.
    pub const BAD: Style = AnsiColor::Red.on_default().bold();
    /// Addresses and requests.
    pub const LINK: Style = AnsiColor::Cyan.on_default();
}

/// A text in a style. The writers below take the codes out where they do not belong: in a pipe,
/// with `NO_COLOR`, on a dumb terminal.
pub fn paint(style: anstyle::Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Writes to standard output.
pub fn write(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes bytes to standard output, untouched.
pub fn write_raw(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// Tells people something on standard error; nothing depends on its arriving.
pub fn note(text: &str) {
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// A text with every control character made visible, so that it cannot steer a terminal or break a line.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// Control characters, and those that turn the direction of writing round.
fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// JSON for people.
pub fn pretty(value: &Value) -> String {
    escaped(&serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string()))
}

/// JSON on one line.
pub fn line(value: &Value) -> String {
    escaped(&value.to_string())
}

/// JSON may hold the upper control characters as they are, and a terminal may obey them; outside of
/// texts there are none, so each can be written as an escape.
fn escaped(json: &str) -> String {
    if !json.chars().any(|c| c != '\n' && steers(c)) {
        return json.to_string();
    }
    json.chars()
        .map(|c| if c != '\n' && steers(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() })
        .collect()
}

fn separated(columns: &[Column], records: &[Value]) -> String {
    let cells =
        |record: &Value| columns.iter().map(|c| plain(&c.machine(record))).collect::<Vec<_>>().join("\t");
    records.iter().map(|record| cells(record) + "\n").collect()
}

/// RFC 4180, with plain line ends as every tool here writes them.
pub fn csv(columns: &[Column], records: &[Value]) -> String {
    let quoted = |cell: String| {
        let cell = plain(&cell);
        if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
    };
    let mut text = columns.iter().map(|c| c.name.to_string()).collect::<Vec<_>>().join(",") + "\n";
    for record in records {
        let cells: Vec<_> = columns.iter().map(|c| quoted(c.machine(record))).collect();
        text.push_str(&(cells.join(",") + "\n"));
    }
    text
}

#[cfg(test)]
mod tests;
