//! Cuts a stream of bytes into chunks of whole lines, and chunks into lines.
//!
//! A line ends with LF, CRLF or CR; the last one needs no end. However long a line is, no more than a
//! chunk of it is held.

use std::io::{self, Read};

use memchr::{memchr, memrchr};

/// Bytes that are read at a time: much less than a core's own memory, so that what was read is still
/// near when its records are counted.
const CHUNK: usize = 128 * 1024;

/// A line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'b> {
    Text(&'b [u8]),
    /// Over the limit; how it starts.
    TooLong(&'b [u8]),
}

/// Reads whole lines, many at a time.
pub(crate) struct Chunks<'r> {
    reader: &'r mut dyn Read,
    limit: usize,
    /// The start of a line whose end has not been read.
    rest: Vec<u8>,
    at_end: bool,
}

impl<'r> Chunks<'r> {
    pub(crate) fn new(reader: &'r mut dyn Read, limit: usize) -> Self {
        Self { reader, limit, rest: Vec::new(), at_end: false }
    }

    /// Fills `chunk` with the next lines; false at the end.
    pub(crate) fn next(&mut self, chunk: &mut Vec<u8>) -> io::Result<bool> {
        chunk.clear();
        chunk.append(&mut self.rest);
        // One byte more than the limit, for a CR whose LF has not arrived yet.
        let most = self.limit.saturating_add(1);
        let size = CHUNK.max(most.saturating_mul(2));
        let (mut checked, mut skipping) = (0, false);
        loop {
            if !self.at_end && chunk.len() < size {
                self.fill(chunk, size)?;
                continue;
            }
            unify_ends(chunk, &mut checked, self.at_end);
            if skipping {
                skipping = !skip_line(chunk, most, &mut checked);
                if skipping && !self.at_end {
                    continue;
                }
            }
            if self.at_end {
                return Ok(!chunk.is_empty());
            }
            if let Some(end) = memrchr(b'\n', chunk) {
                self.rest.extend_from_slice(&chunk[end + 1..]);
                chunk.truncate(end + 1);
                return Ok(true);
            }
            // A log truncated while its writer kept the offset starts with a hole, which reads as NULs.
            let hole = chunk.iter().take_while(|byte| **byte == 0).count();
            chunk.drain(..hole);
            checked = checked.saturating_sub(hole);
            skipping = chunk.len() > most;
        }
    }

    fn fill(&mut self, chunk: &mut Vec<u8>, size: usize) -> io::Result<()> {
        let wanted = size - chunk.len();
        chunk.reserve(wanted);
        let read = (&mut *self.reader).take(wanted as u64).read_to_end(chunk)?;
        self.at_end = read < wanted;
        Ok(())
    }
}

/// Makes LF of each CR behind which neither CR nor LF stands. Before LF it is taken off with the line's end.
fn unify_ends(chunk: &mut [u8], checked: &mut usize, at_end: bool) {
    while let Some(at) = memchr(b'\r', &chunk[*checked..]) {
        let at = *checked + at;
        match chunk.get(at + 1) {
            // What comes behind it has not been read yet.
            None if !at_end => {
                *checked = at;
                return;
            }
            Some(b'\r' | b'\n') | None => {}
            Some(_) => chunk[at] = b'\n',
        }
        *checked = at + 1;
    }
    *checked = chunk.len();
}

/// Drops the middle of a line that is too long: what stays is still too long. True where its end is there.
fn skip_line(chunk: &mut Vec<u8>, most: usize, checked: &mut usize) -> bool {
    let kept = most + 1;
    let end = memchr(b'\n', &chunk[kept..]).map(|at| kept + at);
    // A final CR may turn out to be the line's end.
    let last = chunk.len() - usize::from(chunk.last() == Some(&b'\r'));
    chunk.drain(kept..end.unwrap_or(last.max(kept)));
    *checked = (*checked).min(chunk.len()).min(kept);
    end.is_some()
}

/// The lines of a chunk.
pub(crate) fn lines(chunk: &[u8], limit: usize) -> impl Iterator<Item = Line<'_>> {
    let mut rest = chunk;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (mut line, behind) = match memchr(b'\n', rest) {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => (rest, &rest[rest.len()..]),
        };
        rest = behind;
        while let [start @ .., b'\r'] = line {
            line = start;
        }
        while let [0, end @ ..] = line {
            line = end;
        }
        Some(if line.len() > limit { Line::TooLong(line) } else { Line::Text(line) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Drip<'b>(&'b [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(out.len()).min(self.1);
            let (now, rest) = self.0.split_at(length);
            out[..length].copy_from_slice(now);
            self.0 = rest;
            Ok(length)
        }
    }

    fn read(bytes: &[u8], step: usize, limit: usize) -> Vec<String> {
        let mut drip = Drip(bytes, step);
        let mut chunks = Chunks::new(&mut drip, limit);
        let (mut chunk, mut found) = (Vec::new(), Vec::new());
        while chunks.next(&mut chunk).unwrap() {
            assert!(chunk.len() <= CHUNK);
            found.extend(lines(&chunk, limit).map(|line| match line {
                Line::Text(text) => String::from_utf8_lossy(text).into_owned(),
                Line::TooLong(start) => format!("too long: {}", start[0]),
            }));
        }
        found
    }

    fn check(text: &str, expected: &[&str]) {
        for step in [1, 2, 3, usize::MAX] {
            assert_eq!(read(text.as_bytes(), step, 100), expected, "{text:?} by {step}");
        }
    }

    #[test]
    fn all_ends_are_ends() {
        check("", &[]);
        check("a", &["a"]);
        check("a\nb", &["a", "b"]);
        check("a\r\nb\r\n", &["a", "b"]);
        check("a\rb\r", &["a", "b"]);
        check("a\rb\r\nc\nd", &["a", "b", "c", "d"]);
        check("a\r\r\nb", &["a", "b"]);
        check("\n\na", &["", "", "a"]);
        check("\0\0\0a\nb\0c", &["a", "b\0c"]);
    }

    #[test]
    fn long_lines_are_told_and_left() {
        let limit = 1000;
        for length in [999, 1000, 1001, 1002, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK + 2, 3 * CHUNK + 7] {
            for end in ["\n", "\r\n", "\r"] {
                let text = format!("a{end}{}{end}b{end}{}", "x".repeat(length), "y".repeat(length));
                for step in [777, usize::MAX] {
                    let found = read(text.as_bytes(), step, limit);
                    let long = |c: char| {
                        if length > limit {
                            format!("too long: {}", c as u32)
                        } else {
                            String::from(c).repeat(length)
                        }
                    };
                    assert_eq!(
                        found,
                        ["a".to_owned(), long('x'), "b".to_owned(), long('y')],
                        "{length} {end:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_hole_of_any_size_is_skipped() {
        for size in [1, 1000, CHUNK, 5 * CHUNK + 1] {
            let text = [&vec![0; size][..], b"a\nb\n"].concat();
            assert_eq!(read(&text, 10_000, 1000), ["a", "b"]);
        }
    }
}
