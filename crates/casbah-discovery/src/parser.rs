//! Lines in, records out. Never fails and never panics: what cannot be read is told with a reason.

use std::borrow::Cow;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;

use memchr::{memchr, memmem};

use crate::format::{Cells, Field, Shape, Verdict};
use crate::options::Options;
use crate::plan::{CEF, COMMON, LEEF, Names, Patterns, Plan, Reader, W3C};
use crate::record::{Destination, Record, SessionKey, SkipReason, View};
use crate::shapes::{self, Columns, Splitter};
use crate::syslog::{self, Framed};
use crate::value::Escape;
use crate::{time, value};

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
    plan: &'o Plan,
    options: &'o Options,
    /// What the next line is read by.
    pub(crate) layout: Layout,
    /// Where lines are mended whose TABs or slashes arrive escaped.
    mended: Vec<u8>,
}

/// All that earlier lines can teach about later ones. Where it is equal, lines can be read in any order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    columns: Columns,
    splitter: Splitter,
}

impl<'o> Parser<'o> {
    /// A parser for one file of this source.
    pub fn new(plan: &'o Plan, options: &'o Options) -> Self {
        let splitter = match plan.reader {
            Reader::Shape(Shape::Separated(delimiter)) => Splitter::Separated(delimiter),
            Reader::Shape(Shape::Words { brackets }) => Splitter::Words { brackets },
            _ => Splitter::Words { brackets: false },
        };
        Self { plan, options, layout: Layout { columns: plan.columns.clone(), splitter }, mended: Vec::new() }
    }

    /// Reads one line, given without its line end.
    pub fn read<'l>(&mut self, line: &'l [u8]) -> Outcome<'l> {
        if line.trim_ascii().is_empty() {
            return Outcome::Blank;
        }
        let Some(escaped) = self.is_escaped(line) else { return self.read_plain(line) };
        let mut mended = std::mem::take(&mut self.mended);
        replace(line, escaped, &mut mended);
        let outcome = match self.read_plain(&mended) {
            Outcome::Record(record) => Outcome::Record(record.into_owned()),
            Outcome::Blank => Outcome::Blank,
            Outcome::Ignored => Outcome::Ignored,
            Outcome::TooOld => Outcome::TooOld,
            Outcome::Skipped(reason) => Outcome::Skipped(reason),
        };
        self.mended = mended;
        outcome
    }

    fn read_plain<'l>(&mut self, line: &'l [u8]) -> Outcome<'l> {
        let Framed { head, record } = self.cut(line);
        if record.first() == Some(&b'#') {
            directive(self.plan, record, &mut self.layout);
            return Outcome::Blank;
        }
        let outcome = self.read_record(head, record);
        // Asked only about refused lines, so sound ones never pay for it.
        if matches!(outcome, Outcome::Skipped(_))
            && let Some(found) = header(self.plan, self.layout.splitter, record)
        {
            self.layout = found;
            return Outcome::Blank;
        }
        outcome
    }

    /// Cuts off what relays put before the record.
    fn cut<'l>(&self, line: &'l [u8]) -> Framed<'l> {
        let plan = self.plan;
        // A header may say that something else stands first than the plan starts with.
        let other =
            matches!(plan.reader, Reader::Shape(Shape::W3c)) && self.layout.columns.start_with_other();
        syslog::cut(line, plan.open.then_some(speaks_for_itself as fn(&[u8]) -> bool), |rest| {
            if other { rest.first() == Some(&b'#') } else { (plan.starts)(rest) }
        })
    }

    /// The cells of a line that matter, and whether it has the shape it should have.
    pub(crate) fn cells<'l>(&self, line: &'l [u8]) -> (Cells<'l>, bool) {
        let mut cells = Cells::new();
        let (whole, _) = fill(self.plan, &self.layout, self.cut(line).record, &mut cells);
        (cells, whole)
    }

    /// Where the source has a person's name, in a line that may be of another source.
    pub(crate) fn user_cell<'l>(&self, line: &'l [u8]) -> &'l [u8] {
        self.cells(line).0.get(Field::User)
    }

    /// Syslog daemons write a TAB as `#011`, some JSON writers a slash as `\/`.
    fn is_escaped(&self, line: &[u8]) -> Option<(&'static [u8], u8)> {
        let shape = |wanted: fn(&Shape) -> bool| matches!(&self.plan.reader, Reader::Shape(s) if wanted(s));
        let tabs = self.layout.splitter == Splitter::Separated(b'\t')
            || shape(|s| matches!(s, Shape::Leef | Shape::Any | Shape::Text(_)))
            || (shape(|s| matches!(s, Shape::W3c)) && memmem::find(line, b"#Fields").is_some());
        if tabs && memchr(b'\t', line).is_none() {
            return memmem::find(line, b"#011").map(|_| (&b"#011"[..], b'\t'));
        }
        if line.last() == Some(&b'}') && memchr(b'{', line).is_some() {
            return memmem::find(line, b"\\/").map(|_| (&b"\\/"[..], b'/'));
        }
        None
    }

    fn read_record<'l>(&self, head: &'l [u8], line: &'l [u8]) -> Outcome<'l> {
        let mut cells = Cells::new();
        let (whole, escape) = fill(self.plan, &self.layout, line, &mut cells);
        // Asked before the count of cells: records the device does not finish may be short.
        let verdict = (self.plan.quirk)(&mut cells);
        if verdict == Verdict::Ignore {
            return Outcome::Ignored;
        }
        if !whole {
            return Outcome::Skipped(SkipReason::FieldCount);
        }
        build(self.plan, self.options, &cells, head, verdict, escape).unwrap_or_else(Outcome::Skipped)
    }
}

