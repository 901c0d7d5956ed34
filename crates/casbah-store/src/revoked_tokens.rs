//! Access tokens that were revoked one by one (RFC 7009), until they would have ended anyway.

use casbah_model::{TenantId, Timestamp};

use crate::{Result, Tx};

/// Revokes the token with that id (its `uti`). False when it was revoked before.
pub fn insert(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: &str,
    now: Timestamp,
    expires: Timestamp,
) -> Result<bool> {
    let sql = "insert into revoked_tokens (tenant, id, revoked, expires) values (?1, ?2, ?3, ?4) \
               on conflict (tenant, id) do nothing";
    Ok(tx.execute(sql, &[tenant.into(), id.into(), now.into(), expires.into()])? == 1)
}

/// When the token with that id was revoked.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: &str) -> Result<Option<Timestamp>> {
    let sql = "select revoked from revoked_tokens where tenant = ?1 and id = ?2";
    tx.row(sql, &[tenant.into(), id.into()])?.map(|row| row.read().take()).transpose()
}

/// Forgets tokens of all tenants that ended before `before`.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from revoked_tokens where expires < ?1", &[before.into()])
}
