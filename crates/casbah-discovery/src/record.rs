//! One line, read.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::Serialize;

/// One use of something outside, as one line tells it. Borrows from the line.
#[derive(Clone, Debug, PartialEq)]
pub struct Record<'l> {
    /// Milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// The address of the person's machine.
    pub client: IpAddr,
    /// The name as logged; `None` when the device did not know it.
    pub user: Option<Cow<'l, str>>,
    /// Where the traffic went.
    pub destination: Destination<'l>,
    /// The path of the URL, starting with `/`, without query, where the device logs one.
    pub path: Option<Cow<'l, str>>,
    /// Bytes from the client to the server.
    pub up: Option<u64>,
    /// Bytes from the server to the client.
    pub down: Option<u64>,
    /// Both directions together. Never split; ignored where both parts are known.
    pub total: Option<u64>,
    /// Whether the device refused it.
    pub blocked: bool,
    /// The device's own name for the application (Palo Alto App-ID).
    pub application: Option<Cow<'l, str>>,
    /// How this line relates to the other lines of its session.
    pub(crate) view: View,
}

impl Record<'_> {
    /// Bytes of both directions: the parts where both are known, else the total, else what there is.
    pub fn bytes(&self) -> u64 {
        match (self.up, self.down, self.total) {
            (Some(up), Some(down), _) => up.saturating_add(down),
            (_, _, Some(total)) => total,
            (up, down, None) => up.unwrap_or(0).saturating_add(down.unwrap_or(0)),
        }
    }

    pub(crate) fn into_owned(self) -> Record<'static> {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Record {
            time_ms: self.time_ms,
            client: self.client,
            user: own(self.user),
            destination: match self.destination {
                Destination::Host(host) => Destination::Host(Cow::Owned(host.into_owned())),
                Destination::Ip(ip) => Destination::Ip(ip),
            },
            path: own(self.path),
            up: self.up,
            down: self.down,
            total: self.total,
            blocked: self.blocked,
            application: own(self.application),
            view: self.view,
        }
    }
}

/// Where traffic went: a name where the line has one, else an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination<'l> {
    /// Lower case, punycode, no port, no final dot.
    Host(Cow<'l, str>),
    /// The line has an address only.
    Ip(IpAddr),
}

/// A device and one of its session numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SessionKey {
    pub(crate) device: u64,
    pub(crate) session: u64,
}

/// Some devices write several lines about one session; only one of them may count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// The line stands for itself.
    Whole,
    /// The end of a session, told with its bytes; without a key where the device numbers no sessions.
    End(Option<SessionKey>),
    /// The start of a session: counts only in a file that has no ends.
    Start,
    /// A request seen inside a session: lends its host to the end, counts alone where no end comes.
    Request(SessionKey),
    /// A request that counts; the sum of its session then does not.
    Part(SessionKey),
    /// The sum of a session: counts only where none of its parts is told.
    Sum(SessionKey),
}

/// Why a line was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum SkipReason {
    /// No time, or one that cannot be read.
    Timestamp,
    /// No valid client address.
    SourceIp,
    /// No valid destination.
    Destination,
    /// Not the shape of the format: cut off, or foreign text.
    FieldCount,
    /// Bytes that are neither UTF-8 nor Windows-1252.
    Encoding,
    /// Longer than [`crate::Options::max_line`].
    TooLong,
    /// More than [`crate::Options::max_ahead_ms`] ahead of the time of processing.
    Future,
}
