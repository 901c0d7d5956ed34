//! What can be filtered by: the fields of every list, as the lists themselves read them.

use axum::Json;
use casbah_model::Permission;
use serde_json::{Value, json};

use crate::describe::{Property, Record, Shape, has, may_have};
use crate::filters::{FilterInfo, Kind, Operator, example};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::{Area, EndpointInfo};

/// It tells nothing of the tenant, so whoever may do anything may ask.
const ANY: &[Permission] = &Permission::ALL;

pub(super) fn area() -> Area {
    Area::for_everyone("Filters")
        .get("/api/v1/filters", ANY, "List what can be filtered by", list_filters)
        .pages(&FILTERS)
        .takes(TAKES)
}

const TAKES: &[Property] =
    &[may_have("resource", Shape::Text, "One list only, by the end of its path, such as alerts.")];

const FILTERS: Record = Record {
    name: "ResourceFilters",
    what: "What a list can be filtered by.",
    properties: &[
        has("resource", Shape::Text, "The end of the path, such as alerts."),
        has("path", Shape::Text, "The path of the list."),
        has("fields", Shape::List(&Shape::Inline(FIELD)), ""),
    ],
};

const FIELD: &[Property] = &[
    has("name", Shape::Text, ""),
    has("aliases", Shape::List(&Shape::Text), "Other names of the same field."),
    has("type", Shape::Text, "What its values are."),
    has("description", Shape::Text, "What it is about."),
    has("operators", Shape::List(&Shape::Inline(OPERATOR)), ""),
    has("example", Shape::Object, "Filters with this field."),
];

const OPERATOR: &[Property] =
    &[has("name", Shape::Text, ""), has("description", Shape::Text, "When it holds.")];

async fn list_filters(parameters: Parameters) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let wanted =
        parameters.text("resource")?.map(|name| name.trim().to_string()).filter(|name| !name.is_empty());
    let all: Vec<Value> = lists().iter().map(view).collect();
    let names: Vec<String> = lists().iter().map(resource).collect();
    if let Some(wanted) = &wanted
        && !names.contains(wanted)
    {
        let why = format!("resource must be one of {}.", names.join(", "));
        return Err(Problem::invalid("resource", why));
    }
    let chosen = all.into_iter().filter(|one| wanted.as_ref().is_none_or(|name| one["resource"] == **name));
    Ok(Json(paging::cut(chosen.collect(), page)))
}

/// The lists that take filters; other calls that do take those of a list.
pub(crate) fn lists() -> Vec<EndpointInfo> {
    let mut all = crate::endpoints();
    all.retain(|endpoint| endpoint.methods == ["GET", "POST"] && !endpoint.says.filters.is_empty());
    all
}

/// The name of a list, such as `alerts`.
pub(crate) fn resource(endpoint: &EndpointInfo) -> String {
    endpoint.path.trim_start_matches("/api/v1/").to_string()
}

fn view(endpoint: &EndpointInfo) -> Value {
    json!({
        "resource": resource(endpoint),
        "path": format!("{}/", endpoint.path),
        "fields": endpoint.says.filters.iter().map(field).collect::<Vec<_>>(),
    })
}

fn field(field: &FilterInfo) -> Value {
    let operator = |operator: &Operator| json!({ "name": operator.name(), "description": operator.what() });
    json!({
        "name": field.names[0],
        "aliases": field.names[1..],
        "type": kind(field.kind),
        "description": field.what,
        "operators": field.operators.iter().map(operator).collect::<Vec<_>>(),
        "example": { field.names[0]: example(field) },
    })
}

