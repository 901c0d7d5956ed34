//! Token families: all the tokens that come from one sign-in to one application, and the refresh
//! tokens among them. A family that is revoked takes all of them along.

use casbah_model::{Guid, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::{Result, Row, Tx, Value};

/// A family.
#[derive(Clone, Debug)]
pub struct TokenFamily {
    /// Its id, which access tokens carry.
    pub id: Guid,
    /// Application id of the client.
    pub application: Guid,
    /// Object id of the user.
    pub user: Guid,
    /// When the user signed in.
    pub created: Timestamp,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// The family on whose behalf it was started, and with which it ends.
    pub parent: Option<Guid>,
    /// Whether it comes from a password; a new one ends it, unless the client is confidential.
    pub password_based: bool,
    /// Whether the client proved itself with a credential of its own.
    pub confidential: bool,
    /// The other provider that vouched for the user.
    pub provider: Option<Guid>,
}

/// A refresh token, known by its digest only.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    /// Keyed hash of the token.
    pub digest: Vec<u8>,
    /// Its family.
    pub family: Guid,
    /// What the refresh needs; the authority's own shape.
    pub details: Json,
    /// When it was issued.
    pub created: Timestamp,
    /// Valid until.
    pub expires: Timestamp,
    /// When it was used, which made its successor.
    pub replaced: Option<Timestamp>,
}

const COLUMNS: &str =
    "id, application, user_id, created, revoked, parent, password_based, confidential, provider";
const TOKEN_COLUMNS: &str = "digest, family, details, created, expires, replaced";

fn token_family(row: Row) -> Result<TokenFamily> {
    let mut r = row.read();
    Ok(TokenFamily {
        id: r.take()?,
        application: r.take()?,
        user: r.take()?,
        created: r.take()?,
        revoked: r.take()?,
        parent: r.take()?,
        password_based: r.take()?,
        confidential: r.take()?,
        provider: r.take()?,
    })
}

fn refresh_token(row: Row) -> Result<RefreshToken> {
    let mut r = row.read();
    Ok(RefreshToken {
        digest: r.take()?,
        family: r.take()?,
        details: r.take_json()?,
        created: r.take()?,
        expires: r.take()?,
        replaced: r.take()?,
    })
}

/// Adds a family.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, family: &TokenFamily) -> Result<()> {
    let sql = format!(
        "insert into token_families (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
    );
    let values = [
        tenant.into(),
        family.id.into(),
        family.application.into(),
        family.user.into(),
        family.created.into(),
        family.revoked.into(),
        family.parent.into(),
        family.password_based.into(),
        family.confidential.into(),
        family.provider.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// The family with that id.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<TokenFamily>> {
    let sql = format!("select {COLUMNS} from token_families where tenant = ?1 and id = ?2");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(token_family).transpose()
}

/// The living family of an application that was started on behalf of `parent`.
pub fn find_on_behalf_of(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    parent: Guid,
    application: Guid,
) -> Result<Option<TokenFamily>> {
    let sql = format!(
        "select {COLUMNS} from token_families \
         where tenant = ?1 and parent = ?2 and application = ?3 and revoked is null order by id limit 1"
    );
    tx.row(&sql, &[tenant.into(), parent.into(), application.into()])?.map(token_family).transpose()
}

/// Revokes a family and all that were started on its behalf; one that was revoked before keeps its
/// time. False when nothing was left to revoke.
pub fn revoke(tx: &mut Tx<'_>, tenant: TenantId, id: Guid, now: Timestamp) -> Result<bool> {
    let sql = "with recursive lineage (id) as ( \
                   select id from token_families where tenant = ?1 and id = ?2 \
                   union \
                   select child.id from token_families child join lineage on child.parent = lineage.id \
                   where child.tenant = ?1) \
               update token_families set revoked = ?3 \
               where tenant = ?1 and id in (select id from lineage) and revoked is null";
    Ok(tx.execute(sql, &[tenant.into(), id.into(), now.into()])? > 0)
}

/// Revokes all families of a user: sign-out everywhere.
pub fn revoke_of_user(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, now: Timestamp) -> Result<u64> {
    let sql = "update token_families set revoked = ?3 where tenant = ?1 and user_id = ?2 and revoked is null";
    tx.execute(sql, &[tenant.into(), user.into(), now.into()])
}

/// Revokes what a new password of the user ends: families that come from a password and belong to
/// clients that nothing else could keep from being somebody else's.
pub fn revoke_password_based(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, now: Timestamp) -> Result<u64> {
    let sql = "update token_families set revoked = ?3 \
               where tenant = ?1 and user_id = ?2 and revoked is null \
               and password_based = 1 and confidential = 0";
    tx.execute(sql, &[tenant.into(), user.into(), now.into()])
}

/// The families of a user that were not revoked, the newest first, at most `limit`.
pub fn live_of_user(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, limit: i64) -> Result<Vec<TokenFamily>> {
    let sql = format!(
        "select {COLUMNS} from token_families where tenant = ?1 and user_id = ?2 and revoked is null \
         order by created desc, id limit ?3"
    );
    tx.rows(&sql, &[tenant.into(), user.into(), limit.into()])?.into_iter().map(token_family).collect()
}

/// Revokes all families of a user with one application.
pub fn revoke_of_user_with(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    application: Guid,
    now: Timestamp,
) -> Result<u64> {
    let sql = "update token_families set revoked = ?4 \
               where tenant = ?1 and user_id = ?2 and application = ?3 and revoked is null";
    tx.execute(sql, &[tenant.into(), user.into(), application.into(), now.into()])
}

/// Revokes all families of an application, which is being deleted, and all that were started on their
/// behalf.
pub fn revoke_of_application(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    application: Guid,
    now: Timestamp,
) -> Result<u64> {
    let sql = "with recursive lineage (id) as ( \
                   select id from token_families where tenant = ?1 and application = ?2 \
                   union \
                   select child.id from token_families child join lineage on child.parent = lineage.id \
                   where child.tenant = ?1) \
               update token_families set revoked = ?3 \
               where tenant = ?1 and id in (select id from lineage) and revoked is null";
    tx.execute(sql, &[tenant.into(), application.into(), now.into()])
}

/// Adds a refresh token.
pub fn insert_refresh_token(tx: &mut Tx<'_>, tenant: TenantId, token: &RefreshToken) -> Result<()> {
    let sql =
        format!("insert into refresh_tokens (tenant, {TOKEN_COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let values = [
        tenant.into(),
        (&token.digest).into(),
        token.family.into(),
        Value::json(&token.details),
        token.created.into(),
        token.expires.into(),
        token.replaced.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// The refresh token with that digest, also when it was used or has expired.
pub fn find_refresh_token(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8]) -> Result<Option<RefreshToken>> {
    let sql = format!("select {TOKEN_COLUMNS} from refresh_tokens where tenant = ?1 and digest = ?2");
    tx.row(&sql, &[tenant.into(), digest.into()])?.map(refresh_token).transpose()
}

/// Uses a refresh token up. False when somebody did before.
pub fn replace_refresh_token(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    digest: &[u8],
    now: Timestamp,
) -> Result<bool> {
    let sql = "update refresh_tokens set replaced = ?3 \
               where tenant = ?1 and digest = ?2 and replaced is null";
    Ok(tx.execute(sql, &[tenant.into(), digest.into(), now.into()])? == 1)
}

/// Forgets refresh tokens of all tenants that ended before `before`.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from refresh_tokens where expires < ?1", &[before.into()])
}
