//! `casbah api-token`: legacy API tokens, which act with the rights of the user who made them.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::Area;
use crate::client::directory::{encode, items};
use crate::client::failure::Failure;
use crate::output::{Cell, Column, note};

/// What can be done with legacy tokens.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// Make a token; new clients had better be applications (`casbah app create`)
    Create {
        /// Name, so that you know later what it is for
        name: String,
    },
    /// List tokens: never their values, which nobody has any more
    List,
    /// Revoke a token; it stops working at once
    Revoke {
        /// Id of the token, as `casbah api-token list` shows it
        id: String,
    },
}

const COLUMNS: &[Column] = &[
    Column::text("Name", "name", "/name"),
    Column::text("Status", "status", "/status"),
    Column::text("Owner", "owner", "/owner"),
    Column::new("Made", "created", "/created", Cell::Time),
    Column::new("Last used", "lastUsed", "/lastUsed", Cell::Time),
    Column::text("Id", "id", "/_id"),
];

const CREATED: &[Column] = &[
    Column::text("Token", "token", "/token"),
    Column::text("Name", "name", "/name"),
    Column::text("Id", "id", "/_id"),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::Create { name } => {
            let token = session.api("POST", "/api/v1/tokens/", Some(&json!({ "name": name })))?;
            output.record(CREATED, &token)?;
            if output.for_people() {
                note(
                    "The token is shown this once only. Legacy tokens are deprecated: an application with only the permissions it needs is safer.",
                );
            }
            Ok(())
        }
        Action::List => {
            let tokens: Value = session.api("GET", "/api/v1/tokens/", None)?;
            output.list(COLUMNS, items(&tokens, "data"))
        }
        Action::Revoke { id } => {
            session.api("DELETE", &format!("/api/v1/tokens/{}/", encode(id)), None)?;
            output.done(&format!("the token {id} is revoked"), &json!({ "revoked": id }))
        }
    }
}
