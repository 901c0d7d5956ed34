//! Groups, who is in them, who owns them, and what somebody is in.

use casbah_authority::{Caller, Principal};
use casbah_model::{Group, GroupDetails, Guid, ObjectKind, ObjectRef, Role, TenantId, User};
use casbah_store::{Search, Tx, audit, groups, owners, service_principals, users};
use serde_json::{Value as Json, json};

use super::applications::ApplicationKey;
use super::names;
use super::rights::{Right, keeping_an_administrator, manages_groups};
use super::service_principals::ServicePrincipalDetails;
use crate::{Error, Service};

/// As in Entra: more objects than that are not bound in one call.
const MOST_AT_ONCE: usize = 20;
/// Most owners of a group, as in Entra.
const MOST_OWNERS: usize = 100;

/// A group to be made.
#[derive(Clone, Debug, Default)]
pub struct NewGroup {
    /// Name for people.
    pub display_name: String,
    /// The rest.
    pub details: GroupDetails,
    /// Object ids of the first owners, beside whoever makes it.
    pub owners: Vec<Guid>,
    /// Object ids of the first members.
    pub members: Vec<Guid>,
}

/// What to change about a group; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct GroupChange {
    /// Name for people.
    pub display_name: Option<String>,
    /// What it is for; none within takes it away.
    pub description: Option<Option<String>>,
    /// `mailNickname`.
    pub mail_nickname: Option<String>,
    /// Members to add, by object id.
    pub members: Vec<Guid>,
}

/// What can be in a group or own one.
#[derive(Clone, Debug)]
pub enum Member {
    /// A person.
    User(Box<User>),
    /// A group.
    Group(Box<Group>),
    /// An application inside the tenant.
    ServicePrincipal(Box<ServicePrincipalDetails>),
}

/// What somebody is in.
#[derive(Clone, Debug, Default)]
pub struct Memberships {
    /// Groups, by name.
    pub groups: Vec<Group>,
    /// Directory roles that were given to the person, or to a group that they are in.
    pub roles: Vec<&'static Role>,
}

