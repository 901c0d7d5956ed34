//! Alerts: what they are about, lists by filter, marking and closing.

pub(crate) mod conditions;
#[cfg(test)]
pub(crate) mod tests;

use casbah_model::filter::{AlertField, AlertOrder, Condition, Page};
use casbah_model::{
    Alert, AlertEntity, AlertStatus, Reach, RecordId, Resolution, Severity, TenantId, Timestamp,
};
use serde_json::{Map, Value as Json};

use crate::full_text::{self, Texts};
use crate::reach::{Records, within};
use crate::{Error, Result, Row, Tx, Value, entities, forwarders};

const COLUMNS: &str = "id, raised, title, description, severity, status, resolution, resolved, comment, reason, \
    handled_by, policy, policy_name, policy_type, built_in, alert_type, stories, intent, entities, evidence, context";

/// The fields whose operands are keys of entities.
const KEYS: [AlertField; 1] = [AlertField::Entity];

/// Counting stops here; beyond it a list says only that there are more.
pub const COUNT_CAP: i64 = 100_000;

fn alert(row: Row) -> Result<Alert> {
    let mut r = row.read();
    Ok(Alert {
        id: r.take()?,
        raised: r.take()?,
        title: r.take()?,
        description: r.take()?,
        severity: known(Severity::from_number(r.take()?), "severity")?,
        status: known(AlertStatus::from_number(r.take()?), "status")?,
        resolution: known(Resolution::from_number(r.take()?), "resolution")?,
        resolved: r.take()?,
        comment: r.take()?,
        reason: r.take()?,
        handled_by: r.take()?,
        policy: r.take()?,
        policy_name: r.take()?,
        policy_type: r.take()?,
        built_in: r.take()?,
        alert_type: r.take()?,
        stories: r.take_json()?,
        intent: r.take_json()?,
        entities: r.take_json::<Vec<(String, String, String, Map<String, Json>)>>().map(|list| {
            list.into_iter().map(|(kind, id, label, extra)| AlertEntity { kind, id, label, extra }).collect()
        })?,
        evidence: r.take_json()?,
        context: r.take()?,
    })
}

pub(crate) fn known<T>(value: Option<T>, what: &str) -> Result<T> {
    value.ok_or_else(|| Error::Shape(format!("a {what} that does not exist")))
}

/// Adds an alert, with all that filters look for.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, alert: &Alert) -> Result<()> {
    let entities: Vec<_> = alert.entities.iter().map(|e| (&e.kind, &e.id, &e.label, &e.extra)).collect();
    let sql = format!(
        "insert into alerts (tenant, {COLUMNS}, severity_rank, search, doc) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, \
         ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)"
    );
    let (search, number) = (words(alert), full_text::next_number(tx, Texts::Alerts)?);
    let values = [
        tenant.into(),
        (&alert.id).into(),
        alert.raised.into(),
        (&alert.title).into(),
        (&alert.description).into(),
        alert.severity.number().into(),
        alert.status.number().into(),
        alert.resolution.number().into(),
        alert.resolved.into(),
        (&alert.comment).into(),
        alert.reason.into(),
        alert.handled_by.as_ref().into(),
        (&alert.policy).into(),
        (&alert.policy_name).into(),
        (&alert.policy_type).into(),
        alert.built_in.into(),
        alert.alert_type.into(),
        Value::json(&alert.stories),
        Value::json(&alert.intent),
        Value::json(&entities),
        Value::json(&alert.evidence),
        alert.context.into(),
        rank(alert.severity).into(),
        search.as_str().into(),
        number.into(),
    ];
    tx.execute(&sql, &values)?;
    if let Some(number) = number {
        full_text::insert(tx, tenant, Texts::Alerts, number, &search)?;
    }
    for (position, entity) in alert.entities.iter().enumerate() {
        insert_entity(tx, tenant, &alert.id, position as i64, entity)?;
    }
    let mut stories = alert.stories.clone();
    stories.sort_unstable();
    stories.dedup();
    for story in stories {
        let sql = "insert into alert_stories (tenant, alert, story) values (?1, ?2, ?3)";
        tx.execute(sql, &[tenant.into(), (&alert.id).into(), story.into()])?;
    }
    forwarders::note_alert(tx, tenant, alert)?;
    entities::scores::of_alert(tx, tenant, alert, alert.raised)
}

