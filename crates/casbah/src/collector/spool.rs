//! Logs on disk until the server has them: one that grows, and closed ones, packed, oldest first.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use casbah_model::{Clock, random};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};

use super::settings::{Input, Intake, Settings};
use crate::client::failure::Failure;

const GROWING: &str = "growing.log";
const CLOSED: &str = "closed-";
const PACKED: &str = "log.gz";
const PART: &str = "part";
const HEX: &[u8] = b"0123456789abcdef";

/// The logs of one input that the server does not have yet.
pub(super) struct Spool {
    pub(super) stream: String,
    pub(super) source: String,
    pub(super) from: String,
    folder: PathBuf,
    /// Of all inputs together.
    root: PathBuf,
    limit: u64,
    pub(super) rotate_size: u64,
    pub(super) rotate_after: Duration,
    clock: Clock,
    growing: Mutex<Growing>,
    pub(super) received: AtomicU64,
    pub(super) dropped: AtomicU64,
    /// When something last came, in milliseconds since 1970; 0 for never.
    pub(super) last_data: AtomicI64,
    /// Bytes of followed files that are not spooled yet.
    pub(super) behind: AtomicU64,
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
            behind: AtomicU64::new(0),
            number: AtomicU64::new(0),
        };
        // What a collector left behind that died in the middle. Of a followed file, its position says what counts.
        if !matches!(input.intake, Intake::Follow(_)) {
            spool.remove_parts()?;
        }
        for path in spool.files(|name| name.starts_with(CLOSED))? {
            spool.pack_closed(&path)?;
        }
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
            let closed = self.folder.join(format!("{CLOSED}{}", self.next_name()));
            fs::rename(&path, &closed)?;
            closed
        };
        self.pack_closed(&closed)
    }

    /// Packs a closed file under its own name, and so once.
    fn pack_closed(&self, closed: &Path) -> Result<(), Failure> {
        let name = closed.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = name.trim_start_matches(CLOSED).to_string();
        if !self.packed(&name).exists() {
            let mut batch = self.batch(name)?;
            io::copy(&mut File::open(closed)?, &mut batch)?;
            let name = batch.finish()?;
            self.settle(&name)?;
        }
        fs::remove_file(closed)?;
        Ok(())
    }

    /// Packs a whole file into the spool. Its pack has no name in it: should the file be taken again, because it could
    /// not be put away, the server knows its bytes.
    pub(super) fn add(&self, path: &Path) -> Result<(), Failure> {
        let mut file = File::open(path).map_err(|e| Failure::file(path, &e))?;
        let name = self.next_name();
        let part = self.part(&name);
        let mut batch = Batch {
            name,
            encoder: GzEncoder::new(File::create(&part)?, Compression::fast()),
            part: Some(part),
        };
        io::copy(&mut file, &mut batch)?;
        let name = batch.finish()?;
        Ok(self.settle(&name)?)
    }

    /// Begins a pack, to be finished and then settled.
    pub(super) fn begin(&self) -> io::Result<Batch> {
        self.batch(self.next_name())
    }

    /// The name stands in the pack as well, so that no other pack has the same bytes: the server counts the same bytes
    /// once, and other logs may have the same lines.
    fn batch(&self, name: String) -> io::Result<Batch> {
        let part = self.part(&name);
        let file = File::create(&part)?;
        let encoder = GzBuilder::new().filename(name.as_str()).write(file, Compression::fast());
        Ok(Batch { name, encoder, part: Some(part) })
    }

    /// Gives a finished pack its final name, if it does not have it.
    pub(super) fn settle(&self, name: &str) -> io::Result<()> {
        let part = self.part(name);
        if part.exists() {
            fs::rename(&part, self.packed(name))?;
            File::open(&self.folder)?.sync_all()?;
        }
        self.lock().looked = None;
        Ok(())
    }

    /// Removes a finished pack that does not count after all.
    pub(super) fn discard(&self, name: &str) {
        // What cannot be removed now is removed at the next start.
        let _ = fs::remove_file(self.part(name));
    }

    /// Removes packs that nobody finished.
    pub(super) fn remove_parts(&self) -> io::Result<()> {
        self.files(|name| name.ends_with(PART))?.iter().try_for_each(fs::remove_file)
    }

    /// Where is written down how far a file was read.
    pub(super) fn position(&self) -> PathBuf {
        self.folder.join("position.json")
    }

    fn part(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.{PART}"))
    }

    fn packed(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.{PACKED}"))
    }

    fn files(&self, wanted: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if wanted(&entry.file_name().to_string_lossy()) {
                all.push(entry.path());
            }
        }
        all.sort();
        Ok(all)
    }

    /// Notes a whole file that was taken in.
    pub(super) fn note_file(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
        self.last_data.store(self.clock.now().0, Ordering::Relaxed);
    }

    /// Notes lines of a followed file.
    pub(super) fn note_lines(&self, lines: u64) {
        self.received.fetch_add(lines, Ordering::Relaxed);
        self.last_data.store(self.clock.now().0, Ordering::Relaxed);
    }

    /// In the order in which they are drawn, and drawn once.
    fn next_name(&self) -> String {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        format!("{:016}-{number:06}-{}", self.clock.now().0, random::text(8, HEX))
    }

    /// The packed logs, oldest first.
    pub(super) fn waiting(&self) -> io::Result<Vec<PathBuf>> {
        self.files(|name| name.ends_with(PACKED))
    }

    /// Removes a log that the server has.
    pub(super) fn sent(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)?;
        self.lock().looked = None;
        Ok(())
    }
}

