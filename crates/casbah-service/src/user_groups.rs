//! User groups of Cloud Apps: those that come with every tenant, and groups of the directory that were imported.
//! Who is in an imported one is what the directory says at the moment of the question.

use casbah_authority::Caller;
use casbah_model::filter::{Condition, EntityField, Operand, Page, Test, UserGroupField};
use casbah_model::{Access, Bound, DIRECTORY_APP, Guid, Part, Reach, RecordId, TenantId, Timestamp};
pub use casbah_store::user_tags::GroupMember;
use casbah_store::user_tags::UserTag;
use casbah_store::{Tx, audit, entities, groups, policies, user_tags};
use serde_json::{Value, json};

use crate::{Error, Service};

/// User groups of a tenant, at the most.
const MOST: usize = 1_000;

/// A user group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserGroup {
    /// Its id.
    pub id: RecordId,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How many people are in it; in one that comes with every tenant, how many people and accounts.
    pub users: i64,
    /// The group of the directory; none for those that come with every tenant.
    pub imported: Option<Imported>,
}

/// What a user group has of a group of the directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Imported {
    /// Object id of the group.
    pub group: Guid,
    /// When it became a user group.
    pub at: Timestamp,
    /// Whether the directory's group is among the deleted items: nobody is in it until it is restored.
    pub deleted: bool,
}

/// What a list of user groups is sorted by; ties are broken by the id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UserGroupOrder {
    /// Name, without regard to case.
    Name,
    /// How many are in it.
    Users,
    /// When it was imported; those that come with every tenant are the earliest.
    Imported,
}

/// Which user groups.
#[derive(Clone, Debug)]
pub struct UserGroupQuery {
    /// All of these hold.
    pub conditions: Vec<Condition<UserGroupField>>,
    /// By what.
    pub order: UserGroupOrder,
    /// The lowest first.
    pub ascending: bool,
    /// This part of the list.
    pub page: Page,
}

/// Who is in a group of the directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupMembers {
    /// Object id of the group.
    pub id: Guid,
    /// Its name.
    pub name: String,
    /// How many people are in it, itself or through groups in it.
    pub total: i64,
    /// The first of them, by name.
    pub members: Vec<GroupMember>,
}

impl UserGroup {
    /// Number of its kind: 2 comes with every tenant, 0 is imported.
    pub fn kind(&self) -> i64 {
        if self.imported.is_some() { 0 } else { 2 }
    }

    /// 0 when it is in force, 1 when the directory's group was deleted.
    pub fn status(&self) -> i64 {
        i64::from(self.imported.is_some_and(|imported| imported.deleted))
    }

    fn satisfies(&self, condition: &Condition<UserGroupField>) -> bool {
        let values = match condition.field {
            UserGroupField::Id => vec![Operand::Text(self.id.to_string())],
            UserGroupField::Name => vec![Operand::Text(self.name.clone())],
            UserGroupField::App => {
                self.imported.map(|_| Operand::Number(DIRECTORY_APP)).into_iter().collect()
            }
            UserGroupField::Kind => vec![Operand::Number(self.kind())],
            UserGroupField::Status => vec![Operand::Number(self.status())],
        };
        condition.test.holds(&values)
    }

    fn facts(&self) -> Value {
        json!({ "name": self.name, "groupId": self.imported.map(|imported| imported.group) })
    }
}

