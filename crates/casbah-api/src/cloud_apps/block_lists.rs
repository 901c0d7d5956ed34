//! Lists of blocked apps that appliances fetch by themselves: a secret address for each, which can be taken back.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::MethodFilter;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::{BlockList, Part, Secret};
use casbah_service::Service;
use serde_json::{Value, json};

use super::block_scripts::script_answer;
use super::discovery_shapes::{BLOCK_LIST, MADE_BLOCK_LIST, NEW_BLOCK_LIST, NOTHING};
use super::{DISCOVERY_MANAGE, record_id};
use crate::describe::Shape;
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const PATH: &str = "/api/v1/discovery/block_lists";

pub(super) fn area() -> Area {
    Area::new("Block lists", Part::Discovery)
        .get(PATH, DISCOVERY_MANAGE, "List the addresses of block lists", list_block_lists)
        .pages(&BLOCK_LIST)
        .post(PATH, DISCOVERY_MANAGE, "Make an address of a block list", create_block_list)
        .takes(NEW_BLOCK_LIST)
        .answers(Shape::Record(&MADE_BLOCK_LIST))
        .delete(
            "/api/v1/discovery/block_lists/{id}",
            DISCOVERY_MANAGE,
            "Take back the address of a block list",
            delete_block_list,
        )
        .answers(NOTHING)
        .signed(
            (&["GET"], MethodFilter::GET),
            "/lists/{secret}",
            "Fetch a block list by its secret address",
            fetch_block_list,
        )
        .described_elsewhere()
}

async fn list_block_lists(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let all = service.list_block_lists(&caller).await?;
    Ok(Json(paging::cut(all.iter().map(view).collect(), page)))
}

fn view(list: &BlockList) -> Value {
    json!({
        "_id": list.id,
        "name": list.name,
        "format": list.format,
        "created": list.created,
        "createdBy": list.created_by,
        "lastFetched": list.last_fetched,
    })
}

/// The only answer that holds the address.
async fn create_block_list(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (name, format) = (parameters.required_text("name")?, parameters.required_text("format")?);
    let made = service.create_block_list(&caller, name, format).await?;
    let mut answer = view(&made.list);
    answer["url"] = json!(format!("{}/lists/{}", service.settings().public_url, made.secret.expose()));
    Ok(Json(answer))
}

async fn delete_block_list(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.delete_block_list(&caller, record_id(id)?).await?;
    Ok(Json(json!({})))
}

async fn fetch_block_list(
    State(service): State<Service>,
    Path(secret): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let script = service.fetch_block_list(&Secret::new(secret)).await?;
    Ok(script_answer(script, &headers))
}
