//! Policies: rules that raise alerts.

use serde_json::Value;

use crate::{RecordId, Severity, Timestamp};

/// A rule that raises alerts, as a tenant has it.
#[derive(Clone, Debug)]
pub struct PolicyRecord {
    /// Its id.
    pub id: RecordId,
    /// Key of the built-in policy that it came from; empty for a tenant's own.
    pub template: String,
    /// Name for people; unique within the tenant, without regard to case.
    pub name: String,
    /// What it looks for, for people.
    pub description: String,
    /// Its type, such as `NEW_SERVICE`.
    pub policy_type: String,
    /// Severity of its alerts.
    pub severity: Severity,
    /// Whether it is evaluated.
    pub enabled: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub modified: Timestamp,
    /// What it looks for, in the words of its type; null where a built-in policy is as its template says.
    pub rule: Value,
    /// Risk category of its alerts; none is that of its type.
    pub story: Option<i64>,
    /// Alerts that it raises on one day (UTC), at the most; none is no limit.
    pub daily_limit: Option<i64>,
    /// The webhook that is told of its alerts.
    pub flow: Option<RecordId>,
}
