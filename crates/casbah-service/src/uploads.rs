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
mod take_log;

pub use blob::{Access, BlobError, Conditions, ListedBlock, Place};
pub use finish::Finish;
pub use folder::{ReceiveError, Received};
pub use link::UploadLink;
pub use take_log::NewLog;

pub(crate) use folder::Folder;

use casbah_authority::Caller;
use casbah_discovery::{FORMATS, SourceError};
use casbah_model::{RecordId, Upload, UploadState};
use casbah_store::{audit, custom_parsers, uploads};
use serde_json::json;

use crate::discovery::CUSTOM;
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
        let (tenant, now) = (caller.tenant, self.clock.now());
        let given = source.trim().to_string();
        let mut source = given.to_uppercase();
        let mut parser = None;
        // The data source says which parser reads it; a parser's own name says so, too.
        if source != CUSTOM
            && let Err(error) = casbah_discovery::format(&source)
        {
            let all = self.store.read(move |tx| custom_parsers::list(tx, tenant)).await?;
            let own = all.iter().find(|one| one.name.to_lowercase() == given.to_lowercase());
            let own = own.ok_or_else(|| {
                let built = FORMATS.iter().map(|f| f.id).chain(all.iter().map(|one| one.name.as_str()));
                let built: Vec<&str> = built.collect();
                let why = match error {
                    SourceError::Unknown => "is not a source",
                    SourceError::NotBuilt => "is a source whose logs are not read",
                };
                Error::invalid("source", format!("{source:?} {why}; there are {}", built.join(", ")))
            })?;
            parser = Some(own.id.clone());
            source = CUSTOM.to_string();
        }
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
            parser,
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
