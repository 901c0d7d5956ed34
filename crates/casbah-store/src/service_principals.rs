//! Service principals: applications inside a tenant.

use casbah_model::{Guid, ServicePrincipal, TenantId};

use crate::{Result, Row, Tx, Value};

const COLUMNS: &str = "id, app_id, display_name, enabled, created, details";

fn service_principal(row: Row) -> Result<ServicePrincipal> {
    let mut r = row.read();
    Ok(ServicePrincipal {
        id: r.take()?,
        app_id: r.take()?,
        display_name: r.take()?,
        enabled: r.take()?,
        created: r.take()?,
        details: r.take_json()?,
    })
}

/// Adds a service principal; a second one for the application is [`crate::Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, principal: &ServicePrincipal) -> Result<()> {
    let sql =
        format!("insert into service_principals (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let values = [
        tenant.into(),
        principal.id.into(),
        principal.app_id.into(),
        (&principal.display_name).into(),
        principal.enabled.into(),
        principal.created.into(),
        Value::json(&principal.details),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Writes name, state and details anew.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, principal: &ServicePrincipal) -> Result<()> {
    let sql = "update service_principals set display_name = ?3, enabled = ?4, details = ?5 \
               where tenant = ?1 and id = ?2";
    let values = [
        tenant.into(),
        principal.id.into(),
        (&principal.display_name).into(),
        principal.enabled.into(),
        Value::json(&principal.details),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// A service principal by object id.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<ServicePrincipal>> {
    let sql = format!("select {COLUMNS} from service_principals where tenant = ?1 and id = ?2");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(service_principal).transpose()
}

/// The service principal of an application.
pub fn find_by_app_id(tx: &mut Tx<'_>, tenant: TenantId, app_id: Guid) -> Result<Option<ServicePrincipal>> {
    let sql = format!("select {COLUMNS} from service_principals where tenant = ?1 and app_id = ?2");
    tx.row(&sql, &[tenant.into(), app_id.into()])?.map(service_principal).transpose()
}

/// Every service principal, by name.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<ServicePrincipal>> {
    let sql = format!("select {COLUMNS} from service_principals where tenant = ?1 order by display_name, id");
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(service_principal).collect()
}

/// Deletes a service principal with every role it holds or defines and every consent it is part
/// of; answers whether it was there.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    let key = [tenant.into(), id.into()];
    for sql in [
        "delete from app_role_assignments where tenant = ?1 and (principal = ?2 or resource = ?2)",
        "delete from permission_grants where tenant = ?1 and (client = ?2 or resource = ?2)",
    ] {
        tx.execute(sql, &key)?;
    }
    Ok(tx.execute("delete from service_principals where tenant = ?1 and id = ?2", &key)? > 0)
}
