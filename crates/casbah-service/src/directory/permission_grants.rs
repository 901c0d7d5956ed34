//! Delegated permission grants, and admin consent in one call.

use casbah_authority::Caller;
use casbah_model::{
    AppRoleAssignment, Application, ConsentType, DelegatedScope, Guid, ObjectKind, PermissionGrant,
    ServicePrincipal, TenantId, Timestamp,
};
use casbah_store::audit::AuditRecord;
use casbah_store::{
    Tx, app_role_assignments, applications, audit, permission_grants, service_principals, users,
};
use serde_json::{Value as Json, json};

use super::app_role_assignments::check_may_give_roles;
use super::applications::{ApplicationKey, find, new_service_principal};
use super::changes;
use crate::{Error, Service};

pub use casbah_store::permission_grants::GrantSearch;

/// What an admin consent gave: names of permissions, by resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consented {
    /// The resource's name.
    pub resource: String,
    /// App roles, as they are in tokens.
    pub app_roles: Vec<String>,
    /// Delegated scopes, as they are in tokens.
    pub scopes: Vec<String>,
}

impl Service {
    /// Records a consent.
    pub async fn create_permission_grant(
        &self,
        caller: &Caller,
        client: Guid,
        resource: Guid,
        consent_type: ConsentType,
        scopes: Vec<String>,
    ) -> Result<PermissionGrant, Error> {
        let (tenant, now, id) = (caller.tenant, self.clock.now(), Guid::random());
        let details = json!({ "client": client, "resource": resource, "scopes": scopes });
        let record = caller.audit(now, "grant permission", "permission grant", id, details);
        self.store
            .write(move |tx| {
                if service_principals::find(tx, tenant, client)?.is_none() {
                    return Err(Error::invalid("clientId", "no service principal has this id."));
                }
                let api = resource_application(tx, tenant, resource)?;
                if let ConsentType::Principal(user) = consent_type
                    && users::find(tx, tenant, user)?.is_none()
                {
                    return Err(Error::invalid("principalId", "no user has this id."));
                }
                if permission_grants::find_same(tx, tenant, client, resource, consent_type)?.is_some() {
                    return Err(Error::Conflict(
                        "such a permission grant exists already; change it instead.".into(),
                    ));
                }
                let scopes = known_scopes(&api, &scopes, &[])?;
                let granted_by = record.actor.parse().ok();
                let grant =
                    PermissionGrant { id, client, resource, consent_type, scopes, created: now, granted_by };
                permission_grants::insert(tx, tenant, &grant)?;
                let mut record = record.clone();
                record.details = changes::between(&json!({}), &facts(&grant));
                audit::append(tx, tenant, &record)?;
                Ok(grant)
            })
            .await
    }

    /// A page of the consents, the oldest first.
    pub async fn search_permission_grants(
        &self,
        caller: &Caller,
        wanted: GrantSearch,
    ) -> Result<Vec<PermissionGrant>, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| Ok(permission_grants::search(tx, tenant, &wanted)?)).await
    }

    /// One consent.
    pub async fn fetch_permission_grant(&self, caller: &Caller, id: Guid) -> Result<PermissionGrant, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| permission_grants::find(tx, tenant, id)?.ok_or(Error::NotFound)).await
    }

    /// Replaces the scopes of a consent.
    pub async fn change_permission_grant(
        &self,
        caller: &Caller,
        id: Guid,
        scopes: Vec<String>,
    ) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "change permission grant", "permission grant", id, json!({}));
        self.store
            .write(move |tx| {
                let mut grant = permission_grants::find(tx, tenant, id)?.ok_or(Error::NotFound)?;
                let api = resource_application(tx, tenant, grant.resource)?;
                let before = grant.clone();
                grant.scopes = known_scopes(&api, &scopes, &before.scopes)?;
                grant.granted_by = record.actor.parse().ok().or(grant.granted_by);
                permission_grants::save(tx, tenant, &grant)?;
                let mut record = record.clone();
                record.details = changes::between(&facts(&before), &facts(&grant));
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }

    /// Withdraws a consent.
    pub async fn delete_permission_grant(&self, caller: &Caller, id: Guid) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let record = caller.audit(now, "withdraw permission", "permission grant", id, json!({}));
        self.store
            .write(move |tx| {
                let grant = permission_grants::find(tx, tenant, id)?.ok_or(Error::NotFound)?;
                permission_grants::delete(tx, tenant, id)?;
                let mut record = record.clone();
                record.details = changes::between(&facts(&grant), &json!({}));
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }

    /// Admin consent in one call: everything that the application asks for, as app roles for itself
    /// and as delegated permissions for everybody. Giving it again changes nothing.
    pub async fn grant_admin_consent(
        &self,
        caller: &Caller,
        key: ApplicationKey,
    ) -> Result<Vec<Consented>, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let seen = self.fetch_application(caller, key).await?.application;
        let ids: Vec<Guid> = (0..=2 * seen.required_access.len()).map(|_| Guid::random()).collect();
        let template = caller.audit(now, "grant admin consent", "application", seen.id, json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                // Fixed for this run, so that running again after a conflict draws nothing new.
                let mut ids = ids.iter().copied();
                let application = find(tx, tenant, key)?;
                for access in application.required_access.iter().filter(|access| access.is_role) {
                    check_may_give_roles(&caller, access.resource_app_id)?;
                }
                consent_to_all(tx, tenant, &application, now, &mut ids, &template)
            })
            .await
    }
}

