//! Applications, as registered.
//!
//! `identifier_uris` of the row is what the application shows; the table `identifier_uris` holds
//! the same once more, to find an application by one and to keep two from claiming it.

use casbah_model::{Application, Guid, TenantId};

use crate::{
    Error, Result, Row, Tx, Value, application_certificates, application_secrets, federated_credentials,
    service_principals,
};

const COLUMNS: &str = "id, app_id, display_name, public_client, identifier_uris, redirect_uris, app_roles, \
                       scopes, required_access, token_version, created, details";

fn application(row: Row) -> Result<Application> {
    let mut r = row.read();
    Ok(Application {
        id: r.take()?,
        app_id: r.take()?,
        display_name: r.take()?,
        public_client: r.take()?,
        identifier_uris: r.take_json()?,
        redirect_uris: r.take_json()?,
        app_roles: r.take_json()?,
        scopes: r.take_json()?,
        required_access: r.take_json()?,
        token_version: u8::try_from(r.take::<i64>()?).map_err(|e| Error::Shape(e.to_string()))?,
        created: r.take()?,
        details: r.take_json()?,
    })
}

fn values(tenant: TenantId, application: &Application) -> [Value; 13] {
    [
        tenant.into(),
        application.id.into(),
        application.app_id.into(),
        (&application.display_name).into(),
        application.public_client.into(),
        Value::json(&application.identifier_uris),
        Value::json(&application.redirect_uris),
        Value::json(&application.app_roles),
        Value::json(&application.scopes),
        Value::json(&application.required_access),
        i64::from(application.token_version).into(),
        application.created.into(),
        Value::json(&application.details),
    ]
}

/// Registers an application; a taken application id or identifier URI is [`Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, application: &Application) -> Result<()> {
    let sql = format!(
        "insert into applications (tenant, {COLUMNS}) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"
    );
    tx.execute(&sql, &values(tenant, application))?;
    insert_identifier_uris(tx, tenant, application)
}

/// Writes an application anew; its ids and creation stay as they were.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, application: &Application) -> Result<()> {
    let sql = "update applications set display_name = ?3, public_client = ?4, identifier_uris = ?5, \
               redirect_uris = ?6, app_roles = ?7, scopes = ?8, required_access = ?9, token_version = ?10, \
               details = ?11 \
               where tenant = ?1 and id = ?2";
    let [
        tenant_id,
        id,
        _,
        name,
        public,
        identifiers,
        redirects,
        roles,
        scopes,
        required,
        version,
        _,
        details,
    ] = values(tenant, application);
    tx.execute(
        sql,
        &[tenant_id, id, name, public, identifiers, redirects, roles, scopes, required, version, details],
    )?;
    delete_identifier_uris(tx, tenant, application.id)?;
    insert_identifier_uris(tx, tenant, application)
}

/// An application by object id.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<Application>> {
    let sql = format!("select {COLUMNS} from applications where tenant = ?1 and id = ?2");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(application).transpose()
}

/// An application by application (client) id.
pub fn find_by_app_id(tx: &mut Tx<'_>, tenant: TenantId, app_id: Guid) -> Result<Option<Application>> {
    let sql = format!("select {COLUMNS} from applications where tenant = ?1 and app_id = ?2");
    tx.row(&sql, &[tenant.into(), app_id.into()])?.map(application).transpose()
}

/// The application that a URI names as a resource, without regard to case; otherwise character by character.
pub fn find_by_identifier_uri(tx: &mut Tx<'_>, tenant: TenantId, uri: &str) -> Result<Option<Application>> {
    let sql = format!(
        "select {COLUMNS} from applications where tenant = ?1 and id = \
         (select application from identifier_uris where tenant = ?1 and uri = ?2)"
    );
    tx.row(&sql, &[tenant.into(), uri.to_lowercase().into()])?.map(application).transpose()
}

/// Every application, by name.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<Application>> {
    let sql = format!("select {COLUMNS} from applications where tenant = ?1 order by display_name, id");
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(application).collect()
}

/// Deletes an application with its secrets, its service principal, and what hangs on that;
/// answers whether it was there.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    let Some(application) = find(tx, tenant, id)? else { return Ok(false) };
    if let Some(principal) = service_principals::find_by_app_id(tx, tenant, application.app_id)? {
        service_principals::delete(tx, tenant, principal.id)?;
    }
    application_secrets::delete_of(tx, tenant, id)?;
    application_certificates::delete_of(tx, tenant, id)?;
    federated_credentials::delete_of(tx, tenant, id)?;
    delete_identifier_uris(tx, tenant, id)?;
    tx.execute("delete from applications where tenant = ?1 and id = ?2", &[tenant.into(), id.into()])?;
    Ok(true)
}

fn insert_identifier_uris(tx: &mut Tx<'_>, tenant: TenantId, application: &Application) -> Result<()> {
    for uri in &application.identifier_uris {
        tx.execute(
            "insert into identifier_uris (tenant, uri, application) values (?1, ?2, ?3)",
            &[tenant.into(), uri.to_lowercase().into(), application.id.into()],
        )?;
    }
    Ok(())
}

fn delete_identifier_uris(tx: &mut Tx<'_>, tenant: TenantId, application: Guid) -> Result<()> {
    let sql = "delete from identifier_uris where tenant = ?1 and application = ?2";
    tx.execute(sql, &[tenant.into(), application.into()])?;
    Ok(())
}
