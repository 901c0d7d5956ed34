//! `casbah tenant`: what administrators set for everybody in their tenant.

use clap::Subcommand;
use serde_json::{Map, Value, json};

use crate::cli::Area;
use crate::client::failure::Failure;
use crate::output::{Column, Output};

const SETTINGS: &str = "/v1.0/policies/tenantSettings";

/// What can be done with the tenant.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// Show or change the settings: token lifetimes, sign-in rules and the like
    #[command(subcommand)]
    Settings(SettingsAction),
}

/// What can be done with its settings.
#[derive(Subcommand, Clone, Debug)]
pub enum SettingsAction {
    /// Show every setting
    Show,
    /// Change settings; they count from the next token or sign-in on
    Set {
        /// Name and value, for example tokens.accessToken=900; an empty value or null takes a setting back
        /// to none, lists are JSON
        #[arg(required = true, value_name = "NAME=VALUE")]
        settings: Vec<String>,
    },
}

const COLUMNS: &[Column] =
    &[Column::text("Setting", "setting", "/setting"), Column::text("Value", "value", "/value")];

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let Action::Settings(action) = &area.action;
    match action {
        SettingsAction::Show => {
            let (session, output) = area.open()?;
            show(&output, &session.directory("GET", SETTINGS, None)?)
        }
        SettingsAction::Set { settings } => {
            let change = parse(settings)?;
            let (session, output) = area.open()?;
            show(&output, &session.directory("PATCH", SETTINGS, Some(&Value::Object(change)))?)
        }
    }
}

/// One row a setting, named by its place: `tokens.accessToken`.
fn show(output: &Output, document: &Value) -> Result<(), Failure> {
    let mut rows = Vec::new();
    flatten(document, "", &mut rows);
    rows.retain(|row| row["setting"] != "id");
    output.list(COLUMNS, &rows)
}

fn flatten(value: &Value, place: &str, rows: &mut Vec<Value>) {
    match value {
        Value::Object(settings) => {
            for (name, value) in settings.iter().filter(|(name, _)| !name.starts_with('@')) {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                flatten(value, &place, rows);
            }
        }
        Value::String(text) => rows.push(json!({ "setting": place, "value": text })),
        Value::Null => rows.push(json!({ "setting": place, "value": "" })),
        other => rows.push(json!({ "setting": place, "value": other.to_string() })),
    }
}

/// `a.b=1 a.c=2` as `{"a": {"b": 1, "c": 2}}`. A value that is no JSON is a text.
pub(super) fn parse(settings: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut change = Map::new();
    for setting in settings {
        let Some((place, value)) = setting.split_once('=') else {
            return Err(Failure::usage(format!("{setting:?} is no NAME=VALUE")));
        };
        let value = match value.trim() {
            "" => Value::Null,
            text => serde_json::from_str(text).unwrap_or_else(|_| text.into()),
        };
        let mut names: Vec<&str> = place.trim().split('.').collect();
        let last = names.pop().unwrap_or_default();
        let mut target = &mut change;
        for name in names {
            let inner = target.entry(name).or_insert_with(|| Value::Object(Map::new()));
            target = inner
                .as_object_mut()
                .ok_or_else(|| Failure::usage(format!("{place} is set both as a whole and in part")))?;
        }
        target.insert(last.to_string(), value);
    }
    Ok(change)
}
