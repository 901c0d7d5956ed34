//! Service principals: applications inside the tenant.

use casbah_authority::{Caller, seed};
use casbah_model::{
    Application, ApplicationCertificate, ApplicationSecret, Guid, ServicePrincipal, TenantId,
};
use casbah_store::{
    Search, Tx, application_certificates, application_secrets, applications, audit, service_principals,
};
use serde_json::json;

use super::applications::{ApplicationKey, check_not_built_in, end_sign_ins, new_service_principal};
use super::{changes, facts, owners, registration};
use crate::{Error, Service};

/// A service principal with the application behind it, which holds its roles, scopes and addresses.
#[derive(Clone, Debug)]
pub struct ServicePrincipalDetails {
    /// The service principal.
    pub principal: ServicePrincipal,
    /// Its application.
    pub application: Application,
    /// The application's secrets, which are the service principal's too, the oldest first.
    pub secrets: Vec<ApplicationSecret>,
    /// The application's certificates, the oldest first.
    pub certificates: Vec<ApplicationCertificate>,
}

/// What to change about a service principal; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct ServicePrincipalChange {
    /// Whether it may get tokens and whether tokens for it are issued.
    pub enabled: Option<bool>,
    /// `appRoleAssignmentRequired`
    pub app_role_assignment_required: Option<bool>,
    /// Words that tools attach.
    pub tags: Option<Vec<String>>,
    /// A note for administrators.
    pub notes: Option<Option<String>>,
    /// `description`
    pub description: Option<Option<String>>,
    /// `alternativeNames`
    pub alternative_names: Option<Vec<String>>,
    /// `notificationEmailAddresses`
    pub notification_email_addresses: Option<Vec<String>>,
    /// `loginUrl`
    pub login_url: Option<Option<String>>,
    /// `preferredSingleSignOnMode`
    pub preferred_single_sign_on_mode: Option<Option<String>>,
}

impl ServicePrincipalChange {
    fn apply(self, principal: &mut ServicePrincipal) {
        let details = &mut principal.details;
        let keep = |new: Option<Option<String>>, old: &mut Option<String>| {
            if let Some(new) = new {
                *old = new;
            }
        };
        keep(self.notes, &mut details.notes);
        keep(self.description, &mut details.description);
        keep(self.login_url, &mut details.login_url);
        keep(self.preferred_single_sign_on_mode, &mut details.preferred_single_sign_on_mode);
        let keep = |new: Option<Vec<String>>, old: &mut Vec<String>| {
            if let Some(new) = new {
                *old = new;
            }
        };
        keep(self.tags, &mut details.tags);
        keep(self.alternative_names, &mut details.alternative_names);
        keep(self.notification_email_addresses, &mut details.notification_email_addresses);
        details.app_role_assignment_required =
            self.app_role_assignment_required.unwrap_or(details.app_role_assignment_required);
        principal.enabled = self.enabled.unwrap_or(principal.enabled);
    }
}

