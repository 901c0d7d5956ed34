//! Records in bulk: one JSON object a line, plain or gzip, taken in as they arrive. Memory holds one line and
//! one batch, so a sender that is faster than the database waits.

#[cfg(test)]
mod tests;

use std::io::Write;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::http::{HeaderMap, header};
use flate2::write::MultiGzDecoder;
use futures_util::StreamExt;
use serde_json::{Map, Value, json};

use crate::describe::{Record, Shape, has};
use crate::incoming;
use crate::problem::Problem;

/// Longest line that is read, in bytes.
pub(crate) const LONGEST_LINE: usize = 1024 * 1024;
/// What a body may unfold to, as a multiple of what may be sent.
const UNFOLDING: u64 = 20;
/// Packed bytes that are unfolded at once: a thousand times as much comes out of them at most.
const PIECE: usize = 4 * 1024;
/// Records that are stored together.
const BATCH: usize = 500;
/// Refused lines that the answer tells about.
const MOST_ERRORS: usize = 100;

/// Why a record was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Where in the record, with dots: `device.clientIP`; empty for all of it.
    pub(crate) field: String,
    /// What is wrong, and what would be right.
    pub(crate) why: String,
}

impl Refusal {
    pub(crate) fn new(field: &str, why: impl Into<String>) -> Refusal {
        Refusal { field: field.to_string(), why: why.into() }
    }
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stored {
    /// New records.
    pub(crate) stored: usize,
    /// Records that were there already.
    pub(crate) unchanged: usize,
}

/// Takes in all records of a body: each line is read by `read`, every batch is stored by `store` before the
/// next one is read. What a line says wrong is in the answer, and nothing of that line is kept.
pub(crate) async fn take_in<T, F>(
    headers: &HeaderMap,
    body: Body,
    limit: u64,
    read: impl Fn(&[u8], &Map<String, Value>) -> Result<T, Refusal>,
    store: impl Fn(Vec<T>) -> F,
) -> Result<Value, Problem>
where
    F: Future<Output = Result<Stored, casbah_service::Error>>,
{
    let mut lines = Lines::new(headers, body, limit)?;
    let mut tally = Tally::default();
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let next = lines.next().await;
        let broken = match next {
            Ok(Some((number, line))) => {
                tally.received += 1;
                match line.and_then(|line| read(line, &object(line)?)) {
                    Ok(record) => batch.push(record),
                    Err(refusal) => tally.refuse(number, refusal),
                }
                if batch.len() < BATCH {
                    continue;
                }
                None
            }
            Ok(None) => Some(Ok(())),
            Err(why) => Some(Err(why)),
        };
        let stored = store(std::mem::take(&mut batch)).await?;
        tally.stored += stored.stored;
        tally.unchanged += stored.unchanged;
        match broken {
            None => {}
            Some(Ok(())) => return Ok(tally.answer()),
            Some(Err(why)) => return Err(why.problem(lines.number, &tally)),
        }
    }
}

fn object(line: &[u8]) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(line) {
        Ok(Value::Object(record)) => Ok(record),
        Ok(_) => Err(Refusal::new("", "The line is not a JSON object; send one object a line.")),
        // The library's words name a place in the line and repeat nothing of it.
        Err(e) => Err(Refusal::new("", format!("The line is not JSON: {e}. Send one object a line."))),
    }
}

#[derive(Default)]
struct Tally {
    received: usize,
    stored: usize,
    unchanged: usize,
    rejected: usize,
    errors: Vec<Value>,
}

impl Tally {
    fn refuse(&mut self, line: u64, refusal: Refusal) {
        self.rejected += 1;
        if self.errors.len() < MOST_ERRORS {
            let field = Some(refusal.field).filter(|field| !field.is_empty());
            self.errors.push(json!({ "line": line, "field": field, "error": refusal.why }));
        }
    }

    fn answer(self) -> Value {
        json!({
            "received": self.received,
            "stored": self.stored,
            "unchanged": self.unchanged,
            "rejected": self.rejected,
            "errors": self.errors,
        })
    }
}

/// Why no more lines come.
#[derive(Debug)]
enum Broken {
    Stalled,
    TooLarge,
    Sender,
    Packed,
}

impl Broken {
    fn problem(self, lines: u64, tally: &Tally) -> Problem {
        let kept = format!(
            "Of the {lines} lines before that, {} records were stored; sent again, they are not stored twice.",
            tally.stored
        );
        match self {
            Broken::Stalled => Problem::too_slow(),
            Broken::TooLarge => Problem::too_large(),
            Broken::Sender => Problem::invalid("body", format!("The body broke off. {kept}")),
            Broken::Packed => {
                Problem::invalid("body", format!("The gzip stream is damaged or cut off. {kept}"))
            }
        }
    }
}

/// The lines of a body.
struct Lines {
    body: BodyDataStream,
    unpack: Unpack,
    /// What has arrived and was not unpacked.
    pending: Bytes,
    /// What was unpacked and not handed out.
    buffer: Vec<u8>,
    /// Where the rest of it begins.
    start: usize,
    /// Up to where there is no line end.
    searched: usize,
    number: u64,
    ended: bool,
    /// Whether the line at hand is too long and its rest is passed over.
    passing: bool,
    packed: u64,
    unpacked: u64,
    limit: u64,
}

enum Unpack {
    /// Nothing has arrived.
    Unknown,
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
}

