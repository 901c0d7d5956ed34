//! Backups: a folder with a copy of the database of one moment, the uploads that wait, and, when asked
//! for, the keys.
//!
//! The copy is made beside a running server. Uploads are copied before and after the database: one that
//! is parsed meanwhile is in the first round, one that arrives meanwhile in the second.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use casbah_authority::Authority;
use casbah_model::{Clock, Timestamp};
use casbah_store::{Location, Store};
use serde::{Deserialize, Serialize};

use crate::server::{DEVELOPMENT_MARK, read_master_key, write_private};

/// Name of the master key in the data folder and in a backup with keys.
pub const MASTER_KEY: &str = "master.key";
const DATABASE: &str = "casbah.db";
const UPLOADS: &str = "uploads";
const TLS: &str = "tls";
const MANIFEST: &str = "backup.json";

/// What a backup says about itself; written last, so that a folder with it is whole.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    /// Version of the Casbah that made it.
    casbah: String,
    /// Version of the database's schema.
    schema: i64,
    /// When.
    made: String,
    /// Whether the master key and the keys of TLS are in it.
    with_keys: bool,
}

/// What went into a backup.
pub struct Made {
    /// Bytes of the database.
    pub bytes: u64,
    /// Files of uploads that wait to be parsed.
    pub uploads: u64,
}

/// What came out of one.
pub struct Restored {
    /// When it was made.
    pub made: String,
    /// Whether the keys of TLS were in it.
    pub tls: bool,
}

/// Whether a data folder was made by `casbah dev` or `casbah demo`.
pub fn is_development(data_dir: &Path) -> bool {
    data_dir.join(DEVELOPMENT_MARK).exists()
}

/// Copies a data folder to a new folder.
///
/// # Errors
/// One line that says what to do. What was copied until then is removed.
pub fn make(data_dir: &Path, to: &Path, with_keys: bool, now: Timestamp) -> Result<Made, String> {
    let database = data_dir.join(DATABASE);
    if !database.is_file() {
        return Err(format!(
            "there is no {DATABASE} in {}: name the server's data folder with --data-dir",
            data_dir.display()
        ));
    }
    into_new_folder(to, |folder| {
        let copied = |e: io::Error| format!("{} cannot be written: {e}", folder.display());
        let mut uploads = copy_missing(&data_dir.join(UPLOADS), &folder.join(UPLOADS)).map_err(copied)?;
        let copy = folder.join(DATABASE);
        let schema = casbah_store::backup::copy(&database, &copy).map_err(|e| e.to_string())?;
        uploads += copy_missing(&data_dir.join(UPLOADS), &folder.join(UPLOADS)).map_err(copied)?;
        if is_development(data_dir) {
            copy_file(&data_dir.join(DEVELOPMENT_MARK), &folder.join(DEVELOPMENT_MARK)).map_err(copied)?;
        }
        if with_keys {
            let key = data_dir.join(MASTER_KEY);
            copy_file(&key, &folder.join(MASTER_KEY))
                .map_err(|e| format!("the master key {} cannot be copied: {e}", key.display()))?;
            copy_missing(&data_dir.join(TLS), &folder.join(TLS)).map_err(copied)?;
        }
        let version = env!("CARGO_PKG_VERSION").to_string();
        let manifest = Manifest { casbah: version, schema, made: now.seconds_text(), with_keys };
        let manifest = serde_json::to_vec_pretty(&manifest).map_err(|e| e.to_string())?;
        write_private(&folder.join(MANIFEST), &manifest).map_err(copied)?;
        let bytes = std::fs::metadata(&copy).map_err(copied)?.len();
        Ok(Made { bytes, uploads })
    })
}