impl Service {
    /// Lists user groups; and how many there are over all pages. Whoever is limited to groups sees those, and how
    /// many in the others are within reach.
    pub async fn list_user_groups(
        &self,
        caller: &Caller,
        query: UserGroupQuery,
    ) -> Result<(Vec<UserGroup>, i64), Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Entities, Access::Read));
        let mut found = self.store.read(move |tx| within_reach(tx, tenant, &reach)).await?;
        let UserGroupQuery { conditions, order, ascending, page } = query;
        found.retain(|group| conditions.iter().all(|condition| group.satisfies(condition)));
        let at = |group: &UserGroup| group.imported.map(|imported| imported.at);
        found.sort_by(|a, b| {
            let by = match order {
                UserGroupOrder::Name => a.name.to_lowercase().cmp(&b.name.to_lowercase()),
                UserGroupOrder::Users => a.users.cmp(&b.users),
                UserGroupOrder::Imported => at(a).cmp(&at(b)),
            };
            let by = by.then_with(|| a.id.cmp(&b.id));
            if ascending { by } else { by.reverse() }
        });
        let total = found.len() as i64;
        let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
        let limit = usize::try_from(page.limit).unwrap_or(0);
        Ok((found.into_iter().skip(skip).take(limit).collect(), total))
    }

    /// Fetches a user group.
    pub async fn user_group(&self, caller: &Caller, id: RecordId) -> Result<UserGroup, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Entities, Access::Read));
        self.store
            .read(move |tx| {
                let mut all = within_reach(tx, tenant, &reach)?.into_iter();
                all.find(|group| group.id == id).ok_or(Error::NotFound)
            })
            .await
    }

    /// Whether the caller looks after user groups: whoever may change all people and accounts does.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for everybody else.
    pub fn check_changes_user_groups(&self, caller: &Caller) -> Result<(), Error> {
        if caller.reach(Part::Entities, Access::Change) == Reach::Everything {
            return Ok(());
        }
        let needs = "User groups are looked after by whoever may change all people and accounts, not those of chosen apps or groups.";
        Err(Error::Forbidden { needs: needs.into() })
    }

    /// Makes a group of the directory a user group. One that is imported already stays as it is.
    pub async fn import_user_group(&self, caller: &Caller, group: Guid) -> Result<UserGroup, Error> {
        self.check_changes_user_groups(caller)?;
        let (tenant, now) = (caller.tenant, self.clock.now());
        let tag = UserTag { id: RecordId::new(now), group, created: now };
        let record = caller.audit(now, "import user group", "user group", &tag.id, Value::Null);
        self.store
            .write(move |tx| {
                if groups::find(tx, tenant, group)?.is_none() {
                    return Err(Error::invalid("groupId", "The directory has no group with this id."));
                }
                let is_new = user_tags::insert(tx, tenant, &tag)?;
                let all = imported(tx, tenant)?;
                let of = |one: &&UserGroup| one.imported.is_some_and(|imported| imported.group == group);
                let found = all.iter().find(of).cloned().ok_or(Error::NotFound)?;
                if is_new {
                    if all.len() > MOST {
                        let why = format!("A tenant has at most {MOST} user groups.");
                        return Err(Error::invalid("groupId", why));
                    }
                    audit::append(tx, tenant, &record.changed(&tag.id, &Value::Null, &found.facts()))?;
                }
                Ok(found)
            })
            .await
    }

    /// Makes a user group a group of the directory only. One that a policy names is kept.
    pub async fn remove_user_group(&self, caller: &Caller, id: RecordId) -> Result<(), Error> {
        self.check_changes_user_groups(caller)?;
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "remove user group", "user group", &id, Value::Null);
        self.store
            .write(move |tx| {
                let mut all = within_reach(tx, tenant, &Reach::Everything)?.into_iter();
                let found = all.find(|group| group.id == id).ok_or(Error::NotFound)?;
                let Some(imported) = found.imported else {
                    let why = format!("{} comes with every tenant.", found.name);
                    return Err(Error::invalid("id", why));
                };
                let names = [id.to_string(), imported.group.to_string()];
                let named = |rule: &Value| names.iter().any(|name| mentions(rule, name));
                if let Some(policy) = policies::list(tx, tenant)?.iter().find(|policy| named(&policy.rule)) {
                    let why = format!(
                        "The policy {:?} names this user group; change the policy first.",
                        policy.name
                    );
                    return Err(Error::invalid("id", why));
                }
                user_tags::delete(tx, tenant, &id)?;
                audit::append(tx, tenant, &record.changed(&id, &found.facts(), &Value::Null))?;
                Ok(())
            })
            .await
    }

    /// Who is in a group of the directory, at most `limit` of them. `key` is its object id, or the id of the user
    /// group that it is.
    pub async fn group_members(
        &self,
        caller: &Caller,
        key: String,
        limit: i64,
    ) -> Result<GroupMembers, Error> {
        let (tenant, reach) = (caller.tenant, caller.reach(Part::Entities, Access::Read));
        self.store
            .read(move |tx| {
                let key = key.trim().to_lowercase();
                let tags = user_tags::imported(tx, tenant)?;
                let tag = tags.iter().find(|one| one.tag.id.to_string() == key).map(|one| one.tag.group);
                let id: Guid = tag.or_else(|| key.parse().ok()).ok_or(Error::NotFound)?;
                let group = groups::find(tx, tenant, id)?.ok_or(Error::NotFound)?;
                if !reaches(&reach, id) {
                    return Err(Error::NotFound);
                }
                let total = user_tags::count_members(tx, tenant, id)?;
                let members = user_tags::members(tx, tenant, id, limit)?;
                Ok(GroupMembers { id, name: group.display_name, total, members })
            })
            .await
    }
}

