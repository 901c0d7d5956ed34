//! What a tenant tells cloud discovery: weights of the score, its own apps and parsers, what is left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{RecordId, Timestamp};

/// What administrators set for cloud discovery; what is absent has its default.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DiscoverySettings {
    /// How much each part of the score weighs.
    pub weights: ScoreWeights,
    /// Whether logged names are replaced by the sign-in names of the directory's people.
    pub resolve_users: bool,
    /// Whether new data sources and snapshot reports hide user names unless it is said otherwise.
    pub anonymize_by_default: bool,
}

/// How much a factor or a group of factors counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Importance {
    /// Not at all.
    Ignored,
    /// Once.
    Low,
    /// Twice.
    Medium,
    /// Four times.
    High,
    /// Eight times.
    VeryHigh,
}

impl Importance {
    /// All of them, least first.
    pub const ALL: [Importance; 5] =
        [Importance::Ignored, Importance::Low, Importance::Medium, Importance::High, Importance::VeryHigh];

    /// How often it counts.
    pub fn factor(self) -> u32 {
        match self {
            Importance::Ignored => 0,
            Importance::Low => 1,
            Importance::Medium => 2,
            Importance::High => 4,
            Importance::VeryHigh => 8,
        }
    }

    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Importance::Ignored => "ignored",
            Importance::Low => "low",
            Importance::Medium => "medium",
            Importance::High => "high",
            Importance::VeryHigh => "veryHigh",
        }
    }

    /// The one of a name, in any case.
    pub fn find(name: &str) -> Option<Importance> {
        Importance::ALL.into_iter().find(|one| one.name().eq_ignore_ascii_case(name.trim()))
    }
}

/// The groups of the score, and the factors in each.
pub const SCORE_FACTORS: &[(&str, &[&str])] = &[
    ("general", &["founded"]),
    ("security", &["mfa", "saml"]),
    ("compliance", &["soc2", "iso27001", "hipaa", "pciDss", "fedramp"]),
    ("legal", &["gdpr"]),
];

/// How much each part of the score weighs. What is not named weighs as it does by default: the group
/// `compliance` high, the other groups low, every factor medium.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScoreWeights {
    /// By the names of [`SCORE_FACTORS`].
    pub groups: BTreeMap<String, Importance>,
    /// By the names of [`SCORE_FACTORS`].
    pub factors: BTreeMap<String, Importance>,
    /// Leaves out every factor of which nothing is known. Otherwise a claim that every serious vendor makes
    /// counts as 0 while nobody knows of it.
    pub exclude_unknown: bool,
}

impl ScoreWeights {
    /// How much a group weighs.
    pub fn group(&self, name: &str) -> Importance {
        let usual = if name == "compliance" { Importance::High } else { Importance::Low };
        self.groups.get(name).copied().unwrap_or(usual)
    }

    /// How much a factor weighs within its group.
    pub fn factor(&self, name: &str) -> Importance {
        self.factors.get(name).copied().unwrap_or(Importance::Medium)
    }
}

/// An app that a tenant adds to the catalogue.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CustomApp {
    /// 90000 to 99999.
    pub id: i64,
    /// Name for people.
    pub name: String,
    /// What it is.
    pub description: String,
    /// `SAASDB_CATEGORY_…`.
    pub category: String,
    /// Host patterns, in the grammar of the catalogue.
    pub domains: Vec<String>,
    /// Addresses and ranges.
    pub ip_ranges: Vec<String>,
    /// Where it is hosted: a platform's name.
    pub hosting_platform: String,
    /// Subscription of that platform.
    pub subscription_id: String,
    /// Who in the organisation runs it.
    pub business_unit: String,
    /// Risk score, 1 to 10, if somebody has said one.
    pub score: Option<i64>,
    /// Notes.
    pub notes: String,
}

impl CustomApp {
    /// Numbers of custom apps.
    pub const IDS: std::ops::RangeInclusive<i64> = 90_000..=99_999;
}

/// What a tenant says of an app of the catalogue.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppOverride {
    /// The app.
    pub app: i64,
    /// A score instead of the computed one, 1 to 10.
    pub score: Option<i64>,
    /// Notes.
    pub notes: String,
    /// When it was said.
    pub modified: Timestamp,
}

/// A user or an address whose transactions are not counted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exclusion {
    /// Its id.
    pub id: RecordId,
    /// What is left out.
    pub kind: ExclusionKind,
    /// User name in lower case, or address or range.
    pub value: String,
    /// Why.
    pub note: String,
    /// Since when.
    pub created: Timestamp,
    /// Who said so.
    pub created_by: String,
}

/// What an exclusion is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExclusionKind {
    /// A user.
    User,
    /// A client address or a range of them.
    IpAddress,
}

impl ExclusionKind {
    /// Its number in the database and on the wire.
    pub fn number(self) -> i64 {
        match self {
            ExclusionKind::User => 1,
            ExclusionKind::IpAddress => 2,
        }
    }

    /// The kind of a number.
    pub fn from_number(number: i64) -> Option<ExclusionKind> {
        [ExclusionKind::User, ExclusionKind::IpAddress].into_iter().find(|kind| kind.number() == number)
    }
}

/// A destination of no known app.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnmatchedDomain {
    /// Registrable domain, or address where no host is known.
    pub domain: String,
    /// UTC day of the last transaction, in days since 1970; meaningless in a sum.
    pub day: i64,
    /// Transactions.
    pub events: i64,
    /// Bytes of both directions.
    pub total: i64,
    /// First transaction.
    pub first: Timestamp,
    /// Last transaction.
    pub last: Timestamp,
}

/// A parser that a tenant has defined.
#[derive(Clone, Debug)]
pub struct CustomParserRecord {
    /// Its id.
    pub id: RecordId,
    /// Its name; unique within the tenant, without regard to case.
    pub name: String,
    /// The definition, JSON.
    pub definition: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it last changed.
    pub modified: Timestamp,
}

/// A program that sends logs.
#[derive(Clone, Debug)]
pub struct LogCollector {
    /// Its id.
    pub id: RecordId,
    /// Its name; unique within the tenant, without regard to case.
    pub name: String,
    /// What it said of itself: version, receivers, spool, faults.
    pub health: serde_json::Value,
    /// When it first came.
    pub created: Timestamp,
    /// When it last came.
    pub last_seen: Timestamp,
}

/// A list of blocked apps that an appliance fetches.
#[derive(Clone, Debug)]
pub struct BlockList {
    /// Its id.
    pub id: RecordId,
    /// Name for people.
    pub name: String,
    /// Format, as block scripts name them.
    pub format: String,
    /// When it was made.
    pub created: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// When it was last fetched, within an hour.
    pub last_fetched: Option<Timestamp>,
}
