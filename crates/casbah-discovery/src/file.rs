//! Opens an upload: decides by its first bytes what it is, and gives the texts inside it within limits.
//!
//! ```text
//! zip ─> each member ─┐
//! gzip, zstd ─────────┼─> UTF-8, UTF-16 ─> text, for who reads lines
//! text ───────────────┘
//! ```
//!
//! One level of packing: an archive inside an archive is refused. Memory does not grow with the file.

mod encoding;
mod limits;
mod zip;

use std::cell::Cell;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::MultiGzDecoder;

use crate::error::FileError;
use crate::options::Options;
use encoding::Encoding;
use limits::{Limited, Limits};

/// The source is read in blocks of this size, and the first decides what the file is.
const BLOCK: usize = 32 * 1024;
/// The largest window of zstd that is kept in memory, as a power of two: what its own tool takes unasked.
const ZSTD_WINDOW: u32 = 27;

/// Kinds that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Gzip,
    Zstd,
    Zip,
}

/// First bytes of kinds that people upload by mistake, with what to tell them.
const FOREIGN: &[(&[u8], &str)] = &[
    (b"PK\x05\x06", "this zip file is empty"),
    (b"PK\x07\x08", "this zip file is one part of several; send it in one piece"),
    (b"\x89PNG", "this is an image"),
    (b"\xFF\xD8\xFF", "this is an image"),
    (b"GIF8", "this is an image"),
    (b"%PDF", "this is a PDF document"),
    (b"\x7FELF", "this is a program"),
    (b"MZ\x90\0", "this is a program"),
    (b"SQLite format 3\0", "this is a database"),
    (b"7z\xBC\xAF\x27\x1C", "7z archives are not read; send the log itself, or gzip, zstd or zip"),
    (b"Rar!\x1A\x07", "rar archives are not read; send the log itself, or gzip, zstd or zip"),
    (b"BZh", "bzip2 is not read; send the log itself, or gzip, zstd or zip"),
    (b"\xFD7zXZ\0", "xz is not read; send the log itself, or gzip, zstd or zip"),
    (b"\x04\x22\x4D\x18", "lz4 is not read; send the log itself, or gzip, zstd or zip"),
];

impl Kind {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1F, 0x8B, ..] => Self::Gzip,
            // A file of zstd may start with a frame to be skipped (RFC 8878, 3.1.2).
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Self::Zstd,
            [b'P', b'K', 3, 4, ..] => Self::Zip,
            _ => Self::Text,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Zip => "zip",
        }
    }
}

/// Whether a file that starts so can be read only where one can seek in it: a zip file has its list of
/// members at the end.
pub fn wants_seeking(head: &[u8]) -> bool {
    Kind::of(head) == Kind::Zip
}

/// How far reading has come, and whether the source is to blame for its end.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Bytes taken from the source: of compressed files, compressed ones.
    read: Cell<u64>,
    failed: Cell<bool>,
}

impl Meter {
    pub(crate) fn bytes_read(&self) -> u64 {
        self.read.get()
    }
}

/// Where the bytes come from.
pub(crate) enum Source<'s> {
    Stream(&'s mut dyn Read),
    File(&'s mut dyn ReadSeek),
}

/// What one can seek in.
pub(crate) trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// Why reading a text ended early.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Its bytes could not be had; [`each_text`] finds out why.
    Bytes(io::Error),
    /// Its lines are wrong.
    Lines(FileError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Bytes(error)
    }
}

/// Is given each text of a file, in order, as UTF-8 without a byte order mark.
pub(crate) type Visit<'v> = dyn FnMut(&mut dyn Read) -> Result<(), Stop> + 'v;

/// Gives the texts of a file to `visit`: one, or for a zip file one for each member.
pub(crate) fn each_text(
    source: Source<'_>,
    options: &Options,
    meter: &Meter,
    visit: &mut Visit<'_>,
) -> Result<(), FileError> {
    let limits = Limits::new(options, meter);
    match source {
        Source::Stream(stream) => packed(stream, &limits, visit),
        Source::File(file) => {
            let mut head = [0; 4];
            let length = peek(file, &mut head).map_err(FileError::Read)?;
            file.seek(SeekFrom::Start(0)).map_err(FileError::Read)?;
            match Kind::of(&head[..length]) {
                Kind::Zip => zip::each_member(file, &limits, visit),
                _ => packed(file, &limits, visit),
            }
        }
    }
}

