//! What one file says, counted.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::catalogue::AppId;
use crate::notices::Notice;
use crate::record::SkipReason;

/// All that is known from one file.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The file in one row.
    pub summary: Summary,
    /// Lines by what became of them, with reasons.
    pub accounting: Accounting,
    /// One row a destination, by name.
    pub destinations: Vec<DestinationRow>,
    /// One row for each day, app, user and client address; ordered by these.
    pub usage: Vec<UsageRow>,
    /// Destinations of no known app, by registrable domain.
    pub unmatched: Vec<UnmatchedRow>,
    /// The first refused lines of each reason.
    pub refused: Vec<Refused>,
    /// What the person who uploaded this should know.
    pub notices: Vec<Notice>,
    /// Records counted in the summary but in no row, because a limit on distinct keys was reached. While this
    /// is 0, everything is exact; otherwise counts of distinct things are lower bounds.
    pub unattributed: u64,
    /// Whether any record names a user. Client addresses are always there.
    pub has_users: bool,
    /// The kinds of traffic seen.
    pub traffic_kinds: Vec<TrafficKind>,
}

impl Report {
    /// The kinds of entity seen, as the API numbers them: 1 user name, 2 IP address.
    pub fn entity_kinds(&self) -> Vec<u8> {
        if self.has_users { vec![1, 2] } else { vec![2] }
    }
}

/// What a device counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrafficKind {
    /// Bytes of both directions.
    Total,
    /// Bytes to the client.
    Downloaded,
    /// Bytes from the client.
    Uploaded,
}

impl TrafficKind {
    /// The number the API uses.
    pub fn number(self) -> u8 {
        match self {
            Self::Total => 1,
            Self::Downloaded => 2,
            Self::Uploaded => 3,
        }
    }
}

impl Serialize for TrafficKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

/// The figures of one file. `lines = parsed + skipped + ignored + tooOld`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// The source name.
    pub source: String,
    /// All lines.
    pub lines: u64,
    /// Lines that gave a transaction.
    pub parsed: u64,
    /// Damaged or foreign lines.
    pub skipped: u64,
    /// Headers, comments, blank lines and sound lines that are no transaction.
    pub ignored: u64,
    /// Transactions older than the limit.
    pub too_old: u64,
    /// Distinct users, compared without case.
    pub users: u64,
    /// Distinct client addresses.
    pub client_ips: u64,
    /// Distinct destinations.
    pub dest_hosts: u64,
    /// Bytes from clients.
    pub bytes_up: u64,
    /// Bytes to clients.
    pub bytes_down: u64,
    /// Bytes of both directions.
    pub bytes_total: u64,
    /// Refused transactions.
    pub blocked: u64,
    /// Time of the oldest transaction, RFC 3339 in UTC, whole seconds.
    pub first_seen: Option<String>,
    /// Time of the newest transaction.
    pub last_seen: Option<String>,
}

/// Lines by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accounting {
    /// All lines read.
    pub lines: u64,
    /// Lines that gave a transaction.
    pub parsed: u64,
    /// Refused lines, by reason.
    pub skipped: Skipped,
    /// Headers, comments, blank lines and sound lines that are no transaction.
    pub ignored: u64,
    /// Transactions older than the limit.
    pub too_old: u64,
}

/// Refused lines by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)] // Described at `SkipReason`.
pub struct Skipped {
    pub timestamp: u64,
    pub source_ip: u64,
    pub destination: u64,
    pub field_count: u64,
    pub encoding: u64,
    pub too_long: u64,
    pub future: u64,
}

impl Skipped {
    pub(crate) fn add(&mut self, reason: SkipReason) {
        *match reason {
            SkipReason::Timestamp => &mut self.timestamp,
            SkipReason::SourceIp => &mut self.source_ip,
            SkipReason::Destination => &mut self.destination,
            SkipReason::FieldCount => &mut self.field_count,
            SkipReason::Encoding => &mut self.encoding,
            SkipReason::TooLong => &mut self.too_long,
            SkipReason::Future => &mut self.future,
        } += 1;
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        self.timestamp += other.timestamp;
        self.source_ip += other.source_ip;
        self.destination += other.destination;
        self.field_count += other.field_count;
        self.encoding += other.encoding;
        self.too_long += other.too_long;
        self.future += other.future;
    }

    /// All refused lines.
    pub fn total(&self) -> u64 {
        let Self { timestamp, source_ip, destination, field_count, encoding, too_long, future } = self;
        timestamp + source_ip + destination + field_count + encoding + too_long + future
    }
}

/// A refused line: where, why, and what it says as far as that may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Counted from 1.
    pub line: u64,
    /// Why it was refused.
    pub reason: SkipReason,
    /// The line, with people, query strings and secrets masked and controls escaped.
    pub example: String,
}

/// What went to one destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DestinationRow {
    /// Host, or address where no host is known.
    pub dest: String,
    /// The app it belongs to, as far as host or address tell.
    pub app_id: Option<AppId>,
    /// Transactions, blocked ones included.
    pub transactions: u64,
    /// Distinct users.
    pub users: u64,
    /// Distinct client addresses.
    pub client_ips: u64,
    /// Bytes from clients.
    pub bytes_up: u64,
    /// Bytes to clients.
    pub bytes_down: u64,
    /// Bytes of both directions.
    pub bytes_total: u64,
    /// Refused transactions.
    pub blocked: u64,
}

/// What one user at one address did with one app on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UsageRow {
    /// Days since 1970-01-01, UTC.
    pub day: u32,
    /// The app.
    pub app: AppId,
    /// As first logged in this file; `None` where the device did not know.
    pub user: Option<Arc<str>>,
    /// Client address.
    pub client_ip: IpAddr,
    /// Transactions, blocked ones included.
    pub events: u64,
    /// Refused transactions.
    pub blocked: u64,
    /// Bytes from the client.
    pub up: u64,
    /// Bytes to the client.
    pub down: u64,
    /// Bytes of both directions.
    pub total: u64,
    /// Time of the first transaction, milliseconds since 1970 UTC.
    pub first_ms: i64,
    /// Time of the last.
    pub last_ms: i64,
}

/// What went to a destination of no known app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UnmatchedRow {
    /// Registrable domain, or address where no host is known.
    pub domain: String,
    /// Transactions.
    pub events: u64,
    /// Bytes of both directions.
    pub total: u64,
    /// Time of the first transaction with its hosts, milliseconds since 1970 UTC.
    pub first_ms: i64,
    /// Time of the last.
    pub last_ms: i64,
}
