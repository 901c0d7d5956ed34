//! `casbah discovery exclusion`: users and addresses that are not counted.

use clap::Subcommand;
use serde_json::json;

use super::kept;
use crate::cli::Area;
use crate::client::failure::Failure;
use crate::output::{Cell, Column};

/// What can be done with exclusions.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List what is not counted
    List,
    /// Count the transactions of a user or of addresses no more, from now on
    #[command(group(clap::ArgGroup::new("whom").required(true)))]
    Add {
        /// Name of a user, as logs have it
        #[arg(long, group = "whom", value_name = "NAME")]
        user: Option<String>,
        /// Client address or range
        #[arg(long, group = "whom", value_name = "ADDRESS[/MASK]")]
        ip: Option<String>,
        /// Why
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
    /// Count again, from now on
    Delete {
        /// Ids of the exclusions
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

const PATH: &str = "/api/v1/discovery/exclusions";

const COLUMNS: &[Column] = &[
    Column::text("Kind", "entityType", "/entityType"),
    Column::text("Who", "value", "/value"),
    Column::text("Why", "note", "/note"),
    Column::new("Since", "created", "/created", Cell::Time),
    Column::text("By", "createdBy", "/createdBy"),
    Column::text("Id", "id", "/_id"),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List => output.list(COLUMNS, &kept::all(&session, PATH)?),
        Action::Add { user, ip, note } => {
            let kind = if user.is_some() { "user" } else { "ipAddress" };
            let body = json!({ "entityType": kind, "value": user.as_ref().or(ip.as_ref()), "note": note });
            output.record(COLUMNS, &session.api("POST", &format!("{PATH}/"), Some(&body))?)
        }
        Action::Delete { ids } => kept::delete(&session, &output, PATH, ids),
    }
}
