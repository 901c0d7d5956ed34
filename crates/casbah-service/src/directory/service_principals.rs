//! Service principals: applications inside the tenant.

use casbah_authority::{Caller, seed};
use casbah_model::{Application, Guid, ServicePrincipal, TenantId};
use casbah_store::{Tx, applications, audit, service_principals};
use serde_json::{Value, json};

use super::applications::{ApplicationKey, check_not_built_in, end_sign_ins, new_service_principal};
use super::facts;
use crate::{Error, Service};

/// A service principal with the application behind it, which holds its roles, scopes and addresses.
#[derive(Clone, Debug)]
pub struct ServicePrincipalDetails {
    /// The service principal.
    pub principal: ServicePrincipal,
    /// Its application.
    pub application: Application,
}

impl Service {
    /// Makes the service principal of an application.
    pub async fn create_service_principal(
        &self,
        caller: &Caller,
        app_id: Guid,
        enabled: bool,
    ) -> Result<ServicePrincipalDetails, Error> {
        let (tenant, now, id) = (caller.tenant, self.clock.now(), Guid::random());
        let record = caller.audit(
            now,
            "create service principal",
            "service principal",
            id,
            json!({ "appId": app_id }),
        );
        self.store
            .write(move |tx| {
                let application = applications::find_by_app_id(tx, tenant, app_id)?.ok_or_else(|| {
                    Error::invalid(
                        "appId",
                        format!("no application with the appId {app_id} is registered here."),
                    )
                })?;
                if service_principals::find_by_app_id(tx, tenant, app_id)?.is_some() {
                    return Err(Error::Conflict(
                        "the application has a service principal in this tenant already.".into(),
                    ));
                }
                let mut principal = new_service_principal(&application, id, now);
                principal.enabled = enabled;
                service_principals::insert(tx, tenant, &principal)?;
                audit::append(tx, tenant, &record)?;
                Ok(ServicePrincipalDetails { principal, application })
            })
            .await
    }

    /// Every service principal, by name.
    pub async fn list_service_principals(
        &self,
        caller: &Caller,
    ) -> Result<Vec<ServicePrincipalDetails>, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let mut applications = applications::list(tx, tenant)?;
                let principals = service_principals::list(tx, tenant)?.into_iter();
                let details = principals.filter_map(|principal| {
                    let at = applications.iter().position(|a| a.app_id == principal.app_id)?;
                    Some(ServicePrincipalDetails { principal, application: applications.swap_remove(at) })
                });
                Ok(details.collect())
            })
            .await
    }

    /// One service principal; the key's object id is its own, not the application's.
    pub async fn fetch_service_principal(
        &self,
        caller: &Caller,
        key: ApplicationKey,
    ) -> Result<ServicePrincipalDetails, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| find(tx, tenant, key)).await
    }

    /// Lets a service principal get tokens, or no longer.
    pub async fn enable_service_principal(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        enabled: bool,
    ) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let action = if enabled { "enable service principal" } else { "disable service principal" };
        let template = caller.audit(now, action, "service principal", "", json!({}));
        self.store
            .write(move |tx| {
                let ServicePrincipalDetails { mut principal, application } = find(tx, tenant, key)?;
                // The command line's client may be shut out; the resources are what all else rests on.
                if !enabled && application.app_id != seed::CLI {
                    check_not_built_in(&application)?;
                }
                let before = facts::of_service_principal(&principal);
                principal.enabled = enabled;
                service_principals::save(tx, tenant, &principal)?;
                let after = facts::of_service_principal(&principal);
                audit::append(tx, tenant, &template.changed(principal.id, &before, &after))?;
                Ok(())
            })
            .await
    }

    /// Deletes a service principal with its roles and every consent.
    pub async fn delete_service_principal(&self, caller: &Caller, key: ApplicationKey) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "delete service principal", "service principal", "", json!({}));
        self.store
            .write(move |tx| {
                let ServicePrincipalDetails { principal, application } = find(tx, tenant, key)?;
                check_not_built_in(&application)?;
                end_sign_ins(tx, tenant, principal.app_id, now)?;
                service_principals::delete(tx, tenant, principal.id)?;
                let before = facts::of_service_principal(&principal);
                audit::append(tx, tenant, &template.changed(principal.id, &before, &Value::Null))?;
                Ok(())
            })
            .await
    }
}

/// The service principal that a key names, with its application.
pub(crate) fn find(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    key: ApplicationKey,
) -> Result<ServicePrincipalDetails, Error> {
    let found = match key {
        ApplicationKey::Id(id) => service_principals::find(tx, tenant, id)?,
        ApplicationKey::AppId(app_id) => service_principals::find_by_app_id(tx, tenant, app_id)?,
    };
    let principal = found.ok_or(Error::NotFound)?;
    let application = applications::find_by_app_id(tx, tenant, principal.app_id)?.ok_or(Error::NotFound)?;
    Ok(ServicePrincipalDetails { principal, application })
}
