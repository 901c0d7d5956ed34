//! Alerts: list, fetch, mark, close; and the withdrawn calls that shipping products still use.

mod close;
pub(super) mod fields;
mod read;
#[cfg(test)]
mod tests;
mod view;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Permission::InvestigationManage;
use casbah_model::filter::AlertOrder;
use casbah_model::{Alert, Part, Permission};
use casbah_service::Service;
use casbah_service::alerts::AlertQuery;
use casbah_service::exports::Walk;
use serde_json::{Value, json};

use super::exports::{self, Column, Wanted};
use super::{ALERTS_MANAGE, ALERTS_READ, record_id};
use crate::describe::{Property, Shape, has, may_have};
use crate::filters;
use crate::json_lines::{self, Stored};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const MANAGE: &[Permission] = &[InvestigationManage];

const COMMENT: Property = may_have("comment", Shape::Text, "Why.");
const CLOSE: &[Property] = &[
    COMMENT,
    may_have("reasonId", Shape::Integer, "Reason, by number; which there are depends on the call."),
    may_have("sendFeedback", Shape::Flag, "Whether `feedbackText` is kept."),
    may_have("feedbackText", Shape::Text, "What to say of the detection."),
];
const WITHDRAWN: &[Property] = &[
    COMMENT,
    may_have("sendFeedback", Shape::Flag, "Whether `feedbackText` is kept."),
    may_have("feedbackText", Shape::Text, "What to say of the detection."),
];
const NOT_FOUND: Property =
    may_have("alertsNotFound", Shape::List(&Shape::Id), "Ids that were named and do not exist.");

pub(super) fn area() -> Area {
    Area::new("Alerts", Part::Alerts)
        .list("/api/v1/alerts", ALERTS_READ, "List alerts", list_alerts)
        .pages(&view::ALERT)
        .filtered(fields::FIELDS)
        .sorted(&["date", "severity"])
        .scanned()
        .get("/api/v1/alerts/{id}", ALERTS_READ, "Fetch an alert", fetch_alert)
        .answers(Shape::Record(&view::ALERT))
        .post("/api/v1/alerts/export", ALERTS_READ, "Export alerts as a file", export_alerts)
        .takes(exports::PARAMETERS_OF_TIME)
        .filtered(fields::FIELDS)
        .answers_file(&view::ALERT)
        .post("/api/v1/alerts/ingest", MANAGE, "Take in alerts that others have raised", ingest_alerts)
        .takes_lines(&view::ALERT)
        .answers(Shape::Record(&json_lines::TAKEN_IN))
        .post("/api/v1/alerts/{id}/read", ALERTS_READ, "Mark an alert as read", mark_alert_read)
        .answers(Shape::Inline(&[]))
        .post("/api/v1/alerts/{id}/unread", ALERTS_READ, "Mark an alert as unread", mark_alert_unread)
        .answers(Shape::Inline(&[]))
        .post("/api/v1/alerts/close_benign", ALERTS_MANAGE, "Close alerts as benign", close::close_benign)
        .takes(CLOSE)
        .filtered(fields::FIELDS)
        .answers(Shape::Inline(const { &[has("closed_benign", Shape::Integer, "Alerts closed by this call."), NOT_FOUND] }))
        .post(
            "/api/v1/alerts/close_false_positive",
            ALERTS_MANAGE,
            "Close alerts as false positives",
            close::close_false_positive,
        )
        .takes(CLOSE)
        .filtered(fields::FIELDS)
        .answers(Shape::Inline(const { &[
            has("closed_false_positive", Shape::Integer, "Alerts closed by this call."),
            NOT_FOUND,
        ] }))
        .post(
            "/api/v1/alerts/close_true_positive",
            ALERTS_MANAGE,
            "Close alerts as true positives",
            close::close_true_positive,
        )
        .takes(CLOSE)
        .filtered(fields::FIELDS)
        .answers(Shape::Inline(const { &[
            has("closed_true_positive", Shape::Integer, "Alerts closed by this call."),
            NOT_FOUND,
        ] }))
        .post(
            "/api/v1/alerts/dismiss_bulk",
            ALERTS_MANAGE,
            "Dismiss alerts (withdrawn; closes them as false positives)",
            close::dismiss_alerts,
        )
        .takes(WITHDRAWN)
        .filtered(fields::FIELDS)
        .answers(Shape::Inline(const { &[has("dismissed", Shape::Integer, "Alerts closed by this call."), NOT_FOUND] }))
        .post(
            "/api/v1/alerts/resolve",
            ALERTS_MANAGE,
            "Resolve alerts (withdrawn; closes them as true positives)",
            close::resolve_alerts,
        )
        .takes(WITHDRAWN)
        .filtered(fields::FIELDS)
        .answers(Shape::Inline(const { &[has("resolved", Shape::Integer, "Alerts closed by this call."), NOT_FOUND] }))
        .post(
            "/api/v1/alerts/{id}/dismiss",
            ALERTS_MANAGE,
            "Dismiss an alert (withdrawn; closes it as a false positive)",
            close::dismiss_alert,
        )
        .takes(WITHDRAWN)
        .answers(Shape::Inline(const { &[has("dismissed", Shape::Integer, "Alerts closed by this call.")] }))
        .post("/api/v1/alerts/reopen", ALERTS_MANAGE, "Open closed alerts again", close::reopen_alerts)
        .filtered(fields::FIELDS)
        .answers(Shape::Inline(const { &[has("reopened", Shape::Integer, "Alerts opened by this call.")] }))
}