impl Service {
    /// Makes a group; whoever makes it owns it.
    pub async fn create_group(&self, caller: &Caller, new: NewGroup) -> Result<Group, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        if new.owners.len() + new.members.len() > MOST_AT_ONCE {
            let field = "members@odata.bind";
            return Err(Error::invalid(
                field,
                format!("at most {MOST_AT_ONCE} objects can be bound at once."),
            ));
        }
        let mut details = new.details;
        details.mail_nickname = names::mail_nickname(&details.mail_nickname)?;
        details.description = details.description.as_deref().map(description).transpose()?.flatten();
        let group = Group {
            id: Guid::random(),
            display_name: names::display_name("displayName", &new.display_name)?,
            details,
            created: now,
        };
        let template = caller.audit(now, "create group", "group", group.id, json!({}));
        let (caller, first_owners, first_members) = (caller.clone(), new.owners, new.members);
        self.store
            .write(move |tx| {
                check_manages(tx, &caller, &group, false)?;
                groups::insert(tx, tenant, &group)?;
                let mut bound = Vec::new();
                for id in &first_owners {
                    let owner = find_owner(tx, tenant, *id)?;
                    owners::add(tx, tenant, group.id, owner)?;
                }
                if let Some(maker) = maker(&caller) {
                    owners::add(tx, tenant, group.id, maker)?;
                }
                for id in &first_members {
                    let member = find_member(tx, tenant, &group, *id)?;
                    groups::add_member(tx, tenant, group.id, member)?;
                    bound.push(*id);
                }
                let mut record = template.changed(group.id, &Json::Null, &facts(&group));
                record.details["after"]["members"] = json!(bound);
                audit::append(tx, tenant, &record)?;
                Ok(group.clone())
            })
            .await
    }

    /// A page of the groups that fulfil a condition.
    pub async fn search_groups(&self, caller: &Caller, wanted: Search) -> Result<Vec<Group>, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| Ok(groups::search(tx, tenant, &wanted)?)).await
    }

    /// How many groups fulfil a condition, on all pages.
    pub async fn count_groups(&self, caller: &Caller, wanted: Search) -> Result<i64, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| Ok(groups::count(tx, tenant, &wanted)?)).await
    }

    /// A group.
    pub async fn fetch_group(&self, caller: &Caller, id: Guid) -> Result<Group, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| find(tx, tenant, id)).await
    }

    /// Changes a group, and adds members.
    pub async fn change_group(&self, caller: &Caller, id: Guid, change: GroupChange) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        if change.members.len() > MOST_AT_ONCE {
            let field = "members@odata.bind";
            return Err(Error::invalid(
                field,
                format!("at most {MOST_AT_ONCE} objects can be bound at once."),
            ));
        }
        let display_name = change.display_name.map(|n| names::display_name("displayName", &n)).transpose()?;
        let mail_nickname = change.mail_nickname.map(|n| names::mail_nickname(&n)).transpose()?;
        let text = match change.description {
            Some(Some(text)) => Some(description(&text)?),
            other => other,
        };
        let template = caller.audit(now, "change group", "group", id, json!({}));
        let (caller, added) = (caller.clone(), change.members);
        self.store
            .write(move |tx| {
                let before = find(tx, tenant, id)?;
                check_manages(tx, &caller, &before, true)?;
                let mut group = before.clone();
                group.display_name = display_name.clone().unwrap_or(group.display_name);
                group.details.mail_nickname = mail_nickname.clone().unwrap_or(group.details.mail_nickname);
                group.details.description = text.clone().unwrap_or(group.details.description);
                groups::save(tx, tenant, &group)?;
                for member in &added {
                    let member = find_member(tx, tenant, &group, *member)?;
                    if !groups::add_member(tx, tenant, id, member)? {
                        return Err(exists("members"));
                    }
                }
                let mut record = template.changed(id, &facts(&before), &facts(&group));
                if !added.is_empty() {
                    record.details["after"]["members"] = json!(added);
                }
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }

    /// Puts a group among the deleted items.
    pub async fn delete_group(&self, caller: &Caller, id: Guid) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "delete group", "group", id, json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let group = find(tx, tenant, id)?;
                check_manages(tx, &caller, &group, true)?;
                keeping_an_administrator(tx, tenant, |tx| Ok(groups::soft_delete(tx, tenant, id, now)?))?;
                let record = template.changed(id, &facts(&group), &Json::Null);
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }

    /// Puts an object into a group.
    pub async fn add_group_member(&self, caller: &Caller, id: Guid, member: Guid) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "add member", "group", id, json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let group = find(tx, tenant, id)?;
                check_manages(tx, &caller, &group, true)?;
                let member = find_member(tx, tenant, &group, member)?;
                if !groups::add_member(tx, tenant, id, member)? {
                    return Err(exists("members"));
                }
                let mut record = template.clone();
                let name = &group.display_name;
                record.details =
                    json!({ "displayName": name, "before": {}, "after": { "member": member.id } });
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }

    /// Takes an object out of a group.
    pub async fn remove_group_member(&self, caller: &Caller, id: Guid, member: Guid) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "remove member", "group", id, json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let group = find(tx, tenant, id)?;
                check_manages(tx, &caller, &group, true)?;
                let removed = keeping_an_administrator(tx, tenant, |tx| {
                    Ok(groups::remove_member(tx, tenant, id, member)?)
                })?;
                if !removed {
                    return Err(Error::NotFound);
                }
                let mut record = template.clone();
                let name = &group.display_name;
                record.details = json!({ "displayName": name, "before": { "member": member }, "after": {} });
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }

    /// Makes a person or an application an owner of a group.
    pub async fn add_group_owner(&self, caller: &Caller, id: Guid, owner: Guid) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "add owner", "group", id, json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let group = find(tx, tenant, id)?;
                check_manages(tx, &caller, &group, true)?;
                let owner = find_owner(tx, tenant, owner)?;
                if owners::of(tx, tenant, id)?.len() >= MOST_OWNERS {
                    return Err(Error::invalid("owners", format!("there are at most {MOST_OWNERS} owners.")));
                }
                if !owners::add(tx, tenant, id, owner)? {
                    return Err(exists("owners"));
                }
                let mut record = template.clone();
                let name = &group.display_name;
                record.details = json!({ "displayName": name, "before": {}, "after": { "owner": owner.id } });
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }

    /// Takes the ownership of a group away, but not the last person's.
    pub async fn remove_group_owner(&self, caller: &Caller, id: Guid, owner: Guid) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "remove owner", "group", id, json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let group = find(tx, tenant, id)?;
                check_manages(tx, &caller, &group, true)?;
                let all = owners::of(tx, tenant, id)?;
                let removed = all.iter().find(|o| o.id == owner).ok_or(Error::NotFound)?;
                let people = all.iter().filter(|o| o.kind == ObjectKind::User).count();
                if removed.kind == ObjectKind::User && people == 1 {
                    return Err(Error::invalid(
                        "owners",
                        "the group must have at least one person as an owner.",
                    ));
                }
                owners::remove(tx, tenant, id, owner)?;
                let mut record = template.clone();
                let name = &group.display_name;
                record.details = json!({ "displayName": name, "before": { "owner": owner }, "after": {} });
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }

    /// The owners of a group.
    pub async fn list_group_owners(&self, caller: &Caller, id: Guid) -> Result<Vec<Member>, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                find(tx, tenant, id)?;
                let owners = owners::of(tx, tenant, id)?;
                resolve(tx, tenant, owners)
            })
            .await
    }

    /// Who is in a group, itself or (`transitive`) through groups in it, by id: those behind `after`. Fewer
    /// than `limit` may come although there are more; the second value says behind whom to go on.
    pub async fn list_group_members(
        &self,
        caller: &Caller,
        id: Guid,
        transitive: bool,
        after: Option<Guid>,
        limit: i64,
    ) -> Result<(Vec<Member>, Option<Guid>), Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                find(tx, tenant, id)?;
                let list = if transitive { groups::transitive_members } else { groups::members };
                let found = list(tx, tenant, id, after, limit)?;
                let next = found.last().filter(|_| found.len() as i64 == limit).map(|last| last.id);
                Ok((resolve(tx, tenant, found)?, next))
            })
            .await
    }

    /// What a person, a service principal or a group is in, itself or (`transitive`) through groups.
    pub async fn list_memberships(
        &self,
        caller: &Caller,
        object: Guid,
        transitive: bool,
    ) -> Result<Memberships, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let kind = kind_of(tx, tenant, object)?;
                let ids = if transitive { groups::of_member } else { groups::direct_of_member };
                let mut found = Memberships::default();
                for id in ids(tx, tenant, object)? {
                    found.groups.extend(groups::find(tx, tenant, id)?);
                }
                found.groups.sort_by_cached_key(|group| (group.display_name.to_lowercase(), group.id));
                found.roles = match (kind, transitive) {
                    (ObjectKind::User, true) => users::roles(tx, tenant, object)?,
                    _ => users::role_assignments(tx, tenant, None, Some(object))?
                        .iter()
                        .filter_map(|given| casbah_model::ROLES.iter().find(|r| r.template == given.role))
                        .collect(),
                };
                Ok(found)
            })
            .await
    }

    /// What somebody owns: groups, by name, and the ids of whatever else.
    pub async fn list_owned(&self, caller: &Caller, owner: Guid) -> Result<(Vec<Group>, Vec<Guid>), Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                kind_of(tx, tenant, owner)?;
                let (mut found, mut others) = (Vec::new(), Vec::new());
                for id in owners::owned_by(tx, tenant, owner)? {
                    match groups::find(tx, tenant, id)? {
                        Some(group) => found.push(group),
                        None => others.push(id),
                    }
                }
                found.sort_by_cached_key(|group| (group.display_name.to_lowercase(), group.id));
                Ok((found, others))
            })
            .await
    }
}

