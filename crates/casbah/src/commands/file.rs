//! `casbah file`: the files of apps, whose they are, and who has access.

use clap::Subcommand;
use serde_json::{Map, Value, json};

use super::lists;
use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, items};
use crate::client::failure::Failure;
use crate::output::{Cell, Column, write};

/// What can be done with files.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List files, the latest change first
    List(ListArgs),
    /// Count files
    Count(Wanted),
    /// Show one file
    Show {
        /// Its id, or its id in the app
        file: String,
    },
    /// List the folders above a file, the nearest first
    Folders {
        /// Its id, or its id in the app
        file: String,
    },
}

/// Arguments of `casbah file list`.
#[derive(clap::Args, Clone, Debug)]
pub struct ListArgs {
    #[command(flatten)]
    wanted: Wanted,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
}

/// Which files.
#[derive(clap::Args, Clone, Debug)]
pub struct Wanted {
    /// Only files with this in their name
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Only files with these words in their name, the last of which may be a beginning
    #[arg(long, value_name = "WORDS")]
    words: Option<String>,
    /// Only files of this owner, by address or id
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Only files of this app, by number; may be repeated
    #[arg(long = "app", value_name = "NUMBER")]
    apps: Vec<i64>,
    /// Only files that are shared so far; may be repeated
    #[arg(long, value_name = "LEVEL", value_parser = ["private", "internal", "external", "public", "public-internet"])]
    sharing: Vec<String>,
    /// Only files to which this domain has access; may be repeated
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<String>,
    /// Only files of this kind; may be repeated
    #[arg(long = "type", value_name = "TYPE", value_parser = ["document", "spreadsheet", "presentation", "text", "image", "folder", "other"])]
    types: Vec<String>,
    /// Only files whose name ends like this; may be repeated
    #[arg(long = "extension", value_name = "ENDING")]
    extensions: Vec<String>,
    /// Only files that match this policy, by id
    #[arg(long, value_name = "ID")]
    policy: Option<String>,
    /// Only files that were changed in the last so many days
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// Only files in the trash
    #[arg(long, conflicts_with = "deleted")]
    trashed: bool,
    /// Files in the trash and deleted ones, too
    #[arg(long)]
    deleted: bool,
    /// Further filters as the API takes them: {"fileLabels": {"eq": "…"}}
    #[arg(long, value_name = "JSON")]
    filters: Option<String>,
}

const COLUMNS: &[Column] = &[
    Column::text("Name", "name", "/name"),
    Column::text("Type", "type", "/fileType/1"),
    Column::text("Sharing", "sharing", "/fileAccessLevel/1"),
    Column::text("Owner", "owner", "/ownerAddress"),
    Column::text("App", "app", "/appName"),
    Column::new("Size", "size", "/fileSize", Cell::Bytes),
    Column::new("Changed", "modifiedDate", "/modifiedDate", Cell::Time),
    Column::text("Id", "id", "/_id"),
];

const DETAILS: &[Column] = &[
    Column::text("Name", "name", "/name"),
    Column::text("Id", "id", "/_id"),
    Column::text("Id in the app", "fileId", "/id"),
    Column::text("App", "app", "/appName"),
    Column::text("Type", "type", "/fileType/1"),
    Column::text("Media type", "mimeType", "/mimeType"),
    Column::new("Size", "size", "/fileSize", Cell::Bytes),
    Column::text("State", "status", "/fileStatus/1"),
    Column::new("Quarantined", "quarantined", "/quarantined", Cell::Mark),
    Column::text("Sharing", "sharing", "/fileAccessLevel/1"),
    Column::text("Owner", "owner", "/ownerAddress"),
    Column::new("Owner is outside", "ownerExternal", "/ownerExternal", Cell::Mark),
    Column::text("People with access", "people", "/people"),
    Column::text("Groups with access", "groups", "/groups"),
    Column::text("Domains with access", "domains", "/domains"),
    Column::text("Labels", "labels", "/fTags"),
    Column::text("Path", "path", "/filePath"),
    Column::text("Address", "address", "/alternateLink"),
    Column::new("Made", "createdDate", "/createdDate", Cell::Time),
    Column::new("Changed", "modifiedDate", "/modifiedDate", Cell::Time),
    Column::new("Told", "told", "/snapshotLastModifiedDate", Cell::Time),
];