/// A pack that is being written. It goes away with this, unless it is finished.
pub(super) struct Batch {
    name: String,
    encoder: GzEncoder<File>,
    part: Option<PathBuf>,
}

impl Batch {
    /// Makes it durable, under a name that does not count yet; answers the name to settle it by.
    pub(super) fn finish(mut self) -> io::Result<String> {
        self.encoder.try_finish()?;
        self.encoder.get_ref().sync_all()?;
        self.part = None;
        Ok(std::mem::take(&mut self.name))
    }
}

impl Write for Batch {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.encoder.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.encoder.flush()
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            // What cannot be removed now is removed at the next start.
            let _ = fs::remove_file(part);
        }
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

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    fn open(folder: &Path) -> Spool {
        let input = Input { stream: "a".into(), source: "SQUID".into(), intake: Intake::Udp("here".into()) };
        let settings = Settings {
            name: "test".into(),
            spool: folder.to_path_buf(),
            spool_limit: 1 << 20,
            rotate_size: 1 << 20,
            rotate_after: Duration::from_secs(300),
            inputs: Vec::new(),
        };
        Spool::open(&settings, &input, Clock::system()).expect("a spool")
    }

    fn texts(spool: &Spool) -> Vec<String> {
        let texts = spool.waiting().expect("a list").into_iter().map(|path| {
            let mut text = String::new();
            GzDecoder::new(File::open(path).expect("there")).read_to_string(&mut text).expect("text");
            text
        });
        texts.collect()
    }

    /// Wherever the collector died between a growing log and its pack, the log is packed once.
    #[test]
    fn what_was_left_behind_is_packed_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = open(folder.path());
        let inside = spool.folder.clone();
        fs::write(inside.join(GROWING), "one\n").expect("written");
        // Closed, and not packed; packed, and not removed; half packed.
        fs::write(inside.join(format!("{CLOSED}0001")), "two\n").expect("written");
        fs::write(inside.join("0002.part"), "half").expect("written");
        drop(spool);
        let spool = open(folder.path());
        assert_eq!(texts(&spool), ["two\n", "one\n"]);
        fs::write(inside.join(format!("{CLOSED}0001")), "two\n").expect("written");
        drop(spool);
        let spool = open(folder.path());
        assert_eq!(texts(&spool), ["two\n", "one\n"]);
        assert!(
            spool.files(|name| name.starts_with(CLOSED) || name.ends_with(PART)).expect("a list").is_empty()
        );
        // Two packs with the same lines are not the same bytes, or the server would count one.
        for _ in 0..2 {
            assert!(spool.append(b"same\n").expect("written"));
            spool.pack().expect("packed");
        }
        let packs: Vec<Vec<u8>> = spool
            .waiting()
            .expect("a list")
            .iter()
            .rev()
            .take(2)
            .map(|path| fs::read(path).expect("read"))
            .collect();
        assert_ne!(packs[0], packs[1]);
    }
}
