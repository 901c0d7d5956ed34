//! What administrators set for cloud discovery, and the keys under which user names are hidden.

use casbah_model::{DiscoverySettings, TenantId, Timestamp};

use crate::{Result, Tx, Value};

/// The settings of a tenant; the defaults where nobody has set any.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId) -> Result<DiscoverySettings> {
    let row = tx.row("select document from discovery_settings where tenant = ?1", &[tenant.into()])?;
    row.map(|row| row.read().take_json()).transpose().map(Option::unwrap_or_default)
}

/// Writes the settings of a tenant.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, settings: &DiscoverySettings) -> Result<()> {
    tx.execute(
        "insert into discovery_settings (tenant, document) values (?1, ?2) \
         on conflict (tenant) do update set document = excluded.document",
        &[tenant.into(), Value::json(settings)],
    )?;
    Ok(())
}

/// The sealed keys for names, by number.
pub fn keys(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<(i64, Vec<u8>)>> {
    let sql = "select number, sealed from discovery_keys where tenant = ?1 order by number";
    let rows = tx.rows(sql, &[tenant.into()])?.into_iter();
    rows.map(|row| {
        let mut r = row.read();
        Ok((r.take()?, r.take()?))
    })
    .collect()
}

/// Adds a sealed key, unless there is one of that number.
pub fn insert_key(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    number: i64,
    sealed: &[u8],
    created: Timestamp,
) -> Result<()> {
    let sql = "insert into discovery_keys (tenant, number, sealed, created) values (?1, ?2, ?3, ?4) \
               on conflict (tenant, number) do nothing";
    tx.execute(sql, &[tenant.into(), number.into(), sealed.into(), created.into()])?;
    Ok(())
}
