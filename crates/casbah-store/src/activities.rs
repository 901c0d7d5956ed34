//! Activities: the large table, always read in the order of time.

mod conditions;
mod plan;
#[cfg(test)]
mod tests;

use casbah_model::filter::{ActivityField, ActivityOrder, Condition, Page, Range, Test};
use casbah_model::{Activity, ActivityFacts, Guid, Reach, TenantId, Timestamp, user_agent};

use crate::alerts::conditions::one_of;
use crate::full_text::{self, Texts};
use crate::migrations::Dialect;
use crate::reach::{Records, within};
use crate::{Error, Result, Row, Tx, Value, arrivals, entities, forwarders};

const COLUMNS: &str = "seq, id, created, source, service, instance, action, category, action_type, actor_kind, \
    actor, user_name, client, address, ip_category, country, organization, device_type, admin, failure, facts";

/// The fields whose operands are keys of entities.
const KEYS: [ActivityField; 1] = [ActivityField::Entity];

/// Counting stops here; beyond it a list says only that there are more.
pub const COUNT_CAP: i64 = 10_000;
/// Most activities of one millisecond that are given together.
pub const WHOLE_MOMENT: i64 = 100_000;
/// Places of one moment that are tried before giving up.
const MOST_OF_A_MOMENT: i64 = 64;

/// Kind of a term: an object that something was done to, by id or name.
const OBJECT: i64 = 1;
/// Kind of a term: a tag of the address.
const IP_TAG: i64 = 2;
/// Kind of a term: a tag of the user agent.
const AGENT_TAG: i64 = 3;

fn activity(row: Row) -> Result<Activity> {
    let mut r = row.read();
    Ok(Activity {
        seq: r.take()?,
        id: r.take()?,
        created: r.take()?,
        source: r.take()?,
        service: r.take()?,
        instance: r.take()?,
        action: r.take()?,
        category: r.take()?,
        action_type: r.take()?,
        actor_kind: r.take()?,
        actor: r.take()?,
        user_name: r.take()?,
        client: r.take()?,
        address: r.take()?,
        ip_category: r.take()?,
        country: r.take()?,
        organization: r.take()?,
        device_type: r.take()?,
        admin: r.take()?,
        failure: r.take()?,
        facts: r.take_json()?,
    })
}

/// Adds an activity. When its place in time is taken, it gets the next free one.
pub fn insert(tx: &mut Tx<'_>, tenant: TenantId, activity: &Activity) -> Result<()> {
    let lower = |text: &Option<String>| text.as_ref().map(|t| t.trim().to_lowercase());
    let user_key = lower(&activity.user_name);
    let search = search(activity);
    let domain =
        user_key.as_ref().and_then(|name| name.rsplit_once('@')).map(|(_, domain)| domain.to_string());
    let sql = format!(
        "insert into activities (tenant, {COLUMNS}, user_key, user_domain, agent_key, search) values (?1, ?2, ?3, ?4, \
         ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26) \
         on conflict (tenant, seq) do nothing"
    );
    let mut values = [
        tenant.into(),
        activity.seq.into(),
        (&activity.id).into(),
        activity.created.into(),
        activity.source.into(),
        activity.service.into(),
        activity.instance.into(),
        (&activity.action).into(),
        (&activity.category).into(),
        (&activity.action_type).into(),
        (&activity.actor_kind).into(),
        activity.actor.as_ref().into(),
        activity.user_name.as_ref().into(),
        activity.client.into(),
        activity.address.as_ref().into(),
        activity.ip_category.into(),
        activity.country.as_ref().into(),
        activity.organization.as_ref().into(),
        activity.device_type.as_ref().into(),
        activity.admin.into(),
        activity.failure.into(),
        Value::json(&activity.facts),
        user_key.into(),
        domain.into(),
        lower(&activity.facts.user_agent).into(),
        search.as_str().into(),
    ];
    let mut seq = activity.seq;
    while full_text::is_taken(tx, Texts::Activities, seq)? || tx.execute(&sql, &values)? == 0 {
        seq += 1;
        if seq > activity.seq + MOST_OF_A_MOMENT {
            return Err(Error::Conflict);
        }
        values[1] = seq.into();
    }
    full_text::insert(tx, tenant, Texts::Activities, seq, &search)?;
    insert_terms(tx, tenant, seq, activity)?;
    arrivals::note_activity(tx, tenant, seq)
}

