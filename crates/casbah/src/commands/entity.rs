//! `casbah entity`: people, and the accounts through which they do things in apps.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use serde_json::{Value, json};

use super::lists;
use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, items};
use crate::client::failure::Failure;
use crate::output::{Cell, Column};

/// What can be done with people and accounts.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List people, the one that was active last first
    List(ListArgs),
    /// Show a person or an account
    Show {
        /// Its id as the list has it (APP|INSTANCE|ID), or the address of a person
        entity: String,
    },
    /// List the accounts of a person
    Accounts {
        /// The person, as for show
        entity: String,
    },
}

/// Arguments of `casbah entity list`.
#[derive(clap::Args, Clone, Debug)]
pub struct ListArgs {
    /// Accounts instead of people
    #[arg(long, conflicts_with = "all")]
    accounts: bool,
    /// Accounts as well as people
    #[arg(long)]
    all: bool,
    /// Only those with this in their name
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Only those of this app, by number; may be repeated
    #[arg(long = "app", value_name = "NUMBER")]
    apps: Vec<i64>,
    /// Only those whose addresses are of this domain; may be repeated
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<String>,
    /// Only those of a user group, by id; may be repeated
    #[arg(long = "group", value_name = "ID")]
    groups: Vec<String>,
    /// Only those in this state; may be repeated
    #[arg(long, value_name = "STATUS", value_parser = ["staged", "active", "suspended", "deleted", "n/a"])]
    status: Vec<String>,
    /// Only administrators
    #[arg(long)]
    administrators: bool,
    /// Only those of other organizations
    #[arg(long, conflicts_with = "internal")]
    external: bool,
    /// Only those of this organization
    #[arg(long)]
    internal: bool,
    /// Only those who did something in the last so many days
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// The highest score first
    #[arg(long)]
    by_score: bool,
    /// Further filters as the API takes them: {"organization": {"eq": "…"}}
    #[arg(long, value_name = "JSON")]
    filters: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

const KINDS: &[&str] = &["", "account", "user"];
const STATES: &[&str] = &["", "staged", "active", "suspended", "deleted"];

const COLUMNS: &[Column] = &[
    Column::text("Name", "displayName", "/displayName"),
    Column::text("Address", "email", "/email"),
    Column::new("Type", "type", "/type", Cell::Word(KINDS)),
    Column::text("App", "app", "/appData/name"),
    Column::new("Status", "status", "/status", Cell::Word(STATES)),
    Column::new("Administrator", "isAdmin", "/isAdmin", Cell::Mark),
    Column::new("External", "isExternal", "/isExternal", Cell::Mark),
    Column::text("Score", "threatScore", "/threatScore"),
    Column::new("Last seen", "lastSeen", "/lastSeen", Cell::Time),
    Column::text("Id", "id", "/ii"),
];

const DETAILS: &[Column] = &[
    Column::text("Name", "displayName", "/displayName"),
    Column::text("Id", "id", "/ii"),
    Column::text("Address", "email", "/email"),
    Column::new("Type", "type", "/type", Cell::Word(KINDS)),
    Column::text("App", "app", "/appData/name"),
    Column::new("Status", "status", "/status", Cell::Word(STATES)),
    Column::new("Administrator", "isAdmin", "/isAdmin", Cell::Mark),
    Column::text("Role", "role", "/role"),
    Column::new("External", "isExternal", "/isExternal", Cell::Mark),
    Column::text("Organization", "organization", "/organization"),
    Column::text("Groups", "groups", "/groups"),
    Column::text("Score", "threatScore", "/threatScore"),
    Column::new("Last seen", "lastSeen", "/lastSeen", Cell::Time),
    Column::text("Accounts", "accounts", "/apps"),
];

const ACCOUNTS: &[Column] = &[
    Column::text("Name", "displayName", "/dn"),
    Column::text("App", "app", "/appData/name"),
    Column::text("Id in the app", "entityId", "/i"),
    Column::text("Address", "email", "/em"),
    Column::new("Status", "status", "/s", Cell::Word(STATES)),
    Column::new("External", "isExternal", "/ext", Cell::Mark),
];

const ENTITIES: &str = "/api/v1/entities/";

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List(arguments) => {
            let by = if arguments.by_score { "score" } else { "lastSeen" };
            let order = json!({ "sortField": by, "sortDirection": "desc" });
            let filters = filters(arguments)?;
            output.list(COLUMNS, &lists::records(&session, ENTITIES, &filters, &order, arguments.limit)?)
        }
        Action::Show { entity } => {
            let mut found = find(&session, entity)?;
            if output.for_people() {
                let of = |list: &str, place: &str| -> Vec<Value> {
                    items(&found, list).iter().filter_map(|one| one.pointer(place).cloned()).collect()
                };
                let (apps, groups) = (of("accounts", "/appData/name"), of("userGroups", "/name"));
                found["apps"] = json!(apps);
                found["groups"] = json!(groups);
            }
            output.record(DETAILS, &found)
        }
        Action::Accounts { entity } => {
            let found = find(&session, entity)?;
            output.list(ACCOUNTS, items(&found, "accounts"))
        }
    }
}

/// The person or account with that id, or the person with that address.
fn find(session: &Session, wanted: &str) -> Result<Value, Failure> {
    let parts: Vec<&str> = wanted.splitn(3, '|').collect();
    if let [app, instance, id] = parts[..] {
        let number = |text: &str| {
            text.parse::<i64>()
                .map_err(|_| Failure::usage(format!("{wanted:?} is no id: it begins with two numbers")))
        };
        let key = json!({ "id": id, "saas": number(app)?, "inst": number(instance)? });
        return session.api(
            "GET",
            &format!("{ENTITIES}{}/", encode(&STANDARD.encode(key.to_string()))),
            None,
        );
    }
    let missing = || Failure::not_found(format!("there is nobody with the address {wanted:?}"));
    let (_, domain) = wanted.rsplit_once('@').ok_or_else(|| {
        Failure::usage(format!("{wanted:?} is neither an id (APP|INSTANCE|ID) nor the address of a person"))
    })?;
    let filters = json!({ "type": { "eq": "user" }, "domain": { "eq": domain } });
    let all = lists::records(session, ENTITIES, &filters, &json!({ "sortField": "username" }), usize::MAX)?;
    let is = |one: &&Value| one["email"].as_str().is_some_and(|email| email.eq_ignore_ascii_case(wanted));
    all.iter().find(is).cloned().ok_or_else(missing)
}

fn filters(arguments: &ListArgs) -> Result<Value, Failure> {
    let mut filters = lists::filters(arguments.filters.as_deref())?;
    let mut set = |name: &str, operator: &str, value: Value| {
        filters.insert(name.into(), json!({ operator: value }));
    };
    if !arguments.all {
        set("type", "eq", json!(if arguments.accounts { "account" } else { "user" }));
    }
    if let Some(name) = &arguments.name {
        set("displayName", "contains", json!(name));
    }
    for (name, list) in [
        ("app", json!(arguments.apps)),
        ("domain", json!(arguments.domains)),
        ("userGroups", json!(arguments.groups)),
        ("status", json!(arguments.status)),
    ] {
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            set(name, "eq", list);
        }
    }
    if arguments.administrators {
        set("isAdmin", "eq", json!(true));
    }
    if arguments.external || arguments.internal {
        set("isExternal", "eq", json!(arguments.external));
    }
    if let Some(days) = arguments.days {
        set("lastSeen", "gte_ndays", json!(days));
    }
    Ok(Value::Object(filters))
}
