//! Some lines, read: what can be said about them without knowing the lines before.

use crate::lines::Line;
use crate::parser::{Outcome, Parser};
use crate::record::{Record, SkipReason, View};
use crate::report::Skipped;

/// Refused lines that are shown for each reason.
pub(super) const SHOWN: usize = 3;
/// Refused lines that are compared with the other formats.
pub(super) const COMPARED: usize = 100;

/// A refused line that may be shown.
pub(super) struct Candidate<'c> {
    /// Counted from the start of the batch.
    pub(super) line: u64,
    pub(super) reason: SkipReason,
    pub(super) text: &'c [u8],
    /// Where the format has a person's name.
    pub(super) user: &'c [u8],
}

/// What some lines gave.
#[derive(Default)]
pub(super) struct Batch<'c> {
    pub(super) lines: u64,
    pub(super) records: Vec<Record<'c>>,
    /// Whether a record belongs to a session of several lines.
    pub(super) linked: bool,
    pub(super) skipped: Skipped,
    pub(super) blank: u64,
    pub(super) ignored: u64,
    pub(super) too_old: u64,
    /// The first refused lines of each reason.
    pub(super) refused: Vec<Candidate<'c>>,
    pub(super) compared: Vec<&'c [u8]>,
}

impl<'c> Batch<'c> {
    pub(super) fn read(&mut self, line: Line<'c>, parser: &mut Parser<'_>) {
        self.lines += 1;
        let (text, outcome) = match line {
            Line::Text(text) => (text, parser.read(text)),
            Line::TooLong(start) => (start, Outcome::Skipped(SkipReason::TooLong)),
        };
        match outcome {
            Outcome::Record(record) => {
                self.linked |= record.view != View::Whole;
                self.records.push(record);
            }
            Outcome::Blank => self.blank += 1,
            Outcome::Ignored => self.ignored += 1,
            Outcome::TooOld => self.too_old += 1,
            Outcome::Skipped(reason) => self.refuse(text, reason, parser),
        }
    }

    fn refuse(&mut self, text: &'c [u8], reason: SkipReason, parser: &Parser<'_>) {
        self.skipped.add(reason);
        if self.compared.len() < COMPARED {
            self.compared.push(text);
        }
        if self.refused.iter().filter(|refused| refused.reason == reason).count() < SHOWN {
            self.refused.push(Candidate { line: self.lines, reason, text, user: parser.user_cell(text) });
        }
    }
}