fn insert_terms(tx: &mut Tx<'_>, tenant: TenantId, seq: i64, activity: &Activity) -> Result<()> {
    let facts = &activity.facts;
    let objects = facts.objects.iter().flat_map(|o| [&o.id, &o.name]).filter(|text| !text.is_empty());
    let mut terms: Vec<(i64, String)> = objects.map(|text| (OBJECT, text.to_lowercase())).collect();
    terms.extend(facts.ip_tags.iter().map(|tag| (IP_TAG, tag.to_lowercase())));
    if let Some(agent) = &facts.user_agent {
        let tags = user_agent::parse(agent, activity.at()).tags;
        terms.extend(tags.into_iter().map(|tag| (AGENT_TAG, tag.to_string())));
    }
    terms.sort_unstable();
    terms.dedup();
    for (kind, term) in terms {
        let sql = "insert into activity_terms (tenant, kind, term, seq) values (?1, ?2, ?3, ?4)";
        tx.execute(sql, &[tenant.into(), kind.into(), term.into(), seq.into()])?;
    }
    Ok(())
}

/// Gives the activities that exist the tags of their user agents; for the migration that brings them.
pub(crate) fn fill_agent_tags(tx: &mut Tx<'_>) -> Result<()> {
    const AT_ONCE: i64 = 1_000;
    let mut after = (String::new(), 0_i64);
    loop {
        let sql = "select tenant, seq, facts from activities where (tenant, seq) > (?1, ?2) \
                   and agent_key is not null order by tenant, seq limit ?3";
        let rows = tx.rows(sql, &[after.0.as_str().into(), after.1.into(), AT_ONCE.into()])?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let mut r = row.read();
            let (tenant, seq): (TenantId, i64) = (r.take()?, r.take()?);
            let facts: ActivityFacts = r.take_json()?;
            after = (tenant.to_string(), seq);
            let agent = facts.user_agent.unwrap_or_default();
            for tag in user_agent::parse(&agent, Activity::at_place(seq)).tags {
                let sql = "insert into activity_terms (tenant, kind, term, seq) values (?1, ?2, ?3, ?4) \
                           on conflict do nothing";
                tx.execute(sql, &[tenant.into(), AGENT_TAG.into(), tag.into(), seq.into()])?;
            }
        }
    }
}

/// The words that the filter `text` searches, beginning with those of the action.
fn search(activity: &Activity) -> String {
    let facts = &activity.facts;
    let single = [
        Some(&activity.action),
        activity.user_name.as_ref(),
        facts.client_name.as_ref(),
        activity.address.as_ref(),
        facts.user_agent.as_ref(),
        activity.organization.as_ref(),
    ];
    let objects = facts.objects.iter().flat_map(|o| [&o.name, &o.id]);
    let words: Vec<&str> = single.into_iter().flatten().chain(objects).map(String::as_str).collect();
    full_text::searchable(&words.join("\n"))
}

/// The newest `limit` activities of an app.
pub fn newest(tx: &mut Tx<'_>, tenant: TenantId, service: i64, limit: i64) -> Result<Vec<Activity>> {
    let sql = format!(
        "select {COLUMNS} from activities where tenant = ?1 and service = ?2 order by seq desc limit ?3"
    );
    tx.rows(&sql, &[tenant.into(), service.into(), limit.into()])?.into_iter().map(activity).collect()
}

/// The newest `limit` activities in which somebody did one of three things.
pub fn newest_of_actor(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    actor: Guid,
    actions: &[&str; 3],
    limit: i64,
) -> Result<Vec<Activity>> {
    let sql = format!(
        "select {COLUMNS} from activities where tenant = ?1 and actor = ?2 and action in (?3, ?4, ?5) \
         order by seq desc limit ?6"
    );
    let [first, second, third] = *actions;
    let values = [tenant.into(), actor.into(), first.into(), second.into(), third.into(), limit.into()];
    tx.rows(&sql, &values)?.into_iter().map(activity).collect()
}

/// An activity, if it exists within reach.
pub fn find(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach, id: &str) -> Result<Option<Activity>> {
    let mut values = vec![tenant.into(), id.into()];
    let reach = within(reach, Records::Activities, &mut values);
    let sql = format!("select {COLUMNS} from activities a where tenant = ?1 and id = ?2{reach}");
    tx.row(&sql, &values)?.map(activity).transpose()
}

/// The activities at these places, in the order of time.
pub(crate) fn at_places(tx: &mut Tx<'_>, tenant: TenantId, places: &[i64]) -> Result<Vec<Activity>> {
    let mut values = vec![tenant.into()];
    let list = one_of(places.iter().map(|place| (*place).into()).collect(), &mut values);
    let sql = format!(
        "select {COLUMNS} from activities a where a.tenant = ?1 and a.seq in ({list}) order by a.seq"
    );
    tx.rows(&sql, &values)?.into_iter().map(activity).collect()
}

