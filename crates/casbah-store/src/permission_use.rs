//! Which permissions an application has used, to the hour.

use casbah_model::{Guid, TenantId, Timestamp};

use crate::{Result, Row, Tx};

/// A permission that was used.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PermissionUse {
    /// Application id of the client.
    pub client: Guid,
    /// Application id of the resource.
    pub resource: Guid,
    /// The permission's value.
    pub permission: String,
    /// Whether it was lent by a person; else the application's own.
    pub delegated: bool,
    /// The hour of its first use.
    pub first_used: Timestamp,
    /// The hour of its last use.
    pub last_used: Timestamp,
}

fn permission_use(row: Row) -> Result<PermissionUse> {
    let mut r = row.read();
    Ok(PermissionUse {
        client: r.take()?,
        resource: r.take()?,
        permission: r.take()?,
        delegated: r.take()?,
        first_used: r.take()?,
        last_used: r.take()?,
    })
}

/// Notes a use in the hour that begins with `last_used`; an hour that was noted before, by whichever node,
/// changes nothing.
pub fn note(tx: &mut Tx<'_>, tenant: TenantId, used: &PermissionUse) -> Result<()> {
    let sql = "insert into permission_use (tenant, client, resource, permission, delegated, first_used, last_used) \
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
               on conflict (tenant, client, resource, permission, delegated) \
               do update set last_used = excluded.last_used where permission_use.last_used < excluded.last_used";
    let values = [
        tenant.into(),
        used.client.into(),
        used.resource.into(),
        (&used.permission).into(),
        used.delegated.into(),
        used.first_used.into(),
        used.last_used.into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// All that applications have used.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<PermissionUse>> {
    let sql = "select client, resource, permission, delegated, first_used, last_used from permission_use \
               where tenant = ?1 order by client, resource, permission, delegated";
    tx.rows(sql, &[tenant.into()])?.into_iter().map(permission_use).collect()
}

/// All that an application has used.
pub fn of_client(tx: &mut Tx<'_>, tenant: TenantId, client: Guid) -> Result<Vec<PermissionUse>> {
    let sql = "select client, resource, permission, delegated, first_used, last_used from permission_use \
               where tenant = ?1 and client = ?2 order by resource, permission, delegated";
    tx.rows(sql, &[tenant.into(), client.into()])?.into_iter().map(permission_use).collect()
}
