//! Log collectors: programs that send logs, and what they last said of themselves.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::{LogCollector, Part, Timestamp};
use casbah_service::Service;
use serde_json::{Value, json};

use super::discovery_shapes::{COLLECTOR, COLLECTOR_ID, COLLECTOR_REPORT, NOTHING};
use super::{DISCOVERY_MANAGE, DISCOVERY_READ, record_id};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const PATH: &str = "/api/v1/discovery/log_collectors";
const MINUTE: i64 = 60_000;

pub(super) fn area() -> Area {
    Area::new("Log collectors", Part::DiscoverySettings)
        .get(PATH, DISCOVERY_READ, "List log collectors", list_log_collectors)
        .pages(&COLLECTOR)
        .post(PATH, DISCOVERY_MANAGE, "Take the report of a log collector", report_log_collector)
        .takes(COLLECTOR_REPORT)
        .answers(COLLECTOR_ID)
        .delete(
            "/api/v1/discovery/log_collectors/{id}",
            DISCOVERY_MANAGE,
            "Forget a log collector",
            delete_log_collector,
        )
        .answers(NOTHING)
}

async fn list_log_collectors(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let now = service.clock().now();
    let all = service.list_log_collectors(&caller).await?;
    Ok(Json(paging::cut(all.iter().map(|one| view(one, now)).collect(), page)))
}

/// It reports every minute. Connected: it is there, and no log has come to it for a day; disconnected: it has not
/// reported for a quarter of an hour.
fn view(one: &LogCollector, now: Timestamp) -> Value {
    let ago = |at: i64| now.0.saturating_sub(at);
    let last_data = one.health.get("lastData").and_then(Value::as_i64);
    let status = match last_data {
        _ if ago(one.last_seen.0) > 15 * MINUTE => "Disconnected",
        None if one.last_seen == one.created => "Created",
        Some(at) if ago(at) <= 24 * 60 * MINUTE => "Healthy",
        _ => "Connected",
    };
    json!({
        "_id": one.id,
        "name": one.name,
        "status": status,
        "created": one.created.iso(),
        "lastSeen": one.last_seen.iso(),
        "lastDataReceived": last_data.map(|at| Timestamp(at).iso()),
        "health": one.health,
    })
}

async fn report_log_collector(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let name = parameters.required_text("name")?;
    let health = parameters.raw("health").cloned();
    let health = health.ok_or_else(|| Problem::invalid("health", "health is missing."))?;
    let id = service.report_log_collector(&caller, name, health).await?;
    Ok(Json(json!({ "_id": id })))
}

async fn delete_log_collector(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.delete_log_collector(&caller, record_id(id)?).await?;
    Ok(Json(json!({})))
}
