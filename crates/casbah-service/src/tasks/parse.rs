//! Reading one uploaded log, on a thread of its own, in one pass.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use aws_lc_rs::digest;
use casbah_discovery::{Catalogue, FileError, Options, Report, analyse, format};
use casbah_model::Timestamp;

use super::Progress;

/// What reading a log came to.
pub(crate) struct Parsed {
    pub(crate) outcome: Result<Report, FileError>,
    /// SHA-256 of the bytes; empty when they were not read to the end.
    pub(crate) digest: Vec<u8>,
    /// Whether trying again is pointless.
    pub(crate) final_: bool,
}

impl Parsed {
    pub(crate) fn given_up() -> Parsed {
        let cause = io::Error::other("the log could not be processed");
        Parsed { outcome: Err(FileError::Read(cause)), digest: Vec::new(), final_: true }
    }
}

pub(crate) fn parse(paths: Vec<PathBuf>, source: &str, now: Timestamp, progress: &Progress) -> Parsed {
    let Ok(format) = format(source) else { return Parsed::given_up() };
    let mut reader = Parts {
        paths: paths.into_iter(),
        current: None,
        digest: digest::Context::new(&digest::SHA256),
        progress,
    };
    let mut told = |bytes: u64, lines: u64| {
        progress.bytes.store(bytes, Ordering::Relaxed);
        progress.lines.store(lines, Ordering::Relaxed);
    };
    let mut outcome = analyse(&mut reader, format, Catalogue::built_in(), &Options::at(now.0), &mut told);
    // A decoder may stop before the end of the file, but its digest is that of the whole.
    if outcome.is_ok()
        && let Err(e) = io::copy(&mut reader, &mut io::sink())
    {
        outcome = Err(FileError::Read(e));
    }
    let digest = if outcome.is_ok() { reader.digest.finish().as_ref().to_vec() } else { Vec::new() };
    Parsed { outcome, digest, final_: false }
}

/// The parts of a blob, one after the other, as one.
struct Parts<'p> {
    paths: std::vec::IntoIter<PathBuf>,
    current: Option<File>,
    digest: digest::Context,
    progress: &'p Progress,
}

impl Read for Parts<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.progress.stop.load(Ordering::Relaxed) {
            return Err(io::Error::other("somebody else works on this log"));
        }
        loop {
            if let Some(file) = &mut self.current {
                let read = file.read(out)?;
                if read > 0 || out.is_empty() {
                    self.digest.update(&out[..read]);
                    return Ok(read);
                }
            }
            match self.paths.next() {
                Some(path) => self.current = Some(File::open(path)?),
                None => return Ok(0),
            }
        }
    }
}
