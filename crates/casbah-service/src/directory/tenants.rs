//! Tenants.

use casbah_authority::Caller;
use casbah_authority::seed::{self, BuiltIn};
use casbah_model::{DelegatedScope, Guid, PermissionGrant, RequiredAccess, Tenant, TenantId, random};
use casbah_store::{Tx, applications, audit, permission_grants, service_principals, tenants};
use serde_json::{Value as Json, json};

use super::names;
use crate::{Error, Service};

/// A tenant to be made.
#[derive(Clone, Debug, Default)]
pub struct NewTenant {
    /// Its id; drawn when none is given.
    pub id: Option<TenantId>,
    /// Its eight-digit number; drawn when none is given.
    pub number: Option<i64>,
    /// The name shown to people.
    pub display_name: String,
    /// Its domains, the default one first.
    pub domains: Vec<String>,
}

impl Service {
    /// Makes a tenant with the applications that every tenant has. For the operator: there is no
    /// caller, because a caller always belongs to a tenant.
    pub async fn create_tenant(&self, new: NewTenant) -> Result<Tenant, Error> {
        let now = self.clock.now();
        let domains = new.domains.iter().map(|d| names::domain(d)).collect::<Result<Vec<_>, _>>()?;
        if domains.is_empty() {
            return Err(Error::invalid("domains", "a tenant needs at least one domain."));
        }
        if new.number.is_some_and(|n| !(10_000_000..100_000_000).contains(&n)) {
            return Err(Error::invalid("number", "must have eight digits."));
        }
        // Drawn before the transaction, which may run twice; several, should one be taken.
        let numbers: Vec<i64> = match new.number {
            Some(number) => vec![number],
            None => (0..8).map(|_| 10_000_000 + random::below(90_000_000).cast_signed()).collect(),
        };
        let tenant = Tenant {
            id: new.id.unwrap_or_else(|| TenantId(Guid::random())),
            number: numbers[0],
            display_name: names::display_name("displayName", &new.display_name)?,
            domains,
            created: now,
        };
        let built_in = seed::built_in(now, &self.settings.public_url);
        let caller = Caller::system(tenant.id, tenant.number);
        let record = caller.audit(now, "create tenant", "tenant", tenant.id, json!({}));
        self.store
            .write(move |tx| {
                let mut tenant = tenant.clone();
                if tenants::find(tx, tenant.id)?.is_some() {
                    return Err(Error::Conflict("a tenant with this id exists already.".into()));
                }
                for domain in &tenant.domains {
                    if tenants::find_by_domain(tx, domain)?.is_some() {
                        return Err(Error::Conflict(format!(
                            "the domain {domain} belongs to a tenant already."
                        )));
                    }
                }
                let mut free = None;
                for number in &numbers {
                    if !tenants::has_number(tx, *number)? {
                        free = Some(*number);
                        break;
                    }
                }
                tenant.number =
                    free.ok_or_else(|| Error::Conflict("a tenant with this number exists already.".into()))?;
                tenants::insert(tx, &tenant)?;
                insert_built_in(tx, tenant.id, &built_in)?;
                audit::append(tx, tenant.id, &record.changed(tenant.id, &Json::Null, &facts(&tenant)))?;
                Ok(tenant)
            })
            .await
    }

    /// Gives a tenant another name and other domains; answers whether anything was different.
    pub async fn change_tenant(
        &self,
        caller: &Caller,
        display_name: &str,
        domains: &[String],
    ) -> Result<(Tenant, bool), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let display_name = names::display_name("displayName", display_name)?;
        let domains = domains.iter().map(|d| names::domain(d)).collect::<Result<Vec<_>, _>>()?;
        if domains.is_empty() {
            return Err(Error::invalid("domains", "a tenant needs at least one domain."));
        }
        let record = caller.audit(now, "change tenant", "tenant", tenant, json!({}));
        self.store
            .write(move |tx| {
                let mut found = tenants::find(tx, tenant)?.ok_or(Error::NotFound)?;
                if found.display_name == display_name && found.domains == domains {
                    return Ok((found, false));
                }
                for domain in &domains {
                    if tenants::find_by_domain(tx, domain)?.is_some_and(|t| t.id != tenant) {
                        return Err(Error::Conflict(format!(
                            "the domain {domain} belongs to another tenant."
                        )));
                    }
                }
                let before = facts(&found);
                found.display_name.clone_from(&display_name);
                found.domains.clone_from(&domains);
                tenants::save(tx, &found)?;
                audit::append(tx, tenant, &record.changed(tenant, &before, &facts(&found)))?;
                Ok((found, true))
            })
            .await
    }

    /// Gives every tenant what new ones start with: a release can bring well-known clients, and permissions
    /// of the built-in resources. What is there is left as it is, consent that was withdrawn above all. For
    /// the start; several nodes may do it at once.
    pub async fn complete_tenants(&self) -> Result<(), Error> {
        let now = self.clock.now();
        for tenant in self.list_tenants().await? {
            let built_in = seed::built_in(now, &self.settings.public_url);
            let caller = Caller::system(tenant.id, tenant.number);
            let record = caller.audit(now, "complete tenant", "tenant", tenant.id, json!({}));
            let done = self.store.write(move |tx| complete(tx, tenant.id, &built_in, &record)).await;
            match done {
                // Another node was faster.
                Err(Error::Conflict(_)) => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Every tenant. For the operator.
    pub async fn list_tenants(&self) -> Result<Vec<Tenant>, Error> {
        self.store.read(|tx| Ok(tenants::all(tx)?)).await
    }

    /// The caller's tenant.
    pub async fn fetch_tenant(&self, caller: &Caller) -> Result<Tenant, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| tenants::find(tx, tenant)?.ok_or(Error::NotFound)).await
    }

    /// Casbah itself, acting in a tenant: for the operator's own work.
    pub async fn system_caller(&self, tenant: TenantId) -> Result<Caller, Error> {
        let tenant = self.store.read(move |tx| tenants::find(tx, tenant)?.ok_or(Error::NotFound)).await?;
        Ok(Caller::system(tenant.id, tenant.number))
    }
}

