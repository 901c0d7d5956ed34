//! Sign-ins that were sent to another provider and have not come back yet.

use casbah_model::{Guid, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::{Result, Row, Tx, Value};

/// A sign-in on its way, known by the digest of its `state` only.
#[derive(Clone, Debug)]
pub struct UpstreamSignIn {
    /// Keyed hash of the `state`.
    pub digest: Vec<u8>,
    /// The provider that it was sent to.
    pub provider: Guid,
    /// Digest of the cookie of the browser that was sent there.
    pub browser: String,
    /// What becomes of it; the authority's own shape.
    pub details: Json,
    /// When the browser was sent there.
    pub created: Timestamp,
    /// Good until.
    pub expires: Timestamp,
    /// When it came back.
    pub used: Option<Timestamp>,
}

const COLUMNS: &str = "digest, provider, browser, details, created, expires, used";

fn upstream_sign_in(row: Row) -> Result<UpstreamSignIn> {
    let mut r = row.read();
    Ok(UpstreamSignIn {
        digest: r.take()?,
        provider: r.take()?,
        browser: r.take()?,
        details: r.take_json()?,
        created: r.take()?,
        expires: r.take()?,
        used: r.take()?,
    })
}

/// Adds a sign-in.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, sign_in: &UpstreamSignIn) -> Result<()> {
    let sql =
        format!("insert into upstream_sign_ins (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    let values = [
        tenant.into(),
        (&sign_in.digest).into(),
        sign_in.provider.into(),
        (&sign_in.browser).into(),
        Value::json(&sign_in.details),
        sign_in.created.into(),
        sign_in.expires.into(),
        sign_in.used.into(),
    ];
    tx.execute(&sql, &values).map(drop)
}

/// The sign-in with that digest, also when it came back or has expired.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8]) -> Result<Option<UpstreamSignIn>> {
    let sql = format!("select {COLUMNS} from upstream_sign_ins where tenant = ?1 and digest = ?2");
    tx.row(&sql, &[tenant.into(), digest.into()])?.map(upstream_sign_in).transpose()
}

/// Notes that it came back. False when it did before.
pub fn use_up(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8], now: Timestamp) -> Result<bool> {
    let sql = "update upstream_sign_ins set used = ?3 where tenant = ?1 and digest = ?2 and used is null";
    Ok(tx.execute(sql, &[tenant.into(), digest.into(), now.into()])? == 1)
}

/// Forgets sign-ins of all tenants that expired before `before`.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from upstream_sign_ins where expires < ?1", &[before.into()])
}
