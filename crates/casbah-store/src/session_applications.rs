//! The applications that a browser session signed in to: they are told when it ends.

use casbah_model::{Guid, TenantId};

use crate::{Result, Tx};

/// Notes that a session signed in to an application (application id).
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, session: Guid, application: Guid) -> Result<()> {
    let sql = "insert into session_applications (tenant, session, application) values (?1, ?2, ?3) \
               on conflict (tenant, session, application) do nothing";
    tx.execute(sql, &[tenant.into(), session.into(), application.into()])?;
    Ok(())
}

/// The application ids of a session.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId, session: Guid) -> Result<Vec<Guid>> {
    let sql = "select application from session_applications where tenant = ?1 and session = ?2 \
               order by application";
    let rows = tx.rows(sql, &[tenant.into(), session.into()])?;
    rows.into_iter().map(|row| row.read().take()).collect()
}

/// Forgets what belongs to sessions of all tenants that are forgotten.
pub fn remove_ended(tx: &mut Tx<'_>) -> Result<u64> {
    let sql = "delete from session_applications where session not in (select id from browser_sessions)";
    tx.execute(sql, &[])
}
