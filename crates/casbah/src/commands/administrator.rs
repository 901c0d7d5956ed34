//! `casbah administrator`: the roles of Cloud Apps, which can be limited to apps, groups or reports.

use casbah_model::ADMINISTRATOR_ROLES;
use clap::Subcommand;
use clap::builder::PossibleValue;
use serde_json::{Value, json};

use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, items, text};
use crate::client::failure::Failure;
use crate::output::{Cell, Column, Format};

/// What can be done with administrators.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List who holds a role of Cloud Apps
    List,
    /// Give a person a role of Cloud Apps
    Add(AddArgs),
    /// Take a role of Cloud Apps away; access ends with the next call
    Remove {
        /// Person whose roles all go, or id of one assignment, as `casbah administrator list` shows it
        #[arg(value_name = "USER|ID")]
        key: String,
    },
}

/// Arguments of `casbah administrator add`.
#[derive(clap::Args, Clone, Debug)]
pub struct AddArgs {
    /// Sign-in name, the part of it before the @, or object id
    user: String,
    /// What the person may do
    #[arg(long, value_name = "ROLE", value_parser = roles())]
    role: String,
    /// App of the role app: number or name, with :N one instance of it; may be repeated
    #[arg(long = "app", value_name = "APP[:INSTANCE]")]
    apps: Vec<String>,
    /// Group of the role group: name or object id; may be repeated
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Report of the role discovery-report: name or id; may be repeated
    #[arg(long = "report", value_name = "REPORT")]
    reports: Vec<String>,
    /// Let the person change nothing (roles app, group, discovery-report)
    #[arg(long)]
    read_only: bool,
}

const COLUMNS: &[Column] = &[
    Column::text("Person", "username", "/username"),
    Column::text("Role", "role", "/role"),
    Column::text("Limited to", "limits", "/limits"),
    Column::text("Rights", "rights", "/rights"),
    Column::new("Since", "created", "/created", Cell::Time),
    Column::text("Id", "id", "/_id"),
];

/// Pages of the API are this large.
const PAGE: usize = 100;

/// The names of the roles, with what each is for.
fn roles() -> Vec<PossibleValue> {
    ADMINISTRATOR_ROLES.iter().map(|role| PossibleValue::new(role.id).help(role.description)).collect()
}

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List => {
            let mut all = list(&session)?;
            // Programs that ask for JSON get the records as they are.
            if !matches!(output.format(), Some(Format::Json | Format::Jsonl)) {
                all.iter_mut().for_each(describe);
            }
            output.list(COLUMNS, &all)
        }
        Action::Add(arguments) => {
            let body = json!({
                "username": arguments.user,
                "role": arguments.role,
                "apps": arguments.apps.iter().map(|app| app_of(app)).collect::<Vec<_>>(),
                "groups": arguments.groups,
                "reports": arguments.reports,
                "readOnly": arguments.read_only,
            });
            let mut added = session.api("POST", "/api/v1/manage_admin_access/", Some(&body))?;
            if !matches!(output.format(), Some(Format::Json | Format::Jsonl)) {
                describe(&mut added);
            }
            output.record(COLUMNS, &added)
        }
        Action::Remove { key } => {
            let path = format!("/api/v1/manage_admin_access/{}/", encode(key));
            let removed = session.api("DELETE", &path, None)?;
            let count = removed.get("removed").and_then(Value::as_u64).unwrap_or_default();
            let what = if count == 1 { "1 role".to_string() } else { format!("{count} roles") };
            output.done(&format!("{what} of {} removed", text(&removed, "username")), &removed)
        }
    }
}

fn list(session: &Session) -> Result<Vec<Value>, Failure> {
    let mut all = Vec::new();
    loop {
        let path = format!("/api/v1/manage_admin_access/?limit={PAGE}&skip={}", all.len());
        let page = session.api("GET", &path, None)?;
        let records = items(&page, "data");
        all.extend_from_slice(records);
        if records.is_empty() || page.get("hasNext").and_then(Value::as_bool) != Some(true) {
            return Ok(all);
        }
    }
}

/// `Box:2` is instance 2 of Box; what is no number behind the colon belongs to the name.
fn app_of(named: &str) -> Value {
    match named.rsplit_once(':').map(|(app, instance)| (app, instance.parse::<i64>())) {
        Some((app, Ok(instance))) => json!({ "app": app, "instance": instance }),
        _ => json!({ "app": named }),
    }
}

/// Adds what people read instead of lists.
fn describe(record: &mut Value) {
    let mut limits: Vec<String> = Vec::new();
    for list in ["apps", "groups", "reports"] {
        for one in items(record, list) {
            let name = text(one, "name");
            let instance = one.get("instance").and_then(Value::as_i64);
            limits.push(instance.map_or_else(|| name.to_string(), |number| format!("{name}:{number}")));
        }
    }
    let read_only = record.get("readOnly").and_then(Value::as_bool) == Some(true);
    record["limits"] = limits.join(", ").into();
    record["rights"] = if read_only { "read" } else { "" }.into();
}
