//! Who did something becomes an entity: an account in the app where it was done, with the person behind it.

use casbah_model::activity::CASBAH_APP;
use casbah_model::{
    Activity, DIRECTORY_APP, EntityAddress, EntityFacts, Guid, RecordId, TenantId, Timestamp,
};

use super::of_directory::domain_of;
use super::record_of;
use crate::{Result, Row, Tx, Value};

/// Category of failed sign-ins, which may be anybody's: they show nobody.
const FAILED: &str = "EVENT_CATEGORY_FAILED_LOGIN";
/// Whoever is busy is written down once in this time, in milliseconds, so that calls do not wait for each other.
pub(crate) const AT_ONCE: i64 = 60_000;

/// Somebody who did something, or is named as the owner of something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    /// Where.
    pub address: EntityAddress,
    /// Whether it is an application.
    pub application: bool,
    /// Name or address.
    pub name: String,
    /// When; none when it is only named.
    pub at: Option<Timestamp>,
}

impl Seen {
    /// Whoever did that, if it can be told. A failed sign-in shows nobody: it may be anybody's.
    pub fn of(activity: &Activity) -> Option<Seen> {
        if activity.category == FAILED { None } else { Seen::named(activity) }
    }

    /// Whoever an activity names.
    fn named(activity: &Activity) -> Option<Seen> {
        if activity.actor_kind == "system" {
            return None;
        }
        let text = |text: &Option<String>| {
            text.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(String::from)
        };
        let (actor, name) = (text(&activity.actor), text(&activity.user_name));
        let id = actor.or_else(|| name.clone())?;
        let application = activity.actor_kind == "application";
        let saas = app_of(activity.service, application);
        let address = EntityAddress { id: id.clone(), saas, inst: activity.instance };
        Some(Seen { address, application, name: name.unwrap_or(id), at: Some(activity.at()) })
    }
}

/// Applications are service principals of the directory, whichever of our interfaces they call.
fn app_of(service: i64, application: bool) -> i64 {
    if application && service == CASBAH_APP { DIRECTORY_APP } else { service }
}

/// The record ids under which whoever an activity names may be known, the best first: the account and, where
/// Casbah itself reports it, the person.
pub fn records_of_actor(tenant: TenantId, activity: &Activity) -> Vec<RecordId> {
    let Some(Seen { address, .. }) = Seen::named(activity) else { return Vec::new() };
    let person = (address.saas == CASBAH_APP).then(|| EntityAddress::of_directory(&address.id));
    [Some(address), person].into_iter().flatten().map(|address| record_of(tenant, &address)).collect()
}

/// Notes who was seen. Whoever was written down less than `coarse` milliseconds before stays as they are.
pub fn note(tx: &mut Tx<'_>, tenant: TenantId, seen: &[Seen], coarse: i64) -> Result<()> {
    let mut latest: Vec<Seen> = Vec::new();
    for one in seen {
        match latest.iter_mut().find(|known| {
            known.address.saas == one.address.saas
                && known.address.inst == one.address.inst
                && known.address.id_key() == one.address.id_key()
        }) {
            Some(known) => known.at = known.at.max(one.at),
            None => latest.push(one.clone()),
        }
    }
    latest.iter().try_for_each(|one| note_one(tx, tenant, one, coarse))
}

fn note_one(tx: &mut Tx<'_>, tenant: TenantId, seen: &Seen, coarse: i64) -> Result<()> {
    let record = record_of(tenant, &seen.address);
    let at = seen.at.map_or(0, |at| at.0.max(1));
    let sql = "select last_seen, parent from entities where tenant = ?1 and record = ?2";
    let parent = match tx.row(sql, &[tenant.into(), (&record).into()])? {
        Some(row) => {
            let mut r = row.read();
            let (before, parent): (i64, Option<RecordId>) = (r.take()?, r.take()?);
            if at <= before || (before > 0 && at < before.saturating_add(coarse)) {
                return Ok(());
            }
            parent
        }
        None => {
            let person = person_behind(tx, tenant, seen)?;
            insert(tx, tenant, seen, &record, at, person.as_ref())?;
            person.map(|person| person.record)
        }
    };
    for record in [Some(record), parent].into_iter().flatten() {
        let sql = "update entities set last_seen = ?3 where tenant = ?1 and record = ?2 and last_seen < ?3";
        tx.execute(sql, &[tenant.into(), record.into(), at.into()])?;
    }
    Ok(())
}

/// A person to whom an account belongs.
pub(super) struct Person {
    pub(super) record: RecordId,
    pub(super) display_name: String,
    pub(super) status: i64,
}

/// The person behind an account, by object id or by address, if it is one person.
fn person_behind(tx: &mut Tx<'_>, tenant: TenantId, seen: &Seen) -> Result<Option<Person>> {
    if seen.application {
        return Ok(None);
    }
    person(tx, tenant, &seen.address.id, &[&seen.name, &seen.address.id])
}