/// Which of the activities at these places satisfy all conditions of one of the sets.
pub fn satisfying(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    places: &[i64],
    any: &[Vec<Condition<ActivityField>>],
) -> Result<Vec<i64>> {
    let mut values = vec![tenant.into()];
    let list = one_of(places.iter().map(|place| (*place).into()).collect(), &mut values);
    let any = conditions::compile_any(tx.dialect(), any, &mut values);
    let sql = format!("select a.seq from activities a where a.tenant = ?1 and a.seq in ({list}) and ({any})");
    tx.rows(&sql, &values)?.into_iter().map(|row| row.read().take()).collect()
}

/// The activities at these places that satisfy all conditions, in the order of time.
pub fn among(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    places: &[i64],
    wanted: &[Condition<ActivityField>],
) -> Result<Vec<Activity>> {
    let wanted = entities::expanded(tx, tenant, wanted, &KEYS)?;
    let mut values = vec![tenant.into()];
    let conditions = conditions::compile(tx.dialect(), &wanted, &mut values);
    let list = one_of(places.iter().map(|place| (*place).into()).collect(), &mut values);
    let sql = format!(
        "select {COLUMNS} from activities a where a.tenant = ?1{conditions} and a.seq in ({list}) order by a.seq"
    );
    tx.rows(&sql, &values)?.into_iter().map(activity).collect()
}

/// Activities of somebody (a user name in lower case, or else an object id) between two places that satisfy all
/// conditions of one of the sets; the first `limit` in the order of time, or the last when `descending`.
pub fn of_somebody(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    somebody: &str,
    (from, to): (i64, i64),
    any: &[Vec<Condition<ActivityField>>],
    (descending, limit): (bool, i64),
) -> Result<Vec<Activity>> {
    let mut values = vec![tenant.into(), somebody.into(), from.into(), to.into()];
    let any = conditions::compile_any(tx.dialect(), any, &mut values);
    values.push(limit.into());
    let direction = if descending { "desc" } else { "asc" };
    // Two halves, because each has an index of its own.
    let half = |who: &str| {
        format!(
            "select {COLUMNS} from activities a where a.tenant = ?1 and {who} and a.seq between ?3 and ?4 and ({any})"
        )
    };
    let (named, unnamed) = (half("a.user_key = ?2"), half("a.actor = ?2 and a.user_key is null"));
    let sql = format!("{named} union all {unnamed} order by seq {direction} limit ?{}", values.len());
    tx.rows(&sql, &values)?.into_iter().map(activity).collect()
}

/// Whether the tenant has an activity from before that moment.
pub fn any_before(tx: &mut Tx<'_>, tenant: TenantId, at: Timestamp) -> Result<bool> {
    let sql = "select seq from activities where tenant = ?1 and seq < ?2 order by seq limit 1";
    Ok(tx.row(sql, &[tenant.into(), Activity::first_at(at).into()])?.is_some())
}

/// One page of the activities that satisfy all conditions, in a total order.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    wanted: &[Condition<ActivityField>],
    order: ActivityOrder,
    page: Page,
) -> Result<Vec<Activity>> {
    let wanted = &entities::expanded(tx, tenant, wanted, &KEYS)?;
    // What most activities have is found among the nearest.
    if let Some(nearest) = plan::nearest(tx, &tenant.into(), wanted, order)? {
        let found = list_among(tx, tenant, reach, wanted, order, page, Some(&nearest))?;
        if nearest.complete || found.len() as i64 == page.limit {
            return Ok(found);
        }
    }
    // Without limits of a role, a single condition is all that decides.
    let alone = matches!(reach, Reach::Everything).then(|| page.skip.saturating_add(page.limit));
    if let Some(narrow) = plan::narrow(tx, &tenant.into(), wanted, order, alone)? {
        let found = list_among(tx, tenant, reach, wanted, order, page, Some(&narrow))?;
        if narrow.complete || found.len() as i64 == page.limit {
            return Ok(found);
        }
    }
    list_among(tx, tenant, reach, wanted, order, page, None)
}

/// The same, of certain activities only, or along the time.
fn list_among(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    wanted: &[Condition<ActivityField>],
    order: ActivityOrder,
    page: Page,
    narrow: Option<&plan::Narrow>,
) -> Result<Vec<Activity>> {
    let mut values = vec![tenant.into()];
    let reach = within(reach, Records::Activities, &mut values);
    let conditions = conditions::compile(tx.dialect(), wanted, &mut values);
    // SQLite knows nothing of how often a value occurs, and would sort all that an index gives.
    let along = match tx.dialect() {
        Dialect::Sqlite if narrow.is_some() || !order.by_created => " not indexed",
        _ => "",
    };
    let narrow = narrow.map(|narrow| narrow.condition(&mut values)).unwrap_or_default();
    let direction = if order.ascending { "asc" } else { "desc" };
    let first = if order.by_created { format!("a.created {direction}, ") } else { String::new() };
    values.extend([page.limit.into(), page.skip.into()]);
    let (limit, skip) = (values.len() - 1, values.len());
    let sql = format!(
        "select {COLUMNS} from activities a{along} where a.tenant = ?1{reach}{conditions}{narrow} \
         order by {first}a.seq {direction} limit ?{limit} offset ?{skip}"
    );
    tx.rows(&sql, &values)?.into_iter().map(activity).collect()
}

