//! Parsers that people define for devices we do not know. A definition compiles to the same plan as a
//! built-in format; the engine cannot tell them apart.

use std::fmt;

use regex_automata::meta::{Config, Regex};
use regex_automata::util::primitives::{NonMaxUsize, PatternID};
use regex_automata::util::syntax;
use serde::{Deserialize, Serialize};

use crate::format::{Field, Shape, no_quirk};
use crate::plan::{Names, Patterns, Plan, Reader};
use crate::shapes::Columns;
use crate::time;
use crate::value::Escape;

/// Named groups that one expression may have.
const MOST_GROUPS: usize = 31;
/// Bytes a compiled expression may take; a search never takes more than linear time.
const MOST_MEMORY: usize = 4 << 20;
const LONGEST_NAME: usize = 64;
const LONGEST_TEXT: usize = 4096;

/// A parser somebody defines. Names of columns, keys and groups are case-sensitive.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomParser {
    /// What it is called, in lists and in reports.
    pub name: String,
    /// How a line falls into values.
    #[serde(rename = "type")]
    pub kind: CustomKind,
    /// CSV: the character between columns; a comma where not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// CSV: whether the first line names the columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<bool>,
    /// CSV without a header: what the columns are called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Key and value: the character between pairs; a blank where not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair_separator: Option<String>,
    /// Key and value: the character between a key and its value; an equals sign where not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_value_separator: Option<String>,
    /// Regular expression with named groups, searched for in each line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Whether syslog headers come off first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub strip_syslog: bool,
    /// Where the time stands, and how it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<CustomTime>,
    /// Where it stands in two parts: the date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<CustomTime>,
    /// Where it stands in two parts: the time of day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<CustomTime>,
    /// The client's address.
    pub source_ip: String,
    /// The server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_ip: Option<String>,
    /// The URL or the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub destination_url: Option<String>,
    /// The user's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// How names are written, for people to read: they are kept as logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name_format: Option<String>,
    /// Bytes from the client to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded_bytes: Option<String>,
    /// Bytes from the server to the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub downloaded_bytes: Option<String>,
    /// Bytes of both directions together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<String>,
    /// What was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The word there that means refused; a final `*` stands for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny_term: Option<String>,
}

/// How a line falls into values.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CustomKind {
    /// Columns between a delimiter, in quotes where needed.
    Csv,
    /// Keys with their values.
    KeyValue,
    /// One JSON object a line; values inside others are named `outer.inner`.
    Json,
    /// A regular expression whose named groups are the values.
    Regex,
}

/// Where a time stands, and how it is written.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CustomTime {
    /// The column, key, path or group.
    pub column: String,
    /// Letters as in `dd/MM/yyyy HH:mm:ss`, or `epochSeconds`, or `epochMilliseconds`; any style that is
    /// known where not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}

/// What is wrong with a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomError {
    /// The field to change, as the definition spells it.
    pub field: &'static str,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for CustomError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.why)
    }
}

impl std::error::Error for CustomError {}

fn fault<T>(field: &'static str, why: impl Into<String>) -> Result<T, CustomError> {
    Err(CustomError { field, why: why.into() })
}

impl CustomParser {
    /// This parser, ready for reading; or the first thing that is wrong with it.
    pub fn plan(&self) -> Result<Plan, CustomError> {
        self.check_texts()?;
        let names = self.names()?;
        let table = Names::new(names.iter().copied(), true);
        let (reader, columns) = match self.kind {
            CustomKind::Csv => self.csv(&table)?,
            CustomKind::KeyValue => {
                let pair = one_byte("pairSeparator", self.pair_separator.as_deref(), b' ')?;
                let value = one_byte("keyValueSeparator", self.key_value_separator.as_deref(), b'=')?;
                if pair == value {
                    return fault("keyValueSeparator", "is the same as pairSeparator");
                }
                (Reader::Delimited { pair, value }, Columns::default())
            }
            CustomKind::Json => (Reader::Shape(Shape::Json), Columns::default()),
            CustomKind::Regex => (Reader::Regex(self.groups(&names)?), Columns::default()),
        };
        Ok(Plan {
            name: self.name.clone(),
            reader,
            names: table,
            columns,
            blocked: self.deny_term.iter().cloned().collect(),
            starts: if self.strip_syslog { |_| false } else { |_| true },
            quirk: no_quirk,
            escape: Escape::DoubledQuote,
            percent: false,
            patterns: Patterns {
                time: pattern("timestamp", self.timestamp.as_ref())?,
                date: pattern("date", self.date.as_ref())?,
                clock: pattern("time", self.time.as_ref())?,
            },
            open: false,
        })
    }

