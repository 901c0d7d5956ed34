//! Browser sessions: who is signed in at the authority's pages.

use casbah_model::{Guid, TenantId, Timestamp};

use crate::{Result, Row, Tx};

/// A session, known by the digest of its cookie only.
#[derive(Clone, Debug)]
pub struct BrowserSession {
    /// Keyed hash of the cookie.
    pub digest: Vec<u8>,
    /// Its public id: `session_state`, and the `sid` claim.
    pub id: Guid,
    /// Object id of the user.
    pub user: Guid,
    /// When the user signed in: `auth_time`.
    pub created: Timestamp,
    /// Valid until.
    pub expires: Timestamp,
    /// When it was ended by signing out.
    pub revoked: Option<Timestamp>,
}

const COLUMNS: &str = "digest, id, user_id, created, expires, revoked";

fn browser_session(row: Row) -> Result<BrowserSession> {
    let mut r = row.read();
    Ok(BrowserSession {
        digest: r.take()?,
        id: r.take()?,
        user: r.take()?,
        created: r.take()?,
        expires: r.take()?,
        revoked: r.take()?,
    })
}

/// Adds a session.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, session: &BrowserSession) -> Result<()> {
    let sql = format!("insert into browser_sessions (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
    let values = [
        tenant.into(),
        (&session.digest).into(),
        session.id.into(),
        session.user.into(),
        session.created.into(),
        session.expires.into(),
        session.revoked.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// The session with that digest, also when it was ended or has expired.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8]) -> Result<Option<BrowserSession>> {
    let sql = format!("select {COLUMNS} from browser_sessions where tenant = ?1 and digest = ?2");
    tx.row(&sql, &[tenant.into(), digest.into()])?.map(browser_session).transpose()
}

/// Ends a session. False when there is none to end.
pub fn revoke(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8], now: Timestamp) -> Result<bool> {
    let sql = "update browser_sessions set revoked = ?3 \
               where tenant = ?1 and digest = ?2 and revoked is null";
    Ok(tx.execute(sql, &[tenant.into(), digest.into(), now.into()])? == 1)
}

/// Forgets sessions of all tenants that ended before `before`.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from browser_sessions where expires < ?1", &[before.into()])
}
