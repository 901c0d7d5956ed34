//! Lists of blocked apps that appliances fetch under secret addresses.

use casbah_model::{BlockList, RecordId, TenantId, Timestamp};

use crate::{Result, Row, Tx};

const COLUMNS: &str = "id, name, format, created, created_by, last_fetched";

fn list_of(row: Row) -> Result<BlockList> {
    let mut r = row.read();
    Ok(BlockList {
        id: r.take()?,
        name: r.take()?,
        format: r.take()?,
        created: r.take()?,
        created_by: r.take()?,
        last_fetched: r.take()?,
    })
}

/// All lists of a tenant, oldest first.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<BlockList>> {
    let sql = format!("select {COLUMNS} from block_lists where tenant = ?1 order by created, id");
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(list_of).collect()
}

/// Adds a list under the digest of its secret.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, one: &BlockList, digest: &[u8]) -> Result<()> {
    let sql = format!(
        "insert into block_lists (tenant, {COLUMNS}, digest) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    );
    let values = [
        tenant.into(),
        (&one.id).into(),
        (&one.name).into(),
        (&one.format).into(),
        one.created.into(),
        (&one.created_by).into(),
        one.last_fetched.into(),
        digest.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// The list of a secret, and whose it is: this is how the tenant becomes known.
pub fn find_by_digest(tx: &mut Tx<'_>, digest: &[u8]) -> Result<Option<(TenantId, BlockList)>> {
    let sql = format!("select {COLUMNS}, tenant from block_lists where digest = ?1");
    let Some(mut row) = tx.row(&sql, &[digest.into()])? else { return Ok(None) };
    let tenant = row.0.pop().ok_or_else(|| crate::Error::Shape("no column".to_string()))?;
    let tenant = crate::FromValue::from_value(tenant).map_err(crate::Error::Shape)?;
    Ok(Some((tenant, list_of(row)?)))
}

/// Notes that a list was fetched.
pub fn note_fetch(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId, at: Timestamp) -> Result<()> {
    let sql = "update block_lists set last_fetched = ?3 where tenant = ?1 and id = ?2";
    tx.execute(sql, &[tenant.into(), id.into(), at.into()])?;
    Ok(())
}

/// Removes a list: its address answers nothing any more.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<()> {
    tx.execute("delete from block_lists where tenant = ?1 and id = ?2", &[tenant.into(), id.into()])?;
    Ok(())
}
