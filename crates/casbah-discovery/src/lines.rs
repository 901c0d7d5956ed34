//! Cuts a stream of bytes into lines without ever holding more than one buffer of it.

use std::io::{self, Read};

use memchr::memchr;

const BUFFER: usize = 256 * 1024;

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'b> {
    Text(&'b [u8]),
    /// Over the limit; its bytes are gone.
    TooLong,
}

pub(crate) struct Lines<R> {
    reader: R,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    limit: usize,
    at_end: bool,
    first: bool,
}

impl<R: Read> Lines<R> {
    pub(crate) fn new(reader: R, limit: usize) -> Self {
        let buffer = vec![0; BUFFER.max(limit.saturating_mul(2))];
        Self { reader, buffer, start: 0, end: 0, limit, at_end: false, first: true }
    }

    pub(crate) fn reader(&self) -> &R {
        &self.reader
    }

    /// The next line; `None` at the end. The last line needs no line end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = 0;
        loop {
            let held = &self.buffer[self.start..self.end];
            if let Some(at) = memchr(b'\n', &held[searched..]) {
                let length = searched + at;
                let from = self.start;
                self.start += length + 1;
                return Ok(Some(self.line(from, from + length)));
            }
            searched = held.len();
            // One byte more than the limit, for the CR before a line end that has not arrived yet.
            if searched > self.limit + 1 {
                self.skip_line()?;
                return Ok(Some(Line::TooLong));
            }
            if self.at_end {
                if searched == 0 {
                    return Ok(None);
                }
                let from = self.start;
                self.start = self.end;
                return Ok(Some(self.line(from, from + searched)));
            }
            self.fill()?;
        }
    }

    fn line(&mut self, from: usize, to: usize) -> Line<'_> {
        let mut line = &self.buffer[from..to];
        if std::mem::take(&mut self.first) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        line = line.strip_suffix(b"\r").unwrap_or(line);
        // A log truncated while its writer kept the offset starts with a hole, which reads as NULs.
        while let [0, rest @ ..] = line {
            line = rest;
        }
        if line.len() > self.limit { Line::TooLong } else { Line::Text(line) }
    }

    fn skip_line(&mut self) -> io::Result<()> {
        self.first = false;
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[self.start..self.end]) {
                self.start += at + 1;
                return Ok(());
            }
            self.start = self.end;
            if self.at_end {
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        loop {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            return Ok(());
        }
    }
}
