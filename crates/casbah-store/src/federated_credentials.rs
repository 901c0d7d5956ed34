//! Federated identity credentials: whose tokens prove an application.

use casbah_model::{FederatedCredential, Guid, TenantId, Timestamp};

use crate::{Result, Row, Tx};

const COLUMNS: &str = "id, application, name, issuer, subject, audience, description, created, last_used, \
                       last_address";

fn credential(row: Row) -> Result<FederatedCredential> {
    let mut r = row.read();
    Ok(FederatedCredential {
        id: r.take()?,
        application: r.take()?,
        name: r.take()?,
        issuer: r.take()?,
        subject: r.take()?,
        audience: r.take()?,
        description: r.take()?,
        created: r.take()?,
        last_used: r.take()?,
        last_address: r.take()?,
    })
}

/// Adds a credential; a taken name, or a taken pair of issuer and subject, is [`crate::Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, credential: &FederatedCredential) -> Result<()> {
    let sql = format!(
        "insert into federated_credentials (tenant, {COLUMNS}) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
    );
    let values = [
        tenant.into(),
        credential.id.into(),
        credential.application.into(),
        (&credential.name).into(),
        (&credential.issuer).into(),
        (&credential.subject).into(),
        (&credential.audience).into(),
        credential.description.clone().into(),
        credential.created.into(),
        credential.last_used.into(),
        credential.last_address.clone().into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Writes what can change of a credential: whose tokens it trusts, and what it is for.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, credential: &FederatedCredential) -> Result<()> {
    let sql = "update federated_credentials set issuer = ?4, subject = ?5, audience = ?6, description = ?7 \
               where tenant = ?1 and application = ?2 and id = ?3";
    let values = [
        tenant.into(),
        credential.application.into(),
        credential.id.into(),
        (&credential.issuer).into(),
        (&credential.subject).into(),
        (&credential.audience).into(),
        credential.description.clone().into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// An application's credentials, by name.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId, application: Guid) -> Result<Vec<FederatedCredential>> {
    let sql = format!(
        "select {COLUMNS} from federated_credentials where tenant = ?1 and application = ?2 order by name, id"
    );
    tx.rows(&sql, &[tenant.into(), application.into()])?.into_iter().map(credential).collect()
}

/// Deletes a credential; answers whether it was there.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, application: Guid, id: Guid) -> Result<bool> {
    let sql = "delete from federated_credentials where tenant = ?1 and application = ?2 and id = ?3";
    Ok(tx.execute(sql, &[tenant.into(), application.into(), id.into()])? > 0)
}

/// Deletes every credential of an application.
pub(crate) fn delete_of(tx: &mut Tx<'_>, tenant: TenantId, application: Guid) -> Result<()> {
    let sql = "delete from federated_credentials where tenant = ?1 and application = ?2";
    tx.execute(sql, &[tenant.into(), application.into()])?;
    Ok(())
}

/// Notes that a token was issued for a credential, and from where it was asked for.
pub fn touch(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    application: Guid,
    id: Guid,
    used: Timestamp,
    address: Option<&str>,
) -> Result<()> {
    let sql = "update federated_credentials set last_used = ?4, last_address = ?5 \
               where tenant = ?1 and application = ?2 and id = ?3";
    tx.execute_quietly(sql, &[tenant.into(), application.into(), id.into(), used.into(), address.into()])?;
    Ok(())
}