impl Service {
    /// Makes the service principal of an application; who makes it owns it.
    pub async fn create_service_principal(
        &self,
        caller: &Caller,
        app_id: Guid,
        change: ServicePrincipalChange,
        named: Vec<Guid>,
    ) -> Result<ServicePrincipalDetails, Error> {
        owners::check_may_create(caller)?;
        let (tenant, now, id, maker) =
            (caller.tenant, self.clock.now(), Guid::random(), owners::maker(caller));
        let template = caller.audit(
            now,
            "create service principal",
            "service principal",
            id,
            json!({ "appId": app_id }),
        );
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let application = applications::find_by_app_id(tx, tenant, app_id)?.ok_or_else(|| {
                    Error::invalid(
                        "appId",
                        format!("no application with the appId {app_id} is registered here."),
                    )
                })?;
                owners::check_may_manage(tx, &caller, &[application.id])?;
                if service_principals::find_by_app_id(tx, tenant, app_id)?.is_some() {
                    return Err(Error::Conflict(
                        "the application has a service principal in this tenant already.".into(),
                    ));
                }
                let mut principal = new_service_principal(&application, id, now);
                change.clone().apply(&mut principal);
                check(&principal)?;
                service_principals::insert(tx, tenant, &principal)?;
                owners::add_first(tx, tenant, id, maker, &named)?;
                let mut record = template.clone();
                record.details = changes::between(&json!({}), &facts::of_service_principal(&principal));
                audit::append(tx, tenant, &record)?;
                details(tx, tenant, principal, application)
            })
            .await
    }

    /// A page of the service principals.
    pub async fn search_service_principals(
        &self,
        caller: &Caller,
        wanted: Search,
    ) -> Result<Vec<ServicePrincipalDetails>, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let principals = service_principals::search(tx, tenant, &wanted)?;
                let ids: Vec<Guid> = principals.iter().map(|p| p.app_id).collect();
                let mut applications = applications::of_app_ids(tx, tenant, &ids)?;
                let mut found = Vec::with_capacity(principals.len());
                for principal in principals {
                    let at = applications.iter().position(|a| a.app_id == principal.app_id);
                    let Some(at) = at else { continue };
                    let application = applications.swap_remove(at);
                    found.push(details(tx, tenant, principal, application)?);
                }
                Ok(found)
            })
            .await
    }

    /// How many service principals fulfil a condition, on all pages.
    pub async fn count_service_principals(&self, caller: &Caller, wanted: Search) -> Result<i64, Error> {
        let tenant = caller.tenant;
        self.store.read(move |tx| Ok(service_principals::count(tx, tenant, &wanted)?)).await
    }

    /// Every service principal, by name, without the secrets.
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
                    let application = applications.swap_remove(at);
                    Some(ServicePrincipalDetails {
                        principal,
                        application,
                        secrets: Vec::new(),
                        certificates: Vec::new(),
                    })
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

    /// Changes a service principal.
    pub async fn change_service_principal(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        change: ServicePrincipalChange,
    ) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let action = match change.enabled {
            Some(true) => "enable service principal",
            Some(false) => "disable service principal",
            None => "change service principal",
        };
        let template = caller.audit(now, action, "service principal", "", json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let ServicePrincipalDetails { mut principal, application, .. } = find(tx, tenant, key)?;
                owners::check_may_manage(tx, &caller, &[principal.id, application.id])?;
                // Well-known clients may be shut out; the resources are what all else rests on.
                if [seed::CLOUD_APPS, seed::DIRECTORY].contains(&application.app_id) {
                    check_not_built_in(&application)?;
                }
                let before = facts::of_service_principal(&principal);
                change.clone().apply(&mut principal);
                check(&principal)?;
                service_principals::save(tx, tenant, &principal)?;
                let mut record = template.clone();
                record.target = principal.id.to_string();
                record.details = changes::between(&before, &facts::of_service_principal(&principal));
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }

    /// Puts a service principal among the deleted items; what it holds counts for nothing there.
    pub async fn delete_service_principal(&self, caller: &Caller, key: ApplicationKey) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "delete service principal", "service principal", "", json!({}));
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let ServicePrincipalDetails { principal, application, .. } = find(tx, tenant, key)?;
                check_not_built_in(&application)?;
                owners::check_may_manage(tx, &caller, &[principal.id, application.id])?;
                end_sign_ins(tx, tenant, principal.app_id, now)?;
                service_principals::soft_delete(tx, tenant, principal.id, now)?;
                let mut record = template.clone();
                record.target = principal.id.to_string();
                record.details = changes::between(&facts::of_service_principal(&principal), &json!({}));
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }
}

fn check(principal: &ServicePrincipal) -> Result<(), Error> {
    let details = &principal.details;
    registration::check_tags(&details.tags)?;
    registration::longest("notes", details.notes.as_deref(), 1024)?;
    registration::longest("description", details.description.as_deref(), 1024)?;
    registration::longest("loginUrl", details.login_url.as_deref(), 2048)?;
    let mode = details.preferred_single_sign_on_mode.as_deref();
    if mode.is_some_and(|mode| !["password", "saml", "notSupported", "oidc"].contains(&mode)) {
        return Err(Error::invalid(
            "preferredSingleSignOnMode",
            "must be password, saml, notSupported or oidc.",
        ));
    }
    for (field, list) in [
        ("alternativeNames", &details.alternative_names),
        ("notificationEmailAddresses", &details.notification_email_addresses),
    ] {
        if list.len() > 50 || list.iter().any(|text| text.is_empty() || text.chars().count() > 256) {
            return Err(Error::invalid(field, "at most 50, of 1 to 256 characters each."));
        }
    }
    Ok(())
}

fn details(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    principal: ServicePrincipal,
    application: Application,
) -> Result<ServicePrincipalDetails, Error> {
    let secrets = application_secrets::list(tx, tenant, application.id)?;
    let certificates = application_certificates::list(tx, tenant, application.id)?;
    Ok(ServicePrincipalDetails { principal, application, secrets, certificates })
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
    details(tx, tenant, principal, application)
}
