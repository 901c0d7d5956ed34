//! Data sources: where the logs of a continuous report come from.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Part;
use casbah_service::Service;
use casbah_service::discovery::NewDataSource;
use serde_json::{Value, json};

use super::{DISCOVERY_MANAGE, DISCOVERY_READ, record_id, streams};
use crate::describe::{Property, Shape, has, may_have};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const PATH: &str = "/api/v1/discovery/data_sources";

const NEW: &[Property] = &[
    has("displayName", Shape::Text, "Its name, which uploads refer to."),
    has("logType", Shape::Either(&[Shape::Integer, Shape::Text]), "Kind of log, by number or name."),
    may_have("receiverType", Shape::Text, "How logs arrive: ftp, syslog."),
    may_have("receiverTypeFull", Shape::Text, "Both at once, such as syslog-tls."),
    may_have("protocol", Shape::Text, "Of syslog: udp, tcp, tls."),
    may_have("anonymizeUsers", Shape::Flag, "Whether user names are hidden; else the tenant's default."),
    may_have("parser", Shape::Text, "Of the log type CUSTOM_PARSER: the tenant's parser, by name or id."),
];

pub(super) fn area() -> Area {
    Area::new("Data sources", Part::DiscoverySettings)
        .get(PATH, DISCOVERY_READ, "List data sources", list_data_sources)
        .pages(&streams::STREAM)
        .sorted(&["created", "displayName"])
        .post(PATH, DISCOVERY_MANAGE, "Create a data source", create_data_source)
        .takes(NEW)
        .answers(Shape::Record(&streams::STREAM))
        .delete(
            "/api/v1/discovery/data_sources/{id}",
            DISCOVERY_MANAGE,
            "Delete a data source and its usage",
            delete_data_source,
        )
        .answers(Shape::Inline(&[]))
        .delete(
            "/api/v1/discovery/snapshot_reports/{id}",
            DISCOVERY_MANAGE,
            "Delete a snapshot report and its usage",
            delete_snapshot_report,
        )
        .answers(Shape::Inline(&[]))
}

async fn list_data_sources(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let by_name = paging::sort_field(&parameters, &[("created", false), ("displayName", true)])?;
    let ascending = paging::ascending(&parameters)?;
    let (page, _) = paging::page(&parameters)?;
    let mut all = service.list_data_sources(&caller).await?;
    if by_name {
        all.sort_by_key(|source| source.name.to_lowercase());
    }
    if !ascending {
        all.reverse();
    }
    let now = service.clock().now();
    Ok(Json(paging::cut(all.iter().map(|source| streams::view(source, now)).collect(), page)))
}

async fn create_data_source(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    // `syslog-tls` says both; the two parts may also stand alone.
    let full = parameters.text("receiverTypeFull")?.unwrap_or_default();
    let (kind, transport) = match full.split_once('-') {
        Some((kind, transport)) => (kind.to_string(), Some(transport.to_string())),
        None => (full, None),
    };
    let receiver = parameters.text("receiverType")?.filter(|text| !text.is_empty());
    let receiver = receiver.unwrap_or(if kind.is_empty() { "ftp".to_string() } else { kind });
    let protocol = parameters.text("protocol")?;
    let new = NewDataSource {
        name: parameters.required_text("displayName")?.trim().to_string(),
        log_type: log_type(&parameters)?,
        receiver: receiver.to_lowercase(),
        protocol: protocol.filter(|text| !text.is_empty()).or(transport).map(|text| text.to_lowercase()),
        anonymize_users: parameters.flag("anonymizeUsers")?,
        parser: parameters.text("parser")?.filter(|text| !text.trim().is_empty()),
    };
    let source = service.create_data_source(&caller, new).await?;
    Ok(Json(streams::view(&source, source.created)))
}

/// The number of the log type; a source's name will do.
fn log_type(parameters: &Parameters) -> Result<i64, Problem> {
    match parameters.raw("logType") {
        None => Err(Problem::invalid("logType", "logType is missing.")),
        Some(Value::String(name)) if !name.trim().is_empty() && name.trim().parse::<i64>().is_err() => {
            let found = Service::log_type(name.trim());
            found.ok_or_else(|| {
                Problem::invalid("logType", "logType is not a number and not a source's name.")
            })
        }
        Some(_) => match parameters.number("logType")? {
            Some(number) => Ok(number),
            None => Err(Problem::invalid("logType", "logType is missing.")),
        },
    }
}

async fn delete_snapshot_report(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.delete_snapshot_report(&caller, record_id(id)?).await?;
    Ok(Json(json!({})))
}

async fn delete_data_source(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.delete_data_source(&caller, record_id(id)?).await?;
    Ok(Json(json!({})))
}