/// Anything but zip.
fn packed(source: impl Read, limits: &Limits<'_>, visit: &mut Visit<'_>) -> Result<(), FileError> {
    let mut source = Counted { inner: source, meter: limits.meter };
    let mut head = vec![0; BLOCK];
    let length = peek(&mut source, &mut head).map_err(FileError::Read)?;
    head.truncate(length);
    let kind = Kind::of(&head);
    let whole = io::Cursor::new(head).chain(source);
    let read = match kind {
        Kind::Text => text(whole, visit),
        Kind::Gzip => {
            let reader = BufReader::with_capacity(BLOCK, whole);
            text(Limited::new(MultiGzDecoder::new(reader), limits), visit)
        }
        Kind::Zstd => zstd_decoder(BufReader::with_capacity(BLOCK, whole))
            .map_err(Stop::from)
            .and_then(|decoder| text(Limited::new(decoder, limits), visit)),
        Kind::Zip => Err(unsupported("a zip file cannot be read from a stream")),
    };
    read.map_err(|stop| limits.explain(stop, kind))
}

fn zstd_decoder<R: io::BufRead>(reader: R) -> io::Result<zstd::stream::read::Decoder<'static, R>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
    decoder.window_log_max(ZSTD_WINDOW)?;
    Ok(decoder)
}

/// Looks at the first bytes and refuses what is not text.
fn text(mut reader: impl Read, visit: &mut Visit<'_>) -> Result<(), Stop> {
    let mut head = vec![0; BLOCK];
    let length = peek(&mut reader, &mut head)?;
    head.truncate(length);
    check_text(&head)?;
    let (encoding, mark) = Encoding::of(&head);
    let mut whole = io::Cursor::new(head.split_off(mark)).chain(reader);
    match encoding {
        Encoding::Utf8 => visit(&mut whole),
        Encoding::Utf16 { big } => visit(&mut encoding::Utf16::new(whole, big)),
    }
}

/// Text may hold a few odd bytes; a file full of control characters is something else.
fn check_text(head: &[u8]) -> Result<(), Stop> {
    if let Some((_, why)) = FOREIGN.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(unsupported(*why));
    }
    match Kind::of(head) {
        Kind::Text => {}
        kind => return Err(unsupported(format!("a {} file inside an archive is not read", kind.name()))),
    }
    if head.get(257..262) == Some(b"ustar") {
        return Err(unsupported("tar archives are not read; send each log alone, or all in one zip file"));
    }
    // NUL is left out: a log truncated under its writer starts with thousands of them, and UTF-16 has them.
    let odd = head.iter().filter(|b| matches!(b, 1..=8 | 14..=26 | 28..=31)).count();
    if odd * 10 > head.len() || (head.len() == BLOCK && head.iter().all(|b| *b == 0)) {
        return Err(unsupported("this is not text"));
    }
    Ok(())
}

fn unsupported(why: impl Into<std::borrow::Cow<'static, str>>) -> Stop {
    Stop::Lines(FileError::UnsupportedFileType { why: why.into() })
}

/// Fills `head` as far as the source goes; answers how far that was. A pipe gives a little at a time.
fn peek(source: &mut (impl Read + ?Sized), head: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < head.len() {
        match source.read(&mut head[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Counts what the source gave and remembers whether it failed, so that a decoder's complaint about
/// damaged data is not mistaken for one.
struct Counted<'m, R> {
    inner: R,
    meter: &'m Meter,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(out) {
            Ok(read) => {
                self.meter.read.set(self.meter.read.get() + read as u64);
                Ok(read)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.meter.failed.set(true);
                }
                Err(error)
            }
        }
    }
}

impl<R: Seek> Seek for Counted<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