fn insert_entity(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    alert: &RecordId,
    position: i64,
    entity: &AlertEntity,
) -> Result<()> {
    let number = |key: &str| entity.extra.get(key).and_then(Json::as_i64);
    let sql = "insert into alert_entities (tenant, alert, position, kind, id_key, label_key, saas, inst) \
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let values = [
        tenant.into(),
        alert.into(),
        position.into(),
        (&entity.kind).into(),
        entity.id.to_lowercase().into(),
        entity.label.to_lowercase().into(),
        number("saas").into(),
        number("inst").into(),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// Informational weighs least, although its number is the highest.
fn rank(severity: Severity) -> i64 {
    if severity == Severity::Informational { -1 } else { severity.number() }
}

/// The words that the filter `text` searches: what stays the same for the life of the alert.
fn words(alert: &Alert) -> String {
    let mut text = format!("{}\n{}\n{}", alert.title, alert.description, alert.policy_name);
    for entity in &alert.entities {
        text.push('\n');
        text.push_str(&entity.label);
    }
    full_text::searchable(&text)
}

/// An alert, if it exists within reach.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach, id: &RecordId) -> Result<Option<Alert>> {
    let mut values = vec![tenant.into(), id.into()];
    let reach = within(reach, Records::Alerts, &mut values);
    let sql = format!("select {COLUMNS} from alerts a where tenant = ?1 and id = ?2{reach}");
    tx.row(&sql, &values)?.map(alert).transpose()
}

/// One page of the alerts that satisfy all conditions, in a total order.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    conditions: &[Condition<AlertField>],
    order: AlertOrder,
    page: Page,
) -> Result<Vec<Alert>> {
    let conditions = entities::expanded(tx, tenant, conditions, &KEYS)?;
    let mut values = vec![tenant.into()];
    let reach = within(reach, Records::Alerts, &mut values);
    let wanted = conditions::compile(tx.dialect(), &conditions, &mut values);
    let direction = if order.ascending { "asc" } else { "desc" };
    let first = if order.by_severity { format!("severity_rank {direction}, ") } else { String::new() };
    values.extend([page.limit.into(), page.skip.into()]);
    let (limit, skip) = (values.len() - 1, values.len());
    let sql = format!(
        "select {COLUMNS} from alerts a where tenant = ?1{reach}{wanted} \
         order by {first}raised {direction}, id {direction} limit ?{limit} offset ?{skip}"
    );
    tx.rows(&sql, &values)?.into_iter().map(alert).collect()
}

/// A place in the order of time: when an alert was raised, and its id.
pub type Place = (Timestamp, RecordId);

/// Those alerts behind a place that satisfy all conditions, in the order of time, up to another place in it; at
/// most `limit`. However far a walk has come, its next step costs the same.
pub fn list_after(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    conditions: &[Condition<AlertField>],
    ascending: bool,
    (after, until): (Option<&Place>, Option<&Place>),
    limit: i64,
) -> Result<Vec<Alert>> {
    let conditions = entities::expanded(tx, tenant, conditions, &KEYS)?;
    let mut values = vec![tenant.into()];
    let reach = within(reach, Records::Alerts, &mut values);
    let mut wanted = conditions::compile(tx.dialect(), &conditions, &mut values);
    let (direction, beyond, before) = if ascending { ("asc", ">", "<=") } else { ("desc", "<", ">=") };
    for (place, sign) in [(after, beyond), (until, before)] {
        if let Some((raised, id)) = place {
            values.extend([(*raised).into(), id.into()]);
            let last = values.len();
            wanted.push_str(&format!(" and (raised, id) {sign} (?{}, ?{last})", last - 1));
        }
    }
    values.push(limit.into());
    let sql = format!(
        "select {COLUMNS} from alerts a where tenant = ?1{reach}{wanted} \
         order by raised {direction}, id {direction} limit ?{}",
        values.len()
    );
    tx.rows(&sql, &values)?.into_iter().map(alert).collect()
}

