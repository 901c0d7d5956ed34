//! `casbah catalogue`: the file of known apps, looked through without a server.

use std::path::PathBuf;

use casbah_discovery::catalogue::{BUILT_IN, Fault, check_catalogue};
use clap::{Args, Subcommand};
use serde_json::Value;

use crate::cli::OutputArgs;
use crate::client::failure::Failure;
use crate::output::{Cell, Column, Output, note};

/// Arguments of `casbah catalogue`.
#[derive(Args, Clone, Debug)]
pub struct CatalogueArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand, Clone, Debug)]
enum Action {
    /// Find clashes, patterns that decide nothing, and missing fields in a catalogue
    Check(CheckArgs),
}

/// Arguments of `casbah catalogue check`.
#[derive(Args, Clone, Debug)]
struct CheckArgs {
    /// The catalogue, CSV or JSON lines [default: the one that ships with Casbah]
    file: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

const COLUMNS: &[Column] = &[
    Column::text("Line", "line", "/line"),
    Column::text("App", "app", "/app"),
    Column::text("Name", "name", "/name"),
    Column::new("Error", "error", "/error", Cell::Mark),
    Column::text("Kind", "kind", "/kind"),
    Column::text("What", "text", "/text"),
];

/// Runs the command.
pub fn run(arguments: &CatalogueArgs) -> Result<(), Failure> {
    let Action::Check(arguments) = &arguments.action;
    let (name, text) = match &arguments.file {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|e| Failure::file(path, &e))?;
            (path.display().to_string(), text)
        }
        None => ("the catalogue that ships with Casbah".to_string(), BUILT_IN.to_string()),
    };
    let faults = check_catalogue(&text);
    let record = |fault: &Fault| serde_json::to_value(fault).map_err(|e| Failure::failed(e.to_string()));
    let records = faults.iter().map(record).collect::<Result<Vec<Value>, Failure>>()?;
    let output = Output::new(arguments.output.output, crate::commands::clock()?.now());
    output.list(COLUMNS, &records)?;
    let errors = faults.iter().filter(|fault| fault.error).count();
    let warnings = faults.len() - errors;
    if errors > 0 {
        return Err(Failure::failed(format!("{name} cannot be used: {errors} errors, {warnings} warnings")));
    }
    note(&format!("{name} can be used: no errors, {warnings} warnings"));
    Ok(())
}
