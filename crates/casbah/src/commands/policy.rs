//! `casbah policy`: the rules that raise alerts.

use std::io::Read;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::content;
use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, items};
use crate::client::failure::Failure;
use crate::output::{Cell, Column, Format};

/// What can be done with policies.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List policies by name
    List(ListArgs),
    /// Show a policy
    Show {
        /// Id or name
        policy: String,
    },
    /// Make a policy from a file: JSON, with the fields that `casbah policy show --output json` has
    Create {
        /// The file; `-` is standard input
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Change a policy: what the file leaves out stays
    Change {
        /// Id or name
        policy: String,
        /// The file; `-` is standard input
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Evaluate policies again
    Enable {
        /// Ids or names
        #[arg(required = true)]
        policies: Vec<String>,
    },
    /// Evaluate policies no longer
    Disable {
        /// Ids or names
        #[arg(required = true)]
        policies: Vec<String>,
    },
    /// Delete policies of your own; their alerts stay
    Delete {
        /// Ids or names
        #[arg(required = true)]
        policies: Vec<String>,
    },
}

/// Arguments of `casbah policy list`.
#[derive(clap::Args, Clone, Debug)]
pub struct ListArgs {
    /// Only this type, such as AUDIT or NEW_SERVICE; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
}

const COLUMNS: &[Column] = &[
    Column::text("Name", "name", "/name"),
    Column::text("Type", "type", "/type"),
    Column::new("Severity", "severity", "/severity", Cell::Word(&["low", "medium", "high", "informational"])),
    Column::new("Enabled", "enabled", "/enabled", Cell::Mark),
    Column::new("Built in", "builtIn", "/isBuiltIn", Cell::Mark),
    Column::text("Open alerts", "openAlerts", "/alertsCount"),
    Column::text("Id", "id", "/_id"),
];

const DETAILS: &[Column] = &[
    Column::text("Name", "name", "/name"),
    Column::text("Description", "description", "/description"),
    Column::text("Type", "type", "/type"),
    Column::new("Severity", "severity", "/severity", Cell::Word(&["low", "medium", "high", "informational"])),
    Column::new("Enabled", "enabled", "/enabled", Cell::Mark),
    Column::new("Built in", "builtIn", "/isBuiltIn", Cell::Mark),
    Column::text("Looks for", "filters", "/looksFor"),
    Column::text("Alerts a day at most", "dailyAlertLimit", "/dailyAlertLimit"),
    Column::text("Open alerts", "openAlerts", "/alertsCount"),
    Column::text("Id", "id", "/_id"),
];

/// Pages of the API are this large.
const PAGE: usize = 100;

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List(arguments) => output.list(COLUMNS, &list(&session, &arguments.types)?),
        Action::Show { policy } => {
            let mut found = find(&session, policy)?;
            if !matches!(output.format(), Some(Format::Json | Format::Jsonl)) {
                found["looksFor"] = found["filters"].to_string().into();
            }
            output.record(DETAILS, &found)
        }
        Action::Create { file } => {
            let made = session.api("POST", "/api/v1/policies/create_rule/", Some(&read(file)?))?;
            output.record(&[Column::text("Id", "id", "/_id")], &made)
        }
        Action::Change { policy, file } => {
            let id = id(&find(&session, policy)?);
            session.api("PUT", &format!("/api/v1/policies/{id}/"), Some(&read(file)?))?;
            output.done("changed", &json!({ "changed": 1 }))
        }
        Action::Enable { policies } => {
            each(&session, policies, "POST", "enable/")?;
            output.done(&format!("{} enabled", policies.len()), &json!({ "enabled": policies.len() }))
        }
        Action::Disable { policies } => {
            each(&session, policies, "POST", "disable/")?;
            output.done(&format!("{} disabled", policies.len()), &json!({ "disabled": policies.len() }))
        }
        Action::Delete { policies } => {
            each(&session, policies, "DELETE", "")?;
            output.done(&format!("{} deleted", policies.len()), &json!({ "deleted": policies.len() }))
        }
    }
}

fn each(session: &Session, policies: &[String], method: &str, verb: &str) -> Result<(), Failure> {
    for policy in policies {
        let id = id(&find(session, policy)?);
        session.api(method, &format!("/api/v1/policies/{id}/{verb}"), None)?;
    }
    Ok(())
}

fn id(policy: &Value) -> String {
    encode(policy["_id"].as_str().unwrap_or_default())
}

fn list(session: &Session, types: &[String]) -> Result<Vec<Value>, Failure> {
    let mut found = Vec::new();
    loop {
        let body = json!({ "filters": { "type": { "eq": types } }, "skip": found.len(), "limit": PAGE });
        let page = session.api("POST", "/api/v1/policies/", Some(&body))?;
        let records = items(&page, "data");
        found.extend_from_slice(records);
        if records.is_empty() || page.get("hasNext").and_then(Value::as_bool) != Some(true) {
            return Ok(found);
        }
    }
}

/// The policy with that id, or with that name in any case.
fn find(session: &Session, wanted: &str) -> Result<Value, Failure> {
    if wanted.len() == 24 && wanted.bytes().all(|b| b.is_ascii_hexdigit()) {
        return session.api("GET", &format!("/api/v1/policies/{}/", encode(wanted)), None);
    }
    let name = wanted.to_lowercase();
    let all = list(session, &[])?;
    let named = |policy: &&Value| policy["name"].as_str().is_some_and(|text| text.to_lowercase() == name);
    all.iter()
        .find(named)
        .cloned()
        .ok_or_else(|| Failure::not_found(format!("there is no policy {wanted:?}")))
}

fn read(file: &std::path::Path) -> Result<Value, Failure> {
    let mut text = String::new();
    content(file)?.0.read_to_string(&mut text)?;
    let policy: Value = serde_json::from_str(&text)
        .map_err(|e| Failure::usage(format!("{} is not JSON: {e}", file.display())))?;
    if policy.is_object() {
        return Ok(policy);
    }
    Err(Failure::usage(format!("{} must hold one JSON object", file.display())))
}
