//! Service principals: applications inside a tenant.

use casbah_model::{Guid, ObjectKind, ObjectRef, ServicePrincipal, TenantId, Timestamp};

use crate::search::{self, Table};
use crate::{Result, Row, Search, Tx, Value};

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
    let sql = format!(
        "insert into service_principals (tenant, {COLUMNS}, display_key) \
                 values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    );
    let values = [
        tenant.into(),
        principal.id.into(),
        principal.app_id.into(),
        (&principal.display_name).into(),
        principal.enabled.into(),
        principal.created.into(),
        Value::json(&principal.details),
        search::key(&principal.display_name).into(),
    ];
    tx.execute(&sql, &values)?;
    put_words(tx, tenant, principal)
}

/// Writes name, state and details anew.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, principal: &ServicePrincipal) -> Result<()> {
    let sql = "update service_principals set display_name = ?3, enabled = ?4, details = ?5, display_key = ?6 \
               where tenant = ?1 and id = ?2";
    let values = [
        tenant.into(),
        principal.id.into(),
        (&principal.display_name).into(),
        principal.enabled.into(),
        Value::json(&principal.details),
        search::key(&principal.display_name).into(),
    ];
    tx.execute(sql, &values)?;
    put_words(tx, tenant, principal)
}

/// A service principal by object id.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<ServicePrincipal>> {
    let sql =
        format!("select {COLUMNS} from service_principals where tenant = ?1 and id = ?2 and deleted is null");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(service_principal).transpose()
}

/// The service principal of an application.
pub fn find_by_app_id(tx: &mut Tx<'_>, tenant: TenantId, app_id: Guid) -> Result<Option<ServicePrincipal>> {
    let sql = format!(
        "select {COLUMNS} from service_principals where tenant = ?1 and app_id = ?2 and deleted is null"
    );
    tx.row(&sql, &[tenant.into(), app_id.into()])?.map(service_principal).transpose()
}

/// Every service principal, by name.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<ServicePrincipal>> {
    let sql = format!(
        "select {COLUMNS} from service_principals where tenant = ?1 and deleted is null \
         order by display_name, id"
    );
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(service_principal).collect()
}

/// A page of the service principals that fulfil a condition.
pub fn search(tx: &mut Tx<'_>, tenant: TenantId, wanted: &Search) -> Result<Vec<ServicePrincipal>> {
    let rows = search::page(tx, tenant, Table::ServicePrincipals, COLUMNS, wanted)?;
    rows.into_iter().map(service_principal).collect()
}

/// How many service principals fulfil a condition.
pub fn count(tx: &mut Tx<'_>, tenant: TenantId, wanted: &Search) -> Result<i64> {
    search::count(tx, tenant, Table::ServicePrincipals, wanted)
}

/// Puts a service principal among the deleted items: it is seen nowhere else, and what it holds counts for
/// nothing. Answers whether it was there.
pub fn soft_delete(tx: &mut Tx<'_>, tenant: TenantId, id: Guid, now: Timestamp) -> Result<bool> {
    let sql = "update service_principals set deleted = ?3 where tenant = ?1 and id = ?2 and deleted is null";
    Ok(tx.execute(sql, &[tenant.into(), id.into(), now.into()])? > 0)
}

/// A deleted service principal and when it was deleted.
pub fn find_deleted(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: Guid,
) -> Result<Option<(ServicePrincipal, Timestamp)>> {
    let sql = format!(
        "select deleted, {COLUMNS} from service_principals \
         where tenant = ?1 and id = ?2 and deleted is not null"
    );
    tx.row(&sql, &[tenant.into(), id.into()])?.map(|row| row.split_first(service_principal)).transpose()
}

/// The deleted service principals, those deleted last first; at most `limit`, behind the one that `after`
/// names by time and id.
pub fn list_deleted(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    after: Option<(Timestamp, Guid)>,
    limit: i64,
) -> Result<Vec<(ServicePrincipal, Timestamp)>> {
    let (at, id) = after.map_or((i64::MAX, String::new()), |(at, id)| (at.0, id.to_string()));
    let sql = format!(
        "select deleted, {COLUMNS} from service_principals where tenant = ?1 and deleted is not null \
         and (deleted < ?2 or (deleted = ?2 and id > ?3)) order by deleted desc, id limit ?4"
    );
    let rows = tx.rows(&sql, &[tenant.into(), at.into(), id.into(), limit.into()])?;
    rows.into_iter().map(|row| row.split_first(service_principal)).collect()
}

/// Takes a service principal back from the deleted items with all that it held; answers whether it was
/// there. When its application has another by now: [`crate::Error::Duplicate`].
pub fn restore(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    let sql = "update service_principals set deleted = null \
               where tenant = ?1 and id = ?2 and deleted is not null";
    Ok(tx.execute(sql, &[tenant.into(), id.into()])? > 0)
}

/// Fills the columns that service principals are found by, for those that were made before there were such
/// columns.
pub(crate) fn fill_keys(tx: &mut Tx<'_>) -> Result<()> {
    let sql = format!("select tenant, {COLUMNS} from service_principals where display_key = ''");
    for row in tx.rows(&sql, &[])? {
        let (principal, tenant) = row.split_first(service_principal)?;
        save(tx, tenant, &principal)?;
    }
    Ok(())
}

fn reference(id: Guid) -> ObjectRef {
    ObjectRef { id, kind: ObjectKind::ServicePrincipal }
}

fn put_words(tx: &mut Tx<'_>, tenant: TenantId, principal: &ServicePrincipal) -> Result<()> {
    search::put_words(tx, tenant, reference(principal.id), &principal.display_name)
}

/// Deletes a service principal for good, whether it is among the deleted items or not, with every role it
/// holds or defines and every consent it is part of; answers whether it was there.
pub fn purge(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    let key = [tenant.into(), id.into()];
    for sql in [
        "delete from app_role_assignments where tenant = ?1 and (principal = ?2 or resource = ?2)",
        "delete from permission_grants where tenant = ?1 and (client = ?2 or resource = ?2)",
    ] {
        tx.execute(sql, &key)?;
    }
    crate::groups::forget(tx, tenant, reference(id))?;
    Ok(tx.execute("delete from service_principals where tenant = ?1 and id = ?2", &key)? > 0)
}
