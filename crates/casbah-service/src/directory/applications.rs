//! Applications, as registered.

use casbah_authority::{Caller, seed};
use casbah_model::{
    AppRole, Application, ApplicationCertificate, ApplicationDetails, ApplicationSecret, DelegatedScope,
    Guid, RedirectUri, RedirectUriKind, RequiredAccess, ServicePrincipal, ServicePrincipalDetails, TenantId,
    Timestamp,
};
use casbah_store::{
    Tx, application_certificates, application_secrets, applications, audit, authorization_codes,
    device_codes, service_principals, token_families,
};
use serde_json::{Value, json};

use super::certificates::{self, CertificateEntry};
use super::{facts, names, redirect_uris};
use crate::{Error, Service};

/// How to name an application: both are ids, and Graph has a way to say which is meant.
#[derive(Clone, Copy, Debug)]
pub enum ApplicationKey {
    /// Object id.
    Id(Guid),
    /// Application (client) id.
    AppId(Guid),
}

/// An application with what remains of its secrets.
#[derive(Clone, Debug)]
pub struct ApplicationWithSecrets {
    /// The application.
    pub application: Application,
    /// Its secrets, the oldest first.
    pub secrets: Vec<ApplicationSecret>,
    /// Its certificates, the oldest first.
    pub certificates: Vec<ApplicationCertificate>,
}

/// An application to be registered.
#[derive(Clone, Debug, Default)]
pub struct NewApplication {
    /// Application id; drawn when none is given.
    pub app_id: Option<Guid>,
    /// Name for people.
    pub display_name: String,
    /// Whether it may sign people in without a credential of its own.
    pub public_client: bool,
    /// URIs that name it as a resource.
    pub identifier_uris: Vec<String>,
    /// Where codes may be sent.
    pub redirect_uris: Vec<RedirectUri>,
    /// App roles that it defines.
    pub app_roles: Vec<AppRole>,
    /// Delegated scopes that it defines.
    pub scopes: Vec<DelegatedScope>,
    /// Permissions that it asks for.
    pub required_access: Vec<RequiredAccess>,
    /// Version of access tokens for it as a resource, 1 or 2; none means 1.
    pub token_version: Option<u8>,
    /// Its certificates.
    pub certificates: Vec<CertificateEntry>,
}

/// What to change about an application; what is none stays.
#[derive(Clone, Debug, Default)]
pub struct ApplicationChange {
    /// Name for people.
    pub display_name: Option<String>,
    /// Whether it may sign people in without a credential of its own.
    pub public_client: Option<bool>,
    /// URIs that name it as a resource.
    pub identifier_uris: Option<Vec<String>>,
    /// Where codes may be sent: the whole list for each kind of client that is named.
    pub redirect_uris: Vec<(RedirectUriKind, Vec<String>)>,
    /// Permissions that it asks for, the whole list.
    pub required_access: Option<Vec<RequiredAccess>>,
    /// Version of access tokens for it as a resource, 1 or 2.
    pub token_version: Option<u8>,
    /// Its certificates, the whole list.
    pub certificates: Option<Vec<CertificateEntry>>,
}

impl ApplicationChange {
    /// Whether there is anything to change.
    pub fn is_any(&self) -> bool {
        let ApplicationChange {
            display_name,
            public_client,
            identifier_uris,
            redirect_uris,
            required_access,
            token_version,
            certificates,
        } = self;
        display_name.is_some()
            || public_client.is_some()
            || identifier_uris.is_some()
            || !redirect_uris.is_empty()
            || required_access.is_some()
            || token_version.is_some()
            || certificates.is_some()
    }
}

