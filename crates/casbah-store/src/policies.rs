//! Policies as a tenant has them, and which apps they have already raised alerts about.

use casbah_model::{PolicyRecord, Reach, RecordId, Severity, TenantId, Timestamp};

use crate::alerts::known;
use crate::reach::{Records, within};
use crate::{Result, Row, Tx, Value};

const COLUMNS: &str = "id, template, name, description, policy_type, severity, enabled, created, modified, rule, story, \
    daily_limit, flow";

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
        rule: r.take_json()?,
        story: r.take()?,
        daily_limit: r.take()?,
        flow: r.take()?,
    })
}

fn values(tenant: TenantId, policy: &PolicyRecord) -> [Value; 14] {
    [
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
        Value::json(&policy.rule),
        policy.story.into(),
        policy.daily_limit.into(),
        policy.flow.as_ref().into(),
    ]
}

/// Adds a policy; a built-in one only if the tenant has none of the same template.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, policy: &PolicyRecord) -> Result<()> {
    let sql = format!(
        "insert into policies (tenant, {COLUMNS}) \
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) \
         on conflict (tenant, template) where template <> '' do nothing"
    );
    tx.execute(&sql, &values(tenant, policy))?;
    Ok(())
}

/// Replaces what a policy says. False when there is none with that id.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, policy: &PolicyRecord) -> Result<bool> {
    let sql = "update policies set template = ?3, name = ?4, description = ?5, policy_type = ?6, severity = ?7, \
               enabled = ?8, created = ?9, modified = ?10, rule = ?11, story = ?12, daily_limit = ?13, flow = ?14 \
               where tenant = ?1 and id = ?2";
    Ok(tx.execute(sql, &values(tenant, policy))? > 0)
}

/// Forgets about which apps a policy has raised alerts.
pub fn forget_matches(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<()> {
    tx.execute("delete from policy_matches where tenant = ?1 and policy = ?2", &[tenant.into(), id.into()])?;
    Ok(())
}

/// Deletes a policy. Its alerts stay.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<bool> {
    forget_matches(tx, tenant, id)?;
    Ok(tx.execute("delete from policies where tenant = ?1 and id = ?2", &[tenant.into(), id.into()])? > 0)
}

/// How many alerts a policy has raised since then, whatever became of them.
pub fn raised_since(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId, since: Timestamp) -> Result<i64> {
    let sql = "select count(*) from alerts where tenant = ?1 and policy = ?2 and raised >= ?3";
    tx.number(sql, &[tenant.into(), id.into(), since.into()])
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
