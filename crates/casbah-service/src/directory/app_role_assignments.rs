//! App roles that service principals, people and groups hold on resources.

use casbah_authority::{Caller, Principal, seed};
use casbah_model::{AppRole, AppRoleAssignment, Guid, ObjectKind, TenantId, Timestamp};
use casbah_store::app_role_assignments::Side;
use casbah_store::{Tx, app_role_assignments, applications, audit, groups, service_principals, users};
use serde_json::{Value as Json, json};

use super::applications::ApplicationKey;
use super::service_principals::find;
use super::{changes, registration};
use crate::{Error, Service};

pub use casbah_store::app_role_assignments::NamedAssignment as AssignmentDetails;

/// The id that stands for access without any particular role, as in Graph.
pub const DEFAULT_ACCESS: Guid = Guid::from_u128(0);

/// What an assignment stands at, as holder or as resource.
#[derive(Clone, Debug)]
pub enum AssignmentSide {
    /// A service principal that holds roles.
    Holder(ApplicationKey),
    /// A service principal that others hold roles on.
    Resource(ApplicationKey),
    /// A person, by id or sign-in name.
    User(String),
    /// A group.
    Group(Guid),
}

impl Service {
    /// Gives an app role of a resource to a service principal, a person or a group.
    pub async fn assign_app_role(
        &self,
        caller: &Caller,
        principal: Guid,
        resource: Guid,
        app_role: Guid,
    ) -> Result<AssignmentDetails, Error> {
        let (tenant, now, id) = (caller.tenant, self.clock.now(), Guid::random());
        let template = caller.audit(now, "assign app role", "app role assignment", id, json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let (kind, principal_name) = holder(tx, tenant, principal)?.ok_or_else(|| {
                    Error::invalid("principalId", "no service principal, user or group has this id.")
                })?;
                let target = service_principals::find(tx, tenant, resource)?
                    .ok_or_else(|| Error::invalid("resourceId", "no service principal has this id."))?;
                check_may_give_roles(&caller, target.app_id)?;
                let api = applications::find_by_app_id(tx, tenant, target.app_id)?.ok_or(Error::NotFound)?;
                let value = match api.app_roles.iter().find(|role| role.id == app_role) {
                    Some(role) => {
                        check_holdable(role, kind)?;
                        role.value.clone()
                    }
                    None if app_role == DEFAULT_ACCESS => String::new(),
                    None => {
                        return Err(Error::invalid(
                            "appRoleId",
                            "the resource has no app role with this id.",
                        ));
                    }
                };
                let assignment = AppRoleAssignment {
                    id,
                    principal,
                    principal_kind: kind,
                    resource,
                    app_role,
                    created: now,
                    granted_by: template.actor.parse().ok(),
                };
                let held = app_role_assignments::of_principal(tx, tenant, principal)?;
                if held.iter().any(|a| a.resource == resource && a.app_role == app_role) {
                    return Err(Error::Conflict("the principal holds this app role already.".into()));
                }
                app_role_assignments::insert(tx, tenant, &assignment)?;
                let details =
                    AssignmentDetails { assignment, principal_name, resource_name: target.display_name };
                let mut record = template.clone();
                record.details = changes::between(&json!({}), &facts(&details, &value));
                audit::append(tx, tenant, &record)?;
                Ok(details)
            })
            .await
    }

    /// The app roles that stand at an object, the oldest first: at most `limit`, behind the one that `after`
    /// names by time and id.
    pub async fn list_app_role_assignments(
        &self,
        caller: &Caller,
        side: AssignmentSide,
        after: Option<(Timestamp, Guid)>,
        limit: i64,
    ) -> Result<Vec<AssignmentDetails>, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let side = side_of(tx, tenant, &side)?;
                Ok(app_role_assignments::page(tx, tenant, side, after, limit)?)
            })
            .await
    }

    /// One assignment out of an object's list.
    pub async fn fetch_app_role_assignment(
        &self,
        caller: &Caller,
        side: AssignmentSide,
        id: Guid,
    ) -> Result<AssignmentDetails, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| fetch(tx, tenant, &side, id)).await
    }

    /// All app roles that a service principal holds.
    pub async fn list_app_roles_held(
        &self,
        caller: &Caller,
        key: ApplicationKey,
    ) -> Result<Vec<AssignmentDetails>, Error> {
        self.list_app_role_assignments(caller, AssignmentSide::Holder(key), None, i64::MAX).await
    }

    /// Takes an app role away. `side` is the object in whose list the assignment stands.
    pub async fn remove_app_role(
        &self,
        caller: &Caller,
        side: AssignmentSide,
        assignment: Guid,
    ) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "remove app role", "app role assignment", assignment, json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let found = fetch(tx, tenant, &side, assignment)?;
                let resource = service_principals::find(tx, tenant, found.assignment.resource)?;
                let app_id = resource.ok_or(Error::NotFound)?.app_id;
                check_may_give_roles(&caller, app_id)?;
                app_role_assignments::delete(tx, tenant, assignment)?;
                let api = applications::find_by_app_id(tx, tenant, app_id)?.ok_or(Error::NotFound)?;
                let role = api.app_roles.into_iter().find(|role| role.id == found.assignment.app_role);
                let value = role.map(|role| role.value).unwrap_or_default();
                let mut record = template.clone();
                record.details = changes::between(&facts(&found, &value), &json!({}));
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }
}

