//! Closing alerts, and opening them again.
//!
//! One rule for old and new calls: what a withdrawn call closes has the resolution of the call that
//! took its place (3 for dismissed, 5 for resolved), never the old numbers 1 and 2.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Resolution;
use casbah_model::filter::{AlertField, Condition, Operand, Test};
use casbah_service::Service;
use casbah_service::alerts::{Closed, Closing};
use serde_json::{Map, Value, json};

use super::fields::FIELDS;
use crate::cloud_apps::record_id;
use crate::filters;
use crate::paging::Answer;
use crate::parameters::Parameters;
use crate::problem::Problem;

const BENIGN: &[i64] = &[2, 4, 5, 6];
const FALSE_POSITIVE: &[i64] = &[0, 1, 3, 4];

pub(super) async fn close_benign(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let reason = reason(&parameters, BENIGN)?;
    close(&service, &caller, &parameters, Resolution::Benign, reason, "closed_benign").await
}

pub(super) async fn close_false_positive(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let reason = reason(&parameters, FALSE_POSITIVE)?;
    close(&service, &caller, &parameters, Resolution::FalsePositive, reason, "closed_false_positive").await
}

pub(super) async fn close_true_positive(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    close(&service, &caller, &parameters, Resolution::TruePositive, None, "closed_true_positive").await
}

/// Without filters this is about all alerts, as it always was.
pub(super) async fn dismiss_alerts(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    withdrawn(&service, &caller, &parameters, Resolution::FalsePositive, "dismissed").await
}

pub(super) async fn resolve_alerts(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    withdrawn(&service, &caller, &parameters, Resolution::TruePositive, "resolved").await
}

pub(super) async fn dismiss_alert(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
    parameters: Parameters,
) -> Answer {
    let id = Operand::Text(record_id(id)?.to_string());
    let conditions = vec![Condition { field: AlertField::Id, test: Test::AnyOf(vec![id]) }];
    let closing = closing(&parameters, conditions, Resolution::FalsePositive, None)?;
    let closed = service.close_alerts(&caller, closing).await?;
    if closed.not_found.is_empty() { answer(closed, "dismissed") } else { Err(Problem::not_found()) }
}

pub(super) async fn reopen_alerts(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let Some(conditions) = wanted(&service, &parameters)? else { return Ok(Json(json!({ "reopened": 0 }))) };
    let opened = service.reopen_alerts(&caller, conditions).await?;
    Ok(Json(json!({ "reopened": opened })))
}

async fn close(
    service: &Service,
    caller: &Caller,
    parameters: &Parameters,
    resolution: Resolution,
    reason: Option<i64>,
    count: &str,
) -> Answer {
    let Some(conditions) = wanted(service, parameters)? else { return Ok(Json(json!({ count: 0 }))) };
    let closing = closing(parameters, conditions, resolution, reason)?;
    answer(service.close_alerts(caller, closing).await?, count)
}

async fn withdrawn(
    service: &Service,
    caller: &Caller,
    parameters: &Parameters,
    resolution: Resolution,
    count: &str,
) -> Answer {
    let given = filters::given(parameters)?;
    if names_no_alert(&given) {
        return Ok(Json(json!({ count: 0 })));
    }
    let conditions = filters::parse(&given, FIELDS, service.clock().now())?;
    let closing = closing(parameters, conditions, resolution, None)?;
    answer(service.close_alerts(caller, closing).await?, count)
}

/// The alerts that a call is about. None when it names none: an empty list of ids means "all" to a
/// list, but a script that closes what it found, and found nothing, must not close everything.
fn wanted(service: &Service, parameters: &Parameters) -> Result<Option<Vec<Condition<AlertField>>>, Problem> {
    let given = filters::given(parameters)?;
    if names_no_alert(&given) {
        return Ok(None);
    }
    let conditions = filters::parse(&given, FIELDS, service.clock().now())?;
    if conditions.is_empty() {
        let why = "Say which alerts, for example with {\"filters\": {\"id\": {\"eq\": [\"...\"]}}}.";
        return Err(Problem::invalid("filters", why));
    }
    Ok(Some(conditions))
}

fn names_no_alert(given: &Map<String, Value>) -> bool {
    ["id", "ID"].iter().any(|name| {
        given
            .get(*name)
            .and_then(|id| id.get("eq"))
            .is_some_and(|ids| ids.as_array().is_some_and(Vec::is_empty))
    })
}

fn closing(
    parameters: &Parameters,
    conditions: Vec<Condition<AlertField>>,
    resolution: Resolution,
    reason: Option<i64>,
) -> Result<Closing, Problem> {
    let (text, wanted) = (parameters.text("feedbackText")?, parameters.flag("sendFeedback")?);
    let feedback = text.filter(|_| wanted.unwrap_or(false));
    let comment = parameters.text("comment")?.unwrap_or_default();
    Ok(Closing { conditions, resolution, comment, reason, feedback })
}

fn reason(parameters: &Parameters, allowed: &[i64]) -> Result<Option<i64>, Problem> {
    let reason = parameters.number("reasonId")?;
    if reason.is_some_and(|reason| !allowed.contains(&reason)) {
        let allowed: Vec<String> = allowed.iter().map(i64::to_string).collect();
        return Err(Problem::invalid("reasonId", format!("reasonId must be one of {}.", allowed.join(", "))));
    }
    Ok(reason)
}

fn answer(closed: Closed, count: &str) -> Answer {
    let mut answer = json!({ count: closed.count });
    // Its mere presence is an error to clients.
    if !closed.not_found.is_empty() {
        answer["alertsNotFound"] = json!(closed.not_found);
    }
    Ok(Json(answer))
}
