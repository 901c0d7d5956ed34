//! What a policy found.

use casbah_model::Severity;
use serde::Serialize;

/// Something to tell a person about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The policy that found it.
    pub policy_id: String,
    /// The app it is about.
    pub app_id: u32,
    /// The app's name.
    pub app_name: String,
    /// The app's category.
    pub category: String,
    /// The app's risk score.
    pub score: Option<u8>,
    /// One line.
    pub title: String,
    /// A few sentences: what was seen, and why it matters.
    pub description: String,
    /// What it rests on.
    pub evidence: Evidence,
    /// How bad it is.
    #[serde(with = "crate::severity")]
    pub severity: Severity,
}

/// The day that met the policy's conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// Days since 1970-01-01, UTC.
    pub day: i32,
    /// Transactions that day.
    pub events: u64,
    /// Bytes of both directions.
    pub total_bytes: u64,
    /// Bytes uploaded.
    pub uploaded_bytes: u64,
    /// Distinct users.
    pub users: u64,
    /// Their names, sorted, the first 100.
    pub user_names: Vec<String>,
    /// Client addresses, sorted, the first 100.
    pub ips: Vec<String>,
}
