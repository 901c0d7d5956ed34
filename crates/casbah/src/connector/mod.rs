//! `casbah connector`: tells Casbah of the files in folders and in S3-compatible stores, through the public API.
//!
//! A source gives what it holds in the order of bytes of its paths, and so does the file that says what was told the
//! last time (`state.rs`): one pass over both finds what is new, changed or gone (`sync.rs`), in memory that does not
//! grow with the source. What the server has taken is written down at once, so a pass that was killed goes on there.

mod folder;
mod s3;
mod settings;
mod state;
mod sync;

use std::path::Path;
use std::time::Duration;

use casbah_model::Clock;
use serde_json::{Value, json};

use crate::client::ConnectionArgs;
use crate::client::failure::Failure;
use crate::output::note;
use settings::{Place, Settings};

/// What is asked of a run.
#[derive(Clone, Copy, Debug)]
pub struct Run<'r> {
    /// Only this source, by its name.
    pub only: Option<&'r str>,
    /// Whether a folder that is empty now, and was not, is believed.
    pub allow_empty: bool,
    /// Whether nothing is said of the progress.
    pub quiet: bool,
}

/// A file or folder that a source holds.
#[derive(Clone, Debug, Default, PartialEq)]
struct Found {
    /// Where it lies below the root of the source, parts joined with `/`; that of a folder ends with one.
    path: String,
    size: i64,
    /// Milliseconds since 1970.
    modified: Option<i64>,
    owner: Option<Owner>,
    /// How far it is shared; see [`casbah_model::ACCESS_LEVELS`].
    level: i64,
    /// Groups that may read it.
    groups: Vec<String>,
    /// Others that may read it: their ids in the app, all of them outside.
    others: Vec<String>,
    /// Digest of the content with its kind before it (`md5:…`), where the source tells it for nothing.
    hash: Option<String>,
    /// Where people find it.
    link: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Owner {
    id: String,
    name: Option<String>,
}

/// What a source gives next.
#[derive(Debug, PartialEq)]
enum Next {
    Found(Found),
    /// What lies below that folder cannot be seen now: what was known of it stays.
    Unknown(String),
}

/// Something that holds files.
trait Source {
    /// The next one, in the order of bytes of the paths.
    fn next(&mut self) -> Result<Option<Next>, Failure>;
    /// The digest of a file's content, of a source that does not tell it for nothing.
    fn hash(&self, path: &str) -> Result<Option<String>, Failure>;
    /// What a path is called by people, in full.
    fn full_path(&self, path: &str) -> String;
}

/// Tells of all sources once; what became of each. A source that fails does not keep back the others.
pub fn run(
    config: &Path,
    connection: &ConnectionArgs,
    clock: Clock,
    run: Run<'_>,
) -> Result<(Vec<Value>, Option<Failure>), Failure> {
    let settings = Settings::read(config)?;
    let wanted: Vec<_> =
        settings.sources.iter().filter(|source| run.only.is_none_or(|name| name == source.name)).collect();
    if let (Some(name), true) = (run.only, wanted.is_empty()) {
        let why = format!("{} has no source {name:?}", config.display());
        return Err(Failure::usage(why));
    }
    let _lock = state::lock(&settings.state)?;
    let (mut results, mut failed) = (Vec::new(), None);
    for told in wanted {
        let open = |after| -> Result<Box<dyn Source>, Failure> {
            Ok(match &told.place {
                Place::Folder(folder) => Box::new(folder::Walk::new(folder, after)?),
                Place::S3(store) => Box::new(s3::Listing::new(store, after)?),
            })
        };
        let outcome = sync::run(&settings, told, &open, (connection, clock), run);
        match outcome {
            Ok(figures) => results.push(figures.json(&told.name)),
            Err(failure) => {
                note(&format!("{}: {failure}", told.name));
                results.push(json!({ "name": told.name, "failed": true }));
                failed = Some(Failure::new(failure.exit, format!("{} was not finished", told.name)));
            }
        }
    }
    Ok((results, failed))
}

/// How long until the next run, if there is one.
pub fn every(config: &Path) -> Result<Option<Duration>, Failure> {
    Settings::read(config).map(|settings| settings.every)
}
