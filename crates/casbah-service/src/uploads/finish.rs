//! The last step: the upload becomes a task.

use casbah_authority::Caller;
use casbah_model::{
    Access, Bound, DiscoveryTask, Part, Reach, RecordId, Stream, StreamKind, TaskState, UploadState,
};
use casbah_store::{audit, discovery_settings, discovery_tasks, streams, uploads};
use serde_json::json;

use super::UploadLink;
use crate::discovery::{CUSTOM, CUSTOM_LOG_TYPE};
use crate::{Error, Service};

/// What became of a finished upload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Finish {
    /// It waits to be parsed.
    Queued {
        /// The stream that it feeds.
        stream: RecordId,
        /// The entry of the governance log to follow.
        task: RecordId,
    },
    /// There is no data source, or for a snapshot no report, of that name within reach.
    NoSuchStream {
        /// The names that there are.
        existing: Vec<String>,
    },
}

impl Service {
    /// Says that the bytes are complete: they will be parsed into a continuous report, or with
    /// `snapshot` into a report of their own. Whether a new report hides names, `anonymize` says, else the
    /// tenant's default.
    pub async fn finish_upload(
        &self,
        caller: &Caller,
        link: &UploadLink,
        stream_name: String,
        snapshot: bool,
        anonymize: Option<bool>,
    ) -> Result<Finish, Error> {
        let foreign =
            || Error::invalid("uploadUrl", "this is not an address that upload_url handed out to you");
        let signed = self.check_link(link).filter(|s| s.tenant == caller.tenant).ok_or_else(foreign)?;
        let stream_name = stream_name.trim().to_string();
        let sound = !stream_name.is_empty() && stream_name.chars().count() <= 100;
        if !sound || stream_name.chars().any(char::is_control) {
            return Err(Error::invalid(
                "inputStreamName",
                "needs 1 to 100 characters, none of them a control character",
            ));
        }
        let (tenant, now) = (caller.tenant, self.clock.now());
        let reach = caller.reach(Part::Uploads, Access::Change);
        // A new report would be out of reach of somebody who looks after chosen ones.
        let makes_reports = snapshot && every_report(&reach);
        let task_id = RecordId::new(now);
        let new_stream = snapshot_stream(RecordId::new(now), &stream_name, now);
        let initiator = caller.name().to_string();
        let record = caller.audit(now, "upload log", "discovery task", &task_id, json!({}));
        let finished = self
            .store
            .write(move |tx| {
                let mut upload = uploads::find(tx, tenant, &signed.upload)?.ok_or_else(|| {
                    Error::invalid("uploadUrl", "this upload is gone: it was never finished")
                })?;
                match upload.state {
                    UploadState::Waiting => {
                        return Err(Error::invalid(
                            "uploadUrl",
                            "nothing was uploaded: PUT the file to this address first",
                        ));
                    }
                    UploadState::Finalised => {
                        return Err(Error::invalid(
                            "uploadUrl",
                            "this upload was finished before; ask for a new address",
                        ));
                    }
                    UploadState::Stored => {}
                }
                let settings = discovery_settings::find(tx, tenant)?;
                let kind = if snapshot { StreamKind::Snapshot } else { StreamKind::Input };
                let found = streams::find_by_name(tx, tenant, &reach, kind, &stream_name)?;
                let parser =
                    found.as_ref().and_then(|stream| stream.parser.clone()).or(upload.parser.clone());
                if upload.source == CUSTOM && parser.is_none() && (found.is_some() || makes_reports) {
                    let why =
                        "the data source has no parser; make one with it, or name the parser as the source";
                    return Err(Error::invalid("inputStreamName", why));
                }
                let stream = match found {
                    Some(stream) => stream.id,
                    None if makes_reports => {
                        let mut stream = new_stream.clone();
                        stream.log_type = match casbah_discovery::format(&upload.source) {
                            Ok(format) => format.log_type.into(),
                            Err(_) => CUSTOM_LOG_TYPE,
                        };
                        stream.anonymize_users = anonymize.unwrap_or(settings.anonymize_by_default);
                        streams::insert(tx, tenant, &stream)?;
                        stream.id
                    }
                    None => {
                        let all = streams::list(tx, tenant, &reach)?.into_iter();
                        let existing = all.filter(|s| s.kind == kind).map(|s| s.name).collect();
                        return Ok(Finish::NoSuchStream { existing });
                    }
                };
                let task = DiscoveryTask {
                    id: task_id.clone(),
                    stream: stream.clone(),
                    upload: upload.id.clone(),
                    filename: upload.filename.clone(),
                    source: upload.source.clone(),
                    initiator: initiator.clone(),
                    created: now,
                    finished: None,
                    state: TaskState::Pending,
                    figures: json!({ "size": upload.size }),
                    parser,
                };
                discovery_tasks::insert(tx, tenant, &task)?;
                upload.state = UploadState::Finalised;
                uploads::save(tx, tenant, &upload)?;
                // Blocks that no list named are swept: their upload is finished.
                uploads::delete_blocks(tx, tenant, &upload.id)?;
                let mut record = record.clone();
                record.details =
                    json!({ "filename": task.filename, "source": task.source, "stream": stream_name });
                audit::append(tx, tenant, &record)?;
                Ok(Finish::Queued { stream, task: task_id.clone() })
            })
            .await?;
        self.tasks.notify_one();
        Ok(finished)
    }
}

fn every_report(reach: &Reach) -> bool {
    match reach {
        Reach::Everything => true,
        Reach::Within(bounds) => bounds.contains(&Bound::Discovery),
    }
}

fn snapshot_stream(id: RecordId, name: &str, now: casbah_model::Timestamp) -> Stream {
    Stream {
        id,
        name: name.to_string(),
        kind: StreamKind::Snapshot,
        log_type: 0,
        receiver: "builtin".into(),
        protocol: None,
        created: now,
        modified: now,
        last_data: None,
        logs: 0,
        failures: 0,
        entity_kinds: Vec::new(),
        traffic_kinds: Vec::new(),
        anonymize_users: false,
        parser: None,
    }
}