/// Those activities behind a place that satisfy all conditions, in the order of time, up to another place in
/// it; at most `limit`. However far a walk has come, its next step costs the same.
pub fn list_after(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    wanted: &[Condition<ActivityField>],
    ascending: bool,
    (after, until): (Option<i64>, Option<i64>),
    limit: i64,
) -> Result<Vec<Activity>> {
    let places = if ascending {
        Range { from: after.map(|place| place.saturating_add(1)), to: until }
    } else {
        Range { from: until, to: after.map(|place| place.saturating_sub(1)) }
    };
    let places = Condition { field: ActivityField::Place, test: Test::Within(vec![places]) };
    let wanted: Vec<_> = wanted.iter().cloned().chain([places]).collect();
    let order = ActivityOrder { by_created: false, ascending };
    list(tx, tenant, reach, &wanted, order, Page { skip: 0, limit })
}

/// How many activities satisfy all conditions; at most one more than [`COUNT_CAP`].
pub fn count(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    wanted: &[Condition<ActivityField>],
) -> Result<i64> {
    let wanted = &entities::expanded(tx, tenant, wanted, &KEYS)?;
    let newest = ActivityOrder { by_created: false, ascending: false };
    let alone = matches!(reach, Reach::Everything).then_some(COUNT_CAP + 1);
    let narrow = plan::narrow(tx, &tenant.into(), wanted, newest, alone)?.filter(|narrow| narrow.complete);
    if let Some(narrow) = narrow.as_ref().filter(|narrow| narrow.exact) {
        return Ok(narrow.count.min(COUNT_CAP + 1));
    }
    let mut values = vec![tenant.into()];
    let reach = within(reach, Records::Activities, &mut values);
    let conditions = conditions::compile(tx.dialect(), wanted, &mut values);
    let narrow = narrow.map(|narrow| narrow.condition(&mut values)).unwrap_or_default();
    values.push((COUNT_CAP + 1).into());
    let sql = format!(
        "select count(*) from (select 1 as one from activities a where a.tenant = ?1{reach}{conditions}{narrow} limit ?{}) \
         as counted",
        values.len()
    );
    tx.number(&sql, &values)
}

/// What somebody said of an activity.
pub fn find_feedback(tx: &mut Tx<'_>, tenant: TenantId, id: &str) -> Result<Option<serde_json::Value>> {
    let sql = "select feedback from activity_feedback where tenant = ?1 and activity = ?2";
    tx.row(sql, &[tenant.into(), id.into()])?.map(|row| row.read().take_json()).transpose()
}

/// Keeps what somebody said of an activity, in place of what was said before.
pub fn save_feedback(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: &str,
    at: Timestamp,
    by: &str,
    feedback: &serde_json::Value,
) -> Result<()> {
    let sql = "insert into activity_feedback (tenant, activity, at, by_whom, feedback) values (?1, ?2, ?3, ?4, ?5) \
               on conflict (tenant, activity) do update set at = excluded.at, by_whom = excluded.by_whom, \
               feedback = excluded.feedback";
    tx.execute(sql, &[tenant.into(), id.into(), at.into(), by.into(), Value::json(feedback)])?;
    Ok(())
}

/// Forgets activities that happened before; at most `limit` at once. Answers how many.
pub fn remove_before(tx: &mut Tx<'_>, tenant: TenantId, before: Timestamp, limit: i64) -> Result<u64> {
    let sql = "select seq from activities where tenant = ?1 and seq < ?2 order by seq limit 1 offset ?3";
    let values = [tenant.into(), Activity::first_at(before).into(), limit.into()];
    // Everything below this place goes; there are at most `limit` of them.
    let end = match tx.row(sql, &values)? {
        Some(row) => row.read().take()?,
        None => Activity::first_at(before),
    };
    let values = [tenant.into(), Value::from(end)];
    full_text::remove_activities_below(tx, tenant, end)?;
    tx.execute("delete from activity_terms where tenant = ?1 and seq < ?2", &values)?;
    tx.execute("delete from activity_matches where tenant = ?1 and seq < ?2", &values)?;
    tx.execute("delete from arrived_activities where tenant = ?1 and seq < ?2", &values)?;
    forwarders::forget_activities_below(tx, tenant, end)?;
    let sql = "delete from activity_feedback where tenant = ?1 and activity in \
               (select id from activities where tenant = ?1 and seq < ?2)";
    tx.execute(sql, &values)?;
    tx.execute("delete from activities where tenant = ?1 and seq < ?2", &values)
}
