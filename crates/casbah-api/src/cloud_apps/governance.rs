//! The governance log.

use axum::extract::{Path, State};
use axum::response::Response;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::filter::{Page, TaskField};
use casbah_model::{DestinationUsage, DiscoveryTask, Part, TaskState};
use casbah_service::Service;
use casbah_service::exports::STEP;
use casbah_service::tasks::TaskQuery;
use serde_json::{Value, json};

use super::exports::{self, Column, Wanted};
use super::{DISCOVERY_MANAGE, DISCOVERY_READ, record_id};
use crate::describe::{Record, Shape, has};
use crate::filters::Operator::{Eq, Gte, Lte, Neq, Range};
use crate::filters::{self, Field, Kind};
use crate::paging::{self, Answer};
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::table::Area;

const TASK_TYPE: &str = "DiscoveryParseLogTask";

const FIELDS: &[Field<TaskField>] = &[
    Field {
        names: &["appId"],
        field: TaskField::App,
        kind: Kind::Number,
        operators: &[Eq, Neq],
        what: "App that it acts on, by number; reading a log acts on none",
        example: "20892",
    },
    Field {
        names: &["status"],
        field: TaskField::Succeeded,
        kind: Kind::Flag,
        operators: &[Eq],
        what: "Whether it succeeded; null while it is pending",
        example: "true",
    },
    Field {
        names: &["type"],
        field: TaskField::Type,
        kind: Kind::Text,
        operators: &[Eq],
        what: "Type of task",
        example: "DiscoveryParseLogTask",
    },
    Field {
        names: &["timestamp"],
        field: TaskField::Created,
        kind: Kind::Time,
        operators: &[Gte, Lte, Range],
        what: "When it was asked for",
        example: "1778400000000",
    },
];

const TASK: Record = Record {
    name: "GovernanceTask",
    what: "Something that was done or is to be done: the reading of a log.",
    properties: &[
        has("_id", Shape::Id, ""),
        has("taskName", Shape::Text, ""),
        has("type", Shape::Text, "The same."),
        has("title", Shape::Text, "What it does, for people."),
        has("timestamp", Shape::Time, "When it was asked for."),
        has("created", Shape::Time, "The same."),
        has("finished", Shape::Nullable(&Shape::Time), "When it ended; null before."),
        has(
            "status",
            Shape::Inline(&[
                has("isSuccess", Shape::Nullable(&Shape::Flag), "Null while it is pending."),
                has("statusMessage", Shape::Text, "Why it failed."),
                has(
                    "shouldRetry",
                    Shape::Flag,
                    "Whether it can be tried again: it failed, and its log is still here.",
                ),
            ]),
            "",
        ),
        has("targetObject", Shape::Text, "Name of the log."),
        has("targetObjectId", Shape::Id, "Id of the upload."),
        has("inputStreamId", Shape::Id, "Stream that it belongs to."),
        has("source", Shape::Text, "Kind of log."),
        has("initiatedBy", Shape::Text, "Who asked for it."),
        has("figures", Shape::Anything, "Lines of the log by what became of them."),
    ],
};

const DESTINATION: Record = Record {
    name: "Destination",
    what: "Where lines of a log went.",
    properties: &[
        has("dest", Shape::Text, "Host name or address."),
        has("appId", Shape::Nullable(&Shape::Integer), "App that it belongs to."),
        has("transactions", Shape::Integer, "Lines."),
        has("users", Shape::Integer, ""),
        has("clientIps", Shape::Integer, ""),
        has("bytesUp", Shape::Integer, ""),
        has("bytesDown", Shape::Integer, ""),
        has("bytesTotal", Shape::Integer, ""),
        has("blocked", Shape::Integer, "Lines that say that something was blocked."),
    ],
};

pub(super) fn area() -> Area {
    Area::new("Governance log", Part::GovernanceLog)
        .list("/api/v1/governance", DISCOVERY_READ, "List the governance log", list_governance)
        .pages(&TASK)
        .filtered(FIELDS)
        .sorted(&["timestamp"])
        .post(
            "/api/v1/governance/export",
            DISCOVERY_READ,
            "Export the governance log as a file",
            export_governance,
        )
        .takes(exports::PARAMETERS)
        .filtered(FIELDS)
        .answers_file(&TASK)
        .get(
            "/api/v1/governance/{id}",
            DISCOVERY_READ,
            "Fetch an entry of the governance log",
            fetch_governance,
        )
        .answers(Shape::Record(&TASK))
        .list("/api/v1/governance/{id}/retry", DISCOVERY_MANAGE, "Try again what failed", retry_governance)
        .answers(Shape::Record(&TASK))
        .list(
            "/api/v1/governance/{id}/destinations",
            DISCOVERY_READ,
            "List where the lines of a parsed log went",
            list_destinations,
        )
        .pages(&DESTINATION)
}

