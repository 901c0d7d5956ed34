//! What a caller may set before the first line is read.

/// Milliseconds of a day.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How a file is to be read. Start from [`Options::at`] and change what differs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The time of processing, in milliseconds since 1970 UTC. Decides what is too old or in the future.
    pub now_ms: i64,
    /// Records older than this, in milliseconds, are counted as too old. Default 90 days.
    pub max_age_ms: i64,
    /// Records further ahead than this, in milliseconds, are skipped: a wrong clock. Default 48 hours.
    pub max_ahead_ms: i64,
    /// Offset east of UTC, in minutes, of stamps that name no zone. Default 0.
    pub zone_minutes: i32,
    /// Bytes of one line; a longer line is skipped. Default 64 KiB.
    pub max_line: usize,
    /// Bytes a compressed file may inflate to. Default 50 GiB.
    pub max_inflated: u64,
    /// Bytes out for each byte in of a compressed file, measured over each 64 MiB of output behind the first
    /// 256 MiB, which are free. Default 100: logs reach about 30, a file of zeros about 1,030.
    pub max_ratio: u64,
    /// Distinct users, addresses, destinations and usage rows, each. Records that would need one more are
    /// still counted in the summary, and told as [`crate::Report::unattributed`]. Default 1,000,000.
    pub max_keys: usize,
    /// Threads that read one file. The report is the same for any number. Default 1.
    pub threads: usize,
}

/// Each thread holds its own users, addresses and hosts until the end, and one thread feeds them all: more would take
/// memory and bring little.
const MOST_THREADS: usize = 8;

impl Options {
    /// The defaults, for a file processed at `now_ms` (milliseconds since 1970 UTC).
    pub fn at(now_ms: i64) -> Self {
        Self {
            now_ms,
            max_age_ms: 90 * DAY_MS,
            max_ahead_ms: 2 * DAY_MS,
            zone_minutes: 0,
            max_line: 64 * 1024,
            max_inflated: 50 * 1024 * 1024 * 1024,
            max_ratio: 100,
            max_keys: 1_000_000,
            threads: 1,
        }
    }

    /// The same, with a thread for each core of this machine, up to eight.
    #[must_use]
    pub fn on_all_cores(self) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { threads: cores.min(MOST_THREADS), ..self }
    }
}
