//! Streams: the continuous reports, the global view and the snapshot reports.

use axum::extract::State;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::{Part, Stream, StreamKind, Timestamp};
use casbah_service::Service;
use casbah_service::discovery::Timeframe;
use serde_json::{Value, json};

use super::DISCOVERY_READ;
use crate::describe::{Property, Record, Shape, has, may_have};
use crate::paging::Answer;
use crate::table::Area;

const MS_OF_DAY: i64 = 86_400_000;

pub(super) fn area() -> Area {
    Area::new("Streams", Part::Discovery)
        .list("/api/v1/discovery/streams", DISCOVERY_READ, "List streams", list_streams)
        .answers(Shape::Inline(STREAMS))
}

const STREAMS: &[Property] = &[
    has("streams", Shape::List(&Shape::Record(&STREAM)), "All of them."),
    has("data", Shape::List(&Shape::Record(&STREAM)), "The same."),
    has("total", Shape::Integer, ""),
    has("hasNext", Shape::Flag, "False: all are given."),
    has("max", Shape::Integer, ""),
];

const NUMBERS: Shape = Shape::List(&Shape::Integer);

pub(super) const STREAM: Record = Record {
    name: "Stream",
    what: "A report of discovery: of the logs of a data source, of all of them, or of one upload.",
    properties: &[
        has("_id", Shape::Id, ""),
        has("displayName", Shape::Text, ""),
        has("comment", Shape::Text, ""),
        has("created", Shape::Moment, ""),
        has("lastModified", Shape::Moment, ""),
        has("lastDataReceived", Shape::Nullable(&Shape::Moment), "When the last log arrived."),
        has("logType", Shape::Integer, "Kind of log, by number."),
        has("receiverType", Shape::Text, "How logs arrive."),
        has(
            "streamType",
            Shape::Numbered(&[(1, "of a data source"), (3, "view of all"), (5, "snapshot")]),
            "",
        ),
        has("anonymizeUsers", Shape::Flag, ""),
        has("anonymizeMachines", Shape::Flag, ""),
        has("isManual", Shape::Flag, "Whether it is a snapshot."),
        has("globalAggregated", Shape::Flag, "Whether the global view holds it."),
        has("snapshotData", Shape::Flag, ""),
        has("readTimeFramesFromSecond", Shape::Flag, ""),
        has("logFilesHistoryCount", Shape::Integer, "Logs that were read."),
        has("logFilesFailsCount", Shape::Integer, "Logs that could not be read."),
        has("supportedEntityTypes", NUMBERS, "1 user names, 2 addresses, 3 machine names, 4 resources."),
        has("supportedTrafficTypes", NUMBERS, "1 total, 2 downloaded, 3 uploaded bytes."),
        has("lastAlertProcessingTime", Shape::Time, "When policies last looked at it."),
        has("currentServicesCollectionName", Shape::Text, ""),
        has("timeFrames", Shape::Object, ""),
        has("timeFrames2", Shape::Object, ""),
        has("validTimeFrames", NUMBERS, "Time frames that can be asked for, in days."),
        has("validTimeFrames2", NUMBERS, "The same."),
        has("timeWithoutLogs", Shape::Integer, "Days since the last log."),
        has("sourceStreams", Shape::List(&Shape::Anything), ""),
        has("userTags", Shape::List(&Shape::Anything), ""),
        may_have("protocol", Shape::Text, "Of syslog: udp, tcp, tls."),
        may_have("parser", Shape::Id, "The tenant's parser that reads its logs."),
    ],
};

async fn list_streams(State(service): State<Service>, Extension(caller): Extension<Caller>) -> Answer {
    let now = service.clock().now();
    let streams: Vec<Value> = service.list_streams(&caller).await?.iter().map(|s| view(s, now)).collect();
    let total = streams.len();
    // Most clients read `streams`, one reads `data`.
    Ok(Json(json!({ "streams": streams, "data": streams, "total": total, "hasNext": false, "max": total })))
}

/// A stream as the wire has it.
pub(super) fn view(stream: &Stream, now: Timestamp) -> Value {
    let last = stream.last_data.unwrap_or(stream.created);
    let mut view = json!({
        "_id": stream.id,
        "displayName": stream.name,
        "comment": "",
        "created": stream.created.iso(),
        "lastModified": stream.modified.iso(),
        "lastDataReceived": stream.last_data.map(|at| at.iso()),
        "logType": stream.log_type,
        "receiverType": stream.receiver,
        "streamType": stream.kind.number(),
        "anonymizeUsers": stream.anonymize_users,
        "anonymizeMachines": false,
        "isManual": stream.kind == StreamKind::Snapshot,
        "globalAggregated": stream.kind == StreamKind::Input,
        "snapshotData": stream.kind == StreamKind::Snapshot,
        // Every time frame is read from the same figures here.
        "readTimeFramesFromSecond": false,
        "logFilesHistoryCount": stream.logs,
        "logFilesFailsCount": stream.failures,
        "supportedEntityTypes": stream.entity_kinds,
        "supportedTrafficTypes": stream.traffic_kinds,
        // Policies look at each log as soon as it is read.
        "lastAlertProcessingTime": last,
        "currentServicesCollectionName": "discovery_services",
        "timeFrames": {},
        "timeFrames2": {},
        "validTimeFrames": Timeframe::DAYS,
        "validTimeFrames2": Timeframe::DAYS,
        // In days, as the time frames are.
        "timeWithoutLogs": now.0.saturating_sub(last.0).max(0) / MS_OF_DAY,
        "sourceStreams": [],
        "userTags": [],
    });
    if let Some(parser) = &stream.parser {
        view["parser"] = json!(parser);
    }
    if let Some(protocol) = &stream.protocol {
        view["protocol"] = json!(protocol);
    }
    view
}
