//! Lines in, records out. Never fails and never panics: what cannot be read is told with a reason.

use std::borrow::Cow;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;

use crate::format::{Cells, Field, Format, Shape, Verdict};
use crate::options::Options;
use crate::record::{Destination, Record, SessionKey, SkipReason, View};
use crate::shapes::{self, Columns, Splitter};
use crate::{syslog, time, value};

/// What became of a line.
#[derive(Debug, PartialEq)]
// Lives on the stack for one line; a box would cost an allocation each.
#[allow(clippy::large_enum_variant)]
pub enum Outcome<'l> {
    /// A transaction.
    Record(Record<'l>),
    /// Blank, a comment or a header.
    Blank,
    /// A sound line of the device that is no transaction.
    Ignored,
    /// A transaction older than the limit.
    TooOld,
    /// Refused.
    Skipped(SkipReason),
}

/// Reads the lines of one file. Remembers headers, so lines must come in order.
#[derive(Clone)]
pub struct Parser<'o> {
    format: &'o Format,
    options: &'o Options,
    /// What the next line is read by.
    pub(crate) layout: Layout,
}

/// All that earlier lines can teach about later ones. Where it is equal, lines can be read in any order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    columns: Columns,
    splitter: Splitter,
}

impl<'o> Parser<'o> {
    /// A parser for one file of this format.
    pub fn new(format: &'o Format, options: &'o Options) -> Self {
        let splitter = match format.shape {
            Shape::Separated(delimiter) => Splitter::Separated(delimiter),
            Shape::Words { brackets } => Splitter::Words { brackets },
            Shape::W3c | Shape::Cef => Splitter::Words { brackets: false },
        };
        Self { format, options, layout: Layout { columns: Columns::by_position(format), splitter } }
    }

