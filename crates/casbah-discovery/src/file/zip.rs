//! Zip files: each member is a log of the same source. Names mean nothing here; nothing is ever unpacked.

use std::cell::Cell;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use zip::read::ZipFileEntry;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::limits::{Limited, Limits};
use super::{BLOCK, Counted, Kind, ReadSeek, Stop, Visit, text, unsupported};
use crate::error::FileError;

/// Members that a zip file may have.
const MEMBERS: usize = 1000;
/// Bytes that may be read to find the list of members: enough for a thousand long names, too little to
/// fill the memory with a list of millions.
const DIRECTORY: u64 = 2 * 1024 * 1024;
/// What the Finder of macOS puts beside each file: no log, and nobody meant to send it.
const APPLE_DOUBLE: &[u8] = b"\x00\x05\x16\x07";

pub(super) fn each_member(
    file: &mut dyn ReadSeek,
    limits: &Limits<'_>,
    visit: &mut Visit<'_>,
) -> Result<(), FileError> {
    members(file, limits, visit).map_err(|stop| limits.explain(stop, Kind::Zip))
}

fn members(file: &mut dyn ReadSeek, limits: &Limits<'_>, visit: &mut Visit<'_>) -> Result<(), Stop> {
    let left = Cell::new(Some(DIRECTORY));
    let counted = Counted { inner: file, meter: limits.meter };
    let source = BufReader::with_capacity(BLOCK, Rationed { inner: counted, left: &left });
    let mut archive = ZipArchive::new(source).map_err(|error| of_archive(error, left.get()))?;
    left.set(None);
    if archive.len() > MEMBERS {
        return Err(unsupported(format!("this zip file has more than {MEMBERS} members")));
    }
    if archive.has_duplicate_names() {
        return Err(unsupported("two members of this zip file have the same name"));
    }
    let mut logs = 0;
    for number in 0..archive.len() {
        let member = archive.by_index_data(number).map_err(|error| of_archive(error, None))?;
        if member.is_dir() {
            continue;
        }
        check_member(&member).map_err(|why| of_member(number, why))?;
        let member = archive.by_index(number).map_err(|error| of_archive(error, None))?;
        let mut member = Limited::new(member, limits);
        let mut start = [0; APPLE_DOUBLE.len()];
        let length = super::peek(&mut member, &mut start)?;
        if start[..length] == *APPLE_DOUBLE {
            continue;
        }
        logs += 1;
        let member = io::Cursor::new(start).take(length as u64).chain(member);
        text(member, visit).map_err(|stop| match stop {
            Stop::Lines(FileError::UnsupportedFileType { why }) => of_member(number, why),
            other => other,
        })?;
    }
    if logs == 0 {
        return Err(unsupported("this zip file holds no log"));
    }
    Ok(())
}

fn check_member(member: &ZipFileEntry<'_>) -> Result<(), &'static str> {
    if member.encrypted() {
        return Err("it is encrypted; send it without a password");
    }
    if member.is_symlink() {
        return Err("it is a link, not a log");
    }
    match member.compression() {
        CompressionMethod::Stored | CompressionMethod::Deflated => Ok(()),
        _ => Err("it is packed in an unusual way; pack it as a plain zip file (deflate)"),
    }
}

fn of_member(number: usize, why: impl std::fmt::Display) -> Stop {
    unsupported(format!("member {} of this zip file: {why}", number + 1))
}

/// A zip file that ends early has lost its list of members; only the source itself can fail otherwise.
fn of_archive(error: ZipError, left: Option<u64>) -> Stop {
    match error {
        ZipError::Io(_) if left == Some(0) => unsupported(format!(
            "the list of members of this zip file is damaged, or far longer than {MEMBERS}"
        )),
        ZipError::Io(error) => Stop::Bytes(error),
        _ => unsupported("this zip file is damaged or cut off"),
    }
}

/// Gives no more than is left.
struct Rationed<'l, R> {
    inner: R,
    left: &'l Cell<Option<u64>>,
}

impl<R: Read> Read for Rationed<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(left) = self.left.get() else { return self.inner.read(out) };
        if left == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a long list of members"));
        }
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        let read = self.inner.read(&mut out[..most])?;
        self.left.set(Some(left - read as u64));
        Ok(read)
    }
}

impl<R: Seek> Seek for Rationed<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
