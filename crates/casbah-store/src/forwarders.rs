//! What sends records elsewhere, and the queue of what it has not sent yet.
//!
//! A record is put into the queue of each forwarder in the transaction that stores it, and taken out when the
//! receiver has it: a cursor in the order of time would pass by what is stored late with an early time.
//!
//! ```text
//! stored ──note──> waiting ──claim──> leased ──settle──> sent and forgotten, or to be tried again later
//! ```

#[cfg(test)]
mod tests;

use casbah_model::{
    Activity, Alert, Chosen, Forwarder, ForwarderHealth, Outlet, RecordId, TenantId, Timestamp,
};

use crate::alerts::conditions::one_of;
use crate::discovery_tasks::Lease;
use crate::{Error, Result, Row, Tx, Value, alerts};

const COLUMNS: &str = "id, name, outlet, sealed, alerts, activities, enabled, created, created_by, modified, last_sent, \
    sent, dropped, last_error, last_error_at, failures, retry_at";

const ALERT: i64 = 1;
const ACTIVITY: i64 = 2;
const WEBHOOK: i64 = 1;
const SIEM_AGENT: i64 = 2;

fn forwarder(row: Row) -> Result<Forwarder> {
    let mut r = row.read();
    Ok(Forwarder {
        id: r.take()?,
        name: r.take()?,
        outlet: r.take_json()?,
        sealed: r.take()?,
        alerts: chosen(r.take()?)?,
        activities: chosen(r.take()?)?,
        enabled: r.take()?,
        created: r.take()?,
        created_by: r.take()?,
        modified: r.take()?,
        health: ForwarderHealth {
            last_sent: r.take()?,
            sent: r.take()?,
            dropped: r.take()?,
            last_error: r.take()?,
            last_error_at: r.take()?,
            failures: r.take()?,
            retry_at: r.take()?,
            ..ForwarderHealth::default()
        },
    })
}

fn chosen<F: serde::de::DeserializeOwned>(text: Option<String>) -> Result<Option<Chosen<F>>> {
    let read = |text: String| serde_json::from_str(&text).map_err(|e| Error::Shape(e.to_string()));
    text.map(read).transpose()
}

fn kind_of(outlet: &Outlet) -> i64 {
    match outlet {
        Outlet::Webhook { .. } => WEBHOOK,
        Outlet::Syslog(_) => SIEM_AGENT,
    }
}

/// Adds a forwarder; it is told of what is stored from then on.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, one: &Forwarder) -> Result<()> {
    let sql = format!(
        "insert into forwarders (tenant, {COLUMNS}, kind) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, \
         ?13, ?14, ?15, ?16, ?17, ?18, ?19)"
    );
    let health = &one.health;
    let values = [
        tenant.into(),
        (&one.id).into(),
        (&one.name).into(),
        Value::json(&one.outlet),
        one.sealed.as_ref().into(),
        one.alerts.as_ref().map(Value::json).into(),
        one.activities.as_ref().map(Value::json).into(),
        one.enabled.into(),
        one.created.into(),
        (&one.created_by).into(),
        one.modified.into(),
        health.last_sent.into(),
        health.sent.into(),
        health.dropped.into(),
        health.last_error.as_ref().into(),
        health.last_error_at.into(),
        health.failures.into(),
        health.retry_at.into(),
        kind_of(&one.outlet).into(),
    ];
    tx.execute(&sql, &values)?;
    Ok(())
}

