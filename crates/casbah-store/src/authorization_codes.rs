//! Authorisation codes: proof that a user agreed, good for one redemption.

use casbah_model::{Guid, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::{Result, Row, Tx, Value};

/// A code, known by its digest only.
#[derive(Clone, Debug)]
pub struct AuthorizationCode {
    /// Keyed hash of the code.
    pub digest: Vec<u8>,
    /// Application id of the client it was issued to.
    pub application: Guid,
    /// Object id of the user who agreed.
    pub user: Guid,
    /// The token family that its redemption starts.
    pub family: Guid,
    /// Where it was sent; the redemption must name the same.
    pub redirect_uri: String,
    /// What else the redemption needs; the authority's own shape.
    pub details: Json,
    /// Valid until.
    pub expires: Timestamp,
    /// When it was redeemed.
    pub redeemed: Option<Timestamp>,
}

const COLUMNS: &str = "digest, application, user_id, family, redirect_uri, details, expires, redeemed";

fn authorization_code(row: Row) -> Result<AuthorizationCode> {
    let mut r = row.read();
    Ok(AuthorizationCode {
        digest: r.take()?,
        application: r.take()?,
        user: r.take()?,
        family: r.take()?,
        redirect_uri: r.take()?,
        details: r.take_json()?,
        expires: r.take()?,
        redeemed: r.take()?,
    })
}

/// Adds a code.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, code: &AuthorizationCode) -> Result<()> {
    let sql = format!(
        "insert into authorization_codes (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
    );
    let values = [
        tenant.into(),
        (&code.digest).into(),
        code.application.into(),
        code.user.into(),
        code.family.into(),
        (&code.redirect_uri).into(),
        Value::json(&code.details),
        code.expires.into(),
        code.redeemed.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// The code with that digest, also when it was redeemed or has expired.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8]) -> Result<Option<AuthorizationCode>> {
    let sql = format!("select {COLUMNS} from authorization_codes where tenant = ?1 and digest = ?2");
    tx.row(&sql, &[tenant.into(), digest.into()])?.map(authorization_code).transpose()
}

/// Uses a code up. False when somebody did before.
pub fn redeem(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8], now: Timestamp) -> Result<bool> {
    let sql = "update authorization_codes set redeemed = ?3 \
               where tenant = ?1 and digest = ?2 and redeemed is null";
    Ok(tx.execute(sql, &[tenant.into(), digest.into(), now.into()])? == 1)
}

/// Removes the codes of an application, which is being deleted.
pub fn remove_of_application(tx: &mut Tx<'_>, tenant: TenantId, application: Guid) -> Result<u64> {
    let sql = "delete from authorization_codes where tenant = ?1 and application = ?2";
    tx.execute(sql, &[tenant.into(), application.into()])
}

/// Forgets codes of all tenants that ended before `before`. Keep them for a while after their end:
/// a second use must still be recognised.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from authorization_codes where expires < ?1", &[before.into()])
}
