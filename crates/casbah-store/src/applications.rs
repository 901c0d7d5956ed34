//! Applications, as registered.
//!
//! `identifier_uris` of the row is what the application shows; the table `identifier_uris` holds
//! the same once more, to find an application by one and to keep two from claiming it.

use casbah_model::{Application, Guid, TenantId, Timestamp};

use crate::search::{self, Table};
use crate::{
    Error, Result, Row, Search, Tx, Value, application_certificates, application_secrets,
    federated_credentials, service_principals,
};

/// How many ids stand in one statement.
const IDS_AT_ONCE: usize = 200;

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
        "insert into applications (tenant, {COLUMNS}, display_key) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
    );
    let mut values = values(tenant, application).to_vec();
    values.push(search::key(&application.display_name).into());
    tx.execute(&sql, &values)?;
    put_words(tx, tenant, application)?;
    insert_identifier_uris(tx, tenant, application)
}

/// Writes an application anew; its ids and creation stay as they were.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, application: &Application) -> Result<()> {
    let sql = "update applications set display_name = ?3, public_client = ?4, identifier_uris = ?5, \
               redirect_uris = ?6, app_roles = ?7, scopes = ?8, required_access = ?9, token_version = ?10, \
               details = ?11, display_key = ?12 \
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
    let key = search::key(&application.display_name).into();
    tx.execute(
        sql,
        &[
            tenant_id,
            id,
            name,
            public,
            identifiers,
            redirects,
            roles,
            scopes,
            required,
            version,
            details,
            key,
        ],
    )?;
    put_words(tx, tenant, application)?;
    delete_identifier_uris(tx, tenant, application.id)?;
    insert_identifier_uris(tx, tenant, application)
}

/// An application by object id.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<Application>> {
    let sql = format!("select {COLUMNS} from applications where tenant = ?1 and id = ?2 and deleted is null");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(application).transpose()
}

/// An application by application (client) id.
pub fn find_by_app_id(tx: &mut Tx<'_>, tenant: TenantId, app_id: Guid) -> Result<Option<Application>> {
    let sql =
        format!("select {COLUMNS} from applications where tenant = ?1 and app_id = ?2 and deleted is null");
    tx.row(&sql, &[tenant.into(), app_id.into()])?.map(application).transpose()
}

/// The application that a URI names as a resource, without regard to case; otherwise character by character.
pub fn find_by_identifier_uri(tx: &mut Tx<'_>, tenant: TenantId, uri: &str) -> Result<Option<Application>> {
    let sql = format!(
        "select {COLUMNS} from applications where tenant = ?1 and deleted is null and id = \
         (select application from identifier_uris where tenant = ?1 and uri = ?2)"
    );
    tx.row(&sql, &[tenant.into(), uri.to_lowercase().into()])?.map(application).transpose()
}

/// Every application, by name.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<Application>> {
    let sql = format!(
        "select {COLUMNS} from applications where tenant = ?1 and deleted is null order by display_name, id"
    );
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(application).collect()
}

/// A page of the applications that fulfil a condition.
pub fn search(tx: &mut Tx<'_>, tenant: TenantId, wanted: &Search) -> Result<Vec<Application>> {
    search::page(tx, tenant, Table::Applications, COLUMNS, wanted)?.into_iter().map(application).collect()
}

/// How many applications fulfil a condition.
pub fn count(tx: &mut Tx<'_>, tenant: TenantId, wanted: &Search) -> Result<i64> {
    search::count(tx, tenant, Table::Applications, wanted)
}

/// The applications with these application ids, in no order.
pub fn of_app_ids(tx: &mut Tx<'_>, tenant: TenantId, app_ids: &[Guid]) -> Result<Vec<Application>> {
    let mut found = Vec::with_capacity(app_ids.len());
    for some in app_ids.chunks(IDS_AT_ONCE) {
        let places: Vec<String> = (2..some.len() + 2).map(|n| format!("?{n}")).collect();
        let sql = format!(
            "select {COLUMNS} from applications where tenant = ?1 and deleted is null and app_id in ({})",
            places.join(", ")
        );
        let mut values = vec![tenant.into()];
        values.extend(some.iter().map(Value::from));
        for row in tx.rows(&sql, &values)? {
            found.push(application(row)?);
        }
    }
    Ok(found)
}

