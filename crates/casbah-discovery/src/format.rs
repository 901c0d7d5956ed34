//! What a format is, and how one is found by its source name or number.

use std::fmt;

use crate::formats::FORMATS;
use crate::sources::SOURCES;
use crate::value::Escape;

/// A log format: where a device writes what. A value, so that a new device is one file of constants.
#[derive(Debug)]
pub struct Format {
    /// The source name, as clients send it.
    pub id: &'static str,
    /// The numeric log type.
    pub log_type: u16,
    /// Who makes the device.
    pub vendor: &'static str,
    /// A log to show, to download and to test with. Bytes, because real logs hold damaged lines.
    pub sample: &'static [u8],
    pub(crate) shape: Shape,
    /// Fields by position, where the shape has no names or the file has no header.
    pub(crate) columns: &'static [(Field, Column)],
    /// Fields by name: of a header, or of keys. The first of several names for one field wins.
    pub(crate) names: &'static [(Field, &'static str)],
    /// Actions that mean refused, in lower case; a final `*` stands for anything.
    pub(crate) blocked: &'static [&'static str],
    /// Whether a line, cleared of what a relay put before it, starts here.
    pub(crate) starts: fn(&[u8]) -> bool,
    /// What this device does differently.
    pub(crate) quirk: fn(&mut Cells<'_>) -> Verdict,
    pub(crate) escape: Escape,
    /// Whether user names are percent-encoded.
    pub(crate) percent: bool,
}

/// How a line falls into cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Cells between a delimiter, in quotes where needed (CSV).
    Separated(u8),
    /// Words between blanks; quotes, and brackets if set, keep blanks together.
    Words { brackets: bool },
    /// W3C extended log file format: `#Fields:` names the words that follow.
    W3c,
    /// `CEF:0|vendor|product|version|signature|name|severity|key=value key=value`.
    Cef,
}

/// A place in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Counted from 0.
    At(u8),
    /// The last one of at least this many.
    LastOf(u8),
}

/// What a cell can mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    /// A whole stamp.
    Time,
    /// A stamp in two parts.
    Date,
    Clock,
    SourceIp,
    User,
    /// A place that some devices write instead of an unknown user.
    Location,
    Url,
    Host,
    DestinationIp,
    Path,
    Up,
    Down,
    Total,
    Action,
    /// A second word about the outcome; refused if either says so.
    Outcome,
    Status,
    Application,
    /// What sort of record this is, and its sub-sort.
    Kind,
    Subkind,
    Device,
    Session,
}

const FIELDS: usize = Field::Session as usize + 1;

/// The cells of one line that matter; empty where absent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'l> {
    cells: [&'l [u8]; FIELDS],
    ranks: [u8; FIELDS],
}

impl<'l> Cells<'l> {
    pub(crate) fn new() -> Self {
        Self { cells: [b""; FIELDS], ranks: [u8::MAX; FIELDS] }
    }

    pub(crate) fn get(&self, field: Field) -> &'l [u8] {
        self.cells[field as usize]
    }

    pub(crate) fn set(&mut self, field: Field, cell: &'l [u8]) {
        self.cells[field as usize] = cell;
    }

    /// Sets a field that has several names, unless a better name (lower rank) has spoken.
    pub(crate) fn offer(&mut self, field: Field, rank: u8, cell: &'l [u8]) {
        if rank < self.ranks[field as usize] && !matches!(cell, b"" | b"-") {
            self.ranks[field as usize] = rank;
            self.cells[field as usize] = cell;
        }
    }
}

/// What a format's quirk says about a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A transaction; the action words tell whether it was refused.
    Keep,
    /// A refused transaction, whatever the action words say.
    Blocked,
    /// A sound line of the device that is no transaction.
    Ignore,
    /// The end of a session, with its bytes.
    End,
    /// The start of a session.
    Start,
    /// A request inside a session.
    Request,
}

/// For devices that do nothing differently.
pub(crate) fn no_quirk(_: &mut Cells<'_>) -> Verdict {
    Verdict::Keep
}

/// Why there is no format for a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// No such source.
    Unknown,
    /// The product knows it, this version does not read it yet.
    NotBuilt,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no source has this name",
            Self::NotBuilt => "logs of this source cannot be read yet",
        })
    }
}

impl std::error::Error for SourceError {}

/// The format of a source name.
pub fn format(source: &str) -> Result<&'static Format, SourceError> {
    let built = FORMATS.iter().copied().find(|format| format.id == source);
    let known = SOURCES.iter().any(|known| known.name == source);
    built.ok_or(if known { SourceError::NotBuilt } else { SourceError::Unknown })
}

/// The format of a numeric log type.
pub fn format_by_id(log_type: u16) -> Result<&'static Format, SourceError> {
    let built = FORMATS.iter().copied().find(|format| format.log_type == log_type);
    let known = SOURCES.iter().any(|known| known.log_type == Some(log_type));
    built.ok_or(if known { SourceError::NotBuilt } else { SourceError::Unknown })
}
