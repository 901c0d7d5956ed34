//! Opens an upload: decides by its first bytes what it is, and inflates it within limits.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::error::FileError;
use crate::options::Options;

/// The ratio is measured over this much output, so that a bomb behind honest data is found too.
const WINDOW: u64 = 64 * 1024 * 1024;
/// The source is read in blocks of this size, and the first decides what the file is.
const BLOCK: usize = 32 * 1024;

const GZIP: &[u8] = &[0x1F, 0x8B];

/// First bytes of kinds that people upload by mistake, with what to tell them.
const FOREIGN: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "zip archives are not read; send the log itself, or gzip"),
    (b"PK\x05\x06", "this zip archive is empty"),
    (b"\x89PNG", "this is an image"),
    (b"\xFF\xD8\xFF", "this is an image"),
    (b"GIF8", "this is an image"),
    (b"%PDF", "this is a PDF document"),
    (b"\x7FELF", "this is a program"),
    (b"7z\xBC\xAF\x27\x1C", "7z archives are not read; send the log itself, or gzip"),
    (b"BZh", "bzip2 is not read; send the log itself, or gzip"),
    (b"\xFD7zXZ\0", "xz is not read; send the log itself, or gzip"),
    (b"\x28\xB5\x2F\xFD", "zstd is not read; send the log itself, or gzip"),
    (b"\xFF\xFE", "UTF-16 text is not read; save the log as UTF-8"),
    (b"\xFE\xFF", "UTF-16 text is not read; save the log as UTF-8"),
];

/// An opened file: reads as the text inside it.
pub(crate) struct Input<R: Read> {
    kind: Kind<R>,
    limits: Limits,
}

// One per file, so the size of the larger arm costs nothing.
#[allow(clippy::large_enum_variant)]
enum Kind<R: Read> {
    Text(BufReader<Counted<R>>),
    Gzip(BufReader<MultiGzDecoder<BufReader<Counted<R>>>>),
}

struct Limits {
    max_inflated: u64,
    max_ratio: u64,
    inflated: u64,
    window_out: u64,
    window_in: u64,
    /// Set when the content, not the source, is to blame.
    refused: Option<&'static str>,
}

impl<R: Read> Input<R> {
    /// Looks at the first bytes and refuses what is not text or gzip.
    pub(crate) fn open(reader: R, options: &Options) -> Result<Self, FileError> {
        let mut reader = BufReader::with_capacity(BLOCK, Counted { inner: reader, read: 0, failed: false });
        fill(&mut reader).map_err(FileError::Read)?;
        let limits = Limits {
            max_inflated: options.max_inflated,
            max_ratio: options.max_ratio,
            inflated: 0,
            window_out: 0,
            window_in: 0,
            refused: None,
        };
        if !reader.buffer().starts_with(GZIP) {
            check_text(reader.buffer())?;
            return Ok(Self { kind: Kind::Text(reader), limits });
        }
        let mut inflated = BufReader::with_capacity(BLOCK, MultiGzDecoder::new(reader));
        if let Err(error) = fill(&mut inflated) {
            let ours = inflated.get_ref().get_ref().get_ref().failed;
            return Err(if ours {
                FileError::Read(error)
            } else {
                FileError::UnsupportedFileType { why: BROKEN }
            });
        }
        // One level of packing: an archive in an archive is not text.
        check_text(inflated.buffer())?;
        Ok(Self { kind: Kind::Gzip(inflated), limits })
    }

    /// Bytes taken from the source so far: for compressed files, compressed ones.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.source().read
    }

    /// What an error while reading means: a broken file, or a source that failed.
    pub(crate) fn explain(&self, error: io::Error) -> FileError {
        match (self.limits.refused, &self.kind) {
            (Some(why), _) => FileError::UnsupportedFileType { why },
            (None, Kind::Gzip(_)) if !self.source().failed => FileError::UnsupportedFileType { why: BROKEN },
            (None, _) => FileError::Read(error),
        }
    }

    fn source(&self) -> &Counted<R> {
        match &self.kind {
            Kind::Text(reader) => reader.get_ref(),
            Kind::Gzip(reader) => reader.get_ref().get_ref().get_ref(),
        }
    }
}

const BROKEN: &str = "this gzip file is damaged or cut off";

impl<R: Read> Read for Input<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match &mut self.kind {
            Kind::Text(reader) => reader.read(out),
            Kind::Gzip(reader) => {
                let read = reader.read(out)?;
                let packed = reader.get_ref().get_ref().get_ref().read;
                self.limits.count(read as u64, packed)?;
                Ok(read)
            }
        }
    }
}

impl Limits {
    fn count(&mut self, out: u64, packed: u64) -> io::Result<()> {
        self.inflated += out;
        self.window_out += out;
        if self.inflated > self.max_inflated {
            self.refused = Some("this gzip file inflates to more than is accepted");
        }
        if self.window_out >= WINDOW / 64 {
            // The source is read in blocks: up to one block more was in use than this window took.
            let used = packed - self.window_in + BLOCK as u64;
            if self.window_out / used > self.max_ratio {
                self.refused = Some("this gzip file inflates far more than a log does");
            }
        }
        if self.window_out >= WINDOW {
            self.window_out = 0;
            self.window_in = packed;
        }
        match self.refused {
            Some(why) => Err(io::Error::new(io::ErrorKind::InvalidData, why)),
            None => Ok(()),
        }
    }
}

/// Counts what the source gave and remembers whether it failed, so that a decoder's complaint about
/// damaged data is not mistaken for one.
struct Counted<R> {
    inner: R,
    read: u64,
    failed: bool,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(out) {
            Ok(read) => {
                self.read += read as u64;
                Ok(read)
            }
            Err(error) => {
                self.failed |= error.kind() != io::ErrorKind::Interrupted;
                Err(error)
            }
        }
    }
}

fn fill<R: BufRead>(reader: &mut R) -> io::Result<()> {
    loop {
        match reader.fill_buf() {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Text may hold a few odd bytes; a file full of control characters is something else.
fn check_text(head: &[u8]) -> Result<(), FileError> {
    if let Some((_, why)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(FileError::UnsupportedFileType { why });
    }
    if head.starts_with(GZIP) {
        return Err(FileError::UnsupportedFileType { why: "a gzip file inside a gzip file is not read" });
    }
    // NUL is left out: a log truncated under its writer starts with thousands of them.
    let odd = head.iter().filter(|b| matches!(b, 1..=8 | 14..=26 | 28..=31)).count();
    if odd * 10 > head.len() || (!head.is_empty() && head.len() == BLOCK && head.iter().all(|b| *b == 0)) {
        return Err(FileError::UnsupportedFileType { why: "this is not text" });
    }
    Ok(())
}
