//! Block scripts.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_service::Service;
use casbah_service::discovery::BlockKind;
use serde_json::json;

use super::DISCOVERY_MANAGE;
use crate::paging;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

pub(super) fn area() -> Area {
    Area::new("Block scripts").get(
        "/api/v1/discovery_block_scripts",
        DISCOVERY_MANAGE,
        "Make a script that blocks unsanctioned apps",
        make_block_script,
    )
}

/// Text for an appliance; without `format`, pages of JSON with the domains of each app.
async fn make_block_script(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let kind = match parameters.text("type")?.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "banned" => BlockKind::Banned,
        "allowed" => BlockKind::Allowed,
        _ => return Err(Problem::invalid("type", "type must be banned or allowed.")),
    };
    if let Some(format) = parameters.text("format")? {
        let script = service.block_script(&caller, format.trim(), kind).await?;
        return Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], script).into_response());
    }
    let (page, _) = paging::page(&parameters)?;
    let domains = service.app_domains(&caller, kind).await?;
    let data = domains.iter().map(|list| json!({ "domainList": list })).collect();
    Ok(Json(paging::cut(data, page)).into_response())
}
