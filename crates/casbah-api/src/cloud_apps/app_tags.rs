//! App tags: Sanctioned, Unsanctioned, Monitored, and a tenant's own.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::{AppTag, Part};
use casbah_service::Service;
use serde_json::{Value, json};

use super::{DISCOVERY_MANAGE, DISCOVERY_READ, record_id};
use crate::describe::{Property, Record, Shape, has};
use crate::paging::Answer;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

/// What the tag is for: apps.
const TARGET: i64 = 6;

const TAG: Record = Record {
    name: "AppTag",
    what: "A tag of apps.",
    properties: &[
        has("id", Shape::Id, ""),
        has("name", Shape::Text, ""),
        has("target", Shape::Integer, "6: apps."),
        has("_tid", Shape::Integer, "Number of the tenant."),
        has("appIds", Shape::List(&Shape::Integer), "Apps that bear it, by number."),
        has("builtIn", Shape::Flag, "Whether it came with the product."),
    ],
};
const TAG_NAME: &[Property] = &[has("tagName", Shape::Text, "Name of the tag.")];

pub(super) fn area() -> Area {
    Area::new("App tags", Part::AppTags)
        .list("/api/v1/discovery/app_tags", DISCOVERY_READ, "List app tags", list_app_tags)
        .answers(Shape::List(&Shape::Record(&TAG)))
        .post("/api/v1/discovery/app_tags/create", DISCOVERY_MANAGE, "Make a tag", create_app_tag)
        .takes(const { &[has("name", Shape::Text, "Name of the tag.")] })
        .answers(Shape::Record(&TAG))
        .delete("/api/v1/discovery/app_tags/{id}", DISCOVERY_MANAGE, "Remove a tag", delete_app_tag)
        .answers(Shape::Inline(&[]))
        .post(
            "/api/v1/discovery/discovery_app/{app_id}/add_tag",
            DISCOVERY_MANAGE,
            "Put a tag on an app",
            add_app_tag,
        )
        .takes(TAG_NAME)
        .answers(Shape::Inline(&[]))
        .post(
            "/api/v1/discovery/discovery_app/{app_id}/remove_tag",
            DISCOVERY_MANAGE,
            "Take a tag off an app",
            remove_app_tag,
        )
        .takes(TAG_NAME)
        .answers(Shape::Inline(&[]))
}

/// A bare list, unlike all others.
async fn list_app_tags(State(service): State<Service>, Extension(caller): Extension<Caller>) -> Answer {
    let tags = service.list_app_tags(&caller).await?;
    Ok(Json(Value::Array(tags.iter().map(|tag| view(&caller, tag)).collect())))
}

fn view(caller: &Caller, tag: &AppTag) -> Value {
    json!({
        "id": tag.id,
        "name": tag.name,
        "target": TARGET,
        "_tid": caller.tenant_number,
        "appIds": tag.apps,
        "builtIn": tag.built_in,
    })
}

async fn create_app_tag(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let made = service.create_app_tag(&caller, parameters.required_text("name")?).await?;
    Ok(Json(view(&caller, &made)))
}

async fn delete_app_tag(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.delete_app_tag(&caller, record_id(id)?).await?;
    Ok(Json(json!({})))
}

async fn add_app_tag(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(app): Path<String>,
    parameters: Parameters,
) -> Answer {
    service.add_app_tag(&caller, app_id(&app)?, parameters.required_text("tagName")?).await?;
    Ok(Json(json!({})))
}

async fn remove_app_tag(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(app): Path<String>,
    parameters: Parameters,
) -> Answer {
    service.remove_app_tag(&caller, app_id(&app)?, parameters.required_text("tagName")?).await?;
    Ok(Json(json!({})))
}

fn app_id(text: &str) -> Result<i64, Problem> {
    text.parse().map_err(|_| Problem::invalid("appId", "The id of an app is a number."))
}