/// Whether a text stands somewhere in a rule, as a value of its own.
fn mentions(rule: &Value, text: &str) -> bool {
    match rule {
        Value::String(own) => own.eq_ignore_ascii_case(text),
        Value::Array(all) => all.iter().any(|one| mentions(one, text)),
        Value::Object(all) => all.values().any(|one| mentions(one, text)),
        _ => false,
    }
}

/// Whether a group of the directory is in reach.
fn reaches(reach: &Reach, group: Guid) -> bool {
    match reach {
        Reach::Everything => true,
        Reach::Within(bounds) => bounds.contains(&Bound::Group(group)),
    }
}

fn within_reach(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach) -> Result<Vec<UserGroup>, Error> {
    let mut all = built_in(tx, tenant, reach)?;
    let imported = imported(tx, tenant)?.into_iter();
    all.extend(imported.filter(|one| one.imported.is_some_and(|imported| reaches(reach, imported.group))));
    Ok(all)
}

/// The groups of the directory that are user groups, with how many people are in them.
pub(crate) fn imported(tx: &mut Tx<'_>, tenant: TenantId) -> Result<Vec<UserGroup>, Error> {
    let all = user_tags::imported(tx, tenant)?;
    let counts = if all.is_empty() { Vec::new() } else { user_tags::counts(tx, tenant)? };
    let group = |one: user_tags::ImportedGroup| UserGroup {
        users: counts.iter().find(|(id, _)| *id == one.tag.id).map_or(0, |(_, count)| *count),
        id: one.tag.id,
        name: one.name,
        description: one.description,
        imported: Some(Imported { group: one.tag.group, at: one.tag.created, deleted: one.deleted }),
    };
    Ok(all.into_iter().map(group).collect())
}

/// The groups that come with every tenant, with how many people and accounts in reach are in them.
pub(crate) fn built_in(tx: &mut Tx<'_>, tenant: TenantId, reach: &Reach) -> Result<Vec<UserGroup>, Error> {
    const BUILT_IN: [(&str, &str, &str); 3] = [
        (user_tags::EXTERNAL_USERS, "External users", "People and accounts of other organisations"),
        (user_tags::APPLICATIONS, "Application", "Applications that act as themselves"),
        (user_tags::ADMINISTRATOR_USERS, "Administrators", "People who hold a role of administrators"),
    ];
    let mut all = Vec::new();
    for (id, name, description) in BUILT_IN {
        let test = Test::AnyOf(vec![Operand::Text(id.to_string())]);
        let inside = [Condition { field: EntityField::Group, test }];
        all.push(UserGroup {
            id: id.parse().map_err(Error::internal)?,
            name: name.to_string(),
            description: description.to_string(),
            users: entities::count(tx, tenant, reach, &inside)?,
            imported: None,
        });
    }
    Ok(all)
}