impl Service {
    /// Registers an application. It gets no service principal yet, as in Entra.
    pub async fn create_application(
        &self,
        caller: &Caller,
        new: NewApplication,
    ) -> Result<Application, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let application = Application {
            id: Guid::random(),
            app_id: new.app_id.unwrap_or_else(Guid::random),
            display_name: names::display_name("displayName", &new.display_name)?,
            public_client: new.public_client,
            identifier_uris: new.identifier_uris,
            redirect_uris: new.redirect_uris,
            app_roles: new.app_roles,
            scopes: new.scopes,
            required_access: new.required_access,
            token_version: new.token_version.unwrap_or(1),
            created: now,
            details: ApplicationDetails::default(),
        };
        check(&application)?;
        let details = json!({ "appId": application.app_id, "displayName": application.display_name });
        let record = caller.audit(now, "create application", "application", application.id, details);
        self.store
            .write(move |tx| {
                if applications::find_by_app_id(tx, tenant, application.app_id)?.is_some() {
                    return Err(Error::Conflict("another application has this appId already.".into()));
                }
                check_identifiers_free(tx, tenant, &application)?;
                applications::insert(tx, tenant, &application)?;
                certificates::replace(tx, tenant, &application, &new.certificates)?;
                let after = facts::of_application(&application);
                audit::append(tx, tenant, &record.changed(application.id, &Value::Null, &after))?;
                Ok(application.clone())
            })
            .await
    }

    /// Every application, by name.
    pub async fn list_applications(&self, caller: &Caller) -> Result<Vec<ApplicationWithSecrets>, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let all = applications::list(tx, tenant)?;
                all.into_iter().map(|application| details(tx, tenant, application)).collect()
            })
            .await
    }

    /// One application.
    pub async fn fetch_application(
        &self,
        caller: &Caller,
        key: ApplicationKey,
    ) -> Result<ApplicationWithSecrets, Error> {
        let tenant = caller.tenant;
        self.store
            .read(move |tx| {
                let application = find(tx, tenant, key)?;
                details(tx, tenant, application)
            })
            .await
    }

    /// Changes an application.
    pub async fn change_application(
        &self,
        caller: &Caller,
        key: ApplicationKey,
        change: ApplicationChange,
    ) -> Result<Application, Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let display_name = change.display_name.map(|n| names::display_name("displayName", &n)).transpose()?;
        let template = caller.audit(now, "change application", "application", "", json!({}));
        self.store
            .write(move |tx| {
                let mut application = find(tx, tenant, key)?;
                check_not_built_in(&application)?;
                let before = facts::of_application(&application);
                application.display_name = display_name.clone().unwrap_or(application.display_name);
                application.public_client = change.public_client.unwrap_or(application.public_client);
                application.identifier_uris =
                    change.identifier_uris.clone().unwrap_or(application.identifier_uris);
                for (kind, uris) in &change.redirect_uris {
                    application.redirect_uris.retain(|r| r.kind != *kind);
                    let uris = uris.iter().map(|uri| RedirectUri { uri: uri.clone(), kind: *kind });
                    application.redirect_uris.extend(uris);
                }
                application.required_access =
                    change.required_access.clone().unwrap_or(application.required_access);
                application.token_version = change.token_version.unwrap_or(application.token_version);
                check(&application)?;
                check_identifiers_free(tx, tenant, &application)?;
                applications::save(tx, tenant, &application)?;
                // The service principal shows the application's name, on consent pages above all.
                if let Some(mut principal) =
                    service_principals::find_by_app_id(tx, tenant, application.app_id)?
                {
                    principal.display_name.clone_from(&application.display_name);
                    service_principals::save(tx, tenant, &principal)?;
                }
                let mut record =
                    template.changed(application.id, &before, &facts::of_application(&application));
                if let Some(entries) = &change.certificates {
                    let (before, after) = certificates::replace(tx, tenant, &application, entries)?;
                    record = record.changed(application.id, &before, &after);
                }
                audit::append(tx, tenant, &record)?;
                Ok(application)
            })
            .await
    }

    /// Deletes an application, its secrets, its service principal and every consent.
    pub async fn delete_application(&self, caller: &Caller, key: ApplicationKey) -> Result<(), Error> {
        let (tenant, now) = (caller.tenant, self.clock.now());
        let template = caller.audit(now, "delete application", "application", "", json!({}));
        self.store
            .write(move |tx| {
                let application = find(tx, tenant, key)?;
                check_not_built_in(&application)?;
                end_sign_ins(tx, tenant, application.app_id, now)?;
                applications::delete(tx, tenant, application.id)?;
                let before = facts::of_application(&application);
                let record = template.changed(application.id, &before, &Value::Null);
                audit::append(tx, tenant, &record)?;
                Ok(())
            })
            .await
    }
}

