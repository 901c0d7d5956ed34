//! Alerts.

use serde_json::Value;

use crate::{RecordId, Timestamp};

/// How bad.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// 0
    Low,
    /// 1
    Medium,
    /// 2
    High,
    /// 3
    Informational,
}

impl Severity {
    /// The number of `severityValue`.
    pub fn number(self) -> i64 {
        self as i64
    }

    /// The severity of a `severityValue`.
    pub fn from_number(number: i64) -> Option<Severity> {
        [Severity::Low, Severity::Medium, Severity::High, Severity::Informational]
            .into_iter()
            .find(|s| s.number() == number)
    }
}

/// Whether somebody has looked at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AlertStatus {
    /// 0
    Unread,
    /// 1
    Read,
    /// 2: closed
    Archived,
}

impl AlertStatus {
    /// The number of `statusValue`.
    pub fn number(self) -> i64 {
        self as i64
    }

    /// The status of a `statusValue`.
    pub fn from_number(number: i64) -> Option<AlertStatus> {
        [AlertStatus::Unread, AlertStatus::Read, AlertStatus::Archived]
            .into_iter()
            .find(|s| s.number() == number)
    }
}

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resolution {
    /// 0
    Open,
    /// 1, given by an older product; kept for records that are brought in
    Dismissed,
    /// 2, likewise
    Resolved,
    /// 3
    FalsePositive,
    /// 4
    Benign,
    /// 5
    TruePositive,
}

impl Resolution {
    /// The number of `resolutionStatusValue`.
    pub fn number(self) -> i64 {
        self as i64
    }

    /// The resolution of a `resolutionStatusValue`.
    pub fn from_number(number: i64) -> Option<Resolution> {
        use Resolution::{Benign, Dismissed, FalsePositive, Open, Resolved, TruePositive};
        [Open, Dismissed, Resolved, FalsePositive, Benign, TruePositive]
            .into_iter()
            .find(|r| r.number() == number)
    }
}

/// Something an alert is about.
#[derive(Clone, PartialEq, Debug)]
pub struct AlertEntity {
    /// `account`, `user`, `ip`, `country`, `service`, `policyRule`, `discovery_stream`,
    /// `discovery_service`, `discovery_user`, `discovery_ip`, ...
    pub kind: String,
    /// Its id, as text; for a `service` the number of the app.
    pub id: String,
    /// Name for people.
    pub label: String,
    /// Further fields of the wire form, such as `saas`, `inst` or `policyType`.
    pub extra: serde_json::Map<String, Value>,
}

/// Something that a policy found and a person should look at.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Its id.
    pub id: RecordId,
    /// When it was raised.
    pub raised: Timestamp,
    /// Heading.
    pub title: String,
    /// Text for people; plain text.
    pub description: String,
    /// How bad.
    pub severity: Severity,
    /// Whether somebody has looked at it.
    pub status: AlertStatus,
    /// What became of it.
    pub resolution: Resolution,
    /// When it was closed.
    pub resolved: Option<Timestamp>,
    /// What was said on closing.
    pub comment: String,
    /// Number of the reason given on closing.
    pub reason: Option<i64>,
    /// Who closed it.
    pub handled_by: Option<String>,
    /// The policy that raised it.
    pub policy: RecordId,
    /// The policy's name at that time.
    pub policy_name: String,
    /// The policy's type, such as `NEW_SERVICE`.
    pub policy_type: String,
    /// Whether the policy came with the product.
    pub built_in: bool,
    /// Number of the alert type (`idValue`).
    pub alert_type: i64,
    /// Risk categories (`stories`).
    pub stories: Vec<i64>,
    /// Stages of an attack (`intent`).
    pub intent: Vec<i64>,
    /// What it is about.
    pub entities: Vec<AlertEntity>,
    /// Short statements of fact, as the wire has them.
    pub evidence: Vec<Value>,
    /// Correlation id towards other products.
    pub context: crate::Guid,
}