    fn check_texts(&self) -> Result<(), CustomError> {
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return fault("name", format!("must have 1 to {LONGEST_NAME} characters"));
        }
        if self.deny_term.is_some() && self.action.is_none() {
            return fault("denyTerm", "needs action, which says where to look for it");
        }
        Ok(())
    }

    /// What each name means.
    fn names(&self) -> Result<Vec<(Field, &str)>, CustomError> {
        let stamps = [
            (Field::Time, "timestamp", &self.timestamp),
            (Field::Date, "date", &self.date),
            (Field::Clock, "time", &self.time),
        ];
        match (&self.timestamp, &self.date, &self.time) {
            (Some(_), None, None) | (None, Some(_), Some(_)) => {}
            _ => return fault("timestamp", "give timestamp, or date and time"),
        }
        if self.destination_ip.is_none() && self.destination_url.is_none() {
            return fault("destinationUrl", "give destinationUrl or destinationIp");
        }
        let stamps = stamps.iter().filter_map(|(field, name, stamp)| {
            stamp.as_ref().map(|stamp| (*field, *name, stamp.column.as_str()))
        });
        let optional = [
            (Field::DestinationIp, "destinationIp", &self.destination_ip),
            (Field::Url, "destinationUrl", &self.destination_url),
            (Field::User, "userName", &self.user_name),
            (Field::Up, "uploadedBytes", &self.uploaded_bytes),
            (Field::Down, "downloadedBytes", &self.downloaded_bytes),
            (Field::Total, "totalBytes", &self.total_bytes),
            (Field::Action, "action", &self.action),
        ];
        let optional = optional
            .iter()
            .filter_map(|(field, name, column)| column.as_deref().map(|column| (*field, *name, column)));
        let mut names: Vec<(Field, &str)> = Vec::new();
        for (field, name, column) in
            stamps.chain([(Field::SourceIp, "sourceIp", self.source_ip.as_str())]).chain(optional)
        {
            if column.is_empty() || column.len() > LONGEST_TEXT {
                return fault(name, "names nothing");
            }
            if names.iter().any(|(_, known)| *known == column) {
                return fault(name, format!("{column} already stands for something else"));
            }
            names.push((field, column));
        }
        Ok(names)
    }

    fn csv(&self, table: &Names) -> Result<(Reader, Columns), CustomError> {
        let delimiter = one_byte("delimiter", self.delimiter.as_deref(), b',')?;
        if delimiter == b'"' {
            return fault("delimiter", "cannot be a quote");
        }
        let columns = match (self.header.unwrap_or(self.columns.is_empty()), self.columns.is_empty()) {
            (true, true) => Columns::default(),
            (false, false) => Columns::by_names(&self.columns, table),
            (true, false) => return fault("columns", "the header names them already"),
            (false, true) => return fault("columns", "without a header, name them here"),
        };
        let missing = |(_, name): &(Field, &str)| !self.columns.iter().any(|column| column == name);
        if !self.columns.is_empty()
            && let Some((_, name)) = self.names()?.into_iter().find(missing)
        {
            return fault("columns", format!("{name} is not among them"));
        }
        Ok((Reader::Shape(Shape::Separated(delimiter)), columns))
    }

    fn groups(&self, names: &[(Field, &str)]) -> Result<Groups, CustomError> {
        let Some(pattern) = self.pattern.as_deref().filter(|pattern| pattern.len() <= LONGEST_TEXT) else {
            return fault("pattern", format!("give an expression of at most {LONGEST_TEXT} bytes"));
        };
        let regex = Regex::builder()
            .configure(Config::new().nfa_size_limit(Some(MOST_MEMORY)).utf8_empty(false))
            // Lines are bytes; \d and \w are those of ASCII.
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .build(pattern);
        let regex = match regex {
            Ok(regex) => regex,
            Err(error) => {
                let why = error.syntax_error().map_or_else(|| error.to_string(), ToString::to_string);
                let last = why.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
                return fault("pattern", last.trim_start_matches("error: ").to_owned());
            }
        };
        if regex.captures_len() > MOST_GROUPS {
            return fault("pattern", format!("has more than {MOST_GROUPS} groups"));
        }
        let known: Vec<_> = regex.group_info().pattern_names(PatternID::ZERO).collect();
        let mut groups = Vec::new();
        for (field, name) in names {
            let Some(group) = known.iter().position(|known| *known == Some(*name)) else {
                return fault("pattern", format!("has no group (?<{name}>…)"));
            };
            groups.push((group, *field));
        }
        Ok(Groups { regex, groups })
    }
}

/// A separator is one character; TAB may be written as `\t` or by its name.
fn one_byte(field: &'static str, text: Option<&str>, default: u8) -> Result<u8, CustomError> {
    match text.map(str::as_bytes) {
        None => Ok(default),
        Some([one]) if one.is_ascii() => Ok(*one),
        Some(b"\\t" | b"tab") => Ok(b'\t'),
        Some(_) => fault(field, "must be one character, or tab"),
    }
}

fn pattern(field: &'static str, time: Option<&CustomTime>) -> Result<Option<String>, CustomError> {
    match time.and_then(|time| time.format.as_deref()) {
        // Their number of digits tells them apart.
        None | Some("epochSeconds" | "epochMilliseconds") => Ok(None),
        Some(pattern) => match time::pattern_fault(pattern) {
            Some(why) => fault(field, why),
            None => Ok(Some(pattern.to_owned())),
        },
    }
}

/// A regular expression, and what its groups mean.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    regex: Regex,
    groups: Vec<(usize, Field)>,
}

impl Groups {
    /// Offers what the groups caught. False where the expression is not in the line.
    pub(crate) fn read<'l>(
        &self,
        line: &'l [u8],
        offer: &mut impl FnMut(Option<(Field, u8)>, &'l [u8]),
    ) -> bool {
        let mut slots: [Option<NonMaxUsize>; 2 * MOST_GROUPS] = [None; 2 * MOST_GROUPS];
        let slots = &mut slots[..2 * self.regex.captures_len()];
        if self.regex.search_slots(&regex_automata::Input::new(line), slots).is_none() {
            return false;
        }
        for (group, field) in &self.groups {
            if let (Some(from), Some(to)) = (slots[group * 2], slots[group * 2 + 1]) {
                offer(Some((*field, 0)), &line[from.get()..to.get()]);
            }
        }
        true
    }
}
