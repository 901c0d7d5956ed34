//! `casbah import`: audit logs that people have, into the activities of their tenant; and the records of another tenant.

mod tenant;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::cli::Remote;
use crate::client::Session;
use crate::client::failure::{Exit, Failure};
use crate::import::{FORMATS, Format, events, format};
use crate::output::progress::Progress;
use crate::output::{Cell, Column, note, paint, style};

/// Arguments of `casbah import`.
#[derive(Args, Clone, Debug)]
pub struct ImportArgs {
    /// Audit logs: JSON lines, JSON documents or exported tables, plain or gzip; - for standard input
    #[arg(required_unless_present = "from", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What they are
    #[arg(long, short, required_unless_present = "from", value_name = "FORMAT", value_parser = clap::builder::PossibleValuesParser::new(FORMATS.iter().map(|f| f.name)))]
    format: Option<String>,
    /// Which list they go into; all but activities need --format casbah
    #[arg(long, value_name = "LIST", default_value = ACTIVITIES, conflicts_with = "from", value_parser = [ACTIVITIES, "alerts", "entities", "files"])]
    into: String,
    /// Copy the records of another tenant instead, of Microsoft's or of a Casbah: its address
    #[arg(long, value_name = "URL", conflicts_with_all = ["files", "format"])]
    from: Option<String>,
    /// File with the token for that tenant, an API token or an access token [default: CASBAH_FROM_TOKEN]
    #[arg(long, value_name = "FILE", requires = "from")]
    from_token_file: Option<PathBuf>,
    /// Certificate authority of that tenant [default: those that this machine trusts]
    #[arg(long, value_name = "FILE", requires = "from")]
    from_ca: Option<PathBuf>,
    /// Only these, separated by commas [default: all]
    #[arg(long, value_name = "WHAT", requires = "from", value_delimiter = ',', value_parser = clap::builder::PossibleValuesParser::new(tenant::kinds()))]
    only: Vec<String>,
    /// Only what happened since then: days (30d), a date or a moment; ranges are copied in any case
    #[arg(long, value_name = "WHEN", requires = "from")]
    since: Option<String>,
    /// File that says how far the copy has come, and is gone when it is complete [default: casbah-import-HOST.json]
    #[arg(long, value_name = "FILE", requires = "from")]
    state: Option<PathBuf>,
    /// Calls to that tenant in a minute, at the most
    #[arg(long, value_name = "CALLS", requires = "from", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..))]
    per_minute: u16,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

/// The list that audit logs go into.
const ACTIVITIES: &str = "activities";

const COLUMNS: &[Column] = &[
    Column::text("File", "file", "/file"),
    Column::new("Events", "events", "/events", Cell::Count),
    Column::new("Stored", "stored", "/stored", Cell::Count),
    Column::new("Known already", "unchanged", "/unchanged", Cell::Count),
    Column::new("Refused", "rejected", "/rejected", Cell::Count),
];

/// Records that one request carries; a request that fails is sent again as a whole.
const BATCH: usize = 2_000;
/// The largest request, in bytes before packing; one record may go beyond it.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// Refused events of a file that are told one by one.
const MOST_TOLD: usize = 10;
/// How often a request is sent that the server cannot take now, and the pause before it is sent again.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(2);

/// Runs the command.
pub fn run(remote: &Remote<ImportArgs>) -> Result<(), Failure> {
    let (session, output) = remote.open()?;
    let arguments = &remote.arguments;
    if let Some(from) = &arguments.from {
        return tenant::run(&session, &output, arguments, from);
    }
    let format = arguments
        .format
        .as_deref()
        .and_then(format)
        .ok_or_else(|| Failure::usage("there is no such format"))?;
    if arguments.into != ACTIVITIES && format.name != "casbah" {
        let why = format!(
            "{} are no {}; records of another list need --format casbah",
            format.name, arguments.into
        );
        return Err(Failure::usage(why));
    }
    let mut results = Vec::new();
    let mut refused = 0;
    for file in &arguments.files {
        let mut import = Import::new(&session, format, &arguments.into, file);
        import.run(file, arguments.quiet)?;
        refused += import.rejected;
        results.push(import.result());
    }
    output.list(COLUMNS, &results)?;
    match refused {
        0 => Ok(()),
        _ => Err(Failure::failed(format!("{refused} events were refused; all others are stored"))),
    }
}

struct Import<'s> {
    session: &'s Session,
    format: &'static Format,
    /// Where records are taken in.
    path: String,
    name: String,
    /// Places in the file of the records that the batch holds.
    places: Vec<String>,
    batch: Vec<u8>,
    events: usize,
    stored: u64,
    unchanged: u64,
    rejected: usize,
}