/// The application that a key names.
pub(crate) fn find(tx: &mut Tx<'_>, tenant: TenantId, key: ApplicationKey) -> Result<Application, Error> {
    let found = match key {
        ApplicationKey::Id(id) => applications::find(tx, tenant, id)?,
        ApplicationKey::AppId(app_id) => applications::find_by_app_id(tx, tenant, app_id)?,
    };
    found.ok_or(Error::NotFound)
}

fn details(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    application: Application,
) -> Result<ApplicationWithSecrets, Error> {
    let secrets = application_secrets::list(tx, tenant, application.id)?;
    let certificates = application_certificates::list(tx, tenant, application.id)?;
    Ok(ApplicationWithSecrets { application, secrets, certificates })
}

/// Ends every sign-in to an application that is being deleted: they are known by its application id,
/// and would live again with the next application of that id.
pub(super) fn end_sign_ins(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    app_id: Guid,
    now: Timestamp,
) -> Result<(), Error> {
    token_families::revoke_of_application(tx, tenant, app_id, now)?;
    authorization_codes::remove_of_application(tx, tenant, app_id)?;
    device_codes::remove_of_application(tx, tenant, app_id)?;
    Ok(())
}

/// The service principal that an application gets in its tenant.
pub(crate) fn new_service_principal(application: &Application, id: Guid, now: Timestamp) -> ServicePrincipal {
    ServicePrincipal {
        id,
        app_id: application.app_id,
        display_name: application.display_name.clone(),
        enabled: true,
        created: now,
        details: ServicePrincipalDetails::default(),
    }
}

/// The applications that come with every tenant are what permissions and sign-in rest on.
pub(super) fn check_not_built_in(application: &Application) -> Result<(), Error> {
    if [seed::CLOUD_APPS, seed::DIRECTORY, seed::CLI].contains(&application.app_id) {
        return Err(Error::Forbidden {
            needs: format!("{} comes with Casbah and cannot be changed.", application.display_name),
        });
    }
    Ok(())
}

fn check(application: &Application) -> Result<(), Error> {
    redirect_uris::check_all(&application.redirect_uris)?;
    if !matches!(application.token_version, 1 | 2) {
        return Err(Error::invalid("requestedAccessTokenVersion", "must be 1 or 2."));
    }
    if application.identifier_uris.len() > 50 {
        return Err(Error::invalid("identifierUris", "an application has at most 50 identifier URIs."));
    }
    for uri in &application.identifier_uris {
        check_identifier(uri, application.app_id)?;
    }
    Ok(())
}

/// Identifier URIs are `https://…`, `api://…` or `urn:…`, without blanks, and none looks like
/// another application's id.
fn check_identifier(uri: &str, app_id: Guid) -> Result<(), Error> {
    let lower = uri.to_ascii_lowercase();
    let form = ["https://", "api://", "urn:"].iter().any(|p| lower.len() > p.len() && lower.starts_with(p));
    let clean =
        uri.is_ascii() && !uri.bytes().any(|b| b.is_ascii_control() || b" \"<>\\^`{|}#?*".contains(&b));
    if !form || !clean || uri.len() > 255 {
        return Err(Error::invalid(
            "identifierUris",
            format!(
                "{uri:?}: must be an https, api or urn URI of at most 255 characters, without blanks, ? and #."
            ),
        ));
    }
    let id = lower.strip_prefix("api://").and_then(|rest| rest.split('/').next()?.parse::<Guid>().ok());
    if id.is_some_and(|id| id != app_id) {
        return Err(Error::invalid(
            "identifierUris",
            format!("{uri:?} carries the id of another application."),
        ));
    }
    Ok(())
}

fn check_identifiers_free(tx: &mut Tx<'_>, tenant: TenantId, application: &Application) -> Result<(), Error> {
    for (position, uri) in application.identifier_uris.iter().enumerate() {
        let holder = applications::find_by_identifier_uri(tx, tenant, uri)?;
        let twice = application.identifier_uris[..position].iter().any(|u| u.eq_ignore_ascii_case(uri));
        if twice || holder.is_some_and(|h| h.id != application.id) {
            return Err(Error::Conflict(format!("the identifier URI {uri} is taken.")));
        }
    }
    Ok(())
}
