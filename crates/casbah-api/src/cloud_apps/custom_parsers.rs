//! Sources of logs: the built-in ones, and parsers that tenants define.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casbah_authority::Caller;
use casbah_model::{CustomParserRecord, Part};
use casbah_service::Service;
use serde_json::{Value, json};

use super::discovery_shapes::{
    DETECT, DETECTED, NEW_PARSER, NOTHING, PARSER as PARSER_SHAPE, SOURCE, TRIED, TRY_PARSER,
};
use super::{DISCOVERY_MANAGE, DISCOVERY_READ, record_id};
use crate::describe::{Shape, may_have};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const PARSERS: &str = "/api/v1/discovery/custom_parsers";
const PARSER: &str = "/api/v1/discovery/custom_parsers/{id}";

pub(super) fn area() -> Area {
    Area::new("Custom parsers", Part::DiscoverySettings)
        .get("/api/v1/discovery/sources", DISCOVERY_READ, "List the sources of logs", list_sources)
        .pages(&SOURCE)
        .takes(const { &[may_have("search", Shape::Text, "Part of a name or vendor.")] })
        .post(
            "/api/v1/discovery/sources/detect",
            DISCOVERY_READ,
            "Find out which source a log is of",
            detect_source,
        )
        .takes(DETECT)
        .answers(DETECTED)
        .get(PARSERS, DISCOVERY_READ, "List custom parsers", list_custom_parsers)
        .pages(&PARSER_SHAPE)
        .post(PARSERS, DISCOVERY_MANAGE, "Save a custom parser", create_custom_parser)
        .takes(NEW_PARSER)
        .answers(Shape::Record(&PARSER_SHAPE))
        .post(
            "/api/v1/discovery/custom_parsers/try",
            DISCOVERY_READ,
            "Read a sample with a definition",
            try_custom_parser,
        )
        .takes(TRY_PARSER)
        .answers(TRIED)
        .post(PARSER, DISCOVERY_MANAGE, "Change a custom parser", change_custom_parser)
        .takes(NEW_PARSER)
        .answers(Shape::Record(&PARSER_SHAPE))
        .delete(PARSER, DISCOVERY_MANAGE, "Remove a custom parser", delete_custom_parser)
        .answers(NOTHING)
}

async fn list_sources(parameters: Parameters) -> Answer {
    let text = parameters.text("search")?.unwrap_or_default().to_lowercase();
    let all = Service::sources().iter();
    let fits = all
        .filter(|format| [format.id, format.vendor].iter().any(|name| name.to_lowercase().contains(&text)));
    let view = fits.map(|format| {
        json!({
            "name": format.id,
            "logType": format.log_type,
            "vendor": format.vendor,
            "layout": format.basis.name(),
            "gives": format.gives().names(),
        })
    });
    let (page, _) = paging::page(&parameters)?;
    // All of them fit a page that nobody has cut.
    let page = if parameters.raw("limit").is_some() {
        page
    } else {
        casbah_model::filter::Page { limit: 1_000, ..page }
    };
    Ok(Json(paging::cut(view.collect(), page)))
}

async fn detect_source(State(service): State<Service>, parameters: Parameters) -> Answer {
    let found = service.detect_source(sample(&parameters)?).await?;
    let best = found.best();
    let candidates = found.candidates.iter().take(10);
    let candidates = candidates
        .map(|one| json!({ "name": one.format.id, "logType": one.format.log_type, "linesRead": one.read }));
    Ok(Json(json!({
        "source": best.map(|format| format.id),
        "logType": best.map(|format| format.log_type),
        "lines": found.lines,
        "why": found.to_string(),
        "candidates": candidates.collect::<Vec<_>>(),
    })))
}

async fn list_custom_parsers(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let all = service.list_custom_parsers(&caller).await?;
    Ok(Json(paging::cut(all.iter().map(view).collect(), page)))
}

fn view(one: &CustomParserRecord) -> Value {
    json!({
        "_id": one.id,
        "name": one.name,
        "definition": serde_json::from_str::<Value>(&one.definition).unwrap_or(Value::Null),
        "created": one.created,
        "lastModified": one.modified,
    })
}

async fn create_custom_parser(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    Ok(Json(view(&service.save_custom_parser(&caller, None, definition(&parameters)?).await?)))
}

async fn change_custom_parser(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
    parameters: Parameters,
) -> Answer {
    let id = record_id(id)?;
    service.custom_parser(&caller, id.clone()).await?;
    Ok(Json(view(&service.save_custom_parser(&caller, Some(id), definition(&parameters)?).await?)))
}

async fn delete_custom_parser(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.delete_custom_parser(&caller, record_id(id)?).await?;
    Ok(Json(json!({})))
}

async fn try_custom_parser(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (definition, sample) = (definition(&parameters)?, sample(&parameters)?);
    let tried = service.try_custom_parser(&caller, definition, sample).await?;
    Ok(Json(json!({
        "accepted": tried.accepted,
        "statusMessage": tried.title,
        "figures": tried.figures,
        "lines": tried.lines,
    })))
}

/// The definition, in the form that `casbah discovery parse --parser` reads.
fn definition(parameters: &Parameters) -> Result<Value, Problem> {
    match parameters.raw("definition") {
        Some(definition @ Value::Object(_)) => Ok(definition.clone()),
        Some(Value::String(text)) => serde_json::from_str(text)
            .map_err(|e| Problem::invalid("definition", format!("definition is not JSON: {e}."))),
        Some(_) => Err(Problem::invalid("definition", "definition must be an object.")),
        None => Err(Problem::invalid("definition", "definition is missing.")),
    }
}

/// Some lines as text, or a file in base64.
fn sample(parameters: &Parameters) -> Result<Vec<u8>, Problem> {
    if let Some(text) = parameters.text("sample")? {
        return Ok(text.into_bytes());
    }
    let text = parameters.required_text("sampleBase64").map_err(|_| {
        Problem::invalid("sample", "sample is missing: give some lines, or a file as sampleBase64.")
    })?;
    STANDARD.decode(text.trim()).map_err(|_| Problem::invalid("sampleBase64", "sampleBase64 is not base64."))
}
