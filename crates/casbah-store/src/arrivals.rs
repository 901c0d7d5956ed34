//! What came in and still has to be looked at.

use casbah_model::{Activity, TenantId};

use crate::alerts::conditions::one_of;
use crate::{Result, Tx, activities};

/// Notes an activity that was just stored.
pub(crate) fn note_activity(tx: &mut Tx<'_>, tenant: TenantId, seq: i64) -> Result<()> {
    tx.arrived = true;
    let sql = "insert into arrived_activities (tenant, seq) values (?1, ?2)";
    tx.execute(sql, &[tenant.into(), seq.into()])?;
    Ok(())
}

/// The next tenant with activities that wait, in the order of ids; the first one after none.
pub fn next_tenant(tx: &mut Tx<'_>, after: Option<TenantId>) -> Result<Option<TenantId>> {
    let after = after.map(|tenant| tenant.to_string()).unwrap_or_default();
    let sql = "select tenant from arrived_activities where tenant > ?1 order by tenant limit 1";
    tx.row(sql, &[after.into()])?.map(|row| row.read().take()).transpose()
}

/// Places of activities that wait, in the order of time.
pub fn waiting(tx: &mut Tx<'_>, tenant: TenantId, limit: i64) -> Result<Vec<i64>> {
    let sql = "select seq from arrived_activities where tenant = ?1 order by seq limit ?2";
    tx.rows(sql, &[tenant.into(), limit.into()])?.into_iter().map(|row| row.read().take()).collect()
}

/// The activities at these places, in the order of time; some may have been forgotten meanwhile.
pub fn activities(tx: &mut Tx<'_>, tenant: TenantId, places: &[i64]) -> Result<Vec<Activity>> {
    activities::at_places(tx, tenant, places)
}

/// These activities were looked at.
pub fn forget(tx: &mut Tx<'_>, tenant: TenantId, places: &[i64]) -> Result<()> {
    let mut values = vec![tenant.into()];
    let list = one_of(places.iter().map(|place| (*place).into()).collect(), &mut values);
    tx.execute(&format!("delete from arrived_activities where tenant = ?1 and seq in ({list})"), &values)?;
    Ok(())
}
