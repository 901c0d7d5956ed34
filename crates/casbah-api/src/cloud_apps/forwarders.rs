//! What webhooks and SIEM agents have in common: which records they send, and how they are doing.

use casbah_model::filter::{ActivityField, AlertField};
use casbah_model::{Chosen, Forwarder};
use serde_json::{Map, Value, json};

use super::{activities, alerts};
use crate::describe::{Property, Shape, has};
use crate::filters::{self, Field};
use crate::parameters::Parameters;
use crate::problem::Problem;
use casbah_model::Timestamp;

/// How a forwarder is doing.
pub(super) const SENT: Property = has("sent", Shape::Integer, "Records that its receiver took.");
pub(super) const DROPPED: Property =
    has("dropped", Shape::Integer, "Records that were given up, or that could not be sent at all.");
pub(super) const WAITING: Property = has("waiting", Shape::Integer, "Records that wait to be sent.");
pub(super) const OLDEST: Property = has(
    "oldestWaiting",
    Shape::Nullable(&Shape::Time),
    "When the oldest record that waits was raised, or happened.",
);
pub(super) const LAST_SENT: Property =
    has("lastSent", Shape::Nullable(&Shape::Time), "When its receiver last took something.");
pub(super) const FAILURES: Property =
    has("failures", Shape::Integer, "Attempts that have failed one after the other.");
pub(super) const LAST_ERROR: Property =
    has("lastError", Shape::Nullable(&Shape::Text), "Why the last attempt failed; null when it did not.");
pub(super) const LAST_ERROR_AT: Property =
    has("lastErrorAt", Shape::Nullable(&Shape::Time), "When an attempt last failed.");
pub(super) const NEXT_ATTEMPT: Property = has(
    "nextAttempt",
    Shape::Nullable(&Shape::Time),
    "When it tries again; null unless the last one failed.",
);

/// The same, of a forwarder.
pub(super) fn health(one: &Forwarder) -> Map<String, Value> {
    let health = &one.health;
    let oldest = [health.oldest_alert, health.oldest_activity].into_iter().flatten().min();
    let failing = health.last_error.is_some();
    let told = json!({
        "sent": health.sent,
        "dropped": health.dropped,
        "waiting": health.waiting,
        "oldestWaiting": oldest,
        "lastSent": health.last_sent,
        "failures": health.failures,
        "lastError": health.last_error,
        "lastErrorAt": health.last_error_at,
        "nextAttempt": failing.then_some(health.retry_at),
    });
    match told {
        Value::Object(told) => told,
        _ => Map::new(),
    }
}

/// Reads which alerts are to be sent. They are sent as they are raised, so their times say nothing.
pub(super) fn alerts(
    parameters: &Parameters,
    name: &str,
    now: Timestamp,
) -> Result<Chosen<AlertField>, Problem> {
    use AlertField::{Raised, Resolved};
    let usable = |field: &&Field<AlertField>| !matches!(field.field, Raised | Resolved);
    let fields: Vec<_> = alerts::fields::FIELDS.iter().filter(usable).copied().collect();
    let given = filters::named(parameters, name)?;
    let conditions = filters::parse(&given, &fields, now)?;
    Ok(Chosen { filters: Value::Object(given), conditions })
}

/// Reads which activities are to be sent. They are sent as they arrive, so their times say nothing; and what no
/// activity has would never match.
pub(super) fn activities(
    parameters: &Parameters,
    name: &str,
    now: Timestamp,
) -> Result<Chosen<ActivityField>, Problem> {
    use ActivityField::{Absent, At, Created, False, Place};
    let usable =
        |field: &&Field<ActivityField>| !matches!(field.field, Absent | At | Created | False | Place);
    let fields: Vec<_> = activities::fields::FIELDS.iter().filter(usable).copied().collect();
    let given = filters::named(parameters, name)?;
    let conditions = filters::parse(&given, &fields, now)?;
    Ok(Chosen { filters: Value::Object(given), conditions })
}
