//! App roles that service principals hold on resources.

use casbah_authority::Caller;
use casbah_model::{AppRoleAssignment, Guid, ObjectKind, ServicePrincipal, TenantId};
use casbah_store::{Tx, app_role_assignments, applications, audit, service_principals};
use serde_json::json;

use super::applications::ApplicationKey;
use super::service_principals::find;
use crate::{Error, Service};

/// An assignment with the names of both sides.
#[derive(Clone, Debug)]
pub struct AssignmentDetails {
    /// The assignment.
    pub assignment: AppRoleAssignment,
    /// Who holds the role.
    pub principal_name: String,
    /// On what.
    pub resource_name: String,
}

impl Service {
    /// Gives an app role of a resource to a service principal.
    pub async fn assign_app_role(
        &self,
        caller: &Caller,
        principal: Guid,
        resource: Guid,
        app_role: Guid,
    ) -> Result<AssignmentDetails, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let assignment = AppRoleAssignment {
            id: Guid::random(),
            principal,
            principal_kind: ObjectKind::ServicePrincipal,
            resource,
            app_role,
            created: now,
        };
        let details = json!({ "principal": principal, "resource": resource, "appRole": app_role });
        let record = caller.audit(now, "assign app role", "app role assignment", assignment.id, details);
        self.store
            .write(move |tx| {
                let holder = service_principals::find(tx, tenant, principal)?
                    .ok_or_else(|| Error::invalid("principalId", "no service principal has this id."))?;
                let target = service_principals::find(tx, tenant, resource)?
                    .ok_or_else(|| Error::invalid("resourceId", "no service principal has this id."))?;
                let defines = applications::find_by_app_id(tx, tenant, target.app_id)?
                    .is_some_and(|a| a.app_roles.iter().any(|r| r.id == app_role));
                if !defines {
                    return Err(Error::invalid("appRoleId", "the resource has no app role with this id."));
                }
                let held = app_role_assignments::of_principal(tx, tenant, principal)?;
                if held.iter().any(|a| a.resource == resource && a.app_role == app_role) {
                    return Err(Error::Conflict("the service principal holds this app role already.".into()));
                }
                app_role_assignments::insert(tx, tenant, &assignment)?;
                audit::append(tx, tenant, &record)?;
                Ok(AssignmentDetails {
                    assignment: assignment.clone(),
                    principal_name: holder.display_name,
                    resource_name: target.display_name,
                })
            })
            .await
    }

    /// The app roles that a service principal holds.
    pub async fn list_app_roles_held(
        &self,
        caller: &Caller,
        key: ApplicationKey,
    ) -> Result<Vec<AssignmentDetails>, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let principal = find(tx, tenant, key)?.principal;
                let held = app_role_assignments::of_principal(tx, tenant, principal.id)?;
                named(tx, tenant, held)
            })
            .await
    }

    /// Who holds app roles of a resource.
    pub async fn list_app_roles_given(
        &self,
        caller: &Caller,
        key: ApplicationKey,
    ) -> Result<Vec<AssignmentDetails>, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let resource = find(tx, tenant, key)?.principal;
                let given = app_role_assignments::of_resource(tx, tenant, resource.id)?;
                named(tx, tenant, given)
            })
            .await
    }

    /// Takes an app role away. `side` is the service principal in whose list the assignment stands,
    /// as holder or as resource.
    pub async fn remove_app_role(
        &self,
        caller: &Caller,
        side: ApplicationKey,
        assignment: Guid,
    ) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "remove app role", "app role assignment", assignment, json!({}));
        self.store
            .write(move |tx| {
                let side = find(tx, tenant, side)?.principal;
                let found = app_role_assignments::find(tx, tenant, assignment)?
                    .filter(|a| a.principal == side.id || a.resource == side.id)
                    .ok_or(Error::NotFound)?;
                app_role_assignments::delete(tx, tenant, assignment)?;
                let mut record = template.clone();
                record.details = json!({
                    "principal": found.principal, "resource": found.resource, "appRole": found.app_role,
                });
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }
}

fn named(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    assignments: Vec<AppRoleAssignment>,
) -> Result<Vec<AssignmentDetails>, Error> {
    let principals = service_principals::list(tx, tenant)?;
    let name = |id: Guid| {
        let same = |p: &&ServicePrincipal| p.id == id;
        principals.iter().find(same).map(|p| p.display_name.clone()).unwrap_or_default()
    };
    let details = |assignment: AppRoleAssignment| AssignmentDetails {
        principal_name: name(assignment.principal),
        resource_name: name(assignment.resource),
        assignment,
    };
    Ok(assignments.into_iter().map(details).collect())
}
