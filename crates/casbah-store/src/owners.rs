//! Who owns which application, service principal or group.

use casbah_model::{Guid, ObjectRef, TenantId};

use crate::groups::object_ref;
use crate::{Result, Tx};

/// Makes an object an owner; answers whether it was none before.
pub fn add(tx: &mut Tx<'_>, tenant: TenantId, owned: Guid, owner: ObjectRef) -> Result<bool> {
    let sql = "insert into owners (tenant, owned, owner, owner_kind) values (?1, ?2, ?3, ?4) \
               on conflict (tenant, owned, owner) do nothing";
    let values = [tenant.into(), owned.into(), owner.id.into(), owner.kind.name().into()];
    Ok(tx.execute(sql, &values)? > 0)
}

/// Takes ownership away; answers whether it was an owner.
pub fn remove(tx: &mut Tx<'_>, tenant: TenantId, owned: Guid, owner: Guid) -> Result<bool> {
    let sql = "delete from owners where tenant = ?1 and owned = ?2 and owner = ?3";
    Ok(tx.execute(sql, &[tenant.into(), owned.into(), owner.into()])? > 0)
}

/// The owners of an object, by id.
pub fn of(tx: &mut Tx<'_>, tenant: TenantId, owned: Guid) -> Result<Vec<ObjectRef>> {
    let sql = "select owner, owner_kind from owners where tenant = ?1 and owned = ?2 order by owner";
    tx.rows(sql, &[tenant.into(), owned.into()])?.into_iter().map(object_ref).collect()
}

/// The ids of what an object owns.
pub fn owned_by(tx: &mut Tx<'_>, tenant: TenantId, owner: Guid) -> Result<Vec<Guid>> {
    let sql = "select owned from owners where tenant = ?1 and owner = ?2 order by owned";
    tx.rows(sql, &[tenant.into(), owner.into()])?.into_iter().map(|row| row.read().take()).collect()
}

/// Whether one object owns another.
pub fn is_owner(tx: &mut Tx<'_>, tenant: TenantId, owned: Guid, owner: Guid) -> Result<bool> {
    let sql = "select count(*) from owners where tenant = ?1 and owned = ?2 and owner = ?3";
    Ok(tx.number(sql, &[tenant.into(), owned.into(), owner.into()])? > 0)
}
