//! Streams: the continuous reports, the global view and the snapshot reports.

use axum::extract::State;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::{Stream, StreamKind};
use casbah_service::Service;
use casbah_service::discovery::Timeframe;
use serde_json::{Value, json};

use super::DISCOVERY_READ;
use crate::paging::Answer;
use crate::table::Area;

pub(super) fn area() -> Area {
    Area::new("Streams").list("/api/v1/discovery/streams", DISCOVERY_READ, "List streams", list_streams)
}

async fn list_streams(State(service): State<Service>, Extension(caller): Extension<Caller>) -> Answer {
    let streams: Vec<Value> = service.list_streams(&caller).await?.iter().map(view).collect();
    let total = streams.len();
    // Most clients read `streams`, one reads `data`.
    Ok(Json(json!({ "streams": streams, "data": streams, "total": total, "hasNext": false, "max": total })))
}

/// A stream as the wire has it.
pub(super) fn view(stream: &Stream) -> Value {
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
        "anonymizeUsers": false,
        "anonymizeMachines": false,
        "isManual": stream.kind == StreamKind::Snapshot,
        "globalAggregated": stream.kind == StreamKind::Input,
        "snapshotData": stream.kind == StreamKind::Snapshot,
        "logFilesHistoryCount": stream.logs,
        "logFilesFailsCount": stream.failures,
        "supportedEntityTypes": stream.entity_kinds,
        "supportedTrafficTypes": stream.traffic_kinds,
        "validTimeFrames": Timeframe::DAYS,
        "sourceStreams": [],
        "userTags": [],
    });
    if let Some(protocol) = &stream.protocol {
        view["protocol"] = json!(protocol);
    }
    view
}
