//! Several lines about one session: decides which of them counts.
//!
//! A request (URL record) waits for the end of its session and lends it the host; where no end comes, the
//! request counts alone. Starts count only in a file without ends. The sum of a session waits for its parts
//! and counts where none comes. What waits is bounded: when too much does, all of it is let go and counts
//! alone.

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
    /// Sessions whose parts were told, and sums of sessions of which none was, yet.
    told: HashSet<SessionKey>,
    sums: HashMap<SessionKey, Record<'static>>,
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
            View::Part(key) => self.part(record, key),
            View::Sum(key) => self.sum(record, key),
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
        rest.extend(self.release_sums());
        rest
    }

    fn part<'l>(&mut self, record: Record<'l>, key: SessionKey) -> Settled<'l> {
        if self.told.len() >= MAX_WAITING {
            self.told.clear();
        }
        self.told.insert(key);
        let ignored = u64::from(self.sums.remove(&key).is_some());
        Settled { now: Some(record), ignored, ..Settled::default() }
    }

    fn sum<'l>(&mut self, record: Record<'l>, key: SessionKey) -> Settled<'l> {
        if self.told.contains(&key) {
            return Settled { ignored: 1, ..Settled::default() };
        }
        let mut released = if self.sums.len() >= MAX_WAITING { self.release_sums() } else { Vec::new() };
        // Ports are used again: the earlier connection of the same ends stands for itself.
        released.extend(self.sums.insert(key, record.into_owned()));
        Settled { released, ..Settled::default() }
    }

    fn release_sums(&mut self) -> Vec<Record<'static>> {
        let mut released: Vec<_> = self.sums.drain().map(|(_, record)| record).collect();
        released.sort_by_key(|record| record.time_ms);
        released
    }

    fn end<'l>(&mut self, mut record: Record<'l>, key: Option<SessionKey>) -> Settled<'l> {
        self.seen_end = true;
        let mut ignored = self.starts.len() as u64;
        self.starts = Vec::new();
        // Most files have no requests; they pay for no memory of sessions.
        if let Some(key) = key.filter(|_| self.seen_request) {
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
