//! Client assertions that were accepted once, so that no node accepts them again.

use casbah_model::{Guid, TenantId, Timestamp};

use crate::{Result, Tx};

/// Remembers an assertion until it ends; answers false when it was used before.
pub fn insert(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    application: Guid,
    digest: &[u8],
    expires: Timestamp,
) -> Result<bool> {
    let sql = "insert into used_assertions (tenant, application, digest, expires) values (?1, ?2, ?3, ?4) \
               on conflict (tenant, application, digest) do nothing";
    let values = [tenant.into(), application.into(), digest.into(), expires.into()];
    Ok(tx.execute(sql, &values)? > 0)
}

/// Forgets the assertions that ended before a moment; answers how many.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from used_assertions where expires < ?1", &[before.into()])
}
