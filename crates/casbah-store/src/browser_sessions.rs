//! Browser sessions: who is signed in at the authority's pages.

use casbah_model::{Guid, TenantId, Timestamp};

use crate::{Result, Row, Tx, Value};

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
    /// How the user proved who it is (RFC 8176): `pwd`, `otp`, `fido`, `fed`, `mfa`.
    pub amr: Vec<String>,
    /// Whether the user chose to stay signed in.
    pub kept: bool,
    /// Network address of the browser, if known.
    pub address: Option<String>,
    /// What the browser calls itself.
    pub agent: Option<String>,
    /// The other provider that vouched for the user.
    pub provider: Option<Guid>,
}

const COLUMNS: &str = "digest, id, user_id, created, expires, revoked, amr, kept, address, agent, provider";

fn browser_session(row: Row) -> Result<BrowserSession> {
    let mut r = row.read();
    Ok(BrowserSession {
        digest: r.take()?,
        id: r.take()?,
        user: r.take()?,
        created: r.take()?,
        expires: r.take()?,
        revoked: r.take()?,
        amr: r.take_json()?,
        kept: r.take()?,
        address: r.take()?,
        agent: r.take()?,
        provider: r.take()?,
    })
}

/// Adds a session.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, session: &BrowserSession) -> Result<()> {
    let sql = format!(
        "insert into browser_sessions (tenant, {COLUMNS}) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
    );
    let values = [
        tenant.into(),
        (&session.digest).into(),
        session.id.into(),
        session.user.into(),
        session.created.into(),
        session.expires.into(),
        session.revoked.into(),
        Value::json(&session.amr),
        session.kept.into(),
        session.address.as_deref().into(),
        session.agent.as_deref().into(),
        session.provider.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// The session with that digest, also when it was ended or has expired.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8]) -> Result<Option<BrowserSession>> {
    let sql = format!("select {COLUMNS} from browser_sessions where tenant = ?1 and digest = ?2");
    tx.row(&sql, &[tenant.into(), digest.into()])?.map(browser_session).transpose()
}

/// The session of a user with that public id, if it is good at `now`.
pub fn find_live_of_user(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    id: Guid,
    now: Timestamp,
) -> Result<Option<BrowserSession>> {
    let sql = format!(
        "select {COLUMNS} from browser_sessions \
         where tenant = ?1 and user_id = ?2 and id = ?3 and revoked is null and expires > ?4"
    );
    tx.row(&sql, &[tenant.into(), user.into(), id.into(), now.into()])?.map(browser_session).transpose()
}

/// Notes that the user has proved more in a session.
pub fn set_amr(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8], amr: &[String]) -> Result<()> {
    let sql = "update browser_sessions set amr = ?3 where tenant = ?1 and digest = ?2";
    tx.execute(sql, &[tenant.into(), digest.into(), Value::json(amr)]).map(drop)
}

/// Ends a session. False when there is none to end.
pub fn revoke(tx: &mut Tx<'_>, tenant: TenantId, digest: &[u8], now: Timestamp) -> Result<bool> {
    let sql = "update browser_sessions set revoked = ?3 \
               where tenant = ?1 and digest = ?2 and revoked is null";
    Ok(tx.execute(sql, &[tenant.into(), digest.into(), now.into()])? == 1)
}

/// The sessions of a user that are good at `now`, the newest first, at most `limit`.
pub fn live_of_user(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<BrowserSession>> {
    let sql = format!(
        "select {COLUMNS} from browser_sessions \
         where tenant = ?1 and user_id = ?2 and revoked is null and expires > ?3 \
         order by created desc, id limit ?4"
    );
    let values = [tenant.into(), user.into(), now.into(), limit.into()];
    tx.rows(&sql, &values)?.into_iter().map(browser_session).collect()
}

/// Ends a session of a user by its public id. False when there is none to end.
pub fn revoke_of_user_by_id(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    id: Guid,
    now: Timestamp,
) -> Result<bool> {
    let sql = "update browser_sessions set revoked = ?4 \
               where tenant = ?1 and user_id = ?2 and id = ?3 and revoked is null";
    Ok(tx.execute(sql, &[tenant.into(), user.into(), id.into(), now.into()])? == 1)
}

/// Ends the sessions of a user, but not the one with the digest `spared`; an empty one spares none.
pub fn revoke_of_user(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    spared: &[u8],
    now: Timestamp,
) -> Result<u64> {
    let sql = "update browser_sessions set revoked = ?4 \
               where tenant = ?1 and user_id = ?2 and digest <> ?3 and revoked is null";
    tx.execute(sql, &[tenant.into(), user.into(), spared.into(), now.into()])
}

/// Forgets sessions of all tenants that ended before `before`.
pub fn remove_ended(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    tx.execute("delete from browser_sessions where expires < ?1", &[before.into()])
}
