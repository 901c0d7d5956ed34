//! Who somebody at another provider is here.

use casbah_model::{Guid, TenantId, UserIdentity};

use crate::{Result, Row, Tx};

const COLUMNS: &str = "provider, subject, user_id, created";

fn identity(row: Row) -> Result<UserIdentity> {
    let mut r = row.read();
    Ok(UserIdentity { provider: r.take()?, subject: r.take()?, user: r.take()?, created: r.take()? })
}

/// Adds one. A subject that is somebody already, or a person who is somebody at the provider already, is
/// [`crate::Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, identity: &UserIdentity) -> Result<()> {
    let sql = format!("insert into user_identities (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5)");
    let values = [
        tenant.into(),
        identity.provider.into(),
        (&identity.subject).into(),
        identity.user.into(),
        identity.created.into(),
    ];
    tx.execute(&sql, &values).map(drop)
}

/// Who a subject of a provider is.
pub fn find(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    provider: Guid,
    subject: &str,
) -> Result<Option<UserIdentity>> {
    let sql =
        format!("select {COLUMNS} from user_identities where tenant = ?1 and provider = ?2 and subject = ?3");
    tx.row(&sql, &[tenant.into(), provider.into(), subject.into()])?.map(identity).transpose()
}

/// What a person is at providers, the oldest first.
pub fn of_user(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<Vec<UserIdentity>> {
    let sql = format!(
        "select {COLUMNS} from user_identities where tenant = ?1 and user_id = ?2 order by created, provider"
    );
    tx.rows(&sql, &[tenant.into(), user.into()])?.into_iter().map(identity).collect()
}

/// Forgets who a person is at a provider; answers whether that was known.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, provider: Guid) -> Result<bool> {
    let sql = "delete from user_identities where tenant = ?1 and user_id = ?2 and provider = ?3";
    Ok(tx.execute(sql, &[tenant.into(), user.into(), provider.into()])? > 0)
}