impl<'s> Import<'s> {
    fn new(session: &'s Session, format: &'static Format, into: &str, file: &Path) -> Import<'s> {
        let name = if file == Path::new("-") { "standard input".into() } else { file.display().to_string() };
        Import {
            session,
            format,
            path: format!("/api/v1/{into}/ingest/"),
            name,
            places: Vec::new(),
            batch: Vec::new(),
            events: 0,
            stored: 0,
            unchanged: 0,
            rejected: 0,
        }
    }

    fn run(&mut self, file: &Path, quiet: bool) -> Result<(), Failure> {
        let (content, size) = super::content(file)?;
        let progress = Progress::bytes(&format!("importing {}", self.name), size, quiet);
        let mut counted = Counted { content, progress };
        let name = self.name.clone();
        let outcome = events::each(&name, &mut counted, &mut |place, event| self.take(place, event));
        let outcome = outcome.and_then(|()| self.send());
        counted.progress.finish();
        outcome
    }

    fn take(&mut self, place: &str, event: Result<Value, String>) -> Result<(), Failure> {
        self.events += 1;
        match event.and_then(|event| (self.format.record)(&event)) {
            Ok(record) => {
                let line = record.to_string();
                if self.places.len() >= BATCH || self.batch.len() + line.len() > BATCH_BYTES {
                    self.send()?;
                }
                self.places.push(place.to_string());
                self.batch.extend_from_slice(line.as_bytes());
                self.batch.push(b'\n');
            }
            Err(why) => self.refuse(place, &why),
        }
        Ok(())
    }

    fn refuse(&mut self, place: &str, why: &str) {
        self.rejected += 1;
        if self.rejected <= MOST_TOLD {
            note(&format!("{} {} {place}: {why}", paint(style::BAD, "refused:"), self.name));
        }
    }

    /// Sends the batch. What the server has already is not stored twice, so trying again is safe.
    fn send(&mut self) -> Result<(), Failure> {
        let places = std::mem::take(&mut self.places);
        if places.is_empty() {
            return Ok(());
        }
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&self.batch)?;
        let packed = packed.finish()?;
        self.batch.clear();
        let mut tries = 1;
        let answer = loop {
            match self.session.ingest(&self.path, &packed) {
                Err(failure) if failure.exit == Exit::TryLater && tries < TRIES => {
                    std::thread::sleep(PAUSE * tries);
                    tries += 1;
                }
                outcome => break outcome?,
            }
        };
        let figure = |name: &str| answer.get(name).and_then(Value::as_u64).unwrap_or(0);
        self.stored += figure("stored");
        self.unchanged += figure("unchanged");
        let told = answer.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for error in told {
            let line = error.get("line").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
            let place = line.and_then(|n| places.get(n.checked_sub(1)?)).map_or("an event", String::as_str);
            let field = error.get("field").and_then(Value::as_str).unwrap_or_default();
            let why = error.get("error").and_then(Value::as_str).unwrap_or("no reason given");
            self.refuse(place, &if field.is_empty() { why.to_string() } else { format!("{field}: {why}") });
        }
        // The answer tells of the first ones only, but counts them all.
        let untold = usize::try_from(figure("rejected")).unwrap_or(0).saturating_sub(told.len());
        self.rejected += untold;
        Ok(())
    }

    fn result(&self) -> Value {
        json!({
            "file": self.name, "events": self.events, "stored": self.stored, "unchanged": self.unchanged,
            "rejected": self.rejected,
        })
    }
}

/// Tells the progress of every byte read.
struct Counted {
    content: Box<dyn Read>,
    progress: Progress,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.progress.advance(read as u64);
        Ok(read)
    }
}