    /// Reads one line, given without its line end.
    pub fn read<'l>(&mut self, line: &'l [u8]) -> Outcome<'l> {
        if line.trim_ascii().is_empty() {
            return Outcome::Blank;
        }
        let inner = syslog::inner(line, self.format.starts);
        let outcome = match inner {
            [b'#', ..] if self.format.shape != Shape::Cef => return self.directive(inner),
            _ => self.record(inner),
        };
        if matches!(outcome, Outcome::Skipped(_)) && self.is_header(inner) {
            return Outcome::Blank;
        }
        outcome
    }

    /// `#Fields: …` changes the columns from here on; other comments say nothing.
    fn directive(&mut self, line: &[u8]) -> Outcome<'static> {
        if self.format.shape == Shape::W3c
            && let Some(names) = line.strip_prefix(b"#Fields:")
        {
            let names = names.trim_ascii();
            // With TAB between the names, values may hold blanks and may be empty.
            let splitter = if names.contains(&b'\t') {
                Splitter::Separated(b'\t')
            } else {
                Splitter::Words { brackets: false }
            };
            let columns = Columns::by_header(names, splitter, self.format).unwrap_or_default();
            self.layout = Layout { columns, splitter };
        }
        Outcome::Blank
    }

    /// Whether a line that is no record names columns; if so, they hold from here on. Asked only about
    /// refused lines, so sound ones never pay for it.
    fn is_header(&mut self, line: &[u8]) -> bool {
        if !matches!(self.format.shape, Shape::Separated(_)) {
            return false;
        }
        match Columns::by_header(line, self.layout.splitter, self.format) {
            Some(columns) => {
                self.layout.columns = columns;
                true
            }
            None => false,
        }
    }

    /// The cells of a line that matter, and whether the line has the shape of the format.
    pub(crate) fn cells<'l>(&self, line: &'l [u8]) -> (Cells<'l>, bool) {
        let mut cells = Cells::new();
        let whole = match self.format.shape {
            Shape::Cef => shapes::keys(line, |key, value| {
                if let Some(rank) = self.format.names.iter().position(|(_, name)| name.as_bytes() == key) {
                    cells.offer(self.format.names[rank].0, rank as u8, value);
                }
            }),
            _ => {
                let Layout { columns, splitter } = &self.layout;
                !columns.is_empty() && columns.read(line, *splitter, &mut cells)
            }
        };
        (cells, whole)
    }

    /// Where the format has a person's name, in a line that may be of another format.
    pub(crate) fn user_cell<'l>(&self, line: &'l [u8]) -> &'l [u8] {
        self.cells(syslog::inner(line, self.format.starts)).0.get(Field::User)
    }

    fn record<'l>(&self, line: &'l [u8]) -> Outcome<'l> {
        let (mut cells, whole) = self.cells(line);
        // Asked before the count of cells: records the device does not finish may be short.
        let verdict = (self.format.quirk)(&mut cells);
        if verdict == Verdict::Ignore {
            return Outcome::Ignored;
        }
        if !whole {
            return Outcome::Skipped(SkipReason::FieldCount);
        }
        self.build(&cells, verdict).unwrap_or_else(Outcome::Skipped)
    }

    /// What is wrong with the age of a record that is sound otherwise.
    fn judge_age(&self, time_ms: i64) -> Option<Outcome<'static>> {
        let Options { now_ms, max_age_ms, max_ahead_ms, .. } = self.options;
        if time_ms < now_ms.saturating_sub(*max_age_ms) {
            Some(Outcome::TooOld)
        } else if time_ms > now_ms.saturating_add(*max_ahead_ms) {
            Some(Outcome::Skipped(SkipReason::Future))
        } else {
            None
        }
    }

    fn build<'l>(&self, cells: &Cells<'l>, verdict: Verdict) -> Result<Outcome<'l>, SkipReason> {
        let time_ms = self.time(cells).ok_or(SkipReason::Timestamp)?;
        let client = value::client(cells.get(Field::SourceIp)).ok_or(SkipReason::SourceIp)?;
        let (destination, path) = find_destination(cells)?;
        let user = value::user(cells.get(Field::User), self.format.escape, self.format.percent)?;
        if let Some(outcome) = self.judge_age(time_ms) {
            return Ok(outcome);
        }
        Ok(Outcome::Record(Record {
            time_ms,
            client,
            user,
            destination,
            path: path.map(Cow::Borrowed),
            up: value::count(cells.get(Field::Up)),
            down: value::count(cells.get(Field::Down)),
            total: value::count(cells.get(Field::Total)),
            blocked: verdict == Verdict::Blocked
                || self.refuses(cells.get(Field::Action))
                || self.refuses(cells.get(Field::Outcome)),
            application: value::present(cells.get(Field::Application))
                .and_then(|a| std::str::from_utf8(a).ok())
                .map(Cow::Borrowed),
            view: match verdict {
                Verdict::Start => View::Start,
                Verdict::End => session(cells).map_or(View::Whole, View::End),
                Verdict::Request => session(cells).map_or(View::Whole, View::Request),
                Verdict::Keep | Verdict::Blocked | Verdict::Ignore => View::Whole,
            },
        }))
    }

    fn time(&self, cells: &Cells<'_>) -> Option<i64> {
        let context = time::Context { now_ms: self.options.now_ms, zone_minutes: self.options.zone_minutes };
        // W3C says UTC, whatever the data source is set to.
        let utc = time::Context { zone_minutes: 0, ..context };
        let (date, clock) = (cells.get(Field::Date), cells.get(Field::Clock));
        match cells.get(Field::Time) {
            b"" if !date.is_empty() => time::date_and_clock(date, clock, utc),
            b"" => time::stamp(clock, utc),
            stamp => time::stamp(stamp, context),
        }
    }

    fn refuses(&self, action: &[u8]) -> bool {
        let is = |word: &&str| match word.strip_suffix('*') {
            Some(start) => {
                action.get(..start.len()).is_some_and(|a| a.eq_ignore_ascii_case(start.as_bytes()))
            }
            None => action.eq_ignore_ascii_case(word.as_bytes()),
        };
        !action.is_empty() && self.format.blocked.iter().any(is)
    }
}

/// Host of the URL, else a host cell, else the address; and the path that belongs to it.
fn find_destination<'l>(cells: &Cells<'l>) -> Result<(Destination<'l>, Option<&'l str>), SkipReason> {
    let (authority, path) = value::split_url(value::present(cells.get(Field::Url)).unwrap_or_default());
    let path = if path.is_empty() { cells.get(Field::Path) } else { path };
    let path = std::str::from_utf8(path).ok().filter(|path| path.starts_with('/'));
    let mut found = value::destination(authority)?;
    for field in [Field::Host, Field::DestinationIp] {
        if found.is_none() {
            found = value::destination(value::split_url(cells.get(field)).0)?;
        }
    }
    Ok((found.ok_or(SkipReason::Destination)?, path))
}

fn session(cells: &Cells<'_>) -> Option<SessionKey> {
    let session = value::count(cells.get(Field::Session)).filter(|number| *number != 0)?;
    // Fixed keys: equal devices must be equal within one file, and nothing more.
    let mut hasher = DefaultHasher::new();
    hasher.write(cells.get(Field::Device));
    Some(SessionKey { device: hasher.finish(), session })
}
