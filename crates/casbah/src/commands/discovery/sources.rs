//! `casbah discovery sources`: what logs can be read, and which of them a file is.

use std::path::Path;

use casbah_discovery::{FORMATS, Format, Options, SourceError, detect_file, format};
use clap::Args;
use serde_json::{Value, json};

use super::log::Log;
use crate::cli::OutputArgs;
use crate::client::failure::Failure;
use crate::output::{Column, Output};

/// Arguments of `casbah discovery sources`.
#[derive(Args, Clone, Debug)]
pub struct SourcesArgs {
    /// Only those whose name or maker contains this
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    #[command(flatten)]
    output: OutputArgs,
}

const SOURCES: &[Column] = &[
    Column::text("Source", "name", "/name"),
    Column::text("Number", "id", "/id"),
    Column::text("Device", "vendor", "/vendor"),
    Column::text("Layout", "basis", "/basis"),
    Column::text("Gives", "gives", "/gives"),
];

/// Lists the sources.
pub fn run(arguments: &SourcesArgs) -> Result<(), Failure> {
    let clock = crate::commands::clock()?;
    let output = Output::new(arguments.output.output, clock.now());
    let text = arguments.text.as_deref().unwrap_or_default().to_ascii_lowercase();
    let fits = |format: &&&Format| {
        [format.id, format.vendor].iter().any(|name| name.to_ascii_lowercase().contains(&text))
    };
    let rows = FORMATS.iter().filter(fits).map(|format| {
        json!({
            "name": format.id,
            "id": format.log_type,
            "vendor": format.vendor,
            "basis": format.basis.name(),
            "gives": format.gives().names().join(", "),
        })
    });
    output.list(SOURCES, &rows.collect::<Vec<Value>>())
}

/// The word that asks to find out.
pub fn is_auto(source: &str) -> bool {
    source.eq_ignore_ascii_case("auto")
}

/// The format of a source name.
pub fn find(source: &str) -> Result<&'static Format, Failure> {
    let name = source.to_ascii_uppercase();
    format(&name).map_err(|error| {
        let hint = match error {
            SourceError::Unknown => {
                format!("{}`casbah discovery sources` lists all, --source auto finds out", near(&name))
            }
            SourceError::NotBuilt => "use --parser with a definition of your own".to_string(),
        };
        Failure::usage(format!("{source}: {error}; {hint}"))
    })
}

/// Sources that begin alike.
fn near(name: &str) -> String {
    let start = name.get(..3).unwrap_or(name);
    let alike: Vec<_> = FORMATS
        .iter()
        .map(|format| format.id)
        .filter(|id| !start.is_empty() && id.starts_with(start))
        .collect();
    if alike.is_empty() { String::new() } else { format!("near are {}; ", alike.join(", ")) }
}

/// What a log looks like, and why.
pub fn detect_log(path: &Path, options: &Options) -> Result<(&'static Format, String), Failure> {
    if path == Path::new("-") {
        return Err(Failure::usage("--source auto reads the log twice; name a file"));
    }
    let found = match Log::open(path)?.0 {
        Log::File(file) => detect_file(file, options),
        Log::Stream(_) => return Err(Failure::usage("--source auto reads the log twice; name a file")),
    };
    let found = found.map_err(|e| Failure::failed(format!("{}: {e}", path.display())))?;
    match found.best() {
        Some(format) => Ok((format, found.to_string())),
        None => Err(Failure::failed(format!(
            "{}: no source fits: {found}; define a parser of your own and name it with --parser",
            path.display()
        ))),
    }
}
