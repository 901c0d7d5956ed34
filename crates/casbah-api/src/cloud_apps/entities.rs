//! Entities: list, scan, one by its key, the person behind an account, and the way in for those of other apps.

mod fields;
pub(super) mod key;
mod read;
mod view;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Permission::{InvestigationManage, InvestigationRead};
use casbah_model::filter::{EntityOrder, Page};
use casbah_model::{Part, Permission, RecordId};
use casbah_service::Service;
use casbah_service::entities::EntityQuery;
use casbah_service::exports::STEP;
use serde_json::{Map, Value, json};

use super::exports::{self, Column, Wanted};
use crate::describe::Shape;
use crate::filters;
use crate::json_lines::{self, Stored};
use crate::paging::{self, Answer, SCAN_AFTER};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const READ: &[Permission] = &[InvestigationRead, InvestigationManage];
const MANAGE: &[Permission] = &[InvestigationManage];

const SORTS: &[&str] = &["date", "lastSeen", "severity", "score", "displayName", "username"];

pub(super) fn area() -> Area {
    Area::new("Entities", Part::Entities)
        .list("/api/v1/entities", READ, "List people and accounts", list_entities)
        .pages(&view::ENTITY)
        .filtered(fields::FIELDS)
        .sorted(SORTS)
        .scanned()
        .list("/api/v1/accounts", READ, "List accounts", list_accounts)
        .pages(&view::ENTITY)
        .filtered(fields::FIELDS)
        .sorted(SORTS)
        .scanned()
        .post("/api/v1/entities/export", READ, "Export people and accounts as a file", export_entities)
        .takes(exports::PARAMETERS)
        .filtered(fields::FIELDS)
        .answers_file(&view::ENTITY)
        .post("/api/v1/entities/ingest", MANAGE, "Take in people and accounts of other apps", ingest_entities)
        .takes_lines(&view::ENTITY)
        .answers(Shape::Record(&json_lines::TAKEN_IN))
        .get("/api/v1/entities/{key}", READ, "Fetch a person or account", fetch_entity)
        .answers(Shape::Record(&view::ENTITY))
        .get(
            "/api/v1/entities/{key}/retrieve_tree",
            READ,
            "Fetch a person with all accounts",
            fetch_entity_tree,
        )
        .answers(Shape::Record(&view::ENTITY))
}

async fn list_entities(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    list(&service, &caller, &parameters, filters::given(&parameters)?).await
}

/// The older form: accounts only.
async fn list_accounts(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let mut given = filters::given(&parameters)?;
    given.insert("type".into(), json!({ "eq": 1 }));
    list(&service, &caller, &parameters, given).await
}

async fn list(
    service: &Service,
    caller: &Caller,
    parameters: &Parameters,
    mut given: Map<String, Value>,
) -> Answer {
    let (page, scan) = paging::page(parameters)?;
    let scan = paging::scan_after(&mut given, scan)?;
    let conditions = filters::parse(&given, fields::FIELDS, service.clock().now())?;
    let orders = [
        ("date", EntityOrder::LastSeen),
        ("lastSeen", EntityOrder::LastSeen),
        ("severity", EntityOrder::Score),
        ("score", EntityOrder::Score),
        ("displayName", EntityOrder::DisplayName),
        ("username", EntityOrder::UserName),
    ];
    let order = paging::sort_field(parameters, &orders)?;
    let ascending = paging::ascending(parameters)?;
    let is_scan = scan.is_some();
    let found =
        service.list_entities(caller, EntityQuery { conditions, order, ascending, page, scan }).await?;
    let data: Vec<Value> = found.entities.iter().map(view::entity).collect();
    let mut answer = json!({
        "data": data,
        "total": found.total,
        "hasNext": found.has_next,
        "max": page.limit,
        "moreThanTotal": found.more_than_total,
    });
    if let (true, true, Some(last)) = (is_scan, found.has_next, found.entities.last()) {
        given.insert(SCAN_AFTER.into(), json!({ "eq": last.entity.record }));
        answer["nextQueryFilters"] = Value::Object(given);
    }
    Ok(Json(answer))
}

/// What a table of entities says.
const COLUMNS: &[Column] = &[
    ("_id", "/_id"),
    ("type", "/type"),
    ("id", "/id"),
    ("appId", "/appData/appId"),
    ("appName", "/appData/name"),
    ("displayName", "/displayName"),
    ("email", "/email"),
    ("domain", "/domain"),
    ("organization", "/organization"),
    ("status", "/status"),
    ("isAdmin", "/isAdmin"),
    ("role", "/role"),
    ("isExternal", "/isExternal"),
    ("lastSeen", "/lastSeen"),
    ("threatScore", "/threatScore"),
    ("userGroups", "/userGroups"),
];

/// In the order of the record ids, as a scan.
async fn export_entities(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let wanted = Wanted::read(&parameters)?;
    let given = filters::given(&parameters)?;
    let conditions = filters::parse(&given, fields::FIELDS, service.clock().now())?;
    let (cases, reader) = (service.clone(), caller.clone());
    let next = move |after: Option<RecordId>| {
        let (cases, reader, conditions) = (cases.clone(), reader.clone(), conditions.clone());
        async move {
            let (page, order) = (Page { skip: 0, limit: STEP }, EntityOrder::LastSeen);
            let query = EntityQuery { conditions, order, ascending: true, page, scan: Some(after) };
            let found = cases.list_entities(&reader, query).await?;
            let last = found.entities.last().filter(|_| found.has_next);
            let place = last.map(|last| Some(last.entity.record.clone()));
            Ok((found.entities.iter().map(view::entity).collect(), place))
        }
    };
    exports::answer(&service, &caller, "entities", (wanted, &parameters), COLUMNS, None, next).await
}

async fn fetch_entity(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
) -> Answer {
    let found = service.entity(&caller, key::read(&key)?).await?;
    Ok(Json(view::entity(&found)))
}

async fn fetch_entity_tree(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    Path(key): Path<String>,
) -> Answer {
    let found = service.entity_tree(&caller, key::read(&key)?).await?;
    Ok(Json(view::entity(&found)))
}

/// One record a line, in the form in which the list returns them.
async fn ingest_entities(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let store = async |batch| {
        let taken = service.take_in_entities(&caller, batch).await?;
        Ok(Stored { stored: taken.stored, unchanged: taken.unchanged })
    };
    let (limit, now) = (service.settings().upload_limit, service.clock().now());
    let read = |_: &[u8], record: &_| read::entity(record, now);
    json_lines::take_in(&headers, body, limit, read, store).await.map(Json)
}