/// Whether the caller may change a group: by role, by permission, or (an existing one) by owning it.
fn check_manages(tx: &mut Tx<'_>, caller: &Caller, group: &Group, exists: bool) -> Result<(), Error> {
    let right = match group.details.is_assignable_to_role {
        true => Right::ManageRoleGroups,
        false => Right::ManageGroups,
    };
    let by_owning = exists
        && match maker(caller) {
            Some(own) if own.kind == ObjectKind::User => {
                owners::is_owner(tx, caller.tenant, group.id, own.id)?
            }
            _ => false,
        };
    if by_owning || manages_groups(tx, caller, right)? {
        return Ok(());
    }
    super::rights::check(tx, caller, right, None)
}

fn maker(caller: &Caller) -> Option<ObjectRef> {
    match &caller.principal {
        Principal::Application { id, .. } => Some(ObjectRef { id: *id, kind: ObjectKind::ServicePrincipal }),
        Principal::User { id, .. } => Some(ObjectRef { id: *id, kind: ObjectKind::User }),
        Principal::System => None,
    }
}

fn find(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Group, Error> {
    groups::find(tx, tenant, id)?.ok_or(Error::NotFound)
}

fn kind_of(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<ObjectKind, Error> {
    if users::find(tx, tenant, id)?.is_some() {
        return Ok(ObjectKind::User);
    }
    if groups::find(tx, tenant, id)?.is_some() {
        return Ok(ObjectKind::Group);
    }
    match service_principals::find(tx, tenant, id)? {
        Some(_) => Ok(ObjectKind::ServicePrincipal),
        None => Err(Error::NotFound),
    }
}

/// Something that can be put into a group. Who is in a group that can hold roles must be plain to see:
/// such a group holds no groups.
fn find_member(tx: &mut Tx<'_>, tenant: TenantId, group: &Group, id: Guid) -> Result<ObjectRef, Error> {
    let kind = kind_of(tx, tenant, id)?;
    if kind == ObjectKind::Group {
        if group.details.is_assignable_to_role {
            return Err(Error::invalid("members", "a group that can hold roles cannot hold groups."));
        }
        if id == group.id {
            return Err(Error::invalid("members", "a group cannot be in itself."));
        }
    }
    Ok(ObjectRef { id, kind })
}

fn find_owner(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<ObjectRef, Error> {
    match kind_of(tx, tenant, id)? {
        ObjectKind::Group => Err(Error::invalid("owners", "a group cannot own a group.")),
        kind => Ok(ObjectRef { id, kind }),
    }
}

/// The objects themselves; those that are deleted are left out.
fn resolve(tx: &mut Tx<'_>, tenant: TenantId, references: Vec<ObjectRef>) -> Result<Vec<Member>, Error> {
    let mut found = Vec::with_capacity(references.len());
    for reference in references {
        let id = reference.id;
        found.extend(match reference.kind {
            ObjectKind::User => users::find(tx, tenant, id)?.map(|user| Member::User(Box::new(user))),
            ObjectKind::Group => groups::find(tx, tenant, id)?.map(|group| Member::Group(Box::new(group))),
            ObjectKind::ServicePrincipal => {
                match super::service_principals::find(tx, tenant, ApplicationKey::Id(id)) {
                    Ok(details) => Some(Member::ServicePrincipal(Box::new(details))),
                    Err(Error::NotFound) => None,
                    Err(e) => return Err(e),
                }
            }
        });
    }
    Ok(found)
}

fn exists(property: &str) -> Error {
    Error::invalid(
        property,
        format!(
            "One or more added object references already exist for the following modified properties: \
             '{property}'."
        ),
    )
}

fn description(text: &str) -> Result<Option<String>, Error> {
    let text = text.trim();
    if text.chars().count() > 1024 || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Error::invalid(
            "description",
            "must have at most 1024 characters, no control characters.",
        ));
    }
    Ok((!text.is_empty()).then(|| text.to_string()))
}

/// What the audit trail keeps of a group.
fn facts(group: &Group) -> Json {
    json!({
        "displayName": group.display_name,
        "description": group.details.description,
        "mailNickname": group.details.mail_nickname,
        "isAssignableToRole": group.details.is_assignable_to_role,
    })
}
