//! Storing the bytes of an upload: at once, or block by block.

use std::collections::{HashMap, HashSet};

use aws_lc_rs::digest::{Context, SHA256};
use casbah_model::{RecordId, TenantId, Upload, UploadPart, UploadState};
use casbah_store::{Tx, uploads};
use tokio::io::AsyncRead;

use super::{ReceiveError, Received, UploadLink};
use crate::Service;

/// Blocks that one blob may have, and that may wait to be named in a list.
const MOST_COMMITTED: usize = 50_000;
const MOST_UNCOMMITTED: i64 = 100_000;

/// Why the blob endpoint refuses.
#[derive(Debug)]
pub enum BlobError {
    /// The signature is not ours.
    BadSignature,
    /// The address has expired.
    Expired,
    /// The upload is gone.
    NotFound,
    /// The upload was finished: nothing can be added to it.
    Finished,
    /// There are bytes already, and the sender asked not to replace any.
    Exists,
    /// The content is not, or is, the one that the sender named.
    ConditionNotMet,
    /// More bytes than allowed.
    TooLarge,
    /// More blocks than allowed.
    TooManyBlocks,
    /// Not the base64 of 1 to 64 bytes, or of another length than the ids before.
    BadBlockId,
    /// The list names a block that was not put.
    UnknownBlock,
    /// The sender broke off.
    Sender(std::io::Error),
    /// Our fault.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl From<casbah_store::Error> for BlobError {
    fn from(e: casbah_store::Error) -> BlobError {
        BlobError::Internal(e.into())
    }
}

impl From<ReceiveError> for BlobError {
    fn from(e: ReceiveError) -> BlobError {
        match e {
            ReceiveError::TooLarge => BlobError::TooLarge,
            ReceiveError::Sender(e) => BlobError::Sender(e),
            ReceiveError::Storage(e) => BlobError::Internal(e.into()),
        }
    }
}

/// The right to write one upload. Only [`Service::open_upload`] makes one.
#[derive(Clone, Debug)]
pub struct Access {
    tenant: TenantId,
    upload: RecordId,
}

/// What a sender wants to be true of the content that there is (`If-Match`, `If-None-Match`): `*` for any, or an
/// entity tag in its quotes.
#[derive(Clone, Debug, Default)]
pub struct Conditions {
    /// It is this one.
    pub matching: Option<String>,
    /// It is not this one.
    pub none_matching: Option<String>,
}

impl Conditions {
    fn check(&self, upload: &Upload) -> Result<(), BlobError> {
        let current = (upload.state == UploadState::Stored).then(|| entity_tag(&upload.parts));
        let is_current = |named: &str| current.as_deref().is_some_and(|tag| named == "*" || named == tag);
        match (&self.matching, &self.none_matching) {
            (Some(wanted), _) if !is_current(wanted) => Err(BlobError::ConditionNotMet),
            (_, Some(unwanted)) if is_current(unwanted) && unwanted == "*" => Err(BlobError::Exists),
            (_, Some(unwanted)) if is_current(unwanted) => Err(BlobError::ConditionNotMet),
            _ => Ok(()),
        }
    }
}

/// The entity tag of content. Each write stores its bytes under a name of its own, so the names tell versions apart.
fn entity_tag(parts: &[UploadPart]) -> String {
    let mut digest = Context::new(&SHA256);
    for part in parts {
        digest.update(part.file.as_bytes());
        digest.update(b"\n");
    }
    let start: String = digest.finish().as_ref().iter().take(8).map(|byte| format!("{byte:02X}")).collect();
    format!("\"0x{start}\"")
}

/// Where a block list takes a block from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// From the blob as it is.
    Committed,
    /// From the blocks put since.
    Uncommitted,
    /// From those put since, else from the blob.
    Latest,
}

/// An entry of a block list.
#[derive(Clone, Debug)]
pub struct ListedBlock {
    /// Where from.
    pub place: Place,
    /// Base64 id.
    pub id: String,
}

impl Service {
    /// Checks the address of an upload that is still open.
    pub async fn open_upload(&self, link: &UploadLink) -> Result<Access, BlobError> {
        let signed = self.check_link(link).ok_or(BlobError::BadSignature)?;
        if signed.expires <= self.clock.now() {
            return Err(BlobError::Expired);
        }
        let (tenant, id) = (signed.tenant, signed.upload.clone());
        self.store.read(move |tx| open(tx, tenant, &id).map(|_| ())).await?;
        Ok(Access { tenant, upload: signed.upload })
    }

    /// Stores bytes durably, not yet as part of the upload.
    pub async fn receive(
        &self,
        access: &Access,
        reader: &mut (impl AsyncRead + Unpin),
    ) -> Result<Received, BlobError> {
        let limit = self.settings.upload_limit;
        Ok(self.folder().receive(&access.upload, reader, limit).await?)
    }

