//! Activities: list, scan, fetch, feedback, and the way in for those of other apps.

pub(super) mod fields;
mod read;
#[cfg(test)]
mod tests;
mod user_agent;
mod view;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Permission::{InvestigationManage, InvestigationRead};
use casbah_model::filter::ActivityOrder;
use casbah_model::{Activity, Part, Permission};
use casbah_service::activities::ActivityQuery;
use casbah_service::exports::Walk;
use casbah_service::{Error, Service};
use serde_json::{Map, Value, json};

use super::exports::{self, Column, Wanted};
use crate::describe::{Property, Shape, may_have};
use crate::filters;
use crate::json_lines::{self, Stored};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const READ: &[Permission] = &[InvestigationRead, InvestigationManage];
const MANAGE: &[Permission] = &[InvestigationManage];

const FEEDBACK: &[Property] = &[
    may_have("feedback", Shape::Text, "What it was."),
    may_have("feedbackValue", Shape::Text, "The same, as other clients spell it."),
    may_have("feedbackText", Shape::Text, "What there is to say of it."),
    may_have("allowContact", Shape::Flag, "Whether somebody may ask."),
    may_have("contactEmail", Shape::Text, "Whom to ask."),
];

pub(super) fn area() -> Area {
    Area::new("Activities", Part::Activities)
        .list("/api/v1/activities", READ, "List activities", list_activities)
        .pages(&view::ACTIVITY)
        .filtered(fields::FIELDS)
        .sorted(&["date", "created"])
        .scanned()
        .get("/api/v1/activities/{id}", READ, "Fetch an activity", fetch_activity)
        .at(Shape::Text)
        .answers(Shape::Record(&view::ACTIVITY))
        .post("/api/v1/activities/export", READ, "Export activities as a file", export_activities)
        .takes(exports::PARAMETERS_OF_TIME)
        .filtered(fields::FIELDS)
        .answers_file(&view::ACTIVITY)
        .post("/api/v1/activities/ingest", MANAGE, "Take in activities of other apps", ingest_activities)
        .takes_lines(&view::ACTIVITY)
        .answers(Shape::Record(&json_lines::TAKEN_IN))
        .post("/api/v1/activities/{id}/feedback", READ, "Say what an activity was", give_feedback)
        .at(Shape::Text)
        .takes(FEEDBACK)
        .answers_page(&view::ACTIVITY)
}

async fn list_activities(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let given = filters::given(&parameters)?;
    let conditions = filters::parse(&given, fields::FIELDS, service.clock().now())?;
    let by_created = paging::sort_field(&parameters, &[("date", false), ("created", true)])?;
    let ascending = paging::ascending(&parameters)?;
    let (page, scan) = paging::page(&parameters)?;
    let whole_moments = !by_created && ascending && !scan && paging::follows_time(&parameters, &given);
    // A scan goes on by narrowing the time, which only works in the order of time.
    let order = ActivityOrder { by_created: by_created && !scan, ascending };
    let found = service
        .list_activities(&caller, ActivityQuery { conditions, order, page, scan, whole_moments })
        .await?;
    let data = views(&service, &caller, &found.activities).await?;
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

/// What a table of activities says.
const COLUMNS: &[Column] = &[
    ("_id", "/_id"),
    ("timestamp", "/timestamp"),
    ("appId", "/appId"),
    ("appName", "/appName"),
    ("userName", "/user/userName"),
    ("eventTypeName", "/eventTypeName"),
    ("eventTypeValue", "/eventTypeValue"),
    ("description", "/description"),
    ("targetObject", "/description_metadata/target_object"),
    ("isSuccess", "/mainInfo/activityResult/isSuccess"),
    ("message", "/mainInfo/activityResult/message"),
    ("clientIP", "/device/clientIP"),
    ("ipCategory", "/location/categoryValue"),
    ("countryCode", "/location/countryCode"),
    ("city", "/location/city"),
    ("organization", "/location/organizationSearchable"),
    ("deviceType", "/userAgent/deviceType"),
    ("userAgent", "/device/userAgent"),
    ("adminEvent", "/eventRouting/adminEvent"),
    ("created", "/created"),
];

async fn export_activities(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let wanted = Wanted::read(&parameters)?;
    let given = filters::given(&parameters)?;
    let conditions = filters::parse(&given, fields::FIELDS, service.clock().now())?;
    let walk = Walk { conditions, ascending: paging::ascending(&parameters)? };
    let until = service.end_of_activities(&caller, &walk).await?;
    let (cases, reader) = (service.clone(), caller.clone());
    let next = move |after| {
        let (cases, reader, walk) = (cases.clone(), reader.clone(), walk.clone());
        async move {
            let found = cases.next_activities(&reader, walk, after, until).await?;
            let place = found.last().map(|last| Some(last.seq));
            Ok((views(&cases, &reader, &found).await?, place))
        }
    };
    exports::answer(&service, &caller, "activities", (wanted, &parameters), COLUMNS, None, next).await
}

/// One record a line, in the form in which the list returns them.
async fn ingest_activities(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let now = service.clock().now();
    let store = async |batch| {
        let taken = service.take_in_activities(&caller, batch).await?;
        Ok(Stored { stored: taken.stored, unchanged: taken.unchanged })
    };
    let limit = service.settings().upload_limit;
    let read = |line: &[u8], record: &_| read::activity(line, record, now);
    json_lines::take_in(&headers, body, limit, read, store).await.map(Json)
}

async fn fetch_activity(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Answer {
    let activity = service.activity(&caller, id).await?;
    Ok(Json(views(&service, &caller, &[activity]).await?.remove(0)))
}

/// Clients write `feedback` or `feedbackValue`; the answer has the form of a list.
async fn give_feedback(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    parameters: Parameters,
) -> Answer {
    let mut feedback = Map::new();
    let value = parameters.text("feedbackValue")?.or(parameters.text("feedback")?);
    for (name, value) in [
        ("value", value),
        ("text", parameters.text("feedbackText")?),
        ("contactEmail", parameters.text("contactEmail")?),
    ] {
        if let Some(value) = value {
            feedback.insert(name.into(), value.into());
        }
    }
    if let Some(allow) = parameters.flag("allowContact")? {
        feedback.insert("allowContact".into(), allow.into());
    }
    let activity = service.give_feedback(&caller, id, Value::Object(feedback)).await?;
    let data = views(&service, &caller, &[activity]).await?;
    Ok(Json(json!({ "data": data, "total": 1, "hasNext": false, "max": 1, "moreThanTotal": false })))
}

/// The records of activities, each with the policies that it satisfied and the alerts that came of it.
pub(super) async fn views(
    service: &Service,
    caller: &Caller,
    found: &[Activity],
) -> Result<Vec<Value>, Error> {
    let places = found.iter().map(|activity| activity.seq).collect();
    let matches = service.matches_of_activities(caller, places).await?;
    let actors = service.actors(caller, found).await?;
    let one = |activity: &Activity| {
        let own = matches.get(&activity.seq).map(Vec::as_slice).unwrap_or_default();
        let mut record = view::activity(activity, &actors, caller.tenant, caller.tenant_number);
        record["policies"] = own.iter().map(|one| json!(one.policy)).collect();
        record["alertIds"] = own.iter().filter_map(|one| one.alert.as_ref()).map(|id| json!(id)).collect();
        record
    };
    Ok(found.iter().map(one).collect())
}
