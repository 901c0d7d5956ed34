//! Sign-ins under way: the password was right, and a second factor, its registration or a new
//! password is still missing. They are no sessions and open nothing.

use casbah_model::{Guid, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::{Result, Row, Tx, Value};

/// A sign-in under way, known by the digest of its cookie only.
#[derive(Clone, Debug)]
pub struct PendingSignIn {
    /// Keyed hash of the cookie.
    pub digest: Vec<u8>,
    /// Object id of the user.
    pub user: Guid,
    /// What the next step needs; the authority's own shape.
    pub details: Json,
    /// When the password was entered.
    pub created: Timestamp,
    /// Good until.
    pub expires: Timestamp,
    /// When it came to its end.
    pub ended: Option<Timestamp>,
}

const COLUMNS: &str = "digest, user_id, details, created, expires, ended";

fn pending_sign_in(row: Row) -> Result<PendingSignIn> {
    let mut r = row.read();
    Ok(PendingSignIn {
        digest: r.take()?,
        user: r.take()?,
        details: r.take_json()?,
        created: r.take()?,
        expires: r.take()?,
        ended: r.take()?,
    })
}

/// Adds a sign-in under way.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, pending: &PendingSignIn) -> Result<()> {
    let sql = format!("insert into pending_sign_ins (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let values = [
        tenant.into(),
        (&pending.digest).into(),
        pending.user.into(),
        Value::json(&pending.details),
        pending.created.into(),
        pending.expires.into(),
        pending.ended.into(),
    ];
    tx.execute(&sql, &values).map(drop)
}

/// The sign-in under way with that digest, also when it has ended or expired.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8]) -> Result<Option<PendingSignIn>> {
    let sql = format!("select {COLUMNS} from pending_sign_ins where tenant = ?1 and digest = ?2");
    tx.row(&sql, &[tenant.into(), digest.into()])?.map(pending_sign_in).transpose()
}

/// Writes how far it has come.
pub fn save_details(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8], details: &Json) -> Result<()> {
    let sql = "update pending_sign_ins set details = ?3 where tenant = ?1 and digest = ?2";
    tx.execute(sql, &[tenant.into(), digest.into(), Value::json(details)]).map(drop)
}

/// Ends it. False when somebody did before.
pub fn end(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8], now: Timestamp) -> Result<bool> {
    let sql = "update pending_sign_ins set ended = ?3 where tenant = ?1 and digest = ?2 and ended is null";
    Ok(tx.execute(sql, &[tenant.into(), digest.into(), now.into()])? == 1)
}

/// Ends all of a user.
pub fn end_of_user(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, now: Timestamp) -> Result<u64> {
    let sql = "update pending_sign_ins set ended = ?3 where tenant = ?1 and user_id = ?2 and ended is null";
    tx.execute(sql, &[tenant.into(), user.into(), now.into()])
}

/// Forgets sign-ins of all tenants that expired before `before`.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from pending_sign_ins where expires < ?1", &[before.into()])
}