    /// Makes the bytes the content of the upload; answers its entity tag.
    pub async fn store_blob(
        &self,
        access: &Access,
        received: Received,
        conditions: Conditions,
    ) -> Result<String, BlobError> {
        let (tenant, id) = (access.tenant, access.upload.clone());
        let part = part("", &received);
        let tag = entity_tag(std::slice::from_ref(&part));
        let service = self.clone();
        to_the_end(async move {
            let write = move |tx: &mut Tx<'_>| {
                let mut upload = open(tx, tenant, &id)?;
                conditions.check(&upload)?;
                let mut replaced = upload.parts;
                replaced.extend(uploads::blocks(tx, tenant, &id)?);
                upload.state = UploadState::Stored;
                upload.size = part.size;
                upload.parts = vec![part.clone()];
                uploads::save(tx, tenant, &upload)?;
                uploads::delete_blocks(tx, tenant, &id)?;
                Ok::<_, BlobError>(replaced)
            };
            let replaced = service.store.write(write).await?;
            received.keep();
            service.folder().delete(&files(replaced)).await;
            Ok(tag)
        })
        .await
    }

    /// Keeps the bytes as a block; one with the same id is replaced.
    pub async fn store_block(
        &self,
        access: &Access,
        block: &str,
        received: Received,
    ) -> Result<(), BlobError> {
        let (tenant, id) = (access.tenant, access.upload.clone());
        let limit = i64::try_from(self.settings.upload_limit).unwrap_or(i64::MAX);
        let part = part(block, &received);
        let service = self.clone();
        to_the_end(async move {
            let write = move |tx: &mut Tx<'_>| {
                open(tx, tenant, &id)?;
                let (same, others, bytes) = uploads::block_usage(tx, tenant, &id, &part.block)?;
                if others >= MOST_UNCOMMITTED {
                    return Err(BlobError::TooManyBlocks);
                }
                if bytes.saturating_add(part.size) > limit {
                    return Err(BlobError::TooLarge);
                }
                let length = uploads::block_id_length(tx, tenant, &id)?;
                if length.is_some_and(|length| length != part.block.len() as i64) {
                    return Err(BlobError::BadBlockId);
                }
                uploads::save_block(tx, tenant, &id, &part)?;
                Ok(same)
            };
            let replaced = service.store.write(write).await?;
            received.keep();
            service.folder().delete(&files(replaced.into_iter().collect())).await;
            Ok(())
        })
        .await
    }

    /// Makes the listed blocks, in their order, the content of the upload; the others are dropped. Answers the entity
    /// tag of the content.
    pub async fn store_block_list(
        &self,
        access: &Access,
        list: Vec<ListedBlock>,
        conditions: Conditions,
    ) -> Result<String, BlobError> {
        if list.len() > MOST_COMMITTED {
            return Err(BlobError::TooManyBlocks);
        }
        let (tenant, id) = (access.tenant, access.upload.clone());
        let limit = i64::try_from(self.settings.upload_limit).unwrap_or(i64::MAX);
        let service = self.clone();
        to_the_end(async move {
            let write = move |tx: &mut Tx<'_>| {
                let mut upload = open(tx, tenant, &id)?;
                conditions.check(&upload)?;
                let waiting = uploads::blocks(tx, tenant, &id)?;
                let parts = assemble(&list, &waiting, &upload.parts).ok_or(BlobError::UnknownBlock)?;
                let size = parts.iter().fold(0_i64, |sum, part| sum.saturating_add(part.size));
                if size > limit {
                    return Err(BlobError::TooLarge);
                }
                let kept: HashSet<&str> = parts.iter().map(|part| part.file.as_str()).collect();
                let old = waiting.into_iter().chain(std::mem::take(&mut upload.parts));
                let dropped: Vec<UploadPart> = old.filter(|old| !kept.contains(old.file.as_str())).collect();
                upload.state = UploadState::Stored;
                upload.size = size;
                upload.parts = parts;
                uploads::save(tx, tenant, &upload)?;
                uploads::delete_blocks(tx, tenant, &id)?;
                Ok((entity_tag(&upload.parts), dropped))
            };
            let (tag, dropped) = service.store.write(write).await?;
            service.folder().delete(&files(dropped)).await;
            Ok(tag)
        })
        .await
    }
}

/// Finishes a write also when the sender goes away in the middle of it. Were it dropped between the
/// commit and the moment when the file is kept, the file would be deleted and a row would name it.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, BlobError>> + Send + 'static,
) -> Result<T, BlobError> {
    tokio::spawn(work).await.unwrap_or_else(|e| Err(BlobError::Internal(e.into())))
}

/// The upload, if bytes may still be added to it.
fn open(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<Upload, BlobError> {
    let upload = uploads::find(tx, tenant, id)?.ok_or(BlobError::NotFound)?;
    if upload.state == UploadState::Finalised { Err(BlobError::Finished) } else { Ok(upload) }
}

fn part(block: &str, received: &Received) -> UploadPart {
    UploadPart {
        block: block.to_string(),
        file: received.file.clone(),
        size: i64::try_from(received.size).unwrap_or(i64::MAX),
    }
}

fn assemble(
    list: &[ListedBlock],
    waiting: &[UploadPart],
    committed: &[UploadPart],
) -> Option<Vec<UploadPart>> {
    let index = |parts: &[UploadPart]| -> HashMap<String, UploadPart> {
        parts.iter().map(|part| (part.block.clone(), part.clone())).collect()
    };
    let (waiting, committed) = (index(waiting), index(committed));
    let find = |entry: &ListedBlock| match entry.place {
        Place::Committed => committed.get(&entry.id),
        Place::Uncommitted => waiting.get(&entry.id),
        Place::Latest => waiting.get(&entry.id).or_else(|| committed.get(&entry.id)),
    };
    list.iter().map(|entry| find(entry).cloned()).collect()
}

fn files(parts: Vec<UploadPart>) -> Vec<String> {
    parts.into_iter().map(|part| part.file).collect()
}
