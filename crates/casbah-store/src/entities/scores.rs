//! The investigation priority: what the alerts about somebody weigh, each less with every day, for thirty days.
//!
//! An alert of high severity weighs 40 points on its day, of medium 15, of low 5, an informational one nothing.
//! A thirtieth of that is lost each day. Alerts that were closed as dismissed, false or benign do not count.

use std::collections::BTreeSet;

use casbah_model::{Alert, DayScore, RecordId, Severity, TenantId, Timestamp};

use crate::alerts::conditions::{PEOPLE, one_of};
use crate::alerts::known;
use crate::{Result, Row, Tx, Value};

const MS_OF_DAY: i64 = 86_400_000;
/// Days after which an alert weighs nothing.
const DAYS: i64 = 30;
/// Days of which scores are kept.
const KEPT_DAYS: i64 = 90;
/// Alerts that one score looks at, the newest first.
const MOST_ALERTS: i64 = 1_000;
/// Alerts whose people are looked up together.
const AT_ONCE: usize = 500;

/// What an alert of that age weighs.
fn points(severity: Severity, age: i64) -> f64 {
    let weight = match severity {
        Severity::High => 40.0,
        Severity::Medium => 15.0,
        Severity::Low => 5.0,
        Severity::Informational => 0.0,
    };
    let days = age.max(0) as f64 / MS_OF_DAY as f64;
    weight * (1.0 - days / DAYS as f64).max(0.0)
}

/// Computes the scores of those whom an alert is about.
pub fn of_alert(tx: &mut Tx<'_>, tenant: TenantId, alert: &Alert, now: Timestamp) -> Result<()> {
    let of = named_in(tx, tenant, std::slice::from_ref(&alert.id.to_string()))?;
    compute(tx, tenant, &of, now)
}

/// The same for alerts that were closed or opened again.
pub fn of_alerts(tx: &mut Tx<'_>, tenant: TenantId, alerts: &[String], now: Timestamp) -> Result<()> {
    for some in alerts.chunks(AT_ONCE) {
        let of = named_in(tx, tenant, some)?;
        compute(tx, tenant, &of, now)?;
    }
    Ok(())
}

/// Those whom alerts are about, and the people behind them.
fn named_in(tx: &mut Tx<'_>, tenant: TenantId, alerts: &[String]) -> Result<BTreeSet<RecordId>> {
    let mut found = BTreeSet::new();
    let mut values = vec![tenant.into()];
    let list = one_of(alerts.iter().map(Value::from).collect(), &mut values);
    let sql = format!(
        "select distinct n.id_key, n.saas from alert_entities n where n.tenant = ?1 and n.alert in ({list}) \
         and n.kind in {PEOPLE}"
    );
    for row in tx.rows(&sql, &values)? {
        let mut r = row.read();
        let (id, saas): (String, Option<i64>) = (r.take()?, r.take()?);
        let sql = "select record, parent from entities where tenant = ?1 and id_key = ?2 and (?3 < 0 or saas = ?3) \
                   union select record, parent from entities where tenant = ?1 and email_key = ?2 and kind = 2";
        for row in tx.rows(sql, &[tenant.into(), id.into(), saas.unwrap_or(-1).into()])? {
            let mut r = row.read();
            found.insert(r.take()?);
            found.extend(r.take::<Option<RecordId>>()?);
        }
    }
    Ok(found)
}

fn compute(tx: &mut Tx<'_>, tenant: TenantId, of: &BTreeSet<RecordId>, now: Timestamp) -> Result<()> {
    of.iter().try_for_each(|record| compute_one(tx, tenant, record, now))
}

