//! Activities: the large table, always read in the order of time.

use casbah_model::{Activity, TenantId};

use crate::{Error, Result, Row, Tx, Value};

const COLUMNS: &str = "seq, id, created, source, service, instance, action, category, action_type, actor_kind, \
    actor, user_name, client, address, ip_category, country, organization, device_type, admin, failure, facts";

/// Places of one moment that are tried before giving up.
const MOST_OF_A_MOMENT: i64 = 64;

/// Kind of a term: an object that something was done to, by id or name.
const OBJECT: i64 = 1;
/// Kind of a term: a tag of the address.
const IP_TAG: i64 = 2;

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
        search(activity).into(),
    ];
    let mut seq = activity.seq;
    while tx.execute(&sql, &values)? == 0 {
        seq += 1;
        if seq > activity.seq + MOST_OF_A_MOMENT {
            return Err(Error::Conflict);
        }
        values[1] = seq.into();
    }
    insert_terms(tx, tenant, seq, activity)
}

fn insert_terms(tx: &mut Tx<'_>, tenant: TenantId, seq: i64, activity: &Activity) -> Result<()> {
    let facts = &activity.facts;
    let objects = facts.objects.iter().flat_map(|o| [&o.id, &o.name]).filter(|text| !text.is_empty());
    let mut terms: Vec<(i64, String)> = objects.map(|text| (OBJECT, text.to_lowercase())).collect();
    terms.extend(facts.ip_tags.iter().map(|tag| (IP_TAG, tag.to_lowercase())));
    terms.sort_unstable();
    terms.dedup();
    for (kind, term) in terms {
        let sql = "insert into activity_terms (tenant, kind, term, seq) values (?1, ?2, ?3, ?4)";
        tx.execute(sql, &[tenant.into(), kind.into(), term.into(), seq.into()])?;
    }
    Ok(())
}

/// The words that the filter `text` searches.
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
    words.join("\n").to_lowercase()
}

/// The newest `limit` activities of an app.
pub fn newest(tx: &mut Tx<'_>, tenant: TenantId, service: i64, limit: i64) -> Result<Vec<Activity>> {
    let sql = format!(
        "select {COLUMNS} from activities where tenant = ?1 and service = ?2 order by seq desc limit ?3"
    );
    tx.rows(&sql, &[tenant.into(), service.into(), limit.into()])?.into_iter().map(activity).collect()
}
