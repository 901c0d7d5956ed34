//! Whatever an application proves itself with: secrets, certificates, federated credentials.

use casbah_model::{Guid, TenantId, Timestamp};

use crate::{Result, Tx};

/// Whether an application (by its client id) still has a credential, and that has not ended.
pub fn is_valid(tx: &mut Tx<'_>, tenant: TenantId, app_id: Guid, id: Guid, now: Timestamp) -> Result<bool> {
    let sql = "select count(*) from applications a where a.tenant = ?1 and a.app_id = ?2 and ( \
               exists (select 1 from application_secrets s where s.tenant = a.tenant \
                       and s.application = a.id and s.key_id = ?3 and s.ends > ?4) \
               or exists (select 1 from application_certificates c where c.tenant = a.tenant \
                          and c.application = a.id and c.key_id = ?3 and c.ends > ?4) \
               or exists (select 1 from federated_credentials f where f.tenant = a.tenant \
                          and f.application = a.id and f.id = ?3))";
    Ok(tx.number(sql, &[tenant.into(), app_id.into(), id.into(), now.into()])? > 0)
}
