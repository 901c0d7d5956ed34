//! Client secrets, as keyed digests.

use casbah_model::{ApplicationSecret, Guid, TenantId, Timestamp};

use crate::{Result, Row, Tx};

const COLUMNS: &str =
    "key_id, application, display_name, hint, digest, starts, ends, last_used, last_address";

fn secret(row: Row) -> Result<ApplicationSecret> {
    let mut r = row.read();
    Ok(ApplicationSecret {
        key_id: r.take()?,
        application: r.take()?,
        display_name: r.take()?,
        hint: r.take()?,
        digest: r.take()?,
        starts: r.take()?,
        ends: r.take()?,
        last_used: r.take()?,
        last_address: r.take()?,
    })
}

/// Adds a secret.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, secret: &ApplicationSecret) -> Result<()> {
    let sql = format!(
        "insert into application_secrets (tenant, {COLUMNS}) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    );
    let values = [
        tenant.into(),
        secret.key_id.into(),
        secret.application.into(),
        (&secret.display_name).into(),
        (&secret.hint).into(),
        (&secret.digest).into(),
        secret.starts.into(),
        secret.ends.into(),
        secret.last_used.into(),
        secret.last_address.clone().into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// An application's secrets, also those that ended, the oldest first.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId, application: Guid) -> Result<Vec<ApplicationSecret>> {
    let sql = format!(
        "select {COLUMNS} from application_secrets where tenant = ?1 and application = ?2 \
         order by starts, key_id"
    );
    tx.rows(&sql, &[tenant.into(), application.into()])?.into_iter().map(secret).collect()
}

/// Deletes a secret; answers whether it was there.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, application: Guid, key_id: Guid) -> Result<bool> {
    let sql = "delete from application_secrets where tenant = ?1 and application = ?2 and key_id = ?3";
    Ok(tx.execute(sql, &[tenant.into(), application.into(), key_id.into()])? > 0)
}

/// Deletes every secret of an application.
pub(crate) fn delete_of(tx: &mut Tx<'_>, tenant: TenantId, application: Guid) -> Result<()> {
    let sql = "delete from application_secrets where tenant = ?1 and application = ?2";
    tx.execute(sql, &[tenant.into(), application.into()])?;
    Ok(())
}

/// Writes when a secret ends.
pub fn set_end(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    application: Guid,
    key_id: Guid,
    ends: Timestamp,
) -> Result<()> {
    let sql = "update application_secrets set ends = ?4 \
               where tenant = ?1 and application = ?2 and key_id = ?3";
    tx.execute(sql, &[tenant.into(), application.into(), key_id.into(), ends.into()])?;
    Ok(())
}

/// Notes that a token was issued for a secret, and from where it was asked for.
pub fn touch(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    application: Guid,
    key_id: Guid,
    used: Timestamp,
    address: Option<&str>,
) -> Result<()> {
    let sql = "update application_secrets set last_used = ?4, last_address = ?5 \
               where tenant = ?1 and application = ?2 and key_id = ?3";
    tx.execute_quietly(
        sql,
        &[tenant.into(), application.into(), key_id.into(), used.into(), address.into()],
    )?;
    Ok(())
}
