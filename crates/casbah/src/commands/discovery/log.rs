//! A log on this machine: opened, its format found, what its lines came to told to people.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use casbah_discovery::{CustomParser, Options, Plan, wants_seeking};
use clap::Args;
use serde_json::Value;

use super::sources::{detect_log, find, is_auto};
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
        let (file, size) = crate::commands::open_file(path)?;
        // A named pipe cannot be sought in.
        Ok((if size.is_some() { Log::File(file) } else { Log::Stream(Box::new(file)) }, size))
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

/// What a log is read by.
#[derive(Args, Clone, Debug)]
pub struct FormatArgs {
    /// Its format, for example SQUID_NATIVE; auto finds out
    #[arg(long, short, value_name = "SOURCE", required_unless_present = "parser")]
    source: Option<String>,
    /// A parser of your own instead: a file with its definition
    #[arg(long, value_name = "FILE", conflicts_with = "source")]
    parser: Option<PathBuf>,
}

impl FormatArgs {
    /// The plan that was asked for; what was found out is said.
    pub fn plan(&self, log: &Path, options: &Options) -> Result<Plan, Failure> {
        match (&self.parser, self.source.as_deref().unwrap_or_default()) {
            (Some(parser), _) => custom(parser),
            (None, source) if is_auto(source) => {
                let (format, reason) = detect_log(log, options)?;
                note(&format!("{} is read as {}: {reason}", log.display(), format.id));
                Ok(format.plan())
            }
            (None, source) => find(source).map(|format| format.plan()),
        }
    }
}

/// A parser from a file that holds one definition, or a list of one.
fn custom(path: &Path) -> Result<Plan, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::file(path, &e))?;
    let wrong = |why: String| Failure::usage(format!("{}: {why}", path.display()));
    let parser = match serde_json::from_str::<Vec<CustomParser>>(&text) {
        Ok(mut list) if list.len() == 1 => list.remove(0),
        Ok(list) => return Err(wrong(format!("holds {} parsers; name a file with one", list.len()))),
        Err(_) => serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?,
    };
    parser.plan().map_err(|e| wrong(e.to_string()))
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
