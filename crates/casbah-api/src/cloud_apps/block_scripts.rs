//! Block scripts.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use casbah_authority::Caller;
use casbah_model::Part;
use casbah_service::Service;
use casbah_service::discovery::BlockKind;
use md5::{Digest, Md5};
use serde_json::json;

use super::DISCOVERY_MANAGE;
use crate::describe::{Property, Record, Shape, has, may_have};
use crate::paging;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const TAKES: &[Property] = &[
    may_have(
        "format",
        Shape::Text,
        "Kind of appliance, by number, such as 120; without it the answer is JSON.",
    ),
    may_have("type", Shape::Word(&["banned", "allowed"]), "Which apps; without it the banned ones."),
];
const DOMAINS: Record = Record {
    name: "AppDomains",
    what: "The domains of an app.",
    properties: &[has("domainList", Shape::List(&Shape::Text), "")],
};

pub(super) fn area() -> Area {
    Area::new("Block scripts", Part::Discovery)
        .get(
            "/api/v1/discovery_block_scripts",
            DISCOVERY_MANAGE,
            "Make a script that blocks unsanctioned apps",
            make_block_script,
        )
        .takes(TAKES)
        .answers_text_or("text/plain", &DOMAINS)
}

/// Text for an appliance; without `format`, pages of JSON with the domains of each app. Who asks again and again
/// shows the mark of what it has (`If-None-Match`), and gets the text only when it is another.
async fn make_block_script(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let kind = match parameters.text("type")?.unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "banned" => BlockKind::Banned,
        "allowed" => BlockKind::Allowed,
        _ => return Err(Problem::invalid("type", "type must be banned or allowed.")),
    };
    if let Some(format) = parameters.text("format")?.filter(|format| !format.trim().is_empty()) {
        let script = service.block_script(&caller, format.trim(), kind).await?;
        return Ok(script_answer(script, &headers));
    }
    let (page, _) = paging::page(&parameters)?;
    let domains = service.app_domains(&caller, kind).await?;
    let data = domains.iter().map(|list| json!({ "domainList": list })).collect();
    Ok(Json(paging::cut(data, page)).into_response())
}

/// The text, or that it is still the one whose mark was shown.
pub(super) fn script_answer(script: String, headers: &HeaderMap) -> Response {
    let mark = format!("\"{}\"", STANDARD.encode(Md5::digest(script.as_bytes())));
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let is_same = |known: &str| {
        let known = known.trim().trim_start_matches("W/");
        known == mark || known == "*"
    };
    if known.flat_map(|value| value.split(',')).any(is_same) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, mark)]).into_response();
    }
    let kind = "text/plain; charset=utf-8".to_string();
    ([(header::CONTENT_TYPE, kind), (header::ETAG, mark)], script).into_response()
}
