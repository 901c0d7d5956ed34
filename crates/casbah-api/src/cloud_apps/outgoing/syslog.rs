//! Syslog messages (RFC 5424): what goes before an event.

use casbah_model::{Severity, Timestamp};
use serde_json::Value;

/// *log audit*.
const FACILITY: u8 = 13;
/// Longest host name in a header.
const LONGEST_HOST: usize = 255;

/// What a message is about: the id of its kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// An alert.
    Alert,
    /// An activity.
    Activity,
}

/// A message of one line: `event` in its frame. The time and the weight are those of the record.
pub fn message(subject: Subject, record: &Value, host: &str, event: &str) -> String {
    let at = Timestamp(record["timestamp"].as_i64().unwrap_or_default()).iso();
    let severity = record["severityValue"].as_i64().and_then(Severity::from_number);
    let weight = match (subject, severity) {
        (Subject::Alert, Some(Severity::High)) => 2,
        (Subject::Alert, Some(Severity::Medium)) => 4,
        (Subject::Alert, Some(Severity::Low)) => 5,
        _ => 6,
    };
    let kind = match subject {
        Subject::Alert => "alert",
        Subject::Activity => "activity",
    };
    let host: String = host.chars().filter(char::is_ascii_graphic).take(LONGEST_HOST).collect();
    let host = if host.is_empty() { "-" } else { &host };
    format!("<{}>1 {at} {host} casbah - {kind} - {event}", FACILITY * 8 + weight)
}
