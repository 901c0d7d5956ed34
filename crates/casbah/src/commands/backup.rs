//! `casbah backup` and `casbah restore`: a server's data folder, copied while it runs and brought back.
//!
//! They work on the machine of the server, on its files: what they copy no API may give out.

use std::path::{Path, PathBuf};

use clap::Args;

use super::clock;
use crate::backup::{self, Restored};
use crate::client::failure::Failure;
use crate::output::note;

/// Arguments of `casbah backup`.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    /// New folder for the backup
    #[arg(value_name = "DIR")]
    to: PathBuf,
    /// The server's data folder
    #[arg(long, value_name = "DIR", env = "CASBAH_DATA_DIR", default_value = "casbah-data")]
    data_dir: PathBuf,
    /// Also copy the master key and the private keys of TLS: the backup alone can then impersonate the server
    #[arg(long)]
    with_keys: bool,
    /// The server's database, when it is not in the data folder
    #[arg(long, value_name = "URL", env = "CASBAH_DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
}

/// Arguments of `casbah restore`.
#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    /// The backup
    #[arg(value_name = "DIR")]
    from: PathBuf,
    /// Data folder to fill; it must be new or empty
    #[arg(long, value_name = "DIR", env = "CASBAH_DATA_DIR", default_value = "casbah-data")]
    data_dir: PathBuf,
    /// The master key that belongs to the backup, when it is not in it
    #[arg(long, value_name = "FILE", env = "CASBAH_MASTER_KEY_FILE")]
    master_key_file: Option<PathBuf>,
}

/// Copies the data folder.
pub fn backup(arguments: &BackupArgs) -> Result<(), Failure> {
    if arguments.database_url.is_some() {
        return Err(Failure::usage(
            "this server's data is in PostgreSQL: use pg_dump, and keep the master key file apart from the dump",
        ));
    }
    let made = backup::make(&arguments.data_dir, &arguments.to, arguments.with_keys, clock()?.now())
        .map_err(Failure::failed)?;
    note(&format!(
        "{} holds {} of data; files of uploads that wait to be parsed: {}.",
        arguments.to.display(),
        size(made.bytes),
        made.uploads
    ));
    if arguments.with_keys {
        note("It holds the keys too: whoever has it can be this server. Keep it as you keep the keys.");
    } else {
        note(&format!(
            "It is worth nothing without the master key, which is not in it: keep {} elsewhere.",
            arguments.data_dir.join(backup::MASTER_KEY).display()
        ));
    }
    Ok(())
}

/// Fills a data folder from a backup.
pub async fn restore(arguments: RestoreArgs) -> Result<(), Failure> {
    let key = arguments.master_key_file.as_deref();
    let Restored { made, tls } = backup::restore(&arguments.from, &arguments.data_dir, key, clock()?)
        .await
        .map_err(Failure::failed)?;
    note(&format!("{} is as it was at {made}.", arguments.data_dir.display()));
    if !tls {
        note(
            "The keys of TLS were not in the backup: the server makes new ones, and clients must trust those.",
        );
    }
    note(&format!("Start it with the same public URL as before:  {}", start_line(&arguments.data_dir)));
    Ok(())
}

fn start_line(data_dir: &Path) -> String {
    let command = if backup::is_development(data_dir) { "dev" } else { "serve" };
    format!("casbah {command} --data-dir {}", data_dir.display())
}

fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
