//! What the administrators of a tenant have set.

use casbah_model::{TenantId, TenantSettings};

use crate::{Result, Tx, Value};

/// The settings of a tenant; the defaults where nobody has set any.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId) -> Result<TenantSettings> {
    let row = tx.row("select document from tenant_settings where tenant = ?1", &[tenant.into()])?;
    row.map(|row| row.read().take_json()).transpose().map(Option::unwrap_or_default)
}

/// Writes the settings of a tenant.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, settings: &TenantSettings) -> Result<()> {
    tx.execute(
        "insert into tenant_settings (tenant, document) values (?1, ?2) \
         on conflict (tenant) do update set document = excluded.document",
        &[tenant.into(), Value::json(settings)],
    )?;
    Ok(())
}
