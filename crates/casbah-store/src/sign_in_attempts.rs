//! How often something was tried on an account, and the places its owner is known to come from.

use casbah_model::{Guid, TenantId, Timestamp};

use crate::{Result, Tx};

/// Wrong tries since the last right one, and until when no other is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attempts {
    /// How many.
    pub count: i64,
    /// The end of the wait; in the past when there is none.
    pub until: Timestamp,
    /// When the last one was counted.
    pub updated: Timestamp,
}

/// The tries counted for an account and a place; none counted is the default.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, account: Guid, place: &str) -> Result<Attempts> {
    let sql = "select count, until, updated from sign_in_attempts \
               where tenant = ?1 and account = ?2 and place = ?3";
    let Some(row) = tx.row(sql, &[tenant.into(), account.into(), place.into()])? else {
        return Ok(Attempts::default());
    };
    let mut r = row.read();
    Ok(Attempts { count: r.take()?, until: r.take()?, updated: r.take()? })
}

/// Writes the tries of an account and a place.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, account: Guid, place: &str, attempts: Attempts) -> Result<()> {
    let sql = "insert into sign_in_attempts (tenant, account, place, count, until, updated) \
               values (?1, ?2, ?3, ?4, ?5, ?6) on conflict (tenant, account, place) \
               do update set count = excluded.count, until = excluded.until, updated = excluded.updated";
    let values = [
        tenant.into(),
        account.into(),
        place.into(),
        attempts.count.into(),
        attempts.until.into(),
        attempts.updated.into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// Forgets the tries of an account and a place.
pub fn clear(tx: &mut Tx<'_>, tenant: TenantId, account: Guid, place: &str) -> Result<()> {
    let sql = "delete from sign_in_attempts where tenant = ?1 and account = ?2 and place = ?3";
    tx.execute(sql, &[tenant.into(), account.into(), place.into()]).map(drop)
}

/// Forgets all tries of an account.
pub fn clear_account(tx: &mut Tx<'_>, tenant: TenantId, account: Guid) -> Result<()> {
    let sql = "delete from sign_in_attempts where tenant = ?1 and account = ?2";
    tx.execute(sql, &[tenant.into(), account.into()]).map(drop)
}

/// Whether a person has signed in from a place since `since`.
pub fn is_familiar(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    place: &str,
    since: Timestamp,
) -> Result<bool> {
    let sql = "select count(*) from familiar_places \
               where tenant = ?1 and user_id = ?2 and place = ?3 and last_used > ?4";
    Ok(tx.number(sql, &[tenant.into(), user.into(), place.into(), since.into()])? > 0)
}

/// Notes that a person has signed in from a place.
pub fn make_familiar(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    user: Guid,
    place: &str,
    now: Timestamp,
) -> Result<()> {
    let sql = "insert into familiar_places (tenant, user_id, place, last_used) values (?1, ?2, ?3, ?4) \
               on conflict (tenant, user_id, place) do update set last_used = excluded.last_used";
    tx.execute(sql, &[tenant.into(), user.into(), place.into(), now.into()]).map(drop)
}

/// Forgets the places of a person, whose account may have been in other hands.
pub fn forget_places(tx: &mut Tx<'_>, tenant: TenantId, user: Guid) -> Result<()> {
    let sql = "delete from familiar_places where tenant = ?1 and user_id = ?2";
    tx.execute(sql, &[tenant.into(), user.into()]).map(drop)
}

/// Forgets tries of all tenants that nothing was added to since `tries`, and places of all tenants
/// that nobody came from since `places`.
pub fn remove_ended(tx: &mut Tx<'_>, tries: Timestamp, places: Timestamp) -> Result<u64> {
    let sql = "delete from sign_in_attempts where updated < ?1 and until < ?1";
    let removed = tx.execute(sql, &[tries.into()])?;
    Ok(removed + tx.execute("delete from familiar_places where last_used < ?1", &[places.into()])?)
}
