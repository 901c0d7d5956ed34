//! Sessions of the portal, which is a client of the authority like any other.

use casbah_model::{Guid, TenantId, Timestamp};

use crate::{Result, Row, Tx};

/// A session, known by the digest of its cookie only.
#[derive(Clone, Debug)]
pub struct PortalSession {
    /// Keyed hash of the cookie.
    pub digest: Vec<u8>,
    /// Public id of the browser session that it belongs to.
    pub session: Guid,
    /// Object id of the user.
    pub user: Guid,
    /// When the user came in.
    pub created: Timestamp,
    /// Valid until.
    pub expires: Timestamp,
}

const COLUMNS: &str = "digest, session, user_id, created, expires";

fn portal_session(row: Row) -> Result<PortalSession> {
    let mut r = row.read();
    Ok(PortalSession {
        digest: r.take()?,
        session: r.take()?,
        user: r.take()?,
        created: r.take()?,
        expires: r.take()?,
    })
}

/// Adds a session.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, session: &PortalSession) -> Result<()> {
    let sql = format!("insert into portal_sessions (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6)");
    let values = [
        tenant.into(),
        (&session.digest).into(),
        session.session.into(),
        session.user.into(),
        session.created.into(),
        session.expires.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// The session with that digest, also when it has expired.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8]) -> Result<Option<PortalSession>> {
    let sql = format!("select {COLUMNS} from portal_sessions where tenant = ?1 and digest = ?2");
    tx.row(&sql, &[tenant.into(), digest.into()])?.map(portal_session).transpose()
}

/// Ends a session.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8]) -> Result<()> {
    let sql = "delete from portal_sessions where tenant = ?1 and digest = ?2";
    tx.execute(sql, &[tenant.into(), digest.into()]).map(drop)
}

/// Forgets sessions of all tenants that ended before `before`.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from portal_sessions where expires < ?1", &[before.into()])
}
