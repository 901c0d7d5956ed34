//! `casbah discovery parser`: parsers of one's own, kept by the server.

use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use serde_json::{Value, json};

use super::kept;
use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, items};
use crate::client::failure::Failure;
use crate::output::{Cell, Column, Output, note};

/// What can be done with parsers.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List the parsers
    List,
    /// Read a sample with a definition, on the server, without keeping anything
    Try {
        /// JSON file that says where the values stand
        definition: PathBuf,
        /// Some lines of a log, plain or compressed
        sample: PathBuf,
    },
    /// Keep a parser, or change one
    Save {
        /// JSON file that says where the values stand
        definition: PathBuf,
        /// Id of the parser to change
        #[arg(long)]
        id: Option<String>,
    },
    /// Delete parsers
    Delete {
        /// Ids of the parsers
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

const PATH: &str = "/api/v1/discovery/custom_parsers";

const COLUMNS: &[Column] = &[
    Column::text("Name", "name", "/name"),
    Column::text("Type", "type", "/definition/type"),
    Column::new("Last changed", "lastModified", "/lastModified", Cell::Time),
    Column::text("Id", "id", "/_id"),
];

const TRIED: &[Column] = &[
    Column::text("Lines", "lines", "/figures/lines"),
    Column::text("Parsed", "parsed", "/figures/parsed"),
    Column::text("Skipped", "skipped", "/figures/skipped"),
    Column::text("Ignored", "ignored", "/figures/ignored"),
    Column::text("Too old", "tooOld", "/figures/tooOld"),
    Column::text("Refused because", "statusMessage", "/statusMessage"),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List => output.list(COLUMNS, &kept::all(&session, PATH)?),
        Action::Try { definition, sample } => try_out(&session, &output, definition, sample),
        Action::Save { definition, id } => {
            let path = id.as_ref().map_or(format!("{PATH}/"), |id| format!("{PATH}/{}/", encode(id)));
            let saved = session.api("POST", &path, Some(&json!({ "definition": read(definition)? })))?;
            output.record(COLUMNS, &saved)
        }
        Action::Delete { ids } => kept::delete(&session, &output, PATH, ids),
    }
}

/// Prints the accounting; what became of each of the first lines is told on standard error.
fn try_out(session: &Session, output: &Output, definition: &Path, sample: &Path) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    crate::commands::content(sample)?.0.read_to_end(&mut bytes)?;
    let body = json!({ "definition": read(definition)?, "sampleBase64": STANDARD.encode(bytes) });
    let tried = session.api("POST", &format!("{PATH}/try/"), Some(&body))?;
    if output.for_people() {
        for line in items(&tried, "lines") {
            let word = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default();
            let number = line.get("line").and_then(Value::as_u64).unwrap_or_default();
            note(format!("line {number}: {} {}", word("outcome"), word("text")).trim_end());
        }
    }
    output.record(TRIED, &tried)?;
    if tried.get("accepted").and_then(Value::as_bool) == Some(true) {
        return Ok(());
    }
    let why = tried.get("statusMessage").and_then(Value::as_str).unwrap_or("it would not be accepted");
    Err(Failure::failed(format!("{}: {why}", sample.display())))
}

fn read(path: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path).map_err(|e| Failure::file(path, &e))?;
    serde_json::from_str(&text).map_err(|e| Failure::usage(format!("{}: {e}", path.display())))
}
