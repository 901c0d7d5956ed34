//! How much may come out of how little.

use std::cell::Cell;
use std::io::{self, Read};

use super::{Kind, Meter, Stop};
use crate::error::FileError;
use crate::options::Options;

/// So much harms nobody, however little it came from: a short log repeated many times is no bomb.
const FREE: u64 = 256 * 1024 * 1024;
/// Behind that the ratio is measured anew over each so much output: a bomb behind honest data is found too.
const WINDOW: u64 = 64 * 1024 * 1024;

/// What has come out of a file so far, over all its members.
pub(super) struct Limits<'o> {
    options: &'o Options,
    pub(super) meter: &'o Meter,
    inflated: Cell<u64>,
    /// Output and input at the start of the window.
    window: Cell<(u64, u64)>,
    /// Set when the content, not the source, is to blame.
    refused: Cell<Option<&'static str>>,
}

impl<'o> Limits<'o> {
    pub(super) fn new(options: &'o Options, meter: &'o Meter) -> Self {
        Self { options, meter, inflated: Cell::new(0), window: Cell::new((0, 0)), refused: Cell::new(None) }
    }

    fn count(&self, more: u64) -> io::Result<()> {
        let (inflated, read) = (self.inflated.get() + more, self.meter.bytes_read());
        self.inflated.set(inflated);
        if inflated > self.options.max_inflated {
            return Err(self.refuse("this file inflates to more than is accepted"));
        }
        let (window_out, window_in) = self.window.get();
        if inflated - window_out >= WINDOW {
            let ratio = (inflated - window_out) / (read - window_in).max(1);
            if inflated > FREE && ratio > self.options.max_ratio {
                return Err(self.refuse("this file inflates far more than a log does"));
            }
            self.window.set((inflated, read));
        }
        Ok(())
    }

    pub(super) fn refuse(&self, why: &'static str) -> io::Error {
        self.refused.set(Some(why));
        io::Error::new(io::ErrorKind::InvalidData, why)
    }

    /// What an early end means: a broken file, a refused one, or a source that failed.
    pub(super) fn explain(&self, stop: Stop, kind: Kind) -> FileError {
        let error = match stop {
            Stop::Lines(error) => return error,
            Stop::Bytes(error) => error,
        };
        match (self.refused.get(), kind) {
            (Some(why), _) => FileError::UnsupportedFileType { why: why.into() },
            (None, Kind::Text) => FileError::Read(error),
            (None, _) if self.meter.failed.get() => FileError::Read(error),
            (None, kind) => FileError::UnsupportedFileType {
                why: format!("this {} file is damaged or cut off", kind.name()).into(),
            },
        }
    }
}

/// A decoder that stops at the limits.
pub(super) struct Limited<'l, R> {
    inner: R,
    limits: &'l Limits<'l>,
}

impl<'l, R> Limited<'l, R> {
    pub(super) fn new(inner: R, limits: &'l Limits<'_>) -> Self {
        Self { inner, limits }
    }
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.limits.count(read as u64)?;
        Ok(read)
    }
}