const FOLDERS: &[Column] = &[
    Column::text("Name", "name", "/name"),
    Column::text("Id in the app", "fileId", "/id"),
    Column::text("Id", "id", "/_id"),
];

const FILES: &str = "/api/v1/files/";

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List(arguments) => {
            let order = json!({ "sortField": "modifiedDate", "sortDirection": "desc" });
            let filters = filters(&arguments.wanted)?;
            output.list(COLUMNS, &lists::records(&session, FILES, &filters, &order, arguments.limit)?)
        }
        Action::Count(wanted) => {
            let body = json!({ "filters": filters(wanted)? });
            let count = session.api("POST", "/api/v1/files/count/", Some(&body))?;
            if output.for_people() {
                return write(&format!("{count}\n"));
            }
            output.record(&[Column::text("Files", "count", "/count")], &json!({ "count": count }))
        }
        Action::Show { file } => {
            let mut found = find(&session, file)?;
            if output.for_people() {
                let name = |one: &Value| {
                    ["email", "name", "id"].iter().find_map(|field| one[*field].as_str().map(String::from))
                };
                let people: Vec<String> = items(&found, "collaborators").iter().filter_map(name).collect();
                found["people"] = json!(people);
            }
            output.record(DETAILS, &found)
        }
        Action::Folders { file } => {
            let found = find(&session, file)?;
            let id = encode(found["_id"].as_str().unwrap_or_default());
            let above = session.api("GET", &format!("{FILES}{id}/effective_parents/"), None)?;
            output.list(FOLDERS, items(&above, "data"))
        }
    }
}

/// The file with that record id, or else the one with that id in its app.
fn find(session: &Session, wanted: &str) -> Result<Value, Failure> {
    if wanted.len() == 24 && wanted.bytes().all(|b| b.is_ascii_hexdigit()) {
        return session.api("GET", &format!("{FILES}{}/", encode(wanted)), None);
    }
    let filters = json!({ "fileId": { "eq": wanted }, "allowDeleted": { "eq": true } });
    let mut found = lists::records(session, FILES, &filters, &json!({}), 2)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::not_found(format!("there is no file {wanted:?}"))),
        _ => Err(Failure::usage(format!(
            "several apps have a file {wanted:?}; name it by the id in the last column of casbah file list"
        ))),
    }
}

fn filters(wanted: &Wanted) -> Result<Value, Failure> {
    let mut filters = lists::filters(wanted.filters.as_deref())?;
    let mut named = Map::new();
    named.extend(wanted.name.iter().map(|name| ("contains".to_string(), json!(name))));
    named.extend(wanted.words.iter().map(|words| ("text".to_string(), json!(words))));
    if !named.is_empty() {
        filters.insert("filename".into(), named.into());
    }
    let mut set = |name: &str, operator: &str, value: Value| {
        filters.insert(name.into(), json!({ operator: value }));
    };
    if let Some(owner) = &wanted.owner {
        set("owner.username", "eq", json!(owner));
    }
    let sharing: Vec<String> = wanted.sharing.iter().map(|level| level.replace('-', "_")).collect();
    for (name, list) in [
        ("service", json!(wanted.apps)),
        ("sharing", json!(sharing)),
        ("collaborators.domains", json!(wanted.domains)),
        ("fileType", json!(wanted.types)),
        ("extension", json!(wanted.extensions)),
    ] {
        if list.as_array().is_some_and(|list| !list.is_empty()) {
            set(name, "eq", list);
        }
    }
    if let Some(policy) = &wanted.policy {
        set("policy", "cabinetmatchedrulesequals", json!(policy));
    }
    if let Some(days) = wanted.days {
        set("modifiedDate", "gte_ndays", json!(days));
    }
    if wanted.trashed {
        set("trashed", "eq", json!(true));
    }
    if wanted.deleted {
        set("allowDeleted", "eq", json!(true));
    }
    Ok(Value::Object(filters))
}
