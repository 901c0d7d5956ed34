//! `casbah discovery block-list`: addresses at which appliances fetch what is to be blocked.

use clap::Subcommand;
use serde_json::json;

use super::kept;
use crate::cli::Area;
use crate::client::failure::Failure;
use crate::output::{Cell, Column};

/// What can be done with block lists.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List the addresses, and when each was last fetched
    List,
    /// Make an address; it is shown once, and whoever knows it may read the list
    Create {
        /// Name of the address
        name: String,
        /// Format of the list: a number or a name, such as domains or unbound
        #[arg(long)]
        format: String,
    },
    /// Take addresses back
    Revoke {
        /// Ids of the addresses
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

const PATH: &str = "/api/v1/discovery/block_lists";

const COLUMNS: &[Column] = &[
    Column::text("Name", "name", "/name"),
    Column::text("Format", "format", "/format"),
    Column::new("Made", "created", "/created", Cell::Time),
    Column::new("Last fetched", "lastFetched", "/lastFetched", Cell::Time),
    Column::text("Id", "id", "/_id"),
];
const MADE: &[Column] = &[
    Column::text("Name", "name", "/name"),
    Column::text("Format", "format", "/format"),
    Column::text("Address", "url", "/url"),
    Column::text("Id", "id", "/_id"),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List => output.list(COLUMNS, &kept::all(&session, PATH)?),
        Action::Create { name, format } => {
            let body = json!({ "name": name, "format": format });
            output.record(MADE, &session.api("POST", &format!("{PATH}/"), Some(&body))?)
        }
        Action::Revoke { ids } => kept::delete(&session, &output, PATH, ids),
    }
}
