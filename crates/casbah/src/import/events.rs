//! The events of a file, one after the other: JSON lines, a list, a list inside an object (`Records`,
//! `value`, `items`, `data`), or a table with a column `AuditData`; gzip or plain. Memory holds one event.

use std::cell::RefCell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::client::failure::Failure;

/// Keys of an object whose list is the events.
const LISTS: [&str; 6] = ["Records", "records", "value", "items", "data", "events"];
/// The column of exports of Microsoft's audit search that holds the record.
const AUDIT_DATA: &str = "AuditData";

/// An event with its place in the file, `line 7` or `record 7`, or why it cannot be read.
pub type Found<'f> = &'f mut dyn FnMut(&str, Result<Value, String>) -> Result<(), Failure>;

/// Tells of every event in `file`, which is called `name` in what is said about it.
pub fn each(name: &str, file: &mut dyn Read, found: Found<'_>) -> Result<(), Failure> {
    let mut reader = BufReader::with_capacity(1 << 16, file);
    let packed = reader.fill_buf().map_err(|e| unreadable(name, &e))?.starts_with(&[0x1F, 0x8B]);
    if packed {
        plain(name, &mut BufReader::with_capacity(1 << 16, MultiGzDecoder::new(reader)), found)
    } else {
        plain(name, &mut reader, found)
    }
}

fn plain(name: &str, reader: &mut dyn BufRead, found: Found<'_>) -> Result<(), Failure> {
    let mut first = Vec::new();
    let mut number = 0;
    while first.trim_ascii().is_empty() {
        first.clear();
        number += 1;
        if reader.read_until(b'\n', &mut first).map_err(|e| unreadable(name, &e))? == 0 {
            return Err(Failure::failed(format!("{name} is empty")));
        }
    }
    let start = first.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&first).trim_ascii_start().to_vec();
    match start.first() {
        Some(b'{') if is_line_of_its_own(&start) => lines(name, &start, number, reader, found),
        Some(b'{' | b'[') => document(name, &mut start.as_slice().chain(reader), found),
        _ => table(name, &mut start.as_slice().chain(reader), found),
    }
}

/// Whether a line is one event: whole, and not a wrapping with everything in one line.
fn is_line_of_its_own(line: &[u8]) -> bool {
    match serde_json::from_slice::<Map<String, Value>>(line) {
        Ok(object) => !object.iter().any(|(key, value)| LISTS.contains(&key.as_str()) && value.is_array()),
        Err(e) => !e.is_eof(),
    }
}

fn lines(
    name: &str,
    first: &[u8],
    mut number: u64,
    reader: &mut dyn BufRead,
    found: Found<'_>,
) -> Result<(), Failure> {
    let mut line = first.to_vec();
    loop {
        if !line.trim_ascii().is_empty() {
            let event = serde_json::from_slice(&line).map_err(|e| format!("it is not JSON: {e}"));
            found(&format!("line {number}"), event)?;
        }
        line.clear();
        number += 1;
        if reader.read_until(b'\n', &mut line).map_err(|e| unreadable(name, &e))? == 0 {
            return Ok(());
        }
    }
}

fn document(name: &str, reader: &mut dyn Read, found: Found<'_>) -> Result<(), Failure> {
    let failure = RefCell::new(None);
    let mut number = 0_u64;
    let mut sink = |event: Value| {
        number += 1;
        found(&format!("record {number}"), Ok(event)).map_err(|f| *failure.borrow_mut() = Some(f)).is_ok()
    };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(reader));
    // Several documents may follow each other.
    loop {
        let outcome = Events(&mut sink).deserialize(&mut json);
        if let Some(failure) = failure.borrow_mut().take() {
            return Err(failure);
        }
        outcome.map_err(|e| Failure::failed(format!("{name} is not JSON: {e}")))?;
        if json.end().is_ok() {
            return Ok(());
        }
    }
}

/// Hands on the elements of a list, those of a list inside an object, or else the object itself.
struct Events<'s>(&'s mut dyn FnMut(Value) -> bool);

const STOPPED: &str = "the import was stopped";

impl<'de> DeserializeSeed<'de> for Events<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Events<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events, or an object")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(event) = list.next_element()? {
            if !(self.0)(event) {
                return Err(serde::de::Error::custom(STOPPED));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut event = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            // `events` of an event of Google is a list as well, but its own `id` comes before.
            if LISTS.contains(&key.as_str()) && !event.contains_key("id") {
                map.next_value_seed(Events(&mut *self.0))?;
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(());
            }
            event.insert(key, map.next_value()?);
        }
        if (self.0)(Value::Object(event)) { Ok(()) } else { Err(serde::de::Error::custom(STOPPED)) }
    }
}

fn table(name: &str, reader: &mut dyn Read, found: Found<'_>) -> Result<(), Failure> {
    let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
    let wrong = |e: &csv::Error| Failure::failed(format!("{name} is neither JSON nor a table: {e}"));
    let header = rows.headers().map_err(|e| wrong(&e))?;
    let column =
        header.iter().position(|cell| cell.trim().eq_ignore_ascii_case(AUDIT_DATA)).ok_or_else(|| {
            Failure::failed(format!("{name} is neither JSON nor a table with the column {AUDIT_DATA}"))
        })?;
    for (number, row) in (2..).zip(rows.records()) {
        let event = match row {
            Ok(row) => serde_json::from_str(row.get(column).unwrap_or_default())
                .map_err(|e| format!("its {AUDIT_DATA} is not JSON: {e}")),
            Err(e) => Err(e.to_string()),
        };
        found(&format!("row {number}"), event)?;
    }
    Ok(())
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    Failure::failed(format!("{name}: {error}"))
}