fn compute_one(tx: &mut Tx<'_>, tenant: TenantId, record: &RecordId, now: Timestamp) -> Result<()> {
    // An alert may come later than it was raised; what was computed since is not undone.
    let sql = "select score_time from entities where tenant = ?1 and record = ?2";
    let now = Timestamp(now.0.max(tx.number(sql, &[tenant.into(), record.into()])?));
    let sql = "select id_key, saas, kind, name_key, email_key from entities \
               where tenant = ?1 and (record = ?2 or parent = ?2) order by record";
    let mut values = vec![tenant.into(), now.0.saturating_sub(DAYS * MS_OF_DAY).into(), now.into()];
    let mut any = Vec::new();
    for row in tx.rows(sql, &[tenant.into(), record.into()])? {
        let mut r = row.read();
        let (id, saas, kind): (String, i64, i64) = (r.take()?, r.take()?, r.take()?);
        let (name, email): (String, Option<String>) = (r.take()?, r.take()?);
        values.extend([id.into(), saas.into()]);
        let (id, saas) = (values.len() - 1, values.len());
        any.push(format!("(n.id_key = ?{id} and (n.saas is null or n.saas = ?{saas}))"));
        if kind == 2 {
            for name in [Some(name), email].into_iter().flatten() {
                values.push(name.into());
                any.push(format!("n.id_key = ?{}", values.len()));
            }
        }
    }
    if any.is_empty() {
        return Ok(());
    }
    values.push(MOST_ALERTS.into());
    let sql = format!(
        "select a.severity, a.raised from alerts a where a.tenant = ?1 and a.raised > ?2 and a.raised <= ?3 \
         and a.resolution not in (1, 3, 4) and a.id in (select n.alert from alert_entities n where n.tenant = ?1 \
         and n.kind in {PEOPLE} and ({})) order by a.raised desc, a.id limit ?{}",
        any.join(" or "),
        values.len()
    );
    let (mut sum, mut alerts) = (0.0, 0_i64);
    for row in tx.rows(&sql, &values)? {
        let mut r = row.read();
        let (severity, raised): (i64, i64) = (r.take()?, r.take()?);
        sum += points(known(Severity::from_number(severity), "severity")?, now.0 - raised);
        alerts += 1;
    }
    #[allow(clippy::cast_possible_truncation, reason = "a thousand alerts weigh 40,000 points at the most")]
    let score = sum.round() as i64;
    save(tx, tenant, record, DayScore { day: now.0.div_euclid(MS_OF_DAY), score, percentile: 0, alerts }, now)
}

fn save(tx: &mut Tx<'_>, tenant: TenantId, record: &RecordId, day: DayScore, now: Timestamp) -> Result<()> {
    let sql = "update entities set score = ?3, score_time = ?4 where tenant = ?1 and record = ?2";
    tx.execute(sql, &[tenant.into(), record.into(), day.score.into(), now.into()])?;
    let of = |condition: &str| format!("select count(*) from entities where tenant = ?1 and {condition}");
    let scored = tx.number(&of("score >= 0"), &[tenant.into()])?;
    let lower = tx.number(&of("score >= 0 and score < ?2"), &[tenant.into(), day.score.into()])?;
    let sql = "insert into entity_scores (tenant, record, day, score, percentile, alerts) \
               values (?1, ?2, ?3, ?4, ?5, ?6) on conflict (tenant, record, day) do update set \
               score = excluded.score, percentile = excluded.percentile, alerts = excluded.alerts";
    let values = [
        tenant.into(),
        record.into(),
        day.day.into(),
        day.score.into(),
        (lower * 100 / scored.max(1)).into(),
        day.alerts.into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// Computes scores anew that were computed before `before`, so many at once; answers how many there were. What
/// weighs nothing any more stays at that.
pub fn refresh(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    before: Timestamp,
    now: Timestamp,
    limit: i64,
) -> Result<usize> {
    let sql = "select record from entities where tenant = ?1 and score > 0 and score_time < ?2 \
               order by record limit ?3";
    let rows = tx.rows(sql, &[tenant.into(), before.into(), limit.into()])?;
    let due = rows.into_iter().map(|row| row.read().take()).collect::<Result<BTreeSet<RecordId>>>()?;
    compute(tx, tenant, &due, now)?;
    Ok(due.len())
}

/// Forgets scores of long ago.
pub fn forget(tx: &mut Tx<'_>, tenant: TenantId, now: Timestamp) -> Result<()> {
    let sql = "delete from entity_scores where tenant = ?1 and day < ?2";
    tx.execute(sql, &[tenant.into(), (now.0.div_euclid(MS_OF_DAY) - KEPT_DAYS).into()])?;
    Ok(())
}

/// The scores of entities in the last thirty days, by entity and day.
pub fn history(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    records: &[RecordId],
    now: Timestamp,
) -> Result<Vec<(RecordId, DayScore)>> {
    if records.is_empty() {
        return Ok(Vec::new());
    }
    let mut values = vec![tenant.into(), (now.0.div_euclid(MS_OF_DAY) - DAYS).into()];
    let list = one_of(records.iter().map(Value::from).collect(), &mut values);
    let sql = format!(
        "select record, day, score, percentile, alerts from entity_scores \
         where tenant = ?1 and day > ?2 and record in ({list}) order by record, day"
    );
    let read = |row: Row| {
        let mut r = row.read();
        let record = r.take()?;
        Ok((record, DayScore { day: r.take()?, score: r.take()?, percentile: r.take()?, alerts: r.take()? }))
    };
    tx.rows(&sql, &values)?.into_iter().map(read).collect()
}
