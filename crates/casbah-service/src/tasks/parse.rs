//! Reading one uploaded log, on threads of its own, in one pass.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use aws_lc_rs::digest;
use casbah_discovery::{Catalogue, FileError, Options, Plan, Report, analyse, analyse_file, wants_seeking};
use casbah_model::Timestamp;

use super::Progress;

/// How a log is to be read.
pub(crate) struct Reading<'r> {
    pub(crate) plan: &'r Plan,
    pub(crate) catalogue: &'r Catalogue,
    pub(crate) now: Timestamp,
    /// Bytes that a compressed log may hold.
    pub(crate) inflated_limit: u64,
}

/// What reading a log came to.
pub(crate) struct Parsed {
    pub(crate) outcome: Result<Report, FileError>,
    /// SHA-256 of the bytes, where something of them is kept; else empty.
    pub(crate) digest: Vec<u8>,
    /// Whether trying again is pointless.
    pub(crate) final_: bool,
}

impl Parsed {
    pub(crate) fn given_up() -> Parsed {
        let cause = io::Error::other("the log could not be processed");
        Parsed { outcome: Err(FileError::Read(cause)), digest: Vec::new(), final_: true }
    }

    fn failed(error: io::Error) -> Parsed {
        Parsed { outcome: Err(FileError::Read(error)), digest: Vec::new(), final_: false }
    }
}

pub(crate) fn parse(paths: Vec<PathBuf>, reading: &Reading<'_>, progress: &Progress) -> Parsed {
    let plan = reading.plan;
    let mut parts = match Parts::open(paths, progress) {
        Ok(parts) => parts,
        Err(error) => return Parsed::failed(error),
    };
    let options =
        Options { max_inflated: reading.inflated_limit, ..Options::at(reading.now.0) }.on_all_cores();
    let mut told = |bytes: u64, lines: u64| {
        progress.bytes.store(bytes, Ordering::Relaxed);
        progress.lines.store(lines, Ordering::Relaxed);
    };
    let mut digested = Digested { inner: &mut parts, digest: digest::Context::new(&digest::SHA256) };
    let mut head = Vec::new();
    let looked = digested.inner.by_ref().take(4).read_to_end(&mut head);
    if let Err(error) = looked.and_then(|_| digested.inner.seek(SeekFrom::Start(0))) {
        return Parsed::failed(error);
    }
    let catalogue = reading.catalogue;
    let outcome = if wants_seeking(&head) {
        analyse_file(&mut *digested.inner, plan, catalogue, &options, &mut told).and_then(|report| {
            digested.inner.seek(SeekFrom::Start(0)).map(|_| report).map_err(FileError::Read)
        })
    } else {
        analyse(&mut digested, plan, catalogue, &options, &mut told)
    };
    // A decoder may stop before the end of the file, but its digest is that of the whole.
    let is_kept = outcome.as_ref().map_or_else(|error| error.uncataloged().is_some(), |_| true);
    if !is_kept {
        return Parsed { outcome, digest: Vec::new(), final_: false };
    }
    match io::copy(&mut digested, &mut io::sink()) {
        Ok(_) => Parsed { outcome, digest: digested.digest.finish().as_ref().to_vec(), final_: false },
        Err(error) => Parsed::failed(error),
    }
}

/// Takes the digest of what passes.
struct Digested<R> {
    inner: R,
    digest: digest::Context,
}

impl<R: Read> Read for Digested<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.digest.update(&out[..read]);
        Ok(read)
    }
}

/// The parts of a blob, one after the other, as one.
struct Parts<'p> {
    /// Each with the place of its end.
    parts: Vec<(PathBuf, u64)>,
    place: u64,
    current: Option<(usize, File)>,
    progress: &'p Progress,
}

impl<'p> Parts<'p> {
    fn open(paths: Vec<PathBuf>, progress: &'p Progress) -> io::Result<Parts<'p>> {
        let mut end = 0;
        let parts = paths.into_iter().map(|path| {
            end += std::fs::metadata(&path)?.len();
            Ok((path, end))
        });
        Ok(Parts { parts: parts.collect::<io::Result<_>>()?, place: 0, current: None, progress })
    }

    fn length(&self) -> u64 {
        self.parts.last().map_or(0, |(_, end)| *end)
    }

    /// The file in which the place is, standing there.
    fn at_place(&mut self) -> io::Result<Option<&mut File>> {
        let Some(number) = self.parts.iter().position(|(_, end)| self.place < *end) else { return Ok(None) };
        if self.current.as_ref().is_none_or(|(current, _)| *current != number) {
            let start = if number == 0 { 0 } else { self.parts[number - 1].1 };
            let mut file = File::open(&self.parts[number].0)?;
            file.seek(SeekFrom::Start(self.place - start))?;
            self.current = Some((number, file));
        }
        Ok(self.current.as_mut().map(|(_, file)| file))
    }
}

impl Read for Parts<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.progress.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("somebody else works on this log"));
        }
        let Some(file) = self.at_place()? else { return Ok(0) };
        let read = file.read(out)?;
        if read == 0 && !out.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "a stored part is too short"));
        }
        self.place += read as u64;
        Ok(read)
    }
}

impl Seek for Parts<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.length().checked_add_signed(by),
            SeekFrom::Current(by) => self.place.checked_add_signed(by),
        };
        self.place = place.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "before the start"))?;
        self.current = None;
        Ok(self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_read_as_one_from_any_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let whole = b"one two three four five six";
        let cuts = [&whole[..5], &whole[5..5], &whole[5..11], &whole[11..]];
        let paths: Vec<PathBuf> = (0..cuts.len()).map(|n| folder.path().join(n.to_string())).collect();
        for (path, part) in paths.iter().zip(cuts) {
            std::fs::write(path, part).expect("written");
        }
        let progress = Progress::default();
        let mut parts = Parts::open(paths, &progress).expect("opened");
        let length = whole.len() as u64;
        assert_eq!(parts.seek(SeekFrom::End(0)).expect("sought"), length);
        for place in 0..=length {
            parts.seek(SeekFrom::Start(place)).expect("sought");
            let mut rest = Vec::new();
            parts.read_to_end(&mut rest).expect("read");
            assert_eq!(rest, &whole[place as usize..]);
        }
        parts.seek(SeekFrom::End(-3)).expect("sought");
        parts.seek(SeekFrom::Current(1)).expect("sought");
        let mut rest = String::new();
        parts.read_to_string(&mut rest).expect("read");
        assert_eq!(rest, "ix");
        assert!(parts.seek(SeekFrom::End(-100)).is_err());
    }
}