async fn list_governance(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let given = filters::given(&parameters)?;
    let conditions = filters::parse(&given, FIELDS, service.clock().now())?;
    paging::sort_field(&parameters, &[("timestamp", ())])?;
    let ascending = paging::ascending(&parameters)?;
    let (page, _) = paging::page(&parameters)?;
    let found = service.list_tasks(&caller, TaskQuery { conditions, ascending, page }).await?;
    let data = views(&service, &caller, &found.tasks).await?;
    Ok(Json(paging::answer(data, found.total, page)))
}

/// What a table of the log says.
const COLUMNS: &[Column] = &[
    ("_id", "/_id"),
    ("timestamp", "/timestamp"),
    ("type", "/type"),
    ("title", "/title"),
    ("targetObject", "/targetObject"),
    ("isSuccess", "/status/isSuccess"),
    ("statusMessage", "/status/statusMessage"),
    ("source", "/source"),
    ("initiatedBy", "/initiatedBy"),
    ("finished", "/finished"),
];

/// The oldest entry first: what is new comes behind, and moves nothing.
async fn export_governance(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let wanted = Wanted::read(&parameters)?;
    let given = filters::given(&parameters)?;
    let conditions = filters::parse(&given, FIELDS, service.clock().now())?;
    let (cases, reader) = (service.clone(), caller.clone());
    let next = move |skip: i64| {
        let (cases, reader, conditions) = (cases.clone(), reader.clone(), conditions.clone());
        async move {
            let page = Page { skip, limit: STEP };
            let found =
                cases.list_tasks(&reader, TaskQuery { conditions, ascending: true, page }).await?.tasks;
            let place = (found.len() as i64 == STEP).then_some(skip + STEP);
            Ok((views(&cases, &reader, &found).await?, place))
        }
    };
    exports::answer(&service, &caller, "governance log", (wanted, &parameters), COLUMNS, 0, next).await
}

async fn fetch_governance(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    let task = service.task(&caller, record_id(id)?).await?;
    Ok(Json(views(&service, &caller, &[task]).await?.pop().unwrap_or_default()))
}

async fn retry_governance(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
) -> Answer {
    let task = service.retry_task(&caller, record_id(id)?).await?;
    Ok(Json(view(&task, false)))
}

async fn views(
    service: &Service,
    caller: &Caller,
    tasks: &[DiscoveryTask],
) -> Result<Vec<Value>, casbah_service::Error> {
    let retriable = service.retriable_tasks(caller, tasks).await?;
    Ok(tasks.iter().map(|task| view(task, retriable.contains(&task.id))).collect())
}

async fn list_destinations(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    id: Path<String>,
    parameters: Parameters,
) -> Answer {
    let (page, _) = paging::page(&parameters)?;
    let (found, total) = service.list_task_destinations(&caller, record_id(id)?, page).await?;
    Ok(Json(paging::answer(found.iter().map(destination_view).collect(), total, page)))
}

fn destination_view(row: &DestinationUsage) -> Value {
    json!({
        "dest": row.destination,
        "appId": row.app,
        "transactions": row.transactions,
        "users": row.users,
        "clientIps": row.client_ips,
        "bytesUp": row.uploaded,
        "bytesDown": row.downloaded,
        "bytesTotal": row.total,
        "blocked": row.blocked,
    })
}

fn view(task: &DiscoveryTask, retriable: bool) -> Value {
    let (success, message) = match &task.state {
        TaskState::Pending => (None, ""),
        TaskState::Succeeded => (Some(true), ""),
        TaskState::Failed(why) => (Some(false), why.as_str()),
    };
    json!({
        "_id": task.id,
        "taskName": TASK_TYPE,
        "type": TASK_TYPE,
        "title": "Parse cloud discovery data",
        "timestamp": task.created,
        "created": task.created,
        "finished": task.finished,
        "status": { "isSuccess": success, "statusMessage": message, "shouldRetry": retriable },
        "targetObject": task.filename,
        "targetObjectId": task.upload,
        "inputStreamId": task.stream,
        "source": task.source,
        "initiatedBy": task.initiator,
        // Lines by what became of them; while the task runs, how far it is.
        "figures": task.figures,
    })
}
