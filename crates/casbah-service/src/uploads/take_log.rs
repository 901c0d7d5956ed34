//! A log in one go, for callers that hold its bytes: address, bytes and last step together.

use casbah_authority::Caller;
use tokio::io::AsyncRead;

use super::{BlobError, Conditions, Finish, UploadLink};
use crate::{Error, Service};

/// A log to be taken in.
#[derive(Clone, Debug, Default)]
pub struct NewLog {
    /// Name of the file.
    pub filename: String,
    /// Source (log format) name.
    pub source: String,
    /// Name of the report that it feeds.
    pub stream: String,
    /// Whether that is a snapshot report.
    pub snapshot: bool,
}

impl Service {
    /// Takes a log in; it is parsed behind the caller's back.
    pub async fn take_log(
        &self,
        caller: &Caller,
        new: NewLog,
        bytes: &mut (impl AsyncRead + Unpin),
    ) -> Result<Finish, Error> {
        let address = self.upload_address(caller, new.filename, new.source).await?;
        let link = link(&address).ok_or_else(|| Error::internal("an upload address of another form"))?;
        let access = self.open_upload(&link).await.map_err(refused)?;
        let received = self.receive(&access, bytes).await.map_err(refused)?;
        self.store_blob(&access, received, Conditions::default()).await.map_err(refused)?;
        self.finish_upload(caller, &link, new.stream, new.snapshot, None).await
    }
}

/// The parts of an address that we have just made.
fn link(address: &str) -> Option<UploadLink> {
    let (path, query) = address.split_once('?')?;
    let (path, blob) = path.rsplit_once('/')?;
    let (_, container) = path.rsplit_once('/')?;
    let value = |name: &str| {
        let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(n, _)| *n == name);
        found.map(|(_, value)| value.replace("%3A", ":"))
    };
    Some(UploadLink {
        container: container.to_string(),
        blob: blob.to_string(),
        expiry: value("se")?,
        signature: value("sig")?,
    })
}

fn refused(error: BlobError) -> Error {
    match error {
        BlobError::TooLarge => Error::invalid("file", "is larger than this server takes"),
        BlobError::Sender(_) => Error::invalid("file", "broke off before its end: send it again"),
        BlobError::Internal(cause) => Error::Internal(cause),
        other => Error::internal(format!("{other:?}")),
    }
}