/// What the audit trail says of a tenant.
fn facts(tenant: &Tenant) -> Json {
    json!({ "displayName": tenant.display_name, "domains": tenant.domains })
}

/// Adds the built-in applications that a tenant lacks, and to those that it has the permissions they define by
/// now.
fn complete(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    built_in: &BuiltIn,
    record: &audit::AuditRecord,
) -> Result<(), Error> {
    let mut added: Vec<String> = Vec::new();
    // Object ids of the seed, and those that the tenant has for the same.
    let mut ids: Vec<(Guid, Guid)> = Vec::new();
    let mut fresh: Vec<Guid> = Vec::new();
    // Scopes that no version before this one had: nobody can have withdrawn consent to them.
    let mut new_scopes: Vec<(Guid, DelegatedScope)> = Vec::new();
    for (application, principal) in built_in.applications.iter().zip(&built_in.service_principals) {
        match applications::find_by_app_id(tx, tenant, application.app_id)? {
            None => {
                applications::insert(tx, tenant, application)?;
                added.push(application.display_name.clone());
            }
            Some(mut known) => {
                let roles =
                    application.app_roles.iter().filter(|r| !known.app_roles.iter().any(|k| k.id == r.id));
                let scopes = application.scopes.iter().filter(|s| !known.scopes.iter().any(|k| k.id == s.id));
                let (roles, scopes): (Vec<_>, Vec<_>) = (roles.cloned().collect(), scopes.cloned().collect());
                let resource = [seed::CLOUD_APPS, seed::DIRECTORY].contains(&application.app_id);
                if resource && !(roles.is_empty() && scopes.is_empty()) {
                    added.extend(
                        roles.iter().map(|r| r.value.clone()).chain(scopes.iter().map(|s| s.value.clone())),
                    );
                    known.app_roles.extend(roles);
                    new_scopes.extend(scopes.iter().map(|scope| (application.app_id, scope.clone())));
                    known.scopes.extend(scopes);
                    applications::save(tx, tenant, &known)?;
                }
                let asks = |access: &&RequiredAccess| {
                    let is_new = |(resource, scope): &(Guid, DelegatedScope)| {
                        *resource == access.resource_app_id && scope.id == access.id
                    };
                    !access.is_role
                        && new_scopes.iter().any(is_new)
                        && !known.required_access.contains(access)
                };
                let wanted: Vec<_> = application.required_access.iter().filter(asks).cloned().collect();
                if !wanted.is_empty() {
                    known.required_access.extend(wanted);
                    applications::save(tx, tenant, &known)?;
                }
                // The portal is where the operator has put it.
                if application.app_id == seed::PORTAL && known.redirect_uris != application.redirect_uris {
                    known.redirect_uris.clone_from(&application.redirect_uris);
                    added.push(application.redirect_uris[0].uri.clone());
                    applications::save(tx, tenant, &known)?;
                }
            }
        }
        match service_principals::find_by_app_id(tx, tenant, application.app_id)? {
            // The service principal of a well-known client was deleted: that is an administrator's to do.
            None if !added.contains(&application.display_name) => {}
            None => {
                service_principals::insert(tx, tenant, principal)?;
                fresh.push(principal.id);
                ids.push((principal.id, principal.id));
            }
            Some(known) => ids.push((principal.id, known.id)),
        }
    }
    let known = |seeded: Guid| ids.iter().find(|(id, _)| *id == seeded).map(|(_, known)| *known);
    for grant in &built_in.permission_grants {
        let (Some(client), Some(resource)) = (known(grant.client), known(grant.resource)) else { continue };
        if fresh.contains(&grant.client) {
            permission_grants::insert(tx, tenant, &PermissionGrant { client, resource, ..grant.clone() })?;
            continue;
        }
        // Of an older consent, what it says of new scopes; the rest of it is an administrator's.
        let held = permission_grants::find_same(tx, tenant, client, resource, grant.consent_type)?;
        let Some(mut held) = held else { continue };
        let is_new = |value: &&String| new_scopes.iter().any(|(_, scope)| scope.value == **value);
        let more: Vec<_> = grant.scopes.iter().filter(is_new).filter(|s| !held.scopes.contains(s)).collect();
        if !more.is_empty() {
            held.scopes.extend(more.into_iter().cloned());
            permission_grants::save(tx, tenant, &held)?;
        }
    }
    if !added.is_empty() {
        let mut record = record.clone();
        record.details = json!({ "before": {}, "after": { "added": added } });
        audit::append(tx, tenant, &record)?;
    }
    Ok(())
}

fn insert_built_in(tx: &mut Tx<'_>, tenant: TenantId, built_in: &BuiltIn) -> Result<(), Error> {
    for application in &built_in.applications {
        applications::insert(tx, tenant, application)?;
    }
    for principal in &built_in.service_principals {
        service_principals::insert(tx, tenant, principal)?;
    }
    for grant in &built_in.permission_grants {
        permission_grants::insert(tx, tenant, grant)?;
    }
    Ok(())
}