/// Those of these alerts that satisfy all conditions, in the order of time.
pub fn among(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    ids: &[RecordId],
    conditions: &[Condition<AlertField>],
) -> Result<Vec<Alert>> {
    let conditions = entities::expanded(tx, tenant, conditions, &KEYS)?;
    let mut values = vec![tenant.into()];
    let wanted = conditions::compile(tx.dialect(), &conditions, &mut values);
    let list = conditions::one_of(ids.iter().map(Into::into).collect(), &mut values);
    let sql = format!(
        "select {COLUMNS} from alerts a where tenant = ?1{wanted} and id in ({list}) order by raised, id"
    );
    tx.rows(&sql, &values)?.into_iter().map(alert).collect()
}

/// How many alerts satisfy all conditions; at most one more than [`COUNT_CAP`].
pub fn count(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    conditions: &[Condition<AlertField>],
) -> Result<i64> {
    let conditions = entities::expanded(tx, tenant, conditions, &KEYS)?;
    let mut values = vec![tenant.into()];
    let reach = within(reach, Records::Alerts, &mut values);
    let wanted = conditions::compile(tx.dialect(), &conditions, &mut values);
    values.push((COUNT_CAP + 1).into());
    let sql = format!(
        "select count(*) from (select 1 as one from alerts a where tenant = ?1{reach}{wanted} limit ?{}) as counted",
        values.len()
    );
    tx.number(&sql, &values)
}

/// Which of `ids` exist within reach.
pub fn existing(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach, ids: &[String]) -> Result<Vec<String>> {
    let mut values = vec![tenant.into()];
    let reach = within(reach, Records::Alerts, &mut values);
    let list = conditions::one_of(ids.iter().map(|id| id.as_str().into()).collect(), &mut values);
    let sql = format!("select id from alerts a where tenant = ?1{reach} and id in ({list})");
    tx.rows(&sql, &values)?.into_iter().map(|row| row.read().take()).collect()
}

/// Marks an alert as read or unread; a closed one stays archived. False when there is none.
pub fn mark(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    id: &RecordId,
    status: AlertStatus,
) -> Result<bool> {
    let mut values =
        vec![tenant.into(), id.into(), status.number().into(), AlertStatus::Archived.number().into()];
    let reach = within(reach, Records::Alerts, &mut values);
    let sql = format!(
        "update alerts as a set status = case when status = ?4 then status else ?3 end \
         where tenant = ?1 and id = ?2{reach}"
    );
    Ok(tx.execute(&sql, &values)? > 0)
}

/// How alerts are closed.
#[derive(Clone, Debug)]
pub struct Closing {
    /// What became of them.
    pub resolution: Resolution,
    /// When.
    pub at: Timestamp,
    /// Why, in words.
    pub comment: String,
    /// Why, by number.
    pub reason: Option<i64>,
    /// By whom.
    pub by: String,
}

/// Closes those open alerts that satisfy all conditions; answers their ids. A closed alert stays
/// as it was closed.
pub fn close(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    conditions: &[Condition<AlertField>],
    closing: &Closing,
) -> Result<Vec<String>> {
    let conditions = entities::expanded(tx, tenant, conditions, &KEYS)?;
    let mut values = vec![
        tenant.into(),
        closing.resolution.number().into(),
        closing.at.into(),
        (&closing.comment).into(),
        closing.reason.into(),
        (&closing.by).into(),
        AlertStatus::Archived.number().into(),
    ];
    let reach = within(reach, Records::Alerts, &mut values);
    let wanted = conditions::compile(tx.dialect(), &conditions, &mut values);
    let sql = format!(
        "update alerts as a set resolution = ?2, resolved = ?3, comment = ?4, reason = ?5, handled_by = ?6, status = ?7 \
         where tenant = ?1 and resolution = 0{reach}{wanted} returning id"
    );
    let closed: Vec<String> =
        tx.rows(&sql, &values)?.into_iter().map(|row| row.read().take()).collect::<Result<_>>()?;
    entities::scores::of_alerts(tx, tenant, &closed, closing.at)?;
    Ok(closed)
}

