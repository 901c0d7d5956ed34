//! IP tags: what can be said about addresses.

use axum::extract::State;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::{IpTag, Part};
use casbah_service::Service;
use serde_json::{Value, json};

use super::subnets::RANGES_READ;
use crate::describe::{Property, Record, Shape, has, may_have};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

/// What the tag is for: IP addresses.
const TARGET: i64 = 1;
const CUSTOM: i64 = 0;
const BUILT_IN: i64 = 2;

pub(super) fn area() -> Area {
    Area::new("IP tags", Part::Activities)
        .get("/api/v1/tags", RANGES_READ, "List IP tags", list_ip_tags)
        .pages(&TAG)
        .takes(
            const {
                &[
                    has("target", Shape::Word(&["ip", "1"]), "What the tags are for."),
                    may_have("sort", Shape::Word(&["name"]), ""),
                    may_have("sortDirectory", Shape::Word(&["asc", "desc"]), "Spelt so."),
                ]
            },
        )
}

pub(super) const TAG: Record = Record {
    name: "IpTag",
    what: "Something that can be said of addresses.",
    properties: &[
        has("_id", Shape::Id, ""),
        has("id", Shape::Id, "The same."),
        has("name", Shape::Text, ""),
        has("target", Shape::Integer, "1: addresses."),
        has("type", Shape::Numbered(&[(0, "made by the tenant"), (2, "built in")]), ""),
        has("status", Shape::Integer, ""),
        has("visibility", Shape::Integer, ""),
        has("_tid", Shape::Integer, "Number of the tenant."),
        may_have("nameTemplate", Shape::Inline(TEMPLATE), "Of a built-in tag."),
        may_have("description", Shape::Text, "Of a built-in tag."),
        may_have("descriptionTemplate", Shape::Inline(TEMPLATE), "Of a built-in tag."),
    ],
};
const TEMPLATE: &[Property] = &[has("template", Shape::Text, "")];

async fn list_ip_tags(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let target = parameters.required_text("target")?;
    if !["ip", "1"].contains(&target.trim().to_ascii_lowercase().as_str()) {
        return Err(Problem::invalid("target", "target must be ip: no other tags are built."));
    }
    let sort = parameters.text("sort")?.unwrap_or_default();
    if !["", "name"].contains(&sort.trim()) {
        return Err(Problem::invalid("sort", "sort must be name."));
    }
    // Spelt like no other call spells it.
    let descending = match parameters.text("sortDirectory")?.unwrap_or_default().trim() {
        "" | "asc" => false,
        "desc" => true,
        _ => return Err(Problem::invalid("sortDirectory", "sortDirectory must be asc or desc.")),
    };
    let (page, _) = paging::page(&parameters)?;
    let mut all = service.list_ip_tags(&caller).await?;
    if descending {
        all.reverse();
    }
    Ok(Json(paging::cut(all.iter().map(|tag| view(tag, caller.tenant_number)).collect(), page)))
}

/// A tag, as it stands here and in the ranges that bear it.
pub(super) fn view(tag: &IpTag, tenant_number: i64) -> Value {
    let mut view = json!({
        "_id": tag.id,
        "id": tag.id,
        "name": tag.name,
        "target": TARGET,
        "type": if tag.built_in { BUILT_IN } else { CUSTOM },
        "status": 0,
        "visibility": 0,
        "_tid": tenant_number,
    });
    if tag.built_in {
        let key = |prefix: &str| {
            let upper = tag.name.to_ascii_uppercase();
            let words: Vec<&str> =
                upper.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
            json!({ "template": format!("{prefix}_{}", words.join("_")) })
        };
        view["nameTemplate"] = key("IP_TAG_NAME");
        view["description"] = json!(tag.description);
        view["descriptionTemplate"] = key("IP_TAG_DESCRIPTION");
    }
    view
}
