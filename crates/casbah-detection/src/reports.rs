//! Whether a continuous report still gets the logs that it usually gets, and whether they can be read.

use casbah_model::Timestamp;

const MS_OF_HOUR: i64 = 3_600_000;

/// No report and no collector is called silent before so many hours.
pub const SILENT_AFTER_HOURS: i64 = 48;
/// Logs that must have come before anybody can say what is usual.
const LOGS_TO_KNOW: usize = 3;
/// The hours before the newest log that are compared with what was before.
const RECENT_HOURS: i64 = 24;
/// Of a hundred: what may be lost without a word, and how much more than usual it must be.
const BEARABLE: u64 = 20;
const TIMES_USUAL: u64 = 2;
/// Lines, or failed logs, below which a share says nothing.
const LINES_TO_KNOW: u64 = 100;
const FAILED_TO_KNOW: u64 = 2;

/// A log that came to a continuous report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it was counted, or failed.
    pub at: Timestamp,
    /// Whether it failed as a whole.
    pub failed: bool,
    /// Lines that were read as records.
    pub parsed: u64,
    /// Lines that could not be read.
    pub skipped: u64,
}

/// A report that gets no logs any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// When the last log came.
    pub since: Timestamp,
    /// Whole hours since then.
    pub hours: i64,
    /// The longest time between two logs before, in whole hours.
    pub usual_hours: i64,
}

/// Whether a report is silent: for longer than 48 hours, and than one and a half times the longest time between two
/// logs before. `arrivals` are those of the last 30 days or so, in any order; fewer than three say nothing.
pub fn silence(arrivals: &[Arrival], now: Timestamp) -> Option<Silence> {
    let mut times: Vec<i64> = arrivals.iter().map(|one| one.at.0).collect();
    times.sort_unstable();
    if times.len() < LOGS_TO_KNOW {
        return None;
    }
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
    let last = *times.last()?;
    let quiet = now.0.saturating_sub(last);
    let bearable = (SILENT_AFTER_HOURS * MS_OF_HOUR).max(longest.saturating_add(longest / 2));
    (quiet > bearable).then_some(Silence {
        since: Timestamp(last),
        hours: quiet / MS_OF_HOUR,
        usual_hours: longest / MS_OF_HOUR,
    })
}

/// A report of which much more is lost than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Logs within the 24 hours up to the newest.
    pub logs: u64,
    /// Those of them that failed as a whole.
    pub failed: u64,
    /// Lines that were read as records.
    pub parsed: u64,
    /// Lines that could not be read.
    pub skipped: u64,
    /// Of a hundred logs before, those that failed.
    pub usual_failed: u64,
    /// Of a hundred lines before, those that could not be read.
    pub usual_skipped: u64,
}

/// Whether the logs of the 24 hours up to the newest lose more than 20 of a hundred lines, or fail more often than
/// that, and twice as much as those before. Fewer than 100 lines, or than two failed logs, say nothing; nor does a
/// report that had less than three logs.
pub fn loss(arrivals: &[Arrival]) -> Option<Loss> {
    let newest = arrivals.iter().map(|one| one.at).max()?;
    let from = newest.0.saturating_sub(RECENT_HOURS * MS_OF_HOUR);
    let (recent, before): (Vec<Arrival>, Vec<Arrival>) = arrivals.iter().partition(|one| one.at.0 > from);
    let count =
        |all: &[Arrival], of: fn(&Arrival) -> u64| all.iter().map(of).fold(0_u64, u64::saturating_add);
    let figures = |all: &[Arrival]| {
        let failed = count(all, |one| u64::from(one.failed));
        (all.len() as u64, failed, count(all, |one| one.parsed), count(all, |one| one.skipped))
    };
    let (logs, failed, parsed, skipped) = figures(&recent);
    let (logs_before, failed_before, parsed_before, skipped_before) = figures(&before);
    let share = |part: u64, all: u64| part.saturating_mul(100).checked_div(all).unwrap_or(0);
    let lines = parsed.saturating_add(skipped);
    let usual_failed = share(failed_before, logs_before);
    let usual_skipped = share(skipped_before, parsed_before.saturating_add(skipped_before));
    let jumps = |now: u64, usual: u64| now > BEARABLE.max(usual.saturating_mul(TIMES_USUAL));
    let by_lines = lines >= LINES_TO_KNOW && jumps(share(skipped, lines), usual_skipped);
    let by_logs = failed >= FAILED_TO_KNOW && jumps(share(failed, logs), usual_failed);
    (arrivals.len() >= LOGS_TO_KNOW && (by_lines || by_logs)).then_some(Loss {
        logs,
        failed,
        parsed,
        skipped,
        usual_failed,
        usual_skipped,
    })
}

/// Whether a collector that last had something to send at that time is silent, and for how many hours.
pub fn collector_silence(last_data: Timestamp, now: Timestamp) -> Option<i64> {
    let hours = now.0.saturating_sub(last_data.0) / MS_OF_HOUR;
    (hours >= SILENT_AFTER_HOURS).then_some(hours)
}