/// Writes what a forwarder is to be; what waits for it stays, and it tries at once.
pub fn save(tx: &mut Tx<'_>, tenant: TenantId, one: &Forwarder) -> Result<()> {
    tx.outgoing = true;
    let sql = "update forwarders set name = ?3, outlet = ?4, sealed = ?5, alerts = ?6, activities = ?7, enabled = ?8, \
               modified = ?9, retry_at = ?9, failures = 0 where tenant = ?1 and id = ?2";
    let values = [
        tenant.into(),
        (&one.id).into(),
        (&one.name).into(),
        Value::json(&one.outlet),
        one.sealed.as_ref().into(),
        one.alerts.as_ref().map(Value::json).into(),
        one.activities.as_ref().map(Value::json).into(),
        one.enabled.into(),
        one.modified.into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// Removes a forwarder and what waits for it.
pub fn delete(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<()> {
    let values = [tenant.into(), id.into()];
    tx.execute("delete from forwarder_queue where tenant = ?1 and forwarder = ?2", &values)?;
    tx.execute("delete from forwarders where tenant = ?1 and id = ?2", &values)?;
    Ok(())
}

/// The webhooks of a tenant, oldest first, without what waits.
pub fn webhooks(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<Forwarder>> {
    of_kind(tx, tenant, WEBHOOK)
}

/// The SIEM agents of a tenant, oldest first, without what waits.
pub fn siem_agents(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<Forwarder>> {
    of_kind(tx, tenant, SIEM_AGENT)
}

fn of_kind(tx: &mut Tx<'_>, tenant: TenantId, kind: i64) -> Result<Vec<Forwarder>> {
    let sql =
        format!("select {COLUMNS} from forwarders where tenant = ?1 and kind = ?2 order by created, id");
    tx.rows(&sql, &[tenant.into(), kind.into()])?.into_iter().map(forwarder).collect()
}

fn find(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<Option<Forwarder>> {
    let sql = format!("select {COLUMNS} from forwarders where tenant = ?1 and id = ?2");
    tx.row(&sql, &[tenant.into(), id.into()])?.map(forwarder).transpose()
}

/// Completes a forwarder's health by what waits for it.
pub fn count_waiting(tx: &mut Tx<'_>, tenant: TenantId, one: &mut Forwarder) -> Result<()> {
    let sql = "select kind, count(*), min(place) from forwarder_queue where tenant = ?1 and forwarder = ?2 group by kind";
    let health = &mut one.health;
    health.waiting = 0;
    for row in tx.rows(sql, &[tenant.into(), (&one.id).into()])? {
        let mut r = row.read();
        let (kind, count, place): (i64, i64, i64) = (r.take()?, r.take()?, r.take()?);
        health.waiting += count;
        match kind {
            ALERT => health.oldest_alert = Some(Timestamp(place)),
            _ => health.oldest_activity = Some(Activity::at_place(place)),
        }
    }
    Ok(())
}

/// Puts an alert that was just stored into the queues.
pub(crate) fn note_alert(tx: &mut Tx<'_>, tenant: TenantId, alert: &Alert) -> Result<()> {
    let sql = "insert into forwarder_queue (tenant, forwarder, kind, place, record, attempts, retry_at) \
               select tenant, id, 1, ?2, ?3, 0, 0 from forwarders where tenant = ?1 and enabled = 1 \
               and alerts is not null on conflict do nothing";
    tx.outgoing |= tx.execute(sql, &[tenant.into(), alert.raised.into(), (&alert.id).into()])? > 0;
    Ok(())
}

/// Puts activities into the queues, when policies have looked at them.
pub fn note_activities(tx: &mut Tx<'_>, tenant: TenantId, places: &[i64]) -> Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    let mut values = vec![tenant.into()];
    let list = one_of(places.iter().map(|place| (*place).into()).collect(), &mut values);
    let sql = format!(
        "insert into forwarder_queue (tenant, forwarder, kind, place, record, attempts, retry_at) \
         select f.tenant, f.id, 2, a.seq, '', 0, 0 from forwarders f, activities a where f.tenant = ?1 and f.enabled = 1 \
         and f.activities is not null and a.tenant = ?1 and a.seq in ({list}) on conflict do nothing"
    );
    tx.outgoing |= tx.execute(&sql, &values)? > 0;
    Ok(())
}

/// Forgets an alert that goes away: nobody is told of it any more.
pub(crate) fn forget_alert(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId) -> Result<()> {
    let sql = "delete from forwarder_queue where tenant = ?1 and kind = 1 and record = ?2 and place in \
               (select raised from alerts where tenant = ?1 and id = ?2)";
    tx.execute(sql, &[tenant.into(), id.into()])?;
    Ok(())
}

/// Forgets the activities below a place, which go away.
pub(crate) fn forget_activities_below(tx: &mut Tx<'_>, tenant: TenantId, place: i64) -> Result<()> {
    let sql = "delete from forwarder_queue where tenant = ?1 and kind = 2 and place < ?2";
    tx.execute(sql, &[tenant.into(), place.into()])?;
    Ok(())
}

/// A forwarder that may be worked on.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// Its tenant.
    pub tenant: TenantId,
    /// The number of the tenant.
    pub tenant_number: i64,
    /// The forwarder.
    pub forwarder: Forwarder,
}

/// Claims the forwarder, of any tenant, that has waited longest and that nobody works on.
pub fn claim(tx: &mut Tx<'_>, lease: &Lease, now: Timestamp) -> Result<Option<Claimed>> {
    let sql = "update forwarders set lease = ?2, lease_node = ?3, lease_until = ?4 where (tenant, id) = \
               (select f.tenant, f.id from forwarders f where f.enabled = 1 and f.retry_at <= ?1 \
               and (f.lease_until is null or f.lease_until < ?1) and exists (select 1 from forwarder_queue q \
               where q.tenant = f.tenant and q.forwarder = f.id and q.retry_at <= ?1) \
               order by f.retry_at, f.tenant, f.id limit 1) returning tenant, id";
    let values = [now.into(), (&lease.token).into(), (&lease.node).into(), lease.until.into()];
    let Some(row) = tx.row(sql, &values)? else { return Ok(None) };
    let mut r = row.read();
    let (tenant, id): (TenantId, RecordId) = (r.take()?, r.take()?);
    let forwarder = alerts::known(find(tx, tenant, &id)?, "claimed forwarder")?;
    let sql = "select number from tenants where id = ?1";
    let tenant_number = tx.number(sql, &[tenant.into()])?;
    Ok(Some(Claimed { tenant, tenant_number, forwarder }))
}

/// Prolongs a claim. False when it was lost, or the forwarder has gone or shall not send any more.
pub fn renew(tx: &mut Tx<'_>, tenant: TenantId, id: &RecordId, lease: &Lease) -> Result<bool> {
    let sql =
        "update forwarders set lease_until = ?4 where tenant = ?1 and id = ?2 and lease = ?3 and enabled = 1";
    let values = [tenant.into(), id.into(), (&lease.token).into(), lease.until.into()];
    Ok(tx.execute(sql, &values)? > 0)
}

/// Gives back everything that a node worked on when it died.
pub fn release_node(tx: &mut Tx<'_>, node: &str) -> Result<u64> {
    let sql =
        "update forwarders set lease = null, lease_node = null, lease_until = null where lease_node = ?1";
    tx.execute(sql, &[node.into()])
}

/// A record that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Note {
    /// An alert.
    Alert {
        /// When it was raised.
        raised: Timestamp,
        /// Its id.
        id: RecordId,
        /// How often it was tried in vain.
        attempts: i64,
    },
    /// An activity.
    Activity {
        /// Its place in the order of time.
        place: i64,
    },
}

impl Note {
    /// The rest of the key of its row.
    fn key(&self) -> [Value; 3] {
        match self {
            Note::Alert { raised, id, .. } => [ALERT.into(), (*raised).into(), id.into()],
            Note::Activity { place } => [ACTIVITY.into(), (*place).into(), "".into()],
        }
    }
}

/// What waits for a forwarder and may be tried now, behind `after`: alerts first, each kind in the order of time.
pub fn waiting(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: &RecordId,
    after: Option<&Note>,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Note>> {
    let [kind, place, record] =
        after.map_or_else(|| [0.into(), 0.into(), "".into()], |note: &Note| note.key());
    let sql = "select kind, place, record, attempts from forwarder_queue where tenant = ?1 and forwarder = ?2 \
               and (kind, place, record) > (?3, ?4, ?5) and retry_at <= ?6 order by kind, place, record limit ?7";
    let values = [tenant.into(), id.into(), kind, place, record, now.into(), limit.into()];
    let note = |row: Row| {
        let mut r = row.read();
        let (kind, place, record): (i64, i64, String) = (r.take()?, r.take()?, r.take()?);
        if kind == ACTIVITY {
            return Ok(Note::Activity { place });
        }
        let id = record.parse().map_err(|_| Error::Shape("a queued alert without an id".into()))?;
        Ok(Note::Alert { raised: Timestamp(place), id, attempts: r.take()? })
    };
    tx.rows(sql, &values)?.into_iter().map(note).collect()
}

/// What became of an attempt to send.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Records that are done with: sent, or not wanted.
    pub done: Vec<Note>,
    /// Of those, how many the receiver took.
    pub sent: i64,
    /// Of those, how many were given up.
    pub dropped: i64,
    /// Records to be tried again at a time of their own.
    pub later: Vec<(Note, Timestamp)>,
    /// Why it failed.
    pub error: Option<String>,
    /// When the whole forwarder tries again.
    pub retry_at: Timestamp,
}

/// Writes down what became of an attempt, and gives the claim back. False when it was lost: then nothing is
/// written, and whoever holds it now sends again.
pub fn settle(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: &RecordId,
    lease: &Lease,
    outcome: &Outcome,
    now: Timestamp,
) -> Result<bool> {
    let sql = "update forwarders set lease = null, lease_node = null, lease_until = null, retry_at = ?4, \
               sent = sent + ?5, dropped = dropped + ?6, last_sent = coalesce(?7, last_sent), last_error = ?8, \
               last_error_at = coalesce(?9, last_error_at), failures = failures * ?10 + ?10 \
               where tenant = ?1 and id = ?2 and lease = ?3";
    let failed = outcome.error.is_some();
    let values = [
        tenant.into(),
        id.into(),
        (&lease.token).into(),
        outcome.retry_at.into(),
        outcome.sent.into(),
        outcome.dropped.into(),
        (outcome.sent > 0).then_some(now).into(),
        outcome.error.as_ref().into(),
        failed.then_some(now).into(),
        failed.into(),
    ];
    if tx.execute(sql, &values)? == 0 {
        return Ok(false);
    }
    let row = "where tenant = ?1 and forwarder = ?2 and kind = ?3 and place = ?4 and record = ?5";
    for note in &outcome.done {
        let [kind, place, record] = note.key();
        let values = [tenant.into(), id.into(), kind, place, record];
        tx.execute(&format!("delete from forwarder_queue {row}"), &values)?;
    }
    for (note, at) in &outcome.later {
        let [kind, place, record] = note.key();
        let values = [tenant.into(), id.into(), kind, place, record, (*at).into()];
        let sql = format!("update forwarder_queue set attempts = attempts + 1, retry_at = ?6 {row}");
        tx.execute(&sql, &values)?;
    }
    Ok(true)
}
