//! What a policy is.

use casbah_model::Severity;
use serde::{Deserialize, Serialize};

use crate::choice::Choice;
use crate::facts::AppFacts;

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
    /// Whether logs still come to continuous reports, and can be read.
    ReportHealth,
}

/// Which apps a policy is about. All that is set must hold; nothing set is every app that is new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Conditions {
    /// Only apps that the stream did not have in the 90 days before.
    pub only_new: bool,
    /// Streams, by id.
    pub streams: Choice,
    /// Apps, by their number in the catalogue as text.
    pub apps: Choice,
    /// Names of apps.
    pub names: Choice,
    /// Texts of which the app's name must contain one; empty is any name.
    pub name_contains: Vec<String>,
    /// Texts of which one of the app's domains must contain one; empty is any.
    pub domain_contains: Vec<String>,
    /// Tags, by name.
    pub tags: Choice,
    /// Categories (`SAASDB_CATEGORY_…`).
    pub categories: Choice,
    /// Risk score below this. An app without a score never meets it.
    pub score_below: Option<u8>,
    /// Risk score of this or more, likewise.
    pub score_at_least: Option<u8>,
    /// Who runs the app.
    pub vendors: Choice,
    /// Where its vendor sits: ISO 3166, two letters.
    pub headquarters: Choice,
    /// Founded in this year or later. An app of which no year is known never meets it.
    pub founded_from: Option<u16>,
    /// Founded in this year or earlier, likewise.
    pub founded_to: Option<u16>,
    /// What the vendor claims: one of these, none of those.
    pub claims: Choice,
    /// What the vendor does not claim: at least one of these, none of those.
    pub missing_claims: Choice,
    /// What must be exceeded, all on the same day.
    pub daily: Thresholds,
}

impl Default for Conditions {
    fn default() -> Conditions {
        let none = Choice::default;
        Conditions {
            // What was stored before known apps could be asked for was about new ones.
            only_new: true,
            streams: none(),
            apps: none(),
            names: none(),
            name_contains: Vec::new(),
            domain_contains: Vec::new(),
            tags: none(),
            categories: none(),
            score_below: None,
            score_at_least: None,
            vendors: none(),
            headquarters: none(),
            founded_from: None,
            founded_to: None,
            claims: none(),
            missing_claims: none(),
            daily: Thresholds::default(),
        }
    }
}

impl Conditions {
    /// Whether the app, as used in that stream, can give a finding at all: all conditions but the daily ones.
    pub fn wants(&self, stream: &str, app: &AppFacts) -> bool {
        let contains = |texts: &[String], found: &[&str]| {
            let has = |text: &String| found.iter().any(|f| f.to_lowercase().contains(&text.to_lowercase()));
            texts.is_empty() || texts.iter().any(has)
        };
        let domains: Vec<&str> = app.domains.iter().map(String::as_str).collect();
        let number = app.app_id.to_string();
        let is_missing = |claim: &&str| !app.claims.iter().any(|one| one.eq_ignore_ascii_case(claim));
        let asked = self.missing_claims.all();
        let missing: Vec<&str> = asked.filter(is_missing).collect();
        (app.newly_seen || !self.only_new)
            && self.streams.admits([stream])
            && self.apps.admits([number.as_str()])
            && self.names.admits([app.name.as_str()])
            && contains(&self.name_contains, &[&app.name])
            && contains(&self.domain_contains, &domains)
            && self.tags.admits(app.tags.iter().map(String::as_str))
            && self.categories.admits([app.category.as_str()])
            && self.score_below.is_none_or(|below| app.score.is_some_and(|score| score < below))
            && self.score_at_least.is_none_or(|least| app.score.is_some_and(|score| score >= least))
            && self.vendors.admits(Some(app.vendor.as_str()).filter(|vendor| !vendor.is_empty()))
            && self.headquarters.admits(app.headquarters.as_deref())
            && self.founded_from.is_none_or(|from| app.founded.is_some_and(|year| year >= from))
            && self.founded_to.is_none_or(|to| app.founded.is_some_and(|year| year <= to))
            && self.claims.admits(app.claims.iter().map(String::as_str))
            && self.missing_claims.admits(missing)
    }
}

/// Amounts of one app on one UTC day; each that is set must be exceeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Thresholds {
    /// Bytes of both directions.
    pub total_bytes_above: Option<u64>,
    /// Bytes uploaded.
    pub uploaded_bytes_above: Option<u64>,
    /// Bytes downloaded.
    pub downloaded_bytes_above: Option<u64>,
    /// Distinct users.
    pub users_above: Option<u64>,
    /// Distinct client addresses.
    pub ips_above: Option<u64>,
    /// Transactions, blocked ones included.
    pub events_above: Option<u64>,
}
