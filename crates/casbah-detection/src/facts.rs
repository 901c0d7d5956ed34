//! What a policy needs to know about the use of an app.

/// One app in one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AppFacts {
    /// The app's id in the catalogue.
    pub app_id: u32,
    /// Its name.
    pub name: String,
    /// Its category, `SAASDB_CATEGORY_…`.
    pub category: String,
    /// Its risk score, 1 (most risk) to 10; `None` where it has none.
    pub score: Option<u8>,
    /// Who runs it; empty where nobody knows.
    pub vendor: String,
    /// Where the vendor sits: ISO 3166, two letters.
    pub headquarters: Option<String>,
    /// Year.
    pub founded: Option<u16>,
    /// Its host patterns.
    pub domains: Vec<String>,
    /// Names of the tags that it bears.
    pub tags: Vec<String>,
    /// What its vendor claims.
    pub claims: Vec<String>,
    /// Whether the stream had no use of it in the 90 days before `days`.
    pub newly_seen: bool,
    /// Its use, a day each, in any order.
    pub days: Vec<DayFacts>,
}

/// The use of an app on one day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayFacts {
    /// Days since 1970-01-01, UTC.
    pub day: i32,
    /// Transactions, blocked ones included.
    pub events: u64,
    /// Bytes of both directions.
    pub total: u64,
    /// Bytes uploaded.
    pub up: u64,
    /// Bytes downloaded.
    pub down: u64,
    /// Distinct users; empty where the source knows none.
    pub users: Vec<String>,
    /// Distinct client addresses.
    pub ips: Vec<String>,
}
