//! Records as they leave: for webhooks in the form of Power Automate's connector, for SIEMs as CEF or as JSON in
//! syslog. Sending them is the binary's work.

pub mod cef;
pub mod flow;
pub mod syslog;
#[cfg(test)]
mod tests;

use casbah_authority::Caller;
use casbah_model::{Activity, Alert, alert_type};
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

/// The name of the kind of an alert, from its record; `ALERT_SUSPICIOUS_ACTIVITY` where it has none of its own.
fn kind_of_alert(record: &Value) -> &'static str {
    let policy = record["policy"]["policyType"].as_str().and_then(alert_type::of_policy);
    let name = |number: Option<i64>| number.and_then(alert_type::name_of);
    name(record["idValue"].as_i64()).or_else(|| name(policy)).unwrap_or("ALERT_SUSPICIOUS_ACTIVITY")
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
