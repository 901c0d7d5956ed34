//! Line by line: which rule took or refused it, and where.

use std::io::{self, Read, Seek};

use jiff::Timestamp;
use serde::Serialize;

use crate::catalogue::{AppId, Catalogue};
use crate::error::FileError;
use crate::file::{self, Meter, Source, Stop};
use crate::format::Field;
use crate::lines::{Chunks, Line, lines};
use crate::options::Options;
use crate::parser::{Outcome, Parser};
use crate::plan::Plan;
use crate::record::{Destination, Record, SkipReason, View};
use crate::redact::redact;

/// What became of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// Counted from 1, over all members of an archive.
    pub line: u64,
    /// What it was taken for.
    pub outcome: Taken,
    /// The rule, in a sentence.
    pub rule: String,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<SkipReason>,
    /// The field that could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Where in the line, counted from 1 in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// What stands there, with people, query strings and secrets masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// What was read from a transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<Transaction>,
}

/// The four things that can become of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Taken {
    /// A transaction.
    Transaction,
    /// Header, comment, blank, or a sound line that is no transaction.
    Ignored,
    /// A transaction that is too old.
    TooOld,
    /// Damaged or foreign.
    Skipped,
}

/// What a line was read as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    /// RFC 3339, UTC.
    pub time: String,
    /// The client's address.
    pub client: String,
    /// Whether the line names a user. The name itself stays in the log.
    pub user: bool,
    /// Host or address.
    pub destination: String,
    /// The app it belongs to.
    pub app: Option<AppId>,
    /// Bytes from the client, if the line tells.
    pub uploaded: Option<u64>,
    /// Bytes to the client.
    pub downloaded: Option<u64>,
    /// Bytes of both directions.
    pub total: u64,
    /// Whether the device refused it.
    pub blocked: bool,
}

/// Explains a file line by line until `told` answers false. Zip files want [`explain_file`].
pub fn explain(
    mut reader: impl Read,
    plan: &Plan,
    catalogue: &Catalogue,
    options: &Options,
    told: &mut dyn FnMut(Explained) -> bool,
) -> Result<(), FileError> {
    run(Source::Stream(&mut reader), &Rules { plan, catalogue, options }, told)
}

/// As [`explain`], for what one can seek in: also zip files.
pub fn explain_file(
    mut file: impl Read + Seek,
    plan: &Plan,
    catalogue: &Catalogue,
    options: &Options,
    told: &mut dyn FnMut(Explained) -> bool,
) -> Result<(), FileError> {
    run(Source::File(&mut file), &Rules { plan, catalogue, options }, told)
}

struct Rules<'r> {
    plan: &'r Plan,
    catalogue: &'r Catalogue,
    options: &'r Options,
}

fn run(
    source: Source<'_>,
    rules: &Rules<'_>,
    told: &mut dyn FnMut(Explained) -> bool,
) -> Result<(), FileError> {
    let (mut number, mut enough) = (0, false);
    let read = file::each_text(source, rules.options, &Meter::default(), &mut |text| {
        let mut chunks = Chunks::new(text, rules.options.max_line);
        let mut parser = Parser::new(rules.plan, rules.options);
        let mut chunk = Vec::new();
        while chunks.next(&mut chunk)? {
            for line in lines(&chunk, rules.options.max_line) {
                number += 1;
                if !told(rules.explain(number, line, &mut parser)) {
                    enough = true;
                    return Err(Stop::Bytes(io::Error::other("enough")));
                }
            }
        }
        Ok(())
    });
    if enough { Ok(()) } else { read }
}

