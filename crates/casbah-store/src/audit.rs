//! The audit trail: who changed what, written in the transaction that makes the change. Each record
//! becomes an activity of the app *Casbah*.

use std::future::Future;

use casbah_model::activity::{CASBAH_APP, device_type};
use casbah_model::{Activity, ActivityFacts, ActivityObject, Guid, Origin, RecordId, TenantId, Timestamp};
use serde_json::Value as Json;

use crate::entities::seen::{AT_ONCE, Seen};
use crate::{Error, Result, Tx, activities, entities, places};

tokio::task_local! {
    static ORIGIN: Origin;
}

/// Runs `work` as the answer to a request that came from there: whatever it records, in this task or in a
/// transaction that it begins, says so. The edge does this for each request.
pub async fn from_origin<F: Future>(origin: Origin, work: F) -> F::Output {
    ORIGIN.scope(origin, work).await
}

/// Where the request that is being answered came from; nowhere in a job.
pub fn origin() -> Origin {
    ORIGIN.try_with(Origin::clone).unwrap_or_default()
}

/// Runs a piece of a transaction as if it had come from there; for what is written later than it happened.
pub fn with_origin<T>(origin: Origin, work: impl FnOnce() -> T) -> T {
    ORIGIN.sync_scope(origin, work)
}

/// Something that was done. The address and the user agent are not in it: [`append`] knows them.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// Its id.
    pub id: RecordId,
    /// When.
    pub at: Timestamp,
    /// `user`, `application` or `system`.
    pub actor_kind: String,
    /// Object id of the actor; empty for the system, and for a person who could not be told.
    pub actor: String,
    /// Sign-in name of the person or name of the application; looked up when empty.
    pub actor_name: String,
    /// Application id of the client that it was done through.
    pub client: Option<Guid>,
    /// What was done, verb and noun: `add secret`, `close alert`. The words of the activity's type are made
    /// of it, so each thing that can be done has one action, always the same.
    pub action: String,
    /// Why it failed: the number of an AADSTS code. None when it worked.
    pub failure: Option<i64>,
    /// Kind of the thing changed.
    pub target_kind: String,
    /// Its id.
    pub target: String,
    /// More facts; never a secret. A change says `before` and `after` in it, see [`AuditRecord::changed`].
    pub details: Json,
}

impl AuditRecord {
    /// A record of something that worked. `actor` is kind and object id, `target` kind and id. It draws an
    /// id: make it before the transaction.
    pub fn new(
        at: Timestamp,
        actor: (&str, impl ToString),
        action: &str,
        target: (&str, impl ToString),
        details: Json,
    ) -> AuditRecord {
        AuditRecord {
            id: RecordId::new(at),
            at,
            actor_kind: actor.0.to_string(),
            actor: actor.1.to_string(),
            actor_name: String::new(),
            client: None,
            action: action.to_string(),
            failure: None,
            target_kind: target.0.to_string(),
            target: target.1.to_string(),
            details,
        }
    }

    /// The record, with its target, and what changed in it: those properties that differ. For something
    /// new, `before` is null; for something deleted, `after` is. Never put a secret into either.
    #[must_use]
    pub fn changed(&self, target: impl ToString, before: &Json, after: &Json) -> AuditRecord {
        let (before, after) = casbah_model::activity::difference(before, after);
        let mut record = AuditRecord { target: target.to_string(), ..self.clone() };
        if !record.details.is_object() {
            record.details = Json::Object(serde_json::Map::new());
        }
        for (name, value) in [("before", before), ("after", after)] {
            match (record.details.get_mut(name), value) {
                // Two changes in one: both are told.
                (Some(Json::Object(earlier)), Json::Object(more)) => earlier.extend(more),
                (_, value) => record.details[name] = value,
            }
        }
        record
    }
}

/// Actions that are sign-ins and the like, not changes of how things are set up.
const COMINGS_AND_GOINGS: [&str; 4] = ["sign in", "sign in to application", "failed sign-in", "sign out"];
/// Those of them that are sign-ins.
const SIGN_INS: [&str; 3] = ["sign in", "sign in to application", "failed sign-in"];

/// Adds a record.
pub fn append(tx: &mut Tx<'_>, tenant: TenantId, record: &AuditRecord) -> Result<()> {
    let origin = origin();
    let names = Names::find(tx, tenant, record)?;
    let (category, action_type) = words(record);
    let given = Some(&record.actor_name).filter(|name| !name.is_empty()).cloned();
    let objects = if record.target.is_empty() {
        Vec::new()
    } else {
        let name = names.target.or_else(|| named(&record.details)).unwrap_or_default();
        vec![ActivityObject { kind: record.target_kind.clone(), id: record.target.clone(), name }]
    };
    let mut activity = Activity {
        seq: Activity::place(record.at, noise(&record.id)),
        id: record.id.to_string(),
        created: record.at,
        source: 2,
        service: CASBAH_APP,
        instance: 0,
        action: record.action.clone(),
        category,
        action_type,
        actor_kind: record.actor_kind.clone(),
        actor: Some(record.actor.clone()).filter(|id| !id.is_empty()),
        user_name: given.or(names.actor),
        client: record.client,
        address: origin.address.map(|a| a.to_string()),
        ip_category: 0,
        country: None,
        organization: None,
        device_type: origin.user_agent.as_deref().map(|agent| device_type(agent).to_string()),
        admin: !COMINGS_AND_GOINGS.contains(&record.action.as_str()),
        failure: record.failure,
        facts: ActivityFacts {
            service_name: "Casbah".to_string(),
            client_name: names.client,
            user_agent: origin.user_agent,
            objects,
            details: record.details.clone(),
            ..ActivityFacts::default()
        },
    };
    places::complete(tx, tenant, &mut activity)?;
    activities::insert(tx, tenant, &activity)?;
    let seen: Vec<Seen> = Seen::of(&activity).into_iter().collect();
    entities::seen::note(tx, tenant, &seen, AT_ONCE)
}

