//! Logs on disk until the server has them: one that grows, and closed ones, packed, oldest first.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use casbah_model::Clock;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::settings::{Input, Settings};
use crate::client::failure::Failure;

const GROWING: &str = "growing.log";
const PACKED: &str = "log.gz";

/// The logs of one input that the server does not have yet.
pub(super) struct Spool {
    pub(super) stream: String,
    pub(super) source: String,
    pub(super) from: String,
    folder: PathBuf,
    /// Of all inputs together.
    root: PathBuf,
    limit: u64,
    rotate_size: u64,
    rotate_after: Duration,
    clock: Clock,
    growing: Mutex<Growing>,
    pub(super) received: AtomicU64,
    pub(super) dropped: AtomicU64,
    /// When something last came, in milliseconds since 1970; 0 for never.
    pub(super) last_data: AtomicI64,
    number: AtomicU64,
}

struct Growing {
    file: Option<io::BufWriter<File>>,
    size: u64,
    since: Instant,
    /// Bytes in the whole spool, looked up now and then.
    spooled: u64,
    looked: Option<Instant>,
}

/// How exact the size of the spool is.
const LOOK: Duration = Duration::from_secs(1);

impl Spool {
    pub(super) fn open(settings: &Settings, input: &Input, clock: Clock) -> Result<Spool, Failure> {
        // Names of data sources are file names, but a snapshot's need not be.
        let safe: String =
            input.stream.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let kind: String = input
            .intake
            .to_string()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        let folder = settings.spool.join(format!("{safe}-{kind}"));
        fs::create_dir_all(&folder).map_err(|e| Failure::file(&folder, &e))?;
        let now = Instant::now();
        let growing = Growing { file: None, size: 0, since: now, spooled: 0, looked: None };
        let spool = Spool {
            stream: input.stream.clone(),
            source: input.source.clone(),
            from: input.intake.to_string(),
            folder,
            root: settings.spool.clone(),
            limit: settings.spool_limit,
            rotate_size: settings.rotate_size,
            rotate_after: settings.rotate_after,
            clock,
            growing: Mutex::new(growing),
            received: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            last_data: AtomicI64::new(0),
            number: AtomicU64::new(0),
        };
        // What a collector left behind that was stopped in the middle.
        spool.pack()?;
        Ok(spool)
    }

    fn lock(&self) -> MutexGuard<'_, Growing> {
        self.growing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line down. False when there is no room: then it is the caller's to wait or to count it as dropped.
    pub(super) fn append(&self, line: &[u8]) -> io::Result<bool> {
        let mut growing = self.lock();
        if !self.has_room(&mut growing, line.len() as u64) {
            return Ok(false);
        }
        if growing.file.is_none() {
            let file = OpenOptions::new().create(true).append(true).open(self.folder.join(GROWING))?;
            (growing.file, growing.size, growing.since) = (Some(io::BufWriter::new(file)), 0, Instant::now());
        }
        if let Some(file) = &mut growing.file {
            file.write_all(line)?;
        }
        growing.size += line.len() as u64;
        growing.spooled += line.len() as u64;
        self.received.fetch_add(1, Ordering::Relaxed);
        self.last_data.store(self.clock.now().0, Ordering::Relaxed);
        Ok(true)
    }

    fn has_room(&self, growing: &mut Growing, more: u64) -> bool {
        if growing.looked.is_none_or(|at| at.elapsed() >= LOOK) {
            growing.spooled = size_of(&self.root);
            growing.looked = Some(Instant::now());
        }
        growing.spooled.saturating_add(more) <= self.limit
    }

    /// Whether so many bytes may be added; for whole files.
    pub(super) fn takes(&self, bytes: u64) -> bool {
        self.has_room(&mut self.lock(), bytes)
    }

    /// Writes what is buffered to the file, and closes the file when it is large or old enough.
    pub(super) fn tend(&self) -> Result<(), Failure> {
        let due = {
            let mut growing = self.lock();
            let Growing { file, size, since, .. } = &mut *growing;
            match file {
                None => false,
                Some(file) => {
                    file.flush()?;
                    *size >= self.rotate_size || since.elapsed() >= self.rotate_after
                }
            }
        };
        if due { self.pack() } else { Ok(()) }
    }

    /// Writes what is buffered to the file.
    pub(super) fn flush(&self) -> Result<(), Failure> {
        match &mut self.lock().file {
            Some(file) => Ok(file.flush()?),
            None => Ok(()),
        }
    }

    /// Closes the file that grows, if there is one, and packs it.
    fn pack(&self) -> Result<(), Failure> {
        let closed = {
            let mut growing = self.lock();
            if let Some(mut file) = growing.file.take() {
                file.flush()?;
            }
            let path = self.folder.join(GROWING);
            if !path.exists() {
                return Ok(());
            }
            let closed = self.folder.join(format!("closed-{}", self.next_name()));
            fs::rename(&path, &closed)?;
            closed
        };
        self.add(&closed)?;
        fs::remove_file(&closed)?;
        Ok(())
    }

    /// Packs a whole file into the spool.
    pub(super) fn add(&self, path: &Path) -> Result<(), Failure> {
        let mut file = File::open(path).map_err(|e| Failure::file(path, &e))?;
        let packed = self.folder.join(format!("{}.{PACKED}", self.next_name()));
        let part = packed.with_extension("part");
        let mut encoder = GzEncoder::new(File::create(&part)?, Compression::fast());
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            encoder.write_all(&buffer[..read])?;
        }
        encoder.finish()?.sync_all()?;
        fs::rename(&part, &packed)?;
        self.lock().looked = None;
        Ok(())
    }

    /// Notes a whole file that was taken in.
    pub(super) fn note_file(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
        self.last_data.store(self.clock.now().0, Ordering::Relaxed);
    }

    fn next_name(&self) -> String {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        format!("{:016}-{:06}-{number:06}", self.clock.now().0, std::process::id())
    }

    /// The packed logs, oldest first.
    pub(super) fn waiting(&self) -> io::Result<Vec<PathBuf>> {
        let mut all: Vec<PathBuf> = fs::read_dir(&self.folder)?
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .filter(|path| path.to_string_lossy().ends_with(PACKED))
            .collect();
        all.sort();
        Ok(all)
    }

    /// Removes a log that the server has.
    pub(super) fn sent(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)?;
        self.lock().looked = None;
        Ok(())
    }
}

/// Bytes of the files in a folder and the folders in it.
pub(super) fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(size).sum()
}
