//! Whole files that somebody puts into a folder, by FTP for one.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use super::Stop;
use super::spool::Spool;
use crate::client::failure::Failure;
use crate::output::note;

/// How often the folder is looked through. A file that is the same twice is complete.
const LOOK: Duration = Duration::from_secs(2);
/// Where files go that were taken in, and how many stay there.
const TAKEN: &str = ".sent";
const KEPT: usize = 20;

pub(super) fn watch(folder: PathBuf, spool: Arc<Spool>, stop: Stop) -> Result<JoinHandle<()>, Failure> {
    let taken = folder.join(TAKEN);
    fs::create_dir_all(&taken).map_err(|e| Failure::file(&taken, &e))?;
    note(&format!("watching {} for {}", folder.display(), spool.stream));
    Ok(std::thread::spawn(move || {
        let mut seen: HashMap<PathBuf, (u64, SystemTime)> = HashMap::new();
        while !stop.load(Ordering::Relaxed) {
            match look(&folder, &spool, &mut seen) {
                Ok(()) => {}
                Err(e) => note(&format!("{}: {}", folder.display(), e.message)),
            }
            let mut left = LOOK;
            while !stop.load(Ordering::Relaxed) && !left.is_zero() {
                let step = left.min(Duration::from_millis(200));
                std::thread::sleep(step);
                left -= step;
            }
        }
    }))
}

fn look(folder: &Path, spool: &Spool, seen: &mut HashMap<PathBuf, (u64, SystemTime)>) -> Result<(), Failure> {
    let mut there = HashMap::new();
    let entries = fs::read_dir(folder).map_err(|e| Failure::file(folder, &e))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_none_or(|name| name.to_string_lossy().starts_with('.'));
        // A link could lead out of the folder.
        let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
        if hidden || !metadata.is_file() || metadata.len() == 0 {
            continue;
        }
        let now = (metadata.len(), metadata.modified()?);
        if seen.get(&path) != Some(&now) || !spool.takes(metadata.len()) {
            there.insert(path, now);
            continue;
        }
        spool.add(&path)?;
        spool.note_file();
        put_away(folder, &path)?;
    }
    *seen = there;
    Ok(())
}

/// The newest few stay, for whoever wants to look.
fn put_away(folder: &Path, path: &Path) -> Result<(), Failure> {
    let taken = folder.join(TAKEN);
    let name = path.file_name().unwrap_or_default();
    fs::rename(path, taken.join(name)).map_err(|e| Failure::file(path, &e))?;
    let mut kept: Vec<(SystemTime, PathBuf)> = fs::read_dir(&taken)?
        .filter_map(Result::ok)
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    kept.sort();
    let gone = kept.len().saturating_sub(KEPT);
    for (_, old) in kept.into_iter().take(gone) {
        fs::remove_file(&old).map_err(|e| Failure::file(&old, &e))?;
    }
    Ok(())
}
