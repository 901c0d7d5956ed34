//! `casbah discovery apps` and `casbah discovery streams`.

use clap::Args;
use serde_json::{Value, json};

use crate::client::Session;
use crate::client::directory::{items, text};
use crate::client::failure::Failure;
use crate::output::{Cell, Column, Output};

/// Arguments of `casbah discovery apps`.
#[derive(Args, Clone, Debug)]
pub struct AppsArgs {
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

/// `casbah discovery streams` takes no arguments of its own.
#[derive(Args, Clone, Debug)]
pub struct StreamsArgs {}

/// A discovered app in a table.
pub const APPS: &[Column] = &[
    Column::text("App", "name", "/name"),
    Column::text("Category", "category", "/categoryName"),
    Column::new("Score", "score", "/score", Cell::Count),
    Column::new("Users", "users", "/usersCount", Cell::Count),
    Column::new("Traffic", "trafficTotalBytes", "/trafficTotalBytes", Cell::Bytes),
    Column::new("Uploaded", "trafficUploadedBytes", "/trafficUploadedBytes", Cell::Bytes),
    Column::new("Transactions", "trafficTotalEvents", "/trafficTotalEvents", Cell::Count),
    Column::new("Last seen", "lastUsed", "/lastUsed", Cell::Time),
    Column::text("App id", "appId", "/appId"),
];

const STREAMS: &[Column] = &[
    Column::text("Stream", "displayName", "/displayName"),
    Column::new(
        "Kind",
        "streamType",
        "/streamType",
        Cell::Word(&["", "continuous", "", "view", "", "snapshot"]),
    ),
    Column::new("Last data", "lastDataReceived", "/lastDataReceived", Cell::Time),
    Column::new("Logs", "logFilesHistoryCount", "/logFilesHistoryCount", Cell::Count),
    Column::new("Refused", "logFilesFailsCount", "/logFilesFailsCount", Cell::Count),
    Column::text("Id", "id", "/_id"),
];

const PAGE: usize = 100;

/// Lists the apps of a stream.
pub fn list_apps(session: &Session, output: &Output, arguments: &AppsArgs) -> Result<(), Failure> {
    let stream = find_stream(session, &arguments.stream)?;
    let apps = discovered_apps(session, &stream, arguments.days, arguments.limit)?;
    output.list(APPS, &apps)
}

/// The id of a stream, by name or id.
pub fn find_stream(session: &Session, wanted: &str) -> Result<String, Failure> {
    let streams = streams(session)?;
    let mut found = streams.iter();
    let found =
        found.find(|s| text(s, "_id") == wanted || text(s, "displayName").eq_ignore_ascii_case(wanted));
    found.map(|stream| text(stream, "_id").to_string()).ok_or_else(|| {
        Failure::not_found(format!("there is no stream {wanted}; see `casbah discovery streams`"))
    })
}

/// Lists the streams.
pub fn list_streams(session: &Session, output: &Output) -> Result<(), Failure> {
    output.list(STREAMS, &streams(session)?)
}

/// All streams.
pub fn streams(session: &Session) -> Result<Vec<Value>, Failure> {
    Ok(items(&session.api("GET", "/api/discovery/streams/", None)?, "streams").to_vec())
}

/// The apps of a stream with the most traffic.
pub fn discovered_apps(
    session: &Session,
    stream: &str,
    days: u32,
    limit: usize,
) -> Result<Vec<Value>, Failure> {
    let mut apps = Vec::new();
    while apps.len() < limit {
        let body = json!({ "streamId": stream, "timeframe": days, "skip": apps.len(), "limit": PAGE.min(limit - apps.len()),
            "sortField": "trafficTotalBytes", "sortDirection": "desc" });
        let page = session.api("POST", "/api/v1/discovery/discovered_apps/", Some(&body))?;
        let records = items(&page, "data");
        apps.extend(records.iter().cloned().map(with_category_name));
        if records.is_empty() || page.get("hasNext").and_then(Value::as_bool) != Some(true) {
            break;
        }
    }
    Ok(apps)
}

/// `SAASDB_CATEGORY_CLOUD_STORAGE` reads better as `cloud storage`.
pub fn with_category_name(mut app: Value) -> Value {
    let name = text(&app, "category").trim_start_matches("SAASDB_CATEGORY_").replace('_', " ").to_lowercase();
    app["categoryName"] = name.into();
    app
}
