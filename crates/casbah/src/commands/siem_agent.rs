//! `casbah siem-agent`: what sends alerts and activities to a SIEM.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::cli::Area;
use crate::client::directory::{encode, items};
use crate::client::failure::Failure;
use crate::output::{Cell, Column};

/// What can be done with SIEM agents.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List SIEM agents and how they are doing, oldest first
    List,
    /// Make a SIEM agent; it sends what arrives from then on
    Create(CreateArgs),
    /// Delete SIEM agents; what they have not sent is not sent
    Delete {
        /// Ids of the agents
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// Arguments of `casbah siem-agent create`.
#[derive(clap::Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the agent
    name: String,
    /// Name or address of the syslog receiver
    host: String,
    /// Its port; 514 unless said otherwise, for tls 6514
    #[arg(long)]
    port: Option<u16>,
    /// How messages get there
    #[arg(long, value_enum, default_value = "tcp")]
    transport: Transport,
    /// How events are written
    #[arg(long, value_enum, default_value = "cef")]
    format: EventFormat,
    /// PEM file of the authorities that its certificate is checked against, instead of the system's
    #[arg(long, value_name = "FILE")]
    ca_certificate: Option<PathBuf>,
    /// Send no alerts
    #[arg(long, conflicts_with = "alert_filters")]
    no_alerts: bool,
    /// Which alerts, as JSON: the filters of the list of alerts
    #[arg(long, value_name = "JSON")]
    alert_filters: Option<String>,
    /// Send no activities
    #[arg(long, conflicts_with_all = ["activity_filters", "no_alerts"])]
    no_activities: bool,
    /// Which activities, as JSON: the filters of the list of activities
    #[arg(long, value_name = "JSON")]
    activity_filters: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Transport {
    Udp,
    Tcp,
    Tls,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum EventFormat {
    Cef,
    Json,
}

const COLUMNS: &[Column] = &[
    Column::text("Name", "name", "/name"),
    Column::text("Status", "status", "/status"),
    Column::text("Transport", "transport", "/transport"),
    Column::text("Host", "host", "/host"),
    Column::text("Port", "port", "/port"),
    Column::text("Format", "format", "/format"),
    Column::new("Sent", "sent", "/sent", Cell::Count),
    Column::new("Waiting", "waiting", "/waiting", Cell::Count),
    Column::new("Last sent", "lastSent", "/lastSent", Cell::Time),
    Column::text("Last error", "lastError", "/lastError"),
    Column::text("Id", "id", "/_id"),
];

const PATH: &str = "/api/v1/agents/siem/";

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List => {
            let page = session.api("GET", PATH, None)?;
            output.list(COLUMNS, items(&page, "data"))
        }
        Action::Create(arguments) => {
            let made = session.api("POST", PATH, Some(&body(arguments)?))?;
            output.record(&[Column::text("Id", "id", "/_id")], &made)
        }
        Action::Delete { ids } => {
            for id in ids {
                session.api("DELETE", &format!("{PATH}{}/", encode(id)), None)?;
            }
            output.done(&format!("{} deleted", ids.len()), &json!({ "deleted": ids.len() }))
        }
    }
}

fn body(arguments: &CreateArgs) -> Result<Value, Failure> {
    let word = |value: &dyn std::fmt::Debug| format!("{value:?}").to_lowercase();
    let filters = |option: &str, text: &Option<String>| match text {
        None => Ok(json!({})),
        Some(text) => serde_json::from_str::<Value>(text)
            .map_err(|e| Failure::usage(format!("{option} is not valid JSON: {e}"))),
    };
    let mut body = json!({
        "name": arguments.name,
        "host": arguments.host,
        "transport": word(&arguments.transport),
        "format": word(&arguments.format),
        "sendAlerts": !arguments.no_alerts,
        "alertFilters": filters("--alert-filters", &arguments.alert_filters)?,
        "sendActivities": !arguments.no_activities,
        "activityFilters": filters("--activity-filters", &arguments.activity_filters)?,
    });
    if let Some(port) = arguments.port {
        body["port"] = port.into();
    }
    if let Some(file) = &arguments.ca_certificate {
        body["caCertificate"] = std::fs::read_to_string(file).map_err(|e| Failure::file(file, &e))?.into();
    }
    Ok(body)
}