/// Whether a line says itself how it is to be read.
fn speaks_for_itself(line: &[u8]) -> bool {
    match line {
        [b'C', b'E', b'F', b':', ..] | [b'L', b'E', b'E', b'F', b':', ..] => true,
        [b'{', rest @ ..] => matches!(rest.trim_ascii_start().first(), Some(b'"' | b'}')),
        _ => false,
    }
}

fn replace(line: &[u8], (escaped, byte): (&[u8], u8), mended: &mut Vec<u8>) {
    mended.clear();
    let mut from = 0;
    for at in memmem::find_iter(line, escaped) {
        mended.extend_from_slice(&line[from..at]);
        mended.push(byte);
        from = at + escaped.len();
    }
    mended.extend_from_slice(&line[from..]);
}

/// `#Fields: …` changes the columns from here on, as does a comment that is a header; others say nothing.
fn directive(plan: &Plan, line: &[u8], layout: &mut Layout) {
    const FIELDS: &[u8] = b"#fields";
    let declares = line.get(..FIELDS.len()).is_some_and(|start| start.eq_ignore_ascii_case(FIELDS));
    if declares {
        let names = &line[FIELDS.len()..];
        let names = names.strip_prefix(b":").unwrap_or(names).trim_ascii();
        // With TAB between the names, values may hold blanks and may be empty.
        let splitter = if names.contains(&b'\t') {
            Splitter::Separated(b'\t')
        } else {
            Splitter::Words { brackets: layout.splitter == Splitter::Words { brackets: true } }
        };
        let columns = Columns::by_header(names, splitter, &plan.names, Some(&W3C)).unwrap_or_default();
        *layout = Layout { columns, splitter };
    } else if plan.open
        && let Some(columns) = Columns::by_header(&line[1..], layout.splitter, &plan.names, None)
    {
        layout.columns = columns;
    }
}

/// What a line that is no record says about columns: they hold from here on.
fn header(plan: &Plan, splitter: Splitter, line: &[u8]) -> Option<Layout> {
    let Reader::Shape(shape) = &plan.reader else { return None };
    let any = Splitter::Words { brackets: false };
    let splitters: &[Splitter] = match shape {
        Shape::Separated(_) if !plan.open => &[splitter],
        Shape::Separated(_) | Shape::Any => &[
            splitter,
            Splitter::Separated(b','),
            Splitter::Separated(b';'),
            Splitter::Separated(b'\t'),
            Splitter::Separated(b'|'),
            any,
        ],
        Shape::Words { .. } => &[splitter],
        _ => return None,
    };
    let found = |everywhere: Option<&Names>| {
        splitters.iter().find_map(|splitter| {
            let columns = Columns::by_header(line, *splitter, &plan.names, everywhere)?;
            Some(Layout { columns, splitter: *splitter })
        })
    };
    // What the device itself calls things is sure; what others do is a guess.
    found(None).or_else(|| found(Some(&COMMON)).filter(|_| plan.open))
}