/// Grants everything in `required_access`; takes the ids it needs from `ids`.
fn consent_to_all(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    application: &Application,
    now: Timestamp,
    ids: &mut impl Iterator<Item = Guid>,
    template: &AuditRecord,
) -> Result<Vec<Consented>, Error> {
    // Somebody widened the list since it was counted: the caller looks again.
    let mut draw =
        || ids.next().ok_or_else(|| Error::Conflict("the application was changed meanwhile.".into()));
    let client = match service_principals::find_by_app_id(tx, tenant, application.app_id)? {
        Some(principal) => principal,
        None => {
            let principal = new_service_principal(application, draw()?, now);
            service_principals::insert(tx, tenant, &principal)?;
            principal
        }
    };
    let granted_by: Option<Guid> = template.actor.parse().ok();
    let mut resources: Vec<Guid> = application.required_access.iter().map(|r| r.resource_app_id).collect();
    resources.sort_unstable();
    resources.dedup();
    let (mut held_before, mut consented) = (Vec::new(), Vec::new());
    for resource_app_id in resources {
        let (resource, api) = resource_of(tx, tenant, resource_app_id)?;
        let wanted: Vec<_> =
            application.required_access.iter().filter(|r| r.resource_app_id == resource_app_id).collect();
        let held = app_role_assignments::of_principal(tx, tenant, client.id)?;
        held_before.push(held_on(tx, tenant, client.id, (&resource, &api), &held)?);
        let mut given =
            Consented { resource: resource.display_name.clone(), app_roles: Vec::new(), scopes: Vec::new() };
        for access in wanted.iter().filter(|r| r.is_role) {
            let role = api
                .app_roles
                .iter()
                .find(|r| r.id == access.id && r.enabled)
                .ok_or_else(|| unknown(access.id))?;
            if given.app_roles.contains(&role.value) {
                continue;
            }
            given.app_roles.push(role.value.clone());
            if !held.iter().any(|a| a.resource == resource.id && a.app_role == role.id) {
                let assignment = AppRoleAssignment {
                    id: draw()?,
                    principal: client.id,
                    resource: resource.id,
                    app_role: role.id,
                    created: now,
                    principal_kind: ObjectKind::ServicePrincipal,
                    granted_by,
                };
                app_role_assignments::insert(tx, tenant, &assignment)?;
            }
        }
        for access in wanted.iter().filter(|r| !r.is_role) {
            let scope = api
                .scopes
                .iter()
                .find(|s| s.id == access.id && s.enabled)
                .ok_or_else(|| unknown(access.id))?;
            if !given.scopes.contains(&scope.value) {
                given.scopes.push(scope.value.clone());
            }
        }
        if !given.scopes.is_empty() {
            merge_grant(
                tx,
                tenant,
                client.id,
                resource.id,
                ConsentType::AllPrincipals,
                &given.scopes,
                (now, granted_by),
                &mut draw,
            )?;
        }
        consented.push(given);
    }
    let shown = |all: &[Consented]| {
        let one =
            |c: &Consented| json!({ "resource": c.resource, "appRoles": c.app_roles, "scopes": c.scopes });
        json!({ "permissions": all.iter().map(one).collect::<Vec<_>>() })
    };
    let mut held_after = consented.clone();
    for (after, before) in held_after.iter_mut().zip(&held_before) {
        unite(&mut after.app_roles, &before.app_roles);
        unite(&mut after.scopes, &before.scopes);
    }
    let record = template.changed(application.id, &shown(&held_before), &shown(&held_after));
    audit::append(tx, tenant, &record)?;
    Ok(consented)
}