/// Fills a new data folder from a backup, and checks that the master key opens it.
///
/// # Errors
/// One line that says what to do. The data folder is then as it was.
pub async fn restore(
    from: &Path,
    data_dir: &Path,
    key_file: Option<&Path>,
    clock: Clock,
) -> Result<Restored, String> {
    let shown = from.display();
    let text = std::fs::read(from.join(MANIFEST)).map_err(|e| {
        format!("{shown} is not a whole backup of casbah: its {MANIFEST} cannot be read: {e}")
    })?;
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|e| format!("{shown}/{MANIFEST} cannot be read: {e}"))?;
    let known = casbah_store::latest_version();
    if manifest.schema > known {
        return Err(format!(
            "the backup was made by casbah {} (schema version {}, this one knows up to {known}): restore it with \
             one that is at least as new",
            manifest.casbah, manifest.schema
        ));
    }
    let in_backup = from.join(MASTER_KEY);
    let key_file = match key_file {
        Some(file) => file,
        None if in_backup.is_file() => &in_backup,
        None => {
            return Err("the master key is not in the backup: name its file with --master-key-file".into());
        }
    };
    let key = read_master_key(key_file).map_err(|e| e.to_string())?;
    let key = key.ok_or_else(|| format!("there is no master key file {}", key_file.display()))?;
    casbah_store::backup::check(&from.join(DATABASE)).map_err(|e| format!("{shown}/{DATABASE}: {e}"))?;
    let tls = from.join(TLS).is_dir();
    into_new_folder(data_dir, |folder| {
        let copied = |e: io::Error| format!("{} cannot be written: {e}", folder.display());
        copy_file(&from.join(DATABASE), &folder.join(DATABASE)).map_err(copied)?;
        copy_missing(&from.join(UPLOADS), &folder.join(UPLOADS)).map_err(copied)?;
        copy_missing(&from.join(TLS), &folder.join(TLS)).map_err(copied)?;
        if is_development(from) {
            copy_file(&from.join(DEVELOPMENT_MARK), &folder.join(DEVELOPMENT_MARK)).map_err(copied)?;
        }
        write_private(&folder.join(MASTER_KEY), key.expose().as_bytes()).map_err(copied)
    })?;
    let opened = async {
        let store = Store::open(&Location::File(data_dir.join(DATABASE))).await.map_err(|e| e.to_string())?;
        let settings = casbah_authority::Settings { public_url: String::new(), master_key: key };
        Authority::open(store, clock, settings).await.map(drop).map_err(|e| e.to_string())
    };
    if let Err(why) = opened.await {
        empty(data_dir);
        return Err(format!("the backup cannot be opened with the master key {}: {why}", key_file.display()));
    }
    Ok(Restored { made: manifest.made, tls })
}

/// Runs the work on a folder that is new or empty, and takes back what it did when it fails.
fn into_new_folder<T>(folder: &Path, work: impl FnOnce(&Path) -> Result<T, String>) -> Result<T, String> {
    let shown = folder.display();
    let refused = |e: io::Error| format!("{shown} cannot be written: {e}");
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refused)?;
    if std::fs::read_dir(folder).map_err(refused)?.next().is_some() {
        return Err(format!("{shown} is not empty: name a new folder"));
    }
    work(folder).inspect_err(|_| empty(folder))
}

/// Removes everything in a folder that we filled.
fn empty(folder: &Path) {
    // What cannot be removed stays; the error that led here is the one to tell.
    let _ = std::fs::remove_dir_all(folder);
}

/// Copies what `from` has and `to` lacks; answers how many files. Nothing to copy is nothing wrong, and a
/// file that goes away meanwhile was in use up.
fn copy_missing(from: &Path, to: &Path) -> io::Result<u64> {
    let entries = match std::fs::read_dir(from) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(e) => return Err(e),
    };
    DirBuilder::new().recursive(true).mode(0o700).create(to)?;
    let mut copied = 0;
    for entry in entries {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if !entry.file_type()?.is_file() || target.exists() {
            continue;
        }
        match copy_file(&entry.path(), &target) {
            // The name that this node goes by is no upload.
            Ok(()) if entry.file_name() == "node-id" => {}
            Ok(()) => copied += 1,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    Ok(copied)
}

/// Copies a file with its mode, onto the disk.
fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::copy(from, to)?;
    File::open(to)?.sync_all()
}
