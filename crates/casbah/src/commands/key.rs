//! `casbah key`: the keys with which the installation signs tokens.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, items, text};
use crate::client::failure::Failure;
use crate::output::{Cell, Column, Output};

const KEYS: &str = "/v1.0/casbah/signingKeys";

/// What can be done with signing keys.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List the published keys: the one that signs, the next one, and those that still verify
    List,
    /// Let the next key take over earlier than planned: as soon as clients that keep the key document for
    /// a day have seen it
    Rotate {
        /// At once, in an emergency: clients that have not seen the next key must fetch the key document again
        #[arg(long)]
        now: bool,
    },
    /// Withdraw a key that must not be trusted any more: every token that it signed is refused at once.
    /// Nobody is signed out: clients fetch new tokens with their refresh tokens
    Revoke {
        /// Key id, the kid of tokens; see `casbah key list`
        kid: String,
    },
}

const COLUMNS: &[Column] = &[
    Column::text("Key id", "id", "/id"),
    Column::text("State", "state", "/state"),
    Column::new("Made", "createdDateTime", "/createdDateTime", Cell::Time),
    Column::new("Signs from", "signsFromDateTime", "/signsFromDateTime", Cell::Time),
    Column::new("Signs until", "signsUntilDateTime", "/signsUntilDateTime", Cell::Time),
    Column::new("Verifies until", "publishedUntilDateTime", "/publishedUntilDateTime", Cell::Time),
];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List => {
            let keys = session.directory("GET", KEYS, None)?;
            output.list(COLUMNS, items(&keys, "value"))
        }
        Action::Rotate { now } => {
            let keys = session.directory("POST", &format!("{KEYS}/rotate"), Some(&json!({ "now": now })))?;
            told(&output, &keys)
        }
        Action::Revoke { kid } => revoke(&session, &output, kid),
    }
}

fn revoke(session: &Session, output: &Output, kid: &str) -> Result<(), Failure> {
    let published = session.directory("GET", KEYS, None)?;
    if !items(&published, "value").iter().any(|key| text(key, "id") == kid) {
        return Err(Failure::not_found(format!("no published key has the id {kid}; see `casbah key list`")));
    }
    let keys = session.directory("POST", &format!("{KEYS}/{}/revoke", encode(kid)), None)?;
    told(output, &keys)
}

fn told(output: &Output, keys: &Value) -> Result<(), Failure> {
    let with = |state: &str| {
        let found = items(keys, "value").iter().find(|key| text(key, "state") == state);
        found.cloned().unwrap_or_default()
    };
    let (signing, next) = (with("signing"), with("next"));
    output.done(
        &format!(
            "{} signs now; {} takes over at {}",
            text(&signing, "id"),
            text(&next, "id"),
            text(&next, "signsFromDateTime")
        ),
        keys,
    )
}
