//! Codes that stand in for a lost second factor, each good once, known by their digests only.

use casbah_model::{Guid, TenantId, Timestamp};

use crate::{Result, Tx};

/// Replaces the codes of a user.
pub fn replace(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, digests: &[Vec<u8>]) -> Result<()> {
    remove_of_user(tx, tenant, user)?;
    for digest in digests {
        let sql = "insert into recovery_codes (tenant, user_id, digest) values (?1, ?2, ?3)";
        tx.execute(sql, &[tenant.into(), user.into(), digest.into()])?;
    }
    Ok(())
}

/// Uses a code up. False when the user has none such, or used it before.
pub fn take(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, digest: &[u8], now: Timestamp) -> Result<bool> {
    let sql = "update recovery_codes set used = ?4 \
               where tenant = ?1 and user_id = ?2 and digest = ?3 and used is null";
    Ok(tx.execute(sql, &[tenant.into(), user.into(), digest.into(), now.into()])? == 1)
}

/// How many codes a user has left.
pub fn count_left(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<i64> {
    let sql = "select count(*) from recovery_codes where tenant = ?1 and user_id = ?2 and used is null";
    tx.number(sql, &[tenant.into(), user.into()])
}

/// Removes the codes of a user, used ones too.
pub fn remove_of_user(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<()> {
    let sql = "delete from recovery_codes where tenant = ?1 and user_id = ?2";
    tx.execute(sql, &[tenant.into(), user.into()]).map(drop)
}
