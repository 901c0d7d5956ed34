//! Delegated permission grants: the records of consent.

use casbah_model::{ConsentType, Guid, PermissionGrant, TenantId, Timestamp};

use crate::{Error, Result, Row, Tx, Value};

const COLUMNS: &str = "id, client, resource, principal, scopes, created, granted_by";

fn grant(row: Row) -> Result<PermissionGrant> {
    let mut r = row.read();
    Ok(PermissionGrant {
        id: r.take()?,
        client: r.take()?,
        resource: r.take()?,
        consent_type: consent_type(&r.take::<String>()?)?,
        scopes: r.take_json()?,
        created: r.take()?,
        granted_by: r.take()?,
    })
}

fn consent_type(principal: &str) -> Result<ConsentType> {
    if principal.is_empty() {
        return Ok(ConsentType::AllPrincipals);
    }
    let user = principal.parse().map_err(|_| Error::Shape("a consent's principal is no id".into()))?;
    Ok(ConsentType::Principal(user))
}

fn principal(consent_type: ConsentType) -> Value {
    match consent_type {
        ConsentType::AllPrincipals => "".into(),
        ConsentType::Principal(user) => user.into(),
    }
}

/// Records a consent; a second one for the same client, resource and user is [`Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, grant: &PermissionGrant) -> Result<()> {
    let sql =
        format!("insert into permission_grants (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    let values = [
        tenant.into(),
        grant.id.into(),
        grant.client.into(),
        grant.resource.into(),
        principal(grant.consent_type),
        Value::json(&grant.scopes),
        grant.created.into(),
        grant.granted_by.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Writes a consent's scopes and who gave it anew.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, grant: &PermissionGrant) -> Result<()> {
    let sql = "update permission_grants set scopes = ?3, granted_by = ?4 where tenant = ?1 and id = ?2";
    let values = [tenant.into(), grant.id.into(), Value::json(&grant.scopes), grant.granted_by.into()];
    tx.execute(sql, &values)?;
    Ok(())
}

/// Leaves out what belongs to a deleted service principal or user.
const LIVE: &str = "not exists (select 1 from service_principals s where s.tenant = ?1 \
                    and s.id in (client, resource) and s.deleted is not null) \
                    and not exists (select 1 from users u where u.tenant = ?1 and u.id = principal \
                    and u.deleted is not null)";

/// Which consents are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GrantSearch {
    /// Of this client.
    pub client: Option<Guid>,
    /// On this resource.
    pub resource: Option<Guid>,
    /// For exactly this.
    pub consent_type: Option<ConsentType>,
    /// Behind the one with this time and id.
    pub after: Option<(Timestamp, Guid)>,
    /// At most so many.
    pub limit: i64,
}

/// A page of consents, the oldest first.
pub fn search(tx: &mut Tx<'_>, tenant: TenantId, wanted: &GrantSearch) -> Result<Vec<PermissionGrant>> {
    let (at, id) = wanted.after.map_or((i64::MIN, String::new()), |(at, id)| (at.0, id.to_string()));
    let mut values = vec![tenant.into(), at.into(), id.into(), wanted.limit.into()];
    let mut conditions = String::new();
    let fixed = [
        ("client", wanted.client.map(Value::from)),
        ("resource", wanted.resource.map(Value::from)),
        ("principal", wanted.consent_type.map(principal)),
    ];
    for (column, value) in fixed {
        if let Some(value) = value {
            values.push(value);
            conditions.push_str(&format!(" and {column} = ?{}", values.len()));
        }
    }
    let sql = format!(
        "select {COLUMNS} from permission_grants where tenant = ?1 and (created, id) > (?2, ?3){conditions} \
         and {LIVE} order by created, id limit ?4"
    );
    tx.rows(&sql, &values)?.into_iter().map(grant).collect()
}

/// A consent by its id.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<PermissionGrant>> {
    let sql = format!("select {COLUMNS} from permission_grants where tenant = ?1 and id = ?2 and {LIVE}");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(grant).transpose()
}

/// The consent for exactly this client, resource and kind of consent.
pub fn find_same(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    client: Guid,
    resource: Guid,
    consent_type: ConsentType,
) -> Result<Option<PermissionGrant>> {
    let sql = format!(
        "select {COLUMNS} from permission_grants \
         where tenant = ?1 and client = ?2 and resource = ?3 and principal = ?4"
    );
    let values = [tenant.into(), client.into(), resource.into(), principal(consent_type)];
    tx.row(&sql, &values)?.map(grant).transpose()
}

/// Withdraws a consent; answers whether it was there.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    let sql = "delete from permission_grants where tenant = ?1 and id = ?2";
    Ok(tx.execute(sql, &[tenant.into(), id.into()])? > 0)
}

/// Every consent of a tenant, the oldest first.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<PermissionGrant>> {
    let sql =
        format!("select {COLUMNS} from permission_grants where tenant = ?1 and {LIVE} order by created, id");
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(grant).collect()
}

/// Every consent that a client holds, on all resources and from everybody.
pub fn of_client(tx: &mut Tx<'_>, tenant: TenantId, client: Guid) -> Result<Vec<PermissionGrant>> {
    let sql = format!(
        "select {COLUMNS} from permission_grants where tenant = ?1 and client = ?2 order by created, id"
    );
    tx.rows(&sql, &[tenant.into(), client.into()])?.into_iter().map(grant).collect()
}

/// The consents that count for a user, of whatever client: the user's own and those for everybody.
pub fn of_user(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<Vec<PermissionGrant>> {
    let sql = format!(
        "select {COLUMNS} from permission_grants where tenant = ?1 and principal in (?2, '') \
         order by created, id"
    );
    tx.rows(&sql, &[tenant.into(), user.into()])?.into_iter().map(grant).collect()
}

/// The consents that count for a user of a client on a resource: the user's own and the one for everybody.
pub fn for_user(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    client: Guid,
    resource: Guid,
    user: Guid,
) -> Result<Vec<PermissionGrant>> {
    let sql = format!(
        "select {COLUMNS} from permission_grants \
         where tenant = ?1 and client = ?2 and resource = ?3 and (principal = '' or principal = ?4) \
         order by principal"
    );
    let values = [tenant.into(), client.into(), resource.into(), user.into()];
    tx.rows(&sql, &values)?.into_iter().map(grant).collect()
}
