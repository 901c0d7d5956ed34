//! One file a command. All but `serve`, `dev` and `demo` use the public interface only, so whatever
//! they do any client can do.

pub mod activity;
pub mod administrator;
pub mod alert;
pub mod api;
pub mod api_token;
pub mod app;
pub mod backup;
pub mod ca;
pub mod catalogue;
pub mod certificate;
pub mod collector;
pub mod connector;
pub mod consent;
pub mod dev;
pub mod discovery;
pub mod entity;
pub mod env;
pub mod federated_credential;
pub mod file;
pub mod group;
pub mod identity_provider;
pub mod import;
pub mod key;
mod lists;
pub mod login;
pub mod permission;
pub mod policy;
pub mod role;
pub mod secret;
pub mod serve;
pub mod siem_agent;
pub mod subnet;
pub mod tenant;
pub mod token;
pub mod user;

use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::Path;

use casbah_model::{Clock, Secret, Timestamp};
use clap::{Args, Subcommand};

use crate::cli::{Area, OutputArgs, Remote};
use crate::client::failure::Failure;
use crate::client::{ConnectionArgs, Session};
use crate::output::Output;

impl<A: Args> Remote<A> {
    /// The session and the output that the arguments ask for.
    fn open(&self) -> Result<(Session, Output), Failure> {
        open(&self.connection, self.output)
    }
}

impl<S: Subcommand> Area<S> {
    /// The session and the output that the arguments ask for.
    fn open(&self) -> Result<(Session, Output), Failure> {
        open(&self.connection, self.output)
    }
}

fn open(connection: &ConnectionArgs, output: OutputArgs) -> Result<(Session, Output), Failure> {
    let clock = clock()?;
    Ok((Session::open(connection, clock)?, Output::new(output.output, clock.now())))
}

/// The clock of this process; tests may set it.
fn clock() -> Result<Clock, Failure> {
    crate::config::clock_from_environment(false).map_err(|e| Failure::usage(e.to_string()))
}

/// A secret from a file, from standard input (`-`), or from an environment variable. Never from an
/// argument, which every user of the machine can see.
fn secret_from(file: Option<&Path>, variable: &str) -> Result<Option<Secret>, Failure> {
    let text = match file {
        Some(path) if path == Path::new("-") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            text
        }
        Some(path) => std::fs::read_to_string(path).map_err(|e| Failure::file(path, &e))?,
        None => match std::env::var(variable) {
            Ok(text) => text,
            Err(_) => return Ok(None),
        },
    };
    let text = text.trim_end_matches(['\r', '\n']);
    Ok((!text.is_empty()).then(|| Secret::new(text)))
}

/// Opens a file that a command was given; answers its size, unless it is a pipe, which has none to rely on.
fn open_file(path: &Path) -> Result<(File, Option<u64>), Failure> {
    let file = File::open(path).map_err(|e| Failure::file(path, &e))?;
    let metadata = file.metadata().map_err(|e| Failure::file(path, &e))?;
    if metadata.is_dir() {
        return Err(Failure::usage(format!("{} is a folder; name the files in it", path.display())));
    }
    Ok((file, metadata.is_file().then_some(metadata.len())))
}

/// The content of a file, or of standard input for `-`, and its size where it has one.
pub fn content(path: &Path) -> Result<(Box<dyn Read>, Option<u64>), Failure> {
    if path == Path::new("-") {
        return Ok((Box::new(std::io::stdin().lock()), None));
    }
    let (file, size) = open_file(path)?;
    Ok((Box::new(file), size))
}

/// Whether a person sits at standard output.
fn on_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// The moment that `30d`, `12h`, `2y` or a date like `2027-01-31` names.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    let wrong = || Failure::usage(format!("{text:?} is neither a span like 90d nor a date like 2027-01-31"));
    let span = text.split_at_checked(text.len().saturating_sub(1)).and_then(|(number, unit)| {
        let hours: u64 = match unit {
            "h" => 1,
            "d" => 24,
            "w" => 7 * 24,
            "y" => 365 * 24,
            _ => return None,
        };
        number.parse::<u64>().ok()?.checked_mul(hours * 3600).map(std::time::Duration::from_secs)
    });
    let at = match span {
        Some(span) => now.plus(span),
        None => {
            let date = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_string() };
            date.parse().map_err(|_| wrong())?
        }
    };
    if at > now { Ok(at) } else { Err(Failure::usage(format!("{text} is in the past"))) }
}

#[cfg(test)]
mod tests;