/// App roles of the directory make administrators, so a person needs a role that does so as well; those of
/// other resources are what administrators of applications give (as in Entra).
pub(super) fn check_may_give_roles(caller: &Caller, resource: Guid) -> Result<(), Error> {
    const ROLES: &[&str] = &["Global Administrator", "Privileged Role Administrator"];
    match &caller.principal {
        Principal::User { roles, .. }
            if resource == seed::DIRECTORY && !roles.iter().any(|role| ROLES.contains(&role.name)) =>
        {
            let needs = format!(
                "Insufficient privileges to complete the operation: app roles of Microsoft Graph are given by {}.",
                ROLES.join(" or ")
            );
            Err(Error::Forbidden { needs })
        }
        _ => Ok(()),
    }
}

fn check_holdable(role: &AppRole, kind: ObjectKind) -> Result<(), Error> {
    if !role.enabled {
        return Err(Error::invalid("appRoleId", "the app role is disabled."));
    }
    let people = kind != ObjectKind::ServicePrincipal;
    if !registration::may_hold(role, people) {
        let who = if people { "users and groups" } else { "applications" };
        return Err(Error::invalid("appRoleId", format!("the app role cannot be assigned to {who}.")));
    }
    Ok(())
}

/// What holds roles, and its name.
fn holder(tx: &mut Tx<'_>, tenant: TenantId, id: Guid) -> Result<Option<(ObjectKind, String)>, Error> {
    if let Some(found) = service_principals::find(tx, tenant, id)? {
        return Ok(Some((ObjectKind::ServicePrincipal, found.display_name)));
    }
    if let Some(found) = users::find(tx, tenant, id)? {
        return Ok(Some((ObjectKind::User, found.display_name)));
    }
    Ok(groups::find(tx, tenant, id)?.map(|found| (ObjectKind::Group, found.display_name)))
}

fn side_of(tx: &mut Tx<'_>, tenant: TenantId, side: &AssignmentSide) -> Result<Side, Error> {
    Ok(match side {
        AssignmentSide::Holder(key) => Side::Principal(find(tx, tenant, *key)?.principal.id),
        AssignmentSide::Resource(key) => Side::Resource(find(tx, tenant, *key)?.principal.id),
        AssignmentSide::User(key) => Side::Principal(super::users::find_user(tx, tenant, key)?.id),
        AssignmentSide::Group(id) => {
            Side::Principal(groups::find(tx, tenant, *id)?.ok_or(Error::NotFound)?.id)
        }
    })
}

fn fetch(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    side: &AssignmentSide,
    id: Guid,
) -> Result<AssignmentDetails, Error> {
    let side = side_of(tx, tenant, side)?;
    let assignment = app_role_assignments::find(tx, tenant, id)?
        .filter(|a| side == Side::Principal(a.principal) || side == Side::Resource(a.resource))
        .ok_or(Error::NotFound)?;
    let (_, principal_name) = holder(tx, tenant, assignment.principal)?.ok_or(Error::NotFound)?;
    let resource = service_principals::find(tx, tenant, assignment.resource)?.ok_or(Error::NotFound)?;
    Ok(AssignmentDetails { assignment, principal_name, resource_name: resource.display_name })
}

fn facts(details: &AssignmentDetails, value: &str) -> Json {
    json!({
        "principal": details.assignment.principal, "principalName": details.principal_name,
        "resource": details.assignment.resource, "resourceName": details.resource_name,
        "appRole": details.assignment.app_role, "value": value,
    })
}
