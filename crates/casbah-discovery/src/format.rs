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
    /// Where the layout is known from.
    pub basis: Basis,
    /// A log to show, to download and to test with. Bytes, because real logs hold damaged lines.
    pub sample: &'static [u8],
    pub(crate) shape: Shape,
    /// Fields by position, where the shape has no names or the file has no header.
    pub(crate) columns: &'static [(Field, Column)],
    /// Fields by name: of a header, or of keys. The first of several names for one field wins.
    /// What a shape calls everywhere the same (CEF, LEEF) stands in [`crate::plan`].
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
    /// Texts of which each line of this device has one; tell it from others of the same layout.
    pub(crate) marks: &'static [&'static str],
}

impl Format {
    /// What most formats have in common; each says what it does differently.
    pub(crate) const PLAIN: Self = Self {
        id: "",
        log_type: 0,
        vendor: "",
        basis: Basis::Verified,
        sample: b"",
        shape: Shape::Pairs,
        columns: &[],
        names: &[],
        blocked: REFUSED,
        starts: |_| false,
        quirk: no_quirk,
        escape: Escape::None,
        percent: false,
        marks: &[],
    };
}

/// Words that mean refused on nearly all devices.
pub(crate) const REFUSED: &[&str] =
    &["block*", "den*", "drop*", "reject*", "reset*", "prevent*", "localblock*", "tcp_denied*"];

/// Where a layout is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Seen in the vendor's documents or in real lines.
    Verified,
    /// Parts of it are concluded, not seen.
    Inferred,
    /// No public layout: what vendors' generic layouts share is accepted.
    Unverified,
}

impl Basis {
    /// The word that lists show.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Inferred => "inferred",
            Self::Unverified => "unverified",
        }
    }
}

/// Reads one line of message text into cells. False where the line is damaged.
pub(crate) type ReadText = for<'l> fn(&'l [u8], &mut Cells<'l>) -> bool;

/// How a line falls into cells. Lines that say themselves what they are (CEF, LEEF, JSON) are read as
/// that, whatever the shape of the format: firmware changes, and so does the choice of the administrator.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Cells between a delimiter, in quotes where needed (CSV).
    Separated(u8),
    /// Words between blanks; quotes, and brackets if set, keep blanks together.
    Words { brackets: bool },
    /// W3C extended log file format: `#Fields:` names the words that follow.
    W3c,
    /// `CEF:0|vendor|product|version|signature|name|severity|key=value key=value`.
    Cef,
    /// `LEEF:1.0|vendor|product|version|event|key=value<TAB>key=value`.
    Leef,
    /// `key=value key="value"`, between blanks, commas, bars, semicolons or TABs.
    Pairs,
    /// One JSON object a line.
    Json,
    /// Message text, read by the format itself.
    Text(ReadText),
    /// Whatever vendors' generic layouts share: any of the above that names its fields.
    Any,
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
    /// How a whole stamp is written, in Java's letters.
    TimePattern,
    /// The zone of a stamp beside it.
    Zone,
    /// When it began; stands in where nothing says when it ended.
    Begin,
    SourceIp,
    /// The client's address as another party sees it.
    OtherSourceIp,
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
        let nothing = |cell: &[u8]| matches!(cell, b"" | b"-" | b"N/A" | b"NA" | b"None");
        if rank < self.ranks[field as usize] && !nothing(cell) {
            self.ranks[field as usize] = rank;
            self.cells[field as usize] = cell;
        }
    }

    pub(crate) fn is(&self, field: Field, word: &str) -> bool {
        self.get(field).eq_ignore_ascii_case(word.as_bytes())
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
    /// A request that stands for itself, in a session whose sum may follow.
    Part,
    /// The sum of a session; says nothing new where its parts were told.
    Sum,
}

/// For devices that do nothing differently.
pub(crate) fn no_quirk(_: &mut Cells<'_>) -> Verdict {
    Verdict::Keep
}

/// For proxies: with 407 one asks for a name, and the client comes again. Half of a request, and no refusal.
pub(crate) fn challenge(cells: &mut Cells<'_>) -> Verdict {
    if cells.get(Field::Status) == b"407" { Verdict::Ignore } else { Verdict::Keep }
}

/// Why there is no format for a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceError {
    /// No such source.
    Unknown,
    /// The product knows it, this version does not read it.
    NotBuilt,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "no source has this name",
            Self::NotBuilt => "logs of this source are not read",
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
