//! What must be done in the order of the file: numbers of lines, headers, sessions, the verdict on the format.

use super::batch::{Batch, COMPARED, Candidate, SHOWN};
use crate::error::Failure;
use crate::notices::{self, Notice};
use crate::options::Options;
use crate::parser::{Layout, Parser};
use crate::plan::Plan;
use crate::record::{Record, View};
use crate::redact::redact;
use crate::report::{Accounting, Refused};
use crate::sessions::{Sessions, Settled};

/// Lines after which a file that does not fit its format is given up.
const SAMPLE: u64 = 1000;
/// Bytes of a refused line that are compared with other formats.
const COMPARED_BYTES: usize = 4096;

/// All that a line may owe to the lines before it.
pub(super) struct Order<'o> {
    plan: &'o Plan,
    options: &'o Options,
    /// How the next line is to be read.
    pub(super) layout: Layout,
    sessions: Sessions,
    pub(super) accounting: Accounting,
    refused: Vec<Refused>,
    compared: Vec<Vec<u8>>,
    /// Lines that say nothing about the format.
    blank: u64,
    /// Lines that show the format to be right.
    fitting: u64,
    /// Whether enough lines were seen to know that the format fits.
    pub(super) judged: bool,
}

impl<'o> Order<'o> {
    pub(super) fn new(plan: &'o Plan, options: &'o Options) -> Self {
        Self {
            plan,
            options,
            layout: Parser::new(plan, options).layout,
            sessions: Sessions::default(),
            accounting: Accounting::default(),
            refused: Vec::new(),
            compared: Vec::new(),
            blank: 0,
            fitting: 0,
            judged: false,
        }
    }

    /// Takes a batch into the order. Its records are now those to count, the first of which is the
    /// answer's-th of the file.
    pub(super) fn settle(&mut self, batch: &mut Batch<'_>) -> u64 {
        let accounting = &mut self.accounting;
        for Candidate { line, reason, text, user } in batch.refused.drain(..) {
            if self.refused.iter().filter(|known| known.reason == reason).count() < SHOWN {
                let line = accounting.lines + line;
                self.refused.push(Refused { line, reason, example: redact(text, user, self.options) });
            }
        }
        let room = COMPARED - self.compared.len();
        let compared = batch.compared.iter().take(room);
        self.compared.extend(compared.map(|line| line[..line.len().min(COMPARED_BYTES)].to_vec()));
        self.blank += batch.blank;
        self.fitting += batch.records.len() as u64 + batch.ignored + batch.too_old;
        accounting.lines += batch.lines;
        accounting.ignored += batch.blank + batch.ignored;
        accounting.too_old += batch.too_old;
        accounting.skipped.add_all(&batch.skipped);
        if batch.linked {
            batch.records = self.settle_sessions(std::mem::take(&mut batch.records));
        }
        let place = self.accounting.parsed;
        self.accounting.parsed += batch.records.len() as u64;
        self.judged |= self.written() >= SAMPLE;
        place
    }

    fn settle_sessions<'c>(&mut self, records: Vec<Record<'c>>) -> Vec<Record<'c>> {
        let mut settled = Vec::with_capacity(records.len());
        for record in records {
            if record.view == View::Whole {
                settled.push(record);
                continue;
            }
            let Settled { now, released, ignored } = self.sessions.settle(record);
            self.accounting.ignored += ignored;
            settled.extend(now);
            settled.extend(released);
        }
        settled
    }

    /// What still waited at the end of the file, and its place.
    pub(super) fn settle_rest(&mut self) -> (Vec<Record<'static>>, u64) {
        let rest = std::mem::take(&mut self.sessions).finish();
        let place = self.accounting.parsed;
        self.accounting.parsed += rest.len() as u64;
        (rest, place)
    }

    /// Whether the first lines are of another format; asked when each of them has just been read.
    pub(super) fn misfits_so_far(&self) -> bool {
        self.written() == SAMPLE && self.fitting * 10 < SAMPLE
    }

    /// Whether a whole file is of another format.
    pub(super) fn misfits(&self) -> bool {
        let few = self.written() < SAMPLE && self.fitting * 10 < self.written();
        few || self.accounting.parsed + self.accounting.too_old == 0
    }

    /// Lines that say something.
    fn written(&self) -> u64 {
        self.accounting.lines - self.blank
    }

    pub(super) fn failure(&mut self) -> Box<Failure> {
        // What still waits is counted, as it would be at the end of the file.
        self.settle_rest();
        let notices = self.notices(None, self.options);
        Box::new(Failure { accounting: self.accounting, refused: self.sorted_refused(), notices })
    }

    /// What the person who uploaded this should know.
    pub(super) fn notices(&self, last_ms: Option<i64>, options: &Options) -> Vec<Notice> {
        notices::of_file(&self.accounting, &self.compared, last_ms, self.plan, options)
    }

    pub(super) fn into_refused(mut self) -> Vec<Refused> {
        self.sorted_refused()
    }

    fn sorted_refused(&mut self) -> Vec<Refused> {
        let mut refused = std::mem::take(&mut self.refused);
        refused.sort_by_key(|refused| refused.line);
        refused
    }
}
