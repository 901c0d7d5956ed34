//! Directory roles: who holds which.

use casbah_authority::Caller;
use casbah_model::{Guid, ObjectKind, ObjectRef, Role, TenantId};
pub use casbah_store::users::RoleAssignment;
use casbah_store::{Tx, audit, groups, users};
use serde_json::json;

use super::groups::Member;
use super::rights::{Right, check, keeping_an_administrator};
use super::users::find_user;
use crate::{Error, Service};

impl Service {
    /// Who holds which role, of one role or one holder if asked for.
    pub async fn list_role_assignments(
        &self,
        caller: &Caller,
        role: Option<&'static Role>,
        holder: Option<Guid>,
    ) -> Result<Vec<RoleAssignment>, Error> {
        let (tenant, role) = (caller.tenant, role.map(|role| role.template));
        self.store.read(move |tx| Ok(users::role_assignments(tx, tenant, role, holder)?)).await
    }

    /// The people and groups to whom a role was given.
    pub async fn list_role_holders(
        &self,
        caller: &Caller,
        role: &'static Role,
    ) -> Result<Vec<Member>, Error> {
        let (tenant, role) = (caller.tenant, role.template);
        self.store
            .read(move |tx| {
                let mut found = Vec::new();
                for given in users::role_assignments(tx, tenant, Some(role), None)? {
                    if let Some(user) = users::find(tx, tenant, given.holder)? {
                        found.push(Member::User(Box::new(user)));
                    } else if let Some(group) = groups::find(tx, tenant, given.holder)? {
                        found.push(Member::Group(Box::new(group)));
                    }
                }
                Ok(found)
            })
            .await
    }

    /// Gives a role to a person, by id or sign-in name, or to a group that can hold roles, by id. Answers
    /// whether that is new.
    pub async fn add_role(
        &self,
        caller: &Caller,
        holder: &str,
        role: &'static Role,
    ) -> Result<(ObjectRef, bool), Error> {
        let (tenant, now, key) = (caller.tenant, self.clock.now(), holder.to_string());
        let template = caller.audit(now, "add role", "user", "", json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                check(tx, &caller, Right::AssignRoles, None)?;
                let (holder, name) = find_holder(tx, tenant, &key)?;
                let new = users::add_role(tx, tenant, holder.id, role.template, now)?;
                if new {
                    let mut record = template.clone();
                    record.target_kind = holder.kind.name().to_lowercase();
                    record.target = holder.id.to_string();
                    record.details = json!({ "name": name, "before": {}, "after": { "role": role.name } });
                    audit::append(tx, tenant, &record)?;
                }
                Ok((holder, new))
            })
            .await
    }

    /// Takes a role from a person or a group, but not the last administrator's.
    pub async fn remove_role(&self, caller: &Caller, holder: &str, role: &'static Role) -> Result<(), Error> {
        let (tenant, now, key) = (caller.tenant, self.clock.now(), holder.to_string());
        let template = caller.audit(now, "remove role", "user", "", json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                check(tx, &caller, Right::AssignRoles, None)?;
                let (holder, name) = find_holder(tx, tenant, &key)?;
                let held = keeping_an_administrator(tx, tenant, |tx| {
                    Ok(users::remove_role(tx, tenant, holder.id, role.template)?)
                })?;
                if !held {
                    return Err(Error::NotFound);
                }
                let mut record = template.clone();
                record.target_kind = holder.kind.name().to_lowercase();
                record.target = holder.id.to_string();
                record.details = json!({ "name": name, "before": { "role": role.name }, "after": {} });
                Ok(audit::append(tx, tenant, &record)?)
            })
            .await
    }
}

/// A person, or a group that can hold roles, and its name.
fn find_holder(tx: &mut Tx<'_>, tenant: TenantId, key: &str) -> Result<(ObjectRef, String), Error> {
    match find_user(tx, tenant, key) {
        Ok(user) => return Ok((ObjectRef { id: user.id, kind: ObjectKind::User }, user.user_principal_name)),
        Err(Error::NotFound) => {}
        Err(e) => return Err(e),
    }
    let id: Guid = key.parse().map_err(|_| Error::NotFound)?;
    let group = groups::find(tx, tenant, id)?.ok_or(Error::NotFound)?;
    if !group.details.is_assignable_to_role {
        return Err(Error::invalid(
            "principalId",
            "the group cannot hold roles: it was not made with isAssignableToRole.",
        ));
    }
    Ok((ObjectRef { id, kind: ObjectKind::Group }, group.display_name))
}
