//! The data directory: made, locked against a second process, and the master key in it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use casbah_model::Secret;

use super::StartError;

/// Name of the file that marks a data directory with the well-known secrets of `dev` and `demo`.
pub const DEVELOPMENT_MARK: &str = "development-only";

/// Makes the data directory if need be, for this user only, and locks it; dropping the answer unlocks.
pub(super) fn open(folder: &Path, development: bool) -> Result<File, StartError> {
    let shown = folder.display();
    let refused = |e: std::io::Error| {
        StartError(format!("cannot write to the data directory {shown}: {e}; choose another with --data-dir"))
    };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(refused)?;
    let mark = folder.join(DEVELOPMENT_MARK);
    let fresh = !folder.join("casbah.db").exists();
    if development {
        if !fresh && !mark.exists() {
            return Err(StartError(format!(
                "{shown} belongs to a real installation (casbah serve); dev and demo would add well-known secrets \
                 to it: choose another with --data-dir"
            )));
        }
        std::fs::write(&mark, "Made by casbah dev or demo: its secrets are known to everybody.\n")
            .map_err(refused)?;
    } else if mark.exists() {
        return Err(StartError(format!(
            "{shown} was made by casbah dev or demo, and everybody knows its secrets: choose another with --data-dir"
        )));
    }
    let lock =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(folder.join("lock"));
    let lock = lock.map_err(refused)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError(format!(
            "another casbah is using the data directory {shown}: stop it, or choose another with --data-dir"
        ))),
        Err(std::fs::TryLockError::Error(e)) => Err(refused(e)),
    }
}

/// Reads the master key, or makes one on first start.
pub(super) fn master_key(path: &Path) -> Result<Secret, StartError> {
    if let Some(key) = read_master_key(path)? {
        return Ok(key);
    }
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let key = Secret::random(43, alphabet);
    write_private(path, key.expose().as_bytes())
        .map_err(|e| StartError(format!("the master key file {} cannot be written: {e}", path.display())))?;
    Ok(key)
}

/// Reads the master key; none when there is no such file.
///
/// # Errors
/// When it cannot be read, others can read it too, or it is too short.
pub fn read_master_key(path: &Path) -> Result<Option<Secret>, StartError> {
    let shown = path.display();
    let failed = |e: std::io::Error| StartError(format!("the master key file {shown} cannot be used: {e}"));
    match File::open(path) {
        Ok(mut file) => {
            let mode = file.metadata().map_err(failed)?.permissions().mode();
            if mode & 0o077 != 0 {
                return Err(StartError(format!(
                    "the master key file {shown} can be read by others (mode {:o}): run chmod 600 {shown}",
                    mode & 0o777
                )));
            }
            let mut text = String::new();
            file.read_to_string(&mut text).map_err(failed)?;
            let key = text.trim();
            if key.len() < 43 {
                return Err(StartError(format!(
                    "the master key file {shown} is too short: 43 characters or more"
                )));
            }
            Ok(Some(Secret::new(key)))
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(e)),
    }
}

/// Writes a file that only this user may read, complete when it appears.
pub fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".new");
    let partial = path.with_file_name(name);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&partial)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)
}