/// Fills the cells from a line. False where it has not the shape it should have.
fn fill<'l>(plan: &Plan, layout: &Layout, line: &'l [u8], cells: &mut Cells<'l>) -> (bool, Escape) {
    let Layout { columns, splitter } = layout;
    let mut offer = |found: Option<(Field, u8)>, value: &'l [u8]| {
        if let Some((field, rank)) = found {
            cells.offer(field, rank, value);
        }
    };
    let names = &plan.names;
    if plan.open && speaks_for_itself(line) {
        return match line[0] {
            b'C' => {
                (shapes::keys(line, |key, value| offer(names.find_or(&CEF, key), value)), Escape::Backslash)
            }
            b'L' => (shapes::leef(line, |key, value| offer(names.find_or(&LEEF, key), value)), plan.escape),
            _ => {
                let leaf = |path: &[&'l [u8]], value| {
                    offer(path.last().and_then(|key| names.find_or(&COMMON, key)), value);
                };
                (shapes::json(line, leaf), Escape::Json)
            }
        };
    }
    let whole = match &plan.reader {
        Reader::Regex(groups) => groups.read(line, &mut offer),
        Reader::Delimited { pair, value } => {
            shapes::delimited(line, *pair, *value, |key, value| offer(names.find(key), value)) > 1
        }
        Reader::Shape(shape) => match shape {
            Shape::Cef | Shape::Leef => false,
            Shape::Pairs => shapes::pairs(line, |key, value| offer(names.find(key), value)) > 1,
            Shape::Json => {
                let pair = |path: &[&'l [u8]], value: &'l [u8]| offer(by_path(names, plan.open, path), value);
                return (shapes::json(line, pair), Escape::Json);
            }
            Shape::Text(read) => read(line, cells),
            Shape::Separated(_) | Shape::Words { .. } | Shape::W3c
                if plan.open && shapes::starts_with_pair(line) =>
            {
                let everywhere = if matches!(shape, Shape::W3c) { &W3C } else { &COMMON };
                let mut count = shapes::pairs(line, |key, value| offer(names.find(key), value));
                let has = |fields: &[Field]| fields.iter().any(|field| !cells.get(*field).is_empty());
                if !has(&[Field::SourceIp]) || !has(&[Field::Url, Field::Host, Field::DestinationIp]) {
                    count = shapes::pairs(line, |key, value| {
                        if let Some((field, rank)) = names.find_or(everywhere, key) {
                            cells.offer(field, rank, value);
                        }
                    });
                }
                if let Some(tab) = memchr(b'\t', line) {
                    // Before the first key may stand the time.
                    cells.offer(Field::Time, u8::MAX - 1, &line[..tab]);
                }
                count > 2
            }
            Shape::Separated(_) | Shape::Words { .. } | Shape::W3c => {
                !columns.is_empty() && columns.read(line, *splitter, cells)
            }
            Shape::Any if !columns.is_empty() && columns.read(line, *splitter, cells) => true,
            Shape::Any => {
                *cells = Cells::new();
                let mut offer = |key: &[u8], value: &'l [u8]| {
                    if let Some((field, rank)) = names.find_or(&COMMON, key) {
                        cells.offer(field, rank, value);
                    }
                };
                match line {
                    [b'<', b'a'..=b'z' | b'A'..=b'Z', ..] => shapes::xml(line, offer) > 2,
                    [b'[', ..] => {
                        // Places in an array mean something only in the outermost.
                        let outer = |path: &[&'l [u8]], value: &'l [u8]| {
                            if let [place] = path {
                                offer(place, value);
                            }
                        };
                        return (shapes::json(line, outer), Escape::Json);
                    }
                    _ => shapes::pairs(line, offer) > 2,
                }
            }
        },
    };
    (whole, plan.escape)
}

/// People name values by the whole path, devices by the last key of it.
fn by_path(names: &Names, open: bool, path: &[&[u8]]) -> Option<(Field, u8)> {
    match path {
        [.., key] if open => names.find_or(&COMMON, key),
        [key] => names.find(key),
        path => names.find(&path.join(&b'.')),
    }
}

/// What is wrong with the age of a record that is sound otherwise.
fn judge_age(options: &Options, time_ms: i64) -> Option<Outcome<'static>> {
    let Options { now_ms, max_age_ms, max_ahead_ms, .. } = options;
    if time_ms < now_ms.saturating_sub(*max_age_ms) {
        Some(Outcome::TooOld)
    } else if time_ms > now_ms.saturating_add(*max_ahead_ms) {
        Some(Outcome::Skipped(SkipReason::Future))
    } else {
        None
    }
}

