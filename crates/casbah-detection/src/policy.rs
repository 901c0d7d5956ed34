//! What a policy is.

use casbah_model::Severity;
use serde::{Deserialize, Serialize};

/// A rule that raises findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Stable; built-in ones have words, tenants' own may have anything.
    pub id: String,
    /// As shown.
    pub name: String,
    /// What it is for, in a sentence.
    pub description: String,
    /// What it looks at.
    pub kind: PolicyKind,
    /// How bad its findings are.
    #[serde(with = "crate::severity")]
    pub severity: Severity,
    /// Which apps, and how much use of them.
    pub conditions: Conditions,
    /// Whether it is evaluated at all.
    pub enabled: bool,
}

/// What a policy looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicyKind {
    /// Apps that appear in a continuous stream of discovery logs.
    AppDiscovery,
    /// Secrets and certificates of applications that are about to end.
    CredentialExpiry,
}

/// Which apps a policy is about. All that is set must hold; nothing set is every app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Conditions {
    /// Risk score below this. An app without a score never meets it.
    pub score_below: Option<u8>,
    /// One of these categories (`SAASDB_CATEGORY_…`); empty is any.
    pub categories: Vec<String>,
    /// What must be exceeded, all on the same day.
    pub daily: Thresholds,
}

/// Amounts of one app on one UTC day; each that is set must be exceeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Thresholds {
    /// Bytes of both directions.
    pub total_bytes_above: Option<u64>,
    /// Bytes uploaded.
    pub uploaded_bytes_above: Option<u64>,
    /// Distinct users.
    pub users_above: Option<u64>,
}