/// What a client holds on a resource: app roles, and scopes for everybody.
fn held_on(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    client: Guid,
    (resource, api): (&ServicePrincipal, &Application),
    held: &[AppRoleAssignment],
) -> Result<Consented, Error> {
    let has = |role: Guid| held.iter().any(|a| a.resource == resource.id && a.app_role == role);
    let app_roles = api.app_roles.iter().filter(|role| has(role.id)).map(|role| role.value.clone());
    let everybody = ConsentType::AllPrincipals;
    let grant = permission_grants::find_same(tx, tenant, client, resource.id, everybody)?;
    Ok(Consented {
        resource: resource.display_name.clone(),
        app_roles: app_roles.collect(),
        scopes: grant.map(|grant| grant.scopes).unwrap_or_default(),
    })
}

/// Puts names into a list that are not in it yet.
fn unite(names: &mut Vec<String>, more: &[String]) {
    let missing: Vec<String> = more.iter().filter(|name| !names.contains(name)).cloned().collect();
    names.extend(missing);
}

/// Adds scopes to a consent, making it when there is none.
#[expect(clippy::too_many_arguments, reason = "the columns of one row")]
fn merge_grant(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    client: Guid,
    resource: Guid,
    consent_type: ConsentType,
    scopes: &[String],
    (now, granted_by): (Timestamp, Option<Guid>),
    draw: &mut impl FnMut() -> Result<Guid, Error>,
) -> Result<(), Error> {
    match permission_grants::find_same(tx, tenant, client, resource, consent_type)? {
        Some(mut grant) => {
            for scope in scopes {
                if !grant.scopes.contains(scope) {
                    grant.scopes.push(scope.clone());
                }
            }
            grant.granted_by = granted_by.or(grant.granted_by);
            permission_grants::save(tx, tenant, &grant)?;
        }
        None => {
            let scopes = scopes.to_vec();
            let id = draw()?;
            let grant =
                PermissionGrant { id, client, resource, consent_type, scopes, created: now, granted_by };
            permission_grants::insert(tx, tenant, &grant)?;
        }
    }
    Ok(())
}

fn unknown(id: Guid) -> Error {
    Error::invalid(
        "requiredResourceAccess",
        format!("the resource has no enabled permission with the id {id}."),
    )
}

/// The resource with an application id, as service principal and application.
fn resource_of(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    app_id: Guid,
) -> Result<(ServicePrincipal, Application), Error> {
    let missing = || {
        Error::invalid(
            "requiredResourceAccess",
            format!("the resource {app_id} does not exist in this tenant."),
        )
    };
    let principal = service_principals::find_by_app_id(tx, tenant, app_id)?.ok_or_else(missing)?;
    let application = applications::find_by_app_id(tx, tenant, app_id)?.ok_or_else(missing)?;
    Ok((principal, application))
}

fn resource_application(tx: &mut Tx<'_>, tenant: TenantId, resource: Guid) -> Result<Application, Error> {
    let missing = || Error::invalid("resourceId", "no service principal has this id.");
    let principal = service_principals::find(tx, tenant, resource)?.ok_or_else(missing)?;
    applications::find_by_app_id(tx, tenant, principal.app_id)?.ok_or_else(missing)
}

fn facts(grant: &PermissionGrant) -> Json {
    let principal = match grant.consent_type {
        ConsentType::AllPrincipals => None,
        ConsentType::Principal(user) => Some(user),
    };
    json!({ "client": grant.client, "resource": grant.resource, "principal": principal, "scopes": grant.scopes })
}

/// The scopes in the directory's spelling, each once. A disabled one can stay, but not be added.
fn known_scopes(api: &Application, asked: &[String], held: &[String]) -> Result<Vec<String>, Error> {
    let mut scopes: Vec<String> = Vec::new();
    for name in asked {
        let usable = |s: &&DelegatedScope| {
            s.value.eq_ignore_ascii_case(name) && (s.enabled || held.contains(&s.value))
        };
        let known = api.scopes.iter().find(usable).ok_or_else(|| {
            let all: Vec<&str> = api.scopes.iter().filter(|s| s.enabled).map(|s| s.value.as_str()).collect();
            Error::invalid(
                "scope",
                format!("{} has no scope {name:?}; it has {}.", api.display_name, all.join(", ")),
            )
        })?;
        if !scopes.contains(&known.value) {
            scopes.push(known.value.clone());
        }
    }
    if scopes.is_empty() {
        return Err(Error::invalid("scope", "at least one scope is needed."));
    }
    Ok(scopes)
}
