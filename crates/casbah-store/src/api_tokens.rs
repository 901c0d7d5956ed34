//! Legacy API tokens, as keyed digests.

use casbah_model::{Guid, TenantId, Timestamp};

use crate::{Result, Row, Tx};

/// A legacy API token: what remains of it after it was shown once.
#[derive(Clone, Debug)]
pub struct ApiToken {
    /// Its id; not secret.
    pub id: Guid,
    /// Name for people.
    pub name: String,
    /// Object id of the user who made it and with whose rights it acts.
    pub owner: Guid,
    /// Keyed hash of the token.
    pub digest: Vec<u8>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

const COLUMNS: &str = "id, name, owner, digest, created, last_used, revoked";

fn token(r: &mut crate::Reader) -> Result<ApiToken> {
    Ok(ApiToken {
        id: r.take()?,
        name: r.take()?,
        owner: r.take()?,
        digest: r.take()?,
        created: r.take()?,
        last_used: r.take()?,
        revoked: r.take()?,
    })
}

fn token_row(row: Row) -> Result<ApiToken> {
    token(&mut row.read())
}

/// Adds a token.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, token: &ApiToken) -> Result<()> {
    let sql = format!("insert into api_tokens (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    let values = [
        tenant.into(),
        token.id.into(),
        (&token.name).into(),
        token.owner.into(),
        (&token.digest).into(),
        token.created.into(),
        token.last_used.into(),
        token.revoked.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Every token that was not revoked, the newest first.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<ApiToken>> {
    let sql = format!(
        "select {COLUMNS} from api_tokens where tenant = ?1 and revoked is null order by created desc, id"
    );
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(token_row).collect()
}

/// A token by its id, also a revoked one.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<ApiToken>> {
    let sql = format!("select {COLUMNS} from api_tokens where tenant = ?1 and id = ?2");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(token_row).transpose()
}

/// The token with a digest, also a revoked one, and its tenant: such a token is all that its
/// bearer sends, so it alone tells the tenant.
pub fn find_by_digest(tx: &mut Tx<'_>, digest: &[u8]) -> Result<Option<(TenantId, ApiToken)>> {
    let sql = format!("select tenant, {COLUMNS} from api_tokens where digest = ?1");
    let Some(row) = tx.row(&sql, &[digest.into()])? else { return Ok(None) };
    let mut r = row.read();
    let tenant = r.take()?;
    Ok(Some((tenant, token(&mut r)?)))
}

/// Notes that a token was used.
pub fn touch(tx: &mut Tx<'_>, tenant: TenantId, id: Guid, used: Timestamp) -> Result<()> {
    let sql = "update api_tokens set last_used = ?3 where tenant = ?1 and id = ?2";
    tx.execute(sql, &[tenant.into(), id.into(), used.into()])?;
    Ok(())
}

/// Revokes a token; answers whether it was valid until now.
pub fn revoke(tx: &mut Tx<'_>, tenant: TenantId, id: Guid, now: Timestamp) -> Result<bool> {
    let sql = "update api_tokens set revoked = ?3 where tenant = ?1 and id = ?2 and revoked is null";
    Ok(tx.execute(sql, &[tenant.into(), id.into(), now.into()])? > 0)
}
