//! Challenges that a passkey has answered: an answer that somebody recorded is worth nothing.

use casbah_model::{TenantId, Timestamp};

use crate::{Result, Tx};

/// Uses a challenge up. False when it was used before.
pub fn take(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8], expires: Timestamp) -> Result<bool> {
    let sql = "insert into used_challenges (tenant, digest, expires) values (?1, ?2, ?3) \
               on conflict (tenant, digest) do nothing";
    Ok(tx.execute(sql, &[tenant.into(), digest.into(), expires.into()])? == 1)
}

/// Forgets challenges of all tenants that nobody would accept any more since `before`.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from used_challenges where expires < ?1", &[before.into()])
}