/// The one person with that object id or one of these addresses; those who are deleted last.
pub(super) fn person(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    id: &str,
    addresses: &[&str],
) -> Result<Option<Person>> {
    let read = |row: Row| {
        let mut r = row.read();
        Ok(Person { record: r.take()?, display_name: r.take()?, status: r.take()? })
    };
    const COLUMNS: &str = "record, display_name, status";
    if let Ok(id) = id.parse::<Guid>() {
        let sql = format!(
            "select {COLUMNS} from entities where tenant = ?1 and saas = ?2 and inst = 0 \
                           and id_key = ?3 and kind = 2"
        );
        if let Some(row) = tx.row(&sql, &[tenant.into(), DIRECTORY_APP.into(), id.into()])? {
            return read(row).map(Some);
        }
    }
    let mut keys = addresses.iter().filter(|a| domain_of(a).is_some()).map(|a| a.trim().to_lowercase());
    let Some(first) = keys.next() else { return Ok(None) };
    let second = keys.next().unwrap_or_else(|| first.clone());
    let sql = format!(
        "select {COLUMNS} from entities where tenant = ?1 and kind = 2 and (email_key in (?2, ?3) \
         or (of_directory = 1 and name_key in (?2, ?3))) order by case when status = 4 then 1 else 0 end, record limit 2"
    );
    let found = tx.rows(&sql, &[tenant.into(), first.into(), second.into()])?;
    let mut found = found.into_iter().map(read).collect::<Result<Vec<Person>>>()?;
    // Two who could be meant are as good as none, unless one of them is gone.
    let one = found.len() == 1 || found.get(1).is_some_and(|second| second.status == 4);
    Ok(if one && !found.is_empty() { Some(found.swap_remove(0)) } else { None })
}

fn insert(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    seen: &Seen,
    record: &RecordId,
    at: i64,
    person: Option<&Person>,
) -> Result<()> {
    let email = [&seen.name, &seen.address.id].into_iter().find(|text| domain_of(text).is_some());
    let domain = email.and_then(|text| domain_of(text));
    // What is done here is done by those whom the directory knows; other apps do not say how they are.
    let status = match (seen.address.saas, person) {
        (CASBAH_APP, Some(person)) => person.status,
        _ if seen.application && seen.address.saas == DIRECTORY_APP => 2,
        _ => 0,
    };
    let display_name = person.map_or(&seen.name, |person| &person.display_name);
    let sql = "insert into entities (tenant, record, saas, inst, id, id_key, kind, of_directory, application, \
               display_name, display_key, user_name, name_key, email, email_key, domain, external, status, admin, \
               parent, last_seen, score, facts) values (?1, ?2, ?3, ?4, ?5, ?6, 1, 0, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
               ?14, ?15, ?16, 0, ?17, ?18, -1, ?19) on conflict (tenant, record) do nothing";
    let values = [
        tenant.into(),
        record.into(),
        seen.address.saas.into(),
        seen.address.inst.into(),
        (&seen.address.id).into(),
        seen.address.id_key().into(),
        seen.application.into(),
        display_name.into(),
        display_name.to_lowercase().into(),
        (&seen.name).into(),
        seen.name.to_lowercase().into(),
        email.into(),
        email.map(|text| text.to_lowercase()).into(),
        domain.into(),
        // An application of this tenant's directory is its own.
        (seen.application && seen.address.saas == DIRECTORY_APP).then_some(false).into(),
        status.into(),
        person.map(|person| &person.record).into(),
        at.into(),
        Value::json(&EntityFacts::default()),
    ];
    tx.execute(sql, &values)?;
    Ok(())
}

/// Fills the table from what was there before it: everybody in the directory, and whoever did something.
pub(crate) fn fill(tx: &mut Tx<'_>) -> Result<()> {
    for tenant in crate::tenants::all(tx)? {
        for user in crate::users::everybody(tx, tenant.id)? {
            super::of_directory::put(tx, tenant.id, &user.0)?;
            if user.1 {
                super::of_directory::deleted(tx, tenant.id, user.0.id)?;
            }
        }
        let sql = "select service, instance, coalesce(actor, user_key), max(actor_kind), max(user_name), max(seq) \
                   from activities where tenant = ?1 and actor_kind <> 'system' and category <> ?2 \
                   and (actor is not null or user_key is not null) group by service, instance, coalesce(actor, user_key)";
        for row in tx.rows(sql, &[tenant.id.into(), FAILED.into()])? {
            let mut r = row.read();
            let (service, instance): (i64, i64) = (r.take()?, r.take()?);
            let (id, kind): (String, String) = (r.take()?, r.take()?);
            let (name, seq): (Option<String>, i64) = (r.take()?, r.take()?);
            let application = kind == "application";
            let saas = app_of(service, application);
            let seen = Seen {
                address: EntityAddress { id: id.clone(), saas, inst: instance },
                application,
                name: name.unwrap_or(id),
                at: Some(Activity::at_place(seq)),
            };
            note_one(tx, tenant.id, &seen, 0)?;
        }
    }
    Ok(())
}
