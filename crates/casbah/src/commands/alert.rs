//! `casbah alert`: list, read and close alerts.

use clap::{Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, items};
use crate::client::failure::Failure;
use crate::output::{Cell, Column};

/// What can be done with alerts.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List alerts, the newest first
    List(ListArgs),
    /// Show one alert
    Show {
        /// Id of the alert
        id: String,
    },
    /// Close alerts
    Close(CloseArgs),
    /// Mark alerts as read
    Read {
        /// Ids of the alerts
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Mark alerts as unread
    Unread {
        /// Ids of the alerts
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// Arguments of `casbah alert list`.
#[derive(clap::Args, Clone, Debug)]
pub struct ListArgs {
    /// Only open alerts
    #[arg(long)]
    open: bool,
    /// Only alerts that nobody has read
    #[arg(long)]
    unread: bool,
    /// Only this severity; may be repeated
    #[arg(long = "severity", value_name = "SEVERITY", value_enum)]
    severities: Vec<Severity>,
    /// Further filters as the API takes them: {"entity.policy": {"eq": "…"}}
    #[arg(long, value_name = "JSON")]
    filters: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// Arguments of `casbah alert close`.
#[derive(clap::Args, Clone, Debug)]
pub struct CloseArgs {
    /// Ids of the alerts
    #[arg(required = true)]
    ids: Vec<String>,
    /// What the alert turned out to be
    #[arg(long, value_enum)]
    outcome: Outcome,
    /// Why
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    /// Number of the reason: benign 2, 4, 5 or 6; false positive 0, 1, 3 or 4
    #[arg(long, value_name = "NUMBER")]
    reason: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Severity {
    Low,
    Medium,
    High,
    Informational,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Outcome {
    /// It was what it looked like
    TruePositive,
    /// Nothing of the kind had happened
    FalsePositive,
    /// It had happened and was harmless
    Benign,
}

const SEVERITY: Cell = Cell::Word(&["low", "medium", "high", "informational"]);
const STATUS: Cell = Cell::Word(&["unread", "read", "archived"]);
const RESOLUTION: Cell =
    Cell::Word(&["open", "dismissed", "resolved", "false positive", "benign", "true positive"]);

/// An alert in a table.
pub const COLUMNS: &[Column] = &[
    Column::new("Severity", "severity", "/severityValue", SEVERITY),
    Column::text("Alert", "title", "/title"),
    Column::new("Raised", "timestamp", "/timestamp", Cell::Time),
    Column::new("Status", "status", "/statusValue", STATUS),
    Column::new("Outcome", "resolution", "/resolutionStatusValue", RESOLUTION),
    Column::text("Id", "id", "/_id"),
];

const DETAILS: &[Column] = &[
    Column::text("Alert", "title", "/title"),
    Column::text("Id", "id", "/_id"),
    Column::new("Severity", "severity", "/severityValue", SEVERITY),
    Column::new("Raised", "timestamp", "/timestamp", Cell::Time),
    Column::new("Status", "status", "/statusValue", STATUS),
    Column::new("Outcome", "resolution", "/resolutionStatusValue", RESOLUTION),
    Column::text("Policy", "policy", "/policy/label"),
    Column::text("Says", "description", "/description"),
    Column::text("About", "about", "/about"),
    Column::text("Closed by", "handledByUser", "/handledByUser"),
    Column::new("Closed", "resolveTime", "/resolveTime", Cell::Time),
    Column::text("Comment", "comment", "/comment"),
    Column::text("Page", "url", "/URL"),
];

/// Pages of the API are this large.
const PAGE: usize = 100;

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List(arguments) => {
            output.list(COLUMNS, &list(&session, &filters(arguments)?, arguments.limit)?)
        }
        Action::Show { id } => {
            let mut alert = session.api("GET", &format!("/api/v1/alerts/{}/", encode(id)), None)?;
            if output.for_people() {
                let names: Vec<_> =
                    items(&alert, "entities").iter().filter_map(|e| e.get("label")?.as_str()).collect();
                alert["about"] = names.join(", ").into();
            }
            output.record(DETAILS, &alert)
        }
        Action::Close(arguments) => close(&session, &output, arguments),
        Action::Read { ids } => mark(&session, &output, ids, "read"),
        Action::Unread { ids } => mark(&session, &output, ids, "unread"),
    }
}

/// The newest alerts that fit the filters.
pub fn list(session: &Session, filters: &Value, limit: usize) -> Result<Vec<Value>, Failure> {
    let mut alerts = Vec::new();
    while alerts.len() < limit {
        let size = PAGE.min(limit - alerts.len());
        let body = json!({ "filters": filters, "skip": alerts.len(), "limit": size, "sortField": "date", "sortDirection": "desc" });
        let page = session.api("POST", "/api/v1/alerts/", Some(&body))?;
        let records = items(&page, "data");
        alerts.extend_from_slice(records);
        if records.is_empty() || page.get("hasNext").and_then(Value::as_bool) != Some(true) {
            break;
        }
    }
    Ok(alerts)
}

fn filters(arguments: &ListArgs) -> Result<Value, Failure> {
    let mut filters: Map<String, Value> = match &arguments.filters {
        Some(text) => serde_json::from_str(text)
            .map_err(|e| Failure::usage(format!("--filters is not a JSON object: {e}")))?,
        None => Map::new(),
    };
    if arguments.open {
        filters.insert("alertOpen".into(), json!({ "eq": true }));
    }
    if arguments.unread {
        filters.insert("read".into(), json!({ "eq": false }));
    }
    if !arguments.severities.is_empty() {
        let numbers: Vec<_> = arguments.severities.iter().map(|severity| *severity as i64).collect();
        filters.insert("severity".into(), json!({ "eq": numbers }));
    }
    Ok(Value::Object(filters))
}

fn close(session: &Session, output: &crate::output::Output, arguments: &CloseArgs) -> Result<(), Failure> {
    let (call, words) = match arguments.outcome {
        Outcome::TruePositive => ("close_true_positive", "true positive"),
        Outcome::FalsePositive => ("close_false_positive", "false positive"),
        Outcome::Benign => ("close_benign", "benign"),
    };
    let mut body = json!({ "filters": { "id": { "eq": arguments.ids } }, "comment": arguments.comment });
    if let Some(reason) = arguments.reason {
        body["reasonId"] = reason.into();
    }
    let answer = session.api("POST", &format!("/api/v1/alerts/{call}/"), Some(&body))?;
    let closed = answer.as_object().and_then(|o| o.values().find_map(Value::as_i64)).unwrap_or(0);
    output.done(&format!("{closed} closed as {words}"), &answer)?;
    let unknown: Vec<_> = items(&answer, "alertsNotFound").iter().filter_map(Value::as_str).collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Failure::not_found(format!("no such alert: {}", unknown.join(", "))))
    }
}

fn mark(
    session: &Session,
    output: &crate::output::Output,
    ids: &[String],
    as_what: &str,
) -> Result<(), Failure> {
    for id in ids {
        session.api("POST", &format!("/api/v1/alerts/{}/{as_what}/", encode(id)), None)?;
    }
    output.done(&format!("{} marked as {as_what}", ids.len()), &json!({ "marked": ids.len() }))
}
