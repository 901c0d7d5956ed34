//! Where records are sent as they arrive: webhooks, and the syslog receivers of SIEMs.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::filter::{ActivityField, AlertField, Condition};
use crate::{RecordId, Timestamp};

/// How an event is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventFormat {
    /// ArcSight's Common Event Format, as Microsoft's SIEM agent writes it.
    Cef,
    /// The record of the API, in a syslog message of RFC 5424.
    Json,
}

/// How syslog gets to its receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyslogTransport {
    /// One message a datagram (RFC 5426); nobody knows whether it arrives.
    Udp,
    /// Counted octets (RFC 6587).
    Tcp,
    /// The same within TLS (RFC 5425).
    Tls,
}

/// A syslog receiver.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyslogReceiver {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How to get there.
    pub transport: SyslogTransport,
    /// How events are written.
    pub format: EventFormat,
    /// PEM text of authorities that its certificate is checked against, instead of the system's.
    pub authority: Option<String>,
}

/// What kind of receiver a forwarder has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outlet {
    /// An address that takes each alert by POST.
    Webhook {
        /// Its origin, for people: the rest of the address may be a secret, and is sealed.
        origin: String,
    },
    /// A SIEM.
    Syslog(SyslogReceiver),
}

/// Which records of one kind are sent.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Chosen<F> {
    /// The filters as they were written.
    pub filters: Value,
    /// What they come to; all records when there are none.
    pub conditions: Vec<Condition<F>>,
}

/// Something that sends records to a receiver as they arrive.
#[derive(Clone, Debug)]
pub struct Forwarder {
    /// Its id.
    pub id: RecordId,
    /// Name for people.
    pub name: String,
    /// Where to.
    pub outlet: Outlet,
    /// Its secrets, sealed; none when there are none.
    pub sealed: Option<Vec<u8>>,
    /// Which alerts are sent; none for no alerts.
    pub alerts: Option<Chosen<AlertField>>,
    /// Which activities are sent; none for no activities.
    pub activities: Option<Chosen<ActivityField>>,
    /// Whether it sends.
    pub enabled: bool,
    /// When it was made.
    pub created: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub modified: Timestamp,
    /// How it is doing.
    pub health: ForwarderHealth,
}

/// How a forwarder is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ForwarderHealth {
    /// When its receiver last took something.
    pub last_sent: Option<Timestamp>,
    /// Records that it has sent.
    pub sent: i64,
    /// Records that it gave up, or could not send at all.
    pub dropped: i64,
    /// Why the last attempt that failed did; stays until one succeeds.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<Timestamp>,
    /// Attempts that have failed one after the other.
    pub failures: i64,
    /// It does not try before.
    pub retry_at: Timestamp,
    /// Records that wait.
    pub waiting: i64,
    /// When the oldest alert and the oldest activity that wait were raised and happened.
    pub oldest_alert: Option<Timestamp>,
    /// See there.
    pub oldest_activity: Option<Timestamp>,
}
