//! Authorization requests that the application sent ahead (RFC 9126).

use casbah_model::{Guid, TenantId, Timestamp};

use crate::{Result, Row, Tx, Value};

/// A pushed request, known by the digest of its reference only.
#[derive(Clone, Debug)]
pub struct PushedRequest {
    /// Keyed hash of the reference.
    pub digest: Vec<u8>,
    /// Application id of the client that pushed it.
    pub application: Guid,
    /// Names and values.
    pub parameters: Vec<(String, String)>,
    /// Must be opened until.
    pub expires: Timestamp,
    /// Keyed hash of the browser in which it was opened.
    pub browser: Option<Vec<u8>>,
    /// When it was opened.
    pub opened: Option<Timestamp>,
    /// When it was answered.
    pub used: Option<Timestamp>,
}

const COLUMNS: &str = "digest, application, parameters, expires, browser, opened, used";

fn pushed_request(row: Row) -> Result<PushedRequest> {
    let mut r = row.read();
    Ok(PushedRequest {
        digest: r.take()?,
        application: r.take()?,
        parameters: r.take_json()?,
        expires: r.take()?,
        browser: r.take()?,
        opened: r.take()?,
        used: r.take()?,
    })
}

/// Adds a request, not opened yet.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, request: &PushedRequest) -> Result<()> {
    let sql = "insert into pushed_requests (tenant, digest, application, parameters, expires) \
               values (?1, ?2, ?3, ?4, ?5)";
    let values = [
        tenant.into(),
        (&request.digest).into(),
        request.application.into(),
        Value::json(&request.parameters),
        request.expires.into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// The request with that digest, also when it was used or has expired.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8]) -> Result<Option<PushedRequest>> {
    let sql = format!("select {COLUMNS} from pushed_requests where tenant = ?1 and digest = ?2");
    tx.row(&sql, &[tenant.into(), digest.into()])?.map(pushed_request).transpose()
}

/// Opens a request in a browser. False when somebody did before.
pub fn open(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    digest: &[u8],
    browser: &[u8],
    now: Timestamp,
) -> Result<bool> {
    let sql = "update pushed_requests set browser = ?3, opened = ?4 \
               where tenant = ?1 and digest = ?2 and opened is null";
    Ok(tx.execute(sql, &[tenant.into(), digest.into(), browser.into(), now.into()])? == 1)
}

/// Uses a request up. False when somebody did before.
pub fn use_up(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8], now: Timestamp) -> Result<bool> {
    let sql = "update pushed_requests set used = ?3 where tenant = ?1 and digest = ?2 and used is null";
    Ok(tx.execute(sql, &[tenant.into(), digest.into(), now.into()])? == 1)
}

/// Forgets requests of all tenants that had to be opened before `before`.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from pushed_requests where expires < ?1", &[before.into()])
}