/// What the values of a field are, for people.
pub(crate) fn kind(kind: Kind) -> String {
    match kind {
        Kind::Number => "whole number".to_string(),
        Kind::Text | Kind::NullableText => "text".to_string(),
        Kind::Any => "text, number or object".to_string(),
        Kind::Id => "id of 24 hex digits".to_string(),
        Kind::Flag => "true or false".to_string(),
        Kind::Either(yes, no) => format!("{yes:?} or {no:?}"),
        Kind::Time => "time in milliseconds since 1970".to_string(),
        Kind::Entity => "entity key".to_string(),
        Kind::Named(names) => {
            let all: Vec<String> =
                names.iter().map(|(name, number)| format!("{number} or `{name}`")).collect();
            all.join(", ")
        }
        Kind::Group => "id of a user group, or `{\"role\": 1}`".to_string(),
        Kind::Span => "whole number; with `eq` the lowest and the highest".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{EndpointInfo, kind, lists, resource};
    use crate::filters::example;
    use crate::testing::World;

    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/filters.md");
    const START: &str = "<!-- fields: made by `UPDATE=1 cargo test -p casbah-api filters` -->";

    /// The tables of the document are those that the lists read filters by.
    #[test]
    fn the_document_says_what_the_tables_say() {
        let mut tables = String::new();
        let mut told: Vec<Vec<&str>> = Vec::new();
        for list in lists() {
            // Lists of the same fields have one table.
            let names: Vec<&str> = list.says.filters.iter().map(|field| field.names[0]).collect();
            if told.contains(&names) {
                continue;
            }
            let same = |other: &EndpointInfo| {
                other.says.filters.iter().map(|f| f.names[0]).eq(names.iter().copied())
            };
            let paths: Vec<String> =
                lists().into_iter().filter(same).map(|list| format!("`{}/`", list.path)).collect();
            tables.push_str(&format!("\n## {}\n\n{}\n\n", resource(&list), paths.join(", ")));
            tables.push_str("| field | type | operators | what | example |\n|---|---|---|---|---|\n");
            for field in &list.says.filters {
                let operators: Vec<&str> = field.operators.iter().map(|o| o.name()).collect();
                let cells = [
                    format!("`{}`", field.names.join("`, `")),
                    kind(field.kind),
                    operators.join(", "),
                    field.what.to_string(),
                    format!("`{}`", json!({ field.names[0]: example(field) })),
                ];
                tables.push_str(&format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | ")));
            }
            told.push(names);
        }
        let text = std::fs::read_to_string(DOCUMENT).expect("docs/filters.md");
        let (before, old) = text.split_once(START).expect("a place for the fields");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(DOCUMENT, format!("{before}{START}\n{tables}")).expect("a file to write");
        } else {
            assert!(old.trim() == tables.trim(), "UPDATE=1 writes docs/filters.md");
        }
    }

    /// What is described is what is taken: every example, and every operator of every field.
    #[tokio::test]
    async fn every_field_and_operator_that_is_listed_is_taken_by_its_list() {
        let world = World::start().await;
        let all = world.get("/api/v1/filters/").await.ok();
        assert!(all["data"].as_array().expect("a list").len() >= 5, "{all}");
        for one in all["data"].as_array().expect("a list") {
            let path = one["path"].as_str().expect("text");
            let mut body = json!({});
            if path.contains("categories") {
                let streams = world.get("/api/v1/discovery/streams/").await.ok();
                body["streamId"] = streams["streams"][0]["_id"].clone();
            }
            for field in one["fields"].as_array().expect("a list") {
                assert!(!field["description"].as_str().expect("text").is_empty(), "{field}");
                body["filters"] = field["example"].clone();
                world.post(path, body.clone()).await.ok();
                let value = match &field["example"][field["name"].as_str().expect("text")] {
                    Value::Object(of) => of.values().next().cloned().expect("a value"),
                    other => panic!("{other}"),
                };
                for operator in field["operators"].as_array().expect("a list") {
                    let name = operator["name"].as_str().expect("text");
                    let value = match name {
                        "isset" | "isnotset" => json!(true),
                        "range" => json!([{ "start": 1 }]),
                        "gte_ndays" | "lte_ndays" => json!(30),
                        "gt" | "gte" | "lt" | "lte" if value.is_array() => value[0].clone(),
                        _ => value.clone(),
                    };
                    for spelled in field["aliases"].as_array().expect("a list").iter().chain([&field["name"]])
                    {
                        body["filters"] = json!({ spelled.as_str().expect("text"): { name: value } });
                        world.post(path, body.clone()).await.ok();
                    }
                }
            }
        }
    }

    #[tokio::test]
    async fn one_list_can_be_asked_for() {
        let world = World::start().await;
        let one = world.get("/api/v1/filters/?resource=alerts").await.ok();
        assert_eq!((&one["total"], &one["data"][0]["path"]), (&json!(1), &json!("/api/v1/alerts/")));
        let why = world.get("/api/v1/filters/?resource=cheese").await.refused(400, "resource");
        assert!(why.contains("activities"), "{why}");
    }
}
