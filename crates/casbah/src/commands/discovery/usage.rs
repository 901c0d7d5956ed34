//! `casbah discovery usage` and `casbah discovery summary`.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::apps::{APPS, find_stream, with_category_name};
use crate::client::Session;
use crate::client::directory::items;
use crate::client::failure::Failure;
use crate::output::{Cell, Column, Format, Output};

/// Arguments of `casbah discovery usage`.
#[derive(Args, Clone, Debug)]
pub struct UsageArgs {
    /// What to sum up by
    #[arg(long, value_enum, default_value_t = By::User)]
    by: By,
    /// Only this app, by its number
    #[arg(long, value_name = "APP-ID")]
    app: Option<u32>,
    /// Only what this user did
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only what was done from this client address
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// Stream or snapshot report, by name or id
    #[arg(long, value_name = "NAME", default_value = "Global View")]
    stream: String,
    /// Days to look back: 7, 30 or 90
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    days: u32,
    /// At most so many, those with the most traffic first
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// Arguments of `casbah discovery summary`.
#[derive(Args, Clone, Debug)]
pub struct SummaryArgs {
    /// Stream or snapshot report, by name or id
    #[arg(long, value_name = "NAME", default_value = "Global View")]
    stream: String,
    /// Days to look back: 7, 30 or 90
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    days: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum By {
    User,
    Address,
    Day,
}

const TRAFFIC: Column = Column::new("Traffic", "trafficTotalBytes", "/trafficTotalBytes", Cell::Bytes);
const UPLOADED: Column =
    Column::new("Uploaded", "trafficUploadedBytes", "/trafficUploadedBytes", Cell::Bytes);
const EVENTS: Column = Column::new("Transactions", "trafficTotalEvents", "/trafficTotalEvents", Cell::Count);
const BLOCKED: Column = Column::new("Blocked", "trafficBlockedEvents", "/trafficBlockedEvents", Cell::Count);
const APPS_COUNT: Column = Column::new("Apps", "appsCount", "/appsCount", Cell::Count);
const USERS: Column = Column::new("Users", "usersCount", "/usersCount", Cell::Count);
const ADDRESSES: Column = Column::new("Addresses", "ipAddressesCount", "/ipAddressesCount", Cell::Count);
const LAST: Column = Column::new("Last seen", "lastSeen", "/lastSeen", Cell::Time);

const CATEGORIES: &[Column] =
    &[Column::text("Category", "id", "/categoryName"), APPS_COUNT, TRAFFIC, UPLOADED, EVENTS, BLOCKED];

const PAGE: usize = 100;

/// Lists usage by user, address or day.
pub fn list_usage(session: &Session, output: &Output, arguments: &UsageArgs) -> Result<(), Failure> {
    let stream = find_stream(session, &arguments.stream)?;
    let (path, columns): (_, &[Column]) = match arguments.by {
        By::User => (
            "app_users",
            &[
                Column::text("User", "userName", "/userName"),
                APPS_COUNT,
                ADDRESSES,
                TRAFFIC,
                UPLOADED,
                EVENTS,
                BLOCKED,
                LAST,
            ],
        ),
        By::Address => (
            "app_ip_addresses",
            &[
                Column::text("Address", "ipAddress", "/ipAddress"),
                APPS_COUNT,
                USERS,
                TRAFFIC,
                UPLOADED,
                EVENTS,
                BLOCKED,
                LAST,
            ],
        ),
        By::Day => (
            "app_days",
            &[
                Column::text("Day", "day", "/day"),
                APPS_COUNT,
                USERS,
                ADDRESSES,
                TRAFFIC,
                UPLOADED,
                EVENTS,
                BLOCKED,
            ],
        ),
    };
    let sort = if arguments.by == By::Day { "name" } else { "trafficTotalBytes" };
    let mut rows = Vec::new();
    while rows.len() < arguments.limit {
        let body = json!({ "streamId": stream, "timeframe": arguments.days, "appId": arguments.app,
            "userName": arguments.user, "ipAddress": arguments.ip, "sortField": sort,
            "skip": rows.len(), "limit": PAGE.min(arguments.limit - rows.len()) });
        let page = session.api("POST", &format!("/api/v1/discovery/{path}/"), Some(&body))?;
        let records = items(&page, "data");
        rows.extend_from_slice(records);
        if records.is_empty() || page.get("hasNext").and_then(Value::as_bool) != Some(true) {
            break;
        }
    }
    output.list(columns, &rows)
}

/// Shows a stream in one look; as JSON, all that the API says of it.
pub fn show_summary(session: &Session, output: &Output, arguments: &SummaryArgs) -> Result<(), Failure> {
    let stream = find_stream(session, &arguments.stream)?;
    let body = json!({ "streamId": stream, "timeframe": arguments.days });
    let summary = session.api("POST", "/api/v1/discovery/summary/", Some(&body))?;
    const TOTALS: &[Column] = &[
        APPS_COUNT,
        USERS,
        ADDRESSES,
        TRAFFIC,
        UPLOADED,
        EVENTS,
        BLOCKED,
        Column::new("High risk", "highRisk", "/risk/high/appsCount", Cell::Count),
        Column::new("Medium risk", "mediumRisk", "/risk/medium/appsCount", Cell::Count),
        Column::new("Low risk", "lowRisk", "/risk/low/appsCount", Cell::Count),
        LAST,
    ];
    output.record(TOTALS, &summary)?;
    if matches!(output.format(), Some(Format::Json | Format::Jsonl | Format::Csv)) {
        return Ok(());
    }
    let named = |list: &str, field: &'static str| -> Vec<Value> {
        let records = items(&summary, list).iter().cloned();
        records
            .map(|mut record| {
                record["category"] = record[field].clone();
                with_category_name(record)
            })
            .collect()
    };
    crate::output::write("\n")?;
    output.list(CATEGORIES, &named("categories", "id"))?;
    crate::output::write("\n")?;
    output.list(APPS, &named("topApps", "category"))
}
