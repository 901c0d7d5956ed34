//! The first and the last of the three steps of an upload; the second is the blob endpoint.

use axum::extract::State;
use axum::{Extension, Json};
use casbah_authority::Caller;
use casbah_model::Part;
use casbah_service::Service;
use casbah_service::uploads::{Finish, UploadLink};
use serde_json::json;

use super::DISCOVERY_MANAGE;
use crate::blob;
use crate::describe::{Shape, has, may_have};
use crate::paging::Answer;
use crate::parameters::Parameters;
use crate::problem::{NO_STREAM, Problem};
use crate::table::Area;

pub(super) fn area() -> Area {
    Area::new("Discovery uploads", Part::Uploads)
        .get(
            "/api/v1/discovery/upload_url",
            DISCOVERY_MANAGE,
            "Get an address to upload a log to",
            request_upload_url,
        )
        .takes(
            const {
                &[
                    has("filename", Shape::Text, "Name of the log."),
                    has("source", Shape::Text, "Kind of log, such as SQUID."),
                ]
            },
        )
        .answers(Shape::Inline(
            const {
                &[
                    has("url", Shape::Url, "Where to PUT the log; it needs no credentials."),
                    has("provider", Shape::Text, "`azure`: the protocol of that address."),
                ]
            },
        ))
        .post("/api/v1/discovery/done_upload", DISCOVERY_MANAGE, "Finish an upload", finish_upload)
        .takes(
            const {
                &[
                    has("uploadUrl", Shape::Url, "The address of the upload, unchanged."),
                    has(
                        "inputStreamName",
                        Shape::Text,
                        "Name of a data source, or of the new snapshot report.",
                    ),
                    may_have("uploadAsSnapshot", Shape::Flag, "Whether this makes a report of its own."),
                    may_have(
                        "anonymizeUsers",
                        Shape::Flag,
                        "Whether a report that this makes hides user names; else the tenant's default.",
                    ),
                ]
            },
        )
        .answers(Shape::Inline(
            const {
                &[
                    has("success", Shape::Flag, ""),
                    has("inputStreamId", Shape::Id, "Stream that the log belongs to."),
                    has("taskId", Shape::Id, "Entry of the governance log that tells how far it is."),
                ]
            },
        ))
}

async fn request_upload_url(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let filename = parameters.required_text("filename")?;
    let source = parameters.required_text("source")?;
    let url = service.upload_address(&caller, filename, source).await?;
    Ok(Json(json!({ "url": url, "provider": "azure" })))
}

async fn finish_upload(
    State(service): State<Service>,
    Extension(caller): Extension<Caller>,
    parameters: Parameters,
) -> Answer {
    let link = read_link(&parameters.required_text("uploadUrl")?)?;
    let stream = parameters.required_text("inputStreamName")?;
    let snapshot = parameters.flag("uploadAsSnapshot")?.unwrap_or(false);
    let anonymize = parameters.flag("anonymizeUsers")?;
    match service.finish_upload(&caller, &link, stream, snapshot, anonymize).await? {
        Finish::Queued { stream, task } => {
            Ok(Json(json!({ "success": true, "inputStreamId": stream, "taskId": task })))
        }
        Finish::NoSuchStream { existing } => {
            let there = match existing.as_slice() {
                [] => "there is none yet; create one below /api/v1/discovery/data_sources/".to_string(),
                names => format!("there are {}", names.join(", ")),
            };
            let text = format!("inputStreamName: no data source has this name; {there}.");
            let values = json!({ "inputStreams": existing });
            Err(Problem::coded("inputStreamName", NO_STREAM, values, text))
        }
    }
}

/// The address as it came back. Host and port are not looked at: a client may reach us by another
/// name than the one that we hand out.
fn read_link(text: &str) -> Result<UploadLink, Problem> {
    let unreadable = || Problem::invalid("uploadUrl", "uploadUrl must be the address that upload_url gave.");
    let url = url::Url::parse(text.trim()).map_err(|_| unreadable())?;
    let segments: Vec<&str> = url.path().split('/').filter(|s| !s.is_empty()).collect();
    let ["upload", container, blob] = segments.as_slice() else { return Err(unreadable()) };
    Ok(blob::link(container, blob, url.query().unwrap_or_default()))
}