/// The name of something that has none in the directory, such as an IP range, or has it no more: as it is after
/// the change, or as it was before.
fn named(details: &Json) -> Option<String> {
    let name = |facts: &Json| {
        let keys = ["userPrincipalName", "displayName", "name"];
        keys.iter().find_map(|key| facts.get(*key)?.as_str()).map(String::from)
    };
    ["after", "before"].iter().find_map(|side| name(details.get(*side)?))
}

/// Two records of one millisecond get places by the end of their ids.
fn noise(id: &RecordId) -> u32 {
    id.as_str().get(16..).and_then(|end| u32::from_str_radix(end, 16).ok()).unwrap_or(0)
}

/// Category and type of an action.
fn words(record: &AuditRecord) -> (String, String) {
    let upper = record.action.to_uppercase().replace([' ', '-'], "_");
    let (category, action_type) = match record.action.as_str() {
        "sign in" | "sign in to application" if record.failure.is_none() => ("LOGIN", "EVENT_AAD_LOGIN"),
        "sign in" | "sign in to application" | "failed sign-in" => ("FAILED_LOGIN", "EVENT_AAD_LOGIN_FAILED"),
        "sign out" => ("LOGOUT", "EVENT_AAD_LOGOUT"),
        _ => return (format!("EVENT_CATEGORY_{upper}"), format!("EVENT_CASBAH_{upper}")),
    };
    (format!("EVENT_CATEGORY_{category}"), action_type.to_string())
}

/// The names behind ids, as they are now: later they may be gone.
struct Names {
    actor: Option<String>,
    client: Option<String>,
    target: Option<String>,
}

impl Names {
    fn find(tx: &mut Tx<'_>, tenant: TenantId, record: &AuditRecord) -> Result<Names> {
        // One statement, because each is a round trip on PostgreSQL.
        let sql = "select \
            coalesce((select user_principal_name from users where tenant = ?1 and id = ?2), \
                     (select display_name from service_principals where tenant = ?1 and id = ?2)), \
            (select display_name from service_principals where tenant = ?1 and app_id = ?3), \
            coalesce((select user_principal_name from users where tenant = ?1 and id = ?4), \
                     (select display_name from service_principals where tenant = ?1 and id = ?4), \
                     (select display_name from applications where tenant = ?1 and id = ?4), \
                     (select display_name from groups_of_people where tenant = ?1 and id = ?4))";
        let client = record.client.map(|id| id.to_string()).unwrap_or_default();
        let values = [tenant.into(), (&record.actor).into(), client.into(), (&record.target).into()];
        let row = tx.row(sql, &values)?.ok_or_else(|| Error::Shape("no row of names".into()))?;
        let mut r = row.read();
        let (mut actor, client): (Option<String>, Option<String>) = (r.take()?, r.take()?);
        if record.actor.is_empty() && record.actor_kind == "application" {
            // Whoever says it is that application is shown under its name.
            actor.clone_from(&client);
        }
        Ok(Names { actor, client, target: r.take()? })
    }
}

/// The newest `limit` records.
pub fn newest(tx: &mut Tx<'_>, tenant: TenantId, limit: i64) -> Result<Vec<AuditRecord>> {
    let found = activities::newest(tx, tenant, CASBAH_APP, limit)?;
    // What was brought here from elsewhere has another kind of id, and is no record of ours.
    Ok(found.into_iter().filter_map(|a| a.id.parse().ok().map(|id| record(id, a))).collect())
}

/// The newest `limit` sign-ins of a person, those that failed too.
pub fn sign_ins_of(tx: &mut Tx<'_>, tenant: TenantId, user: Guid, limit: i64) -> Result<Vec<Activity>> {
    activities::newest_of_actor(tx, tenant, user, &SIGN_INS, limit)
}

fn record(id: RecordId, activity: Activity) -> AuditRecord {
    let object = activity.facts.objects.first();
    AuditRecord {
        id,
        at: activity.at(),
        actor_kind: activity.actor_kind,
        actor: activity.actor.unwrap_or_default(),
        actor_name: activity.user_name.unwrap_or_default(),
        client: activity.client,
        action: activity.action,
        failure: activity.failure,
        target_kind: object.map(|o| o.kind.clone()).unwrap_or_default(),
        target: object.map(|o| o.id.clone()).unwrap_or_default(),
        details: activity.facts.details,
    }
}
