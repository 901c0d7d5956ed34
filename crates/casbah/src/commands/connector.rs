//! `casbah connector`: tells of the files in folders and S3-compatible stores.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Remote;
use crate::client::failure::Failure;
use crate::connector::{self, Run};
use crate::output::{Cell, Column, Output, note};

/// Arguments of `casbah connector`.
#[derive(Args, Clone, Debug)]
pub struct ConnectorArgs {
    /// TOML file that says where files are
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Only this source, by its name
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Look once, whatever every_seconds says
    #[arg(long)]
    once: bool,
    /// Believe that a folder is empty which was not
    #[arg(long)]
    allow_empty: bool,
    /// No progress
    #[arg(long, short)]
    quiet: bool,
}

const COLUMNS: &[Column] = &[
    Column::text("Source", "name", "/name"),
    Column::new("Seen", "seen", "/seen", Cell::Count),
    Column::new("Told", "told", "/told", Cell::Count),
    Column::new("As before", "same", "/same", Cell::Count),
    Column::new("Deleted", "deleted", "/deleted", Cell::Count),
    Column::new("Known already", "unchanged", "/before", Cell::Count),
    Column::new("Refused", "refused", "/refused", Cell::Count),
    Column::new("Failed", "failed", "/failed", Cell::Mark),
];

/// Runs the command: once, or again and again.
pub fn run(remote: &Remote<ConnectorArgs>) -> Result<(), Failure> {
    let arguments = &remote.arguments;
    let output = Output::new(remote.output.output, super::clock()?.now());
    let every = if arguments.once { None } else { connector::every(&arguments.config)? };
    loop {
        let outcome = look(remote, &output);
        let Some(every) = every else { return outcome };
        if let Err(failure) = outcome {
            note(&format!("{failure}; it will be tried again"));
        }
        std::thread::sleep(every);
    }
}

fn look(remote: &Remote<ConnectorArgs>, output: &Output) -> Result<(), Failure> {
    let arguments = &remote.arguments;
    let run =
        Run { only: arguments.source.as_deref(), allow_empty: arguments.allow_empty, quiet: arguments.quiet };
    let (results, failed) = connector::run(&arguments.config, &remote.connection, super::clock()?, run)?;
    output.list(COLUMNS, &results)?;
    let refused: u64 = results.iter().filter_map(|result| result["refused"].as_u64()).sum();
    match (failed, refused) {
        (Some(failure), _) => Err(failure),
        (None, 0) => Ok(()),
        (None, _) => Err(Failure::failed(format!("{refused} files were refused; all others are stored"))),
    }
}
