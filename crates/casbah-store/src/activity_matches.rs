//! Which activities satisfied which policy, and which alerts came of it.

use casbah_model::{Reach, RecordId, TenantId};

use crate::alerts::conditions::one_of;
use crate::reach::{Records, within};
use crate::{Result, Tx};

/// A policy that an activity satisfied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The policy.
    pub policy: RecordId,
    /// The place of the activity.
    pub place: i64,
    /// For whom the policy counted it.
    pub subject: String,
    /// The alert that came of it; none when the policy had raised enough that day.
    pub alert: Option<RecordId>,
}

/// Records that an activity satisfied a policy; the first record stays.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, found: &Match) -> Result<()> {
    let sql = "insert into activity_matches (tenant, policy, seq, subject, alert) values (?1, ?2, ?3, ?4, ?5) \
               on conflict (tenant, policy, seq) do nothing";
    let values = [
        tenant.into(),
        (&found.policy).into(),
        found.place.into(),
        (&found.subject).into(),
        found.alert.as_ref().into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// The places of activities that satisfied a policy already, of those between two places.
pub fn places(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    policy: &RecordId,
    subject: &str,
    (from, to): (i64, i64),
) -> Result<Vec<i64>> {
    let sql = "select seq from activity_matches \
               where tenant = ?1 and policy = ?2 and subject = ?3 and seq between ?4 and ?5";
    let values = [tenant.into(), policy.into(), subject.into(), from.into(), to.into()];
    tx.rows(sql, &values)?.into_iter().map(|row| row.read().take()).collect()
}

/// The alert that a policy raised about somebody between two places, and the place of its first activity.
pub fn alert_between(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    policy: &RecordId,
    subject: &str,
    (from, to): (i64, i64),
) -> Result<Option<(RecordId, i64)>> {
    let sql = "select m.alert, (select min(f.seq) from activity_matches f where f.tenant = ?1 and f.alert = m.alert) \
               from activity_matches m where m.tenant = ?1 and m.policy = ?2 and m.subject = ?3 \
               and m.seq between ?4 and ?5 and m.alert is not null order by m.seq desc limit 1";
    let values = [tenant.into(), policy.into(), subject.into(), from.into(), to.into()];
    let found = tx.row(sql, &values)?.map(|row| {
        let mut r = row.read();
        Ok((r.take()?, r.take()?))
    });
    found.transpose()
}

/// What the activities at these places satisfied.
pub fn of_places(tx: &mut Tx<'_>, tenant: TenantId, places: &[i64]) -> Result<Vec<Match>> {
    let mut values = vec![tenant.into()];
    let list = one_of(places.iter().map(|place| (*place).into()).collect(), &mut values);
    let sql = format!(
        "select policy, seq, subject, alert from activity_matches where tenant = ?1 and seq in ({list}) \
         order by seq, policy"
    );
    let rows = tx.rows(&sql, &values)?.into_iter();
    rows.map(|row| {
        let mut r = row.read();
        Ok(Match { policy: r.take()?, place: r.take()?, subject: r.take()?, alert: r.take()? })
    })
    .collect()
}

/// The ids of the activities within reach that alerts came of, in the order of time; each with its alert, and
/// at most `limit` of each.
pub fn of_alerts(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    alerts: &[RecordId],
    limit: i64,
) -> Result<Vec<(RecordId, String)>> {
    let mut values = vec![tenant.into()];
    let list = one_of(alerts.iter().map(Into::into).collect(), &mut values);
    let reach = within(reach, Records::Activities, &mut values);
    values.push(limit.into());
    let sql = format!(
        "select alert, id from (select m.alert as alert, a.id as id, \
         row_number() over (partition by m.alert order by a.seq) as number \
         from activity_matches m join activities a on a.tenant = ?1 and a.seq = m.seq \
         where m.tenant = ?1 and m.alert in ({list}){reach}) as numbered where number <= ?{} order by alert, number",
        values.len()
    );
    let rows = tx.rows(&sql, &values)?.into_iter();
    rows.map(|row| {
        let mut r = row.read();
        Ok((r.take()?, r.take()?))
    })
    .collect()
}
