//! Policies as a tenant has them, and which apps they have already raised alerts about.

use casbah_model::{PolicyRecord, Reach, RecordId, Severity, TenantId, Timestamp};

use crate::alerts::known;
use crate::reach::{Records, within};
use crate::{Result, Row, Tx};

const COLUMNS: &str = "id, template, name, description, policy_type, severity, enabled, created, modified";

fn policy(row: Row) -> Result<PolicyRecord> {
    let mut r = row.read();
    Ok(PolicyRecord {
        id: r.take()?,
        template: r.take()?,
        name: r.take()?,
        description: r.take()?,
        policy_type: r.take()?,
        severity: known(Severity::from_number(r.take()?), "severity")?,
        enabled: r.take()?,
        created: r.take()?,
        modified: r.take()?,
    })
}

/// Adds a policy, unless the tenant has one of the same template.
pub fn insert_built_in(tx: &mut Tx<'_>, tenant: TenantId, policy: &PolicyRecord) -> Result<()> {
    let sql = format!(
        "insert into policies (tenant, {COLUMNS}) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
         on conflict (tenant, template) where template <> '' do nothing"
    );
    let values = [
        tenant.into(),
        (&policy.id).into(),
        (&policy.template).into(),
        (&policy.name).into(),
        (&policy.description).into(),
        (&policy.policy_type).into(),
        policy.severity.number().into(),
        policy.enabled.into(),
        policy.created.into(),
        policy.modified.into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// All policies, by name.
pub fn list(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<PolicyRecord>> {
    let sql = format!("select {COLUMNS} from policies where tenant = ?1 order by name, id");
    tx.rows(&sql, &[tenant.into()])?.into_iter().map(policy).collect()
}

/// A policy, if it exists.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<Option<PolicyRecord>> {
    let sql = format!("select {COLUMNS} from policies where tenant = ?1 and id = ?2");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(policy).transpose()
}

/// How many open alerts within reach each policy has, by policy.
pub fn open_alerts(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach) -> Result<Vec<(RecordId, i64)>> {
    let mut values = vec![tenant.into()];
    let reach = within(reach, Records::Alerts, &mut values);
    let sql = format!(
        "select policy, count(*) from alerts a where tenant = ?1 and resolution = 0{reach} group by policy"
    );
    let rows = tx.rows(&sql, &values)?.into_iter();
    rows.map(|row| {
        let mut r = row.read();
        Ok((r.take()?, r.take()?))
    })
    .collect()
}

/// Records that a policy raised an alert about an app in a stream, unless it did so after `since`.
/// True when this is news.
pub fn record_match(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    policy: &RecordId,
    stream: &RecordId,
    app: i64,
    raised: (Timestamp, &RecordId),
    since: Timestamp,
) -> Result<bool> {
    let sql = "insert into policy_matches (tenant, policy, stream, app, at, alert) values (?1, ?2, ?3, ?4, ?5, ?6) \
               on conflict (tenant, policy, stream, app) do update set at = excluded.at, alert = excluded.alert \
               where policy_matches.at <= ?7";
    let (at, alert) = raised;
    let values =
        [tenant.into(), policy.into(), stream.into(), app.into(), at.into(), alert.into(), since.into()];
    Ok(tx.execute(sql, &values)? > 0)
}