/// A line, or why there is none.
type Line<'l> = Result<&'l [u8], Refusal>;

impl Lines {
    fn new(headers: &HeaderMap, body: Body, limit: u64) -> Result<Lines, Problem> {
        let header = |name| headers.get(name).and_then(|v: &axum::http::HeaderValue| v.to_str().ok());
        if header(header::CONTENT_LENGTH).and_then(|v| v.parse().ok()).is_some_and(|n: u64| n > limit) {
            return Err(Problem::too_large());
        }
        let label = header(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
        if label.starts_with("multipart/") {
            let text =
                "Send the records themselves as application/x-ndjson, one JSON object a line, not a form.";
            return Err(Problem::unsupported_media(text));
        }
        let coded = header(header::CONTENT_ENCODING).unwrap_or("identity").trim().to_ascii_lowercase();
        if !matches!(coded.as_str(), "" | "identity" | "gzip" | "x-gzip") {
            return Err(Problem::unsupported_media("A body may be plain or gzip, nothing else."));
        }
        Ok(Lines {
            body: body.into_data_stream(),
            unpack: Unpack::Unknown,
            pending: Bytes::new(),
            buffer: Vec::new(),
            start: 0,
            searched: 0,
            number: 0,
            ended: false,
            passing: false,
            packed: 0,
            unpacked: 0,
            limit,
        })
    }

    /// The next line that is not blank, with its number from 1.
    async fn next(&mut self) -> Result<Option<(u64, Line<'_>)>, Broken> {
        loop {
            let found = memchr::memchr(b'\n', &self.buffer[self.searched..]).map(|at| self.searched + at);
            let end = match found {
                Some(end) => end,
                None if self.ended && self.start == self.buffer.len() && !self.passing => return Ok(None),
                None if self.ended => self.buffer.len(),
                None => {
                    self.searched = self.buffer.len();
                    if self.searched - self.start > LONGEST_LINE {
                        self.passing = true;
                        self.start = self.searched;
                    }
                    self.fill().await?;
                    continue;
                }
            };
            let line = self.start..end;
            self.start = (end + 1).min(self.buffer.len());
            self.searched = self.start;
            self.number += 1;
            if std::mem::take(&mut self.passing) || line.len() > LONGEST_LINE {
                let why = format!("The line is longer than {LONGEST_LINE} bytes.");
                return Ok(Some((self.number, Err(Refusal::new("", why)))));
            }
            let line = if self.number == 1 && self.buffer[line.clone()].starts_with(b"\xEF\xBB\xBF") {
                line.start + 3..line.end
            } else {
                line
            };
            if !self.buffer[line.clone()].trim_ascii().is_empty() {
                return Ok(Some((self.number, Ok(self.buffer[line].trim_ascii()))));
            }
        }
    }

    /// Takes what arrives next.
    async fn fill(&mut self) -> Result<(), Broken> {
        self.buffer.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        if self.pending.is_empty() && !self.receive().await? {
            self.ended = true;
            if let Unpack::Gzip(decoder) = &mut self.unpack {
                decoder.try_finish().map_err(|_| Broken::Packed)?;
                self.buffer.append(decoder.get_mut());
            }
            return Ok(());
        }
        match &mut self.unpack {
            Unpack::Gzip(decoder) => {
                let piece = self.pending.split_to(PIECE.min(self.pending.len()));
                decoder.write_all(&piece).map_err(|_| Broken::Packed)?;
                self.unpacked += decoder.get_ref().len() as u64;
                if self.unpacked > self.limit.saturating_mul(UNFOLDING) {
                    return Err(Broken::TooLarge);
                }
                self.buffer.append(decoder.get_mut());
            }
            Unpack::Plain | Unpack::Unknown => {
                self.buffer.extend_from_slice(&std::mem::take(&mut self.pending))
            }
        }
        Ok(())
    }

    /// Waits for the next bytes; whether there are any.
    async fn receive(&mut self) -> Result<bool, Broken> {
        let chunk = match self.body.next().await {
            Some(Ok(chunk)) => chunk,
            Some(Err(e)) if incoming::is_stalled(&e) => return Err(Broken::Stalled),
            Some(Err(_)) => return Err(Broken::Sender),
            None => return Ok(false),
        };
        self.packed += chunk.len() as u64;
        if self.packed > self.limit {
            return Err(Broken::TooLarge);
        }
        if let (Unpack::Unknown, Some(first)) = (&self.unpack, chunk.first()) {
            // No JSON begins with this byte; some clients pack without saying so.
            self.unpack = match first {
                0x1F => Unpack::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
                _ => Unpack::Plain,
            };
        }
        self.pending = chunk;
        Ok(true)
    }
}

pub(crate) const TAKEN_IN: Record = Record {
    name: "TakenIn",
    what: "What became of records that were sent one a line.",
    properties: &[
        has("received", Shape::Integer, "Lines."),
        has("stored", Shape::Integer, "New records."),
        has("unchanged", Shape::Integer, "Records that were there already."),
        has("rejected", Shape::Integer, "Lines that were not taken."),
        has(
            "errors",
            Shape::List(&Shape::Inline(&[
                has("line", Shape::Integer, "Its number, from 1."),
                has("field", Shape::Nullable(&Shape::Text), "Where in the record."),
                has("error", Shape::Text, "What is wrong, and what would be right."),
            ])),
            "Why lines were not taken; the first hundred.",
        ),
    ],
};
