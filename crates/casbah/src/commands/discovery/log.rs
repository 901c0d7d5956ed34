//! A log on this machine: opened, its format found, what its lines came to told to people.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use casbah_discovery::{FORMATS, Format, SourceError, format, wants_seeking};
use serde_json::Value;

use crate::client::failure::Failure;
use crate::output::{count, note, paint, style};

/// An opened log.
pub enum Log {
    /// A file, or a copy of standard input that one can seek in.
    File(File),
    /// A pipe.
    Stream(Box<dyn Read>),
}

impl Log {
    /// Opens a file, or standard input for `-`; answers its size where it has one.
    pub fn open(path: &Path) -> Result<(Log, Option<u64>), Failure> {
        if path == Path::new("-") {
            return Ok((standard_input()?, None));
        }
        let file = File::open(path).map_err(|e| Failure::file(path, &e))?;
        let metadata = file.metadata().map_err(|e| Failure::file(path, &e))?;
        if metadata.is_dir() {
            return Err(Failure::usage(format!("{} is a folder; name a file in it", path.display())));
        }
        // A named pipe has no size to rely on, and cannot be sought in.
        Ok(match metadata.is_file() {
            true => (Log::File(file), Some(metadata.len())),
            false => (Log::Stream(Box::new(file)), None),
        })
    }
}

/// A zip file is read from its end, so one that comes through a pipe is put down first.
fn standard_input() -> Result<Log, Failure> {
    let mut input = std::io::stdin().lock();
    let mut head = Vec::new();
    (&mut input).take(4).read_to_end(&mut head)?;
    let seeking = wants_seeking(&head);
    let mut whole = Cursor::new(head).chain(input);
    if !seeking {
        return Ok(Log::Stream(Box::new(whole)));
    }
    let mut copy = tempfile::tempfile()?;
    std::io::copy(&mut whole, &mut copy)?;
    copy.seek(SeekFrom::Start(0))?;
    Ok(Log::File(copy))
}

/// The format of a source, whatever its case.
pub fn format_of(source: &str) -> Result<&'static Format, Failure> {
    let unknown = |error: SourceError| {
        let known: Vec<_> = FORMATS.iter().map(|format| format.id).collect();
        Failure::usage(format!("{source}: {error}; there are {}", known.join(", ")))
    };
    format(&source.to_ascii_uppercase()).map_err(unknown)
}

/// Tells people what was refused and why, with examples, and what else they should know. `figures` are those
/// of the governance log.
pub fn tell(name: &str, figures: &Value) {
    let reasons: Vec<String> = figures["skippedByReason"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(reason, lines)| Some((reason, lines.as_i64().filter(|lines| *lines > 0)?)))
        .map(|(reason, lines)| format!("{reason} {}", count(lines)))
        .collect();
    if !reasons.is_empty() {
        note(&format!("{name}: skipped lines by reason: {}", reasons.join(", ")));
    }
    for refused in figures["refused"].as_array().into_iter().flatten() {
        let text = |key: &str| refused[key].as_str().unwrap_or_default().to_string();
        let place = format!("line {} ({})", refused["line"], text("reason"));
        note(&format!("  {} {}", paint(style::DIM, &place), crate::output::plain(&text("example"))));
    }
    for notice in figures["notices"].as_array().into_iter().flatten() {
        let text = crate::output::plain(notice["text"].as_str().unwrap_or_default());
        note(&format!("{} {name}: {text}", paint(style::WARN, "note:")));
    }
}