async fn list_alerts(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let given = filters::given(&parameters)?;
    let conditions = filters::parse(&given, fields::FIELDS, service.clock().now())?;
    let by_severity = paging::sort_field(&parameters, &[("date", false), ("severity", true)])?;
    let ascending = paging::ascending(&parameters)?;
    let (page, scan) = paging::page(&parameters)?;
    let whole_moments = !by_severity && ascending && !scan && paging::follows_time(&parameters, &given);
    // A scan goes on by narrowing the time, which only works in the order of time.
    let order = AlertOrder { by_severity: by_severity && !scan, ascending };
    let found =
        service.list_alerts(&caller, AlertQuery { conditions, order, page, scan, whole_moments }).await?;
    let data = views(&service, &caller, &found.alerts).await?;
    let mut answer = json!({
        "data": data,
        "total": found.total,
        "hasNext": found.has_next,
        "max": page.limit,
        "moreThanTotal": found.more_than_total,
    });
    if let Some(bound) = found.next_bound {
        answer["nextQueryFilters"] = filters::narrowed(given, bound, ascending);
    }
    Ok(Json(answer))
}

/// What a table of alerts says.
const COLUMNS: &[Column] = &[
    ("_id", "/_id"),
    ("timestamp", "/timestamp"),
    ("title", "/title"),
    ("description", "/description"),
    ("severityValue", "/severityValue"),
    ("statusValue", "/statusValue"),
    ("resolutionStatusValue", "/resolutionStatusValue"),
    ("resolveTime", "/resolveTime"),
    ("handledByUser", "/handledByUser"),
    ("comment", "/comment"),
    ("policy", "/policy/label"),
    ("policyType", "/policy/policyType"),
    ("stories", "/stories"),
    ("entities", "/entities"),
    ("URL", "/URL"),
];

async fn export_alerts(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let wanted = Wanted::read(&parameters)?;
    let given = filters::given(&parameters)?;
    let conditions = filters::parse(&given, fields::FIELDS, service.clock().now())?;
    let walk = Walk { conditions, ascending: paging::ascending(&parameters)? };
    let until = service.end_of_alerts(&caller, &walk).await?;
    let (cases, reader) = (service.clone(), caller.clone());
    let next = move |after| {
        let (cases, reader, walk, until) = (cases.clone(), reader.clone(), walk.clone(), until.clone());
        async move {
            let found = cases.next_alerts(&reader, walk, after, until).await?;
            let place = found.last().map(|last| Some((last.raised, last.id.clone())));
            Ok((views(&cases, &reader, &found).await?, place))
        }
    };
    exports::answer(&service, &caller, "alerts", (wanted, &parameters), COLUMNS, None, next).await
}

async fn fetch_alert(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    let alert = service.alert(&caller, record_id(id)?).await?;
    let mut views = views(&service, &caller, std::slice::from_ref(&alert)).await?;
    Ok(Json(views.pop().unwrap_or_default()))
}

/// Alerts as the wire has them, with the activities that they came of and what their senders said.
pub(super) async fn views(
    service: &Service,
    caller: &Caller,
    alerts: &[Alert],
) -> Result<Vec<Value>, casbah_service::Error> {
    let ids: Vec<_> = alerts.iter().map(|alert| alert.id.clone()).collect();
    let facts = service.facts_of_alerts(caller, ids.clone()).await?;
    let activities = service.activities_of_alerts(caller, ids).await?;
    let origin = &service.settings().public_url;
    let view = |alert: &Alert| {
        let mut view = view::alert(alert, &activities, origin);
        if let Some(facts) = facts.get(&alert.id) {
            view::say_sent(&mut view, facts);
        }
        view
    };
    Ok(alerts.iter().map(view).collect())
}

/// One record a line, in the form in which the list returns them.
async fn ingest_alerts(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let store = async |batch| {
        let taken = service.take_in_alerts(&caller, batch).await?;
        Ok(Stored { stored: taken.stored, unchanged: taken.unchanged })
    };
    let (limit, now) = (service.settings().upload_limit, service.clock().now());
    let read = |line: &[u8], record: &_| read::alert(line, record, now);
    json_lines::take_in(&headers, body, limit, read, store).await.map(Json)
}

async fn mark_alert_read(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.mark_alert(&caller, record_id(id)?, true).await?;
    Ok(Json(json!({})))
}

async fn mark_alert_unread(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    service.mark_alert(&caller, record_id(id)?, false).await?;
    Ok(Json(json!({})))
}
