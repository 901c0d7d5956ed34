//! Entities: list, one by its key, the person behind an account, and the way in for those of other apps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use casbah_authority::Caller;
use casbah_model::filter::{Condition, EntityField, EntityOrder, Page};
use casbah_model::{
    Access, Activity, DayScore, Entity, EntityAddress, EntityKind, Guid, Part, Reach, RecordId, TenantId,
    Timestamp,
};
use casbah_store::entities::sent;
pub use casbah_store::entities::sent::SentEntity;
use casbah_store::entities::{self, scores, seen};
use casbah_store::{Tx, audit, tenants, user_tags};
use serde_json::{Value, json};

use crate::activities::TakenIn;
use crate::user_groups::{self, UserGroup};
use crate::{Error, Service};

/// Id of the user group of administrators.
pub const ADMINISTRATORS: &str = user_tags::ADMINISTRATOR_USERS;
/// Scores that one transaction computes.
const SCORES_AT_ONCE: i64 = 200;
/// A score is as old as this at the most.
const SCORES_EVERY: Duration = Duration::from_secs(60 * 60);

/// Which entities, and in which order.
#[derive(Clone, Debug)]
pub struct EntityQuery {
    /// All of these hold.
    pub conditions: Vec<Condition<EntityField>>,
    /// By what.
    pub order: EntityOrder,
    /// The lowest first.
    pub ascending: bool,
    /// This part of the list; scan mode looks at the limit only.
    pub page: Page,
    /// Whether the list is walked through by record id, and behind which one.
    pub scan: Option<Option<RecordId>>,
}

/// A part of a list of entities.
#[derive(Debug)]
pub struct EntityPage {
    /// The entities, with what belongs to them.
    pub entities: Vec<EntityDetails>,
    /// How many satisfy the conditions, over all pages.
    pub total: i64,
    /// Whether there are more than `total`: counting has an end.
    pub more_than_total: bool,
    /// Whether something is left behind this page.
    pub has_next: bool,
}

/// An entity with what belongs to it.
#[derive(Clone, Debug)]
pub struct EntityDetails {
    /// Itself.
    pub entity: Entity,
    /// The accounts of a person, as far as they are in reach.
    pub accounts: Vec<Entity>,
    /// The address of the person behind an account.
    pub parent: Option<EntityAddress>,
    /// Names of the roles of a person in the directory.
    pub roles: Vec<&'static str>,
    /// The user groups that it is in.
    pub groups: Vec<UserGroup>,
    /// Its scores of the last thirty days.
    pub history: Vec<DayScore>,
}

/// Who is behind activities, by the record id of the account that they name.
#[derive(Debug, Default)]
pub struct Actors {
    accounts: BTreeMap<RecordId, Entity>,
    people: BTreeMap<RecordId, Entity>,
    groups: BTreeMap<RecordId, Vec<String>>,
    tenant: Option<TenantId>,
}

impl Actors {
    /// The account that an activity names, if it is known.
    pub fn account(&self, activity: &Activity) -> Option<&Entity> {
        let records = seen::records_of_actor(self.tenant?, activity);
        records.iter().find_map(|record| self.accounts.get(record))
    }

    /// The person behind it.
    pub fn person(&self, activity: &Activity) -> Option<&Entity> {
        let account = self.account(activity)?;
        match account.kind {
            EntityKind::User => Some(account),
            EntityKind::Account => self.people.get(account.parent.as_ref()?),
        }
    }

    /// Ids of the user groups of that person, or of the account where there is none.
    pub fn groups(&self, activity: &Activity) -> &[String] {
        let of = self.person(activity).or_else(|| self.account(activity));
        of.and_then(|entity| self.groups.get(&entity.record)).map_or(&[], Vec::as_slice)
    }
}

