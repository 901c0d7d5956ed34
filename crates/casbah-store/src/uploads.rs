//! Uploads: which files, in which order, make up a log on its way in.

use casbah_model::{RecordId, TenantId, Timestamp, Upload, UploadPart, UploadState};

use crate::alerts::known;
use crate::{Result, Row, Tx, Value};

const COLUMNS: &str = "id, filename, source, state, size, parts, created, expires, initiator, parser";

fn upload(row: Row) -> Result<Upload> {
    let mut r = row.read();
    Ok(Upload {
        id: r.take()?,
        filename: r.take()?,
        source: r.take()?,
        state: known(state(r.take()?), "state of upload")?,
        size: r.take()?,
        parts: r.take_json()?,
        created: r.take()?,
        expires: r.take()?,
        initiator: r.take()?,
        parser: r.take()?,
    })
}

fn state(number: i64) -> Option<UploadState> {
    [UploadState::Waiting, UploadState::Stored, UploadState::Finalised]
        .into_iter()
        .find(|s| *s as i64 == number)
}

/// Adds an upload.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, upload: &Upload) -> Result<()> {
    let sql = format!(
        "insert into uploads (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    );
    let values = [
        tenant.into(),
        (&upload.id).into(),
        (&upload.filename).into(),
        (&upload.source).into(),
        (upload.state as i64).into(),
        upload.size.into(),
        Value::json(&upload.parts),
        upload.created.into(),
        upload.expires.into(),
        (&upload.initiator).into(),
        upload.parser.as_ref().into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// An upload, if it exists.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<Option<Upload>> {
    let sql = format!("select {COLUMNS} from uploads where tenant = ?1 and id = ?2");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(upload).transpose()
}

/// Saves state, size and parts.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, upload: &Upload) -> Result<()> {
    let sql = "update uploads set state = ?3, size = ?4, parts = ?5 where tenant = ?1 and id = ?2";
    let values = [
        tenant.into(),
        (&upload.id).into(),
        (upload.state as i64).into(),
        upload.size.into(),
        Value::json(&upload.parts),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// The blocks put but not yet named in a block list.
pub fn blocks(tx: &mut Tx<'_>, tenant: TenantId, upload: &RecordId) -> Result<Vec<UploadPart>> {
    let sql = "select block, file, size from upload_blocks where tenant = ?1 and upload = ?2 order by block";
    tx.rows(sql, &[tenant.into(), upload.into()])?.into_iter().map(part).collect()
}

/// The uncommitted block of that id, how many others there are, and how many bytes these have.
pub fn block_usage(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    upload: &RecordId,
    block: &str,
) -> Result<(Option<UploadPart>, i64, i64)> {
    let values = [tenant.into(), upload.into(), block.into()];
    let sql = "select block, file, size from upload_blocks where tenant = ?1 and upload = ?2 and block = ?3";
    let same = tx.row(sql, &values)?.map(part).transpose()?;
    let sql = "select count(*), cast(coalesce(sum(size), 0) as bigint) from upload_blocks \
               where tenant = ?1 and upload = ?2 and block <> ?3";
    let Some(row) = tx.row(sql, &values)? else { return Ok((same, 0, 0)) };
    let mut r = row.read();
    Ok((same, r.take()?, r.take()?))
}

/// The length of the block ids in use: all ids of one blob have one length.
pub fn block_id_length(tx: &mut Tx<'_>, tenant: TenantId, upload: &RecordId) -> Result<Option<i64>> {
    let sql =
        "select cast(length(block) as bigint) from upload_blocks where tenant = ?1 and upload = ?2 limit 1";
    tx.row(sql, &[tenant.into(), upload.into()])?.map(|row| row.read().take()).transpose()
}

fn part(row: Row) -> Result<UploadPart> {
    let mut r = row.read();
    Ok(UploadPart { block: r.take()?, file: r.take()?, size: r.take()? })
}

/// Keeps a block; one with the same id is replaced.
pub fn save_block(tx: &mut Tx<'_>, tenant: TenantId, upload: &RecordId, part: &UploadPart) -> Result<()> {
    let sql = "insert into upload_blocks (tenant, upload, block, file, size) values (?1, ?2, ?3, ?4, ?5) \
               on conflict (tenant, upload, block) do update set file = excluded.file, size = excluded.size";
    let values = [tenant.into(), upload.into(), (&part.block).into(), (&part.file).into(), part.size.into()];
    tx.execute(sql, &values)?;
    Ok(())
}

/// Forgets all uncommitted blocks.
pub fn delete_blocks(tx: &mut Tx<'_>, tenant: TenantId, upload: &RecordId) -> Result<()> {
    tx.execute(
        "delete from upload_blocks where tenant = ?1 and upload = ?2",
        &[tenant.into(), upload.into()],
    )?;
    Ok(())
}

/// Forgets uploads of all tenants that were never finished and whose address expired before `before`.
pub fn delete_abandoned(tx: &mut Tx<'_>, before: Timestamp) -> Result<()> {
    let old = "from uploads where state <> ?1 and expires < ?2";
    let values = [(UploadState::Finalised as i64).into(), before.into()];
    let sql = format!(
        "delete from upload_blocks where exists \
         (select 1 {old} and uploads.tenant = upload_blocks.tenant and uploads.id = upload_blocks.upload)"
    );
    tx.execute(&sql, &values)?;
    tx.execute(&format!("delete {old}"), &values)?;
    Ok(())
}

/// Those of these uploads whose bytes are still here.
pub fn kept(tx: &mut Tx<'_>, tenant: TenantId, uploads: &[RecordId]) -> Result<Vec<RecordId>> {
    if uploads.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = vec![tenant.into()];
    let list = crate::alerts::conditions::one_of(uploads.iter().map(Into::into).collect(), &mut values);
    let sql = format!("select id from uploads where tenant = ?1 and parts <> '[]' and id in ({list})");
    tx.rows(&sql, &values)?.into_iter().map(|row| row.read().take()).collect()
}

/// Forgets the bytes of finished uploads of all tenants that no task needs: none waits for them, and none has failed
/// with them since `before`.
pub fn forget_failed(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    let sql = "update uploads set parts = '[]' where state = ?1 and parts <> '[]' and not exists \
               (select 1 from discovery_tasks d where d.tenant = uploads.tenant and d.upload = uploads.id \
               and (d.finished is null or (d.state = 2 and d.finished >= ?2)))";
    tx.execute(sql, &[(UploadState::Finalised as i64).into(), before.into()])
}

/// The names of all files that any upload of any tenant still needs.
pub fn files_in_use(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for row in tx.rows("select parts from uploads where parts <> '[]'", &[])? {
        let parts: Vec<UploadPart> = row.read().take_json()?;
        files.extend(parts.into_iter().map(|part| part.file));
    }
    for row in tx.rows("select file from upload_blocks", &[])? {
        files.push(row.read().take()?);
    }
    Ok(files)
}

/// The ids of uploads of all tenants that are finished: what else bears their name is left over.
pub fn finished(tx: &mut Tx<'_>) -> Result<Vec<String>> {
    let rows =
        tx.rows("select id from uploads where state = ?1", &[(UploadState::Finalised as i64).into()])?;
    rows.into_iter().map(|row| row.read().take()).collect()
}
