//! `casbah secret`: the secrets of an application.

mod check;

use casbah_model::Timestamp;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{clock, moment};
use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, items, text};
use crate::client::failure::Failure;
use crate::output::{Cell, Column, Output, note};

/// What can be done with secrets.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// Make a new secret; the others go on working, so clients can change over without a gap
    Add {
        /// Client id, object id or name of the application
        app: String,
        /// Name of the secret
        #[arg(long, default_value = "casbah secret add")]
        name: String,
        /// How long it lives: 90d, 1y, or a date
        #[arg(long, value_name = "WHEN", default_value = "180d")]
        expires: String,
    },
    /// List the secrets of an application: never their values, which nobody has any more
    List {
        /// Client id, object id or name of the application
        app: String,
    },
    /// Make a new secret and end the old ones after a time of grace
    Rotate {
        /// Client id, object id or name of the application
        app: String,
        /// How long the old secrets go on working
        #[arg(long, value_parser = ["now", "1h", "24h", "7d"], default_value = "24h")]
        grace: String,
        /// Key id of the one secret to replace [default: all of them]
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// Name of the new secret [default: that of the newest one replaced]
        #[arg(long)]
        name: Option<String>,
        /// How long the new secret lives: 90d, 1y, or a date
        #[arg(long, value_name = "WHEN", default_value = "180d")]
        expires: String,
    },
    /// Say whether standard input holds a client secret of Casbah, by its form and checksum; needs no server
    Check,
    /// Remove a secret; it stops working at once
    Remove {
        /// Client id, object id or name of the application
        app: String,
        /// Key id of the secret, as `casbah secret list` shows it
        key: String,
    },
}

/// A secret in a table.
pub const COLUMNS: &[Column] = &[
    Column::text("Secret", "displayName", "/displayName"),
    Column::text("Begins with", "hint", "/hint"),
    Column::text("Key id", "keyId", "/keyId"),
    Column::new("Made", "startDateTime", "/startDateTime", Cell::Time),
    Column::new("Ends", "endDateTime", "/endDateTime", Cell::Time),
    Column::new("Last used", "lastUsed", "/casbah.lastUsedDateTime", Cell::Time),
    Column::text("From", "lastAddress", "/casbah.lastUsedAddress"),
];

const ADDED: &[Column] = &[
    Column::text("Secret", "secretText", "/secretText"),
    Column::text("Name", "displayName", "/displayName"),
    Column::text("Key id", "keyId", "/keyId"),
    Column::new("Ends", "endDateTime", "/endDateTime", Cell::Time),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    if matches!(area.action, Action::Check) {
        return check::run(&Output::new(area.output.output, clock()?.now()));
    }
    let (session, output) = area.open()?;
    match &area.action {
        Action::Add { app, name, expires } => {
            let ends = moment(expires, session.clock.now())?;
            let secret = create(&session, &session.application(app)?, name, ends)?;
            output.record(ADDED, &secret)?;
            if output.for_people() {
                note("The secret is shown this once only; store it now.");
            }
            Ok(())
        }
        Action::List { app } => {
            let application = session.application(app)?;
            output.list(COLUMNS, items(&application, "passwordCredentials"))
        }
        Action::Rotate { app, grace, key, name, expires } => {
            let ends = moment(expires, session.clock.now())?;
            let application = session.application(app)?;
            let path =
                format!("/v1.0/applications/{}/casbah.rotatePassword", encode(text(&application, "id")));
            let body = json!({ "gracePeriod": grace, "keyId": key,
                "passwordCredential": { "displayName": name, "endDateTime": ends.iso() } });
            let rotated = session.directory("POST", &path, Some(&body))?;
            output.record(ADDED, &rotated["passwordCredential"])?;
            if output.for_people() {
                note("The secret is shown this once only; store it now.");
                for old in items(&rotated, "replaced") {
                    let used = match text(old, "casbah.lastUsedDateTime") {
                        "" => "never used".to_string(),
                        at => format!("last used {at} from {}", text(old, "casbah.lastUsedAddress")),
                    };
                    note(&format!("{}… ends {}, {used}.", text(old, "hint"), text(old, "endDateTime")));
                }
            }
            Ok(())
        }
        Action::Check => Ok(()),
        Action::Remove { app, key } => {
            let application = session.application(app)?;
            let known = items(&application, "passwordCredentials")
                .iter()
                .any(|s| text(s, "keyId").eq_ignore_ascii_case(key));
            if !known {
                return Err(Failure::not_found(format!(
                    "{app} has no secret with the key id {key}; see `casbah secret list {app}`"
                )));
            }
            let path = format!("/v1.0/applications/{}/removePassword", encode(text(&application, "id")));
            session.directory("POST", &path, Some(&json!({ "keyId": key })))?;
            output.done(&format!("the secret {key} is removed"), &json!({ "removed": key }))
        }
    }
}

/// Makes a secret; the answer is the only place where its text ever stands.
pub fn create(session: &Session, application: &Value, name: &str, ends: Timestamp) -> Result<Value, Failure> {
    let path = format!("/v1.0/applications/{}/addPassword", encode(text(application, "id")));
    let body = json!({ "passwordCredential": { "displayName": name, "endDateTime": ends.iso() } });
    session.directory("POST", &path, Some(&body))
}
