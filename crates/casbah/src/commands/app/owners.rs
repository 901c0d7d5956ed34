//! `casbah app owners`: who may change an application without a role.

use clap::Subcommand;
use serde_json::json;

use crate::client::Session;
use crate::client::directory::{encode, text};
use crate::client::failure::Failure;
use crate::client::principals::{SERVICE_PRINCIPAL, USER, name, with_kinds};
use crate::commands::group::MEMBERS;
use crate::output::Output;

/// What can be done with owners.
#[derive(Subcommand, Clone, Debug)]
pub enum OwnerAction {
    /// List the owners of an application
    List {
        /// Client id, object id or name of the application
        app: String,
    },
    /// Make a person or an application an owner
    Add(OwnerArgs),
    /// Take ownership away
    Remove(OwnerArgs),
}

/// Which application, and whose it is.
#[derive(clap::Args, Clone, Debug)]
pub struct OwnerArgs {
    /// Client id, object id or name of the application
    app: String,
    /// Sign-in name, name, client id or object id
    #[arg(value_name = "WHO")]
    who: String,
}

/// Runs the command.
pub fn run(session: &Session, output: &Output, action: &OwnerAction) -> Result<(), Failure> {
    let path = |application: &serde_json::Value| {
        format!("/v1.0/applications/{}/owners", encode(text(application, "id")))
    };
    match action {
        OwnerAction::List { app } => {
            let owners = session.directory_all(&path(&session.application(app)?))?;
            output.list(MEMBERS, &with_kinds(owners))
        }
        OwnerAction::Add(change) => {
            let application = session.application(&change.app)?;
            let owner = session.principal(&change.who, &[USER, SERVICE_PRINCIPAL])?;
            let body = session.reference(&owner);
            session.directory("POST", &format!("{}/$ref", path(&application)), Some(&body))?;
            let sentence = format!("{} owns {}", name(&owner), name(&application));
            output.done(&sentence, &json!({ "added": owner["id"] }))
        }
        OwnerAction::Remove(change) => {
            let application = session.application(&change.app)?;
            let owner = session.principal(&change.who, &[USER, SERVICE_PRINCIPAL])?;
            let path = format!("{}/{}/$ref", path(&application), encode(text(&owner, "id")));
            session.directory("DELETE", &path, None)?;
            let sentence = format!("{} no longer owns {}", name(&owner), name(&application));
            output.done(&sentence, &json!({ "removed": owner["id"] }))
        }
    }
}