/// What is known of the latest alert of a policy about something.
#[derive(Clone, Debug)]
pub struct LatestAlert {
    /// Its id.
    pub id: RecordId,
    /// When it was raised.
    pub raised: Timestamp,
    /// Whether it is open.
    pub open: bool,
    /// Who closed it.
    pub handled_by: Option<String>,
}

/// The latest alert of a policy about something, by its kind and id among what alerts are about.
pub fn latest_about(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    policy: &RecordId,
    (kind, id): (&str, &str),
) -> Result<Option<LatestAlert>> {
    let sql = "select a.id, a.raised, a.resolution, a.handled_by from alert_entities e \
               join alerts a on a.tenant = e.tenant and a.id = e.alert \
               where e.tenant = ?1 and e.kind = ?3 and e.id_key = ?4 and a.policy = ?2 \
               order by a.raised desc, a.id desc limit 1";
    let row = tx.row(sql, &[tenant.into(), policy.into(), kind.into(), id.to_lowercase().into()])?;
    row.map(|row| {
        let mut r = row.read();
        let (id, raised, resolution): (RecordId, Timestamp, i64) = (r.take()?, r.take()?, r.take()?);
        Ok(LatestAlert { id, raised, open: resolution == Resolution::Open.number(), handled_by: r.take()? })
    })
    .transpose()
}

/// Opens those closed alerts again that satisfy all conditions; answers their ids. `now` is when their weight counts.
pub fn reopen(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    conditions: &[Condition<AlertField>],
    now: Timestamp,
) -> Result<Vec<String>> {
    let conditions = entities::expanded(tx, tenant, conditions, &KEYS)?;
    let mut values = vec![tenant.into(), AlertStatus::Read.number().into()];
    let reach = within(reach, Records::Alerts, &mut values);
    let wanted = conditions::compile(tx.dialect(), &conditions, &mut values);
    let sql = format!(
        "update alerts as a set resolution = 0, resolved = null, comment = '', reason = null, handled_by = null, \
         status = ?2 where tenant = ?1 and resolution <> 0{reach}{wanted} returning id"
    );
    let opened: Vec<String> =
        tx.rows(&sql, &values)?.into_iter().map(|row| row.read().take()).collect::<Result<_>>()?;
    entities::scores::of_alerts(tx, tenant, &opened, now)?;
    Ok(opened)
}

/// Forgets alerts that were raised before a moment, at most `limit` at once. Answers how many.
pub fn remove_before(tx: &mut Tx<'_>, tenant: TenantId, before: Timestamp, limit: i64) -> Result<u64> {
    let sql = "select id from alerts where tenant = ?1 and raised < ?2 order by raised, id limit ?3";
    let rows = tx.rows(sql, &[tenant.into(), before.into(), limit.into()])?;
    let ids: Vec<RecordId> = rows.into_iter().map(|row| row.read().take()).collect::<Result<_>>()?;
    for id in &ids {
        full_text::remove_alert(tx, tenant, id)?;
        forwarders::forget_alert(tx, tenant, id)?;
        for sql in [
            "delete from alert_entities where tenant = ?1 and alert = ?2",
            "delete from alert_stories where tenant = ?1 and alert = ?2",
            "delete from sent_alerts where tenant = ?1 and alert = ?2",
            "delete from alerts where tenant = ?1 and id = ?2",
        ] {
            tx.execute(sql, &[tenant.into(), id.into()])?;
        }
    }
    Ok(ids.len() as u64)
}
