//! Proofs of possession that were shown (RFC 9449, section 11.1): each is good once.

use casbah_model::{TenantId, Timestamp};

use crate::{Result, Tx};

/// Notes a proof. False when it was shown before.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8], expires: Timestamp) -> Result<bool> {
    let sql = "insert into used_proofs (tenant, digest, expires) values (?1, ?2, ?3) \
               on conflict (tenant, digest) do nothing";
    Ok(tx.execute(sql, &[tenant.into(), digest.into(), expires.into()])? == 1)
}

/// Forgets proofs of all tenants that are too old to be accepted since before `before`.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from used_proofs where expires < ?1", &[before.into()])
}