/// Puts an application and its service principal among the deleted items: they are seen nowhere else, and
/// the identifier URIs are free again. Answers whether it was there.
pub fn soft_delete(tx: &mut Tx<'_>, tenant: TenantId, id: Guid, now: Timestamp) -> Result<bool> {
    let Some(application) = find(tx, tenant, id)? else { return Ok(false) };
    if let Some(principal) = service_principals::find_by_app_id(tx, tenant, application.app_id)? {
        service_principals::soft_delete(tx, tenant, principal.id, now)?;
    }
    delete_identifier_uris(tx, tenant, id)?;
    let sql = "update applications set deleted = ?3 where tenant = ?1 and id = ?2 and deleted is null";
    Ok(tx.execute(sql, &[tenant.into(), id.into(), now.into()])? > 0)
}

/// A deleted application and when it was deleted.
pub fn find_deleted(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<(Application, Timestamp)>> {
    let sql = format!(
        "select deleted, {COLUMNS} from applications where tenant = ?1 and id = ?2 and deleted is not null"
    );
    tx.row(&sql, &[tenant.into(), id.into()])?.map(|row| row.split_first(application)).transpose()
}

/// The deleted applications, those deleted last first; at most `limit`, behind the one that `after` names by
/// time and id.
pub fn list_deleted(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    after: Option<(Timestamp, Guid)>,
    limit: i64,
) -> Result<Vec<(Application, Timestamp)>> {
    let (at, id) = after.map_or((i64::MAX, String::new()), |(at, id)| (at.0, id.to_string()));
    let sql = format!(
        "select deleted, {COLUMNS} from applications where tenant = ?1 and deleted is not null \
         and (deleted < ?2 or (deleted = ?2 and id > ?3)) order by deleted desc, id limit ?4"
    );
    let rows = tx.rows(&sql, &[tenant.into(), at.into(), id.into(), limit.into()])?;
    rows.into_iter().map(|row| row.split_first(application)).collect()
}

/// Takes an application back from the deleted items, with the service principal that was deleted with it;
/// answers whether it was there. An application id or identifier URI that somebody else has by now is
/// [`Error::Duplicate`].
pub fn restore(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    let Some((application, at)) = find_deleted(tx, tenant, id)? else { return Ok(false) };
    let sql = "update applications set deleted = null where tenant = ?1 and id = ?2";
    tx.execute(sql, &[tenant.into(), id.into()])?;
    insert_identifier_uris(tx, tenant, &application)?;
    let sql =
        "update service_principals set deleted = null where tenant = ?1 and app_id = ?2 and deleted = ?3";
    tx.execute(sql, &[tenant.into(), application.app_id.into(), at.into()])?;
    Ok(true)
}

/// The deleted applications with an application id: an id that the operator chose can come again.
pub fn deleted_with_app_id(tx: &mut Tx<'_>, tenant: TenantId, app_id: Guid) -> Result<Vec<Guid>> {
    let sql = "select id from applications where tenant = ?1 and app_id = ?2 and deleted is not null";
    tx.rows(sql, &[tenant.into(), app_id.into()])?.into_iter().map(|row| row.read().take()).collect()
}

/// Fills the columns that applications are found by, for those that were made before there were such columns.
pub(crate) fn fill_keys(tx: &mut Tx<'_>) -> Result<()> {
    let sql = format!("select tenant, {COLUMNS} from applications where display_key = ''");
    for row in tx.rows(&sql, &[])? {
        let (application, tenant) = row.split_first(application)?;
        save(tx, tenant, &application)?;
    }
    Ok(())
}

fn put_words(tx: &mut Tx<'_>, tenant: TenantId, application: &Application) -> Result<()> {
    search::put_words_of_application(tx, tenant, application.id, &application.display_name)
}

/// Deletes an application for good, whether it is among the deleted items or not, with its credentials, its
/// service principal, and what hangs on that; answers whether it was there.
pub fn purge(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    let sql = "select p.id from service_principals p join applications a on a.tenant = p.tenant \
               and a.app_id = p.app_id where a.tenant = ?1 and a.id = ?2";
    for row in tx.rows(sql, &[tenant.into(), id.into()])? {
        let principal: Guid = row.read().take()?;
        service_principals::purge(tx, tenant, principal)?;
    }
    application_secrets::delete_of(tx, tenant, id)?;
    application_certificates::delete_of(tx, tenant, id)?;
    federated_credentials::delete_of(tx, tenant, id)?;
    delete_identifier_uris(tx, tenant, id)?;
    search::put_words_of_application(tx, tenant, id, "")?;
    tx.execute("delete from owners where tenant = ?1 and owned = ?2", &[tenant.into(), id.into()])?;
    Ok(tx.execute("delete from applications where tenant = ?1 and id = ?2", &[tenant.into(), id.into()])? > 0)
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
