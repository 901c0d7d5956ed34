//! `casbah federated-credential`: whose tokens prove an application.

use clap::Subcommand;
use serde_json::json;

use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, text};
use crate::client::failure::Failure;
use crate::output::{Cell, Column};

/// What can be done with federated credentials.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// Trust the tokens of an issuer for one subject
    Add {
        /// Client id, object id or name of the application
        app: String,
        /// Name of the credential; cannot be changed
        name: String,
        /// The issuer, exactly as its tokens say (iss)
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// The subject, exactly as its tokens say (sub)
        #[arg(long)]
        subject: String,
        /// The audience of the tokens (aud)
        #[arg(long, default_value = "api://AzureADTokenExchange")]
        audience: String,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// List the federated credentials of an application
    List {
        /// Client id, object id or name of the application
        app: String,
    },
    /// Remove a federated credential; it stops working at once
    Delete {
        /// Client id, object id or name of the application
        app: String,
        /// Its name or id
        name: String,
    },
}

const COLUMNS: &[Column] = &[
    Column::text("Name", "name", "/name"),
    Column::text("Issuer", "issuer", "/issuer"),
    Column::text("Subject", "subject", "/subject"),
    Column::text("Audience", "audience", "/audiences/0"),
    Column::new("Last used", "lastUsed", "/casbah.lastUsedDateTime", Cell::Time),
    Column::text("From", "lastAddress", "/casbah.lastUsedAddress"),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::Add { app, name, issuer, subject, audience, description } => {
            let mut body =
                json!({ "name": name, "issuer": issuer, "subject": subject, "audiences": [audience] });
            if let Some(description) = description {
                body["description"] = description.as_str().into();
            }
            let made = session.directory("POST", &path(&session, app)?, Some(&body))?;
            output.record(COLUMNS, &made)
        }
        Action::List { app } => output.list(COLUMNS, &session.directory_all(&path(&session, app)?)?),
        Action::Delete { app, name } => {
            session.directory("DELETE", &format!("{}/{}", path(&session, app)?, encode(name)), None)?;
            output.done(&format!("the federated credential {name} is removed"), &json!({ "removed": name }))
        }
    }
}

fn path(session: &Session, app: &str) -> Result<String, Failure> {
    let application = session.application(app)?;
    let id = encode(text(&application, "id"));
    Ok(format!("/v1.0/applications/{id}/federatedIdentityCredentials"))
}
