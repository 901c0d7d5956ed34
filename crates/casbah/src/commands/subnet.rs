//! `casbah subnet`: the addresses that a tenant knows.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::cli::Area;
use crate::client::Session;
use crate::client::directory::{encode, items};
use crate::client::failure::Failure;
use crate::output::{Cell, Column, Format};

/// What can be done with IP ranges.
#[derive(Subcommand, Clone, Debug)]
pub enum Action {
    /// List IP ranges by name
    List(ListArgs),
    /// Make an IP range
    Create(CreateArgs),
    /// Delete IP ranges
    Delete {
        /// Ids of the ranges
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

/// Arguments of `casbah subnet list`.
#[derive(clap::Args, Clone, Debug)]
pub struct ListArgs {
    /// Only this category; may be repeated
    #[arg(long = "category", value_name = "CATEGORY", value_enum)]
    categories: Vec<Category>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

/// Arguments of `casbah subnet create`.
#[derive(clap::Args, Clone, Debug)]
pub struct CreateArgs {
    /// Name of the range
    name: String,
    /// IPv4 or IPv6 addresses, with or without a mask
    #[arg(required = true, value_name = "ADDRESS[/MASK]")]
    subnets: Vec<String>,
    /// What kind of addresses they are
    #[arg(long, value_enum)]
    category: Category,
    /// Name or id of a tag; may be repeated
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Whose addresses they are
    #[arg(long, value_name = "NAME")]
    organization: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Category {
    Corporate = 1,
    Administrative,
    Risky,
    Vpn,
    CloudProvider,
    Other,
}

const COLUMNS: &[Column] = &[
    Column::text("Name", "name", "/name"),
    Column::new(
        "Category",
        "category",
        "/category",
        Cell::Word(&["none", "corporate", "administrative", "risky", "VPN", "cloud provider", "other"]),
    ),
    Column::text("Addresses", "addresses", "/addresses"),
    Column::text("Tags", "tagNames", "/tagNames"),
    Column::text("Organization", "organization", "/organization"),
    Column::text("Id", "id", "/_id"),
];

/// Pages of the API are this large.
const PAGE: usize = 100;

/// Runs the command.
pub fn run(area: &Area<Action>) -> Result<(), Failure> {
    let (session, output) = area.open()?;
    match &area.action {
        Action::List(arguments) => {
            let mut ranges = list(&session, arguments)?;
            // Programs that ask for JSON get the records as they are.
            if !matches!(output.format(), Some(Format::Json | Format::Jsonl)) {
                for range in &mut ranges {
                    range["addresses"] = joined(range, "subnets", "originalString").into();
                    range["tagNames"] = joined(range, "tags", "name").into();
                }
            }
            output.list(COLUMNS, &ranges)
        }
        Action::Create(arguments) => {
            let body = json!({
                "name": arguments.name,
                "category": arguments.category as i64,
                "subnets": arguments.subnets,
                "tags": arguments.tags,
                "organization": arguments.organization,
            });
            let id = session.api("POST", "/api/v1/subnet/create_rule/", Some(&body))?;
            let id = id.as_str().unwrap_or_default();
            output.record(&[Column::text("Id", "id", "/_id")], &json!({ "_id": id }))
        }
        Action::Delete { ids } => {
            for id in ids {
                session.api("DELETE", &format!("/api/v1/subnet/{}/", encode(id)), None)?;
            }
            output.done(&format!("{} deleted", ids.len()), &json!({ "deleted": ids.len() }))
        }
    }
}

fn list(session: &Session, arguments: &ListArgs) -> Result<Vec<Value>, Failure> {
    let numbers: Vec<i64> = arguments.categories.iter().map(|category| *category as i64).collect();
    let mut ranges = Vec::new();
    while ranges.len() < arguments.limit {
        let size = PAGE.min(arguments.limit - ranges.len());
        let body =
            json!({ "filters": { "category": { "eq": numbers } }, "skip": ranges.len(), "limit": size });
        let page = session.api("POST", "/api/v1/subnet/", Some(&body))?;
        let records = items(&page, "data");
        ranges.extend_from_slice(records);
        if records.is_empty() || page.get("hasNext").and_then(Value::as_bool) != Some(true) {
            break;
        }
    }
    Ok(ranges)
}

fn joined(range: &Value, list: &str, field: &str) -> String {
    let texts: Vec<&str> = items(range, list).iter().filter_map(|one| one.get(field)?.as_str()).collect();
    texts.join(", ")
}