impl Rules<'_> {
    fn explain(&self, line: u64, text: Line<'_>, parser: &mut Parser<'_>) -> Explained {
        let plain = |outcome, rule: String| Explained {
            line,
            outcome,
            rule,
            reason: None,
            field: None,
            column: None,
            text: None,
            transaction: None,
        };
        let text = match text {
            Line::Text(text) => text,
            Line::TooLong(start) => {
                let rule = format!("longer than {} bytes", self.options.max_line);
                let example = Some(redact(start, parser.user_cell(start), self.options));
                let reason = Some(SkipReason::TooLong);
                return Explained { reason, text: example, ..plain(Taken::Skipped, rule) };
            }
        };
        let before = parser.layout.clone();
        match parser.read(text) {
            Outcome::Record(record) => Explained {
                transaction: Some(self.transaction(&record)),
                ..plain(Taken::Transaction, of_view(record.view).into())
            },
            Outcome::TooOld => {
                let days = self.options.max_age_ms / (24 * 60 * 60 * 1000);
                plain(Taken::TooOld, format!("a transaction older than {days} days"))
            }
            Outcome::Ignored => {
                plain(Taken::Ignored, "a sound record of the device, but no finished transaction".into())
            }
            Outcome::Blank if text.trim_ascii().is_empty() => plain(Taken::Ignored, "a blank line".into()),
            Outcome::Blank if parser.layout != before => {
                plain(Taken::Ignored, "a header: it names the columns from here on".into())
            }
            Outcome::Blank => plain(Taken::Ignored, "a comment or a header".into()),
            Outcome::Skipped(reason) => {
                let Fault { field, column, text } = self.find_fault(text, reason, parser);
                let rule = of_reason(reason).into();
                let reason = Some(reason);
                Explained { reason, field, column, text, ..plain(Taken::Skipped, rule) }
            }
        }
    }

    fn transaction(&self, record: &Record<'_>) -> Transaction {
        let app = match &record.destination {
            Destination::Host(host) => self.catalogue.match_host(host, record.path.as_deref()),
            Destination::Ip(ip) => self.catalogue.match_ip(*ip).or_else(|| {
                let name = record.application.as_ref()?;
                self.catalogue.match_application(name)
            }),
        };
        Transaction {
            time: Timestamp::from_millisecond(record.time_ms).map(|t| t.to_string()).unwrap_or_default(),
            client: record.client.to_string(),
            user: record.user.is_some(),
            destination: match &record.destination {
                Destination::Host(host) => host.to_string(),
                Destination::Ip(ip) => ip.to_string(),
            },
            app,
            uploaded: record.up,
            downloaded: record.down,
            total: record.bytes(),
            blocked: record.blocked,
        }
    }

    fn find_fault(&self, line: &[u8], reason: SkipReason, parser: &Parser<'_>) -> Fault {
        let (mut cells, _) = parser.cells(line);
        let user = cells.get(Field::User);
        (self.plan.quirk)(&mut cells);
        let suspects: &[Field] = match reason {
            SkipReason::Timestamp | SkipReason::Future => &[Field::Time, Field::Date, Field::Clock],
            SkipReason::SourceIp => &[Field::SourceIp],
            SkipReason::Destination => &[Field::Url, Field::Host, Field::DestinationIp],
            SkipReason::Encoding => &[Field::User, Field::Url, Field::Host],
            SkipReason::FieldCount | SkipReason::TooLong => &[],
        };
        let found = suspects.iter().find(|field| !cells.get(**field).is_empty());
        let Some(field) = found else {
            let example = Some(redact(line, user, self.options));
            return Fault { field: suspects.first().map(|f| name(*f)), column: None, text: example };
        };
        let cell = cells.get(*field);
        let text = if *field == Field::User { "***".to_owned() } else { redact(cell, b"", self.options) };
        Fault { field: Some(name(*field)), column: column(line, cell), text: Some(text) }
    }
}

struct Fault {
    field: Option<String>,
    column: Option<usize>,
    text: Option<String>,
}

/// Where a cell stands in its line; nowhere, if a format had to rewrite the line first.
fn column(line: &[u8], cell: &[u8]) -> Option<usize> {
    let at = (cell.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
    (at + cell.len() <= line.len()).then_some(at + 1)
}

fn name(field: Field) -> String {
    let name = format!("{field:?}");
    name[..1].to_ascii_lowercase() + &name[1..]
}

fn of_view(view: View) -> &'static str {
    match view {
        View::Whole => "one transaction",
        View::End(_) => "the end of a session, which counts",
        View::Start => "the start of a session: counts only where the file has no ends",
        View::Request(_) => {
            "a request in a session: lends its host to the session's end, and counts alone where none comes"
        }
        View::Part(_) => "a request in a session; the sum of the session then does not count",
        View::Sum(_) => "the sum of a session: counts only where none of its requests is told",
    }
}

fn of_reason(reason: SkipReason) -> &'static str {
    match reason {
        SkipReason::Timestamp => "no time, or one that cannot be read",
        SkipReason::SourceIp => "no valid client address",
        SkipReason::Destination => "no valid destination",
        SkipReason::FieldCount => "not the shape of the format: cut off, or of another format",
        SkipReason::Encoding => "bytes that are neither UTF-8 nor Windows-1252",
        SkipReason::TooLong => "too long",
        SkipReason::Future => "too far in the future",
    }
}
