//! `casbah activity`: who did what, from where, and whether it worked.

use clap::Subcommand;
use serde_json::{Value, json};

use super::lists;
use crate::cli::Area;
use crate::client::directory::encode;
use crate::client::failure::Failure;
use crate::output::{Cell, Column};

/// What can be done with activities.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List activities, the newest first
    List(ListArgs),
    /// Show one activity
    Show {
        /// Id of the activity
        id: String,
    },
}

/// Arguments of `casbah activity list`.
#[derive(clap::Args, Clone, Debug)]
pub struct ListArgs {
    /// Only what this person or application did, by name
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Only what came from this address
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// Only sign-ins, successful or not
    #[arg(long, conflicts_with = "failed")]
    sign_ins: bool,
    /// Only sign-ins that failed
    #[arg(long)]
    failed: bool,
    /// Only changes of how things are set up
    #[arg(long)]
    changes: bool,
    /// Only of the last so many days
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// Further filters as the API takes them: {"activityObject": {"eq": "…"}}
    #[arg(long, value_name = "JSON")]
    filters: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// An activity in a table.
const COLUMNS: &[Column] = &[
    Column::new("When", "timestamp", "/timestamp", Cell::Time),
    Column::text("Who", "userName", "/user/userName"),
    Column::text("What", "description", "/description"),
    Column::new("Worked", "isSuccess", "/mainInfo/activityResult/isSuccess", Cell::Mark),
    Column::text("Code", "message", "/mainInfo/activityResult/message"),
    Column::text("Address", "clientIP", "/device/clientIP"),
    Column::text("Through", "client", "/rawDataJson/ClientAppName"),
    Column::text("Id", "id", "/_id"),
];

const DETAILS: &[Column] = &[
    Column::text("What", "description", "/description"),
    Column::text("Id", "id", "/_id"),
    Column::new("When", "timestamp", "/timestamp", Cell::Time),
    Column::text("Who", "userName", "/user/userName"),
    Column::new("Worked", "isSuccess", "/mainInfo/activityResult/isSuccess", Cell::Mark),
    Column::text("Code", "message", "/mainInfo/activityResult/message"),
    Column::text("Type", "eventTypeValue", "/eventTypeValue"),
    Column::text("Address", "clientIP", "/device/clientIP"),
    Column::text("User agent", "userAgent", "/device/userAgent"),
    Column::text("Through", "client", "/rawDataJson/ClientAppName"),
    Column::text("Details", "details", "/details"),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List(arguments) => {
            let order = json!({ "sortField": "date", "sortDirection": "desc" });
            let (filters, limit) = (filters(arguments)?, arguments.limit);
            output.list(COLUMNS, &lists::records(&session, "/api/v1/activities/", &filters, &order, limit)?)
        }
        Action::Show { id } => {
            let mut activity = session.api("GET", &format!("/api/v1/activities/{}/", encode(id)), None)?;
            if output.for_people() {
                let details = activity.pointer("/rawDataJson/Details").cloned().unwrap_or_default();
                activity["details"] = details.to_string().into();
            }
            output.record(DETAILS, &activity)
        }
    }
}

fn filters(arguments: &ListArgs) -> Result<Value, Failure> {
    let mut filters = lists::filters(arguments.filters.as_deref())?;
    let mut set = |name: &str, test: Value| filters.insert(name.into(), test);
    if let Some(user) = &arguments.user {
        set("user.username", json!({ "eq": user }));
    }
    if let Some(ip) = &arguments.ip {
        set("ip.address", json!({ "eq": ip }));
    }
    if arguments.sign_ins {
        set("activity.eventType", json!({ "eq": ["EVENT_CATEGORY_LOGIN", "EVENT_CATEGORY_FAILED_LOGIN"] }));
    }
    if arguments.failed {
        set("activity.eventType", json!({ "eq": "EVENT_CATEGORY_FAILED_LOGIN" }));
    }
    if arguments.changes {
        set("activity.type", json!({ "eq": true }));
    }
    if let Some(days) = arguments.days {
        set("date", json!({ "gte_ndays": days }));
    }
    Ok(Value::Object(filters))
}
