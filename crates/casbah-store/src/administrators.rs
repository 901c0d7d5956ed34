//! Who holds the roles of Cloud Apps.

use casbah_model::{Administrator, AdministratorRole, Entitlements, Guid, Reach, RecordId, Role, TenantId};

use crate::alerts::known;
use crate::{Result, Row, Tx, Value};

const COLUMNS: &str = "id, user_id, role, read_only, bounds, created";

fn administrator(row: Row) -> Result<Administrator> {
    let mut r = row.read();
    Ok(Administrator {
        id: r.take()?,
        user: r.take()?,
        role: known(AdministratorRole::find(&r.take::<String>()?), "role of Cloud Apps")?,
        read_only: r.take()?,
        bounds: r.take_json()?,
        created: r.take()?,
    })
}

/// Gives a person a role.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, administrator: &Administrator) -> Result<()> {
    let sql = format!("insert into administrators (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let values = [
        tenant.into(),
        (&administrator.id).into(),
        administrator.user.into(),
        administrator.role.id.into(),
        administrator.read_only.into(),
        Value::json(&administrator.bounds),
        administrator.created.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Every role that somebody holds, by age.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<Administrator>> {
    let sql = format!("select {COLUMNS} from administrators where tenant = ?1 order by created, id");
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(administrator).collect()
}

/// The roles of a person, by age.
pub fn of_user(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<Vec<Administrator>> {
    let sql = format!(
        "select {COLUMNS} from administrators where tenant = ?1 and user_id = ?2 order by created, id"
    );
    tx.rows(&sql, &[tenant.into(), user.into()])?.into_iter().map(administrator).collect()
}

/// An assignment, if it exists.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<Option<Administrator>> {
    let sql = format!("select {COLUMNS} from administrators where tenant = ?1 and id = ?2");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(administrator).transpose()
}

/// Takes a role away; answers whether it was held.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<bool> {
    let sql = "delete from administrators where tenant = ?1 and id = ?2";
    Ok(tx.execute(sql, &[tenant.into(), id.into()])? > 0)
}

/// What a person may do in Cloud Apps now: what the directory's roles, which were looked up before, and
/// those of Cloud Apps give together.
pub fn entitlements(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    roles: &[&'static Role],
) -> Result<Entitlements> {
    let of_directory = roles.iter().map(|role| (role.rights, Reach::Everything));
    let own = of_user(tx, tenant, user)?;
    Ok(of_directory.chain(own.iter().map(Administrator::entitlement)).collect())
}
