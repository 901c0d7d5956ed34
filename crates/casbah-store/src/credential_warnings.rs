//! Credentials that are about to end, and the alerts that said so.

use casbah_model::{Guid, RecordId, TenantId, Timestamp};

use crate::{Result, Tx};

/// A credential that has an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Object id of the application.
    pub application: Guid,
    /// Its application id.
    pub app_id: Guid,
    /// Its name.
    pub application_name: String,
    /// The credential.
    pub key_id: Guid,
    /// Its name.
    pub name: String,
    /// Whether it is a certificate; else a secret.
    pub certificate: bool,
    /// When it ends.
    pub ends: Timestamp,
}

/// All credentials of a tenant, of both kinds.
const CREDENTIALS: &str = "with credentials as ( \
    select application, key_id, display_name, 0 as certificate, starts, ends, last_used \
    from application_secrets where tenant = ?1 \
    union all \
    select application, key_id, display_name, 1 as certificate, starts, ends, last_used \
    from application_certificates where tenant = ?1)";
/// Whether `c` has a successor: a newer credential of its application that outlives it, while nobody has
/// used the old one for more than a day beside the new one.
const SUCCEEDED: &str = "exists (select 1 from credentials n where n.application = c.application \
    and n.starts > c.starts and n.ends > c.ends \
    and (c.last_used is null or c.last_used <= n.starts + 86400000))";

/// Credentials that end after `now` and not after `until`, and have no successor; the first to end first.
pub fn ending(tx: &mut Tx<'_>, tenant: TenantId, now: Timestamp, until: Timestamp) -> Result<Vec<Ending>> {
    let sql = format!(
        "{CREDENTIALS} select c.application, a.app_id, a.display_name, c.key_id, c.display_name, c.certificate, c.ends \
         from credentials c join applications a on a.tenant = ?1 and a.id = c.application and a.deleted is null \
         where c.ends > ?2 and c.ends <= ?3 and not {SUCCEEDED} order by c.ends, c.key_id"
    );
    let rows = tx.rows(&sql, &[tenant.into(), now.into(), until.into()])?.into_iter();
    rows.map(|row| {
        let mut r = row.read();
        Ok(Ending {
            application: r.take()?,
            app_id: r.take()?,
            application_name: r.take()?,
            key_id: r.take()?,
            name: r.take()?,
            certificate: r.take()?,
            ends: r.take()?,
        })
    })
    .collect()
}

/// Notes that an alert says that a credential ends within `step` days. False when one did before.
pub fn record(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    credential: (Guid, Guid),
    step: i64,
    alert: &RecordId,
    at: Timestamp,
) -> Result<bool> {
    let (application, key_id) = credential;
    let sql = "insert into credential_warnings (tenant, application, key_id, step, alert, at) \
               values (?1, ?2, ?3, ?4, ?5, ?6) on conflict (tenant, application, key_id, step) do nothing";
    let values = [tenant.into(), application.into(), key_id.into(), step.into(), alert.into(), at.into()];
    Ok(tx.execute(sql, &values)? > 0)
}

/// Whether an alert was raised for a credential and a step.
pub fn is_recorded(tx: &mut Tx<'_>, tenant: TenantId, credential: (Guid, Guid), step: i64) -> Result<bool> {
    let (application, key_id) = credential;
    let sql = "select count(*) from credential_warnings \
               where tenant = ?1 and application = ?2 and key_id = ?3 and step = ?4";
    let values = [tenant.into(), application.into(), key_id.into(), step.into()];
    Ok(tx.number(sql, &values)? > 0)
}

/// Open alerts about credentials that are gone or have a successor.
pub fn settled(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<String>> {
    let sql = format!(
        "{CREDENTIALS} select w.alert from credential_warnings w \
         join alerts o on o.tenant = ?1 and o.id = w.alert and o.resolution = 0 \
         where w.tenant = ?1 and not exists (select 1 from credentials c join applications a \
            on a.tenant = ?1 and a.id = c.application and a.deleted is null \
            where c.application = w.application and c.key_id = w.key_id and not {SUCCEEDED}) order by w.alert"
    );
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(|row| row.read().take()).collect()
}
