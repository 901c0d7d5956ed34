//! `casbah discovery custom-app`, `tag` and `score`: what a tenant says of apps.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Online, kept};
use crate::cli::Area;
use crate::client::failure::Failure;
use crate::output::Column;

/// What can be done with apps of one's own.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List the apps of one's own
    List,
    /// Add an app, which is looked for before all others
    Create(CreateArgs),
    /// Delete apps of one's own
    Delete {
        /// Numbers of the apps
        #[arg(required = true, value_name = "APP-ID")]
        ids: Vec<String>,
    },
}

/// Arguments of `casbah discovery custom-app create`.
#[derive(Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the app
    name: String,
    /// Category, such as SAASDB_CATEGORY_CRM
    #[arg(long)]
    category: String,
    /// Pattern of its hosts, as in the catalogue; may be repeated
    #[arg(long = "domain", value_name = "PATTERN")]
    domains: Vec<String>,
    /// Address or range that is this app's alone; may be repeated
    #[arg(long = "ip", value_name = "ADDRESS[/MASK]")]
    addresses: Vec<String>,
    /// Risk score, 1 to 10; 10 is least risk
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..=10))]
    score: Option<i64>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Who runs it
    #[arg(long, value_name = "NAME")]
    business_unit: Option<String>,
}

/// What can be done with tags of apps.
#[derive(Subcommand, Clone, Debug)]
pub enum TagAction {
    /// List the tags, each with its apps
    List,
    /// Make a tag
    Create {
        /// Name of the tag
        name: String,
    },
    /// Delete tags
    Delete {
        /// Ids of the tags
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Put a tag on an app: Sanctioned, Unsanctioned, Monitored or one of one's own
    Add {
        #[arg(value_name = "APP-ID")]
        app: u32,
        tag: String,
    },
    /// Take a tag off an app
    Remove {
        #[arg(value_name = "APP-ID")]
        app: u32,
        tag: String,
    },
}

/// Arguments of `casbah discovery score`.
#[derive(Args, Clone, Debug)]
pub struct ScoreArgs {
    /// Number of the app
    #[arg(value_name = "APP-ID")]
    app: u32,
    /// Risk score instead of the computed one, 1 to 10; without one, that counts again
    #[arg(value_parser = clap::value_parser!(i64).range(1..=10))]
    score: Option<i64>,
    /// Notes on the app
    #[arg(long, value_name = "TEXT")]
    notes: Option<String>,
}

const PATH: &str = "/api/v1/discovery/custom_apps";
const TAGS: &str = "/api/v1/discovery/app_tags";

const COLUMNS: &[Column] = &[
    Column::text("App", "name", "/name"),
    Column::text("Category", "category", "/category"),
    Column::text("Domains", "domains", "/domains"),
    Column::text("Addresses", "ipRanges", "/ipRanges"),
    Column::text("Score", "score", "/score"),
    Column::text("App id", "appId", "/appId"),
];
const TAG_COLUMNS: &[Column] = &[
    Column::text("Tag", "name", "/name"),
    Column::text("Apps", "appIds", "/appIds"),
    Column::text("Id", "id", "/id"),
];

/// Runs `casbah discovery custom-app`.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List => output.list(COLUMNS, &kept::all(&session, PATH)?),
        Action::Create(new) => {
            let body = json!({
                "name": new.name,
                "category": new.category,
                "domains": new.domains,
                "ipRanges": new.addresses,
                "score": new.score,
                "description": new.description,
                "businessUnit": new.business_unit,
            });
            output.record(COLUMNS, &session.api("POST", &format!("{PATH}/"), Some(&body))?)
        }
        Action::Delete { ids } => kept::delete(&session, &output, PATH, ids),
    }
}

/// Runs `casbah discovery tag`.
pub fn run_tag(area: &Area<TagAction>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    let mark = |app: &u32, tag: &str, how: &str| {
        let path = format!("/api/v1/discovery/discovery_app/{app}/{how}/");
        session.api("POST", &path, Some(&json!({ "tagName": tag })))
    };
    match &area.action {
        TagAction::List => {
            let all = session.api("GET", &format!("{TAGS}/"), None)?;
            output.list(TAG_COLUMNS, all.as_array().map_or(&[], Vec::as_slice))
        }
        TagAction::Create { name } => {
            let made = session.api("POST", &format!("{TAGS}/create/"), Some(&json!({ "name": name })))?;
            output.record(TAG_COLUMNS, &made)
        }
        TagAction::Delete { ids } => kept::delete(&session, &output, TAGS, ids),
        TagAction::Add { app, tag } => {
            mark(app, tag, "add_tag")?;
            output.done(&format!("{app} is {tag}"), &json!({ "appId": app, "tag": tag }))
        }
        TagAction::Remove { app, tag } => {
            mark(app, tag, "remove_tag")?;
            output.done(&format!("{app} is {tag} no more"), &json!({ "appId": app, "tag": Value::Null }))
        }
    }
}

/// Runs `casbah discovery score`.
pub fn run_score(online: &Online<ScoreArgs>) -> Result<(), Failure> {
    let (session, output) = crate::commands::open(&online.connection, online.output)?;
    let ScoreArgs { app, score, notes } = &online.arguments;
    let path = format!("/api/v1/discovery/discovery_app/{app}/override/");
    session.api("POST", &path, Some(&json!({ "score": score, "notes": notes })))?;
    let said = score.map_or("as computed".to_string(), |score| score.to_string());
    output.done(
        &format!("the score of {app} is {said}"),
        &json!({ "appId": app, "score": score, "notes": notes }),
    )
}
