//! One file from the first byte to the report.

use std::io::Read;

use jiff::Timestamp;

use crate::catalogue::Catalogue;
use crate::error::{Failure, FileError};
use crate::file::Input;
use crate::format::Format;
use crate::lines::{Line, Lines};
use crate::options::Options;
use crate::parser::{Outcome, Parser};
use crate::record::{Record, SkipReason, View};
use crate::report::{Accounting, Refused, Report, Summary};
use crate::sessions::{Sessions, Settled};
use crate::tally::Tally;

/// Lines after which a file that does not fit its format is given up.
const SAMPLE: u64 = 1000;
/// Refused lines that are kept for explanation.
const EXPLAINED: usize = 20;
/// Lines between two calls of `progress`.
const PROGRESS_EVERY: u64 = 16_384;

/// Reads a file and adds it up. `progress` is told, now and then and once at the end, bytes taken from
/// `reader` and lines read.
pub fn analyse(
    reader: impl Read,
    format: &Format,
    catalogue: &Catalogue,
    options: &Options,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, FileError> {
    let input = Input::open(reader, options)?;
    let mut lines = Lines::new(input, options.max_line);
    let mut parser = Parser::new(format, options);
    let mut run = Run {
        tally: Tally::new(catalogue, options.max_keys),
        sessions: Sessions::default(),
        accounting: Accounting::default(),
        refused: Vec::new(),
        blank: 0,
        fitting: 0,
    };
    loop {
        match lines.next() {
            Ok(Some(line)) => run.take(line, &mut parser),
            Ok(None) => break,
            Err(error) => return Err(lines.reader().explain(error)),
        }
        if run.written() == SAMPLE && run.fitting * 10 < SAMPLE {
            return Err(FileError::LogFormatMismatch(run.failure()));
        }
        if run.accounting.lines.is_multiple_of(PROGRESS_EVERY) {
            progress(lines.reader().bytes_read(), run.accounting.lines);
        }
    }
    progress(lines.reader().bytes_read(), run.accounting.lines);
    run.finish(format)
}

struct Run<'c> {
    tally: Tally<'c>,
    sessions: Sessions,
    accounting: Accounting,
    refused: Vec<Refused>,
    /// Lines that say nothing about the format.
    blank: u64,
    /// Lines that show the format to be right.
    fitting: u64,
}

impl Run<'_> {
    fn take(&mut self, line: Line<'_>, parser: &mut Parser<'_>) {
        self.accounting.lines += 1;
        let outcome = match line {
            Line::Text(line) => parser.read(line),
            Line::TooLong => Outcome::Skipped(SkipReason::TooLong),
        };
        match outcome {
            // Nearly every line of nearly every format: no session to look up.
            Outcome::Record(record) if record.view == View::Whole => {
                self.fitting += 1;
                self.count(&record);
            }
            Outcome::Record(record) => {
                self.fitting += 1;
                let Settled { now, released, ignored } = self.sessions.settle(record);
                self.accounting.ignored += ignored;
                if let Some(record) = now {
                    self.count(&record);
                }
                released.iter().for_each(|record| self.count(record));
            }
            Outcome::Blank => {
                self.blank += 1;
                self.accounting.ignored += 1;
            }
            Outcome::Ignored => {
                self.fitting += 1;
                self.accounting.ignored += 1;
            }
            Outcome::TooOld => {
                self.fitting += 1;
                self.accounting.too_old += 1;
            }
            Outcome::Skipped(reason) => {
                self.accounting.skipped.add(reason);
                if self.refused.len() < EXPLAINED {
                    self.refused.push(Refused { line: self.accounting.lines, reason });
                }
            }
        }
    }

    fn count(&mut self, record: &Record<'_>) {
        self.accounting.parsed += 1;
        self.tally.add(record);
    }

    /// Lines that say something.
    fn written(&self) -> u64 {
        self.accounting.lines - self.blank
    }

    fn failure(mut self) -> Box<Failure> {
        self.settle_rest();
        Box::new(Failure { accounting: self.accounting, refused: self.refused })
    }

    fn settle_rest(&mut self) {
        for record in std::mem::take(&mut self.sessions).finish() {
            self.count(&record);
        }
    }

    fn finish(mut self, format: &Format) -> Result<Report, FileError> {
        self.settle_rest();
        let Accounting { lines, parsed, skipped, ignored, too_old } = self.accounting;
        let misfit = self.written() < SAMPLE && self.fitting * 10 < self.written();
        if misfit || parsed + too_old == 0 {
            return Err(FileError::LogFormatMismatch(self.failure()));
        }
        if parsed == 0 {
            return Err(FileError::TooOld(self.failure()));
        }
        if !self.tally.has_matches() {
            return Err(FileError::NoCatalogedApps(self.failure()));
        }
        let tally = &self.tally;
        let summary = Summary {
            source: format.id.to_owned(),
            lines,
            parsed,
            skipped: skipped.total(),
            ignored,
            too_old,
            users: tally.user_count(),
            client_ips: tally.client_count(),
            dest_hosts: tally.destination_count(),
            bytes_up: tally.all.up,
            bytes_down: tally.all.down,
            bytes_total: tally.all.total,
            blocked: tally.all.blocked,
            first_seen: seconds(tally.all.first_ms),
            last_seen: seconds(tally.all.last_ms),
        };
        Ok(Report {
            summary,
            accounting: self.accounting,
            destinations: tally.destination_rows(),
            usage: tally.usage_rows(),
            unmatched: tally.unmatched_rows(),
            refused: self.refused,
            unattributed: tally.unattributed,
            has_users: tally.user_count() > 0,
            traffic_kinds: tally.traffic_kinds(),
        })
    }
}

/// RFC 3339 with whole seconds, cut, not rounded.
fn seconds(ms: i64) -> Option<String> {
    Timestamp::from_second(ms.div_euclid(1000)).ok().map(|time| time.to_string())
}