impl Service {
    /// Lists entities.
    pub async fn list_entities(&self, caller: &Caller, query: EntityQuery) -> Result<EntityPage, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let reach = caller.reach(Part::Entities, Access::Read);
        self.store
            .read(move |tx| {
                let EntityQuery { conditions, order, ascending, page, scan } = &query;
                let total = entities::count(tx, tenant, &reach, conditions)?;
                let limit = page.limit.saturating_add(1);
                let mut found = match scan {
                    Some(after) => entities::scan(tx, tenant, &reach, conditions, after.as_ref(), limit)?,
                    None => {
                        let page = Page { skip: page.skip, limit };
                        entities::list(tx, tenant, &reach, conditions, (*order, *ascending), page)?
                    }
                };
                let has_next = found.len() as i64 > page.limit;
                found.truncate(usize::try_from(page.limit).unwrap_or(0));
                let entities = details(tx, tenant, &reach, found, now)?;
                let more_than_total = total > entities::COUNT_CAP;
                let total = total.min(entities::COUNT_CAP);
                Ok(EntityPage { entities, total, more_than_total, has_next })
            })
            .await
    }

    /// Fetches an entity by its key.
    pub async fn entity(&self, caller: &Caller, address: EntityAddress) -> Result<EntityDetails, Error> {
        self.entity_or_person(caller, address, false).await
    }

    /// The person with that key, or behind the account with that key, with all accounts; an account that is
    /// nobody's stands for itself.
    pub async fn entity_tree(&self, caller: &Caller, address: EntityAddress) -> Result<EntityDetails, Error> {
        self.entity_or_person(caller, address, true).await
    }

    async fn entity_or_person(
        &self,
        caller: &Caller,
        address: EntityAddress,
        person: bool,
    ) -> Result<EntityDetails, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let reach = caller.reach(Part::Entities, Access::Read);
        self.store
            .read(move |tx| {
                let mut found = entities::find(tx, tenant, &reach, &address)?.ok_or(Error::NotFound)?;
                if let (true, Some(parent)) = (person, found.parent.clone())
                    && let Some(above) = entities::by_record(tx, tenant, &reach, &[parent])?.pop()
                {
                    found = above;
                }
                details(tx, tenant, &reach, vec![found], now)?.pop().ok_or(Error::NotFound)
            })
            .await
    }

    /// Who is behind activities that the caller sees.
    pub async fn actors(&self, caller: &Caller, activities: &[Activity]) -> Result<Actors, Error> {
        let tenant = caller.tenant;
        let named: BTreeSet<RecordId> =
            activities.iter().flat_map(|activity| seen::records_of_actor(tenant, activity)).collect();
        let named: Vec<RecordId> = named.into_iter().collect();
        self.store
            .read(move |tx| {
                let by_record = |found: Vec<Entity>| {
                    found
                        .into_iter()
                        .map(|entity| (entity.record.clone(), entity))
                        .collect::<BTreeMap<_, _>>()
                };
                let every = Reach::Everything;
                let accounts = entities::by_record(tx, tenant, &every, &named)?;
                let parents: Vec<RecordId> = accounts.iter().filter_map(|a| a.parent.clone()).collect();
                let people = entities::by_record(tx, tenant, &every, &parents)?;
                let mut groups = BTreeMap::new();
                let all: Vec<Entity> = accounts.iter().chain(&people).cloned().collect();
                for (entity, of) in all.iter().zip(groups_of(tx, tenant, &all)?) {
                    groups.insert(
                        entity.record.clone(),
                        of.into_iter().map(|group| group.id.to_string()).collect(),
                    );
                }
                let (accounts, people) = (by_record(accounts), by_record(people));
                Ok(Actors { accounts, people, groups, tenant: Some(tenant) })
            })
            .await
    }

    /// Takes in a batch of entities in one transaction, each by its key. What was known and is not said again
    /// stays.
    pub async fn take_in_entities(
        &self,
        caller: &Caller,
        batch: Vec<Vec<SentEntity>>,
    ) -> Result<TakenIn, Error> {
        if caller.reach(Part::Entities, Access::Change) != Reach::Everything {
            let needs = "Entities are taken in by whoever may change all of them, not those of chosen apps or groups.";
            return Err(Error::Forbidden { needs: needs.into() });
        }
        if batch.is_empty() {
            return Ok(TakenIn { stored: 0, unchanged: 0 });
        }
        let tenant = caller.tenant;
        let record = caller.audit(self.clock.now(), "take in entities", "tenant", tenant, json!({}));
        self.store
            .write(move |tx| {
                let mut taken = TakenIn { stored: 0, unchanged: 0 };
                for line in &batch {
                    let mut changed = false;
                    for entity in line {
                        changed |= sent::put(tx, tenant, entity)?;
                    }
                    *(if changed { &mut taken.stored } else { &mut taken.unchanged }) += 1;
                }
                if taken.stored > 0 {
                    let after = json!({ "stored": taken.stored, "unchanged": taken.unchanged });
                    audit::append(tx, tenant, &record.changed(tenant, &Value::Null, &after))?;
                }
                Ok(taken)
            })
            .await
    }

    /// Computes the scores that are older than an hour, and forgets those of long ago; a job calls it. With
    /// several nodes one finds what the other has left. Answers how many there were.
    pub async fn refresh_scores(&self) -> Result<usize, Error> {
        let now = self.clock.now();
        let all = self.store.read(|tx| -> Result<_, Error> { Ok(tenants::all(tx)?) }).await?;
        let mut computed = 0;
        for tenant in all.into_iter().map(|tenant| tenant.id) {
            loop {
                let before = now.minus(SCORES_EVERY);
                let some = self
                    .store
                    .write(move |tx| scores::refresh(tx, tenant, before, now, SCORES_AT_ONCE))
                    .await?;
                computed += some;
                if some == 0 {
                    break;
                }
            }
            self.store.write(move |tx| scores::forget(tx, tenant, now)).await?;
        }
        Ok(computed)
    }
}

