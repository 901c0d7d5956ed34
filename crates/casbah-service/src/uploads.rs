//! Uploads: an address is handed out, bytes are stored under it, and the upload is finished.
//!
//! ```text
//! upload_address ──> receive, store_blob | store_block … store_block_list ──> finish_upload ──> task
//! ```
//!
//! Bytes are on disk and named in a row before a write is acknowledged. No part of a request ever
//! becomes a file name.

mod blob;
mod finish;
mod folder;
mod link;
mod sweep;

pub use blob::{Access, BlobError, ListedBlock, Place};
pub use finish::Finish;
pub use folder::{ReceiveError, Received};
pub use link::UploadLink;

pub(crate) use folder::Folder;

use casbah_authority::Caller;
use casbah_discovery::{FORMATS, SourceError};
use casbah_model::{RecordId, Upload, UploadState};
use casbah_store::{audit, uploads};
use serde_json::json;

use crate::{Error, Service};

impl Service {
    /// Hands out an address to which a log can be sent, once.
    pub async fn upload_address(
        &self,
        caller: &Caller,
        filename: String,
        source: String,
    ) -> Result<String, Error> {
        if filename.trim().is_empty() {
            return Err(Error::invalid("filename", "name the file that you are going to upload"));
        }
        if filename.chars().count() > 255 || filename.chars().any(char::is_control) {
            return Err(Error::invalid(
                "filename",
                "needs at most 255 characters, none of them a control character",
            ));
        }
        let source = source.trim().to_uppercase();
        casbah_discovery::format(&source).map_err(|e| {
            let built: Vec<&str> = FORMATS.iter().map(|f| f.id).collect();
            let why = match e {
                SourceError::Unknown => "is not a source",
                SourceError::NotBuilt => "is a source whose logs are not read",
            };
            Error::invalid("source", format!("{source:?} {why}; there are {}", built.join(", ")))
        })?;
        let (tenant, now) = (caller.tenant, self.clock.now());
        let upload = Upload {
            id: RecordId::new(now),
            filename,
            source,
            state: UploadState::Waiting,
            size: 0,
            parts: Vec::new(),
            created: now,
            expires: now.plus(link::LIFETIME),
            initiator: caller.name().to_string(),
        };
        let url = self.sign_upload(tenant, &upload.id, upload.expires);
        let details = json!({ "filename": upload.filename, "source": upload.source });
        let record = caller.audit(now, "request upload", "upload", &upload.id, details);
        self.store
            .write(move |tx| {
                uploads::insert(tx, tenant, &upload)?;
                audit::append(tx, tenant, &record)
            })
            .await?;
        Ok(url)
    }

    pub(crate) fn folder(&self) -> Folder {
        Folder::new(self.settings.uploads.clone())
    }
}
