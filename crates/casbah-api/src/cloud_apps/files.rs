//! Files: list, scan, count, one by its id, the folders above it, and the way in.

mod fields;
mod read;
#[cfg(test)]
mod tests;
mod view;

pub(super) use fields::FIELDS;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Permission::{InvestigationManage, InvestigationRead};
use casbah_model::filter::Page;
use casbah_model::{Part, Permission, RecordId};
use casbah_service::Service;
use casbah_service::exports::STEP;
use casbah_service::files::FileQuery;
use serde_json::{Value, json};

use super::exports::{self, Column, Wanted};
use super::record_id;
use crate::describe::Shape;
use crate::filters;
use crate::json_lines::{self, Stored};
use crate::paging::{self, Answer, SCAN_AFTER};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const READ: &[Permission] = &[InvestigationRead, InvestigationManage];
const MANAGE: &[Permission] = &[InvestigationManage];

pub(super) fn area() -> Area {
    Area::new("Files", Part::Files)
        .list("/api/v1/files", READ, "List files", list_files)
        .pages(&view::FILE)
        .filtered(fields::FIELDS)
        .sorted(&["modifiedDate"])
        .scanned()
        .post("/api/v1/files/count", READ, "Count files", count_files)
        .filtered(fields::FIELDS)
        .answers(Shape::Integer)
        .post("/api/v1/files/export", READ, "Export files as a file", export_files)
        .takes(exports::PARAMETERS)
        .filtered(fields::FIELDS)
        .answers_file(&view::FILE)
        .post("/api/v1/files/ingest", MANAGE, "Take in files of apps", ingest_files)
        .takes_lines(&view::FILE)
        .answers(Shape::Record(&json_lines::TAKEN_IN))
        .get("/api/v1/files/{id}", READ, "Fetch a file", fetch_file)
        .answers(Shape::Record(&view::FILE))
        .get(
            "/api/v1/files/{id}/effective_parents",
            READ,
            "List the folders above a file",
            list_folders_above,
        )
        .answers_page(&view::FILE)
}

async fn list_files(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let mut given = filters::given(&parameters)?;
    let (page, scan) = paging::page(&parameters)?;
    let scan = paging::scan_after(&mut given, scan)?;
    let conditions = filters::parse(&given, fields::FIELDS, service.clock().now())?;
    paging::sort_field(&parameters, &[("modifiedDate", ())])?;
    let ascending = paging::ascending(&parameters)?;
    let is_scan = scan.is_some();
    let found = service.list_files(&caller, FileQuery { conditions, ascending, page, scan }).await?;
    let data: Vec<Value> = found.files.iter().map(|file| view::file(file, caller.tenant_number)).collect();
    let mut answer = json!({
        "data": data,
        "total": found.total,
        "hasNext": found.has_next,
        "max": page.limit,
        "moreThanTotal": found.more_than_total,
    });
    if let (true, true, Some(last)) = (is_scan, found.has_next, found.files.last()) {
        given.insert(SCAN_AFTER.into(), json!({ "eq": last.record }));
        answer["nextQueryFilters"] = Value::Object(given);
    }
    Ok(Json(answer))
}

/// The number and nothing around it.
async fn count_files(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let given = filters::given(&parameters)?;
    let conditions = filters::parse(&given, fields::FIELDS, service.clock().now())?;
    service.count_files(&caller, conditions).await.map(|count| Json(json!(count))).map_err(Into::into)
}

/// What a table of files says.
const COLUMNS: &[Column] = &[
    ("_id", "/_id"),
    ("id", "/id"),
    ("appId", "/appId"),
    ("appName", "/appName"),
    ("instId", "/instId"),
    ("name", "/name"),
    ("fileType", "/fileType/1"),
    ("mimeType", "/mimeType"),
    ("fileSize", "/fileSize"),
    ("fileAccessLevel", "/fileAccessLevel/1"),
    ("fileStatus", "/fileStatus/1"),
    ("ownerName", "/ownerName"),
    ("ownerAddress", "/ownerAddress"),
    ("ownerExternal", "/ownerExternal"),
    ("domains", "/domains"),
    ("groups", "/groups"),
    ("externalShares", "/externalShares"),
    ("fTags", "/fTags"),
    ("filePath", "/filePath"),
    ("createdDate", "/createdDate"),
    ("modifiedDate", "/modifiedDate"),
];

/// In the order of the record ids, as a scan.
async fn export_files(
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
            let page = Page { skip: 0, limit: STEP };
            let query = FileQuery { conditions, ascending: true, page, scan: Some(after) };
            let found = cases.list_files(&reader, query).await?;
            let place = found.files.last().filter(|_| found.has_next).map(|last| Some(last.record.clone()));
            Ok((found.files.iter().map(|file| view::file(file, reader.tenant_number)).collect(), place))
        }
    };
    exports::answer(&service, &caller, "files", (wanted, &parameters), COLUMNS, None, next).await
}

async fn fetch_file(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    let file = service.file(&caller, record_id(id)?).await?;
    Ok(Json(view::file(&file, caller.tenant_number)))
}

async fn list_folders_above(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    let folders = service.folders_above(&caller, record_id(id)?).await?;
    let data: Vec<Value> = folders.iter().map(|folder| view::file(folder, caller.tenant_number)).collect();
    let total = data.len();
    Ok(Json(json!({ "data": data, "total": total, "hasNext": false, "max": total, "moreThanTotal": false })))
}

/// One record a line, in the form in which the list returns them.
async fn ingest_files(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let store = async |batch| {
        let taken = service.take_in_files(&caller, batch).await?;
        Ok(Stored { stored: taken.stored, unchanged: taken.unchanged })
    };
    let (limit, now) = (service.settings().upload_limit, service.clock().now());
    let read = |_: &[u8], record: &_| read::file(record, now);
    json_lines::take_in(&headers, body, limit, read, store).await.map(Json)
}
