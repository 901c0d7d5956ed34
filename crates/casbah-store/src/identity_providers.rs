//! Other OpenID providers through which people of a tenant sign in.

use casbah_model::{Guid, IdentityProvider, TenantId, Timestamp};

use crate::{Result, Row, Tx, Value};

const COLUMNS: &str = "id, display_name, issuer, client_id, enabled, sealed_secret, created, details";

fn provider(row: Row) -> Result<IdentityProvider> {
    let mut r = row.read();
    Ok(IdentityProvider {
        id: r.take()?,
        display_name: r.take()?,
        issuer: r.take()?,
        client_id: r.take()?,
        enabled: r.take()?,
        sealed_secret: r.take()?,
        created: r.take()?,
        details: r.take_json()?,
    })
}

/// Adds a provider; an issuer that is there already is [`crate::Error::Duplicate`].
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, provider: &IdentityProvider) -> Result<()> {
    let sql = format!(
        "insert into identity_providers (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    );
    let values = [
        tenant.into(),
        provider.id.into(),
        (&provider.display_name).into(),
        (&provider.issuer).into(),
        (&provider.client_id).into(),
        provider.enabled.into(),
        provider.sealed_secret.as_ref().into(),
        provider.created.into(),
        Value::json(&provider.details),
    ];
    tx.execute(&sql, &values).map(drop)
}

/// Writes what can change of a provider: everything but issuer and creation.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, provider: &IdentityProvider) -> Result<()> {
    let sql = "update identity_providers set display_name = ?3, client_id = ?4, enabled = ?5, \
               sealed_secret = ?6, details = ?7 where tenant = ?1 and id = ?2";
    let values = [
        tenant.into(),
        provider.id.into(),
        (&provider.display_name).into(),
        (&provider.client_id).into(),
        provider.enabled.into(),
        provider.sealed_secret.as_ref().into(),
        Value::json(&provider.details),
    ];
    tx.execute(sql, &values).map(drop)
}

/// A tenant's providers, by name.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<IdentityProvider>> {
    let sql = format!("select {COLUMNS} from identity_providers where tenant = ?1 order by display_name, id");
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(provider).collect()
}

/// The provider with that id.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<IdentityProvider>> {
    let sql = format!("select {COLUMNS} from identity_providers where tenant = ?1 and id = ?2");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(provider).transpose()
}

/// Deletes a provider, and what is known of people through it; answers whether it was there.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<bool> {
    let values = [tenant.into(), id.into()];
    tx.execute("delete from user_identities where tenant = ?1 and provider = ?2", &values)?;
    Ok(tx.execute("delete from identity_providers where tenant = ?1 and id = ?2", &values)? > 0)
}

/// Ends what stands on a provider: sessions, tokens, sign-ins under way.
pub fn end_all_of(tx: &mut Tx<'_>, tenant: TenantId, id: Guid, now: Timestamp) -> Result<()> {
    let values = [tenant.into(), id.into(), now.into()];
    for sql in [
        "update browser_sessions set revoked = ?3 where tenant = ?1 and provider = ?2 and revoked is null",
        "update upstream_sign_ins set used = ?3 where tenant = ?1 and provider = ?2 and used is null",
        "with recursive lineage (id) as ( \
             select id from token_families where tenant = ?1 and provider = ?2 \
             union \
             select child.id from token_families child join lineage on child.parent = lineage.id \
             where child.tenant = ?1) \
         update token_families set revoked = ?3 \
         where tenant = ?1 and id in (select id from lineage) and revoked is null",
    ] {
        tx.execute(sql, &values)?;
    }
    Ok(())
}