/// What belongs to entities, for all of them at once.
fn details(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    reach: &Reach,
    found: Vec<Entity>,
    now: Timestamp,
) -> Result<Vec<EntityDetails>, Error> {
    let is_user = |entity: &&Entity| entity.kind == EntityKind::User;
    let users: Vec<RecordId> = found.iter().filter(is_user).map(|entity| entity.record.clone()).collect();
    let mut accounts: BTreeMap<RecordId, Vec<Entity>> = BTreeMap::new();
    for account in entities::accounts_of(tx, tenant, reach, &users)? {
        if let Some(parent) = account.parent.clone() {
            accounts.entry(parent).or_default().push(account);
        }
    }
    let parents: Vec<RecordId> = found.iter().filter_map(|entity| entity.parent.clone()).collect();
    let parents: BTreeMap<RecordId, EntityAddress> = entities::by_record(tx, tenant, reach, &parents)?
        .into_iter()
        .map(|entity| (entity.record, entity.address))
        .collect();
    let roles = entities::roles_of(tx, tenant, &people(&found))?;
    let records: Vec<RecordId> = found.iter().map(|entity| entity.record.clone()).collect();
    let mut history: BTreeMap<RecordId, Vec<DayScore>> = BTreeMap::new();
    for (record, day) in scores::history(tx, tenant, &records, now)? {
        history.entry(record).or_default().push(day);
    }
    let groups = groups_of(tx, tenant, &found)?;
    let details = found.into_iter().zip(groups).map(|(entity, groups)| {
        let id: Option<Guid> = entity.address.id.parse().ok().filter(|_| entity.of_directory && entity.admin);
        EntityDetails {
            accounts: accounts.remove(&entity.record).unwrap_or_default(),
            parent: entity.parent.as_ref().and_then(|parent| parents.get(parent).cloned()),
            roles: roles.iter().filter(|(of, _)| Some(*of) == id).map(|(_, role)| role.name).collect(),
            groups,
            history: history.remove(&entity.record).unwrap_or_default(),
            entity,
        }
    });
    Ok(details.collect())
}

/// The object ids of those whom the directory looks after.
fn people(of: &[Entity]) -> Vec<Guid> {
    of.iter().filter(|e| e.of_directory).filter_map(|e| e.address.id.parse().ok()).collect()
}

/// The user groups of entities, in their order. An account is in those of the person behind it.
fn groups_of(tx: &mut Tx<'_>, tenant: TenantId, of: &[Entity]) -> Result<Vec<Vec<UserGroup>>, Error> {
    let parents: BTreeSet<RecordId> = of.iter().filter_map(|entity| entity.parent.clone()).collect();
    let parents: Vec<RecordId> = parents.into_iter().collect();
    let parents = entities::by_record(tx, tenant, &Reach::Everything, &parents)?;
    let mut ids = people(of);
    ids.extend(people(&parents));
    let members = user_tags::of_people(tx, tenant, &ids)?;
    let known = if members.is_empty() { Vec::new() } else { user_groups::imported(tx, tenant)? };
    let built_in = user_groups::built_in(tx, tenant, &Reach::Everything)?;
    let groups = of.iter().map(|entity| {
        let person = match &entity.parent {
            Some(parent) => parents.iter().find(|p| p.record == *parent).unwrap_or(entity),
            None => entity,
        };
        let is_in = |id: &RecordId| match id.as_str() {
            user_tags::EXTERNAL_USERS => entity.external == Some(true),
            user_tags::APPLICATIONS => entity.application,
            _ => person.of_directory && person.admin,
        };
        let mut all: Vec<UserGroup> = built_in.iter().filter(|g| is_in(&g.id)).cloned().collect();
        let id: Option<Guid> = person.address.id.parse().ok().filter(|_| person.of_directory);
        let inside = members.iter().filter(|(member, _)| Some(*member) == id).map(|(_, tag)| tag);
        all.extend(inside.filter_map(|tag| known.iter().find(|group| group.id == *tag).cloned()));
        all
    });
    Ok(groups.collect())
}
