//! Which source a log is of: every format reads its first lines, and those that read most are named.

use std::cmp::Reverse;
use std::fmt;
use std::io::{self, Read, Seek};

use memchr::memmem;

use crate::error::FileError;
use crate::file::{self, Meter, Source, Stop};
use crate::format::{Basis, Format, Shape};
use crate::formats::FORMATS;
use crate::lines::{Chunks, Line, lines};
use crate::options::Options;
use crate::parser::{Outcome, Parser};

/// Lines that say something, looked at.
const LOOKED_AT: usize = 1000;
/// A file this large without one line end is no log worth guessing at.
const MOST_BYTES: usize = 16 << 20;

/// A format, and how much of the start of a file it reads.
#[derive(Clone, Copy, Debug)]
pub struct Candidate {
    /// The format.
    pub format: &'static Format,
    /// Lines it reads as transactions.
    pub read: usize,
    /// Lines that only this device and its siblings write.
    marked: usize,
}

/// What a log looks like.
#[derive(Clone, Debug)]
pub struct Detection {
    /// Lines looked at that are not blank or comments.
    pub lines: usize,
    /// Formats that read any of them, best first.
    pub candidates: Vec<Candidate>,
}

impl Detection {
    /// The best format, where it reads at least a tenth of the lines, as a source must.
    pub fn best(&self) -> Option<&'static Format> {
        self.candidates.first().filter(|best| best.read * 10 >= self.lines).map(|best| best.format)
    }
}

impl fmt::Display for Detection {
    /// `1,000 of 1,000 lines read; runner-up SQUID read 40`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(best) = self.candidates.first() else {
            return write!(f, "no source reads any of the first {} lines", Thousands(self.lines));
        };
        write!(f, "{} of {} lines read", Thousands(best.read), Thousands(self.lines))?;
        // A sibling with the same reader is no other choice.
        match self.candidates[1..].iter().find(|other| other.format.vendor != best.format.vendor) {
            Some(other) if other.read == best.read && other.marked < best.marked => {
                write!(f, "; {} reads as many, but {} is named in them", other.format.id, best.format.vendor)
            }
            Some(other) => write!(f, "; runner-up {} read {}", other.format.id, Thousands(other.read)),
            None => write!(f, "; no other source reads any"),
        }
    }
}

struct Thousands(usize);

impl fmt::Display for Thousands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                f.write_str(",")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// Looks at the first lines of a file, which may be compressed; zip files want [`detect_file`].
pub fn detect(mut reader: impl Read, options: &Options) -> Result<Detection, FileError> {
    run(Source::Stream(&mut reader), options)
}

/// As [`detect`], for what one can seek in: also zip files.
pub fn detect_file(mut file: impl Read + Seek, options: &Options) -> Result<Detection, FileError> {
    run(Source::File(&mut file), options)
}

fn run(source: Source<'_>, options: &Options) -> Result<Detection, FileError> {
    let (mut first, mut bytes, mut speaking) = (Vec::new(), 0, 0);
    let mut enough = false;
    let read = file::each_text(source, options, &Meter::default(), &mut |text| {
        let mut chunks = Chunks::new(text, options.max_line);
        let mut chunk = Vec::new();
        while chunks.next(&mut chunk)? {
            for line in lines(&chunk, options.max_line) {
                let Line::Text(line) = line else { continue };
                bytes += line.len();
                speaking += usize::from(speaks(line));
                first.push(line.to_vec());
                if speaking >= LOOKED_AT || bytes >= MOST_BYTES {
                    enough = true;
                    return Err(Stop::Bytes(io::Error::other("enough")));
                }
            }
        }
        Ok(())
    });
    if !enough {
        read?;
    }
    Ok(rank(&first, options))
}

/// Whether a line is more than a blank or a comment.
fn speaks(line: &[u8]) -> bool {
    !matches!(line.trim_ascii(), [] | [b'#', ..])
}

/// All formats that read any of the lines, best first.
pub(crate) fn rank(lines: &[Vec<u8>], options: &Options) -> Detection {
    // An old log is as good to know as a new one.
    let options = &Options { max_age_ms: i64::MAX, max_ahead_ms: i64::MAX, ..options.clone() };
    let speaking = lines.iter().filter(|line| speaks(line)).count();
    let wrapped = lines.iter().filter(|line| is_wrapped(line)).count() * 2 > speaking;
    let mut candidates: Vec<Candidate> =
        FORMATS.iter().map(|format| candidate(format, lines, options)).filter(|c| c.read > 0).collect();
    // Of formats that read as much, the one that names the device wins over generic ones, these over those
    // that accept anything (whose lines count half), and of two siblings the one for lines with or without a syslog header.
    candidates.sort_by_key(|c| {
        let syslog = c.format.id.ends_with("_SYSLOG");
        let anything = c.format.basis == Basis::Unverified;
        let weight = if anything { 1 } else { 2 };
        (Reverse(c.read * weight), anything, Reverse(c.marked), syslog != wrapped, c.format.log_type)
    });
    Detection { lines: speaking, candidates }
}

/// Whether a syslog daemon has put something before the record.
fn is_wrapped(line: &[u8]) -> bool {
    // A record may begin with a number or a quote, hardly with the name of a month.
    let named = line.first().is_some_and(u8::is_ascii_uppercase);
    matches!(line, [b'<', b'0'..=b'9', ..])
        || (named && crate::syslog::stamp(&line[..line.len().min(16)]).is_some())
}

fn candidate(format: &'static Format, lines: &[Vec<u8>], options: &Options) -> Candidate {
    let mut plan = format.plan();
    // What a format takes for other devices' sake is no sign of its own.
    plan.open = matches!(format.shape, Shape::Cef | Shape::Leef | Shape::Text(_) | Shape::Any);
    let mut parser = Parser::new(&plan, options);
    let (mut read, mut marked) = (0, 0);
    for line in lines {
        let is_marked = format.marks.iter().any(|mark| memmem::find(line, mark.as_bytes()).is_some());
        marked += usize::from(is_marked);
        // Every format reads CEF, LEEF and JSON; that is no sign of it.
        let own = is_marked || !is_foreign(format.shape, line);
        if own && matches!(parser.read(line), Outcome::Record(_)) {
            read += 1;
        }
    }
    // Layouts are shared; what a device is called in each of its lines is not.
    if !format.marks.is_empty() && marked == 0 {
        read = 0;
    }
    Candidate { format, read, marked }
}

fn is_foreign(shape: Shape, line: &[u8]) -> bool {
    let own = match shape {
        Shape::Any => return false,
        Shape::Cef => &b"CEF:"[..],
        Shape::Leef => b"LEEF:",
        Shape::Json => b"{",
        _ => b"",
    };
    [&b"CEF:"[..], b"LEEF:"].iter().any(|mark| *mark != own && memmem::find(line, mark).is_some())
        || (line.first() == Some(&b'{') && own != b"{")
}