fn build<'l>(
    plan: &Plan,
    options: &Options,
    cells: &Cells<'l>,
    head: &[u8],
    verdict: Verdict,
    escape: Escape,
) -> Result<Outcome<'l>, SkipReason> {
    let time_ms = time(plan, options, cells, head).ok_or(SkipReason::Timestamp)?;
    let client = value::client(cells.get(Field::SourceIp)).ok_or(SkipReason::SourceIp)?;
    let (destination, path) = find_destination(cells)?;
    let user = value::user(cells.get(Field::User), escape, plan.percent)?;
    if let Some(outcome) = judge_age(options, time_ms) {
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
            || plan.refuses(cells.get(Field::Action))
            || plan.refuses(cells.get(Field::Outcome)),
        application: value::present(cells.get(Field::Application))
            .and_then(|a| std::str::from_utf8(a).ok())
            .map(Cow::Borrowed),
        view: match verdict {
            Verdict::Start => View::Start,
            Verdict::End => View::End(session(cells)),
            Verdict::Request => session(cells).map_or(View::Whole, View::Request),
            Verdict::Part => session(cells).map_or(View::Whole, View::Part),
            Verdict::Sum => session(cells).map_or(View::Whole, View::Sum),
            Verdict::Keep | Verdict::Blocked | Verdict::Ignore => View::Whole,
        },
    }))
}

/// The message's own time; else that of the header before it; else when it began.
fn time(plan: &Plan, options: &Options, cells: &Cells<'_>, head: &[u8]) -> Option<i64> {
    let zone = match cells.get(Field::Zone) {
        // W3C says UTC, whatever the data source is set to.
        b"" if matches!(plan.reader, Reader::Shape(Shape::W3c)) => Some(0),
        b"" => None,
        zone => time::zone_minutes(zone),
    };
    let context =
        time::Context { now_ms: options.now_ms, zone_minutes: zone.unwrap_or(options.zone_minutes) };
    let (stamp, date, clock) = (cells.get(Field::Time), cells.get(Field::Date), cells.get(Field::Clock));
    let Patterns { time, date: date_pattern, clock: clock_pattern } = &plan.patterns;
    if let Some(pattern) = time {
        return time::by_pattern(&[(stamp, pattern)], context);
    }
    if let (Some(of_date), Some(of_clock)) = (date_pattern, clock_pattern) {
        return time::by_pattern(&[(date, of_date), (clock, of_clock)], context);
    }
    match (stamp, date, clock) {
        (b"", b"", b"") => {
            let of_header = syslog::stamp(head).and_then(|stamp| time::stamp(stamp, context));
            of_header.or_else(|| time::stamp(cells.get(Field::Begin), context))
        }
        (b"", b"", clock) => time::stamp(clock, context),
        (b"", date, clock) => time::date_and_clock(date, clock, context),
        (stamp, ..) => {
            let pattern = std::str::from_utf8(cells.get(Field::TimePattern)).unwrap_or_default();
            let by_pattern = (!pattern.is_empty()).then(|| time::by_pattern(&[(stamp, pattern)], context));
            by_pattern.flatten().or_else(|| time::stamp(stamp, context))
        }
    }
}

/// Host of the URL, else a host cell, else the address; and the path that belongs to it.
fn find_destination<'l>(cells: &Cells<'l>) -> Result<(Destination<'l>, Option<&'l str>), SkipReason> {
    let (authority, path) = value::split_url(value::present(cells.get(Field::Url)).unwrap_or_default());
    let path = if path.is_empty() { cells.get(Field::Path) } else { path };
    let path = std::str::from_utf8(path).ok().filter(|path| path.starts_with('/'));
    let mut found = value::destination(authority);
    for field in [Field::Host, Field::DestinationIp] {
        if let Ok(Some(destination)) = found {
            return Ok((destination, path));
        }
        // What is wrong with the better cell is worth telling only where no other helps.
        match value::destination(value::split_url(cells.get(field)).0) {
            Ok(None) => {}
            other => found = other,
        }
    }
    Ok((found?.ok_or(SkipReason::Destination)?, path))
}

fn session(cells: &Cells<'_>) -> Option<SessionKey> {
    let cell = value::present(cells.get(Field::Session)).filter(|cell| *cell != b"0")?;
    let session = value::count(cell).unwrap_or_else(|| hash(cell));
    Some(SessionKey { device: hash(cells.get(Field::Device)), session })
}

/// Fixed keys: equal cells must be equal within one file, and nothing more.
fn hash(cell: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(cell);
    hasher.finish()
}
