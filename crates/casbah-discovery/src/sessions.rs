//! Several lines about one session: decides which of them counts.
//!
//! A request (URL record) waits for the end of its session and lends it the host; where no end comes, the
//! request counts alone. Starts count only in a file without ends. What waits is bounded: when too much
//! does, all of it is let go and counts alone.

use std::collections::{HashMap, HashSet};

use crate::record::{Destination, Record, SessionKey, View};

/// Records that may wait, and sessions that are remembered after their end.
const MAX_WAITING: usize = 65_536;

#[derive(Default)]
pub(crate) struct Sessions {
    requests: HashMap<SessionKey, Vec<Record<'static>>>,
    waiting: usize,
    ended: HashSet<SessionKey>,
    seen_request: bool,
    seen_end: bool,
    starts: Vec<Record<'static>>,
}

/// What to count now, and how many lines turned out to be views of something counted elsewhere.
#[derive(Default)]
pub(crate) struct Settled<'l> {
    pub(crate) now: Option<Record<'l>>,
    pub(crate) released: Vec<Record<'static>>,
    pub(crate) ignored: u64,
}

impl Sessions {
    pub(crate) fn settle<'l>(&mut self, record: Record<'l>) -> Settled<'l> {
        match record.view {
            View::Whole => Settled { now: Some(record), ..Settled::default() },
            View::End(key) => self.end(record, key),
            View::Request(key) => self.request(record, key),
            View::Start if self.seen_end => Settled { ignored: 1, ..Settled::default() },
            View::Start => {
                if self.starts.len() < MAX_WAITING {
                    self.starts.push(record.into_owned());
                    return Settled::default();
                }
                // So many starts and no end: this file has none.
                let mut released = std::mem::take(&mut self.starts);
                released.push(record.into_owned());
                Settled { released, ..Settled::default() }
            }
        }
    }

    /// What still waits at the end of the file.
    pub(crate) fn finish(mut self) -> Vec<Record<'static>> {
        let mut rest = std::mem::take(&mut self.starts);
        rest.extend(self.release());
        rest
    }

    fn end<'l>(&mut self, mut record: Record<'l>, key: SessionKey) -> Settled<'l> {
        self.seen_end = true;
        let mut ignored = self.starts.len() as u64;
        self.starts = Vec::new();
        // Most files have no requests; they pay for no memory of sessions.
        if self.seen_request {
            if self.ended.len() >= MAX_WAITING {
                self.ended.clear();
            }
            self.ended.insert(key);
            if let Some(requests) = self.requests.remove(&key) {
                self.waiting -= requests.len();
                ignored += requests.len() as u64;
                if let (Destination::Ip(_), Some(request)) =
                    (&record.destination, requests.into_iter().next())
                {
                    record.destination = request.destination;
                    record.path = request.path;
                    record.user = record.user.or(request.user);
                    record.blocked |= request.blocked;
                }
            }
        }
        Settled { now: Some(record), ignored, ..Settled::default() }
    }

    fn request<'l>(&mut self, record: Record<'l>, key: SessionKey) -> Settled<'l> {
        self.seen_request = true;
        if self.ended.contains(&key) {
            return Settled { ignored: 1, ..Settled::default() };
        }
        let released = if self.waiting >= MAX_WAITING { self.release() } else { Vec::new() };
        self.requests.entry(key).or_default().push(record.into_owned());
        self.waiting += 1;
        Settled { released, ..Settled::default() }
    }

    fn release(&mut self) -> Vec<Record<'static>> {
        self.waiting = 0;
        let mut released: Vec<_> = self.requests.drain().flat_map(|(_, requests)| requests).collect();
        // The table's order is random, the report's must not be.
        released.sort_by_key(|record| record.time_ms);
        released
    }
}
