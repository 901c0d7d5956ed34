//! Records as they leave: for webhooks in the form of Power Automate's connector, for SIEMs as CEF or as JSON in
//! syslog. Sending them is the binary's work.

pub mod cef;
pub mod flow;
pub mod syslog;
#[cfg(test)]
mod tests;

use casbah_authority::Caller;
use casbah_model::{Activity, Alert};
use casbah_service::{Error, Service};
use serde_json::Value;

use super::{activities, alerts};

/// The records of alerts, as the API has them.
///
/// # Errors
/// When the database fails.
pub async fn alert_records(service: &Service, caller: &Caller, found: &[Alert]) -> Result<Vec<Value>, Error> {
    alerts::views(service, caller, found).await
}

/// The records of activities, as the API has them.
///
/// # Errors
/// When the database fails.
pub async fn activity_records(
    service: &Service,
    caller: &Caller,
    found: &[Activity],
) -> Result<Vec<Value>, Error> {
    activities::views(service, caller, found).await
}

/// Names of the detections that have one, by the number of their alerts; after Microsoft's pages on its SIEM agent.
const DETECTIONS: &[(i64, &str)] = &[
    (15_859_716, "ALERT_ANUBIS_DETECTION_VELOCITY"),
    (15_859_717, "ALERT_ANUBIS_DETECTION_RISKY_IP_ANONYMOUS"),
    (15_859_719, "ALERT_ADMIN_USER"),
    (15_859_721, "ALERT_ANUBIS_DETECTION_REPEATED_ACTIVITY_FAILED_LOGIN"),
];
/// The same for policies, by their type.
const POLICIES: &[(&str, &str)] = &[
    ("AUDIT", "ALERT_CABINET_EVENT_MATCH_AUDIT"),
    ("FILE", "ALERT_CABINET_EVENT_MATCH_FILE"),
    ("INLINE", "ALERT_CABINET_INLINE_EVENT_MATCH"),
    ("NEW_SERVICE", "ALERT_CABINET_DISCOVERY_NEW_SERVICE"),
    ("ANOMALY_DISCOVERY", "ALERT_DISCOVERY_ANOMALY_DETECTION"),
    ("APP_PERMISSION", "ALERT_CABINET_APP_PERMISSION"),
];

/// The name of the kind of an alert, from its record; `ALERT_SUSPICIOUS_ACTIVITY` where it has none of its own.
fn kind_of_alert(record: &Value) -> &'static str {
    let number = record["idValue"].as_i64();
    let policy = record["policy"]["policyType"].as_str().unwrap_or_default();
    let detection = DETECTIONS.iter().find(|(known, _)| Some(*known) == number).map(|(_, name)| *name);
    let policy = POLICIES.iter().find(|(known, _)| *known == policy).map(|(_, name)| *name);
    detection.or(policy).unwrap_or("ALERT_SUSPICIOUS_ACTIVITY")
}

/// The entities of an alert of one of these kinds.
fn entities<'a>(record: &'a Value, kinds: &'a [&str]) -> impl Iterator<Item = &'a Value> {
    let all = record["entities"].as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter(move |entity| entity["type"].as_str().is_some_and(|kind| kinds.contains(&kind)))
}

/// The labels of those entities, each once.
fn labels<'a>(record: &'a Value, kinds: &'a [&str]) -> Vec<&'a str> {
    let mut labels: Vec<&str> = Vec::new();
    for label in entities(record, kinds).filter_map(|entity| entity["label"].as_str()) {
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    labels
}

const PEOPLE: &[&str] = &["account", "user", "discovery_user"];
const APPS: &[&str] = &["service", "discovery_service"];
const ADDRESSES: &[&str] = &["ip", "discovery_ip"];
